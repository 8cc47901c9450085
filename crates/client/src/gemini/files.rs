//! Calls on files.

use std::ops::RangeBounds;
use std::path::PathBuf;

use bytes::Bytes;
use gimmal_api::gemini::{ByteRange, FileRef, Gemini, UploadContent};
use gimmal_api::{Pager, Poller};
use gimmal_transport::download::Downloaded;
use gimmal_transport::{ByteStream, CallOptions, Error, Response, ResumableUpload, UploadSession};
use gimmal_types::gemini::{
    DeleteFileResponse, File, ListFilesConfig, RegisterFilesRequest, RegisterFilesResponse,
    UploadFileConfig,
};
use secrecy::SecretString;

/// The group of calls on files; developer API only.
#[derive(Clone, Debug)]
pub struct Files {
    api: Gemini,
}

impl Files {
    pub(super) fn new(api: Gemini) -> Self {
        Self { api }
    }

    /// Uploads a file on the disk, bytes, or a reader: a text is a path, and everything else is
    /// made with [`Source`](gimmal_transport::Source).
    ///
    /// ```no_run
    /// # async fn run(client: gimmal_client::gemini::GeminiClient) -> Result<(), gimmal_client::Error> {
    /// let upload = client.files().upload("talk.mp4").set_display_name("Talk");
    /// let file = upload.send().await?.into_body();
    /// let file = client.files().wait_until_active(&file).await?;
    /// println!("{}", file.uri.unwrap_or_default());
    /// # Ok(()) }
    /// ```
    pub fn upload(&self, content: impl Into<UploadContent>) -> UploadFile {
        UploadFile {
            upload: ResumableUpload::new(self.api.transport()),
            api: self.api.clone(),
            content: content.into(),
            config: UploadFileConfig::new(),
        }
    }

    /// Describes a file.
    pub fn get(&self, file: impl Into<FileRef>) -> GetFile {
        GetFile {
            api: self.api.clone(),
            file: file.into(),
            options: CallOptions::default(),
        }
    }

    /// Waits until a file can be used, in this process or another than the one that uploaded it.
    ///
    /// The poller fails with the service's reason when the file cannot be used, and after ten
    /// minutes unless set otherwise.
    pub fn wait_until_active(&self, file: impl Into<FileRef>) -> Poller<File> {
        let file = file.into();
        // A bad name fails when the poller is awaited.
        let name = match file.id() {
            Ok(id) => format!("files/{id}"),
            Err(_) => file.as_given().unwrap_or_default().to_owned(),
        };
        Poller::from_name(self.api.clone(), name)
    }

    /// Lists the files.
    pub fn list(&self) -> ListFilesCall {
        ListFilesCall {
            api: self.api.clone(),
            config: ListFilesConfig::new(),
            options: CallOptions::default(),
        }
    }

    /// Deletes a file.
    pub fn delete(&self, file: impl Into<FileRef>) -> DeleteFile {
        DeleteFile {
            api: self.api.clone(),
            file: file.into(),
            options: CallOptions::default(),
        }
    }

    /// Reads a file that a model made: into memory, as it arrives, or to the disk.
    ///
    /// ```no_run
    /// # async fn run(client: gimmal_client::gemini::GeminiClient) -> Result<(), gimmal_client::Error> {
    /// let files = client.files();
    /// let first_kilobyte = files.download("files/abc").set_range(..1024).send().await?;
    /// let saved = files.download("files/abc").save("film.mp4").await?;
    /// println!("{} of {} bytes", first_kilobyte.body().len(), saved.bytes);
    /// # Ok(()) }
    /// ```
    pub fn download(&self, file: impl Into<FileRef>) -> DownloadFile {
        DownloadFile {
            api: self.api.clone(),
            file: file.into(),
            range: None,
            overwrite: false,
            options: CallOptions::default(),
        }
    }

    /// Makes files of objects in Cloud Storage, without a copy.
    ///
    /// `access_token` is of an account that may read the objects.
    pub fn register<U: Into<String>>(
        &self,
        access_token: impl Into<SecretString>,
        uris: impl IntoIterator<Item = U>,
    ) -> RegisterFiles {
        RegisterFiles {
            api: self.api.clone(),
            request: RegisterFilesRequest::new().set_uris(uris),
            access_token: access_token.into(),
            quota_project: None,
            options: CallOptions::default(),
        }
    }
}

/// A `files.upload` call in the making.
///
/// After a failure it asks the server how much it has and goes on from there. To go on after the
/// process has ended, [`start`](Self::start) it, save the session, and [`resume`](Self::resume).
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`, `start` or `resume`"]
pub struct UploadFile {
    api: Gemini,
    content: UploadContent,
    config: UploadFileConfig,
    upload: ResumableUpload,
}

uploads!(UploadFile);

impl UploadFile {
    /// Replaces the whole configuration.
    pub fn set_config(mut self, config: UploadFileConfig) -> Self {
        self.config = config;
        self
    }

    /// The name of the file, with or without `files/`; the service makes one up otherwise.
    pub fn set_name(mut self, name: impl Into<String>) -> Self {
        self.config = self.config.set_name(name);
        self
    }

    /// The media type; guessed from the ending of the file's name otherwise.
    pub fn set_mime_type(mut self, mime_type: impl Into<String>) -> Self {
        self.config = self.config.set_mime_type(mime_type);
        self
    }

    /// A name for people.
    pub fn set_display_name(mut self, name: impl Into<String>) -> Self {
        self.config = self.config.set_display_name(name);
        self
    }

    /// Uploads.
    ///
    /// # Errors
    ///
    /// As [`Gemini::upload_file`].
    pub async fn send(self) -> Result<Response<File>, Error> {
        self.api
            .upload_file(&self.upload, &self.content, &self.config)
            .await
    }

    /// Opens the upload without sending anything of the content.
    ///
    /// # Errors
    ///
    /// As [`Gemini::start_file_upload`].
    pub async fn start(&self) -> Result<UploadSession, Error> {
        self.api
            .start_file_upload(&self.upload, &self.content, &self.config)
            .await
    }

    /// Goes on with an upload that was opened, here or in another process, to its end.
    ///
    /// # Errors
    ///
    /// As [`Gemini::resume_file_upload`].
    pub async fn resume(self, session: &UploadSession) -> Result<Response<File>, Error> {
        self.api
            .resume_file_upload(&self.upload, session, &self.content)
            .await
    }
}

/// A `files.get` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct GetFile {
    api: Gemini,
    file: FileRef,
    options: CallOptions,
}

impl GetFile {
    /// Options of this call.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Sends.
    ///
    /// # Errors
    ///
    /// As [`Gemini::get_file`].
    pub async fn send(self) -> Result<Response<File>, Error> {
        self.api.get_file(&self.file, &self.options).await
    }
}

/// A `files.list` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before the items are read"]
pub struct ListFilesCall {
    api: Gemini,
    config: ListFilesConfig,
    options: CallOptions,
}

paged!(ListFilesCall, config);

impl ListFilesCall {
    /// Replaces the whole configuration.
    pub fn set_config(mut self, config: ListFilesConfig) -> Self {
        self.config = config;
        self
    }

    /// The files, one by one; [`Pager::pages`] gives them by page.
    pub fn items(self) -> Pager<File> {
        self.api.list_files(self.config, self.options)
    }
}

/// A `files.delete` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct DeleteFile {
    api: Gemini,
    file: FileRef,
    options: CallOptions,
}

impl DeleteFile {
    /// Options of this call.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Sends.
    ///
    /// # Errors
    ///
    /// As [`Gemini::delete_file`].
    pub async fn send(self) -> Result<Response<DeleteFileResponse>, Error> {
        self.api.delete_file(&self.file, &self.options).await
    }
}

/// A `files.download` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`, `stream` or `save`"]
pub struct DownloadFile {
    api: Gemini,
    file: FileRef,
    range: Option<ByteRange>,
    overwrite: bool,
    options: CallOptions,
}

impl DownloadFile {
    /// Only these bytes.
    pub fn set_range(mut self, range: impl RangeBounds<u64>) -> Self {
        self.range = Some(ByteRange::new(range));
        self
    }

    /// Lets [`save`](Self::save) replace a file that is there.
    pub fn with_overwrite(mut self) -> Self {
        self.overwrite = true;
        self
    }

    /// Options of this call.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Reads it into memory, up to the limit of
    /// [`CallOptions::with_max_response_bytes`].
    ///
    /// # Errors
    ///
    /// As [`Gemini::download_file`].
    pub async fn send(self) -> Result<Response<Bytes>, Error> {
        self.api
            .download_file(&self.file, self.range, &self.options)
            .await
    }

    /// Reads it as it arrives.
    ///
    /// # Errors
    ///
    /// As [`Gemini::open_file`].
    pub async fn stream(self) -> Result<Response<ByteStream>, Error> {
        self.api
            .open_file(&self.file, self.range, &self.options)
            .await
    }

    /// Saves it as a file on the disk, whole or not at all. A download that was interrupted, here
    /// or in another process, goes on where it stopped.
    ///
    /// # Errors
    ///
    /// As [`Gemini::save_file`] and [`Download::send`](gimmal_transport::Download::send), and when
    /// a range is set.
    pub async fn save(self, target: impl Into<PathBuf>) -> Result<Downloaded, Error> {
        if self.range.is_some() {
            return Err(Error::invalid(
                "range",
                "cannot be saved; only whole files are, use `send` or `stream` for a piece",
            ));
        }
        let download = self.api.save_file(&self.file, target)?;
        let download = download.with_options(self.options);
        let download = if self.overwrite {
            download.with_overwrite()
        } else {
            download
        };
        download.send().await
    }
}

/// A `files.register_files` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct RegisterFiles {
    api: Gemini,
    request: RegisterFilesRequest,
    access_token: SecretString,
    quota_project: Option<String>,
    options: CallOptions,
}

impl RegisterFiles {
    /// The project that pays for the reading; that of the account otherwise.
    pub fn with_quota_project(mut self, project: impl Into<String>) -> Self {
        self.quota_project = Some(project.into());
        self
    }

    /// Options of this call.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Sends.
    ///
    /// # Errors
    ///
    /// As [`Gemini::register_files`].
    pub async fn send(self) -> Result<Response<RegisterFilesResponse>, Error> {
        let (token, project) = (&self.access_token, self.quota_project.as_deref());
        self.api
            .register_files(&self.request, token, project, &self.options)
            .await
    }
}

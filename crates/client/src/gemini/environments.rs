//! Calls on environments: sandboxes with files that agents and tools work in.

use bytes::Bytes;
use gimmal_api::Pager;
use gimmal_api::gemini::{EnvironmentUpload, Gemini, ListQuery, UploadContent};
use gimmal_transport::{ByteStream, CallOptions, Error, Response, ResumableUpload};
use gimmal_types::gemini::environments::{
    CreateEnvironmentRequest, Environment, EnvironmentFile, GetEnvironmentFilesResponse,
};
use gimmal_types::gemini::interactions::{Network, Source};

/// The group of calls on environments.
#[derive(Clone, Debug)]
pub struct Environments {
    api: Gemini,
}

impl Environments {
    pub(super) fn new(api: Gemini) -> Self {
        Self { api }
    }

    /// Makes a sandbox.
    ///
    /// ```no_run
    /// # async fn run(client: gimmal_client::gemini::GeminiClient) -> Result<(), gimmal_client::Error> {
    /// use gimmal_types::gemini::interactions::{NetworkEnum, Source, SourceType};
    ///
    /// let readme = Source::new().set_source_type(SourceType::Inline).set_content("Hello.");
    /// let call = client.environments().create().set_sources([readme.set_target("README.md")]);
    /// let sandbox = call.set_network(NetworkEnum::Disabled).send().await?.into_body();
    /// println!("{}", sandbox.id.unwrap_or_default());
    /// # Ok(()) }
    /// ```
    pub fn create(&self) -> CreateEnvironment {
        CreateEnvironment {
            api: self.api.clone(),
            request: CreateEnvironmentRequest::new(),
            options: CallOptions::default(),
        }
    }

    /// Describes a sandbox.
    pub fn get(&self, id: impl Into<String>) -> GetEnvironment {
        GetEnvironment::new(&self.api, id)
    }

    /// Lists sandboxes.
    pub fn list(&self) -> ListEnvironmentsCall {
        ListEnvironmentsCall::new(&self.api)
    }

    /// Deletes a sandbox with all its files.
    pub fn delete(&self, id: impl Into<String>) -> DeleteEnvironment {
        DeleteEnvironment::new(&self.api, id)
    }

    /// Calls on the files of a sandbox.
    pub fn files(&self, environment: impl Into<String>) -> EnvironmentFiles {
        EnvironmentFiles {
            api: self.api.clone(),
            environment: environment.into(),
        }
    }
}

/// An `environments.create_environment` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct CreateEnvironment {
    api: Gemini,
    request: CreateEnvironmentRequest,
    options: CallOptions,
}

impl CreateEnvironment {
    /// Copies this sandbox instead of starting from sources.
    pub fn set_from_environment(mut self, id: impl Into<String>) -> Self {
        self.request = self.request.set_from_environment(id);
        self
    }

    /// What it holds from the start.
    pub fn set_sources(mut self, sources: impl IntoIterator<Item = Source>) -> Self {
        self.request = self.request.set_sources(sources);
        self
    }

    /// What it may reach.
    pub fn set_network(mut self, network: impl Into<Network>) -> Self {
        self.request = self.request.set_network(network.into());
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
    /// As [`Gemini::create_environment`].
    pub async fn send(self) -> Result<Response<Environment>, Error> {
        self.api
            .create_environment(&self.request, &self.options)
            .await
    }
}

named_calls! {
    /// An `environments.get_environment` call in the making.
    pub struct GetEnvironment(get_environment) -> Environment;

    /// An `environments.delete_environment` call in the making.
    pub struct DeleteEnvironment(delete_environment) -> ();
}

list_calls! {
    /// An `environments.list_environments` call in the making.
    pub struct ListEnvironmentsCall(list_environments) -> Environment;
}

/// The group of calls on the files of one sandbox.
#[derive(Clone, Debug)]
pub struct EnvironmentFiles {
    api: Gemini,
    environment: String,
}

impl EnvironmentFiles {
    /// Lists the files of a directory, or the one file of that path; an empty path is the root.
    pub fn list(&self, path: impl Into<String>) -> ListEnvironmentFilesCall {
        ListEnvironmentFilesCall {
            api: self.api.clone(),
            environment: self.environment.clone(),
            path: path.into(),
            list: ListQuery::default(),
            options: CallOptions::default(),
        }
    }

    /// Reads a file.
    pub fn download(&self, path: impl Into<String>) -> DownloadEnvironmentFile {
        DownloadEnvironmentFile {
            api: self.api.clone(),
            environment: self.environment.clone(),
            path: path.into(),
            options: CallOptions::default(),
        }
    }

    /// Uploads a file on the disk, bytes, or a reader: a text is a path on the disk, and
    /// everything else is made with [`Source`](gimmal_transport::Source).
    pub fn upload(
        &self,
        path: impl Into<String>,
        content: impl Into<UploadContent>,
    ) -> UploadEnvironmentFile {
        UploadEnvironmentFile {
            upload: ResumableUpload::new(self.api.transport()),
            api: self.api.clone(),
            content: content.into(),
            target: EnvironmentUpload::new(self.environment.clone(), path),
        }
    }
}

/// An `environments.files.list` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before the items are read"]
pub struct ListEnvironmentFilesCall {
    api: Gemini,
    environment: String,
    path: String,
    list: ListQuery,
    options: CallOptions,
}

paged!(ListEnvironmentFilesCall);

impl ListEnvironmentFilesCall {
    /// Lists the files of directories below as well.
    pub fn set_recursive(mut self, recursive: bool) -> Self {
        self.list.set_parameter("recursive", recursive.to_string());
        self
    }

    /// The files, one by one; [`Pager::pages`] gives them by page.
    pub fn items(self) -> Pager<EnvironmentFile> {
        self.api
            .list_environment_files(self.environment, self.path, self.list, self.options)
    }
}

/// An `environments.files.download` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct DownloadEnvironmentFile {
    api: Gemini,
    environment: String,
    path: String,
    options: CallOptions,
}

impl DownloadEnvironmentFile {
    /// Options of this call.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Reads it into memory.
    ///
    /// # Errors
    ///
    /// As [`Gemini::download_environment_file`].
    pub async fn send(self) -> Result<Response<Bytes>, Error> {
        self.api
            .download_environment_file(&self.environment, &self.path, &self.options)
            .await
    }

    /// Reads it as it arrives.
    ///
    /// # Errors
    ///
    /// As [`Gemini::open_environment_file`].
    pub async fn stream(self) -> Result<Response<ByteStream>, Error> {
        self.api
            .open_environment_file(&self.environment, &self.path, &self.options)
            .await
    }
}

/// An `environments.files.upload` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct UploadEnvironmentFile {
    api: Gemini,
    upload: ResumableUpload,
    content: UploadContent,
    target: EnvironmentUpload,
}

uploads!(UploadEnvironmentFile);

impl UploadEnvironmentFile {
    /// Its media type; guessed from the name of the file when this is not set.
    pub fn set_mime_type(mut self, mime_type: impl Into<String>) -> Self {
        self.target.mime_type = Some(mime_type.into());
        self
    }

    /// Whether a file that is there already is replaced.
    pub fn set_overwrite(mut self, overwrite: bool) -> Self {
        self.target.overwrite = Some(overwrite);
        self
    }

    /// Whether it is a tar archive, plain or gzipped, that is unpacked at the path.
    pub fn set_extract(mut self, extract: bool) -> Self {
        self.target.extract = Some(extract);
        self
    }

    /// Uploads.
    ///
    /// # Errors
    ///
    /// As [`Gemini::start_upload`].
    pub async fn send(self) -> Result<Response<GetEnvironmentFilesResponse>, Error> {
        self.api
            .start_upload(&self.upload, &self.content, &self.target)
            .await
    }
}

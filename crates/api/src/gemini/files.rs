//! `files`: upload, get, list, delete, download, register.

use std::sync::Arc;

use bytes::Bytes;
use gimmal_transport::{
    ByteStream, CallOptions, Download, Error, Request, Response, ResumableUpload, Source,
    UploadSession, json,
};
use gimmal_types::gemini::{
    DeleteFileResponse, File, FileState, ListFilesConfig, RegisterFilesRequest,
    RegisterFilesResponse, UploadFileConfig, UploadFileResponse,
};
use gimmal_types::rpc::Status;
use http::{HeaderValue, StatusCode};
use secrecy::SecretString;

use super::upload_content::media_type;
use super::{ByteRange, Endpoint, FileRef, Gemini, UploadContent, requests};
use crate::{Pager, Poll, Verdict};

impl Gemini {
    /// Uploads content to its end; developer API only.
    ///
    /// Options, progress and the size of chunks are those of `upload`, which goes through a
    /// [`transport`](Gemini::transport) of this service.
    ///
    /// Route: POST upload/{api_version}/files
    ///
    /// # Errors
    ///
    /// Fails before sending on Vertex, on a bad name, when the media type is neither set nor to be
    /// guessed, and when the file on the disk cannot be opened; otherwise as
    /// [`ResumableUpload::send`] does.
    pub async fn upload_file(
        &self,
        upload: &ResumableUpload,
        content: &UploadContent,
        config: &UploadFileConfig,
    ) -> Result<Response<File>, Error> {
        let (start, source, kind) = self.prepare_file_upload(content, config).await?;
        uploaded_file(upload.send(start, &source, &kind).await?)
    }

    /// Opens an upload without sending anything of the content. What it returns can be saved.
    ///
    /// # Errors
    ///
    /// As [`Gemini::upload_file`].
    pub async fn start_file_upload(
        &self,
        upload: &ResumableUpload,
        content: &UploadContent,
        config: &UploadFileConfig,
    ) -> Result<UploadSession, Error> {
        let (start, source, kind) = self.prepare_file_upload(content, config).await?;
        upload.start(start, &source, &kind).await
    }

    /// Goes on with an upload of a file, from wherever the server says, to its end.
    ///
    /// # Errors
    ///
    /// Fails before sending when the content is not the one that the upload was opened for;
    /// otherwise as [`ResumableUpload::resume`] does.
    pub async fn resume_file_upload(
        &self,
        upload: &ResumableUpload,
        session: &UploadSession,
        content: &UploadContent,
    ) -> Result<Response<File>, Error> {
        uploaded_file(upload.resume(session, &content.open().await?).await?)
    }

    async fn prepare_file_upload(
        &self,
        content: &UploadContent,
        config: &UploadFileConfig,
    ) -> Result<(Request, Source, HeaderValue), Error> {
        // Everything that is wrong with the arguments comes before the disk is looked at.
        let _: Request = requests::upload_file(self.endpoint(), config, "", None)?;
        let source = content.open().await?;
        let kind = media_type(config.mime_type.as_deref(), source.file_name())?;
        let size = source.fingerprint().await?.bytes();
        let start = requests::upload_file(self.endpoint(), config, &kind, size)?;
        Ok((start, source, header(&kind)?))
    }

    /// Describes a file; developer API only.
    ///
    /// Route: GET files/{file}
    ///
    /// # Errors
    ///
    /// Fails before sending on Vertex and on a bad name; otherwise as the transport does.
    pub async fn get_file(
        &self,
        file: &FileRef,
        options: &CallOptions,
    ) -> Result<Response<File>, Error> {
        let request = requests::get_file(self.endpoint(), file)?;
        self.transport().send_json(request, options).await
    }

    /// Lists files; developer API only. Nothing is sent before the pager is read.
    ///
    /// Route: GET files
    pub fn list_files(&self, list: ListFilesConfig, options: CallOptions) -> Pager<File> {
        let (transport, endpoint) = (self.transport().clone(), self.shared_endpoint());
        let first = list.page_token.clone();
        let options = Arc::new(options);
        Pager::new(transport, options, &["files"], first, move |token| {
            let mut list = list.clone();
            list.page_token = token;
            requests::list_files(&endpoint, &list)
        })
    }

    /// Deletes a file; developer API only.
    ///
    /// Route: DELETE files/{file}
    ///
    /// # Errors
    ///
    /// Fails before sending on Vertex and on a bad name; otherwise as the transport does.
    pub async fn delete_file(
        &self,
        file: &FileRef,
        options: &CallOptions,
    ) -> Result<Response<DeleteFileResponse>, Error> {
        let request = requests::delete_file(self.endpoint(), file)?;
        self.transport().send_json(request, options).await
    }

    /// Reads a file, or a piece of it, into memory; developer API only.
    ///
    /// # Errors
    ///
    /// Fails before sending on Vertex, on a bad name, and for a file that the service does not
    /// give back; otherwise as the transport does.
    pub async fn download_file(
        &self,
        file: &FileRef,
        range: Option<ByteRange>,
        options: &CallOptions,
    ) -> Result<Response<Bytes>, Error> {
        let request = requests::download_file(self.endpoint(), file, range)?;
        let reply = self.transport().send(request, options).await?;
        let whole = reply.status() != StatusCode::PARTIAL_CONTENT;
        Ok(match range.filter(|_| whole) {
            Some(range) => reply.map(|body| range.cut(&body)),
            None => reply,
        })
    }

    /// Reads a file, or a piece of it, as it arrives; developer API only.
    ///
    /// # Errors
    ///
    /// As [`Gemini::download_file`], until the head of the reply is here.
    pub async fn open_file(
        &self,
        file: &FileRef,
        range: Option<ByteRange>,
        options: &CallOptions,
    ) -> Result<Response<ByteStream>, Error> {
        let request = requests::download_file(self.endpoint(), file, range)?;
        let reply = self.transport().open_bytes(request, options).await?;
        let whole = reply.status() != StatusCode::PARTIAL_CONTENT;
        Ok(match range.filter(|_| whole) {
            Some(range) => reply.map(|body| range.cut_stream(body)),
            None => reply,
        })
    }

    /// A download of a file to the disk, which goes on where an earlier one stopped.
    ///
    /// # Errors
    ///
    /// Fails on Vertex, on a bad name, and for a file that the service does not give back.
    pub fn save_file(
        &self,
        file: &FileRef,
        target: impl Into<std::path::PathBuf>,
    ) -> Result<Download, Error> {
        let request = requests::download_file(self.endpoint(), file, None)?;
        Ok(Download::new(self.transport(), request, target))
    }

    /// Makes files of objects in Cloud Storage, without a copy; developer API only.
    ///
    /// `access_token` is of an account that may read the objects, and `quota_project` pays for
    /// that. It goes along with the API key.
    ///
    /// Route: POST files:register
    ///
    /// # Errors
    ///
    /// Fails before sending on Vertex, without URIs, on one that is not of Cloud Storage, and on a
    /// bad token; otherwise as the transport does.
    pub async fn register_files(
        &self,
        request: &RegisterFilesRequest,
        access_token: &SecretString,
        quota_project: Option<&str>,
        options: &CallOptions,
    ) -> Result<Response<RegisterFilesResponse>, Error> {
        let endpoint = self.endpoint();
        let request = requests::register_files(endpoint, request, access_token, quota_project)?;
        self.transport().send_json(request, options).await
    }
}

/// A media type as the header of an upload.
pub(super) fn header(kind: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(kind)
        .map_err(|_| Error::invalid("mime_type", "holds what no header can carry"))
}

fn uploaded_file(reply: Response<Bytes>) -> Result<Response<File>, Error> {
    reply.try_map(|body| {
        let answer: UploadFileResponse = json::from_slice(&body)?;
        answer.file.map(|file| *file).ok_or_else(|| {
            Error::decode(
                "the upload is finished, but the server's last answer names no file; look for it \
                 in the list of files",
                body,
            )
        })
    })
}

/// A file is waited for until it can be used.
impl Poll for File {
    type Output = Self;
    type Reply = Self;
    const WHAT: &'static str = "the processing of a file";

    fn request(endpoint: &Endpoint, name: &str) -> Result<Request, Error> {
        requests::get_file(endpoint, &FileRef::from(name))
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn verdict(self) -> Verdict<Self> {
        match self.state {
            Some(FileState::Active) => Verdict::Done(self),
            Some(FileState::Failed) => Verdict::Failed(Error::operation_failed(why_failed(&self))),
            _ => Verdict::Running(self),
        }
    }
}

fn why_failed(file: &File) -> Status {
    let said = file
        .error
        .as_deref()
        .and_then(|it| serde_json::to_value(it).ok());
    said.and_then(|said| Status::from_error_value(&said))
        .unwrap_or_default()
}

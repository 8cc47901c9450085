//! `environments`: create, get, list, delete, and the files in them.

use bytes::Bytes;
use gimmal_transport::{ByteStream, CallOptions, Error, Response, ResumableUpload, json};
use gimmal_types::gemini::environments::{
    CreateEnvironmentRequest, Environment, EnvironmentFile, GetEnvironmentFilesResponse,
};

use super::files::header;
use super::upload_content::media_type;
use super::{Collection, Gemini, ListQuery, UploadContent, requests};
use crate::Pager;

/// The media type of what has none.
const UNKNOWN_KIND: &str = "application/octet-stream";

/// Where a file goes in a sandbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EnvironmentUpload {
    /// The sandbox.
    pub environment: String,
    /// The path in it; with `extract`, the directory.
    pub path: String,
    /// The media type; guessed from the name of the file when absent.
    pub mime_type: Option<String>,
    /// Whether a file that is there already is replaced.
    pub overwrite: Option<bool>,
    /// Whether the content is a tar archive, plain or gzipped, that is unpacked at the path.
    pub extract: Option<bool>,
}

impl EnvironmentUpload {
    /// To this path of this sandbox.
    pub fn new(environment: impl Into<String>, path: impl Into<String>) -> Self {
        Self {
            environment: environment.into(),
            path: path.into(),
            ..Self::default()
        }
    }
}

impl Gemini {
    /// Makes a sandbox.
    ///
    /// Route: POST environments
    ///
    /// # Errors
    ///
    /// Fails as the transport does.
    pub async fn create_environment(
        &self,
        request: &CreateEnvironmentRequest,
        options: &CallOptions,
    ) -> Result<Response<Environment>, Error> {
        let request =
            requests::create_resource(self.endpoint(), Collection::Environments, request)?;
        self.transport().send_json(request, options).await
    }

    /// Describes a sandbox.
    ///
    /// Route: GET environments/{id}
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad name; otherwise as the transport does.
    pub async fn get_environment(
        &self,
        id: &str,
        options: &CallOptions,
    ) -> Result<Response<Environment>, Error> {
        let request = requests::get_resource(self.endpoint(), Collection::Environments, id)?;
        self.transport().send_json(request, options).await
    }

    /// Lists sandboxes. Nothing is sent before the pager is read.
    ///
    /// Route: GET environments
    pub fn list_environments(&self, list: ListQuery, options: CallOptions) -> Pager<Environment> {
        let endpoint = self.shared_endpoint();
        self.pages_of(&["environments"], list, options, move |list| {
            requests::list_resources(&endpoint, Collection::Environments, list)
        })
    }

    /// Deletes a sandbox with all its files.
    ///
    /// Route: DELETE environments/{id}
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad name; otherwise as the transport does.
    pub async fn delete_environment(
        &self,
        id: &str,
        options: &CallOptions,
    ) -> Result<Response<()>, Error> {
        let request = requests::delete_resource(self.endpoint(), Collection::Environments, id)?;
        Ok(self.transport().send(request, options).await?.map(|_| ()))
    }

    /// Lists the files of a directory in a sandbox, or the one file of that path. Nothing is sent
    /// before the pager is read.
    ///
    /// Route: GET environments/{environment}/files/{path}
    pub fn list_environment_files(
        &self,
        environment: impl Into<String>,
        path: impl Into<String>,
        list: ListQuery,
        options: CallOptions,
    ) -> Pager<EnvironmentFile> {
        let (endpoint, environment, path) =
            (self.shared_endpoint(), environment.into(), path.into());
        self.pages_of(&["files"], list, options, move |list| {
            requests::list_environment_files(&endpoint, &environment, &path, list)
        })
    }

    /// Reads a file of a sandbox into memory.
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad name or path; otherwise as the transport does.
    pub async fn download_environment_file(
        &self,
        environment: &str,
        path: &str,
        options: &CallOptions,
    ) -> Result<Response<Bytes>, Error> {
        let request = requests::download_environment_file(self.endpoint(), environment, path)?;
        self.transport().send(request, options).await
    }

    /// Reads a file of a sandbox as it arrives.
    ///
    /// # Errors
    ///
    /// As [`Gemini::download_environment_file`], until the head of the reply is here.
    pub async fn open_environment_file(
        &self,
        environment: &str,
        path: &str,
        options: &CallOptions,
    ) -> Result<Response<ByteStream>, Error> {
        let request = requests::download_environment_file(self.endpoint(), environment, path)?;
        self.transport().open_bytes(request, options).await
    }

    /// Uploads a file into a sandbox, or with `extract` an archive that is unpacked at the path.
    ///
    /// Options, progress and the size of chunks are those of `upload`, which goes through a
    /// [`transport`](Gemini::transport) of this service.
    ///
    /// Route: PUT upload/{api_version}/environments/{environment}/files/{path}
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad name or path, and when the file on the disk cannot be opened;
    /// otherwise as [`ResumableUpload::send`] does.
    pub async fn start_upload(
        &self,
        upload: &ResumableUpload,
        content: &UploadContent,
        target: &EnvironmentUpload,
    ) -> Result<Response<GetEnvironmentFilesResponse>, Error> {
        let start = requests::upload_environment_file(
            self.endpoint(),
            &target.environment,
            &target.path,
            target.overwrite,
            target.extract,
        )?;
        let source = content.open().await?;
        let set = target.mime_type.as_deref();
        let kind = match media_type(set, source.file_name()) {
            // Code and data of any kind lie in sandboxes, so not to know one is nothing unusual.
            Err(_) if set.is_none() => UNKNOWN_KIND.to_owned(),
            kind => kind?,
        };
        let reply = upload.send(start, &source, &header(&kind)?).await?;
        reply.try_map(|body| uploaded(&body))
    }
}

/// The files that an upload made; the service names one file by itself in several ways.
fn uploaded(body: &Bytes) -> Result<GetEnvironmentFilesResponse, Error> {
    let mut reply: GetEnvironmentFilesResponse = if body.is_empty() {
        GetEnvironmentFilesResponse::default()
    } else {
        json::from_slice(body)?
    };
    if !reply.files.is_empty() {
        return Ok(reply);
    }
    let one = match reply.unknown_fields.get("file") {
        Some(file) => serde_json::from_value(file.clone()).ok(),
        None => json::from_slice::<EnvironmentFile>(body)
            .ok()
            .filter(|file| file.name.is_some() || file.path.is_some()),
    };
    if let Some(file) = one {
        reply = GetEnvironmentFilesResponse::new().set_files([file]);
    }
    Ok(reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uploads_are_answered_in_several_ways() {
        for body in [
            r#"{"files": [{"name": "a"}]}"#,
            r#"{"file": {"name": "a"}}"#,
            r#"{"name": "a", "size_bytes": "1"}"#,
        ] {
            let reply = uploaded(&Bytes::from(body)).unwrap();
            assert_eq!(reply.files.len(), 1, "{body}");
            assert_eq!(reply.files[0].name.as_deref(), Some("a"));
        }
        assert_eq!(uploaded(&Bytes::new()).unwrap().files, []);
    }
}

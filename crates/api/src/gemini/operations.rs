//! Operations: asking about work that outlives a call. How to ask depends on what it is and on
//! the backend.

use gimmal_transport::{CallOptions, Error, Idempotency, Request, Response};
use gimmal_types::gemini::{
    GenerateVideosOperation, GenerateVideosResponse, ImportFileOperation, ImportFileResponse,
    ProjectOperation, UploadToFileSearchStoreOperation, UploadToFileSearchStoreResponse,
    VideosOperationReply,
};
use gimmal_types::rpc::Status;
use http::Method;
use serde_json::{Map, Value};

use super::mapping::Body;
use super::names::check;
use super::{Backend, Endpoint, Gemini, requests};
use crate::poller::{Poll, Poller, Verdict};

const FIELD: &str = "operation";
const SEGMENT: &str = "/operations/";

/// Builds the request that asks for an operation under its own name.
///
/// # Errors
///
/// Fails on an empty name and on characters that would change the path.
pub fn get_operation(endpoint: &Endpoint, name: &str) -> Result<Request, Error> {
    check(FIELD, name)?;
    Ok(requests::get(endpoint.url(name)))
}

/// Builds the request that asks a model of Vertex for one of its operations.
///
/// # Errors
///
/// Fails on the developer API, on characters that would change the path and on a name that is no
/// operation's.
pub fn fetch_predict_operation(endpoint: &Endpoint, name: &str) -> Result<Request, Error> {
    endpoint.require(Backend::Vertex, "fetchPredictOperation")?;
    check(FIELD, name)?;
    let Some((resource, _)) = name.rsplit_once(SEGMENT) else {
        let fix = "must be the name of an operation, such as `…/models/veo/operations/1`";
        return Err(Error::invalid(FIELD, fix));
    };
    let mut body = Body::default();
    body.set("operationName", name);
    let url = endpoint.url(&format!("{resource}:fetchPredictOperation"));
    Ok(Request::new(Method::POST, url)
        .with_json_body(body.into_bytes()?)
        .with_idempotency(Idempotency::Idempotent))
}

/// Builds the request that asks for any operation of a Vertex project, by its identifier or its
/// full name.
///
/// Route: GET operations/{operation_id}
///
/// # Errors
///
/// Fails on the developer API, on an empty name and on characters that would change the path.
pub fn get(endpoint: &Endpoint, name: &str) -> Result<Request, Error> {
    endpoint.require(Backend::Vertex, "operations.get of a project")?;
    Ok(requests::get(endpoint.url(&project_path(name)?)))
}

/// Builds the request that stops an operation of a Vertex project.
fn cancel(endpoint: &Endpoint, name: &str) -> Result<Request, Error> {
    endpoint.require(Backend::Vertex, "operations.cancel of a project")?;
    let url = endpoint.url(&format!("{}:cancel", project_path(name)?));
    Ok(Request::new(Method::POST, url).with_idempotency(Idempotency::Idempotent))
}

fn project_path(name: &str) -> Result<String, Error> {
    check(FIELD, name)?;
    Ok(if name.contains(SEGMENT) {
        name.to_owned()
    } else {
        format!("operations/{name}")
    })
}

/// Operations of file search stores exist on the developer API only.
fn get_store_operation(endpoint: &Endpoint, name: &str) -> Result<Request, Error> {
    if endpoint.backend() == Backend::Vertex {
        return Err(Error::invalid(
            "backend",
            format!(
                "file search stores are not available on {}",
                Backend::Vertex
            ),
        ));
    }
    get_operation(endpoint, name)
}

/// The verdict on anything shaped like `google.longrunning.Operation`.
fn verdict<P: Poll>(
    operation: P,
    done: Option<bool>,
    error: Option<Status>,
    output: impl FnOnce(P) -> Verdict<P>,
) -> Verdict<P> {
    match (done, error) {
        (_, Some(status)) => Verdict::Failed(Error::operation_failed(status)),
        (Some(true), None) => output(operation),
        _ => Verdict::Running(operation),
    }
}

impl Poll for GenerateVideosOperation {
    type Output = GenerateVideosResponse;
    type Reply = VideosOperationReply;
    const WHAT: &'static str = "the making of films";

    fn request(endpoint: &Endpoint, name: &str) -> Result<Request, Error> {
        match endpoint.backend() {
            Backend::GeminiApi => get_operation(endpoint, name),
            Backend::Vertex => fetch_predict_operation(endpoint, name),
        }
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn verdict(self) -> Verdict<Self> {
        let (done, error) = (self.done, self.status());
        verdict(self, done, error, |operation| match operation.response {
            Some(response) => Verdict::Done(*response),
            None => Verdict::Failed(Error::decode(
                "it is done, and there are neither films nor an error",
                bytes::Bytes::new(),
            )),
        })
    }
}

impl Poll for ImportFileOperation {
    type Output = ImportFileResponse;
    type Reply = Self;
    const WHAT: &'static str = "the import of a file";

    fn request(endpoint: &Endpoint, name: &str) -> Result<Request, Error> {
        get_store_operation(endpoint, name)
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn verdict(self) -> Verdict<Self> {
        let (done, error) = (self.done, self.status());
        // The import is what counts; some servers say nothing more than that it is done.
        verdict(self, done, error, |operation| {
            Verdict::Done(operation.response.map(|it| *it).unwrap_or_default())
        })
    }
}

impl Poll for UploadToFileSearchStoreOperation {
    type Output = UploadToFileSearchStoreResponse;
    type Reply = Self;
    const WHAT: &'static str = "the upload into a file search store";

    fn request(endpoint: &Endpoint, name: &str) -> Result<Request, Error> {
        get_store_operation(endpoint, name)
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn verdict(self) -> Verdict<Self> {
        let (done, error) = (self.done, self.status());
        verdict(self, done, error, |operation| {
            Verdict::Done(operation.response.map(|it| *it).unwrap_or_default())
        })
    }
}

impl Poll for ProjectOperation {
    type Output = Map<String, Value>;
    type Reply = Self;
    const WHAT: &'static str = "an operation of a project";

    fn request(endpoint: &Endpoint, name: &str) -> Result<Request, Error> {
        get(endpoint, name)
    }

    fn cancel_request(endpoint: &Endpoint, name: &str) -> Result<Request, Error> {
        cancel(endpoint, name)
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn verdict(self) -> Verdict<Self> {
        let (done, error) = (self.done, self.status());
        verdict(self, done, error, |operation| {
            Verdict::Done(operation.response.unwrap_or_default())
        })
    }
}

impl Gemini {
    /// Asks once about films in the making: the service by their name, on Vertex the model that
    /// makes them.
    ///
    /// Route: GET {operationName}
    /// Route: POST {resourceName}:fetchPredictOperation
    ///
    /// # Errors
    ///
    /// As [`get_operation`](Self::get_operation).
    pub async fn get_videos_operation(
        &self,
        name: &str,
        options: &CallOptions,
    ) -> Result<Response<GenerateVideosOperation>, Error> {
        self.get_operation(name, options).await
    }

    /// Asks once about work that outlives a call, of the kind that the type says.
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad name and where the backend has no such work; otherwise as the
    /// transport does. Work that failed is no error here: its description says so.
    pub async fn get_operation<P: Poll>(
        &self,
        name: &str,
        options: &CallOptions,
    ) -> Result<Response<P>, Error> {
        let request = P::request(self.endpoint(), name)?;
        let reply = self
            .transport()
            .send_json::<P::Reply>(request, options)
            .await?;
        Ok(reply.map(Into::into))
    }

    /// Asks the service to stop work that outlives a call.
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad name and where such work cannot be stopped; otherwise as the
    /// transport does.
    pub async fn cancel_operation<P: Poll>(
        &self,
        name: &str,
        options: &CallOptions,
    ) -> Result<Response<()>, Error> {
        let request = P::cancel_request(self.endpoint(), name)?;
        Ok(self.transport().send(request, options).await?.map(|_| ()))
    }

    /// Waits for work that outlives a call, by its name. Nothing is sent before the poller is
    /// awaited or read.
    pub fn poller<P: Poll>(&self, name: impl Into<String>) -> Poller<P> {
        Poller::from_name(self.clone(), name)
    }
}

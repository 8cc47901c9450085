//! Which call a request is, and which calls a script, a fault or a question to the journal is
//! about. Knows paths, not bodies.

mod owned;
mod resources;
mod stored;
mod tinker;

use std::fmt;

use http::Method;
use percent_encoding::percent_decode_str;

pub use resources::ResourceCall;
pub use tinker::TinkerCall;

/// A call of the emulated services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Route {
    /// `POST models/{model}:generateContent`.
    GenerateContent,
    /// `POST models/{model}:streamGenerateContent`.
    StreamGenerateContent,
    /// `POST models/{model}:countTokens`.
    CountTokens,
    /// `GET models`.
    ListModels,
    /// `GET models/{model}`.
    GetModel,
    /// `POST cachedContents`.
    CreateCachedContent,
    /// `GET cachedContents/{id}`.
    GetCachedContent,
    /// `GET cachedContents`.
    ListCachedContents,
    /// `PATCH cachedContents/{id}`.
    UpdateCachedContent,
    /// `DELETE cachedContents/{id}`.
    DeleteCachedContent,
    /// `POST upload/{version}/files`: opens an upload, or brings a whole file.
    UploadFile,
    /// `POST upload/…?upload_id=…`: brings content to an upload that is open, or asks about it.
    UploadContent,
    /// `GET files/{id}`.
    GetFile,
    /// `GET files`.
    ListFiles,
    /// `DELETE files/{id}`.
    DeleteFile,
    /// `GET files/{id}:download`.
    DownloadFile,
    /// `POST files:register`.
    RegisterFiles,
    /// `GET {operation}`, for every kind of operation.
    GetOperation,
    /// `GET {parent}/operations`.
    ListOperations,
    /// `POST {operation}:cancel`.
    CancelOperation,
    /// `DELETE {operation}`.
    DeleteOperation,
    /// `POST {operation}:wait`.
    WaitOperation,
    /// `POST fileSearchStores`.
    CreateFileSearchStore,
    /// `GET fileSearchStores/{id}`.
    GetFileSearchStore,
    /// `GET fileSearchStores`.
    ListFileSearchStores,
    /// `DELETE fileSearchStores/{id}`.
    DeleteFileSearchStore,
    /// `POST upload/{version}/fileSearchStores/{id}:uploadToFileSearchStore`: opens an upload.
    UploadToFileSearchStore,
    /// `POST fileSearchStores/{id}:importFile`.
    ImportFile,
    /// `GET fileSearchStores/{id}/documents/{id}`.
    GetDocument,
    /// `GET fileSearchStores/{id}/documents`.
    ListDocuments,
    /// `DELETE fileSearchStores/{id}/documents/{id}`.
    DeleteDocument,
    /// `GET fileSearchStores/{id}/media/{id}`.
    DownloadMedia,
    /// `POST models/{model}:predictLongRunning`.
    PredictLongRunning,
    /// `POST models/{model}:fetchPredictOperation`.
    FetchPredictOperation,
    /// `PATCH tunedModels/{id}`, or `models/{id}` of a Vertex project.
    UpdateModel,
    /// `DELETE tunedModels/{id}`, or `models/{id}` of a Vertex project.
    DeleteModel,
    /// `GET tunedModels`, or `models` of a Vertex project.
    ListTunedModels,
    /// `POST models/{model}:computeTokens`.
    ComputeTokens,
    /// `POST models/{model}:embedContent`.
    EmbedContent,
    /// `POST models/{model}:batchEmbedContents`.
    BatchEmbedContents,
    /// `POST models/{model}:predict`: pictures and embeddings.
    Predict,
    /// `POST models/{model}:batchGenerateContent`, or `batchPredictionJobs` on Vertex.
    CreateBatch,
    /// `POST models/{model}:asyncBatchEmbedContent`.
    CreateEmbeddingsBatch,
    /// `GET batches/{id}`, or `batchPredictionJobs/{id}` on Vertex.
    GetBatch,
    /// `GET batches`, or `batchPredictionJobs` on Vertex.
    ListBatches,
    /// `POST batches/{id}:cancel`, or `batchPredictionJobs/{id}:cancel` on Vertex.
    CancelBatch,
    /// `DELETE batches/{id}`, or `batchPredictionJobs/{id}` on Vertex.
    DeleteBatch,
    /// `POST tunedModels`, or `tuningJobs` on Vertex.
    CreateTuning,
    /// `GET tuningJobs/{id}`. On the developer service a tuned model tells of its own making.
    GetTuning,
    /// `GET tuningJobs`.
    ListTunings,
    /// `POST tuningJobs/{id}:cancel`, or `tunedModels/{id}:cancel`.
    CancelTuning,
    /// `POST tuningJobs:validateReinforcementTuningReward`.
    ValidateReward,
    /// `POST auth_tokens`.
    CreateAuthToken,
    /// `POST upload/storage/v1/b/{bucket}/o`.
    PutObject,
    /// `GET storage/v1/b/{bucket}/o/{object}`.
    GetObject,
    /// `GET storage/v1/b/{bucket}/o`.
    ListObjects,
    /// `POST bigquery/v2/projects/{p}/datasets/{d}/tables/{t}/insertAll`.
    InsertRows,
    /// `GET bigquery/v2/projects/{p}/datasets/{d}/tables/{t}/data`.
    ListRows,
    /// A call on interactions or a resource around them.
    Resource(ResourceCall),
    /// A Live session, over WebSocket: `BidiGenerateContent` and `BidiGenerateContentConstrained`.
    LiveSession,
    /// A session of music, over WebSocket: `BidiGenerateMusic`.
    LiveMusic,
    /// A call of the Tinker API.
    Tinker(TinkerCall),
    /// Anything the emulator does not serve.
    Unknown,
}

/// A choice of requests: by call, by model or by a piece of the path.
///
/// ```
/// use gimmal_emulator::{Route, RouteMatcher};
///
/// let pro_only = RouteMatcher::from(Route::GenerateContent).with_model("gemini-2.5-pro");
/// # let _ = (pro_only, RouteMatcher::any());
/// ```
#[derive(Clone, Debug, Default)]
pub struct RouteMatcher {
    routes: Vec<Route>,
    model: Option<String>,
    path_part: Option<String>,
}

impl Route {
    /// Whether only the developer service has the call.
    fn is_developer_only(self) -> bool {
        matches!(
            self,
            Self::UploadFile
                | Self::UploadContent
                | Self::GetFile
                | Self::ListFiles
                | Self::DeleteFile
                | Self::DownloadFile
                | Self::RegisterFiles
                | Self::CreateFileSearchStore
                | Self::GetFileSearchStore
                | Self::ListFileSearchStores
                | Self::DeleteFileSearchStore
                | Self::UploadToFileSearchStore
                | Self::ImportFile
                | Self::GetDocument
                | Self::ListDocuments
                | Self::DeleteDocument
                | Self::DownloadMedia
        )
    }
}

impl RouteMatcher {
    /// Matches every request.
    #[must_use]
    pub fn any() -> Self {
        Self::default()
    }

    /// Also matches requests to `route`.
    #[must_use]
    pub fn or(mut self, route: Route) -> Self {
        self.routes.push(route);
        self
    }

    /// Matches only requests whose path names `model`, such as `gemini-2.5-flash`.
    #[must_use]
    pub fn with_model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Matches only requests whose path contains `part`.
    #[must_use]
    pub fn with_path_part(mut self, part: impl Into<String>) -> Self {
        self.path_part = Some(part.into());
        self
    }

    pub(crate) fn matches(&self, target: &Target) -> bool {
        let route = self.routes.is_empty() || self.routes.contains(&target.route);
        let model = self
            .model
            .as_ref()
            .is_none_or(|model| target.model() == Some(model));
        let path = self
            .path_part
            .as_ref()
            .is_none_or(|part| target.path.contains(part.as_str()));
        route && model && path
    }
}

impl From<Route> for RouteMatcher {
    fn from(route: Route) -> Self {
        Self::any().or(route)
    }
}

/// Which of the two services a path belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Backend {
    Developer,
    Vertex,
}

/// A request path, taken apart.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) backend: Backend,
    /// The version segment, such as `v1beta`.
    pub(crate) version: String,
    pub(crate) route: Route,
    /// `projects/{p}/locations/{l}`, when the path has it.
    pub(crate) parent: Option<String>,
    /// The model or cache identifier, empty for collections.
    pub(crate) resource: String,
    /// The decoded path.
    pub(crate) path: String,
}

impl Target {
    /// Takes `path` apart; a path the emulator does not serve gives [`Route::Unknown`].
    pub(crate) fn parse(method: &Method, path: &str) -> Self {
        let method = method.as_str();
        let path = percent_decode_str(path).decode_utf8_lossy().into_owned();
        let mut target = Self {
            backend: Backend::Developer,
            version: String::new(),
            route: Route::Unknown,
            parent: None,
            resource: String::new(),
            path,
        };
        let path = target.path.clone();
        let mut segments: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
        if let ["ws", socket @ ..] = segments.as_slice() {
            if method == Method::GET {
                target.read_socket(socket);
            }
            return target;
        }
        if let Some((call, about)) = TinkerCall::parse(method, &segments) {
            target.route = Route::Tinker(call);
            target.resource = about;
            return target;
        }
        let brings_content = segments.first() == Some(&"upload");
        if brings_content {
            segments.remove(0);
        }
        if let Some((route, address)) = stored::route_of(method, &segments, brings_content) {
            target.backend = Backend::Vertex;
            target.route = route;
            target.resource = address;
            return target;
        }
        if segments.first().is_some_and(|s| is_version(s)) {
            target.version = segments.remove(0).to_owned();
        } else {
            return target;
        }
        let mut rest = segments.as_slice();
        let operation = operation_route(method, rest);
        if let ["projects", project, "locations", location, tail @ ..] = rest {
            target.backend = Backend::Vertex;
            target.parent = Some(format!("projects/{project}/locations/{location}"));
            rest = tail;
        }
        let published = matches!(rest, ["publishers", "google", ..]);
        if published {
            target.backend = Backend::Vertex;
            rest = &rest[2..];
        }
        if let Some((route, name)) = operation {
            target.route = route;
            target.resource = name;
            return target;
        }
        // Google publishes nothing but models.
        if published && rest.first() != Some(&"models") {
            return target;
        }
        let own = target.parent.is_some() && !published;
        let (route, resource) = if brings_content {
            upload_route(method, rest)
        } else if own && matches!(rest, ["models" | "endpoints", ..]) {
            owned::route_of(method, rest)
        } else {
            route_of(method, rest)
        };
        if target.backend == Backend::Vertex && route.is_developer_only() {
            return target;
        }
        target.route = route;
        target.resource = resource;
        target
    }

    /// Tells requests on an upload that is open, whose address has a ticket, from the one that
    /// opened it.
    pub(crate) fn with_query(mut self, query: &[(String, String)]) -> Self {
        let ticket = query.iter().any(|(name, _)| name == "upload_id");
        let opens = [
            Route::UploadFile,
            Route::UploadToFileSearchStore,
            Route::Resource(ResourceCall::UploadEnvironmentFile),
        ];
        if ticket && opens.contains(&self.route) {
            self.route = Route::UploadContent;
        }
        self
    }

    /// Reads the name of a method that is called over WebSocket; it stands in the place of the
    /// resource.
    fn read_socket(&mut self, segments: &[&str]) {
        let (backend, service, method) = match segments {
            [one] => {
                let Some(rest) = one.strip_prefix("google.ai.generativelanguage.") else {
                    return;
                };
                let Some((service, method)) = rest.rsplit_once('.') else {
                    return;
                };
                (Backend::Developer, service, method)
            }
            [service, method] => {
                let Some(service) = service.strip_prefix("google.cloud.aiplatform.") else {
                    return;
                };
                (Backend::Vertex, service, *method)
            }
            _ => return,
        };
        let Some((version, service)) = service.split_once('.') else {
            return;
        };
        self.route = match (backend, service, method) {
            (
                Backend::Developer,
                "GenerativeService",
                "BidiGenerateContent" | "BidiGenerateContentConstrained",
            )
            | (Backend::Vertex, "LlmBidiService", "BidiGenerateContent") => Route::LiveSession,
            (Backend::Developer, "GenerativeService", "BidiGenerateMusic") => Route::LiveMusic,
            _ => return,
        };
        self.backend = backend;
        self.version = version.to_owned();
        self.resource = method.to_owned();
    }

    /// The model the path names, if it names one.
    pub(crate) fn model(&self) -> Option<&String> {
        match self.route {
            Route::GenerateContent
            | Route::StreamGenerateContent
            | Route::CountTokens
            | Route::ComputeTokens
            | Route::EmbedContent
            | Route::BatchEmbedContents
            | Route::Predict
            | Route::FetchPredictOperation
            | Route::PredictLongRunning
            | Route::GetModel
            | Route::UpdateModel
            | Route::DeleteModel => Some(&self.resource),
            Route::CreateBatch | Route::CreateEmbeddingsBatch if !self.resource.is_empty() => {
                Some(&self.resource)
            }
            _ => None,
        }
    }

    /// The full name of a model of the service in the form this path uses.
    pub(crate) fn model_name(&self, model: &str) -> String {
        let parent = self.parent.as_ref().map(|parent| format!("{parent}/"));
        match self.backend {
            Backend::Developer => format!("models/{model}"),
            Backend::Vertex => format!(
                "{}publishers/google/models/{model}",
                parent.unwrap_or_default()
            ),
        }
    }

    /// The same place, asked to generate content with `model`.
    pub(crate) fn generating(&self, model: &str) -> Self {
        Self {
            route: Route::GenerateContent,
            resource: model.to_owned(),
            ..self.clone()
        }
    }

    /// The full name of a cached content in the form this path uses.
    pub(crate) fn cache_name(&self, id: &str) -> String {
        match &self.parent {
            Some(parent) => format!("{parent}/cachedContents/{id}"),
            None => format!("cachedContents/{id}"),
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Developer => "developer",
            Self::Vertex => "vertex",
        })
    }
}

fn route_of(method: &str, rest: &[&str]) -> (Route, String) {
    match rest {
        ["models"] if method == "GET" => (Route::ListModels, String::new()),
        ["models", tail @ ..] => owned::model_route(method, &tail.join("/")),
        ["files", tail @ ..] => file_route(method, tail),
        ["fileSearchStores", tail @ ..] => store_route(method, tail),
        ["files:register"] if method == "POST" => (Route::RegisterFiles, String::new()),
        ["cachedContents"] => match method {
            "GET" => (Route::ListCachedContents, String::new()),
            "POST" => (Route::CreateCachedContent, String::new()),
            _ => (Route::Unknown, String::new()),
        },
        ["cachedContents", id] => {
            let route = match method {
                "GET" => Route::GetCachedContent,
                "PATCH" => Route::UpdateCachedContent,
                "DELETE" => Route::DeleteCachedContent,
                _ => return (Route::Unknown, String::new()),
            };
            (route, (*id).to_owned())
        }
        _ => match ResourceCall::parse(method, rest) {
            Some((call, about)) => (Route::Resource(call), about),
            None => owned::route_of(method, rest),
        },
    }
}

/// The call on an operation, whatever it belongs to, and its full name.
fn operation_route(method: &str, segments: &[&str]) -> Option<(Route, String)> {
    let join = |segments: &[&str]| segments.join("/");
    match segments {
        [parent @ .., "operations"] if method == "GET" => {
            Some((Route::ListOperations, join(parent)))
        }
        [parent @ .., "operations", last] => {
            let (id, verb) = last.split_once(':').unwrap_or((last, ""));
            let route = match (method, verb) {
                ("GET", "") => Route::GetOperation,
                ("DELETE", "") => Route::DeleteOperation,
                ("POST", "cancel") => Route::CancelOperation,
                ("POST", "wait") => Route::WaitOperation,
                _ => return None,
            };
            Some((route, join(&[parent, &["operations", id]].concat())))
        }
        _ => None,
    }
}

/// What stands after `files`.
fn file_route(method: &str, tail: &[&str]) -> (Route, String) {
    match (method, tail) {
        ("GET", []) => (Route::ListFiles, String::new()),
        ("GET", [id]) => match id.split_once(':') {
            None => (Route::GetFile, (*id).to_owned()),
            Some((id, "download")) => (Route::DownloadFile, id.to_owned()),
            Some(_) => (Route::Unknown, String::new()),
        },
        ("DELETE", [id]) => (Route::DeleteFile, (*id).to_owned()),
        _ => (Route::Unknown, String::new()),
    }
}

/// What stands after `fileSearchStores`; documents and media are named with their store.
fn store_route(method: &str, tail: &[&str]) -> (Route, String) {
    let route = match (method, tail) {
        ("GET", []) => Route::ListFileSearchStores,
        ("POST", []) => Route::CreateFileSearchStore,
        ("POST", [name]) => match name.split_once(':') {
            Some((id, "importFile")) => return (Route::ImportFile, id.to_owned()),
            _ => Route::Unknown,
        },
        ("GET", [_]) => Route::GetFileSearchStore,
        ("DELETE", [_]) => Route::DeleteFileSearchStore,
        ("GET", [store, "documents"]) => return (Route::ListDocuments, (*store).to_owned()),
        ("GET", [_, "documents", _]) => Route::GetDocument,
        ("DELETE", [_, "documents", _]) => Route::DeleteDocument,
        ("GET", [_, "media", _]) => Route::DownloadMedia,
        _ => Route::Unknown,
    };
    (route, tail.join("/"))
}

/// What stands after `upload/{version}`.
fn upload_route(method: &str, rest: &[&str]) -> (Route, String) {
    match rest {
        ["files"] if method == "POST" || method == "PUT" => (Route::UploadFile, String::new()),
        ["fileSearchStores", name] if method == "POST" || method == "PUT" => {
            match name.split_once(':') {
                Some((id, "uploadToFileSearchStore")) => {
                    (Route::UploadToFileSearchStore, id.to_owned())
                }
                _ => (Route::Unknown, String::new()),
            }
        }
        _ => match ResourceCall::parse_upload(method, rest) {
            Some((call, about)) => (Route::Resource(call), about),
            None => (Route::Unknown, String::new()),
        },
    }
}

/// `v1`, `v1beta`, `v1alpha`, `v1beta1`, `v2` and their like.
fn is_version(segment: &str) -> bool {
    let Some(rest) = segment.strip_prefix('v') else {
        return false;
    };
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let had_number = rest.len() + 1 < segment.len();
    let rest = rest
        .strip_prefix("alpha")
        .or_else(|| rest.strip_prefix("beta"))
        .unwrap_or(rest);
    had_number && rest.chars().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(method: &str, path: &str) -> Target {
        Target::parse(
            &Method::from_bytes(method.as_bytes()).expect("method"),
            path,
        )
    }

    #[test]
    fn developer_paths() {
        let target = parse("POST", "/v1beta/models/gemini-2.5-flash:generateContent");
        assert_eq!(target.backend, Backend::Developer);
        assert_eq!(target.route, Route::GenerateContent);
        assert_eq!(target.resource, "gemini-2.5-flash");
        assert_eq!(target.version, "v1beta");
        assert_eq!(parse("GET", "/v1/models").route, Route::ListModels);
        assert_eq!(parse("GET", "/v1alpha/models/x").route, Route::GetModel);
        assert_eq!(
            parse("PATCH", "/v1beta/cachedContents/a").route,
            Route::UpdateCachedContent
        );
        assert_eq!(
            parse("PUT", "/v1beta/cachedContents/a").route,
            Route::Unknown
        );
        assert_eq!(
            parse("POST", "/v1beta/models/x%3AcountTokens").route,
            Route::CountTokens,
            "an encoded colon is a colon"
        );
    }

    #[test]
    fn vertex_paths() {
        let target = parse(
            "POST",
            "/v1beta1/projects/p/locations/l/publishers/google/models/m:streamGenerateContent",
        );
        assert_eq!(target.backend, Backend::Vertex);
        assert_eq!(target.route, Route::StreamGenerateContent);
        assert_eq!(target.parent.as_deref(), Some("projects/p/locations/l"));
        let target = parse("GET", "/v1/publishers/google/models");
        assert_eq!(
            (target.backend, target.route),
            (Backend::Vertex, Route::ListModels)
        );
        let target = parse("DELETE", "/v1/projects/p/locations/l/cachedContents/7");
        assert_eq!(target.route, Route::DeleteCachedContent);
        assert_eq!(
            target.cache_name("7"),
            "projects/p/locations/l/cachedContents/7"
        );
    }

    #[test]
    fn files_and_their_uploads() {
        for (method, path, route) in [
            ("POST", "/upload/v1beta/files", Route::UploadFile),
            ("GET", "/v1/files", Route::ListFiles),
            ("GET", "/v1/files/a", Route::GetFile),
            ("GET", "/v1/files/a:download", Route::DownloadFile),
            ("DELETE", "/v1/files/a", Route::DeleteFile),
            ("POST", "/v1/files:register", Route::RegisterFiles),
        ] {
            assert_eq!(parse(method, path).route, route, "{path}");
        }
        let ticket = [("upload_id".to_owned(), "x".to_owned())];
        let target = parse("POST", "/upload/v1/files").with_query(&ticket);
        assert_eq!(target.route, Route::UploadContent);
    }

    #[test]
    fn file_search_stores_and_their_documents() {
        for (method, path, route, resource) in [
            (
                "POST",
                "/v1/fileSearchStores",
                Route::CreateFileSearchStore,
                "",
            ),
            (
                "GET",
                "/v1/fileSearchStores",
                Route::ListFileSearchStores,
                "",
            ),
            (
                "GET",
                "/v1/fileSearchStores/s",
                Route::GetFileSearchStore,
                "s",
            ),
            (
                "DELETE",
                "/v1/fileSearchStores/s",
                Route::DeleteFileSearchStore,
                "s",
            ),
            (
                "POST",
                "/v1/fileSearchStores/s:importFile",
                Route::ImportFile,
                "s",
            ),
            (
                "POST",
                "/upload/v1/fileSearchStores/s:uploadToFileSearchStore",
                Route::UploadToFileSearchStore,
                "s",
            ),
            (
                "GET",
                "/v1/fileSearchStores/s/documents",
                Route::ListDocuments,
                "s",
            ),
            (
                "GET",
                "/v1/fileSearchStores/s/documents/d",
                Route::GetDocument,
                "s/documents/d",
            ),
            (
                "DELETE",
                "/v1/fileSearchStores/s/documents/d",
                Route::DeleteDocument,
                "s/documents/d",
            ),
            (
                "GET",
                "/v1/fileSearchStores/s/media/m",
                Route::DownloadMedia,
                "s/media/m",
            ),
        ] {
            let target = parse(method, path);
            assert_eq!(
                (target.route, target.resource.as_str()),
                (route, resource),
                "{path}"
            );
        }
        assert_eq!(
            parse("POST", "/v1/fileSearchStores/s:export").route,
            Route::Unknown
        );
    }

    #[test]
    fn operations_of_every_kind() {
        for name in [
            "operations/o",
            "models/x/operations/o",
            "tunedModels/x/operations/o",
            "fileSearchStores/s/operations/o",
            "fileSearchStores/s/upload/operations/o",
            "projects/p/locations/l/operations/o",
            "projects/p/locations/l/models/1/operations/o",
            "projects/p/locations/l/publishers/google/models/m/operations/o",
            "publishers/google/models/m/operations/o",
        ] {
            for (method, verb, route) in [
                ("GET", "", Route::GetOperation),
                ("DELETE", "", Route::DeleteOperation),
                ("POST", ":cancel", Route::CancelOperation),
                ("POST", ":wait", Route::WaitOperation),
                ("POST", ":stop", Route::Unknown),
            ] {
                let target = parse(method, &format!("/v1beta/{name}{verb}"));
                assert_eq!(target.route, route, "{name}{verb}");
                if route != Route::Unknown {
                    assert_eq!(target.resource, name);
                    assert_eq!(target.backend == Backend::Vertex, name.starts_with('p'));
                }
            }
        }
        let target = parse("GET", "/v1/models/x/operations");
        assert_eq!(
            (target.route, target.resource.as_str()),
            (Route::ListOperations, "models/x")
        );
        let path = "/v1/projects/p/locations/l/publishers/google/models/m:fetchPredictOperation";
        let target = parse("POST", path);
        assert_eq!(target.route, Route::FetchPredictOperation);
        assert_eq!(
            target.model_name(&target.resource),
            "projects/p/locations/l/publishers/google/models/m"
        );
    }

    #[test]
    fn methods_over_websocket_have_paths_of_their_own() {
        let developer = "/ws/google.ai.generativelanguage.v1alpha.GenerativeService";
        for (method, route) in [
            ("BidiGenerateContent", Route::LiveSession),
            ("BidiGenerateContentConstrained", Route::LiveSession),
            ("BidiGenerateMusic", Route::LiveMusic),
            ("BidiGenerateNothing", Route::Unknown),
        ] {
            let target = parse("GET", &format!("{developer}.{method}"));
            assert_eq!(target.route, route);
            // One SDK doubles the slash.
            let doubled = parse("GET", &format!("/{developer}.{method}"));
            assert_eq!(doubled.route, route);
        }
        let vertex = "//ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent";
        let target = parse("GET", vertex);
        assert_eq!(
            (target.backend, target.route, target.version.as_str()),
            (Backend::Vertex, Route::LiveSession, "v1beta1")
        );
        for (method, path) in [("POST", vertex), ("GET", "/ws"), ("GET", "/ws/x.y")] {
            assert_eq!(parse(method, path).route, Route::Unknown);
        }
    }

    #[test]
    fn what_is_not_served_is_unknown() {
        for path in [
            "/",
            "/models",
            "/vx/models",
            "/v1beta/files:download",
            "/upload/v1beta/models",
            "/v1/projects/p/locations/l/files",
            "/v1/publishers/google/x",
        ] {
            assert_eq!(parse("GET", path).route, Route::Unknown, "{path}");
        }
    }

    #[test]
    fn matchers_narrow_by_model_and_path() {
        let target = parse("POST", "/v1beta/models/gemini-2.5-flash:generateContent");
        assert!(RouteMatcher::any().matches(&target));
        assert!(
            RouteMatcher::from(Route::CountTokens)
                .or(target.route)
                .matches(&target)
        );
        assert!(!RouteMatcher::from(Route::CountTokens).matches(&target));
        assert!(!RouteMatcher::any().with_model("gemini").matches(&target));
        assert!(
            RouteMatcher::any()
                .with_path_part("2.5-flash")
                .matches(&target)
        );
    }
}

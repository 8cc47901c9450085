//! Where the API is: base URL, version, project and location, and how paths are made from them.
//!
//! Reads no environment and does no I/O.

use gimmal_transport::Error;
use gimmal_types::gemini::{HttpOptions, ResourceScope};
use url::Url;

use super::Backend;

const GEMINI_API_BASE: &str = "https://generativelanguage.googleapis.com/";

/// A resolved service address. Cheap to clone through an `Arc`; immutable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    backend: Backend,
    base_url: Url,
    /// The base URL is not the service's own.
    is_replaced: bool,
    /// The base URL stands for the place of the collections.
    is_collection: bool,
    api_version: String,
    project: Option<String>,
    location: Option<String>,
    ephemeral_token: bool,
}

/// Collects what is known of the service and checks it.
#[derive(Clone, Debug)]
#[must_use]
pub struct EndpointBuilder {
    backend: Backend,
    base_url: Option<String>,
    scope: Option<ResourceScope>,
    api_version: Option<String>,
    project: Option<String>,
    location: Option<String>,
    ephemeral_token: bool,
}

impl Endpoint {
    /// The developer API, version `v1` unless set otherwise.
    pub fn gemini_api() -> EndpointBuilder {
        EndpointBuilder::new(Backend::GeminiApi)
    }

    /// Vertex AI, version `v1beta1` and location `global` unless set otherwise.
    ///
    /// Without a project, requests go to the project-less paths of express mode.
    ///
    /// ```
    /// use gimmal_api::gemini::Endpoint;
    ///
    /// let endpoint = Endpoint::vertex().with_project("p").with_location("us-central1").build()?;
    /// assert_eq!(endpoint.base_url().as_str(), "https://us-central1-aiplatform.googleapis.com/");
    /// # Ok::<(), gimmal_transport::Error>(())
    /// ```
    pub fn vertex() -> EndpointBuilder {
        EndpointBuilder::new(Backend::Vertex)
    }

    /// Which service this is.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// The address that paths are appended to; ends in a slash.
    pub fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// The project on Vertex.
    pub fn project(&self) -> Option<&str> {
        self.project.as_deref()
    }

    /// The location on Vertex.
    pub fn location(&self) -> Option<&str> {
        self.location.as_deref()
    }

    /// True when the caller has an ephemeral token, with which only Live sessions can be opened.
    pub fn has_ephemeral_token(&self) -> bool {
        self.ephemeral_token
    }

    /// The same service with another address, as far as `options` name one.
    ///
    /// # Errors
    ///
    /// As [`EndpointBuilder::build`], for base URL and scope.
    pub fn with_http_options(&self, options: &HttpOptions) -> Result<Self, Error> {
        let mut endpoint = self.clone();
        if let Some(base) = &options.base_url {
            endpoint.base_url = parse_base(base)?;
            endpoint.is_replaced = true;
            endpoint.is_collection = false;
        }
        if let Some(scope) = &options.base_url_resource_scope {
            endpoint.is_collection = is_collection(scope, endpoint.is_replaced)?;
        }
        if let Some(version) = &options.api_version {
            endpoint.api_version.clone_from(version);
        }
        Ok(endpoint)
    }

    /// `projects/{project}/locations/{location}` when both are known.
    pub(crate) fn parent(&self) -> Option<String> {
        match (&self.project, &self.location) {
            (Some(project), Some(location)) => {
                Some(format!("projects/{project}/locations/{location}"))
            }
            _ => None,
        }
    }

    /// Refuses a call that only this backend has.
    pub(crate) fn require(&self, backend: Backend, call: &str) -> Result<(), Error> {
        if self.backend == backend {
            return Ok(());
        }
        let message = format!("{call} is not available on {}", self.backend);
        Err(Error::invalid("backend", message))
    }

    /// The URL of a resource path relative to the version, within the project on Vertex.
    pub(crate) fn url(&self, path: &str) -> Url {
        match self.parent() {
            Some(parent) if !self.is_collection && !path.starts_with("projects/") => {
                self.versioned(&format!("{parent}/{path}"))
            }
            _ => self.versioned(path),
        }
    }

    /// The URL of a path that is not within a project, such as the models of a publisher.
    pub(crate) fn versioned(&self, path: &str) -> Url {
        self.below("", path)
    }

    /// The URL that an upload to a resource path is opened at.
    pub(crate) fn upload(&self, path: &str) -> Url {
        self.below("/upload", path)
    }

    /// The URL that a method of the service is opened at which speaks both ways.
    pub(crate) fn socket(&self, method: &str) -> Url {
        let version = self.api_version.as_str();
        let method = match self.backend {
            Backend::GeminiApi => {
                format!("google.ai.generativelanguage.{version}.GenerativeService.{method}")
            }
            Backend::Vertex => {
                format!("google.cloud.aiplatform.{version}.LlmBidiService/{method}")
            }
        };
        let mut url = self.base_url.clone();
        let path = format!("{}ws/{method}", url.path());
        url.set_path(&path);
        url
    }

    /// The URL of a path below the version, which stands below `prefix`.
    fn below(&self, prefix: &str, path: &str) -> Url {
        let mut url = self.base_url.clone();
        let base = url.path().trim_end_matches('/');
        let version = if self.is_collection {
            ""
        } else {
            self.api_version.as_str()
        };
        let separator = if version.is_empty() { "" } else { "/" };
        let path = format!("{base}{prefix}{separator}{version}/{path}");
        url.set_path(&path);
        url
    }
}

impl EndpointBuilder {
    fn new(backend: Backend) -> Self {
        Self {
            backend,
            base_url: None,
            scope: None,
            api_version: None,
            project: None,
            location: None,
            ephemeral_token: false,
        }
    }

    /// Replaces the address: a proxy, a gateway or an emulator. A path in it is kept.
    pub fn with_base_url(mut self, base_url: impl Into<String>) -> Self {
        self.base_url = Some(base_url.into());
        self
    }

    /// Says what the address stands for; it must be a replaced one.
    pub fn with_base_url_resource_scope(mut self, scope: ResourceScope) -> Self {
        self.scope = Some(scope);
        self
    }

    /// Replaces the version, such as `v1beta`; an empty text removes it from the path.
    pub fn with_api_version(mut self, api_version: impl Into<String>) -> Self {
        self.api_version = Some(api_version.into());
        self
    }

    /// The project, on Vertex.
    pub fn with_project(mut self, project: impl Into<String>) -> Self {
        self.project = Some(project.into());
        self
    }

    /// The location, on Vertex: a region, `us`, `eu` or `global`.
    pub fn with_location(mut self, location: impl Into<String>) -> Self {
        self.location = Some(location.into());
        self
    }

    /// Says that the caller has an ephemeral token instead of a key. Live sessions are then opened
    /// by the method that takes one, which the developer API has in version `v1alpha`; that is the
    /// version unless another is set.
    pub fn with_ephemeral_token(mut self) -> Self {
        self.ephemeral_token = true;
        self
    }

    /// Resolves the address.
    ///
    /// # Errors
    ///
    /// Fails when the base URL is not an absolute http(s) URL, or carries a query or a user name,
    /// when a resource scope is set without one, when a project or location is no plain name, and
    /// when one is given for the developer API.
    pub fn build(self) -> Result<Endpoint, Error> {
        if self.backend == Backend::GeminiApi && (self.project.is_some() || self.location.is_some())
        {
            let field = if self.project.is_some() {
                "project"
            } else {
                "location"
            };
            return Err(Error::invalid(
                field,
                "belongs to Vertex AI; use `Endpoint::vertex()`",
            ));
        }
        if self.backend == Backend::Vertex && self.ephemeral_token {
            return Err(Error::invalid(
                "api_key",
                "is an ephemeral token, which Vertex AI does not take",
            ));
        }
        let location = match self.backend {
            Backend::GeminiApi => None,
            Backend::Vertex => Some(self.location.unwrap_or_else(|| "global".to_owned())),
        };
        if let Some(project) = &self.project {
            check_segment("project", project)?;
        }
        if let Some(location) = &location {
            check_segment("location", location)?;
        }
        let is_replaced = self.base_url.is_some();
        let is_collection = match &self.scope {
            None => false,
            Some(scope) => is_collection(scope, is_replaced)?,
        };
        let base = self
            .base_url
            .unwrap_or_else(|| default_base(location.as_deref()));
        let default_version = match self.backend {
            Backend::GeminiApi if self.ephemeral_token => "v1alpha",
            Backend::GeminiApi => "v1",
            Backend::Vertex => "v1beta1",
        };
        Ok(Endpoint {
            backend: self.backend,
            base_url: parse_base(&base)?,
            is_replaced,
            is_collection,
            api_version: self
                .api_version
                .unwrap_or_else(|| default_version.to_owned()),
            project: self.project,
            location,
            ephemeral_token: self.ephemeral_token,
        })
    }
}

/// The service's own host: one for the developer API, one per location for Vertex.
fn default_base(location: Option<&str>) -> String {
    match location {
        None => GEMINI_API_BASE.to_owned(),
        Some("global") => "https://aiplatform.googleapis.com/".to_owned(),
        Some(multi_region @ ("us" | "eu")) => {
            format!("https://aiplatform.{multi_region}.rep.googleapis.com/")
        }
        Some(region) => format!("https://{region}-aiplatform.googleapis.com/"),
    }
}

/// Whether the paths of collections follow the base URL at once.
fn is_collection(scope: &ResourceScope, is_replaced: bool) -> Result<bool, Error> {
    const FIELD: &str = "base_url_resource_scope";
    match scope {
        ResourceScope::Collection if is_replaced => Ok(true),
        ResourceScope::Collection => Err(Error::invalid(
            FIELD,
            "says what a base URL stands for; set `base_url` with it",
        )),
        other => Err(Error::invalid(
            FIELD,
            format!("`{other}` is not known; COLLECTION is"),
        )),
    }
}

/// Projects and locations become parts of host and path, so they must not be able to change either.
fn check_segment(field: &str, name: &str) -> Result<(), Error> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.:".contains(letter);
    if name.is_empty() || !name.chars().all(plain) || name == "." || name.contains("..") {
        return Err(Error::invalid(
            field,
            "must be a plain name of letters, digits and `-`",
        ));
    }
    // In a location these two would end the host name.
    if field == "location" && name.contains(['.', ':']) {
        return Err(Error::invalid(field, "must not contain `.` or `:`"));
    }
    Ok(())
}

fn parse_base(base: &str) -> Result<Url, Error> {
    let refuse = |why: &str| Error::invalid("base_url", why);
    // The text itself is not repeated: it may hold a password.
    let mut url =
        Url::parse(base).map_err(|error| refuse(&format!("is not an absolute URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refuse("must start with http:// or https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse(
            "must not carry a user name or password; set credentials instead",
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("must not carry a query or a fragment"));
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_follow_the_location() {
        for (location, host) in [
            ("global", "aiplatform.googleapis.com"),
            ("us", "aiplatform.us.rep.googleapis.com"),
            ("eu", "aiplatform.eu.rep.googleapis.com"),
            ("europe-west4", "europe-west4-aiplatform.googleapis.com"),
        ] {
            let endpoint = Endpoint::vertex().with_location(location).build().unwrap();
            assert_eq!(endpoint.base_url().host_str(), Some(host));
        }
        let endpoint = Endpoint::vertex().build().unwrap();
        assert_eq!(endpoint.location(), Some("global"));
    }

    #[test]
    fn base_paths_and_versions_are_kept() {
        let gateway = Endpoint::gemini_api()
            .with_base_url("https://gw/proxy")
            .build()
            .unwrap();
        assert_eq!(
            gateway.url("models/m").as_str(),
            "https://gw/proxy/v1/models/m"
        );
        assert_eq!(
            gateway.upload("files").as_str(),
            "https://gw/proxy/upload/v1/files"
        );
        let bare = Endpoint::gemini_api().with_api_version("").build().unwrap();
        assert_eq!(bare.url("models/m").path(), "/models/m");
        assert_eq!(bare.upload("files").path(), "/upload/files");
        let vertex = Endpoint::vertex()
            .with_project("p")
            .with_base_url("http://127.0.0.1:1/")
            .build()
            .unwrap();
        assert_eq!(
            vertex.url("cachedContents").path(),
            "/v1beta1/projects/p/locations/global/cachedContents"
        );
        assert_eq!(vertex.url("projects/q/x").path(), "/v1beta1/projects/q/x");
    }

    #[test]
    fn methods_that_speak_both_ways_have_addresses_of_their_own() {
        let developer = Endpoint::gemini_api().with_base_url("http://127.0.0.1:1/gw");
        assert_eq!(
            developer.clone().build().unwrap().socket("M").as_str(),
            "http://127.0.0.1:1/gw/ws/google.ai.generativelanguage.v1.GenerativeService.M"
        );
        let token = developer.with_ephemeral_token();
        let other = token.clone().with_api_version("v1beta").build().unwrap();
        assert!(other.socket("M").path().contains(".v1beta."));
        let token = token.build().unwrap();
        assert!(token.has_ephemeral_token());
        assert!(token.socket("M").path().contains(".v1alpha."));
        let vertex = Endpoint::vertex().with_location("us-central1");
        assert_eq!(
            vertex.clone().build().unwrap().socket("M").as_str(),
            "https://us-central1-aiplatform.googleapis.com/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/M"
        );
        let error = vertex.with_ephemeral_token().build().unwrap_err();
        assert_eq!(error.field(), Some("api_key"));
    }

    #[test]
    fn collections_follow_the_base_url_of_their_place() {
        let place = || {
            Endpoint::vertex()
                .with_project("p")
                .with_base_url("https://gw/v9/col")
        };
        let endpoint = place()
            .with_base_url_resource_scope(ResourceScope::Collection)
            .build()
            .unwrap();
        for (path, url) in [
            ("cachedContents", "https://gw/v9/col/cachedContents"),
            (
                "publishers/google/models/m",
                "https://gw/v9/col/publishers/google/models/m",
            ),
            ("projects/p/x", "https://gw/v9/col/projects/p/x"),
        ] {
            assert_eq!(endpoint.url(path).as_str(), url);
        }
        assert_eq!(endpoint.upload("files").path(), "/v9/col/upload/files");

        let bare = Endpoint::gemini_api().with_base_url_resource_scope(ResourceScope::Collection);
        assert_eq!(
            bare.build().unwrap_err().to_string(),
            "invalid `base_url_resource_scope`: says what a base URL stands for; set `base_url` \
             with it"
        );
        let odd = place().with_base_url_resource_scope(ResourceScope::from("PLANET"));
        let error = odd.build().unwrap_err();
        assert!(
            error.to_string().contains("`PLANET` is not known"),
            "{error}"
        );
    }

    #[test]
    fn options_replace_what_they_name() {
        let endpoint = Endpoint::vertex().with_project("p").build().unwrap();
        let version = HttpOptions::new().set_api_version("v1");
        let url = endpoint.with_http_options(&version).unwrap().url("x");
        assert_eq!(
            url.as_str(),
            "https://aiplatform.googleapis.com/v1/projects/p/locations/global/x"
        );
        let place = HttpOptions::new()
            .set_base_url("https://gw/col")
            .set_base_url_resource_scope(ResourceScope::Collection);
        let place = endpoint.with_http_options(&place).unwrap();
        assert_eq!(place.url("x").as_str(), "https://gw/col/x");
        // Another address is not the place of collections unless that is said again.
        let other = HttpOptions::new().set_base_url("https://other");
        let other = place.with_http_options(&other).unwrap();
        assert_eq!(
            other.url("x").path(),
            "/v1beta1/projects/p/locations/global/x"
        );
        let bad = HttpOptions::new().set_base_url("nowhere");
        let error = endpoint.with_http_options(&bad).unwrap_err();
        assert_eq!(error.field(), Some("base_url"));
    }

    #[test]
    fn bad_addresses_name_the_field() {
        for base in [
            "",
            "localhost:80",
            "ftp://x/",
            "http://u:p@x/",
            "http://x/?a=b",
        ] {
            let error = Endpoint::gemini_api()
                .with_base_url(base)
                .build()
                .unwrap_err();
            assert_eq!(error.field(), Some("base_url"), "{base}");
            assert!(!error.to_string().contains("u:p"));
        }
        let error = Endpoint::gemini_api()
            .with_project("p")
            .build()
            .unwrap_err();
        assert_eq!(error.field(), Some("project"));
        for (project, location, field) in [
            ("p/../q", "global", "project"),
            (".", "global", "project"),
            ("", "global", "project"),
            ("p", "evil.example/", "location"),
            ("p", "a.b", "location"),
        ] {
            let endpoint = Endpoint::vertex()
                .with_project(project)
                .with_location(location);
            assert_eq!(endpoint.build().unwrap_err().field(), Some(field));
        }
        let domain = Endpoint::vertex().with_project("example.com:project");
        assert_eq!(
            domain.build().unwrap().project(),
            Some("example.com:project")
        );
    }
}

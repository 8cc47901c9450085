//! Google's own credentials, by way of the `google-cloud-auth` crate: it finds them, signs with
//! them and refreshes their tokens. Here they are only adapted: built when first needed, checked
//! for their universe, and stripped of whatever their errors quote.

use std::error::Error as StdError;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use google_cloud_auth::build_errors::Error as BuildError;
use google_cloud_auth::credentials::{
    self as google, CacheableResource, EntityTag, service_account, user_account,
};
use google_cloud_auth::errors::CredentialsError;
use http::{Extensions, StatusCode};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::auth::{AuthHeaders, AuthTag, Credentials};
use crate::error::{Error, Persistence, TimeoutKind};
use crate::time::{Clock, Elapsed, TokioClock, within};

/// The scope of most Google Cloud services; what an account may do is set elsewhere.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// The public cloud, as opposed to sovereign ones.
const UNIVERSE: &str = "googleapis.com";

/// How long a call waits for a token.
const FETCH_TIMEOUT: Duration = Duration::from_secs(60);

/// What a token endpoint says when it refuses (RFC 6749, section 5.2), and Google's own addition
/// to it. Nothing else of its answer is shown.
const REFUSALS: [&str; 7] = [
    "invalid_grant",
    "invalid_client",
    "invalid_request",
    "invalid_scope",
    "unauthorized_client",
    "access_denied",
    "invalid_rapt",
];

/// Credentials of a Google account: those of the environment, of a file, or given in code.
///
/// ```no_run
/// use gimmal_transport::Transport;
/// use gimmal_transport::auth::GoogleCredentials;
///
/// # fn main() -> Result<(), gimmal_transport::Error> {
/// let credentials = GoogleCredentials::application_default().with_quota_project("billed-here");
/// let transport = Transport::builder().with_credentials(credentials).build()?;
/// # let _ = transport;
/// # Ok(())
/// # }
/// ```
///
/// They add `authorization` and, where a quota project is known, `x-goog-user-project`. The scope
/// is `https://www.googleapis.com/auth/cloud-platform` unless others are set.
///
/// Nothing is read, sent or started before the first call. Google's library then keeps the token
/// and refreshes it four minutes before it runs out, in a task on the runtime of that call; after
/// this value is dropped, the task ends at its next turn. When a call cannot have a token, or the
/// server answers 401, the credentials are set up anew for the next call, which reads files again.
pub struct GoogleCredentials {
    origin: Origin,
    scopes: Vec<String>,
    quota_project: Option<String>,
    universe: String,
    fetch_timeout: Duration,
    clock: Arc<dyn Clock>,
    built: Mutex<Option<Arc<Built>>>,
}

/// Where the credentials are.
enum Origin {
    Environment,
    File(PathBuf),
    Json(SecretString),
    Given(google::Credentials),
}

/// Credentials as Google's library has set them up, and the headers they gave last.
struct Built {
    credentials: google::Credentials,
    latest: Mutex<Option<(EntityTag, AuthHeaders)>>,
}

impl GoogleCredentials {
    fn new(origin: Origin) -> Self {
        Self {
            origin,
            scopes: vec![SCOPE.into()],
            quota_project: None,
            universe: UNIVERSE.into(),
            fetch_timeout: FETCH_TIMEOUT,
            clock: Arc::new(TokioClock),
            built: Mutex::new(None),
        }
    }

    /// Application Default Credentials: the file that `GOOGLE_APPLICATION_CREDENTIALS` names, else
    /// what `gcloud auth application-default login` left, else the metadata server of Google
    /// Cloud, whose address `GCE_METADATA_HOST` can replace.
    ///
    /// `GOOGLE_CLOUD_QUOTA_PROJECT` wins over a quota project set in code.
    pub fn application_default() -> Self {
        Self::new(Origin::Environment)
    }

    /// The file of a service account or of an authorised user.
    pub fn from_file(path: impl Into<PathBuf>) -> Self {
        Self::new(Origin::File(path.into()))
    }

    /// The JSON of a service account or of an authorised user.
    pub fn from_json(json: SecretString) -> Self {
        Self::new(Origin::Json(json))
    }

    /// Credentials made with Google's library, such as those of another identity provider. Scopes
    /// and quota project are then theirs.
    pub fn from_google(credentials: google::Credentials) -> Self {
        Self::new(Origin::Given(credentials))
    }

    /// Sets the scopes to ask for.
    #[must_use]
    pub fn with_scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the project that is billed and whose quota is used, in place of the one in the file.
    #[must_use]
    pub fn with_quota_project(mut self, project: impl Into<String>) -> Self {
        self.quota_project = Some(project.into());
        self
    }

    /// Sets the universe of the servers that are called, `googleapis.com` by default. Credentials
    /// of another one are not sent to them.
    #[must_use]
    pub fn with_universe_domain(mut self, domain: impl Into<String>) -> Self {
        self.universe = domain.into();
        self
    }

    /// Sets how long a call waits for a token, 60 s by default.
    #[must_use]
    pub fn with_fetch_timeout(mut self, timeout: Duration) -> Self {
        self.fetch_timeout = timeout;
        self
    }

    /// Takes time from `clock` for that wait. Google's library has a clock of its own.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    async fn get(&self) -> Result<AuthHeaders, Error> {
        let built = self.built()?;
        let limit = self.fetch_timeout;
        // The library panics when the runtime that its task ran on is gone.
        let fetching = AssertUnwindSafe(self.fetch(&built)).catch_unwind();
        let fetched = match within(&*self.clock, Some(limit), fetching).await {
            Ok(Ok(fetched)) => fetched,
            Ok(Err(_panic)) => Err(flawed("are no longer refreshed; their runtime has ended")
                .with_persistence(Persistence::Temporary)),
            // The fetch goes on, and the next call waits for the same one.
            Err(Elapsed) => return Err(Error::timeout(TimeoutKind::Attempt, limit)),
        };
        if fetched.is_err() {
            // The library would repeat a failure for a while, and a lasting one for ever.
            self.forget(|present| Arc::ptr_eq(present, &built));
        }
        fetched
    }

    async fn fetch(&self, built: &Built) -> Result<AuthHeaders, Error> {
        let latest = built.latest().clone();
        let mut extensions = Extensions::new();
        if let Some((seen, _)) = &latest {
            extensions.insert(seen.clone());
        }
        let resource = built.credentials.headers(extensions).await;
        match (resource.map_err(|error| describe(&error))?, latest) {
            (CacheableResource::NotModified, Some((_, headers))) => Ok(headers),
            (CacheableResource::NotModified, None) => {
                Err(Error::authentication("Google's library gave no headers"))
            }
            (CacheableResource::New { entity_tag, data }, _) => {
                self.check_universe(&built.credentials).await?;
                let headers = AuthHeaders::new(data);
                *built.latest() = Some((entity_tag, headers.clone()));
                Ok(headers)
            }
        }
    }

    /// A token of one universe means nothing in another, and is none of its business.
    async fn check_universe(&self, credentials: &google::Credentials) -> Result<(), Error> {
        let theirs = credentials.universe_domain().await;
        let theirs = theirs.as_deref().unwrap_or(UNIVERSE);
        if theirs == self.universe {
            return Ok(());
        }
        Err(Error::authentication(format!(
            "the credentials are for the universe {theirs} and the server is in {}; \
             set the same universe domain for both",
            self.universe
        ))
        .with_field("universe_domain"))
    }

    /// The credentials as set up, which happens at the first call.
    fn built(&self) -> Result<Arc<Built>, Error> {
        let mut built = self.lock();
        if let Some(built) = &*built {
            return Ok(Arc::clone(built));
        }
        let new = Arc::new(Built {
            credentials: self.build()?,
            latest: Mutex::new(None),
        });
        *built = Some(Arc::clone(&new));
        Ok(new)
    }

    fn build(&self) -> Result<google::Credentials, Error> {
        match &self.origin {
            Origin::Environment => {
                let builder = google::Builder::default().with_scopes(self.scopes.clone());
                let project = self.quota_project.iter();
                let builder =
                    project.fold(builder, |it, project| it.with_quota_project_id(project));
                builder.build().map_err(|error| unusable(&error))
            }
            Origin::File(path) => {
                let text = std::fs::read_to_string(path).map_err(|source| {
                    let path = path.display();
                    Error::authentication(format!("{path} could not be read: {source}"))
                        .with_field("google_credentials")
                        .with_source(source)
                })?;
                let text = Zeroizing::new(text);
                let built = self.build_json(&text);
                built.map_err(|error| error.with_context("path", path.display().to_string()))
            }
            Origin::Json(text) => self.build_json(text.expose_secret()),
            Origin::Given(credentials) => Ok(credentials.clone()),
        }
    }

    fn build_json(&self, text: &str) -> Result<google::Credentials, Error> {
        let json: Value = serde_json::from_str(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            flawed(format!("are no JSON: line {line}, column {column}"))
        })?;
        let project = self.quota_project.iter();
        let built = match json.get("type").and_then(Value::as_str) {
            Some("service_account") => {
                let scopes = service_account::AccessSpecifier::from_scopes(self.scopes.clone());
                let builder = service_account::Builder::new(json).with_access_specifier(scopes);
                let builder =
                    project.fold(builder, |it, project| it.with_quota_project_id(project));
                builder.build()
            }
            Some("authorized_user") => {
                let builder = user_account::Builder::new(json).with_scopes(self.scopes.clone());
                let builder =
                    project.fold(builder, |it, project| it.with_quota_project_id(project));
                builder.build()
            }
            _ => {
                return Err(flawed(
                    "have a `type` other than service_account and authorized_user; \
                     use Application Default Credentials for those",
                ));
            }
        };
        built.map_err(|error| unusable(&error))
    }

    /// Drops the credentials as set up, if they are those in question; says whether there are
    /// others to be had.
    fn forget(&self, in_question: impl FnOnce(&Arc<Built>) -> bool) -> bool {
        if matches!(self.origin, Origin::Given(_)) {
            return false;
        }
        let mut built = self.lock();
        if built.as_ref().is_some_and(in_question) {
            *built = None;
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Built>>> {
        self.built.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Built {
    fn latest(&self) -> MutexGuard<'_, Option<(EntityTag, AuthHeaders)>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Credentials for GoogleCredentials {
    fn headers(&self) -> BoxFuture<'_, Result<AuthHeaders, Error>> {
        self.get().boxed()
    }

    fn rejected(&self, tag: AuthTag, refusal: &Error) -> bool {
        refusal.status() == Some(StatusCode::UNAUTHORIZED)
            && self.forget(|present| {
                let latest = present.latest();
                latest.as_ref().is_some_and(|(_, it)| it.tag() == tag)
            })
    }
}

impl From<google::Credentials> for GoogleCredentials {
    fn from(credentials: google::Credentials) -> Self {
        Self::from_google(credentials)
    }
}

/// Shows where the credentials come from, and nothing of them.
impl fmt::Debug for GoogleCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin: &dyn fmt::Debug = match &self.origin {
            Origin::Environment => &"environment",
            Origin::File(path) => path,
            Origin::Json(_) => &"json",
            Origin::Given(_) => &"given",
        };
        f.debug_struct("GoogleCredentials")
            .field("origin", origin)
            .field("scopes", &self.scopes)
            .field("quota_project", &self.quota_project)
            .field("universe", &self.universe)
            .finish_non_exhaustive()
    }
}

fn flawed(flaw: impl fmt::Display) -> Error {
    Error::authentication(format!("the Google credentials {flaw}")).with_field("google_credentials")
}

/// Why credentials could not be set up. The library's own text may quote the file.
fn unusable(error: &BuildError) -> Error {
    if error.is_loading() {
        flawed("could not be read; check the path in GOOGLE_APPLICATION_CREDENTIALS")
    } else if error.is_parsing() || error.is_missing_field() {
        flawed("lack a field or have one of the wrong type; download the file again")
    } else {
        flawed("are of a kind that is not supported here")
    }
}

/// Why there is no token. The library's own text may quote the endpoint's answer.
fn describe(error: &CredentialsError) -> Error {
    let status = chain(error).find_map(|it| it.downcast_ref::<reqwest::Error>()?.status());
    let refusal = REFUSALS
        .into_iter()
        .find(|code| chain(error).any(|it| it.to_string().contains(code)));
    let text = match (refusal, status) {
        (Some(refusal), _) => format!(
            "Google refuses the credentials ({refusal}); obtain new ones, for example with \
             `gcloud auth application-default login`"
        ),
        (None, Some(status)) => format!("Google's token endpoint answers {}", status.as_u16()),
        (None, None) => "no token could be had from Google; set up credentials with `gcloud auth \
             application-default login` or GOOGLE_APPLICATION_CREDENTIALS, or check the network"
            .into(),
    };
    let persistence = if error.is_transient() {
        Persistence::Temporary
    } else {
        Persistence::Permanent
    };
    Error::authentication(text)
        .with_field("google_credentials")
        .with_persistence(persistence)
}

/// An error and what caused it.
fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

//! Files of a hub that speaks as Hugging Face's does, kept on the disk. What a file holds does not
//! matter here.

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use gimmal_transport::{
    BearerToken, Download, Error, HttpTransport, NoCredentials, Request, Timeout, Transport,
};
use http::{Method, StatusCode};
use secrecy::SecretString;
use url::Url;

/// The address of the hub itself.
const HUGGING_FACE: &str = "https://huggingface.co";
/// A file is given up when nothing of it comes for this long.
const SILENCE: std::time::Duration = std::time::Duration::from_secs(120);

/// A hub, and the folder where its files are kept.
///
/// ```no_run
/// # async fn run() -> Result<(), gimmal_client::Error> {
/// use gimmal_client::tinker::hub::Hub;
///
/// let hub = Hub::builder().from_env().build()?;
/// let path = hub.file("Qwen/Qwen3-8B", "main", "tokenizer.json").await?;
/// println!("{}", path.display());
/// # Ok(()) }
/// ```
///
/// A file that is in the folder is taken from there, and nothing is asked. A file that is fetched
/// takes its place in the folder when it is whole. The token goes to the hub alone, not to where
/// it redirects.
#[derive(Clone)]
pub struct Hub {
    pub(super) transport: Transport,
    pub(super) endpoint: Url,
    pub(super) folder: PathBuf,
    pub(super) has_token: bool,
}

impl Hub {
    /// Starts a hub from explicit settings.
    pub fn builder() -> HubBuilder {
        HubBuilder::default()
    }

    /// The path of a file of a repository, which is fetched if it is not here yet.
    ///
    /// # Errors
    ///
    /// Fails on names that lead elsewhere, on a file that the hub does not have, and as the
    /// transport does.
    pub async fn file(
        &self,
        repository: &str,
        revision: &str,
        name: &str,
    ) -> Result<PathBuf, Error> {
        let target = self.place(repository, revision, name)?;
        if tokio::fs::try_exists(&target).await.unwrap_or(false) {
            return Ok(target);
        }
        if let Some(folder) = target.parent() {
            let made = tokio::fs::create_dir_all(folder).await;
            made.map_err(|error| Error::file("create", folder, error))?;
        }
        let url = self.url(&format!("{repository}/resolve/{revision}/{name}"))?;
        let request = Request::new(Method::GET, url);
        let download = Download::new(&self.transport, request, &target).with_overwrite();
        match download.send().await {
            Ok(_) => Ok(target),
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => {
                let file = format!("{repository}@{revision}/{name}");
                Err(error.with_context("file not found on the hub", file))
            }
            Err(error) => Err(error),
        }
    }

    /// An address of the hub.
    pub(super) fn url(&self, path: &str) -> Result<Url, Error> {
        let base = self.endpoint.as_str().trim_end_matches('/');
        Url::parse(&format!("{base}/{path}"))
            .map_err(|error| Error::invalid("repository", error.to_string()))
    }

    /// Where a file is kept: `<folder>/hf/<org>__<name>/<revision>/<file>`.
    fn place(&self, repository: &str, revision: &str, name: &str) -> Result<PathBuf, Error> {
        let parts = repository_parts(repository)?;
        check_revision(revision)?;
        let mut components = Path::new(name).components();
        let inside = components.all(|part| match part {
            Component::Normal(part) => plain(&part.to_string_lossy()),
            _ => false,
        });
        if name.is_empty() || !inside {
            let message = format!("`{name}` is no file of a repository");
            return Err(Error::invalid("file", message));
        }
        let repository = parts.join("__");
        Ok(self
            .folder
            .join("hf")
            .join(repository)
            .join(revision)
            .join(name))
    }
}

/// Letters, digits, `-`, `_` and `.`, which does not come first.
fn plain(part: &str) -> bool {
    let fine = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    !part.is_empty() && part.chars().all(fine) && !part.starts_with('.')
}

/// The owner, if it is named, and the name of a repository.
pub(super) fn repository_parts(repository: &str) -> Result<Vec<&str>, Error> {
    let parts: Vec<&str> = repository.split('/').collect();
    if parts.len() > 2 || !parts.iter().all(|part| plain(part)) {
        let message = format!("`{repository}` is no repository such as `org/name`");
        return Err(Error::invalid("repository", message));
    }
    Ok(parts)
}

/// Refuses a revision that would lead elsewhere.
pub(super) fn check_revision(revision: &str) -> Result<(), Error> {
    if plain(revision) {
        return Ok(());
    }
    let message = format!("`{revision}` is no revision such as `main`");
    Err(Error::invalid("revision", message))
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("endpoint", &self.endpoint.as_str())
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

/// Collects the settings of a [`Hub`].
#[derive(Default)]
#[must_use]
pub struct HubBuilder {
    endpoint: Option<String>,
    token: Option<SecretString>,
    folder: Option<PathBuf>,
    environment: Environment,
    http: Option<Arc<dyn HttpTransport>>,
}

/// What the environment says.
#[derive(Default)]
struct Environment {
    endpoint: Option<String>,
    token: Option<SecretString>,
    token_file: Option<PathBuf>,
    folder: Option<PathBuf>,
}

impl Environment {
    fn read(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name: &str| {
            let value = lookup(name)?;
            let value = value.trim();
            (!value.is_empty()).then(|| value.to_owned())
        };
        let path = |name| text(name).map(PathBuf::from);
        let home = path("HOME").or_else(|| path("USERPROFILE"));
        let caches = path("XDG_CACHE_HOME").or_else(|| Some(home?.join(".cache")));
        let hub = path("HF_HOME").or_else(|| Some(caches.as_ref()?.join("huggingface")));
        Self {
            endpoint: text("HF_ENDPOINT"),
            token: text("HF_TOKEN")
                .or_else(|| text("HUGGING_FACE_HUB_TOKEN"))
                .map(Into::into),
            token_file: path("HF_TOKEN_PATH").or_else(|| Some(hub?.join("token"))),
            folder: caches.map(|caches| caches.join("gimmal")),
        }
    }
}

impl HubBuilder {
    /// Takes from the environment what is not set explicitly: `HF_ENDPOINT`, `HF_TOKEN`,
    /// `HUGGING_FACE_HUB_TOKEN`, the token in the file that `HF_TOKEN_PATH` names or that is in
    /// `HF_HOME`, and the user's folder for caches.
    pub fn from_env(self) -> Self {
        self.from_lookup(|name| std::env::var(name).ok())
    }

    /// As [`HubBuilder::from_env`], from variables of the caller's.
    pub fn from_lookup(mut self, lookup: impl Fn(&str) -> Option<String>) -> Self {
        self.environment = Environment::read(lookup);
        self
    }

    /// Replaces the address.
    pub fn with_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// Sets the token that opens repositories that are not public.
    pub fn with_token(mut self, token: impl Into<SecretString>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Sets the folder where files are kept.
    pub fn with_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Sends through something else than the built-in HTTP client.
    pub fn with_http(mut self, http: Arc<dyn HttpTransport>) -> Self {
        self.http = Some(http);
        self
    }

    /// The token that counts: the explicit one, those of the environment, that of the file.
    fn token(&self) -> Option<SecretString> {
        let stated = self.token.as_ref().or(self.environment.token.as_ref());
        stated.cloned().or_else(|| {
            let text = std::fs::read_to_string(self.environment.token_file.as_ref()?).ok()?;
            let token = text.trim();
            (!token.is_empty()).then(|| token.to_owned().into())
        })
    }

    /// Checks the settings. Nothing is sent; the file with the token is read if need be.
    ///
    /// # Errors
    ///
    /// Fails on a bad address, on a token that no header may hold, and without a folder.
    pub fn build(self) -> Result<Hub, Error> {
        let token = self.token();
        let has_token = token.is_some();
        let endpoint = self.endpoint.or(self.environment.endpoint);
        let endpoint = endpoint.as_deref().unwrap_or(HUGGING_FACE);
        let endpoint = Url::parse(endpoint)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .ok_or_else(|| {
                Error::invalid("HF_ENDPOINT", "must be an address with http or https")
            })?;
        let folder = self.folder.or(self.environment.folder).ok_or_else(|| {
            Error::config("there is no folder for the files of the hub; name one")
        })?;
        let mut transport = Transport::builder();
        if let Some(http) = self.http {
            transport = transport.with_http(http);
        }
        transport = match token {
            Some(token) => {
                let token = BearerToken::new(token);
                token.check()?;
                transport.with_credentials(token)
            }
            None => transport.with_credentials(NoCredentials),
        };
        let options = gimmal_transport::CallOptions::new()
            .with_first_byte_timeout(Timeout::After(SILENCE))
            .with_idle_timeout(Timeout::After(SILENCE));
        Ok(Hub {
            transport: transport.with_options(options).build()?,
            endpoint,
            folder,
            has_token,
        })
    }
}

impl fmt::Debug for HubBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubBuilder")
            .field("endpoint", &self.endpoint)
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use gimmal_transport::testing::{Reply, ScriptedTransport};
    use secrecy::ExposeSecret as _;
    use test_case::test_case;

    use super::*;

    fn hub(
        folder: &Path,
        replies: impl IntoIterator<Item = Reply>,
    ) -> (Arc<ScriptedTransport>, Hub) {
        let http = Arc::new(ScriptedTransport::new(replies));
        let hub = Hub::builder()
            .with_endpoint("https://hub.test/")
            .with_token("hf_secret")
            .with_folder(folder)
            .with_http(http.clone());
        (http, hub.build().unwrap())
    }

    /// Covers: CHK-HF-1
    #[test]
    fn chk_hf_1_the_nearest_token_counts() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("token");
        std::fs::write(&file, " from-file \n").unwrap();
        let path = home.path().to_str().unwrap().to_owned();
        let token = |explicit: Option<&str>, set: &[&str]| {
            let lookup = |name: &str| match name {
                "HF_HOME" => Some(path.clone()),
                _ => set.contains(&name).then(|| name.to_owned()),
            };
            let mut builder = Hub::builder().from_lookup(lookup);
            if let Some(explicit) = explicit {
                builder = builder.with_token(explicit);
            }
            builder.token().unwrap().expose_secret().to_owned()
        };
        let both = ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"];
        assert_eq!(token(Some("explicit"), &both), "explicit");
        assert_eq!(token(None, &both), "HF_TOKEN");
        assert_eq!(token(None, &both[1..]), "HUGGING_FACE_HUB_TOKEN");
        assert_eq!(token(None, &[]), "from-file");
        let nowhere = Hub::builder().from_lookup(|_| None).token();
        assert!(nowhere.is_none());
    }

    /// Covers: CHK-HF-3
    #[tokio::test(start_paused = true)]
    async fn chk_hf_3_a_file_that_is_here_is_not_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let reply = Reply::status(200).with_chunk("{}");
        let (http, hub) = hub(folder.path(), [reply]);
        let path = hub.file("org/tok", "main", "tokenizer.json").await.unwrap();
        assert_eq!(path, folder.path().join("hf/org__tok/main/tokenizer.json"));
        assert_eq!(std::fs::read(&path).unwrap(), b"{}");
        assert_eq!(
            hub.file("org/tok", "main", "tokenizer.json").await.unwrap(),
            path
        );
        let requests = http.requests();
        assert_eq!(requests.len(), 1);
        let uri = "https://hub.test/org/tok/resolve/main/tokenizer.json";
        assert_eq!(requests[0].uri().to_string(), uri);
        assert_eq!(
            requests[0].header("authorization"),
            Some("Bearer hf_secret")
        );
        assert!(!format!("{hub:?}").contains("hf_secret"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_is_not_there_is_named_and_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (_, hub) = hub(folder.path(), [Reply::status(404)]);
        let error = hub.file("org/tok", "main", "a.json").await.unwrap_err();
        assert!(
            format!("{error:?}").contains("org/tok@main/a.json"),
            "{error:?}"
        );
        assert!(!folder.path().join("hf/org__tok/main/a.json").exists());
    }

    #[test_case("../x", "main", "a", "repository")]
    #[test_case("a/b/c", "main", "a", "repository"; "three parts")]
    #[test_case("a/..", "main", "a", "repository"; "dots")]
    #[test_case("a/b", "../main", "a", "revision")]
    #[test_case("a/b", "main", "../a", "file")]
    #[test_case("a/b", "main", "/a", "file"; "absolute")]
    #[test_case("a/b", "main", "a?b", "file"; "query")]
    #[test_case("a/b", "main", "", "file"; "empty")]
    #[tokio::test(start_paused = true)]
    async fn names_that_lead_elsewhere_are_refused(repo: &str, rev: &str, file: &str, field: &str) {
        let folder = tempfile::tempdir().unwrap();
        let (http, hub) = hub(folder.path(), []);
        let error = hub.file(repo, rev, file).await.unwrap_err();
        assert_eq!(error.field(), Some(field));
        assert_eq!(http.request_count(), 0);
    }
}

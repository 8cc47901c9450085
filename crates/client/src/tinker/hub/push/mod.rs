//! Puts the adapter of a checkpoint into a repository of a hub: fetched, looked at, uploaded, and
//! committed in one step.

mod adapter;
mod api;
mod card;
mod glob;
mod upload;

use std::fmt;
use std::future::IntoFuture;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use gimmal_transport::Error;
use gimmal_types::tinker::ParsedCheckpointTinkerPath;

use self::adapter::{Adapter, AdapterFile};
use self::api::{Commit, Committed, Repository};
use super::Hub;
use super::files::{check_revision, repository_parts};
use crate::tinker::RestClient;
use crate::tinker::rest::parse;

/// The branch that every repository has.
const MAIN: &str = "main";

/// An adapter that is not on the hub yet. Awaiting it puts it there.
///
/// ```no_run
/// # async fn run(rest: gimmal_client::tinker::RestClient) -> Result<(), gimmal_client::Error> {
/// use gimmal_client::tinker::hub::Hub;
///
/// let hub = Hub::builder().from_env().build()?;
/// let path = "tinker://run-123/sampler_weights/final";
/// let pushed = hub.push_adapter(&rest, path).with_repository("me/my-adapter").await?;
/// println!("{} at {}", pushed.repository, pushed.revision);
/// # Ok(()) }
/// ```
///
/// Without a repository it is one named after the base model and the run, and the revision is the
/// name of the checkpoint. The files are fetched to the hub's folder first, and removed from there
/// afterwards. A repository that already holds another checkpoint is left alone.
#[must_use = "nothing is pushed until it is awaited"]
pub struct PushAdapter {
    hub: Hub,
    rest: RestClient,
    path: String,
    folder: Option<PathBuf>,
    repository: Option<String>,
    revision: Option<String>,
    is_public: bool,
    message: Option<String>,
    as_pull_request: bool,
    has_card: bool,
    allowed: Vec<String>,
    ignored: Vec<String>,
}

/// An adapter on a hub.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PushedAdapter {
    /// The repository, such as `me/my-adapter`.
    pub repository: String,
    /// The revision that it was committed to.
    pub revision: String,
    /// Whether everybody may read it.
    pub is_public: bool,
    /// The page of the commit, where the hub says.
    pub commit_url: Option<String>,
    /// The page of the pull request, where one was asked for.
    pub pull_request_url: Option<String>,
}

impl Hub {
    /// Starts to put the adapter of a checkpoint into a repository.
    pub fn push_adapter(&self, rest: &RestClient, path: impl Into<String>) -> PushAdapter {
        PushAdapter {
            hub: self.clone(),
            rest: rest.clone(),
            path: path.into(),
            folder: None,
            repository: None,
            revision: None,
            is_public: false,
            message: None,
            as_pull_request: false,
            has_card: true,
            allowed: Vec::new(),
            ignored: Vec::new(),
        }
    }
}

impl PushAdapter {
    /// Takes the files of the checkpoint from a folder, where they are already, instead of fetching
    /// them. What the adapter lacks for a hub is written into the folder, which stays.
    pub fn with_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Names the repository, `owner/name`, or `name` for one of the owner of the token. It is made if
    /// it is not there.
    pub fn with_repository(mut self, repository: impl Into<String>) -> Self {
        self.repository = Some(repository.into());
        self
    }

    /// Names the branch; `main` where the repository is named.
    pub fn with_revision(mut self, revision: impl Into<String>) -> Self {
        self.revision = Some(revision.into());
        self
    }

    /// Makes a repository that everybody may read; only its owner by default.
    pub fn with_public(mut self, is_public: bool) -> Self {
        self.is_public = is_public;
        self
    }

    /// Sets the message of the commit.
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Asks for the change instead of making it.
    pub fn with_pull_request(mut self, as_pull_request: bool) -> Self {
        self.as_pull_request = as_pull_request;
        self
    }

    /// Adds a `README.md` where the checkpoint has none, as by default.
    pub fn with_model_card(mut self, has_card: bool) -> Self {
        self.has_card = has_card;
        self
    }

    /// Takes only files whose path or name fits one of these patterns: `*` stands for anything but
    /// `/`, `**` for anything.
    pub fn with_allowed(mut self, patterns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.allowed = patterns.into_iter().map(Into::into).collect();
        self
    }

    /// Leaves out files whose path or name fits one of these patterns.
    pub fn with_ignored(mut self, patterns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.ignored = patterns.into_iter().map(Into::into).collect();
        self
    }

    async fn send(self) -> Result<PushedAdapter, Error> {
        let path = parse(&self.path)?;
        self.check()?;
        let owner = self.hub.whoami().await?;
        let base_model = self.rest.get_weights_info_by_tinker_path(&self.path);
        let base_model = base_model.await?.base_model;
        let (name, revision) = self.destination(&path, &base_model)?;
        let name = match name.contains('/') {
            true => name,
            false => format!("{owner}/{name}"),
        };
        let (folder, is_fetched) = match &self.folder {
            Some(folder) => (folder.clone(), false),
            None => (self.fetch().await?, true),
        };
        let pushed = self
            .push(&folder, &base_model, &name, &revision, &owner)
            .await;
        if is_fetched {
            let removed = tokio::fs::remove_dir_all(&folder).await;
            removed.map_err(|error| Error::file("remove", &folder, error))?;
        }
        let committed = pushed?;
        Ok(PushedAdapter {
            repository: name,
            revision,
            is_public: self.is_public,
            commit_url: committed.commit_url,
            pull_request_url: committed.pull_request_url,
        })
    }

    /// Fetches the checkpoint to the hub's folder.
    async fn fetch(&self) -> Result<PathBuf, Error> {
        let folder = self.hub.folder.join("push");
        let made = tokio::fs::create_dir_all(&folder).await;
        made.map_err(|error| Error::file("create", &folder, error))?;
        let fetched = self.rest.download_checkpoint(&self.path);
        Ok(fetched.with_folder(&folder).with_overwrite().await?.path)
    }

    async fn push(
        &self,
        folder: &Path,
        base_model: &str,
        name: &str,
        revision: &str,
        owner: &str,
    ) -> Result<Committed, Error> {
        let adapter = Adapter::open(folder.to_owned(), base_model.to_owned()).await?;
        if self.has_card {
            let card = card::card(&self.path, base_model);
            adapter.add("README.md", card.as_bytes()).await?;
        }
        let files = adapter.files(&self.allowed, &self.ignored).await?;
        let repository = Repository {
            hub: &self.hub,
            name,
            revision,
        };
        repository.create(owner, self.is_public).await?;
        repository.refuse_another(&self.path).await?;
        let modes = repository.preupload(&files).await?;
        let message = self.message.clone();
        let message = message.unwrap_or_else(|| format!("Upload adapter from {}", self.path));
        let mut commit = Commit::new(&message);
        let (large, small): (Vec<_>, Vec<_>) = files
            .into_iter()
            .filter(|file| !modes.ignored.contains(&file.path))
            .partition(|file| modes.large.contains(&file.path));
        for file in &small {
            commit.add(&file.path, &read(file).await?);
        }
        for file in upload::upload(&repository, large).await? {
            commit.add_large(&file);
        }
        repository.commit(commit, self.as_pull_request).await
    }

    /// Refuses what could go nowhere, before anything is sent.
    fn check(&self) -> Result<(), Error> {
        if let Some(repository) = &self.repository {
            repository_parts(repository)?;
        }
        self.revision.as_deref().map_or(Ok(()), check_revision)?;
        self.hub.check_token()
    }

    /// The repository and the revision.
    fn destination(
        &self,
        path: &ParsedCheckpointTinkerPath,
        base_model: &str,
    ) -> Result<(String, String), Error> {
        let (name, revision) = match &self.repository {
            Some(named) => (named.clone(), MAIN.to_owned()),
            None => {
                let base = base_model.rsplit('/').next().unwrap_or(base_model);
                let name = dashed(&format!("tinker-{base}-{}", path.training_run_id()));
                let id = path.checkpoint_id();
                (name, dashed(id.rsplit('/').next().unwrap_or(id)))
            }
        };
        let revision = self.revision.clone().unwrap_or(revision);
        check_revision(&revision)?;
        Ok((name, revision))
    }
}

async fn read(file: &AdapterFile) -> Result<Bytes, Error> {
    let read = tokio::fs::read(&file.place).await;
    let read = read.map_err(|error| Error::file("read", &file.place, error))?;
    Ok(read.into())
}

/// A name without letters that a repository may not have, and without gaps.
fn dashed(name: &str) -> String {
    let fine = |letter: char| letter.is_ascii_alphanumeric() || "_.".contains(letter);
    let words = name.split(|letter| !fine(letter));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join("-")
}

impl IntoFuture for PushAdapter {
    type Output = Result<PushedAdapter, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl fmt::Debug for PushAdapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushAdapter")
            .field("path", &self.path)
            .field("repository", &self.repository)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

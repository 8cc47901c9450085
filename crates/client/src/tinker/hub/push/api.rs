//! What is asked of a hub: who the token belongs to, a repository, and a commit. The content of large
//! files goes elsewhere.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use gimmal_transport::{CallOptions, Error, Idempotency, Request};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::adapter::AdapterFile;
use super::card;
use super::{Hub, MAIN};

const GIT_LFS: HeaderValue = HeaderValue::from_static("application/vnd.git-lfs+json");
const LINES: HeaderValue = HeaderValue::from_static("application/x-ndjson");

/// A branch of a repository.
#[derive(Clone, Copy)]
pub(super) struct Repository<'a> {
    pub(super) hub: &'a Hub,
    pub(super) name: &'a str,
    pub(super) revision: &'a str,
}

/// How files are to be uploaded.
#[derive(Debug, Default)]
pub(super) struct Modes {
    /// Those that are not part of the commit itself.
    pub(super) large: BTreeSet<String>,
    /// Those that the repository leaves out.
    pub(super) ignored: BTreeSet<String>,
}

/// A file whose content is on the hub already.
#[derive(Clone, Debug)]
pub(super) struct LargeFile {
    pub(super) file: AdapterFile,
    /// Its SHA-256 in hexadecimal.
    pub(super) digest: String,
}

impl Hub {
    /// What the hub calls whoever the token belongs to.
    ///
    /// # Errors
    ///
    /// Fails without a token, and on one that the hub does not know.
    pub async fn whoami(&self) -> Result<String, Error> {
        #[derive(Deserialize)]
        struct Owner {
            name: String,
        }
        self.check_token()?;
        let request = Request::new(Method::GET, self.url("api/whoami-v2")?);
        let found = self.send_json::<Owner>(request).await;
        found.map(|owner| owner.name).map_err(|error| {
            let refused = error.status() == Some(StatusCode::UNAUTHORIZED);
            match refused {
                true => Error::authentication("the hub does not know the token").with_source(error),
                false => error,
            }
        })
    }

    /// Fails without a token.
    pub(super) fn check_token(&self) -> Result<(), Error> {
        match self.has_token {
            true => Ok(()),
            false => Err(Error::invalid(
                "hf_token",
                "is missing, and the hub needs one; set HF_TOKEN, or name one",
            )),
        }
    }

    async fn send_json<T: serde::de::DeserializeOwned + Send>(
        &self,
        request: Request,
    ) -> Result<T, Error> {
        let options = CallOptions::new();
        Ok(self
            .transport
            .send_json(request, &options)
            .await?
            .into_body())
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value, Error> {
        let request = Request::new(Method::POST, self.url(path)?).with_json(body)?;
        self.send_json(request).await
    }
}

impl Repository<'_> {
    /// Makes the repository, unless it is there.
    pub(super) async fn create(&self, owner: &str, is_public: bool) -> Result<(), Error> {
        let (organization, name) = self.name.split_once('/').unwrap_or(("", self.name));
        let mut body = json!({"name": name, "private": !is_public});
        if organization != owner && !organization.is_empty() {
            body["organization"] = organization.into();
        }
        match self.hub.post("api/repos/create", &body).await {
            Err(error) if error.status() != Some(StatusCode::CONFLICT) => Err(error),
            _ => Ok(()),
        }
    }

    /// Fails when the repository says that it holds another checkpoint.
    pub(super) async fn refuse_another(&self, path: &str) -> Result<(), Error> {
        let page = format!("{}/resolve/{}/README.md", self.name, self.revision);
        let request = Request::new(Method::GET, self.hub.url(&page)?);
        let page = match self.hub.transport.send(request, &CallOptions::new()).await {
            Ok(page) => page.into_body(),
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => return Ok(()),
            Err(error) => return Err(error),
        };
        let page = String::from_utf8_lossy(&page);
        let another = card::checkpoints(&page).find(|named| *named != path);
        match another {
            Some(another) => {
                let message = format!("`{}` already holds {another}", self.name);
                Err(Error::invalid("repository", message))
            }
            None => Ok(()),
        }
    }

    /// How the files are to be uploaded. The branch is made, if it is not there.
    pub(super) async fn preupload(&self, files: &[AdapterFile]) -> Result<Modes, Error> {
        let files = files
            .iter()
            .map(|file| json!({"path": file.path, "sample": file.sample, "size": file.bytes}));
        let body = json!({"files": files.collect::<Vec<_>>()});
        let path = format!("api/models/{}/preupload/{}", self.name, self.revision);
        let told = match self.hub.post(&path, &body).await {
            Err(error)
                if error.status() == Some(StatusCode::NOT_FOUND) && self.revision != MAIN =>
            {
                let branch = format!("api/models/{}/branch/{}", self.name, self.revision);
                self.hub.post(&branch, &json!({})).await?;
                self.hub.post(&path, &body).await?
            }
            told => told?,
        };
        let mut modes = Modes::default();
        for file in told["files"].as_array().into_iter().flatten() {
            let Some(path) = file["path"].as_str() else {
                continue;
            };
            if file["shouldIgnore"] == true {
                modes.ignored.insert(path.to_owned());
            } else if file["uploadMode"] == "lfs" {
                modes.large.insert(path.to_owned());
            }
        }
        Ok(modes)
    }

    /// Where the content of large files is to go.
    pub(super) async fn places(&self, files: &[LargeFile]) -> Result<Value, Error> {
        let objects = files
            .iter()
            .map(|file| json!({"oid": file.digest, "size": file.file.bytes}));
        let body = json!({
            "operation": "upload",
            "transfers": ["basic", "multipart"],
            "objects": objects.collect::<Vec<_>>(),
            "hash_algo": "sha256",
            "ref": {"name": self.revision},
        });
        let path = format!("{}.git/info/lfs/objects/batch", self.name);
        let request = Request::new(Method::POST, self.hub.url(&path)?)
            .with_json(&body)?
            .with_header(CONTENT_TYPE, GIT_LFS)
            .with_header(ACCEPT, GIT_LFS)
            .with_idempotency(Idempotency::Idempotent);
        self.hub.send_json(request).await
    }

    /// Makes the commit, or asks for it.
    pub(super) async fn commit(
        &self,
        commit: Commit,
        as_request: bool,
    ) -> Result<Committed, Error> {
        let path = format!("api/models/{}/commit/{}", self.name, self.revision);
        let mut url = self.hub.url(&path)?;
        if as_request {
            url.query_pairs_mut().append_pair("create_pr", "1");
        }
        let request = Request::new(Method::POST, url)
            .with_body(Bytes::from(commit.0))
            .with_header(CONTENT_TYPE, LINES);
        self.hub.send_json(request).await
    }
}

/// What the hub says of a commit.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Committed {
    pub(super) commit_url: Option<String>,
    pub(super) pull_request_url: Option<String>,
}

/// The body of a commit: a JSON value a line.
#[derive(Debug)]
pub(super) struct Commit(String);

impl Commit {
    pub(super) fn new(summary: &str) -> Self {
        let mut commit = Self(String::new());
        commit.line("header", json!({"summary": summary, "description": ""}));
        commit
    }

    /// Adds a file with its content.
    pub(super) fn add(&mut self, path: &str, content: &[u8]) {
        let content = STANDARD.encode(content);
        let file = json!({"content": content, "path": path, "encoding": "base64"});
        self.line("file", file);
    }

    /// Adds a file whose content is on the hub.
    pub(super) fn add_large(&mut self, large: &LargeFile) {
        let (path, size) = (&large.file.path, large.file.bytes);
        let file = json!({"path": path, "algo": "sha256", "oid": large.digest, "size": size});
        self.line("lfsFile", file);
    }

    fn line(&mut self, key: &str, value: Value) {
        let line = json!({"key": key, "value": value});
        self.0 += &format!("{line}\n");
    }
}

//! Adapters from the service to a hub.

use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use gimmal_client::Error;
use gimmal_client::tinker::ServiceClient;
use gimmal_client::tinker::hub::{Hub, PushAdapter};
use gimmal_client::transport::{ByteStream, ErrorKind, HttpTransport};
use http::{Method, Request, Response};
use serde_json::{Value, json};

const PATH: &str = "tinker://run-1/sampler_weights/final";
const MODEL: &[u8] = b"twenty-five bytes of tens";
const COMMIT: &str = "/api/models/me/tinker-base-8B-run-1/commit/final";

/// What was sent: method, address, token, body.
type Sent = (Method, String, Option<String>, Bytes);

/// The service, the hub and the place that the hub keeps large files at.
#[derive(Debug, Default)]
struct World {
    sent: Mutex<Vec<Sent>>,
    /// The page that the repository has already.
    page: Option<&'static str>,
    /// Whether large files go there in parts.
    in_parts: bool,
    /// Whether the hub has the branch from the beginning.
    has_branch: bool,
}

impl World {
    fn answer(&self, method: &Method, url: &str) -> (u16, Bytes) {
        let ok = |body: Value| (200, body.to_string().into());
        let asked = |part: &str| {
            let sent = self.sent.lock().unwrap();
            sent.iter().any(|(_, url, ..)| url.contains(part))
        };
        match url.trim_start_matches("http://") {
            "tinker.test/api/v1/weights_info" => {
                ok(json!({"base_model": "org/base-8B", "is_lora": true}))
            }
            "files.test/a.tar" => (200, archive()),
            "hub.test/api/whoami-v2" => ok(json!({"name": "me"})),
            "hub.test/api/repos/create" => (409, Bytes::new()),
            url if url.ends_with("/archive") => (302, Bytes::new()),
            url if url.contains("/resolve/") => match self.page {
                Some(page) => (200, page.into()),
                None => (404, Bytes::new()),
            },
            url if url.contains("/preupload/") => match self.has_branch || asked("/branch/final") {
                true => ok(json!({"files": [
                    {"path": "adapter_model.safetensors", "uploadMode": "lfs"},
                    {"path": "adapter_config.json", "uploadMode": "regular"},
                    {"path": "notes.txt", "uploadMode": "regular", "shouldIgnore": true},
                ]})),
                false => (404, Bytes::new()),
            },
            url if url.ends_with("/objects/batch") => ok(self.places()),
            url if url.contains("hub.test") || url.contains("large.test") => {
                assert!(
                    *method == Method::PUT || *method == Method::POST,
                    "{method} {url}"
                );
                ok(json!({}))
            }
            _ => ok(json!({})),
        }
    }

    fn places(&self) -> Value {
        let header = match self.in_parts {
            true => json!({
                "chunk_size": "10", "00001": "http://large.test/1",
                "00002": "http://large.test/2", "00003": "http://large.test/3",
            }),
            false => json!({"x-kept": "yes"}),
        };
        let href = match self.in_parts {
            true => "http://hub.test/done",
            false => "http://large.test/whole",
        };
        json!({"objects": [{
            "oid": digest(), "size": MODEL.len(),
            "actions": {
                "upload": {"href": href, "header": header},
                "verify": {"href": "http://hub.test/verify"},
            },
        }]})
    }

    /// Addresses that hubs and places for files were asked for, in order.
    fn asked(&self) -> Vec<String> {
        let sent = self.sent.lock().unwrap();
        let asked = sent
            .iter()
            .filter(|(_, url, ..)| !url.contains("tinker.test"));
        asked
            .map(|(method, url, ..)| format!("{method} {}", url.trim_start_matches("http://")))
            .collect()
    }

    fn body(&self, part: &str) -> Bytes {
        let sent = self.sent.lock().unwrap();
        let found = sent.iter().find(|(_, url, ..)| url.contains(part));
        found.unwrap().3.clone()
    }

    fn push(self: &Arc<Self>, folder: &Path) -> PushAdapter {
        let service = ServiceClient::builder()
            .with_api_key("tml-key")
            .with_base_url("http://tinker.test")
            .with_telemetry(false)
            .with_http(Arc::clone(self) as Arc<dyn HttpTransport>)
            .build()
            .unwrap();
        let hub = Hub::builder()
            .with_endpoint("http://hub.test")
            .with_token("hf_secret")
            .with_folder(folder)
            .with_http(Arc::clone(self) as Arc<dyn HttpTransport>);
        hub.build()
            .unwrap()
            .push_adapter(&service.create_rest_client(), PATH)
    }
}

impl HttpTransport for World {
    fn execute(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<ByteStream>, Error>> {
        let (parts, body) = request.into_parts();
        let url = parts.uri.to_string();
        let token = parts.headers.get("authorization");
        let token = token.map(|token| token.to_str().unwrap().to_owned());
        let (status, answer) = self.answer(&parts.method, &url);
        self.sent
            .lock()
            .unwrap()
            .push((parts.method, url.clone(), token, body));
        let reply = Response::builder()
            .status(status)
            .header("content-type", "application/json")
            .header("location", "http://files.test/a.tar")
            .header("etag", format!("\"{}\"", url.len()))
            .body(ByteStream::from_bytes(answer))
            .unwrap();
        Box::pin(async { Ok(reply) })
    }
}

/// An adapter as the service packs it.
fn archive() -> Bytes {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, content) in [
        ("adapter_config.json", br#"{"r": 4}"#.as_slice()),
        ("adapter_model.safetensors", MODEL),
        ("checkpoint_complete", b""),
        ("notes.txt", b"for nobody"),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        archive.append_data(&mut header, name, content).unwrap();
    }
    let mut archive = archive.into_inner().unwrap();
    archive.flush().unwrap();
    archive.into()
}

/// The SHA-256 of [`MODEL`], computed elsewhere.
fn digest() -> &'static str {
    "c7d6475f829d01a0fb4f2e08538e9cfca74cb1aa584a556ae1b3b48628393a3a"
}

fn lines(body: &Bytes) -> Vec<Value> {
    let lines = body
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

/// Covers: CHK-HF-2
#[tokio::test]
async fn chk_hf_2_an_adapter_is_looked_at_uploaded_and_committed() {
    let (world, folder) = (Arc::new(World::default()), tempfile::tempdir().unwrap());
    let pushed = world.push(folder.path()).await.unwrap();
    assert_eq!(pushed.repository, "me/tinker-base-8B-run-1");
    assert_eq!(
        (pushed.revision.as_str(), pushed.is_public),
        ("final", false)
    );
    let repository = "hub.test/api/models/me/tinker-base-8B-run-1";
    assert_eq!(
        world.asked(),
        [
            "GET hub.test/api/whoami-v2".to_owned(),
            "GET files.test/a.tar".to_owned(),
            "POST hub.test/api/repos/create".to_owned(),
            "GET hub.test/me/tinker-base-8B-run-1/resolve/final/README.md".to_owned(),
            format!("POST {repository}/preupload/final"),
            format!("POST {repository}/branch/final"),
            format!("POST {repository}/preupload/final"),
            "POST hub.test/me/tinker-base-8B-run-1.git/info/lfs/objects/batch".to_owned(),
            "PUT large.test/whole".to_owned(),
            "POST hub.test/verify".to_owned(),
            format!("POST {repository}/commit/final"),
        ]
    );
    assert_eq!(world.body("large.test/whole"), MODEL);
    let created: Value = serde_json::from_slice(&world.body("/repos/create")).unwrap();
    let expected = json!({"name": "tinker-base-8B-run-1", "private": true});
    assert_eq!(created, expected);

    let commit = lines(&world.body(COMMIT));
    let summary = format!("Upload adapter from {PATH}");
    assert_eq!(
        commit[0],
        json!({"key": "header", "value": {"summary": summary, "description": ""}})
    );
    let paths: Vec<&str> = commit[1..]
        .iter()
        .map(|line| line["value"]["path"].as_str().unwrap())
        .collect();
    let expected = [
        "README.md",
        "adapter_config.json",
        "adapter_model.safetensors",
    ];
    assert_eq!(paths, expected, "without what says that it is complete");
    let content = |line: &Value| {
        let text = line["value"]["content"].as_str().unwrap();
        String::from_utf8(STANDARD.decode(text).unwrap()).unwrap()
    };
    assert!(content(&commit[1]).contains(PATH));
    let config: Value = serde_json::from_str(&content(&commit[2])).unwrap();
    let expected = json!({"r": 4, "base_model_name_or_path": "org/base-8B"});
    assert_eq!(config, expected);
    let model = json!({
        "path": "adapter_model.safetensors", "algo": "sha256", "oid": digest(),
        "size": MODEL.len(),
    });
    assert_eq!(commit[3], json!({"key": "lfsFile", "value": model}));
    let left = std::fs::read_dir(folder.path().join("push")).unwrap();
    assert_eq!(left.count(), 0, "nothing is left on the disk");
}

/// Covers: CHK-HF-2
#[tokio::test]
async fn chk_hf_2_large_files_go_in_parts_and_the_token_to_the_hub_alone() {
    let world = Arc::new(World {
        in_parts: true,
        has_branch: true,
        ..World::default()
    });
    let folder = tempfile::tempdir().unwrap();
    let push = world.push(folder.path()).with_repository("org/adapter");
    let push = push
        .with_revision("v1")
        .with_message("first")
        .with_public(true);
    let pushed = push.with_model_card(false).with_pull_request(true);
    assert_eq!(pushed.await.unwrap().repository, "org/adapter");
    let parts = ["/1", "/2", "/3"].map(|part| world.body(&format!("large.test{part}")));
    assert_eq!(parts.concat(), MODEL);
    let done: Value = serde_json::from_slice(&world.body("hub.test/done")).unwrap();
    assert_eq!(done["oid"], digest());
    assert_eq!(done["parts"][2], json!({"partNumber": 3, "etag": "\"19\""}));
    let created: Value = serde_json::from_slice(&world.body("/repos/create")).unwrap();
    let expected = json!({"name": "adapter", "organization": "org", "private": false});
    assert_eq!(created, expected);
    let commit = lines(&world.body("/commit/v1?create_pr=1"));
    assert_eq!(commit[0]["value"]["summary"], "first");
    assert_eq!(commit[1]["value"]["path"], "adapter_config.json");
    for (_, url, token, _) in &*world.sent.lock().unwrap() {
        let bearer = token.as_deref() == Some("Bearer hf_secret");
        assert_eq!(bearer, url.starts_with("http://hub.test"), "{url}");
    }
}

#[tokio::test]
async fn a_repository_of_another_checkpoint_is_left_alone() {
    let world = Arc::new(World {
        page: Some("from `tinker://run-0/weights/old`."),
        ..World::default()
    });
    let folder = tempfile::tempdir().unwrap();
    let error = world.push(folder.path()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.field()),
        (ErrorKind::Invalid, Some("repository"))
    );
    assert!(
        error.to_string().contains("tinker://run-0/weights/old"),
        "{error}"
    );
    assert!(
        world
            .asked()
            .iter()
            .all(|asked| !asked.contains("preupload"))
    );
}

#[tokio::test]
async fn what_could_go_nowhere_is_refused_before_anything_is_sent() {
    let (world, folder) = (Arc::new(World::default()), tempfile::tempdir().unwrap());
    let push = || world.push(folder.path());
    let refused = push().with_repository("a/b/c").await.unwrap_err();
    assert_eq!(refused.field(), Some("repository"));
    let refused = push().with_revision("../main").await.unwrap_err();
    assert_eq!(refused.field(), Some("revision"));
    assert!(world.sent.lock().unwrap().is_empty());
    let none = push().with_allowed(["*.gguf"]).await.unwrap_err();
    assert_eq!(none.field(), Some("patterns"));
    let none = push().with_ignored(["**"]).await.unwrap_err();
    assert_eq!(none.field(), Some("patterns"));
}

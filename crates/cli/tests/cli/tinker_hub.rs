//! `gimmal tinker checkpoint push-hf` against a hub of the test's own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::Ran;
use crate::tinker::{KEY, Tinker, feed};

const TOKEN: &str = "hf_secret_of_the_tests";

#[derive(Clone, Debug)]
struct Asked {
    line: String,
    has_token: bool,
    body: Vec<u8>,
}

/// Answers as a hub with no repositories does, and notes what it is asked.
struct FakeHub {
    address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl FakeHub {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (notes, base) = (Arc::clone(&asked), address.clone());
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                serve(socket.unwrap(), &base, &notes);
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// Reads one request and answers it.
fn serve(mut socket: TcpStream, base: &str, notes: &Mutex<Vec<Asked>>) {
    let mut reader = BufReader::new(socket.try_clone().unwrap());
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let value = |name: &str| {
        let lines = head.iter().filter_map(|line| line.split_once(": "));
        let mut lines = lines.filter(|(found, _)| found.eq_ignore_ascii_case(name));
        lines.next().map(|(_, value)| value.to_owned())
    };
    let length = value("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let asked = Asked {
        line: head[0].trim_end_matches(" HTTP/1.1").to_owned(),
        has_token: value("authorization") == Some(format!("Bearer {TOKEN}")),
        body,
    };
    let (status, reply) = answer(&asked, base);
    notes.lock().unwrap().push(asked);
    let reply = reply.to_string();
    let head = format!(
        "HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\
         content-type: application/json\r\n\r\n",
        reply.len()
    );
    let _ = socket.write_all((head + &reply).as_bytes());
}

fn answer(asked: &Asked, base: &str) -> (u16, Value) {
    let read = || serde_json::from_slice::<Value>(&asked.body).unwrap();
    let line = asked.line.as_str();
    if line.starts_with("GET /api/whoami-v2") {
        match asked.has_token {
            true => (200, json!({"name": "me"})),
            false => (401, json!({"error": "no"})),
        }
    } else if line.ends_with("/README.md") {
        (404, json!({}))
    } else if line.contains("/preupload/") {
        let body = read();
        let files = body["files"].as_array().unwrap().iter().map(|file| {
            let is_large = file["path"].as_str().unwrap().ends_with(".safetensors");
            let mode = if is_large { "lfs" } else { "regular" };
            json!({"path": file["path"], "uploadMode": mode})
        });
        (200, json!({"files": files.collect::<Vec<_>>()}))
    } else if line.ends_with("/objects/batch") {
        let body = read();
        let object = &body["objects"][0];
        let (put, verify) = (format!("{base}/put"), format!("{base}/verify"));
        let actions = json!({"upload": {"href": put}, "verify": {"href": verify}});
        let oid = &object["oid"];
        (
            200,
            json!({"objects": [{"oid": oid, "size": object["size"], "actions": actions}]}),
        )
    } else if line.contains("/commit/") {
        (200, json!({"commitUrl": format!("{base}/me/it/commit/1")}))
    } else {
        (200, json!({}))
    }
}

impl Tinker {
    async fn push(&self, hub: &FakeHub, line: &str, token: Option<&str>) -> Ran {
        let words = line.split_whitespace();
        let mut command = self.bench.command_for(&self.emulator, words);
        command
            .env("TINKER_API_KEY", KEY)
            .env("HF_ENDPOINT", &hub.address);
        if let Some(token) = token {
            command.env("HF_TOKEN", token);
        }
        let ran = feed(command, "").await;
        assert!(
            !ran.out.contains(TOKEN) && !ran.err.contains(TOKEN),
            "{line}"
        );
        ran
    }
}

/// Covers: CHK-HF-2, tinker.weights.info
#[tokio::test(flavor = "multi_thread")]
async fn chk_hf_2_a_checkpoint_goes_to_the_hub() {
    let tinker = Tinker::start().await;
    let path = tinker
        .training()
        .await
        .save_state("final")
        .await
        .unwrap()
        .path;
    let hub = FakeHub::start();
    let line = format!("--json tinker checkpoint push-hf {path} --repo it --commit-message new");
    let pushed = tinker.push(&hub, &line, Some(TOKEN)).await.code(0).json();
    assert_eq!(
        (&pushed["repo_id"], &pushed["revision"]),
        (&json!("me/it"), &json!("main"))
    );
    assert_eq!(pushed["public"], false);
    let asked = hub.asked();
    let lines: Vec<&str> = asked.iter().map(|asked| asked.line.as_str()).collect();
    assert_eq!(
        lines,
        [
            "GET /api/whoami-v2",
            "GET /api/whoami-v2",
            "POST /api/repos/create",
            "GET /me/it/resolve/main/README.md",
            "POST /api/models/me/it/preupload/main",
            "POST /me/it.git/info/lfs/objects/batch",
            "PUT /put",
            "POST /verify",
            "POST /api/models/me/it/commit/main",
        ]
    );
    let has_token = |asked: &Asked| asked.has_token == (asked.line != "PUT /put");
    assert!(
        asked.iter().all(has_token),
        "the token goes to the hub alone"
    );
    let commit = String::from_utf8(asked[8].body.clone()).unwrap();
    let header: Value = serde_json::from_str(commit.lines().next().unwrap()).unwrap();
    assert_eq!(
        header["value"],
        json!({"summary": "new", "description": ""})
    );
    assert!(commit.contains("README.md") && commit.contains("adapter_config.json"));
    let download = format!("tinker checkpoint download {path} -o here");
    tinker.run(&download).await.code(0);
    let here = tinker.bench.path("here");
    let here = std::fs::read_dir(here)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let weights = std::fs::read(here.join("adapter_model.safetensors")).unwrap();
    assert_eq!(asked[6].body, weights);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_lets_nobody_in_costs_no_download() {
    let tinker = Tinker::start().await;
    let path = tinker
        .training()
        .await
        .save_state("final")
        .await
        .unwrap()
        .path;
    let hub = FakeHub::start();
    let before = tinker.asked("weights");
    let line = format!("tinker checkpoint push-hf {path}");
    let missing = tinker.push(&hub, &line, None).await.code(2);
    assert!(missing.err.contains("HF_TOKEN"), "{}", missing.err);
    let refused = tinker.push(&hub, &line, Some("hf_other")).await.code(3);
    let unknown = "the hub does not know the token";
    assert!(refused.err.contains(unknown), "{}", refused.err);
    assert_eq!(tinker.asked("weights"), before);
    let line = format!("{line} --ignore-pattern ** --no-model-card --create-pr --public");
    let nothing = tinker.push(&hub, &line, Some(TOKEN)).await.code(2);
    assert!(nothing.err.contains("leave no file"), "{}", nothing.err);
}

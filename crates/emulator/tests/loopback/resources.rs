//! What interactions work with: agents, triggers, environments, credentials, voices, decisions and
//! webhooks.

use std::{sync::Arc, time::Duration};

use gimmal_emulator::{Emulator, ManualClock};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{MODEL, Session, answer};

const AGENT: &str = "antigravity-preview-05-2026";
const HOUR: Duration = Duration::from_secs(3600);

async fn timed() -> (Session, ManualClock) {
    let clock = ManualClock::new();
    let builder = Emulator::builder()
        .with_clock(Arc::new(clock.clone()))
        .with_operation_time(Duration::from_secs(60));
    (Session::start(builder).await, clock)
}

/// All items of a list, and how many pages of two they came in.
async fn pages(session: &Session, path: &str, name: &str) -> (Vec<Value>, usize) {
    let (mut found, mut pages, mut token) = (Vec::new(), 0, String::new());
    loop {
        let page = session
            .get(&format!("{path}?page_size=2&page_token={token}"))
            .await
            .ok();
        found.extend(page[name].as_array().into_iter().flatten().cloned());
        pages += 1;
        match page["next_page_token"].as_str() {
            Some(next) => next.clone_into(&mut token),
            None => return (found, pages),
        }
    }
}

/// Makes three of a kind, lists them, and deletes one.
async fn lives(path: &str, name: &str, bodies: [Value; 3]) {
    let session = Session::plain().await;
    let mut ids = Vec::new();
    for body in bodies {
        let made = session.post(path, &body).await.ok();
        let id = made["id"].as_str().expect("an id").to_owned();
        let found = session.get(&format!("{path}/{id}")).await.ok();
        assert_eq!(found["id"], made["id"]);
        ids.push(id);
    }
    let (found, count) = pages(&session, path, name).await;
    let listed: Vec<&str> = found.iter().filter_map(|it| it["id"].as_str()).collect();
    assert_eq!(
        (listed, count),
        (ids.iter().map(String::as_str).collect(), 2)
    );
    let one = format!("{path}/{}", ids[1]);
    session.delete(&one).await.ok();
    session.get(&one).await.refused(404, "NOT_FOUND");
    session.delete(&one).await.refused(404, "NOT_FOUND");
    let (left, _) = pages(&session, path, name).await;
    assert_eq!(left.len(), 2);
    let bad = session.get(&format!("{path}?page_size=x")).await;
    bad.refused(400, "INVALID_ARGUMENT");
    let stranger = session.with_key("other");
    assert_eq!(stranger.get(path).await.ok(), json!({}));
}

#[tokio::test]
async fn every_kind_is_made_listed_and_deleted() {
    let agent = |id: &str| json!({ "id": id, "base_agent": AGENT });
    lives("v1/agents", "agents", [agent("a"), agent("b"), agent("c")]).await;
    let token = |id: &str| json!({ "id": id, "type": "bearer_token", "token": "t" });
    let all = [token("a"), token("b"), token("c")];
    lives("v1/credentials", "credentials", all).await;
    let none = || json!({});
    let all = [none(), none(), none()];
    lives("v1/environments", "environments", all).await;
    let trigger = || {
        json!({ "schedule": "0 9 * * *", "time_zone": "UTC",
            "interaction": { "agent": AGENT, "input": "x" } })
    };
    let all = [trigger(), trigger(), trigger()];
    lives("v1/triggers", "triggers", all).await;
    let hook = |path: &str| {
        json!({ "uri": format!("https://example.com/{path}"),
            "subscribed_events": ["batch.failed"] })
    };
    lives("v1/webhooks", "webhooks", [hook("a"), hook("b"), hook("c")]).await;
}

#[tokio::test]
async fn triggers_start_interactions_when_the_clock_says_so() {
    let (session, clock) = timed().await;
    let body = json!({ "schedule": "0 * * * *", "time_zone": "Asia/Kolkata",
        "interaction": { "agent": AGENT, "input": "What leaves now?" } });
    let made = session.post("v1/triggers", &body).await.ok();
    let path = format!("v1/triggers/{}", made["id"].as_str().expect("an id"));
    let runs = format!("{path}/executions");
    assert_eq!(session.get(&runs).await.ok(), json!({}));
    // Whole hours of Kolkata are half hours of UTC.
    let next = made["next_run_time"].as_str().expect("a time");
    assert!(next.contains(":30:00"), "{next}");
    clock.advance(HOUR);
    let page = session.get(&runs).await.ok();
    assert_eq!(page["trigger_executions"].as_array().map(Vec::len), Some(1));
    clock.advance(HOUR * 2);
    let page = session.get(&runs).await.ok();
    let all = page["trigger_executions"].as_array().expect("runs");
    assert_eq!(all.len(), 3, "{page}");
    assert_eq!(all[0]["status"], "completed");
    let interaction = all[0]["interaction_id"].as_str().expect("an id");
    let interaction = session.get(&format!("v1/interactions/{interaction}")).await;
    assert_eq!(interaction.ok()["status"], "completed");

    let paused = json!({ "status": "paused" });
    let paused = session.patch(&path, &paused).await.ok();
    assert!(paused.get("next_run_time").is_none(), "{paused}");
    clock.advance(HOUR * 5);
    let page = session.get(&runs).await.ok();
    assert_eq!(page["trigger_executions"].as_array().map(Vec::len), Some(3));
    let active = session.patch(&path, &json!({ "status": "active" })).await;
    assert!(active.ok()["next_run_time"].is_string());

    for (field, value, part) in [
        ("schedule", json!("noon"), "cron"),
        ("time_zone", json!("Mars/Olympus"), "time zone"),
        ("interaction", json!({ "input": "x" }), "agent"),
        ("surprise", json!(1), "surprise"),
    ] {
        let mut bad = body.clone();
        bad[field] = value;
        let refused = session.post("v1/triggers", &bad).await;
        let message = refused.refused(400, "INVALID_ARGUMENT");
        assert!(message.contains(part), "{message}");
    }
}

#[tokio::test]
async fn triggers_give_up_after_failures() {
    let (session, clock) = timed().await;
    session
        .post("v1/agents", &json!({ "id": "mayfly", "base_agent": AGENT }))
        .await
        .ok();
    let body = json!({ "schedule": "*/10 * * * *", "time_zone": "UTC",
        "max_consecutive_failures": 2, "interaction": { "agent": "mayfly", "input": "x" } });
    let made = session.post("v1/triggers", &body).await.ok();
    let path = format!("v1/triggers/{}", made["id"].as_str().expect("an id"));
    session.delete("v1/agents/mayfly").await.ok();
    clock.advance(HOUR);
    let trigger = session.get(&path).await.ok();
    assert_eq!(trigger["status"], "error");
    assert_eq!(trigger["consecutive_failure_count"], 2);
    let runs = session.get(&format!("{path}/executions")).await.ok();
    let last = &runs["trigger_executions"][1];
    assert_eq!(last["status"], "failed");
    assert!(last["error"].as_str().expect("why").contains("mayfly"));
}

#[tokio::test]
async fn files_of_environments() {
    let builder = Emulator::builder()
        .with_object("gs://quays/lists/a.csv", "a,b")
        .with_object("gs://quays/lists/deep/b.csv", "c,d");
    let session = Session::start(builder).await;
    let body = json!({ "sources": [
        { "type": "gcs", "source": "gs://quays/lists", "target": "data" },
        { "type": "inline", "content": "aGk=", "encoding": "base64", "target": "/hi.txt" } ] });
    let made = session.post("v1/environments", &body).await.ok();
    assert_eq!(made["file_count"].as_u64().unwrap_or(3), 3, "{made}");
    let id = made["id"].as_str().expect("an id");
    let files = format!("v1/environments/{id}/files");
    let root = session.get(&format!("{files}/")).await.ok();
    let names = |listed: &Value| -> Vec<String> {
        let files = listed["files"].as_array().into_iter().flatten();
        files
            .filter_map(|file| file["path"].as_str().map(str::to_owned))
            .collect()
    };
    assert_eq!(names(&root), ["data", "hi.txt"]);
    let all = session
        .get(&format!("{files}/?recursive=true&page_size=2"))
        .await
        .ok();
    assert_eq!(names(&all), ["data/a.csv", "data/deep/b.csv"]);
    let token = all["next_page_token"].as_str().expect("a token");
    let rest = session
        .get(&format!(
            "{files}/?recursive=true&page_size=2&page_token={token}"
        ))
        .await
        .ok();
    assert_eq!(names(&rest), ["hi.txt"]);
    let read = session.request(Method::GET, &format!("{files}/data/deep/b.csv?alt=media"));
    let read = read.send().await.expect("a reply");
    assert_eq!(read.headers()["content-type"], "text/csv");
    assert_eq!(read.text().await.expect("a body"), "c,d");
    session
        .get(&format!("{files}/none"))
        .await
        .refused(404, "NOT_FOUND");

    // What is there is not replaced unless that is wanted.
    let upload = |path: &str| {
        let path = format!("upload/v1/environments/{id}/files/{path}");
        session
            .request(Method::PUT, &path)
            .header("x-goog-upload-protocol", "resumable")
            .header("x-goog-upload-command", "start")
            .header("x-goog-upload-header-content-length", "4")
            .header("x-goog-upload-header-content-type", "text/plain")
    };
    let refused = answer(upload("hi.txt")).await;
    refused.refused(409, "ALREADY_EXISTS");
    let opened = upload("hi.txt?overwrite=true").send().await;
    let opened = opened.expect("a reply");
    let place = opened.headers()["x-goog-upload-url"].to_str();
    let place = place.expect("an address").to_owned();
    let place = place
        .strip_prefix(session.emulator.base_url())
        .expect("its own");
    let sent = session
        .request(Method::POST, place)
        .header("x-goog-upload-command", "upload, finalize")
        .header("x-goog-upload-offset", "0")
        .body("more");
    assert_eq!(answer(sent).await.ok()["files"][0]["size_bytes"], "4");
    let read = session.request(Method::GET, &format!("{files}/hi.txt?alt=media"));
    let read = read.send().await.expect("a reply");
    assert_eq!(read.text().await.expect("a body"), "more");

    for bad in [
        json!({ "sources": [{ "type": "tape" }] }),
        json!({ "sources": [{ "type": "gcs", "source": "gs://quays/none" }] }),
        json!({ "network": 3 }),
        json!({ "sources": [{ "type": "inline", "content": "x", "target": "../up" }] }),
    ] {
        let refused = session.post("v1/environments", &bad).await;
        assert!([400, 404].contains(&refused.status), "{bad}: {refused:?}");
    }
}

#[tokio::test]
async fn credentials_keep_their_secrets() {
    let session = Session::plain().await;
    let body = json!({ "id": "c", "type": "oauth2", "client_id": "hidden-1", "client_secret":
        "hidden-2", "refresh_token": "hidden-3", "token_url": "https://example.com" });
    let made = session.post("v1/credentials", &body).await.ok();
    assert!(!made.to_string().contains("hidden"), "{made}");
    let twice = session.post("v1/credentials", &body).await;
    twice.refused(409, "ALREADY_EXISTS");
    let change = json!({ "type": "oauth2", "client_secret": "hidden-4" });
    let changed = session.patch("v1/credentials/c", &change).await.ok();
    assert!(!changed.to_string().contains("hidden"), "{changed}");
    let other = json!({ "type": "bearer_token", "token": "hidden-5" });
    let refused = session.patch("v1/credentials/c", &other).await;
    let message = refused.refused(400, "INVALID_ARGUMENT");
    assert!(!message.contains("hidden"), "{message}");
    let lacking = json!({ "id": "d", "type": "bearer_token" });
    let refused = session.post("v1/credentials", &lacking).await;
    assert!(refused.refused(400, "INVALID_ARGUMENT").contains("token"));
}

#[tokio::test]
async fn voices_and_their_filters() {
    let session = Session::plain().await;
    let all = session.get("v1/voices?page_size=1000").await.ok();
    let all = all["voices"].as_array().expect("voices").len();
    let body = json!({ "store": true, "voice": { "type": "prompted", "display_name": "Skipper",
        "prompted": { "input": "deep" } } });
    let made = session.post("v1/voices", &body).await.ok();
    let found = session.get("v1/voices?type=prompted").await.ok();
    assert_eq!(found["voices"][0]["id"], made["id"]);
    let searched = session.get("v1/voices?search=skipp").await.ok();
    assert_eq!(searched["voices"].as_array().map(Vec::len), Some(1));
    let both = session
        .get("v1/voices?gender=female&gender=male&page_size=1000")
        .await
        .ok();
    let both = both["voices"].as_array().expect("voices");
    assert!(!both.is_empty() && both.len() < all, "{}", both.len());
    let unkept = json!({ "voice": { "type": "prompted", "prompted": { "input": "high" } } });
    session.post("v1/voices", &unkept).await.ok();
    let own = session.get("v1/voices?type=prompted").await.ok();
    assert_eq!(own["voices"].as_array().map(Vec::len), Some(1));
    let bad = json!({ "voice": { "type": "replicated", "replicated": {} } });
    let refused = session.post("v1/voices", &bad).await;
    refused.refused(400, "INVALID_ARGUMENT");
}

#[tokio::test]
async fn webhooks_are_told_what_happens() {
    let (session, clock) = timed().await;
    let hook = json!({ "uri": "https://example.com/hook",
        "subscribed_events": ["interaction.completed"] });
    let made = session.post("v1/webhooks", &hook).await.ok();
    let path = format!("v1/webhooks/{}", made["id"].as_str().expect("an id"));
    session.post(&format!("{path}:ping"), &json!({})).await.ok();
    let body = json!({ "model": MODEL, "input": "Hello", "background": true });
    let interaction = session.post("v1/interactions", &body).await.ok();
    let own = json!({ "model": MODEL, "input": "Hello", "background": true,
        "webhook_config": { "uris": ["https://example.com/own"], "user_metadata": { "n": 7 } } });
    session.post("v1/interactions", &own).await.ok();
    assert_eq!(session.emulator.webhook_messages().len(), 1);
    clock.advance(HOUR);
    let told = session.emulator.webhook_messages();
    assert_eq!(told.len(), 3);
    let event: Value = serde_json::from_str(&told[1].body).expect("JSON");
    assert_eq!(told[1].uri, "https://example.com/hook");
    assert_eq!(event["type"], "interaction.completed");
    assert_eq!(event["data"]["id"], interaction["id"]);
    assert!(told[1].headers.contains_key("webhook-signature"));
    let event: Value = serde_json::from_str(&told[2].body).expect("JSON");
    assert_eq!(told[2].uri, "https://example.com/own");
    assert_eq!(event["data"]["user_metadata"]["n"], 7);

    // Two secrets sign until the old one has passed.
    let rotate = format!("{path}:rotateSigningSecret");
    session.post(&rotate, &json!({})).await.ok();
    session.post(&format!("{path}:ping"), &json!({})).await.ok();
    let signatures = |at: usize| {
        let told = session.emulator.webhook_messages();
        let signature = told[at].headers["webhook-signature"].to_str();
        signature.expect("text").split(' ').count()
    };
    assert_eq!(signatures(3), 2);
    clock.advance(HOUR * 25);
    session.post(&format!("{path}:ping"), &json!({})).await.ok();
    assert_eq!(signatures(4), 1);

    let off = json!({ "state": "disabled" });
    session
        .patch(&format!("{path}?update_mask=state"), &off)
        .await
        .ok();
    session.post("v1/interactions", &body).await.ok();
    clock.advance(HOUR);
    assert_eq!(session.emulator.webhook_messages().len(), 5);
    for bad in [
        json!({ "uri": "nowhere", "subscribed_events": ["batch.failed"] }),
        json!({ "uri": "https://example.com" }),
        json!({ "uri": "https://example.com", "subscribed_events": ["sunrise"] }),
    ] {
        let refused = session.post("v1/webhooks", &bad).await;
        refused.refused(400, "INVALID_ARGUMENT");
    }
}

#[tokio::test]
async fn resources_of_vertex_belong_to_their_project() {
    let session = Session::plain().await.with_key("");
    let base = "v1beta1/projects/p/locations/l/agents";
    let request = |method: Method, path: &str| {
        session
            .bare(method, path)
            .header("authorization", "Bearer token")
    };
    let body = json!({ "id": "a", "base_agent": AGENT });
    let made = request(Method::POST, base).body(body.to_string());
    assert_eq!(answer(made).await.ok()["id"], "a");
    let found = answer(request(Method::GET, base)).await.ok();
    assert_eq!(found["agents"].as_array().map(Vec::len), Some(1));
    let elsewhere = base.replace("/p/", "/q/");
    assert_eq!(
        answer(request(Method::GET, &elsewhere)).await.ok(),
        json!({})
    );
}

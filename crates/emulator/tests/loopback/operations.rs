//! The calls on operations, whatever the operation is about.

use std::{sync::Arc, task::Poll, time::Duration};

use gimmal_emulator::{Emulator, ManualClock};
use serde_json::{Value, json};

use crate::client::Session;

const MODEL: &str = "v1beta/models/veo-3.0-generate-001";

async fn start() -> (Session, ManualClock) {
    let clock = ManualClock::new();
    let builder = Emulator::builder()
        .with_clock(Arc::new(clock.clone()))
        .with_operation_time(Duration::from_secs(2_000));
    (Session::start(builder).await, clock)
}

async fn begin(session: &Session) -> String {
    let body = json!({ "instances": [{ "prompt": "a cat" }] });
    let begun = session
        .post(&format!("{MODEL}:predictLongRunning"), &body)
        .await
        .ok();
    format!("v1beta/{}", begun["name"].as_str().expect("a name"))
}

#[tokio::test]
async fn list_cancel_and_delete() {
    let (session, clock) = start().await;
    let mut paths = Vec::new();
    for _ in 0..3 {
        paths.push(begin(&session).await);
    }
    let page = session
        .get(&format!("{MODEL}/operations?pageSize=2"))
        .await
        .ok();
    assert_eq!(page["operations"].as_array().map(Vec::len), Some(2));
    let token = page["nextPageToken"].as_str().expect("a token");
    let rest = session
        .get(&format!("{MODEL}/operations?pageToken={token}"))
        .await
        .ok();
    assert_eq!(
        format!(
            "v1beta/{}",
            rest["operations"][0]["name"].as_str().expect("a name")
        ),
        paths[2]
    );
    assert!(rest.get("nextPageToken").is_none());
    assert_eq!(
        session
            .post(&format!("{}:cancel", paths[0]), &json!({}))
            .await
            .ok(),
        json!({})
    );
    let cancelled = session.get(&paths[0]).await.ok();
    assert_eq!(
        (&cancelled["done"], &cancelled["error"]["code"]),
        (&json!(true), &json!(1))
    );
    assert_eq!(session.delete(&paths[1]).await.ok(), json!({}));
    session.get(&paths[1]).await.refused(404, "NOT_FOUND");
    session.delete(&paths[1]).await.refused(404, "NOT_FOUND");
    clock.advance(Duration::from_secs(2_000));
    assert!(session.get(&paths[2]).await.ok().get("response").is_some());
    let stranger = session.with_key("other");
    stranger.get(&paths[2]).await.refused(404, "NOT_FOUND");
    assert_eq!(stranger.get("v1beta/operations").await.ok(), json!({}));
}

#[tokio::test]
async fn a_wait_ends_with_the_operation_or_with_patience() {
    let (session, clock) = start().await;
    let path = begin(&session).await;
    let wait = async |timeout: Value| session.post(&format!("{path}:wait"), &timeout).await;
    wait(json!({"timeout": "soon"}))
        .await
        .refused(400, "INVALID_ARGUMENT");
    // The clock goes on for as long as there is no answer.
    let passing = async |timeout: Value| {
        let mut answer = Box::pin(wait(timeout));
        loop {
            match futures_util::poll!(&mut answer) {
                Poll::Ready(answer) => return answer.ok(),
                Poll::Pending => clock.advance(Duration::from_secs(1)),
            }
            tokio::task::yield_now().await;
        }
    };
    let patient = passing(json!({"timeout": "30s"})).await;
    assert!(patient.get("done").is_none());
    let done = passing(json!({"timeout": "36000s"})).await;
    assert_eq!(done["done"], true);
    session.get(&path).await.ok();
}

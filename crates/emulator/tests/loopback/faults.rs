//! Scripts, faults, quotas and the journal.

use std::{error::Error, sync::Arc, time::Duration};

use futures_util::StreamExt;
use gimmal_emulator::{
    Emulator, Fault, FaultRule, ManualClock, Route, RouteMatcher, ScriptedReply,
};
use serde_json::{Value, json};

use crate::client::{MODEL, Session, ask};

#[tokio::test]
async fn a_rate_limit_carries_its_delay() {
    let rule = FaultRule::new(Fault::rate_limited(Duration::from_millis(1_500)))
        .on(Route::GenerateContent)
        .every(2);
    let session = Session::start(Emulator::builder().with_fault(rule)).await;
    session.generate(&ask("x")).await.ok();
    let answer = session.generate(&ask("x")).await;
    let message = answer.refused(429, "RESOURCE_EXHAUSTED");
    assert!(message.ends_with("Please retry in 1.5s."), "{message}");
    let details = answer.body["error"]["details"].as_array().expect("details");
    assert_eq!(details.last().expect("details")["retryDelay"], "2s");
    let violation = &details[1]["violations"][0];
    assert_eq!(violation["quotaDimensions"]["model"], MODEL);
    assert_eq!(
        violation["quotaId"],
        "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"
    );
    session.get("v1beta/models").await.ok();
    session.generate(&ask("x")).await.ok();
    assert_eq!(session.emulator.chaos().strikes(), 1);
}

#[tokio::test]
async fn faults_can_come_and_go_while_it_runs() {
    let session = Session::plain().await;
    session.emulator.chaos().add(Fault::unavailable());
    session
        .generate(&ask("x"))
        .await
        .refused(503, "UNAVAILABLE");
    session.emulator.chaos().clear();
    session.emulator.chaos().add(Fault::daily_quota());
    let answer = session.generate(&ask("x")).await;
    assert!(answer.body.to_string().contains("PerDay"));
    session.emulator.chaos().clear();
    session.generate(&ask("x")).await.ok();
}

#[tokio::test]
async fn a_reset_is_an_error_of_the_connection() {
    let session = Session::plain().await;
    session
        .emulator
        .chaos()
        .add(FaultRule::new(Fault::reset()).at_most(1));
    let request = session.request(reqwest::Method::GET, "v1beta/models");
    let error = request.send().await.expect_err("a reset");
    let mut cause: Option<&dyn Error> = Some(&error);
    let mut reset = false;
    while let Some(error) = cause {
        let io = error.downcast_ref::<std::io::Error>();
        reset |= io.is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionReset);
        cause = error.source();
    }
    assert!(reset, "{error:?}");
    assert_eq!(
        session
            .emulator
            .journal()
            .last(Route::ListModels)
            .expect("one")
            .status(),
        None
    );
    session.get("v1beta/models").await.ok();
}

#[tokio::test]
async fn a_cut_stream_ends_early_and_unfinished() {
    let session = Session::plain().await;
    let prompt = ask("Tell me of ships, sails, masts and anchors.");
    let whole = session
        .stream("?alt=sse", &prompt)
        .await
        .bytes()
        .await
        .expect("whole");
    let bytes = whole.len() / 2;
    session.emulator.chaos().add(Fault::cut_stream(bytes));
    let response = session.stream("?alt=sse", &prompt).await;
    assert_eq!(response.status(), 200);
    let mut stream = response.bytes_stream();
    let mut received = Vec::new();
    let failed = loop {
        match stream.next().await {
            Some(Ok(chunk)) => received.extend_from_slice(&chunk),
            Some(Err(_)) => break true,
            None => break false,
        }
    };
    assert!(failed, "the stream must not end in good order");
    assert_eq!(received.len(), bytes);
}

#[tokio::test]
async fn a_malformed_chunk_follows_a_good_one() {
    let session = Session::plain().await;
    session.emulator.chaos().add(Fault::malformed_chunk());
    let response = session
        .stream("?alt=sse", &ask("Tell me of ships and sails."))
        .await;
    let body = response.text().await.expect("an orderly end");
    let events: Vec<&str> = body.split_terminator("\r\n\r\n").collect();
    assert_eq!(events.len(), 2);
    let json = |event: &str| serde_json::from_str::<Value>(event.trim_start_matches("data: "));
    assert!(json(events[0]).is_ok() && json(events[1]).is_err());
}

#[tokio::test]
async fn a_delay_is_waited_out_on_the_clock() {
    let clock = ManualClock::new();
    let builder = Emulator::builder()
        .with_clock(Arc::new(clock.clone()))
        .with_fault(Fault::delay(Duration::from_secs(3600)));
    let session = Arc::new(Session::start(builder).await);
    let waiting = tokio::spawn({
        let session = Arc::clone(&session);
        async move { session.get("v1beta/models").await.ok() }
    });
    while session.emulator.journal().count(Route::ListModels) == 0 {
        tokio::task::yield_now().await;
    }
    assert!(!waiting.is_finished());
    // The handler may not have begun to wait yet; advancing until it is done covers both.
    while !waiting.is_finished() {
        clock.advance(Duration::from_secs(3600));
        tokio::task::yield_now().await;
    }
    assert!(waiting.await.expect("an answer")["models"].is_array());
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_a_delay() {
    let builder = Emulator::builder()
        .with_clock(Arc::new(ManualClock::new()))
        .with_fault(Fault::delay(Duration::from_secs(3600)));
    let session = Session::start(builder).await;
    let request = session.request(reqwest::Method::GET, "v1beta/models");
    let waiting = tokio::spawn(async move { request.send().await.map(|r| r.status().as_u16()) });
    while session.emulator.journal().count(Route::ListModels) == 0 {
        tokio::task::yield_now().await;
    }
    session.emulator.shutdown().await;
    assert_eq!(waiting.await.expect("no panic").ok(), Some(200));
}

#[tokio::test]
async fn scripted_replies_are_given_once_and_as_they_are() {
    let session = Session::plain().await;
    let script = session.emulator.script();
    script.push(
        Route::GenerateContent,
        ScriptedReply::json(200, &json!({ "candidates": [] })).with_header(
            http::HeaderName::from_static("x-test"),
            http::HeaderValue::from_static("yes"),
        ),
    );
    script.push(
        Route::GenerateContent,
        ScriptedReply::error(500, "INTERNAL", "boom"),
    );
    script.push(
        RouteMatcher::any(),
        ScriptedReply::text(502, "<html>bad gateway</html>"),
    );
    let path = format!("v1beta/models/{MODEL}:generateContent");
    let request = session
        .request(reqwest::Method::POST, &path)
        .body("not even JSON");
    let response = request.send().await.expect("a response");
    assert_eq!(response.headers()["x-test"], "yes");
    assert_eq!(
        session.generate(&ask("x")).await.refused(500, "INTERNAL"),
        "boom"
    );
    let request = session.request(reqwest::Method::GET, "v1beta/models");
    let response = request.send().await.expect("a response");
    assert_eq!(response.status(), 502);
    assert_eq!(
        response.text().await.expect("text"),
        "<html>bad gateway</html>"
    );
    assert_eq!(script.pending(), 0);
    session.generate(&ask("x")).await.ok();
}

#[tokio::test]
async fn scripted_streams_keep_their_bytes() {
    let session = Session::plain().await;
    let script = session.emulator.script();
    script.push(
        Route::StreamGenerateContent,
        ScriptedReply::events(["{\"a\":1}", "oops"]),
    );
    script.push(
        Route::StreamGenerateContent,
        ScriptedReply::raw_chunks(["data: {\"a\"", ":1}\n\n: ping\n\n"]),
    );
    let body = session
        .stream("?alt=sse", &ask("x"))
        .await
        .text()
        .await
        .expect("text");
    assert_eq!(body, "data: {\"a\":1}\r\n\r\ndata: oops\r\n\r\n");
    let body = session
        .stream("?alt=sse", &ask("x"))
        .await
        .text()
        .await
        .expect("text");
    assert_eq!(body, "data: {\"a\":1}\n\n: ping\n\n");
}

#[tokio::test]
async fn requests_per_minute_are_counted_on_the_clock() {
    let clock = ManualClock::new();
    let builder = Emulator::builder()
        .with_clock(Arc::new(clock.clone()))
        .with_requests_per_minute(2);
    let session = Session::start(builder).await;
    session.generate(&ask("x")).await.ok();
    clock.advance(Duration::from_millis(10_500));
    session.generate(&ask("x")).await.ok();
    let answer = session.generate(&ask("x")).await;
    let message = answer.refused(429, "RESOURCE_EXHAUSTED");
    assert!(
        message.contains("limit: 2, model: gemini-2.5-flash"),
        "{message}"
    );
    let details = answer.body["error"]["details"].as_array().expect("details");
    assert_eq!(details.last().expect("details")["retryDelay"], "50s");
    session
        .post(&format!("v1beta/models/{MODEL}:countTokens"), &ask("x"))
        .await
        .ok();
    clock.advance(Duration::from_secs(50));
    session.generate(&ask("x")).await.ok();
}

#[tokio::test]
async fn the_journal_tells_what_was_asked() {
    let session = Session::plain().await;
    session.generate(&ask("first")).await.ok();
    session.get("v1beta/models/nope?key=secret&x=1").await;
    let journal = session.emulator.journal();
    assert_eq!(journal.count(RouteMatcher::any()), 2);
    assert_eq!(journal.count(RouteMatcher::any().with_model(MODEL)), 1);
    let generate = journal.last(Route::GenerateContent).expect("one");
    assert_eq!(generate.body(), Some(&ask("first")));
    assert_eq!(generate.status(), Some(200));
    assert_eq!(generate.model(), Some(MODEL));
    let get = journal.last(Route::GetModel).expect("one");
    assert_eq!(
        (get.path(), get.status()),
        ("/v1beta/models/nope", Some(404))
    );
    assert_eq!(get.query(), [("x".to_owned(), "1".to_owned())]);
    assert_eq!(get.key_fingerprint(), generate.key_fingerprint());
    assert!(get.headers().get("x-goog-api-key").is_none());
    journal.clear();
    assert_eq!(journal.count(RouteMatcher::any()), 0);

    let silent = Session::start(Emulator::builder().with_journal_capacity(0)).await;
    silent.generate(&ask("x")).await.ok();
    assert_eq!(silent.emulator.journal().count(RouteMatcher::any()), 0);
}

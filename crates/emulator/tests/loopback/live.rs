//! Live sessions: how they begin, how they end, and how they go on elsewhere.

use std::{sync::Arc, time::Duration};

use gimmal_emulator::{Emulator, Fault, FaultRule, ManualClock, Route};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{self, Message};

use crate::client::Session;
use crate::socket::{MODEL, Socket, VERTEX, method, words};

async fn refused(emulator: &Emulator, first: Value) -> (u16, String) {
    let mut socket = Socket::open(emulator, "BidiGenerateContent").await;
    socket.say(first).await;
    socket.end().await
}

#[tokio::test]
async fn a_setup_is_confirmed_in_the_frames_of_each_service() {
    let emulator = Emulator::builder().start().await.expect("started");
    let mut socket = Socket::text(&emulator).await;
    assert!(socket.binary, "the developer service sends bytes");
    socket.ask("Hi.").await;
    assert!(!socket.turn().await.is_empty());

    let headers = [("authorization", "Bearer t")];
    let mut socket = Socket::try_open(&emulator, VERTEX, &headers)
        .await
        .expect("open");
    let model = format!("projects/p/locations/l/publishers/google/models/{MODEL}");
    // Both spellings, and bytes as well as text.
    let setup =
        json!({"setup": {"model": model, "generation_config": {"response_modalities": ["TEXT"]}}});
    socket.send(Message::binary(setup.to_string())).await;
    let begun = socket.hear().await;
    assert!(begun["setupComplete"]["sessionId"].is_string(), "{begun}");
    assert!(!socket.binary);
    socket.ask("Hi.").await;
    let last = socket.turn().await.pop().expect("a message");
    assert_eq!(last["usageMetadata"]["trafficType"], "ON_DEMAND");
    assert!(last["usageMetadata"]["candidatesTokenCount"].is_number());
    let journal = emulator.journal();
    assert_eq!(journal.count(Route::LiveSession), 2);
    let seen = journal.last(Route::LiveSession).expect("a request");
    assert_eq!(seen.status(), Some(101));
}

#[tokio::test]
async fn a_bad_setup_is_closed_with_the_services_code_and_reason() {
    let emulator = Emulator::builder().start().await.expect("started");
    let model = format!("models/{MODEL}");
    let first = "setup must be the first message and only the first";
    let content = json!({"clientContent": {"turnComplete": true}});
    assert_eq!(refused(&emulator, content).await, (1007, first.to_owned()));
    let (code, reason) = refused(&emulator, json!({"setup": {"model": "models/none"}})).await;
    assert_eq!(code, 1008);
    assert!(
        reason.starts_with("models/none is not found for API version v1beta, or is not supported"),
        "{reason}"
    );
    assert_eq!(reason.len(), 123, "cut to what a frame holds");
    // A model that answers calls does not hold sessions.
    let (code, _) = refused(
        &emulator,
        json!({"setup": {"model": "models/gemini-2.5-flash"}}),
    )
    .await;
    assert_eq!(code, 1008);
    let unknown = json!({"setup": {"model": model, "speed": 1}});
    let (code, reason) = refused(&emulator, unknown).await;
    assert_eq!(code, 1007);
    assert!(
        reason.contains("Unknown name \"speed\" at 'setup'"),
        "{reason}"
    );

    let mut socket = Socket::text(&emulator).await;
    socket.say(json!({"setup": {"model": model}})).await;
    assert_eq!(socket.end().await, (1007, first.to_owned()));
    let mut socket = Socket::text(&emulator).await;
    socket.send(Message::text("nonsense")).await;
    let (code, reason) = socket.end().await;
    assert_eq!(code, 1007);
    assert!(
        reason.starts_with("Invalid JSON payload received."),
        "{reason}"
    );
}

#[tokio::test]
async fn whoever_may_not_is_told_on_the_socket() {
    let emulator = Emulator::builder()
        .with_api_key("right")
        .start()
        .await
        .expect("started");
    let path = method("BidiGenerateContent");
    let setup = json!({"setup": {"model": format!("models/{MODEL}")}});
    for (headers, code, begins) in [
        (
            vec![("x-goog-api-key", "wrong")],
            1007,
            "API key not valid.",
        ),
        (vec![], 1008, "Method doesn't allow unregistered callers"),
    ] {
        let mut socket = Socket::try_open(&emulator, &path, &headers)
            .await
            .expect("open");
        socket.say(setup.clone()).await;
        let (got, reason) = socket.end().await;
        assert_eq!(got, code);
        assert!(reason.starts_with(begins), "{reason}");
    }
    let query = format!("{path}?key=right");
    let mut socket = Socket::try_open(&emulator, &query, &[])
        .await
        .expect("open");
    socket.say(setup).await;
    assert!(socket.hear().await["setupComplete"].is_object());
}

#[tokio::test]
async fn faults_strike_the_opening_and_a_plain_request_is_told_what_it_is() {
    let fault = FaultRule::new(Fault::unavailable())
        .on(Route::LiveSession)
        .at_most(1);
    let session = Session::start(Emulator::builder().with_fault(fault)).await;
    let headers = [("x-goog-api-key", "k")];
    let path = method("BidiGenerateContent");
    let error = Socket::try_open(&session.emulator, &path, &headers).await;
    let Err(tungstenite::Error::Http(response)) = error else {
        panic!("the opening is refused");
    };
    assert_eq!(response.status(), 503);
    let plain = session.get(&path).await;
    assert_eq!(plain.status, 400);
    assert_eq!(
        plain.body["error"]["message"],
        "This method is called over WebSocket."
    );
}

#[tokio::test]
async fn a_session_goes_on_elsewhere_once_it_is_let_go() {
    let clock = ManualClock::new();
    let emulator = Emulator::builder().with_clock(Arc::new(clock.clone()));
    let emulator = emulator.start().await.expect("started");
    let setup = |handle: Option<&str>| {
        let resumption = handle.map_or(json!({}), |handle| json!({ "handle": handle }));
        json!({"generationConfig": {"responseModalities": ["TEXT"]}, "sessionResumption": resumption})
    };
    let mut first = Socket::live(&emulator, setup(None)).await;
    first
        .ask("The ferry to Halden leaves at noon from the second pier.")
        .await;
    first.turn().await;
    let update = first.hear().await;
    let update = &update["sessionResumptionUpdate"];
    assert_eq!(update["resumable"], true);
    let handle = update["newHandle"].as_str().expect("a handle").to_owned();

    let mut resumed = setup(Some(&handle));
    resumed["model"] = format!("models/{MODEL}").into();
    let resumed = json!({ "setup": resumed });
    assert_eq!(
        refused(&emulator, resumed.clone()).await,
        (1011, "Internal error encountered.".to_owned()),
        "the session still has a connection"
    );
    first.close().await;
    let mut second = Socket::live(&emulator, setup(Some(&handle))).await;
    second.ask("When does the ferry leave?").await;
    let turn = second.turn().await;
    assert!(words(&turn).contains("leaves at noon"), "{turn:?}");
    second.close().await;

    let (code, reason) = {
        let mut unknown = resumed.clone();
        unknown["setup"]["sessionResumption"]["handle"] = "nothing".into();
        refused(&emulator, unknown).await
    };
    assert_eq!(
        (code, reason.as_str()),
        (1008, "BidiGenerateContent session not found")
    );
    clock.advance(Duration::from_secs(3 * 3600));
    assert_eq!(
        refused(&emulator, resumed).await.0,
        1008,
        "handles grow old"
    );
}

#[tokio::test]
async fn the_end_is_announced_and_comes() {
    let clock = ManualClock::new();
    let emulator = Emulator::builder()
        .with_clock(Arc::new(clock.clone()))
        .with_live_session_limit(Duration::from_secs(30))
        .start()
        .await
        .expect("started");
    let mut socket = Socket::text(&emulator).await;
    clock.advance(Duration::from_secs(14));
    assert!(socket.is_silent().await);
    clock.advance(Duration::from_secs(1));
    assert_eq!(socket.hear().await, json!({"goAway": {"timeLeft": "15s"}}));
    socket.ask("Still there?").await;
    socket.turn().await;
    clock.advance(Duration::from_secs(15));
    let reason = "Deadline expired before operation could complete.";
    assert_eq!(socket.end().await, (1011, reason.to_owned()));
}

#[tokio::test]
async fn a_server_that_stops_says_so() {
    let emulator = Emulator::builder().start().await.expect("started");
    let mut socket = Socket::text(&emulator).await;
    emulator.shutdown().await;
    assert_eq!(socket.end().await.0, 1001);
}

//! Streamed replies: retried until their head is here, never afterwards.

use crate::common::{builder, limited, request, scripted, seconds};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use gimmal_transport::testing::{Reply, ScriptedTransport};
use gimmal_transport::{
    CallOptions, Clock, Error, ErrorKind, Timeout, TimeoutKind, TokioClock, Transport,
};

async fn texts(transport: &Transport, options: &CallOptions) -> (Vec<String>, Option<Error>) {
    let reply = limited(transport.open_events(request(), options))
        .await
        .unwrap();
    let mut events = reply.into_body();
    let mut texts = Vec::new();
    while let Some(event) = limited(events.next()).await {
        match event {
            Ok(event) => texts.push(String::from_utf8(event.data.to_vec()).unwrap()),
            Err(error) => {
                assert!(
                    limited(events.next()).await.is_none(),
                    "the error is the last item"
                );
                return (texts, Some(error));
            }
        }
    }
    (texts, None)
}

#[tokio::test(start_paused = true)]
async fn the_head_is_retried() {
    let (transport, http) = scripted([
        Reply::status(503),
        Reply::connect_error(),
        Reply::silence(),
        Reply::events(["1", "2"]),
    ]);
    let reply = limited(transport.open_events(request(), &CallOptions::default()))
        .await
        .unwrap();
    assert_eq!((reply.attempts(), http.request_count()), (4, 4));
    assert_eq!(reply.headers()["content-type"], "text/event-stream");
    let events: Vec<_> = reply.into_body().try_collect().await.unwrap();
    assert_eq!(events[1].data, "2");
}

#[tokio::test(start_paused = true)]
async fn the_refusal_of_a_stream_keeps_its_body() {
    let body = r#"{"error": {"status": "INVALID_ARGUMENT", "message": "bad"}}"#;
    let (transport, _) = scripted([Reply::json(400, body)]);
    let error = limited(transport.open_events(request(), &CallOptions::default()))
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "http 400 INVALID_ARGUMENT: bad");
    assert_eq!(error.payload().unwrap(), body);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_retried_after_the_head() {
    let (transport, http) = scripted([
        Reply::events(["1"]).with_reset(),
        Reply::status(200).with_reset(),
    ]);
    let (events, error) = texts(&transport, &CallOptions::default()).await;
    let error = error.unwrap();
    assert_eq!(events, ["1"]);
    assert_eq!(error.kind(), ErrorKind::StreamInterrupted);
    assert_eq!(error.bytes_received(), Some(9));

    let (events, error) = texts(&transport, &CallOptions::default()).await;
    assert!(events.is_empty());
    assert_eq!(error.unwrap().bytes_received(), Some(0));
    assert_eq!(http.request_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn limits_of_a_stream() {
    let (transport, _) = scripted([
        Reply::status(200).with_silence(),
        Reply::events(["1"]).with_silence(),
        Reply::events(["1"])
            .with_pause(seconds(119))
            .with_chunk(": ping\n\n")
            .with_pause(seconds(119))
            .with_chunk("data: 2\n\n"),
    ]);
    let options = CallOptions::default();
    let start = TokioClock.now();
    let (_, error) = texts(&transport, &options).await;
    assert_eq!(error.unwrap().timeout_kind(), Some(TimeoutKind::FirstByte));
    assert_eq!(TokioClock.now() - start, seconds(120));

    let (events, error) = texts(&transport, &options).await;
    assert_eq!(events, ["1"]);
    assert_eq!(error.unwrap().timeout_kind(), Some(TimeoutKind::Idle));

    let (events, error) = texts(&transport, &options).await;
    assert_eq!(events, ["1", "2"], "a comment is a sign of life");
    assert!(error.is_none());
}

#[tokio::test(start_paused = true)]
async fn no_total_limit_unless_a_deadline_is_set() {
    let long = || {
        (0..100).fold(Reply::status(200), |reply, _| {
            reply.with_chunk("data: x\n\n").with_pause(seconds(60))
        })
    };
    let (transport, _) = scripted([long(), long()]);
    let (events, error) = texts(&transport, &CallOptions::default()).await;
    assert_eq!(events.len(), 100);
    assert!(error.is_none());

    let options = CallOptions::default().with_deadline(Timeout::After(seconds(150)));
    let (events, error) = texts(&transport, &options).await;
    assert_eq!(events.len(), 3);
    assert_eq!(error.unwrap().timeout_kind(), Some(TimeoutKind::Deadline));
}

#[tokio::test(start_paused = true)]
async fn an_error_in_the_middle_has_its_status() {
    let broken = Reply::events(["1"])
        .with_chunk("{\n \"error\": {\n  \"code\": 503,\n  \"status\"")
        .with_chunk(": \"UNAVAILABLE\"\n }\n}\n");
    let (transport, _) = scripted([broken]);
    let (events, error) = texts(&transport, &CallOptions::default()).await;
    assert_eq!(events, ["1"]);
    assert_eq!(error.unwrap().to_string(), "http 503 UNAVAILABLE");
}

#[tokio::test(start_paused = true)]
async fn bytes_are_handed_on_as_they_come() {
    let http = ScriptedTransport::new([Reply::status(200).with_chunk("ab").with_chunk("c")]);
    let transport = builder(&http).build().unwrap();
    let reply = limited(transport.open_bytes(request(), &CallOptions::default()))
        .await
        .unwrap();
    let chunks: Vec<Bytes> = reply.into_body().try_collect().await.unwrap();
    assert_eq!(chunks, ["ab", "c"]);
}

#[tokio::test(start_paused = true)]
async fn the_limit_on_an_event_is_an_option() {
    let http = ScriptedTransport::repeating(Reply::events(["short", "far too long", "end"]));
    let inherited = CallOptions::default().with_max_event_bytes(11);
    let transport = builder(&http).with_options(inherited).build().unwrap();
    let read = async |options: CallOptions| {
        let reply = limited(transport.open_events(request(), &options)).await;
        let events: Vec<_> = reply.unwrap().into_body().collect().await;
        events
            .into_iter()
            .map(|event| event.map(|event| event.data).map_err(|error| error.kind()))
            .collect::<Vec<_>>()
    };
    let (short, end) = (Ok(Bytes::from("short")), Ok(Bytes::from("end")));
    let too_large = Err(ErrorKind::ResponseTooLarge);
    let events = read(CallOptions::default()).await;
    assert_eq!(events, [short.clone(), too_large, end.clone()]);
    let events = read(CallOptions::default().with_max_event_bytes(100)).await;
    assert_eq!(events, [short, Ok(Bytes::from("far too long")), end]);
}

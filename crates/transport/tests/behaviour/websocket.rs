//! WebSockets: what is sent to open one, both directions, and every way it can end.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use gimmal_transport::observe::{CallOutcome, Event};
use gimmal_transport::testing::{Reply, ScriptedTransport, SocketScript};
use gimmal_transport::ws::{Message, WebSocket, WebSocketConfig};
use gimmal_transport::{
    ApiKey, CallOptions, CloseCode, Error, ErrorKind, EventBus, Persistence, PoolPurpose, Request,
    Response, Timeout, TimeoutKind, Transport,
};
use http::{HeaderName, Method};
use test_case::test_case;

use crate::common::{builder, limited, seconds};

fn transport(replies: impl IntoIterator<Item = Reply>) -> (Transport, ScriptedTransport) {
    let http = ScriptedTransport::new(replies);
    let key = ApiKey::new(HeaderName::from_static("x-api-key"), "KEY".into());
    let transport = builder(&http).with_credentials(key).build().unwrap();
    (transport, http)
}

fn asked() -> Request {
    Request::new(Method::GET, "wss://localhost/live?q=1".parse().unwrap())
}

async fn open(transport: &Transport) -> Result<Response<WebSocket>, Error> {
    let (config, options) = (WebSocketConfig::default(), CallOptions::default());
    limited(transport.open_websocket(asked(), &config, &options)).await
}

async fn opened(script: SocketScript) -> (WebSocket, ScriptedTransport) {
    let (transport, http) = transport([Reply::socket(script)]);
    (open(&transport).await.unwrap().into_body(), http)
}

/// Everything that comes, and the error at the end.
async fn all(socket: &mut WebSocket) -> (Vec<Message>, Option<Error>) {
    let mut messages = Vec::new();
    while let Some(item) = limited(socket.next()).await {
        match item {
            Ok(message) => messages.push(message),
            Err(error) => {
                assert!(socket.next().await.is_none(), "an error ends the stream");
                return (messages, Some(error));
            }
        }
    }
    (messages, None)
}

#[tokio::test(start_paused = true)]
async fn both_sides_speak() {
    let script = SocketScript::new()
        .receive()
        .ping()
        .send_text("hello")
        .send_binary(vec![0, 255])
        .receive()
        .close(CloseCode::NORMAL, "bye");
    let (mut socket, http) = opened(script).await;
    limited(socket.send(Message::text("ready"))).await.unwrap();
    limited(socket.send(Message::binary(vec![1])))
        .await
        .unwrap();
    let (messages, error) = all(&mut socket).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(
        messages,
        [Message::text("hello"), Message::binary(vec![0, 255])]
    );
    assert_eq!(
        http.messages(),
        [Message::text("ready"), Message::binary(vec![1])]
    );
    let request = &http.requests()[0];
    assert_eq!(request.method(), Method::GET);
    assert_eq!(request.uri(), "https://localhost/live?q=1");
    assert_eq!(request.header("x-api-key"), Some("KEY"));
    assert_eq!(request.header("upgrade"), Some("websocket"));
    assert_eq!(request.pool(), &PoolPurpose::WEBSOCKET);
}

#[tokio::test(start_paused = true)]
async fn opening_is_retried_like_any_call() {
    let (transport, http) = transport([
        Reply::connect_error(),
        Reply::status(503),
        Reply::socket(SocketScript::new().send_text("here")),
    ]);
    let reply = open(&transport).await.unwrap();
    assert_eq!((reply.status().as_u16(), reply.attempts()), (101, 3));
    let mut socket = reply.into_body();
    let message = limited(socket.next()).await.unwrap().unwrap();
    assert_eq!(message.as_text(), Some("here"));
    assert_eq!(http.request_count(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_the_servers_answer() {
    let body = r#"{"error": {"status": "NOT_FOUND", "message": "no such method"}}"#;
    let (transport, _) = transport([Reply::json(404, body)]);
    let error = open(&transport).await.unwrap_err();
    assert_eq!(error.to_string(), "http 404 NOT_FOUND: no such method");
}

#[test_case(Reply::json(200, "{}"), "the server does not switch to WebSocket"; "a plain success")]
#[test_case(Reply::status(101), "the server does not switch to WebSocket"; "no connection")]
#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_switch_is_named(reply: Reply, expected: &str) {
    let (transport, http) = transport([reply]);
    let error = open(&transport).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(error.to_string().ends_with(expected), "{error}");
    assert_eq!(http.request_count(), 1);
}

#[test_case(SocketScript::new().close(CloseCode::INVALID, "no field `x`"),
    "connection was closed: 1007 invalid payload: no field `x`", Persistence::Permanent)]
#[test_case(SocketScript::new().close(CloseCode::POLICY, "no such model"),
    "connection was closed: 1008 policy violation: no such model", Persistence::Permanent)]
#[test_case(SocketScript::new().close(CloseCode::INTERNAL, ""),
    "connection was closed: 1011 internal error", Persistence::Temporary)]
#[test_case(SocketScript::new().reset(),
    "connection was closed: 1006 lost without a close frame", Persistence::Temporary)]
#[tokio::test(start_paused = true)]
async fn every_other_end_is_an_error(script: SocketScript, text: &str, persistence: Persistence) {
    let (mut socket, _) = opened(script).await;
    let (messages, error) = all(&mut socket).await;
    let error = error.unwrap();
    assert!(messages.is_empty());
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert_eq!(
        (error.to_string().as_str(), error.persistence()),
        (text, persistence)
    );
    let late = limited(socket.send(Message::text("late")))
        .await
        .unwrap_err();
    assert_eq!(late.to_string(), text);
    assert_eq!(late.close_code(), error.close_code());
}

#[tokio::test(start_paused = true)]
async fn the_caller_closes_and_is_answered() {
    let (socket, http) = opened(SocketScript::new().receive()).await;
    socket.send(Message::text("last")).await.unwrap();
    let (sender, mut receiver) = socket.split();
    let other = sender.clone();
    limited(sender.close(CloseCode::NORMAL, &"é".repeat(100))).await;
    assert!(sender.is_closed());
    assert!(
        receiver.next().await.is_none(),
        "an end of one's own is no error"
    );
    let late = other.send(Message::text("late")).await.unwrap_err();
    assert_eq!(late.close_code(), Some(CloseCode::NORMAL));
    assert_eq!(http.messages().len(), 1);
    limited(sender.close(CloseCode::NORMAL, "again")).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_the_close_is_left() {
    let (socket, _) = opened(SocketScript::new().silence()).await;
    let start = tokio::time::Instant::now();
    limited(socket.close(CloseCode::NORMAL, "")).await;
    assert_eq!(start.elapsed(), seconds(5));
}

#[tokio::test(start_paused = true)]
async fn silence_ends_it_and_pongs_are_no_silence() {
    // This one answers pings, since it listens.
    let (transport, _) = transport([
        Reply::socket(SocketScript::new()),
        Reply::socket(SocketScript::new().silence()),
    ]);
    let mut lively = open(&transport).await.unwrap().into_body();
    let waited = tokio::time::timeout(seconds(3_000), lively.next()).await;
    assert!(waited.is_err(), "pongs keep it open");
    drop(lively);

    let mut silent = open(&transport).await.unwrap().into_body();
    let start = tokio::time::Instant::now();
    let (_, error) = all(&mut silent).await;
    let error = error.unwrap();
    assert_eq!(error.kind(), ErrorKind::StreamInterrupted);
    assert_eq!(error.timeout_kind(), Some(TimeoutKind::Idle));
    assert_eq!(start.elapsed(), seconds(120));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_covers_the_session() {
    let (transport, _) = transport([Reply::socket(SocketScript::new().send_text("x"))]);
    let options = CallOptions::default().with_deadline(Timeout::After(seconds(60)));
    let config = WebSocketConfig::default().with_ping_interval(Timeout::Never);
    let reply = transport.open_websocket(asked(), &config, &options).await;
    let mut socket = reply.unwrap().into_body();
    let start = tokio::time::Instant::now();
    let (messages, error) = all(&mut socket).await;
    assert_eq!(messages.len(), 1);
    assert_eq!(error.unwrap().timeout_kind(), Some(TimeoutKind::Deadline));
    assert_eq!(start.elapsed(), seconds(60));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_too_large_ends_it() {
    let script = SocketScript::new()
        .send_text("x".repeat(100))
        .send_text("x".repeat(101));
    let (transport, _) = transport([Reply::socket(script)]);
    let options = CallOptions::default().with_max_event_bytes(100);
    let reply = transport
        .open_websocket(asked(), &WebSocketConfig::default(), &options)
        .await;
    let (messages, error) = all(&mut reply.unwrap().into_body()).await;
    assert_eq!(messages.len(), 1);
    let error = error.unwrap();
    assert_eq!(error.kind(), ErrorKind::ResponseTooLarge);
    assert_eq!(
        error.to_string(),
        "reply is larger than the limit of 100 bytes"
    );
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_does_not_read_makes_the_server_wait() {
    let message = "x".repeat(10_000);
    let script = (0..100).fold(SocketScript::new(), |script, _| script.send_text(&*message));
    let (transport, _) = transport([Reply::socket(script.close(CloseCode::NORMAL, ""))]);
    let config = WebSocketConfig::default().with_buffered_bytes(20_000);
    let reply = transport
        .open_websocket(asked(), &config, &CallOptions::default())
        .await;
    let (sender, mut receiver) = reply.unwrap().into_body().split();
    // The server cannot send on, and the silence is not its fault.
    tokio::time::sleep(seconds(1_000)).await;
    assert!(!sender.is_closed());
    let mut count = 0;
    while let Some(item) = limited(receiver.next()).await {
        item.unwrap();
        count += 1;
    }
    assert_eq!(count, 100);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_reader_leaves_the_sender_alive_and_dropping_both_closes() {
    let script = SocketScript::new().send_text("unheard").receive().receive();
    let (socket, http) = opened(script).await;
    let (sender, receiver) = socket.split();
    drop(receiver);
    for text in ["one", "two", "three"] {
        limited(sender.send(Message::text(text))).await.unwrap();
        tokio::time::sleep(Duration::from_secs(300)).await;
    }
    assert_eq!(http.messages().len(), 3);
    assert!(!sender.is_closed());
    drop(sender);
}

#[tokio::test(start_paused = true)]
async fn observers_see_one_call_from_opening_to_close() {
    let script = SocketScript::new()
        .send_text("12345")
        .close(CloseCode::INTERNAL, "SECRET");
    let http = ScriptedTransport::new([Reply::socket(script)]);
    let bus = EventBus::new();
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let observer = move |event: &Event| drop(tell.send(event.clone()));
    bus.attach("test", Arc::new(observer)).unwrap();
    let transport = builder(&http).with_event_bus(bus).build().unwrap();
    let mut socket = open(&transport).await.unwrap().into_body();
    all(&mut socket).await;
    let mut names = Vec::new();
    let mut outcome = None;
    while let Some(event) = limited(told.recv()).await {
        assert!(!format!("{event:?}").contains("SECRET"));
        names.push(event.name().to_owned());
        if let Event::CallFinished {
            outcome: how,
            bytes,
            ..
        } = event
        {
            outcome = Some((how, bytes));
            break;
        }
    }
    assert_eq!(outcome, Some((CallOutcome::Failed(ErrorKind::Closed), 5)));
    let expected = [
        "call.started",
        "attempt.started",
        "attempt.succeeded",
        "call.first_byte",
        "call.finished",
    ];
    assert_eq!(names, expected.map(|name| format!("gimmal.{name}")));
}

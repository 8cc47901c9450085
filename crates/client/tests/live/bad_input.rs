//! What goes wrong, in the words a user reads.

use futures_util::StreamExt as _;
use gimmal_client::gemini::{Function, GeminiClient};
use gimmal_client::transport::testing::{Reply, ScriptedTransport, SocketScript};
use gimmal_client::transport::{CloseCode, TimeoutKind};
use gimmal_client::types::gemini::{
    FunctionDeclaration, FunctionResponse, LiveClientContextUpdate, LiveConnectConfig,
    LiveSendRealtimeInputParameters, SessionResumptionConfig,
};
use gimmal_client::{Error, ErrorKind};
use serde_json::{Map, Value};

use crate::support::{MODEL, begun, limited, next, scripted, session};

async fn refused(script: SocketScript) -> Error {
    let (client, _) = scripted([script]);
    limited(client.live().connect(MODEL).send())
        .await
        .unwrap_err()
}

/// Covers: AsyncLive.connect
#[tokio::test(start_paused = true)]
async fn a_refused_setup_has_the_servers_reason() {
    let listen = || SocketScript::new().receive();
    for (code, reason, text) in [
        (
            CloseCode::INVALID,
            "API key not valid. Please pass a valid API key.",
            "connection was closed: 1007 invalid payload: API key not valid. Please pass a valid \
             API key.",
        ),
        (
            CloseCode::POLICY,
            "models/x is not found",
            "connection was closed: 1008 policy violation: models/x is not found",
        ),
        (
            CloseCode::NORMAL,
            "",
            "connection was closed: 1000 normal closure",
        ),
    ] {
        let error = refused(listen().close(code, reason)).await;
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::Closed, text)
        );
        assert_eq!(error.close_code(), Some(code));
    }
    let error =
        refused(listen().send_text(
            r#"{"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "no"}}"#,
        ))
        .await;
    assert_eq!(error.to_string(), "http 400 INVALID_ARGUMENT: no");
}

/// Covers: AsyncLive.connect
#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_begin_is_left() {
    let error = refused(SocketScript::new()).await;
    assert_eq!(error.timeout_kind(), Some(TimeoutKind::FirstByte));
    let chatter = (0..70).fold(SocketScript::new(), |script, _| script.send_text("{}"));
    let error = refused(chatter).await;
    assert!(
        error
            .to_string()
            .ends_with("the server talks without saying that the session has begun"),
        "{error}"
    );
}

/// Covers: AsyncLive.connect
#[tokio::test(start_paused = true)]
async fn a_handshake_that_is_refused_is_an_answer() {
    let body = r#"{"error": {"code": 403, "status": "PERMISSION_DENIED", "message": "no"}}"#;
    let http = ScriptedTransport::new([Reply::json(403, body)]);
    let builder = GeminiClient::builder().with_api_key("KEY");
    let client = builder
        .with_http(std::sync::Arc::new(http))
        .build()
        .unwrap();
    let error = limited(client.live().connect(MODEL).send())
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "http 403 PERMISSION_DENIED: no");
}

/// Covers: AsyncSession.receive
#[tokio::test(start_paused = true)]
async fn a_bad_frame_is_an_error_in_its_place() {
    let large = "x".repeat(100_000);
    let script = begun()
        .send_text(r#"{"serverContent": {"turnComplete": 7}}"#)
        .send_binary(vec![0x80; 3])
        .send_text(large)
        .send_text(r#"{"serverContent": {"modelTurn": {"parts": [{"text": "on"}]}}}"#);
    let (mut session, _) = session(script).await;
    let mut errors = Vec::new();
    for _ in 0..3 {
        errors.push(limited(session.next()).await.unwrap().unwrap_err());
    }
    assert!(errors.iter().all(Error::is_decode));
    assert_eq!(errors[0].field(), Some("serverContent.turnComplete"));
    assert_eq!(
        errors[0].payload().unwrap(),
        r#"{"serverContent": {"turnComplete": 7}}"#
    );
    assert_eq!(errors[1].payload().unwrap().as_ref(), [0x80; 3]);
    assert_eq!(errors[2].payload().unwrap().len(), 64 * 1024);
    assert_eq!(next(&mut session).await.text().as_deref(), Some("on"));
}

/// Covers: AsyncLive.connect, AsyncSession.send_client_content, AsyncSession.send_realtime_input
/// Covers: AsyncSession.send_tool_response
#[tokio::test(start_paused = true)]
async fn nothing_is_sent_that_cannot_work() {
    let (client, http) = scripted([]);
    let text = |error: Error| error.to_string();
    let connect = client.live().connect("");
    assert!(
        text(connect.send().await.unwrap_err()).starts_with("invalid `model`: must not be empty")
    );
    let resumption = SessionResumptionConfig::new().set_transparent(true);
    let config = LiveConnectConfig::new().set_session_resumption(resumption);
    let connect = client.live().connect(MODEL).set_config(config);
    assert_eq!(
        text(connect.send().await.unwrap_err()),
        "invalid `sessionResumption.transparent`: is not available on the Gemini developer API"
    );
    let function = || {
        let declaration = FunctionDeclaration::new().set_name("f");
        Function::new(declaration, |given: Map<String, Value>| async {
            Ok::<_, String>(given)
        })
    };
    let connect = client
        .live()
        .connect(MODEL)
        .with_functions([function(), function()]);
    assert!(text(connect.send().await.unwrap_err()).contains("two functions are called `f`"));
    assert_eq!(http.request_count(), 0);

    let (session, http) = session(begun()).await;
    let error = session
        .send_realtime_input(LiveSendRealtimeInputParameters::new())
        .await;
    assert!(text(error.unwrap_err()).contains("takes exactly one of its fields, and 0 are set"));
    let error = session
        .send_tool_response([FunctionResponse::new().set_name("f")])
        .await;
    assert_eq!(
        text(error.unwrap_err()),
        "invalid `functionResponses[0].id`: is missing; take it from the call"
    );
    let error = session
        .send_context_update(LiveClientContextUpdate::new())
        .await;
    assert!(text(error.unwrap_err()).contains("must set systemInstruction or tools"));
    assert_eq!(http.messages().len(), 1, "the setup alone");
}

/// Covers: AsyncSession.send_client_content
#[tokio::test(start_paused = true)]
async fn sending_into_an_ended_session_says_why_it_ended() {
    let script = begun().close(CloseCode::POLICY, "session is over");
    let (mut session, _) = session(script).await;
    let told = limited(session.next()).await.unwrap().unwrap_err();
    let error = limited(session.send_client_content(["late"], true))
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), told.to_string());
    assert!(limited(session.next()).await.is_none());
}

/// Covers: AsyncLive.connect
#[tokio::test(start_paused = true)]
async fn nothing_secret_shows() {
    let update = r#"{"sessionResumptionUpdate": {"newHandle": "SECRET", "resumable": true}}"#;
    let (client, _) = scripted([begun().send_text(update)]);
    let call = client
        .live()
        .connect(MODEL)
        .set_system_instruction("SECRET")
        .set_resumption_handle(Some("SECRET".to_owned()));
    let mut shown = format!("{call:?}");
    let mut session = limited(call.send()).await.unwrap();
    let _ = next(&mut session).await;
    assert_eq!(session.resumption_handle(), Some("SECRET"));
    shown += &format!("{session:?}");
    let (sender, receiver) = session.split();
    shown += &format!("{sender:?} {receiver:?}");
    assert!(
        !shown.contains("SECRET") && !shown.contains("KEY"),
        "{shown}"
    );
}

//! A session from its opening to its end.

use futures_util::StreamExt as _;
use gimmal_client::ErrorKind;
use gimmal_client::gemini::{Function, GeminiClient};
use gimmal_client::transport::CloseCode;
use gimmal_client::transport::testing::{Reply, ScriptedTransport};
use gimmal_client::types::gemini::{
    Content, FunctionDeclaration, LiveClientContextUpdate, LiveSendRealtimeInputParameters,
};
use serde_json::json;

use crate::support::{MODEL, begun, limited, next, scripted, sent, session};

/// Covers: AsyncClient.live, AsyncLive.connect, AsyncSession.send_client_content
/// Covers: AsyncSession.send, AsyncSession.receive, AsyncSession.close
#[tokio::test(start_paused = true)]
async fn a_turn_of_either_side() {
    let script = begun()
        .receive()
        .send_binary(r#"{"serverContent": {"modelTurn": {"parts": [{"text": "Hello, "}]}}}"#)
        .send_text(r#"{"server_content": {"model_turn": {"parts": [{"text": "you."}]}}}"#)
        .send_text(r#"{"serverContent": {"generationComplete": true}}"#)
        .send_text(
            r#"{"serverContent": {"turnComplete": true}, "usageMetadata": {"totalTokenCount": 9}}"#,
        )
        .send_text(r#"{"serverContent": {"modelTurn": {"parts": [{"text": "next"}]}}}"#);
    let (mut session, http) = session(script).await;
    assert_eq!(session.handshake().status.as_u16(), 101);
    limited(session.send_client_content(["Hi."], true))
        .await
        .unwrap();
    let turn = session.receive().collect::<Vec<_>>();
    let turn: Vec<_> = limited(turn)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(turn.len(), 4, "the turn ends, the connection does not");
    assert_eq!(turn[0].text().as_deref(), Some("Hello, "));
    assert_eq!(turn[1].text().as_deref(), Some("you."));
    let usage = turn[3].usage_metadata.as_ref().unwrap();
    assert_eq!(usage.total_token_count, Some(9));
    assert_eq!(next(&mut session).await.text().as_deref(), Some("next"));
    limited(session.close()).await;

    let request = &http.requests()[0];
    assert_eq!(
        request.path_and_query(),
        "/ws/google.ai.generativelanguage.v1.GenerativeService.BidiGenerateContent"
    );
    assert_eq!(request.header("x-goog-api-key"), Some("KEY"));
    assert_eq!(
        sent(&http),
        [
            json!({"setup": {"model": format!("models/{MODEL}"),
                "generationConfig": {"responseModalities": ["TEXT"]}}}),
            json!({"clientContent": {"turns": [{"role": "user", "parts": [{"text": "Hi."}]}],
                "turnComplete": true}}),
        ]
    );
}

/// Covers: AsyncLive.connect
#[tokio::test(start_paused = true)]
async fn a_session_on_vertex_speaks_with_its_own_credentials() {
    let http = ScriptedTransport::new([Reply::socket(begun())]);
    let builder = GeminiClient::builder()
        .with_vertex("p", "us-central1")
        .with_bearer_token("TOKEN")
        .with_http(std::sync::Arc::new(http.clone()));
    let client = builder.build().unwrap();
    let session = limited(client.live().connect(MODEL).send()).await.unwrap();
    limited(session.close()).await;
    let request = &http.requests()[0];
    assert_eq!(
        request.uri(),
        "https://us-central1-aiplatform.googleapis.com/ws/\
         google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent"
    );
    assert_eq!(request.header("authorization"), Some("Bearer TOKEN"));
    let model = format!("projects/p/locations/us-central1/publishers/google/models/{MODEL}");
    let speech = json!({"responseModalities": ["AUDIO"]});
    let setup = json!({"setup": {"model": model, "generationConfig": speech}});
    assert_eq!(sent(&http), [setup]);
}

/// Covers: AsyncSession.send_realtime_input, AsyncSession.send_context_update
/// Covers: AsyncSession.start_stream
#[tokio::test(start_paused = true)]
async fn sound_and_instructions_and_halves() {
    let (session, http) = session(begun()).await;
    let (sender, mut receiver) = session.split();
    let other = sender.clone();
    let sound = "audio/pcm;rate=16000";
    limited(other.send_audio(vec![1, 2], sound)).await.unwrap();
    let end = LiveSendRealtimeInputParameters::new().set_audio_stream_end(true);
    limited(sender.send_realtime_input(end)).await.unwrap();
    let update = LiveClientContextUpdate::new().set_system_instruction(Content::user("brief"));
    limited(sender.send_context_update(update)).await.unwrap();
    limited(sender.close()).await;
    assert!(limited(receiver.next()).await.is_none());
    assert!(other.is_closed());
    let messages = sent(&http);
    assert_eq!(messages[1]["realtimeInput"]["audio"]["data"], "AQI=");
    assert_eq!(
        messages[2],
        json!({"realtimeInput": {"audioStreamEnd": true}})
    );
    assert!(messages[3]["contextUpdate"]["systemInstruction"].is_object());
}

/// Covers: AsyncSession.send_tool_response
#[tokio::test(start_paused = true)]
async fn functions_are_declared_run_and_answered() {
    let call = r#"{"toolCall": {"functionCalls": [
        {"id": "1", "name": "add", "args": {"a": 2, "b": 3}},
        {"id": "2", "name": "add", "args": {"a": 2}}]}}"#;
    let (client, http) = scripted([begun().receive().send_text(call).receive()]);
    #[derive(serde::Deserialize)]
    struct Terms {
        a: i64,
        b: i64,
    }
    let declaration = FunctionDeclaration::new().set_name("add");
    let add = Function::new(declaration, |terms: Terms| async move {
        Ok::<_, String>(terms.a + terms.b)
    });
    let call = client.live().connect(MODEL).with_functions([add]);
    let mut session = limited(call.send()).await.unwrap();
    limited(session.send_client_content(["2 + 3?"], true))
        .await
        .unwrap();
    let message = next(&mut session).await;
    assert!(!message.ends_turn());
    limited(session.answer(&message.tool_call.unwrap()))
        .await
        .unwrap();
    limited(session.close()).await;
    let messages = sent(&http);
    assert_eq!(
        messages[0]["setup"]["tools"],
        json!([{"functionDeclarations": [{"name": "add"}]}])
    );
    let responses = &messages[2]["toolResponse"]["functionResponses"];
    assert_eq!(
        responses[0],
        json!({"id": "1", "name": "add", "response": {"result": 5}})
    );
    let error = responses[1]["response"]["error"].as_str().unwrap();
    assert!(error.contains("missing field `b`"), "{error}");
}

/// Messages before the beginning are not lost.
#[tokio::test(start_paused = true)]
async fn what_comes_before_the_beginning_is_kept() {
    let early = r#"{"sessionResumptionUpdate": {"newHandle": "h", "resumable": true}}"#;
    let script = begun_after(early).send_text(r#"{"serverContent": {"turnComplete": true}}"#);
    let (mut session, _) = session(script).await;
    assert_eq!(session.session_id(), Some("s-1"));
    assert!(next(&mut session).await.session_resumption_update.is_some());
    assert_eq!(session.resumption_handle(), Some("h"));
    assert!(next(&mut session).await.ends_turn());
}

fn begun_after(early: &str) -> gimmal_client::transport::testing::SocketScript {
    gimmal_client::transport::testing::SocketScript::new()
        .receive()
        .send_text(early)
        .send_text(r#"{"setup_complete": {"session_id": "s-1"}}"#)
}

/// Covers: AsyncSession.receive
#[tokio::test(start_paused = true)]
async fn a_turn_that_never_ends_says_so() {
    let cut = begun()
        .send_text(r#"{"serverContent": {"modelTurn": {"parts": [{"text": "half"}]}}}"#)
        .close(CloseCode::INTERNAL, "Internal error encountered.");
    let (mut broken, _) = session(cut).await;
    let error = limited(broken.receive().text()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "connection was closed: 1011 internal error: Internal error encountered."
    );
    let (mut ended, _) = session(begun().close(CloseCode::NORMAL, "")).await;
    let error = limited(ended.receive().text()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
}

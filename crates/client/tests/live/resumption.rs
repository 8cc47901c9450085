//! One session over several connections.

use futures_util::StreamExt as _;
use gimmal_client::transport::CloseCode;
use serde_json::json;

use crate::support::{MODEL, begun, limited, next, scripted, sent, session};

const UPDATE: &str = r#"{"sessionResumptionUpdate": {"newHandle": "h-1", "resumable": true}}"#;

/// Covers: AsyncLive.connect
#[tokio::test(start_paused = true)]
async fn a_session_goes_on_where_the_last_handle_stands() {
    let first = begun()
        .send_text(UPDATE)
        .send_text(r#"{"sessionResumptionUpdate": {"resumable": false}}"#)
        .send_text(r#"{"goAway": {"timeLeft": "9.5s"}}"#);
    let second = begun().send_text(r#"{"serverContent": {"turnComplete": true}}"#);
    let (client, http) = scripted([first, second]);
    let call = client.live().connect(MODEL).set_resumption_handle(None);
    let mut session = limited(call.send()).await.unwrap();
    assert!(session.going_away().is_none());
    while session.going_away().is_none() {
        next(&mut session).await;
    }
    let left = session.going_away().unwrap().remaining();
    assert_eq!(left.unwrap().as_millis(), 9_500);
    assert_eq!(session.resumption_handle(), Some("h-1"));
    limited(session.reconnect()).await.unwrap();
    assert!(
        session.going_away().is_none(),
        "that was the old connection"
    );
    assert_eq!(session.resumption_handle(), Some("h-1"));
    assert!(next(&mut session).await.ends_turn());
    let setups = sent(&http);
    assert_eq!(setups[0]["setup"]["sessionResumption"], json!({}));
    assert_eq!(
        setups[1]["setup"]["sessionResumption"],
        json!({"handle": "h-1"})
    );
}

/// Covers: AsyncLive.connect
#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_made_again_and_may_fail_in_between() {
    let first = begun().send_text(UPDATE).reset();
    let refused = gimmal_client::transport::testing::SocketScript::new()
        .receive()
        .close(CloseCode::INTERNAL, "busy");
    let (client, http) = scripted([first, refused, begun()]);
    let call = client.live().connect(MODEL).set_resumption_handle(None);
    let mut session = limited(call.send()).await.unwrap();
    next(&mut session).await;
    let lost = limited(session.next()).await.unwrap().unwrap_err();
    assert_eq!(lost.close_code(), Some(CloseCode::ABNORMAL));
    let error = limited(session.reconnect()).await.unwrap_err();
    assert_eq!(error.close_reason(), Some("busy"));
    limited(session.reconnect()).await.unwrap();
    assert_eq!(http.request_count(), 3);
    limited(session.send_client_content(["on"], true))
        .await
        .unwrap();
}

/// Covers: AsyncLive.connect
#[tokio::test(start_paused = true)]
async fn a_session_without_a_handle_cannot_go_on() {
    let (mut plain, _) = session(begun()).await;
    let error = limited(plain.reconnect()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid `sessionResumption`: is not set; call `set_resumption_handle(None)` when \
         connecting"
    );
    let (client, _) = scripted([begun()]);
    let call = client.live().connect(MODEL).set_resumption_handle(None);
    let mut early = limited(call.send()).await.unwrap();
    let error = limited(early.reconnect()).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("read until the server has sent one")
    );
}

//! From HTTP to WebSocket: the answer to the opening, and the task that the session then is.

use std::sync::Arc;

use axum::body::Body;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header, request::Parts};
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::{
    app::App,
    gemini::errors::ApiError,
    live::{music, session, wire::Wire},
    route::{Route, Target},
};

/// Whether a request wants to become a WebSocket.
pub(crate) fn is_asked_for(request: &Request<Body>) -> bool {
    key(request.headers()).is_some()
}

/// The key of a proper opening (RFC 6455, section 4.2.1).
fn key(headers: &HeaderMap) -> Option<&HeaderValue> {
    let says = |name: &header::HeaderName, word: &str| {
        let mut values = headers.get_all(name).iter();
        values.any(|value| {
            let text = value.to_str().unwrap_or_default();
            text.split(',')
                .any(|part| part.trim().eq_ignore_ascii_case(word))
        })
    };
    let proper = says(&header::UPGRADE, "websocket")
        && says(&header::CONNECTION, "upgrade")
        && says(&header::SEC_WEBSOCKET_VERSION, "13");
    headers.get(header::SEC_WEBSOCKET_KEY).filter(|_| proper)
}

/// Answers the opening of a session, and goes on with it in a task of its own.
pub(crate) fn switch(app: Arc<App>, parts: Parts, upgrade: Option<OnUpgrade>) -> Response<Body> {
    let (Some(upgrade), Some(key)) = (upgrade, key(&parts.headers)) else {
        let error = ApiError::invalid_argument("This method is called over WebSocket.");
        return error
            .to_reply()
            .into_response(|_| Box::pin(std::future::ready(())));
    };
    let accept = derive_accept_key(key.as_bytes());
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    if let Ok(accept) = HeaderValue::try_from(accept) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    tokio::spawn(async move {
        match upgrade.await {
            Ok(io) => {
                let target = Target::parse(&parts.method, parts.uri.path());
                let mut wire = Wire::new(io, target.backend).await;
                let close = match target.route {
                    Route::LiveMusic => music::run(&app, &parts, target, &mut wire).await,
                    _ => session::run(&app, &parts, target, &mut wire).await,
                };
                tracing::debug!(code = close.code, reason = %close.reason, "session closed");
                wire.close(close).await;
            }
            Err(error) => tracing::debug!(%error, "the connection was not switched"),
        }
    });
    response
}

//! What the tests on the scripted transport share. No test here sleeps: time is tokio's paused
//! clock, and each test runs under a limit on it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gimmal_transport::testing::{Reply, ScriptedTransport};
use gimmal_transport::{
    CallOptions, Error, FixedJitter, Idempotency, Request, Response, Transport, TransportBuilder,
};
use http::Method;
use url::Url;

/// A builder on a script, with jitter fixed at one half: waits are 0.5 s, 1 s, 2 s, 4 s, ….
pub(crate) fn builder(http: &ScriptedTransport) -> TransportBuilder {
    Transport::builder()
        .with_http(Arc::new(http.clone()))
        .with_jitter(Arc::new(FixedJitter::new(0.5)))
}

/// A transport on these replies, together with the script to look at afterwards.
pub(crate) fn scripted(replies: impl IntoIterator<Item = Reply>) -> (Transport, ScriptedTransport) {
    let http = ScriptedTransport::new(replies);
    (builder(&http).build().expect("settings are valid"), http)
}

/// An idempotent POST, like most calls of a generation API.
pub(crate) fn request() -> Request {
    post().with_idempotency(Idempotency::Idempotent)
}

/// A POST that must not be repeated.
pub(crate) fn post() -> Request {
    let url = Url::parse("http://localhost/v1/echo?key=QUERY").expect("the address is valid");
    Request::new(Method::POST, url).with_json_body(Bytes::from_static(b"{\"prompt\": 1}"))
}

/// Sends with default options.
pub(crate) async fn send(
    transport: &Transport,
    request: Request,
) -> Result<Response<Bytes>, Error> {
    limited(transport.send(request, &CallOptions::default())).await
}

/// Fails a test that hangs; under the paused clock this takes no real time.
pub(crate) async fn limited<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(3_600), future)
        .await
        .expect("the test hangs")
}

/// Seconds as a duration.
pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

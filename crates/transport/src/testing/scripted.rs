//! A transport that answers from a script and remembers what it was asked.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Method, Uri};

use crate::body::ByteStream;
use crate::error::Error;
use crate::http::{HttpTransport, PoolPurpose};
use crate::redact::HeaderNames;
use crate::testing::Reply;
use crate::time::{Clock, TokioClock};

/// An [`HttpTransport`] that plays [`Reply`]s in order and records the requests.
///
/// ```
/// use std::sync::Arc;
/// use gimmal_transport::testing::{Reply, ScriptedTransport};
/// use gimmal_transport::{CallOptions, Request, Transport};
/// use http::Method;
/// use url::Url;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let http = ScriptedTransport::new([Reply::json(200, "{}")]);
/// let transport = Transport::builder().with_http(Arc::new(http.clone())).build()?;
/// let request = Request::new(Method::GET, Url::parse("http://localhost/things")?);
/// transport.send(request, &CallOptions::default()).await?;
/// assert_eq!(http.requests()[0].path_and_query(), "/things");
/// # Ok(())
/// # }
/// ```
///
/// Clones share script and record, so a test keeps one and gives the other away. A request beyond
/// the script fails for good, unless a reply was set to be repeated.
#[derive(Clone, Debug)]
pub struct ScriptedTransport {
    script: Arc<Mutex<Script>>,
    clock: Arc<dyn Clock>,
    #[cfg(feature = "websocket")]
    heard: Arc<Mutex<Vec<crate::ws::Message>>>,
}

#[derive(Debug, Default)]
struct Script {
    replies: VecDeque<Reply>,
    repeated: Option<Reply>,
    requests: Vec<RecordedRequest>,
}

impl ScriptedTransport {
    /// A transport that plays these replies.
    pub fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        let script = Script {
            replies: replies.into_iter().collect(),
            ..Script::default()
        };
        Self {
            script: Arc::new(Mutex::new(script)),
            clock: Arc::new(TokioClock),
            #[cfg(feature = "websocket")]
            heard: Arc::default(),
        }
    }

    /// A transport that answers every request the same way.
    pub fn repeating(reply: Reply) -> Self {
        let transport = Self::new([]);
        transport.script().repeated = Some(reply);
        transport
    }

    /// Takes the delays of replies from this clock instead of tokio's.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Adds a reply at the end of the script.
    pub fn push(&self, reply: Reply) {
        self.script().replies.push_back(reply);
    }

    /// The requests so far, in order.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.script().requests.clone()
    }

    /// The requests since this was last asked, in order; the script forgets them.
    pub fn take_requests(&self) -> Vec<RecordedRequest> {
        std::mem::take(&mut self.script().requests)
    }

    /// How many requests were made so far and not taken.
    pub fn request_count(&self) -> usize {
        self.script().requests.len()
    }

    /// The messages so far that went over a WebSocket, in order.
    #[cfg(feature = "websocket")]
    pub fn messages(&self) -> Vec<crate::ws::Message> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.clone()
    }

    /// How many replies of the script were not played.
    pub fn remaining(&self) -> usize {
        self.script().replies.len()
    }

    /// A panic of another test thread does not make the script unusable.
    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpTransport for ScriptedTransport {
    fn execute(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<ByteStream>, Error>> {
        #[cfg(feature = "websocket")]
        let (headers, heard) = (request.headers().clone(), Arc::clone(&self.heard));
        let reply = {
            let (mut head, body) = request.into_parts();
            let mut script = self.script();
            script.requests.push(RecordedRequest {
                at: self.clock.now(),
                pool: head.extensions.remove().unwrap_or_default(),
                method: head.method,
                uri: head.uri,
                headers: head.headers,
                body,
            });
            let next = script.replies.pop_front();
            next.or_else(|| script.repeated.clone())
                .ok_or_else(|| script.requests.len())
        };
        let clock = Arc::clone(&self.clock);
        async move {
            match reply {
                #[cfg(feature = "websocket")]
                Ok(mut reply) => {
                    let socket = reply.take_socket();
                    let answer = reply.play(Arc::clone(&clock)).await?;
                    Ok(match socket {
                        Some(script) => script.open(&headers, heard, clock),
                        None => answer,
                    })
                }
                #[cfg(not(feature = "websocket"))]
                Ok(reply) => reply.play(clock).await,
                Err(count) => Err(Error::config(format!(
                    "request {count} is beyond the end of the script; add a reply for it"
                ))),
            }
        }
        .boxed()
    }
}

/// A request as it would have gone out.
#[derive(Clone)]
pub struct RecordedRequest {
    at: Instant,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    pool: PoolPurpose,
    body: Bytes,
}

impl RecordedRequest {
    /// When the request was made, on the transport's clock.
    pub fn at(&self) -> Instant {
        self.at
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The whole address.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Path and query of the address.
    pub fn path_and_query(&self) -> &str {
        self.uri.path_and_query().map_or("/", |it| it.as_str())
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// A header as text, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whose connections were asked for.
    pub fn pool(&self) -> &PoolPurpose {
        &self.pool
    }

    /// The body; empty for none.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The body read as JSON.
    pub fn json(&self) -> Result<serde_json::Value, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }
}

/// Shows no query, no header values and no body, as failed assertions end up in logs.
impl fmt::Debug for RecordedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedRequest")
            .field("method", &self.method)
            .field("path", &self.uri.path())
            .field("headers", &HeaderNames(&self.headers))
            .field("pool", &self.pool)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::StreamExt;

    use super::*;
    use crate::error::{Delivery, ErrorKind};

    fn request() -> http::Request<Bytes> {
        http::Request::new(Bytes::from_static(b"{\"a\": 1}"))
    }

    #[tokio::test(start_paused = true)]
    async fn replies_are_played_in_order_with_their_delays() {
        let slow = Reply::json(200, "x").with_delay(Duration::from_secs(3));
        let http = ScriptedTransport::new([slow, Reply::connect_error()]);
        let start = TokioClock.now();
        let reply = http.execute(request()).await.unwrap();
        assert_eq!(TokioClock.now() - start, Duration::from_secs(3));
        assert_eq!(reply.status(), 200);
        assert_eq!(reply.into_body().collect(9).await.unwrap(), "x");
        assert!(http.execute(request()).await.unwrap_err().is_connect());
        assert_eq!((http.remaining(), http.request_count()), (0, 2));
        assert_eq!(http.requests()[0].json().unwrap()["a"], 1);
    }

    #[tokio::test]
    async fn a_request_beyond_the_script_fails_for_good() {
        let error = ScriptedTransport::new([])
            .execute(request())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        let http = ScriptedTransport::repeating(Reply::io_error());
        for _ in 0..3 {
            let error = http.execute(request()).await.unwrap_err();
            assert_eq!(error.delivery(), Delivery::MaybeSent);
        }
    }

    #[tokio::test]
    async fn a_body_breaks_where_the_script_says() {
        let http = ScriptedTransport::new([Reply::events(["1"]).with_reset()]);
        let mut body = http.execute(request()).await.unwrap().into_body();
        assert_eq!(body.next().await.unwrap().unwrap(), "data: 1\n\n");
        assert!(body.next().await.unwrap().is_err());
        assert!(body.next().await.is_none());
    }
}

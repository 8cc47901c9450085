//! The caller's way of adding to what is told about a call, once the reply is understood. The
//! transport reads no bodies, so it cannot know how many tokens a reply cost.

use std::sync::Arc;

use crate::error::Error;
use crate::observe::ReplyAttributes;
use crate::observe::tell::Listeners;

/// Adds what a reply held to the events and the trace of its call.
///
/// ```
/// use std::sync::Arc;
/// use gimmal_transport::observe::ReplyAttributes;
/// use gimmal_transport::testing::{Reply, ScriptedTransport};
/// use gimmal_transport::{CallOptions, Request, Transport};
/// use http::Method;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let http = ScriptedTransport::new([Reply::json(200, r#"{"tokens": 7}"#)]);
/// let transport = Transport::builder().with_http(Arc::new(http)).build()?;
/// let request = Request::new(Method::GET, "http://localhost/count".parse()?);
/// let reply = transport.send_json::<serde_json::Value>(request, &CallOptions::default()).await?;
///
/// let tokens = reply.body()["tokens"].as_u64().unwrap_or_default();
/// reply.recorder().record(ReplyAttributes::new().with_input_tokens(tokens));
/// # Ok(())
/// # }
/// ```
///
/// Clones record for the same call. The trace of the call is complete, and exported, when the
/// reply and all recorders are dropped; the time until then is not part of its duration. Whoever
/// keeps replies should take them apart with
/// [`into_body`](crate::Response::into_body).
#[derive(Clone, Debug, Default)]
pub struct CallRecorder(Option<Arc<Listeners>>);

impl CallRecorder {
    pub(super) fn new(listeners: Option<Arc<Listeners>>) -> Self {
        Self(listeners)
    }

    /// Whether anybody will see what is recorded; if not, there is no need to gather it.
    pub fn is_enabled(&self) -> bool {
        self.0.is_some()
    }

    /// Records what the reply holds. A later record wins where it says something, so a stream's
    /// running totals can be recorded as they come.
    pub fn record(&self, reply: ReplyAttributes) {
        if let Some(listeners) = &self.0 {
            listeners.record(reply);
        }
    }

    /// Records that the reply is of no use, though it arrived.
    pub fn refuse(&self, error: &Error) {
        if let Some(listeners) = &self.0 {
            listeners.refuse(error.kind());
        }
    }
}

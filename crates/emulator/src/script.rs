//! Replies fixed in advance: a queue of answers that are given, in order, to the requests they
//! match, in place of what the emulator would have said. Decides nothing by chance; that is
//! `chaos.rs`.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::{
    reply::{self, Reply},
    route::{RouteMatcher, Target},
};

/// The queue of scripted replies of an emulator. Clones share the same queue.
#[derive(Clone, Default)]
pub struct Script {
    queue: Arc<Mutex<Vec<Step>>>,
}

struct Step {
    matcher: RouteMatcher,
    reply: ScriptedReply,
    /// How often it is still to be given; never 0.
    times: usize,
}

/// One answer given in place of the emulator's own.
///
/// ```
/// use std::time::Duration;
/// use gimmal_emulator::ScriptedReply;
///
/// let overloaded = ScriptedReply::error(503, "UNAVAILABLE", "try later")
///     .with_delay(Duration::from_secs(2));
/// let broken_stream = ScriptedReply::events([r#"{"candidates": []}"#]).cut_after(10);
/// # let _ = (overloaded, broken_stream);
/// ```
#[derive(Clone)]
#[must_use]
pub struct ScriptedReply {
    reply: Reply,
}

impl Script {
    /// Adds `reply` for the next request that matches and has no earlier reply waiting.
    pub fn push(&self, matcher: impl Into<RouteMatcher>, reply: ScriptedReply) {
        self.push_times(matcher, reply, 1);
    }

    /// Adds `reply` for the next `times` matching requests.
    pub fn push_times(&self, matcher: impl Into<RouteMatcher>, reply: ScriptedReply, times: usize) {
        if times > 0 {
            self.lock().push(Step {
                matcher: matcher.into(),
                reply,
                times,
            });
        }
    }

    /// How many replies have not been given yet.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.lock().iter().map(|step| step.times).sum()
    }

    /// Drops every waiting reply.
    pub fn clear(&self) {
        self.lock().clear();
    }

    pub(crate) fn take(&self, target: &Target) -> Option<Reply> {
        let mut queue = self.lock();
        let at = queue.iter().position(|step| step.matcher.matches(target))?;
        if queue[at].times == 1 {
            return Some(queue.remove(at).reply.reply);
        }
        queue[at].times -= 1;
        Some(queue[at].reply.reply.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Step>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ScriptedReply {
    /// A JSON body. A `status` outside 100..=999 is replaced by 500.
    pub fn json(status: u16, body: &Value) -> Self {
        Self {
            reply: Reply::json(status_code(status), body),
        }
    }

    /// The service's error shape with the given status, status name and message.
    pub fn error(status: u16, name: &str, message: &str) -> Self {
        let error = json!({ "code": status, "message": message, "status": name });
        Self::json(status, &json!({ "error": error }))
    }

    /// A body of plain text, such as a proxy's error page.
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self {
            reply: Reply::text(status_code(status), body.into()),
        }
    }

    /// A stream of server-sent events, one for each `data`, which is sent as it is.
    pub fn events<I>(data: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let pieces = data
            .into_iter()
            .map(|data| reply::event(data.as_ref()))
            .collect();
        Self {
            reply: Reply::event_pieces(pieces),
        }
    }

    /// A stream body given byte for byte, each piece sent by itself.
    pub fn raw_chunks<I>(chunks: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Bytes>,
    {
        Self {
            reply: Reply::event_pieces(chunks.into_iter().map(Into::into).collect()),
        }
    }

    pub(crate) fn reply(&self) -> &Reply {
        &self.reply
    }

    /// No answer: the connection is reset.
    pub fn reset() -> Self {
        let mut scripted = Self::text(500, "");
        scripted.reply.delivery.reset = true;
        scripted
    }

    /// Sets the status.
    pub fn with_status(mut self, status: u16) -> Self {
        self.reply.status = status_code(status);
        self
    }

    /// Sets a header, replacing one of the same name.
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.reply.headers.insert(name, value);
        self
    }

    /// Waits on the emulator's clock before answering.
    pub fn with_delay(mut self, delay: Duration) -> Self {
        self.reply.delivery.delay = delay;
        self
    }

    /// Closes the connection after this many bytes of body.
    pub fn cut_after(mut self, bytes: usize) -> Self {
        self.reply.delivery.cut_after = Some(bytes);
        self
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script")
            .field("pending", &self.pending())
            .finish()
    }
}

impl fmt::Debug for ScriptedReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedReply")
            .field("status", &self.reply.status)
            .field("delivery", &self.reply.delivery)
            .finish_non_exhaustive()
    }
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::Route;
    use http::Method;

    #[test]
    fn replies_are_given_in_order_to_what_they_match() {
        let script = Script::default();
        script.push_times(Route::ListModels, ScriptedReply::text(500, "a"), 2);
        script.push(RouteMatcher::any(), ScriptedReply::text(502, "b"));
        let list = Target::parse(&Method::GET, "/v1beta/models");
        let get = Target::parse(&Method::GET, "/v1beta/models/x");
        assert_eq!(script.take(&get).expect("any").status, 502);
        assert_eq!(script.take(&list).expect("first").status, 500);
        assert_eq!(script.pending(), 1);
        assert!(script.take(&get).is_none());
        script.clear();
        assert_eq!(script.pending(), 0);
    }
}

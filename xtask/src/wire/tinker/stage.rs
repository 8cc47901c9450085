//! The server's side of a session: it plays the replies of a record, each to the request that it
//! belongs to, makes up those that no record says, and notes what it was asked.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use gimmal_client::Error;
use gimmal_client::transport::testing::{Reply, ScriptedTransport};
use gimmal_client::transport::{ByteStream, HttpTransport};
use gimmal_types::tinker::proto::messages::ForwardBackwardRequest;
use prost::Message as _;
use serde_json::{Value, json};

use super::canned::Canned;
use crate::wire::answer;
use crate::wire::failure::Failure;
use crate::wire::replies;

/// Requests that come and go with the clock and not with the calls.
const BACKGROUND: [&str; 4] = [
    "/api/v1/client/dynamic_config",
    "/api/v1/retrieve_futures",
    "/api/v1/session_heartbeat",
    "/api/v1/telemetry",
];

/// True for a request that comes and goes with the clock.
fn is_background(path: &str) -> bool {
    BACKGROUND.contains(&path)
}

/// A server for one session. Clones are the same one.
#[derive(Clone)]
pub(super) struct Stage(Arc<Mutex<State>>);

struct State {
    canned: Canned,
    script: Vec<Exchange>,
    seen: Vec<Value>,
    /// Whether requests of the background belong to the script and the record.
    whole: bool,
    on: bool,
}

struct Exchange {
    request: Value,
    response: Value,
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage").finish_non_exhaustive()
    }
}

impl Stage {
    pub(super) fn new(canned: Canned) -> Self {
        Self(Arc::new(Mutex::new(State {
            canned,
            script: Vec::new(),
            seen: Vec::new(),
            whole: false,
            on: false,
        })))
    }

    /// Plays these exchanges from now on and notes what it is asked; of the background too when
    /// they are those of a `whole` session.
    pub(super) fn play(&self, exchanges: &[Value], whole: bool) -> Result<(), Failure> {
        for (index, exchange) in exchanges.iter().enumerate() {
            if let Err(why) = replies::reply(&exchange["response"]) {
                let place = format!("exchanges[{index}].response");
                return Err(Failure::refused(place, why));
            }
        }
        let mut state = self.state();
        let part = |exchange: &Value, name: &str| exchange.get(name).cloned().unwrap_or_default();
        let script = exchanges.iter().map(|exchange| Exchange {
            request: part(exchange, "request"),
            response: part(exchange, "response"),
        });
        // A request without an answer is answered as if nothing were said about it.
        state.script = script
            .filter(|exchange| !exchange.response.is_null())
            .collect();
        state.whole = whole;
        state.on = true;
        Ok(())
    }

    /// Counts the next sampler that joins as this one.
    pub(super) fn join_as(&self, clone: u64) {
        self.state().canned.clone_id = clone;
    }

    /// What was asked since [`Stage::play`]; what comes later is of no interest.
    pub(super) fn stop(&self) -> Vec<Value> {
        let mut state = self.state();
        state.on = false;
        state.script.clear();
        std::mem::take(&mut state.seen)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The reply to a request; `None` lets it wait for ever.
    fn answer(&mut self, request: Value, content: &Value) -> Option<Value> {
        let path = request["path"].as_str().unwrap_or_default().to_owned();
        let is_background = is_background(&path);
        let mut scripted = None;
        if self.on && (self.whole || !is_background) {
            // What the futures poller is told follows from what was promised.
            if path != "/api/v1/retrieve_futures" {
                scripted = self.scripted(&request, content);
            }
            self.seen.push(request.clone());
        }
        let reply = match scripted {
            Some(reply) => self.canned.sign(reply),
            None => self.canned.answer(&request, content)?,
        };
        self.canned.note(&path, &reply);
        Some(reply)
    }

    /// The reply that the record has for a request: that to the very same one, to the next one of
    /// the same kind, or the next reply of all when the record does not say to what.
    fn scripted(&mut self, request: &Value, content: &Value) -> Option<Value> {
        let same_call = |recorded: &Value| {
            recorded["path"] == request["path"] && recorded["method"] == request["method"]
        };
        let key = key(content);
        let same = |exchange: &Exchange| {
            same_call(&exchange.request) && self::key(&content_of(&exchange.request["body"])) == key
        };
        let script = &self.script;
        let at = script.iter().position(same);
        let at = at.or_else(|| {
            let kind = |exchange: &Exchange| same_call(&exchange.request);
            script.iter().position(kind)
        });
        let at = at.or_else(|| {
            script
                .iter()
                .position(|exchange| exchange.request.is_null())
        })?;
        Some(self.script.remove(at).response)
    }
}

/// What tells requests of one kind apart.
fn key(content: &Value) -> (Value, Value) {
    let part = |name: &str| content.get(name).cloned().unwrap_or_default();
    (part("seq_id"), part("request_id"))
}

/// What a recorded body says, as far as requests are told apart by it.
pub(super) fn content_of(body: &Value) -> Value {
    if let Some(json) = body.get("json") {
        return json.clone();
    }
    body.get("decoded").cloned().unwrap_or_default()
}

/// The content of a body of ours.
fn content(body: &[u8]) -> Value {
    if let Ok(json) = serde_json::from_slice(body) {
        return json;
    }
    match ForwardBackwardRequest::decode(&unpacked(body)[..]) {
        Ok(pass) => json!({
            "model_id": pass.model_id,
            "seq_id": pass.seq_id,
            "lengths": pass.data.iter().map(Canned::targets).collect::<Vec<_>>(),
        }),
        Err(_) => Value::Null,
    }
}

/// A body without the packing that the server asked for.
pub(crate) fn unpacked(body: &[u8]) -> Vec<u8> {
    use std::io::Read as _;
    let mut plain = Vec::new();
    let Ok(mut decoder) = ruzstd::decoding::StreamingDecoder::new(body) else {
        return body.to_vec();
    };
    match decoder.read_to_end(&mut plain) {
        Ok(_) => plain,
        Err(_) => body.to_vec(),
    }
}

impl HttpTransport for Stage {
    fn execute(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<ByteStream>, Error>> {
        let noted = answer::request(
            request.method(),
            request.uri(),
            request.headers(),
            request.body(),
        );
        let content = content(request.body());
        let reply = self.state().answer(noted, &content);
        let reply = match reply {
            None => Reply::silence(),
            // What cannot be played was refused before the session began.
            Some(reply) => replies::reply(&reply).unwrap_or_else(|_| Reply::io_error()),
        };
        async move { ScriptedTransport::new([reply]).execute(request).await }.boxed()
    }
}

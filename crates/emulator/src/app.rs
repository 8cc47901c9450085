//! One HTTP request from start to finish: read, journal, script, admission, faults, answer. The
//! order is fixed here and nowhere else:
//!
//! 1. the journal notes the arrival, whatever becomes of the request;
//! 2. a scripted reply is given as it is, before keys are looked at;
//! 3. the key and the quota are checked, so that faults strike only what would have been answered;
//! 4. an answer takes the time answers are set to take;
//! 5. quirks rewrite the answer, and faults replace or spoil it.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{self, Body},
    extract::{ConnectInfo, State},
};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, request::Parts};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{
    chaos::{Chaos, Instead},
    clock::Clock,
    connection::KillSwitch,
    gemini::{
        auth::Caller,
        errors::ApiError,
        keys,
        service::{self, Gemini, Incoming},
    },
    inflow::{Broken, Inflow, Interrupted},
    journal::{Arrival, Journal},
    live,
    quirks::Quirks,
    reply::Reply,
    route::{Route, Target},
    script::Script,
    tinker::{self, Tinker},
};

/// The largest body the service takes.
const MOST_BODY_BYTES: usize = 100 << 20;

/// What the handler of every request shares.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) gemini: Gemini,
    pub(crate) tinker: Arc<Tinker>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) journal: Journal,
    pub(crate) script: Script,
    pub(crate) chaos: Chaos,
    pub(crate) quirks: Quirks,
    /// How long the model takes for an answer.
    pub(crate) latency: Duration,
    /// Ends delays when the server stops.
    pub(crate) stopping: CancellationToken,
}

/// Handles one request.
pub(crate) async fn handle(
    State(app): State<Arc<App>>,
    ConnectInfo(connection): ConnectInfo<KillSwitch>,
    mut request: Request<Body>,
) -> Response<Body> {
    let upgrade = live::is_asked_for(&request).then(|| hyper::upgrade::on(&mut request));
    let (parts, body) = request.into_parts();
    let mut reply = app.reply(&parts, body).await;
    app.wait(std::mem::take(&mut reply.delivery.delay)).await;
    if std::mem::take(&mut reply.delivery.reset) {
        connection.reset();
    }
    if reply.status == StatusCode::SWITCHING_PROTOCOLS {
        return live::switch(app, parts, upgrade);
    }
    reply.into_response(move |pause| {
        let app = Arc::clone(&app);
        Box::pin(async move { app.wait(pause).await })
    })
}

impl App {
    async fn reply(&self, parts: &Parts, body: Body) -> Reply {
        let query = parse_query(parts.uri.query().unwrap_or_default());
        let target = Target::parse(&parts.method, parts.uri.path()).with_query(&query);
        if let Route::Tinker(call) = target.route {
            return tinker::exchange::reply(self, call, &target, &query, parts, body).await;
        }
        let (body, mut content) = if Incoming::brings_content(&target, &parts.headers, &query) {
            (Ok(None), Some(Inflow::new(body)))
        } else {
            (read_message(&parts.method, body).await, None)
        };
        let caller = Caller::read(&parts.headers, &query);
        let now = self.clock.now();
        let entry = self.journal.arrived(Arrival {
            target: &target,
            method: &parts.method,
            query: &query,
            headers: &parts.headers,
            body: body.as_ref().ok().and_then(Option::as_ref),
            time: now,
            key_fingerprint: caller.fingerprint(),
        });
        // These alone are in snake case throughout.
        let body = match target.route {
            Route::Resource(_) => body,
            _ => body.map(|body| body.map(|value| keys::normalise(&value))),
        };
        let incoming = Incoming {
            target: &target,
            query: &query,
            headers: &parts.headers,
            body: &body,
            caller: &caller,
            now,
        };
        let reply = self.decide(&incoming, &mut content).await;
        if let Some(mut content) = content.filter(|_| !reply.delivery.reset) {
            // The caller reads the answer once all is sent.
            content.drain().await;
        }
        if let Some(entry) = entry.filter(|_| !reply.delivery.reset) {
            entry.answered(reply.status.as_u16());
        }
        tracing::debug!(
            backend = %target.backend,
            route = ?target.route,
            status = reply.status.as_u16(),
            "answered"
        );
        reply
    }

    async fn decide(&self, incoming: &Incoming<'_>, content: &mut Option<Inflow>) -> Reply {
        if let Some(reply) = self.script.take(incoming.target) {
            return reply;
        }
        if let Err(error) = self.gemini.admit(incoming) {
            let mut reply = service::refuse(&error, incoming);
            self.quirks.apply(incoming.target.route, &mut reply);
            return reply;
        }
        let mut plan = self.chaos.plan(incoming.target);
        let mut reply = match plan.instead.take() {
            Some(Instead::Reply(reply)) => reply,
            Some(Instead::Error(error)) => service::refuse(&error, incoming),
            None => match content.take() {
                Some(content) => self.receive(incoming, content, plan.broken()).await,
                None => self.answer_in_time(incoming).await,
            },
        };
        self.quirks.apply(incoming.target.route, &mut reply);
        plan.apply(&mut reply);
        reply
    }

    /// The service's own reply to a request whose body is content.
    async fn receive(
        &self,
        incoming: &Incoming<'_>,
        mut content: Inflow,
        broken: Option<Broken>,
    ) -> Reply {
        content.break_off(broken);
        let received = tokio::select! {
            received = self.gemini.receive(incoming, content) => received,
            () = self.stopping.cancelled() => Err(Interrupted),
        };
        match received {
            Ok(reply) => reply,
            Err(Interrupted) => {
                let mut reply = Reply::text(StatusCode::BAD_REQUEST, "");
                reply.delivery.reset = true;
                reply
            }
        }
    }

    /// The service's own reply, held back for as long as the request says it may be.
    async fn answer_in_time(&self, incoming: &Incoming<'_>) -> Reply {
        let pause = self.gemini.pause_before(incoming);
        if pause.is_zero() {
            return self.answer(incoming);
        }
        self.wait(pause).await;
        self.answer(&Incoming {
            now: self.clock.now(),
            ..*incoming
        })
    }

    /// The service's own reply. Refusals come at once: they cost the model no time.
    fn answer(&self, incoming: &Incoming<'_>) -> Reply {
        let mut reply = self.gemini.answer(incoming);
        let by_model = matches!(
            incoming.target.route,
            Route::GenerateContent
                | Route::StreamGenerateContent
                | Route::CountTokens
                | Route::ComputeTokens
                | Route::EmbedContent
                | Route::BatchEmbedContents
                | Route::Predict
        ) || matches!(incoming.target.route, Route::Resource(call) if call.is_of_a_model());
        if by_model && reply.status.is_success() {
            reply.slow_down(self.latency);
        }
        reply
    }

    async fn wait(&self, delay: Duration) {
        if !delay.is_zero() {
            tokio::select! {
                () = self.clock.sleep(delay) => {}
                () = self.stopping.cancelled() => {}
            }
        }
    }
}

/// The message a request brings.
async fn read_message(method: &Method, body: Body) -> Result<Option<Arc<Value>>, ApiError> {
    let bytes: Bytes = body::to_bytes(body, MOST_BODY_BYTES).await.map_err(|_| {
        ApiError::invalid_argument(format!(
            "Request payload size exceeds the limit: {MOST_BODY_BYTES} bytes."
        ))
    })?;
    parse_body(method, &bytes)
}

/// The body as JSON. Calls without a body have none, whatever their content type says.
fn parse_body(method: &Method, bytes: &[u8]) -> Result<Option<Arc<Value>>, ApiError> {
    if bytes.iter().all(u8::is_ascii_whitespace) || method == Method::GET {
        return Ok(None);
    }
    serde_json::from_slice(bytes)
        .map(|value| Some(Arc::new(value)))
        .map_err(|error| {
            ApiError::invalid_argument(format!("Invalid JSON payload received. {error}"))
        })
}

pub(crate) fn parse_query(query: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

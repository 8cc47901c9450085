//! The span of one call. It is ended with the time of the call's end, but only when the caller has
//! let go of the reply, since what the reply held is part of the span.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use http::{HeaderMap, Method, StatusCode};
use opentelemetry::trace::{SpanKind, SpanRef, Status, TraceContextExt, Tracer};
use opentelemetry::{Array, Context, KeyValue, StringValue, Value, global};

use crate::observe::{
    AttributeValue, CallAttributes, CallInfo, CallOutcome, CallTrace, Event, NextStep,
    ReplyAttributes, error_type,
};
use crate::otel::handle::{Otel, Propagator};
use crate::otel::{names, propagate};

/// The value of `error.type` for a call that was dropped before it was answered.
const CANCELLED: &str = "cancelled";

pub(super) struct Trace {
    otel: Otel,
    context: Context,
    call: Arc<CallInfo>,
    state: Mutex<State>,
}

/// What is known by now.
#[derive(Default)]
struct State {
    ended: Option<(SystemTime, Duration)>,
    first_byte: Option<Duration>,
    error: Option<Cow<'static, str>>,
    reply: ReplyAttributes,
}

impl Trace {
    pub(super) fn start(otel: Otel, call: &Arc<CallInfo>, at: SystemTime) -> Self {
        let span = otel
            .tracer
            .span_builder(span_name(call))
            .with_kind(SpanKind::Client)
            .with_start_time(at)
            .with_attributes(request_attributes(call))
            .start(&*otel.tracer);
        Self {
            otel,
            context: Context::current_with_span(span),
            call: Arc::clone(call),
            state: Mutex::default(),
        }
    }

    fn span(&self) -> SpanRef<'_> {
        self.context.span()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add_event(&self, name: &'static str, at: SystemTime, attributes: Vec<KeyValue>) {
        self.span().add_event_with_timestamp(name, at, attributes);
    }

    /// An attempt is over: it is an event of the span and a value of the metric.
    fn attempt(&self, attempt: &Attempt, at: SystemTime) {
        let mut result = Vec::with_capacity(2);
        if let Some(status) = attempt.status {
            result.push(status_code(status));
        }
        if let Some(error) = &attempt.error {
            result.push(KeyValue::new(names::ERROR_TYPE, error.clone()));
        }
        let took = attempt.took.as_secs_f64();
        let mut measured = http_target(&self.call);
        measured.extend_from_slice(&result);
        self.otel.instruments.http_request.record(took, &measured);

        if !self.span().is_recording() {
            return;
        }
        let mut attributes = result;
        attributes.push(KeyValue::new(names::ATTEMPT_DURATION, took));
        attributes.extend(resend_count(attempt.number));
        attributes.extend(attempt.next.map(|next| match next {
            NextStep::Retry(wait) => KeyValue::new(names::RETRY_WAIT, wait.as_secs_f64()),
            NextStep::GiveUp(reason) => KeyValue::new(names::STOPPED_BECAUSE, reason.to_string()),
        }));
        self.add_event(names::ATTEMPT, at, attributes);
    }

    fn finished(
        &self,
        outcome: CallOutcome,
        status: Option<StatusCode>,
        attempts: u32,
        ended: (SystemTime, Duration),
    ) {
        let span = self.span();
        span.set_attributes(status.map(status_code));
        span.set_attributes(resend_count(attempts));
        let mut state = self.state();
        state.ended = Some(ended);
        state.error = match outcome {
            CallOutcome::Succeeded => None,
            CallOutcome::Failed(kind) => Some(error_type(kind, status).to_string().into()),
            // Whoever lets go of a reply that is arriving has seen enough of it.
            CallOutcome::Dropped => status.is_none().then_some(CANCELLED.into()),
        };
    }

    /// What metrics of a call of a model are told apart by.
    fn gen_ai_dimensions(&self, state: &State) -> Option<Vec<KeyValue>> {
        let attributes = self.call.attributes()?;
        let mut dimensions = gen_ai_target(attributes);
        dimensions.extend(server(&self.call));
        if let Some(model) = &state.reply.model {
            dimensions.push(KeyValue::new(names::GEN_AI_RESPONSE_MODEL, model.clone()));
        }
        Some(dimensions)
    }

    fn measure(&self, state: &State) {
        let Some(mut dimensions) = self.gen_ai_dimensions(state) else {
            return;
        };
        let instruments = &self.otel.instruments;
        if let Some(after) = state.first_byte {
            instruments
                .first_chunk
                .record(after.as_secs_f64(), &dimensions);
        }
        let counts = [
            ("input", state.reply.input_tokens),
            ("output", state.reply.output_tokens),
        ];
        for (which, tokens) in counts {
            let Some(tokens) = tokens else { continue };
            dimensions.push(KeyValue::new(names::GEN_AI_TOKEN_TYPE, which));
            instruments.tokens.record(tokens, &dimensions);
            dimensions.pop();
        }
        if let Some(error) = &state.error {
            dimensions.push(KeyValue::new(names::ERROR_TYPE, error.clone()));
        }
        if let Some((_, took)) = state.ended {
            instruments
                .operation
                .record(took.as_secs_f64(), &dimensions);
        }
    }
}

impl CallTrace for Trace {
    fn observe(&self, event: &Event, at: SystemTime) {
        match event {
            Event::Held { gate, waited, .. } => {
                let by = KeyValue::new(names::HELD_BY, gate.as_str());
                let waited = KeyValue::new(names::HELD_DURATION, waited.as_secs_f64());
                self.add_event(names::HELD, at, vec![by, waited]);
            }
            Event::AttemptFailed {
                attempt,
                took,
                kind,
                status,
                next,
                ..
            } => {
                let attempt = Attempt {
                    number: *attempt,
                    took: *took,
                    status: *status,
                    error: Some(error_type(*kind, *status).to_string()),
                    next: Some(*next),
                };
                self.attempt(&attempt, at);
            }
            Event::AttemptSucceeded {
                attempt,
                took,
                status,
                ..
            } => {
                let attempt = Attempt {
                    number: *attempt,
                    took: *took,
                    status: Some(*status),
                    error: None,
                    next: None,
                };
                self.attempt(&attempt, at);
            }
            Event::FirstByte { after, .. } => self.state().first_byte = Some(*after),
            Event::CallFinished {
                outcome,
                status,
                attempts,
                took,
                ..
            } => self.finished(*outcome, *status, *attempts, (at, *took)),
            Event::ReplyRead { reply, error, .. } => {
                let mut state = self.state();
                state.reply = reply.clone();
                if let Some(kind) = error {
                    state.error = Some(kind.as_str().into());
                }
            }
            _ => {}
        }
    }

    fn inject(&self, headers: &mut HeaderMap) {
        match &self.otel.propagator {
            Some(Propagator::Own(own)) => propagate::inject(&**own, &self.context, headers),
            Some(Propagator::Global) => global::get_text_map_propagator(|propagator| {
                propagate::inject(propagator, &self.context, headers);
            }),
            None => {}
        }
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        let state = self.state();
        self.measure(&state);
        let span = self.span();
        if span.is_recording() {
            span.set_attributes(reply_attributes(&self.call, &state));
            if let Some(error) = &state.error {
                span.set_attribute(KeyValue::new(names::ERROR_TYPE, error.clone()));
                // The server's words may quote the prompt, so the type has to do.
                span.set_status(Status::error(""));
            }
        }
        match state.ended {
            Some((at, _)) => span.end_with_timestamp(at),
            None => span.end(),
        }
    }
}

/// An attempt that is over.
struct Attempt {
    number: u32,
    took: Duration,
    status: Option<StatusCode>,
    error: Option<String>,
    next: Option<NextStep>,
}

fn span_name(call: &CallInfo) -> String {
    match call.attributes() {
        Some(attributes) => match attributes.model() {
            Some(model) => format!("{} {model}", attributes.operation()),
            None => attributes.operation().to_owned(),
        },
        None if is_known(call.method()) => call.method().to_string(),
        None => "HTTP".to_owned(),
    }
}

/// What is known when the call begins, so that samplers can go by it.
fn request_attributes(call: &CallInfo) -> Vec<KeyValue> {
    let mut known = http_target(call);
    known.push(KeyValue::new(names::URL_FULL, call.url().to_owned()));
    if !is_known(call.method()) {
        let method = call.method().to_string();
        known.push(KeyValue::new(names::HTTP_REQUEST_METHOD_ORIGINAL, method));
    }
    if let Some(attributes) = call.attributes() {
        known.extend(gen_ai_target(attributes));
        if call.streamed() {
            known.push(KeyValue::new(names::GEN_AI_REQUEST_STREAM, true));
        }
        let others = attributes.others().iter();
        known.extend(others.map(|(name, set)| KeyValue::new(*name, value(set))));
    }
    known
}

fn reply_attributes(call: &CallInfo, state: &State) -> Vec<KeyValue> {
    let reply = &state.reply;
    let mut known = Vec::new();
    let texts = [
        (names::GEN_AI_RESPONSE_MODEL, &reply.model),
        (names::GEN_AI_RESPONSE_ID, &reply.id),
    ];
    for (name, text) in texts {
        known.extend(text.clone().map(|text| KeyValue::new(name, text)));
    }
    if !reply.finish_reasons.is_empty() {
        let reasons = reply.finish_reasons.iter().cloned().map(StringValue::from);
        let reasons = Value::Array(Array::String(reasons.collect()));
        known.push(KeyValue::new(
            names::GEN_AI_RESPONSE_FINISH_REASONS,
            reasons,
        ));
    }
    let counts = [
        (names::GEN_AI_USAGE_INPUT, reply.input_tokens),
        (names::GEN_AI_USAGE_OUTPUT, reply.output_tokens),
        (names::GEN_AI_USAGE_CACHE_READ, reply.cached_tokens),
        (names::GEN_AI_USAGE_REASONING, reply.reasoning_tokens),
    ];
    for (name, count) in counts {
        let count = count.and_then(|count| i64::try_from(count).ok());
        known.extend(count.map(|count| KeyValue::new(name, count)));
    }
    // Other calls have no chunks that the conventions for GenAI know of.
    if let Some(after) = state.first_byte.filter(|_| call.attributes().is_some()) {
        let name = names::GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK;
        known.push(KeyValue::new(name, after.as_secs_f64()));
    }
    known
}

fn gen_ai_target(attributes: &CallAttributes) -> Vec<KeyValue> {
    let pairs = [
        (names::GEN_AI_OPERATION_NAME, Some(attributes.operation())),
        (names::GEN_AI_PROVIDER_NAME, Some(attributes.provider())),
        (names::GEN_AI_REQUEST_MODEL, attributes.model()),
    ];
    let known = pairs.into_iter();
    known
        .filter_map(|(name, text)| Some(KeyValue::new(name, text?.to_owned())))
        .collect()
}

fn http_target(call: &CallInfo) -> Vec<KeyValue> {
    let method = match call.method() {
        method if is_known(method) => method.to_string(),
        _ => "_OTHER".to_owned(),
    };
    let mut target = vec![KeyValue::new(names::HTTP_REQUEST_METHOD, method)];
    target.extend(server(call));
    target
}

fn server(call: &CallInfo) -> impl Iterator<Item = KeyValue> {
    let address = KeyValue::new(names::SERVER_ADDRESS, call.server_address().to_owned());
    let port = call.server_port();
    let port = port.map(|port| KeyValue::new(names::SERVER_PORT, i64::from(port)));
    [address].into_iter().chain(port)
}

fn status_code(status: StatusCode) -> KeyValue {
    KeyValue::new(names::HTTP_RESPONSE_STATUS_CODE, i64::from(status.as_u16()))
}

/// How often the request had been sent before this attempt, if it had.
fn resend_count(attempt: u32) -> Option<KeyValue> {
    let resends = attempt.checked_sub(1).filter(|resends| *resends > 0)?;
    Some(KeyValue::new(
        names::HTTP_REQUEST_RESEND_COUNT,
        i64::from(resends),
    ))
}

fn value(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::Bool(value) => Value::Bool(*value),
        AttributeValue::Int(value) => Value::I64(*value),
        AttributeValue::Float(value) => Value::F64(*value),
        AttributeValue::Text(value) => Value::String(value.clone().into()),
    }
}

/// The methods that the conventions know; others could be made up without end.
fn is_known(method: &Method) -> bool {
    matches!(
        *method,
        Method::CONNECT
            | Method::DELETE
            | Method::GET
            | Method::HEAD
            | Method::OPTIONS
            | Method::PATCH
            | Method::POST
            | Method::PUT
            | Method::TRACE
    )
}

//! Spans and metrics as they arrive: names, attributes, units and buckets of the conventions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use gimmal_transport::otel::Otel;
use gimmal_transport::testing::{Reply, ScriptedTransport};
use gimmal_transport::{
    ApiKey, CallAttributes, CallOptions, FixedJitter, Idempotency, ReplyAttributes, Request,
    Transport,
};
use http::{HeaderName, Method};
use opentelemetry::Context;
use opentelemetry::trace::{TraceContextExt, Tracer, TracerProvider};
use opentelemetry_otlp::{MetricExporter, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;

use crate::collector::{Collector, points, texts};

/// Providers that export to a collector, and a transport on them.
struct Setup {
    collector: Collector,
    tracers: SdkTracerProvider,
    meters: SdkMeterProvider,
    transport: Transport,
    runtime: tokio::runtime::Runtime,
}

impl Setup {
    fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        let collector = Collector::start();
        // Without the proxies of the environment: the collector is on this machine.
        let client = reqwest::blocking::Client::builder();
        let client = client.no_proxy().build().unwrap();
        let spans = SpanExporter::builder()
            .with_http()
            .with_http_client(client.clone())
            .with_endpoint(collector.url("/v1/traces"))
            .build()
            .unwrap();
        let metrics = MetricExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_endpoint(collector.url("/v1/metrics"))
            .build()
            .unwrap();
        let tracers = SdkTracerProvider::builder()
            .with_batch_exporter(spans)
            .build();
        let meters = SdkMeterProvider::builder()
            .with_periodic_exporter(metrics)
            .build();
        let key = ApiKey::new(HeaderName::from_static("x-api-key"), "SECRET".into());
        let transport = Transport::builder()
            .with_http(Arc::new(ScriptedTransport::new(replies)))
            .with_jitter(Arc::new(FixedJitter::new(0.5)))
            .with_credentials(key)
            .with_otel(Otel::new(&tracers, &meters))
            .build()
            .unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        Self {
            collector,
            tracers,
            meters,
            transport,
            runtime,
        }
    }

    /// Sends what there is, and hands over what arrived.
    fn export(self) -> Collector {
        self.tracers.shutdown().unwrap();
        self.meters.shutdown().unwrap();
        for hidden in ["SECRET", "QUERY", "PROMPT", "ANSWER", "ECHO"] {
            let bytes = self.collector.bytes();
            let found = bytes
                .windows(hidden.len())
                .any(|window| window == hidden.as_bytes());
            assert!(!found, "{hidden} was exported");
        }
        self.collector
    }

    fn export_one(self) -> (Span, Collector) {
        let collector = self.export();
        let mut spans = collector.spans();
        assert_eq!(spans.len(), 1, "{spans:#?}");
        (spans.remove(0), collector)
    }
}

fn request() -> Request {
    let url = "https://models.example/v1/ask?key=QUERY";
    Request::new(Method::POST, url.parse().unwrap())
        .with_json_body(Bytes::from_static(b"{\"text\": \"PROMPT\"}"))
        .with_idempotency(Idempotency::Idempotent)
}

fn options() -> CallOptions {
    let attributes = CallAttributes::new("generate_content", "gcp.gemini")
        .with_model("gemini-x")
        .with_attribute("gen_ai.request.temperature", 0.5)
        .with_attribute("gen_ai.request.max_tokens", 99);
    CallOptions::default().with_attributes(attributes)
}

fn refusal(status: u16) -> Reply {
    Reply::json(status, r#"{"error": {"message": "ECHO of the PROMPT"}}"#)
}

fn expected<const N: usize>(pairs: [(&'static str, &str); N]) -> BTreeMap<&'static str, String> {
    pairs
        .map(|(name, value)| (name, value.to_owned()))
        .into_iter()
        .collect()
}

fn took(span: &Span) -> Duration {
    Duration::from_nanos(span.end_time_unix_nano - span.start_time_unix_nano)
}

#[test]
fn a_call_of_a_model_is_one_span_with_attempts_as_events() {
    let setup = Setup::new([refusal(503), Reply::json(200, "\"ANSWER\"")]);
    let reply = setup
        .runtime
        .block_on(setup.transport.send(request(), &options()))
        .unwrap();
    reply.recorder().record(
        ReplyAttributes::new()
            .with_model("gemini-x-001")
            .with_id("r-1")
            .with_finish_reason("STOP")
            .with_input_tokens(100)
            .with_output_tokens(20)
            .with_cached_tokens(64)
            .with_reasoning_tokens(5),
    );
    drop(reply);
    let (span, collector) = setup.export_one();

    assert_eq!(span.name, "generate_content gemini-x");
    assert_eq!(span.kind(), SpanKind::Client);
    assert_eq!(span.status.as_ref().map_or(0, |status| status.code), 0);
    let attributes = expected([
        ("http.request.method", "POST"),
        ("server.address", "models.example"),
        ("server.port", "443"),
        ("url.full", "https://models.example/v1/ask?key=REDACTED"),
        ("gen_ai.operation.name", "generate_content"),
        ("gen_ai.provider.name", "gcp.gemini"),
        ("gen_ai.request.model", "gemini-x"),
        ("gen_ai.request.temperature", "0.5"),
        ("gen_ai.request.max_tokens", "99"),
        ("http.response.status_code", "200"),
        ("http.request.resend_count", "1"),
        ("gen_ai.response.model", "gemini-x-001"),
        ("gen_ai.response.id", "r-1"),
        ("gen_ai.response.finish_reasons", "STOP"),
        ("gen_ai.usage.input_tokens", "100"),
        ("gen_ai.usage.output_tokens", "20"),
        ("gen_ai.usage.cache_read.input_tokens", "64"),
        ("gen_ai.usage.reasoning.output_tokens", "5"),
    ]);
    assert_eq!(texts(&span.attributes), attributes);

    let events: Vec<_> = span.events.iter().map(|event| &event.name).collect();
    assert_eq!(events, ["gimmal.attempt", "gimmal.attempt"]);
    let failed = expected([
        ("http.response.status_code", "503"),
        ("error.type", "503"),
        ("gimmal.attempt.duration", "0"),
        ("gimmal.retry.wait", "0.5"),
    ]);
    assert_eq!(texts(&span.events[0].attributes), failed);
    let succeeded = expected([
        ("http.response.status_code", "200"),
        ("gimmal.attempt.duration", "0"),
        ("http.request.resend_count", "1"),
    ]);
    assert_eq!(texts(&span.events[1].attributes), succeeded);
    assert_eq!(took(&span), Duration::from_millis(500));
    assert_eq!(span.events[0].time_unix_nano, span.start_time_unix_nano);
    assert_eq!(span.events[1].time_unix_nano, span.end_time_unix_nano);

    check_metrics(&collector);
}

/// The metrics of the call above.
fn check_metrics(collector: &Collector) {
    let metrics = collector.metrics();
    let dimensions = [
        ("gen_ai.operation.name", "generate_content"),
        ("gen_ai.provider.name", "gcp.gemini"),
        ("gen_ai.request.model", "gemini-x"),
        ("gen_ai.response.model", "gemini-x-001"),
        ("server.address", "models.example"),
        ("server.port", "443"),
    ];

    let duration = &metrics["gen_ai.client.operation.duration"];
    assert_eq!(duration.unit, "s");
    let [point] = points(duration) else {
        panic!("{duration:#?}");
    };
    assert_eq!((point.count, point.sum), (1, Some(0.5)));
    assert_eq!(texts(&point.attributes), expected(dimensions));
    let doubling: Vec<f64> = (0..14).map(|power| 0.01 * 2_f64.powi(power)).collect();
    assert_eq!(point.explicit_bounds, doubling);

    let tokens = &metrics["gen_ai.client.token.usage"];
    assert_eq!(tokens.unit, "{token}");
    let mut sums = BTreeMap::new();
    for point in points(tokens) {
        let mut attributes = texts(&point.attributes);
        let which = attributes.remove("gen_ai.token.type").unwrap();
        assert_eq!(attributes, expected(dimensions));
        let powers: Vec<f64> = (0..14).map(|power| 4_f64.powi(power)).collect();
        assert_eq!(point.explicit_bounds, powers);
        sums.insert(which, point.sum.unwrap());
    }
    assert_eq!(sums["input"], 100.0);
    assert_eq!(sums["output"], 20.0);

    let attempts = &metrics["http.client.request.duration"];
    assert_eq!(attempts.unit, "s");
    let mut errors: Vec<_> = points(attempts)
        .iter()
        .map(|point| {
            assert_eq!((point.count, point.explicit_bounds[0]), (1, 0.005));
            let attributes = texts(&point.attributes);
            assert_eq!(attributes["http.request.method"], "POST");
            (
                attributes["http.response.status_code"].clone(),
                attributes.get("error.type").cloned(),
            )
        })
        .collect();
    errors.sort();
    let all = [("200".into(), None), ("503".into(), Some("503".into()))];
    assert_eq!(errors, all);
    assert!(!metrics.contains_key("gen_ai.client.operation.time_to_first_chunk"));
}

#[test]
fn a_call_that_fails_is_an_error_without_the_words_of_the_server() {
    let setup = Setup::new([refusal(400)]);
    let options = options();
    let call = setup.transport.send(request(), &options);
    setup.runtime.block_on(call).unwrap_err();
    let (span, collector) = setup.export_one();

    let status = span.status.unwrap();
    assert_eq!((status.code, status.message.as_str()), (2, ""));
    let attributes = texts(&span.attributes);
    assert_eq!(attributes["error.type"], "400");
    assert_eq!(attributes["http.response.status_code"], "400");
    assert!(!attributes.contains_key("http.request.resend_count"));
    let event = texts(&span.events[0].attributes);
    assert_eq!(
        event["gimmal.retry.stopped_because"],
        "the failure is permanent"
    );
    let metrics = collector.metrics();
    let [point] = points(&metrics["gen_ai.client.operation.duration"]) else {
        panic!("{metrics:#?}");
    };
    assert_eq!(texts(&point.attributes)["error.type"], "400");
    assert!(!metrics.contains_key("gen_ai.client.token.usage"));
}

#[test]
fn a_stream_is_a_span_until_its_last_byte() {
    let stream = Reply::events(["1"])
        .with_delay(Duration::from_secs(1))
        .with_pause(Duration::from_secs(2))
        .with_chunk("data: ANSWER\n\n");
    let setup = Setup::new([stream]);
    setup.runtime.block_on(async {
        let options = options();
        let reply = setup.transport.open_events(request(), &options);
        let reply = reply.await.unwrap();
        let recorder = reply.recorder().clone();
        let mut events = reply.into_body();
        let mut output = 0;
        while let Some(event) = events.next().await {
            event.unwrap();
            // As if each event told how many tokens there are by now.
            output += 10;
            recorder.record(ReplyAttributes::new().with_output_tokens(output));
        }
        drop(events);
        tokio::time::sleep(Duration::from_secs(60)).await;
    });
    let (span, collector) = setup.export_one();

    assert_eq!(took(&span), Duration::from_secs(3));
    let attributes = texts(&span.attributes);
    assert_eq!(attributes["gen_ai.request.stream"], "true");
    assert_eq!(attributes["gen_ai.response.time_to_first_chunk"], "1");
    assert_eq!(attributes["gen_ai.usage.output_tokens"], "20");
    let metrics = collector.metrics();
    let first = points(&metrics["gen_ai.client.operation.time_to_first_chunk"]);
    assert_eq!((first[0].count, first[0].sum), (1, Some(1.0)));
    let usage = points(&metrics["gen_ai.client.token.usage"]);
    assert_eq!((usage.len(), usage[0].sum), (1, Some(20.0)));
}

#[test]
fn any_other_call_is_a_span_of_http_below_the_current_one() {
    let setup = Setup::new([Reply::json(200, "{")]);
    let parent = setup.tracers.tracer("test").start("parent");
    let parent = Context::current_with_span(parent);
    let parent_id = parent.span().span_context().span_id();
    let options = CallOptions::default();
    let guard = parent.attach();
    let call = setup.transport.send_json::<Vec<u8>>(request(), &options);
    setup.runtime.block_on(call).unwrap_err();
    drop(guard);
    let collector = setup.export();

    let spans = collector.spans();
    let span = spans.iter().find(|span| span.name == "POST").unwrap();
    assert_eq!(span.parent_span_id, parent_id.to_bytes());
    let attributes = texts(&span.attributes);
    let of_models = attributes.keys().find(|name| name.starts_with("gen_ai"));
    assert_eq!(of_models, None);
    // The reply arrived well and could not be read.
    assert_eq!(attributes["http.response.status_code"], "200");
    assert_eq!(attributes["error.type"], "decode");
    assert_eq!(span.status.as_ref().unwrap().code, 2);
    let metrics = collector.metrics();
    assert_eq!(
        metrics.keys().collect::<Vec<_>>(),
        ["http.client.request.duration"]
    );
}

#[test]
fn a_call_that_is_dropped_is_cancelled() {
    let setup = Setup::new([Reply::silence()]);
    setup.runtime.block_on(async {
        let options = options();
        let call = setup.transport.send(request(), &options);
        tokio::time::timeout(Duration::from_secs(2), call)
            .await
            .unwrap_err();
    });
    let (span, _) = setup.export_one();
    assert_eq!(texts(&span.attributes)["error.type"], "cancelled");
    assert_eq!(took(&span), Duration::from_secs(2));
}

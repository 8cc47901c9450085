//! Whether a server is told which trace a request is part of.

use std::sync::Arc;

use gimmal_transport::otel::Otel;
use gimmal_transport::testing::{RecordedRequest, Reply, ScriptedTransport};
use gimmal_transport::{CallOptions, Request, Transport};
use http::{HeaderName, HeaderValue, Method};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;

fn otel() -> Otel {
    let tracers = SdkTracerProvider::builder().build();
    Otel::new(&tracers, &SdkMeterProvider::builder().build())
}

/// What goes out, with two attempts.
async fn sent(otel: Option<Otel>, options: CallOptions) -> Vec<RecordedRequest> {
    let http = ScriptedTransport::new([Reply::status(503), Reply::json(200, "{}")]);
    let mut builder = Transport::builder().with_http(Arc::new(http.clone()));
    if let Some(otel) = otel {
        builder = builder.with_otel(otel);
    }
    let request = Request::new(Method::GET, "http://localhost/".parse().unwrap());
    let transport = builder.build().unwrap();
    transport.send(request, &options).await.unwrap();
    http.requests()
}

#[tokio::test(start_paused = true)]
async fn chk_otel_1_nothing_is_added_unless_asked_for() {
    let without = sent(None, CallOptions::default()).await;
    let with = sent(Some(otel()), CallOptions::default()).await;
    assert_eq!(without[0].headers(), with[0].headers());
}

#[tokio::test(start_paused = true)]
async fn chk_otel_1_the_header_names_trace_and_span() {
    let otel = otel().with_propagator(TraceContextPropagator::new());
    let requests = sent(Some(otel), CallOptions::default()).await;
    let header = requests[0].header("traceparent").unwrap();
    let parts: Vec<_> = header.split('-').collect();
    let lengths: Vec<_> = parts.iter().map(|part| part.len()).collect();
    assert_eq!(lengths, [2, 32, 16, 2], "{header}");
    assert_eq!(parts[0], "00");
    for part in &parts {
        assert!(
            part.bytes().all(|digit| digit.is_ascii_hexdigit()),
            "{header}"
        );
    }
    // Both attempts are part of the one span of the call.
    assert_eq!(requests[1].header("traceparent"), Some(header));
}

#[tokio::test(start_paused = true)]
async fn chk_otel_1_a_header_of_the_caller_stays() {
    let otel = otel().with_propagator(TraceContextPropagator::new());
    let name = HeaderName::from_static("traceparent");
    let options = CallOptions::default().with_header(name, HeaderValue::from_static("mine"));
    let requests = sent(Some(otel), options).await;
    assert_eq!(requests[0].header("traceparent"), Some("mine"));
    assert_eq!(requests[0].header("tracestate"), None);
}

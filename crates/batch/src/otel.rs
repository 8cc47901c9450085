//! A run as spans and metrics of OpenTelemetry. It hears of a run as every observer does: names of
//! items are told, prompts and outputs never.

use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use opentelemetry::global::{self, BoxedTracer, ObjectSafeTracerProvider};
use opentelemetry::metrics::{Counter, Histogram, MeterProvider};
use opentelemetry::trace::{Span as _, Status, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, InstrumentationScope, KeyValue};

use super::{AttemptTiming, Category, Event, Observer, Usage};

/// Makes a span of each item, with a span below it for each of its tries, and counts.
///
/// ```
/// use std::sync::Arc;
/// use gimmal_batch::{OtelObserver, Processor};
///
/// // After the program has installed its providers:
/// let processor = Processor::new().with_observer(Arc::new(OtelObserver::global()));
/// # let _ = processor;
/// ```
///
/// Spans are named `gimmal.batch.item` and `gimmal.batch.try`; those of the requests themselves are
/// made by the client (its feature `otel`). Metrics are `gimmal.batch.items` and `.tries` by result,
/// `gimmal.batch.tokens` by kind, `gimmal.batch.pauses`, and `gimmal.batch.item.duration` in seconds.
#[derive(Debug)]
pub struct OtelObserver {
    tracer: BoxedTracer,
    items: Counter<u64>,
    tries: Counter<u64>,
    tokens: Counter<u64>,
    pauses: Counter<u64>,
    duration: Histogram<f64>,
}

/// An item that has come to its end.
struct Ended<'a> {
    id: &'a str,
    place: u64,
    duration: Duration,
    usage: &'a Usage,
    attempts: &'a [AttemptTiming],
    category: Option<&'a Category>,
}

impl OtelObserver {
    /// Sends spans and metrics to these providers.
    pub fn new(tracers: &dyn ObjectSafeTracerProvider, meters: &dyn MeterProvider) -> Self {
        let scope = InstrumentationScope::builder(env!("CARGO_PKG_NAME"))
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        let meter = meters.meter_with_scope(scope.clone());
        let counter = |name, description| {
            let counter = meter.u64_counter(name);
            counter.with_description(description).build()
        };
        Self {
            tracer: BoxedTracer::new(tracers.boxed_tracer(scope)),
            items: counter("gimmal.batch.items", "Items with a result."),
            tries: counter("gimmal.batch.tries", "Tries of items."),
            tokens: counter(
                "gimmal.batch.tokens",
                "Tokens; cached ones are part of the prompts, thoughts of the output.",
            ),
            pauses: counter("gimmal.batch.pauses", "Pauses that the service asked for."),
            duration: meter
                .f64_histogram("gimmal.batch.item.duration")
                .with_unit("s")
                .with_description("From the start of the work on an item to its end.")
                .build(),
        }
    }

    /// Sends spans and metrics to the providers of the process, as they are now.
    pub fn global() -> Self {
        Self::new(&global::tracer_provider(), &*global::meter_provider())
    }

    fn ended(&self, item: &Ended<'_>) {
        let result = result_of(item.category);
        let labels = std::slice::from_ref(&result);
        self.items.add(1, labels);
        self.duration.record(item.duration.as_secs_f64(), labels);
        for timing in item.attempts {
            self.tries.add(1, &[result_of(timing.category.as_ref())]);
        }
        let usage = item.usage;
        for (kind, count) in [
            ("prompt", usage.prompt_tokens),
            ("cached", usage.cached_tokens),
            ("output", usage.output_tokens),
            ("thoughts", usage.thoughts_tokens),
        ] {
            self.tokens.add(count, &[KeyValue::new("kind", kind)]);
        }
        self.trace(item, result);
    }

    /// The spans of an item, made when it is over: only then is it known what it came to.
    fn trace(&self, item: &Ended<'_>, result: KeyValue) {
        let end = SystemTime::now();
        let begun = end.checked_sub(item.duration).unwrap_or(end);
        let mut attributes = vec![
            KeyValue::new("gimmal.batch.item.id", item.id.to_owned()),
            KeyValue::new("gimmal.batch.item.index", number(item.place)),
            result,
        ];
        attributes.extend(tokens_of(item.usage));
        let builder = self.tracer.span_builder("gimmal.batch.item");
        let mut span = builder
            .with_start_time(begun)
            .with_attributes(attributes)
            .start(&self.tracer);
        if let Some(category) = item.category {
            span.set_status(Status::error(category.to_string()));
        }
        let context = Context::new().with_span(span);
        let mut at = begun;
        for timing in item.attempts {
            let mut attributes = vec![
                KeyValue::new("gimmal.batch.attempt", i64::from(timing.attempt)),
                KeyValue::new("gimmal.batch.try", i64::from(timing.try_number)),
                seconds("gimmal.batch.cooldown_wait", timing.cooldown_wait),
                seconds("gimmal.batch.quota_wait", timing.quota_wait),
                seconds("gimmal.batch.admission_wait", timing.admission_wait),
                seconds("gimmal.batch.execution", timing.execution),
                result_of(timing.category.as_ref()),
            ];
            attributes.extend(timing.usage.iter().flat_map(tokens_of));
            let builder = self.tracer.span_builder("gimmal.batch.try");
            let mut span = builder
                .with_start_time(at)
                .with_attributes(attributes)
                .start_with_context(&self.tracer, &context);
            if let Some(category) = &timing.category {
                span.set_status(Status::error(category.to_string()));
            }
            at += timing.total;
            span.end_with_timestamp(at);
            at += timing.backoff;
        }
        context.span().end_with_timestamp(end);
    }
}

/// How something ended: `ok`, or the category of its failure.
fn result_of(category: Option<&Category>) -> KeyValue {
    let result = category.map_or_else(|| "ok".to_owned(), Category::to_string);
    KeyValue::new("result", result)
}

fn seconds(name: &'static str, duration: Duration) -> KeyValue {
    KeyValue::new(name, duration.as_secs_f64())
}

fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Tokens by the names that the conventions for GenAI have.
fn tokens_of(usage: &Usage) -> [KeyValue; 4] {
    [
        ("gen_ai.usage.input_tokens", usage.prompt_tokens),
        ("gen_ai.usage.cache_read.input_tokens", usage.cached_tokens),
        ("gen_ai.usage.output_tokens", usage.output_tokens),
        (
            "gen_ai.usage.reasoning.output_tokens",
            usage.thoughts_tokens,
        ),
    ]
    .map(|(name, count)| KeyValue::new(name, number(count)))
}

impl Observer for OtelObserver {
    fn on_event<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, ()> {
        match event {
            Event::ItemCompleted {
                item_id,
                submission_index,
                duration,
                usage,
                attempts,
                recovered: _,
            } => self.ended(&Ended {
                id: item_id,
                place: *submission_index,
                duration: *duration,
                usage,
                attempts,
                category: None,
            }),
            Event::ItemFailed {
                item_id,
                submission_index,
                duration,
                usage,
                attempts,
                category,
            } => self.ended(&Ended {
                id: item_id,
                place: *submission_index,
                duration: *duration,
                usage,
                attempts,
                category: Some(category),
            }),
            Event::ItemReplayed { .. } => {
                self.items.add(1, &[KeyValue::new("result", "replayed")]);
            }
            Event::CooldownStarted { .. } => self.pauses.add(1, &[]),
            _ => {}
        }
        Box::pin(async {})
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::stream;
    use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
    use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};

    use super::*;
    use crate::testing::ScriptedStrategy;
    use crate::{Failure, Processor, WorkItem};

    /// Covers: AC-MT-5
    #[tokio::test(start_paused = true)]
    async fn a_span_of_each_try_lies_below_that_of_its_item() {
        let spans = InMemorySpanExporter::default();
        let tracers = SdkTracerProvider::builder()
            .with_simple_exporter(spans.clone())
            .build();
        let metrics = InMemoryMetricExporter::default();
        let reader = PeriodicReader::builder(metrics.clone()).build();
        let meters = SdkMeterProvider::builder().with_reader(reader).build();
        let observer = OtelObserver::new(&tracers, &meters);

        let busy = Failure::new(Category::ServerError, "busy").with_usage(Usage::of(7, 0));
        let strategy = ScriptedStrategy::costing(Usage::of(100, 20)).with_schedule([Some(busy)]);
        let secret = "a prompt that nobody is told";
        let items = stream::iter([WorkItem::new("first", secret.to_owned())]);
        let processor = Processor::new().with_observer(Arc::new(observer));
        let run = processor.start(Arc::new(strategy), items).await.unwrap();
        run.finish().await.unwrap();

        let spans = spans.get_finished_spans().unwrap();
        let (tries, items): (Vec<_>, Vec<_>) = spans
            .iter()
            .partition(|span| span.name == "gimmal.batch.try");
        let [item] = items[..] else {
            panic!("one item: {items:?}");
        };
        let value = |span: &opentelemetry_sdk::trace::SpanData, name: &str| {
            let found = span.attributes.iter().find(|own| own.key.as_str() == name);
            found.map(|own| own.value.to_string())
        };
        assert_eq!(value(item, "gimmal.batch.item.id").unwrap(), "first");
        assert_eq!(value(item, "gen_ai.usage.input_tokens").unwrap(), "107");
        let results: Vec<_> = tries
            .iter()
            .map(|span| {
                assert_eq!(span.parent_span_id, item.span_context.span_id());
                assert!(span.start_time >= item.start_time);
                (
                    value(span, "result"),
                    value(span, "gen_ai.usage.input_tokens"),
                )
            })
            .collect();
        let owned = |text: &str| Some(text.to_owned());
        assert_eq!(
            results,
            [
                (owned("server_error"), owned("7")),
                (owned("ok"), owned("100"))
            ]
        );
        assert!(
            tries[1].start_time > tries[0].end_time,
            "a wait lies between"
        );
        assert!(!format!("{spans:?}").contains(secret));

        meters.force_flush().unwrap();
        let exported = format!("{:?}", metrics.get_finished_metrics().unwrap());
        for name in ["items", "tries", "tokens", "item.duration"] {
            assert!(exported.contains(&format!("gimmal.batch.{name}")), "{name}");
        }
    }
}

//! The instruments, with the units and buckets that the conventions ask for.

use opentelemetry::metrics::{Histogram, Meter};

/// Seconds, for single HTTP requests.
const HTTP_SECONDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];
/// Seconds, for calls of models: doubling from a hundredth.
const GEN_AI_SECONDS: [f64; 14] = [
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
/// Tokens: the powers of four.
const GEN_AI_TOKENS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

/// What is measured.
#[derive(Debug)]
pub(super) struct Instruments {
    /// Each attempt, in seconds.
    pub(super) http_request: Histogram<f64>,
    /// Each call of a model, waits included, in seconds.
    pub(super) operation: Histogram<f64>,
    /// From the start of a streamed call to its first bytes, in seconds.
    pub(super) first_chunk: Histogram<f64>,
    /// Tokens of each call, apart by input and output.
    pub(super) tokens: Histogram<u64>,
}

impl Instruments {
    pub(super) fn new(meter: &Meter) -> Self {
        let seconds = |name, description, bounds: [f64; 14]| {
            meter
                .f64_histogram(name)
                .with_unit("s")
                .with_description(description)
                .with_boundaries(bounds.to_vec())
                .build()
        };
        Self {
            http_request: seconds(
                "http.client.request.duration",
                "Duration of single HTTP requests, each attempt by itself.",
                HTTP_SECONDS,
            ),
            operation: seconds(
                "gen_ai.client.operation.duration",
                "Duration of calls of a model, retries and waits included.",
                GEN_AI_SECONDS,
            ),
            first_chunk: seconds(
                "gen_ai.client.operation.time_to_first_chunk",
                "Time from the start of a streamed call to the first bytes of its reply.",
                GEN_AI_SECONDS,
            ),
            tokens: meter
                .u64_histogram("gen_ai.client.token.usage")
                .with_unit("{token}")
                .with_description("Tokens used by a call, apart by input and output.")
                .with_boundaries(GEN_AI_TOKENS.to_vec())
                .build(),
        }
    }
}

//! Connections apart by purpose.

use std::num::NonZeroU32;
use std::time::Duration;

use gimmal_client::tinker::{ConfigLayer, ServiceClient};
use gimmal_client::types::tinker::{ModelInput, SamplingParams};
use gimmal_emulator::RouteMatcher;

use super::support::{Bench, KEY, MODEL};

/// Covers: CHK-APP-1
#[tokio::test]
async fn chk_app_1_a_burst_of_samples_holds_up_no_session() {
    const SAMPLES: usize = 200;
    let bench = Bench::with(|builder| builder.with_latency(Duration::from_millis(5))).await;
    let layer = ConfigLayer::default()
        .with_api_key(KEY)
        .with_base_url(bench.emulator.base_url())
        .with_pool_size(NonZeroU32::MIN);
    let service = ServiceClient::builder()
        .with_options(layer)
        .build()
        .unwrap();
    let open = || service.create_sampling_client().set_base_model(MODEL);
    let sampler = open().await.unwrap();
    let params = SamplingParams::new().set_max_tokens(1_u32);
    let sample = |_| {
        sampler
            .sample(ModelInput::from_ints([1]), 1, params.clone())
            .submit()
    };
    let samples: Vec<_> = (0..SAMPLES).map(sample).collect();
    tokio::task::yield_now().await;
    // It goes over the connections of sessions, as heartbeats do.
    open().await.unwrap();
    let handed_in = RouteMatcher::any().with_path_part("asample");
    let before = bench.emulator.journal().count(handed_in.clone());
    assert!(before < SAMPLES, "all samples went first");
    for sample in samples {
        sample.await.unwrap().await.unwrap();
    }
    assert_eq!(bench.emulator.journal().count(handed_in), SAMPLES);
}

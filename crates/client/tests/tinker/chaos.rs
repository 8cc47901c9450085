//! Training while one request in ten goes wrong. The server's record of what it carried out tells
//! whether each request was applied once and in its place.

use gimmal_client::tinker::ServiceClient;
use gimmal_client::types::tinker::{AdamParams, Datum, LossFnType, ModelInput};
use gimmal_emulator::{Emulator, Fault, FaultRule, RouteMatcher, ScriptedReply};
use http::StatusCode;
use serde_json::json;

use super::support::{HastyClock, KEY, MODEL};

fn status(status: u16) -> Fault {
    let body = json!({"detail": "on purpose"});
    Fault::reply(ScriptedReply::json(status, &body))
}

/// Every tenth request to `path` meets one of these faults, each in its turn.
fn one_in_ten(path: &str, faults: Vec<Fault>) -> Vec<FaultRule> {
    let round = 10 * faults.len() as u64;
    let rules = faults.into_iter().zip(0_u64..).map(|(fault, place)| {
        FaultRule::new(fault)
            .on(RouteMatcher::any().with_path_part(path))
            .every(round)
            .after(10 * place)
    });
    rules.collect()
}

/// What may befall any request: refused for now, carried out without an answer, or delivered twice.
fn faults() -> Vec<Fault> {
    let refused = [500, 502, 503, 504, 408, 429].map(status);
    let unanswered = [Fault::reset(), Fault::cut_stream(5), Fault::repeat()];
    refused.into_iter().chain(unanswered).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_steps_among_faults_are_each_applied_once_and_in_order() {
    const STEPS: u64 = 1_000;
    let mut rules = one_in_ten("forward_backward", faults());
    rules.extend(one_in_ten("optim_step", faults()));
    let broken_promise = status(410);
    let polls = faults().into_iter().chain([broken_promise]).collect();
    rules.extend(one_in_ten("retrieve_future", polls));
    let emulator = Emulator::builder()
        .with_api_key(KEY)
        .with_journal_capacity(20_000)
        .start()
        .await
        .unwrap();
    let clock = HastyClock::new();
    let service = ServiceClient::builder()
        .with_api_key(KEY)
        .with_base_url(emulator.base_url())
        .with_telemetry(false)
        .with_clock(clock.clone())
        .build()
        .unwrap();
    let made = service.create_lora_training_client(MODEL).set_rank(1);
    let client = made.await.unwrap();
    for rule in rules {
        emulator.chaos().add(rule);
    }

    let datum =
        Datum::new(ModelInput::from_ints([1, 2])).with_input("target_tokens", vec![2_i64, 3]);
    let mut lost = 0;
    for _ in 0..STEPS {
        let pass = client.forward_backward([datum.clone()], LossFnType::CrossEntropy);
        let (pass, step) = (pass.submit(), client.optim_step(AdamParams::new()).submit());
        let passed = pass.await.unwrap().await.map(drop);
        let stepped = step.await.unwrap().await.map(drop);
        for error in [passed, stepped].into_iter().filter_map(Result::err) {
            // The server forgot the result, not the work.
            assert_eq!(error.status(), Some(StatusCode::GONE), "{error}");
            lost += 1;
        }
    }

    let applied = emulator.tinker().applied();
    let seen: Vec<_> = applied
        .iter()
        .map(|request| (request.model_id.as_str(), request.seq_id, request.call))
        .collect();
    let model = client.model_id();
    let step = |n: u64| {
        [
            (model, 2 * n + 1, "forward_backward"),
            (model, 2 * n + 2, "optim_step"),
        ]
    };
    let made = [(model, 0, "create_model")];
    let expected: Vec<_> = made.into_iter().chain((0..STEPS).flat_map(step)).collect();
    assert_eq!(seen, expected);
    assert!(applied.iter().all(|request| !request.failed));

    let requests = ["forward_backward", "optim_step", "retrieve_future"]
        .map(|path| RouteMatcher::any().with_path_part(path))
        .map(|matcher| emulator.journal().requests(matcher))
        .concat();
    let strikes = emulator.chaos().strikes();
    let share = strikes as f64 / requests.len() as f64;
    assert!(
        (0.09..=0.1).contains(&share),
        "{strikes} of {}",
        requests.len()
    );
    let count = |status| requests.iter().filter(|r| r.status() == status).count();
    for status in [500, 502, 503, 504, 408, 410, 429] {
        assert!(count(Some(status)) > 0, "no {status}");
    }
    assert!(count(None) > 0, "no reset");
    assert_eq!(count(Some(410)), lost);
    assert!(clock.has_waited());
}

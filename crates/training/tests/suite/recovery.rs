//! Runs of fine-tuning that are broken off, and taken up again.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gimmal_client::tinker::ServiceClient;
use gimmal_client::tinker::recovery::RecoveryPolicy;
use gimmal_client::types::tinker::{Datum, ModelInput, SamplingParams};
use gimmal_emulator::Emulator;
use gimmal_training::{
    Decay, Error, LrSchedule, SavedRun, Sft, SftOptions, SftOutcome, byte_text, byte_tokens,
    parse_examples, read_metrics, supervised,
};
use tokio::sync::mpsc;

const MODEL: &str = "gimmal/tiny";
const STEPS: u64 = 24;
/// Breaks, at steps drawn once by dice; some fall before the first checkpoint, some on one.
const BREAKS: [u64; 10] = [1, 3, 4, 7, 11, 12, 16, 18, 21, 23];

async fn emulated() -> (Emulator, ServiceClient) {
    let emulator = Emulator::builder().start().await.unwrap();
    let service = ServiceClient::builder()
        .with_base_url(emulator.base_url())
        .with_api_key("tml-emulated")
        .build()
        .unwrap();
    (emulator, service)
}

fn data() -> Vec<Datum> {
    let sums = (0..7).map(|left| {
        let (prompt, sum) = (format!("{left}+2="), (left + 2).to_string());
        supervised(&byte_tokens(&prompt, false), &byte_tokens(&sum, true)).unwrap()
    });
    sums.collect()
}

fn options(folder: &Path) -> SftOptions {
    let schedule = LrSchedule::new(0.001, STEPS)
        .unwrap()
        .with_decay(Decay::Linear);
    SftOptions::new(MODEL, schedule)
        .with_batch_size(3)
        .with_rank(8)
        .with_seed(11)
        .with_checkpoint_every(4)
        .with_folder(folder)
}

async fn whole(service: &ServiceClient, folder: &Path) -> Result<SftOutcome, Error> {
    Sft::new(service.clone(), data(), options(folder))
        .run()
        .await
}

/// Runs, and drops everything when `steps` were taken, as the end of a process does.
async fn broken_off(service: &ServiceClient, folder: &Path, steps: u64) {
    let (tell, mut told) = mpsc::unbounded_channel();
    let run = Sft::new(service.clone(), data(), options(folder)).on_step(move |step| {
        tell.send(step.step + 1).unwrap();
    });
    let broken = async {
        while let Some(done) = told.recv().await {
            if done == steps {
                return;
            }
        }
    };
    tokio::select! {
        ended = run.run() => panic!("it ended first: {ended:?}"),
        () = broken => {}
    }
}

#[tokio::test]
async fn runs_that_are_broken_off_anywhere_end_with_the_same_loss() {
    let (emulator, service) = emulated().await;
    let folder = tempfile::tempdir().unwrap();
    let undisturbed = whole(&service, &folder.path().join("undisturbed"))
        .await
        .unwrap();
    let expected = read_metrics(folder.path().join("undisturbed/metrics.jsonl")).unwrap();
    assert_eq!(expected.len() as u64, STEPS);
    for steps in BREAKS {
        let own = folder.path().join(steps.to_string());
        broken_off(&service, &own, steps).await;
        let resumed = whole(&service, &own).await.unwrap();
        assert_eq!(resumed.steps, STEPS);
        let (resumed, expected_loss) = (resumed.last_loss.unwrap(), undisturbed.last_loss.unwrap());
        assert!(
            (resumed - expected_loss).abs() <= 1e-6,
            "after {steps}: {resumed} {expected_loss}"
        );
        let metrics = read_metrics(own.join("metrics.jsonl")).unwrap();
        let steps_of = |all: &[gimmal_training::StepMetrics]| {
            all.iter().map(|one| one.step).collect::<Vec<_>>()
        };
        assert_eq!(steps_of(&metrics), steps_of(&expected), "after {steps}");
        for (own, other) in metrics.iter().zip(&expected) {
            let (own, other) = (own.metrics["loss:mean"], other.metrics["loss:mean"]);
            assert!((own - other).abs() <= 1e-6, "after {steps}: {own} {other}");
        }
    }
    emulator.shutdown().await;
}

/// Covers: CHK-REC-1
#[tokio::test]
async fn a_run_that_the_service_loses_goes_on_from_its_last_checkpoint() {
    let (emulator, service) = emulated().await;
    let folder = tempfile::tempdir().unwrap();
    let undisturbed = whole(&service, &folder.path().join("undisturbed")).await;
    let own = folder.path().join("lost");
    let lost = own.clone();
    let control = emulator.tinker();
    let mut losses = vec![18, 6];
    let policy = RecoveryPolicy::enabled().with_poll_interval(Duration::from_millis(5));
    let run = Sft::new(service.clone(), data(), options(&own))
        .with_recovery(policy)
        .on_step(move |step| {
            if losses.last() == Some(&step.step) {
                losses.pop();
                let saved = SavedRun::load(&lost).unwrap().unwrap();
                let path = &saved.checkpoints.last().unwrap().path;
                let run = path.trim_start_matches("tinker://").split('/').next();
                assert!(control.corrupt_run(run.unwrap()));
            }
        });
    let recovered = run.run().await.unwrap();
    let ends = [undisturbed.unwrap(), recovered].map(|run| run.last_loss.unwrap());
    assert!((ends[0] - ends[1]).abs() <= 1e-6, "{ends:?}");
    let [expected, own] = [folder.path().join("undisturbed"), own]
        .map(|folder| read_metrics(folder.join("metrics.jsonl")).unwrap());
    assert_eq!(own.len(), expected.len());
    for (own, other) in own.iter().zip(&expected) {
        let (own, other) = (own.metrics["loss:mean"], other.metrics["loss:mean"]);
        assert!((own - other).abs() <= 1e-6, "{own} {other}");
    }
    emulator.shutdown().await;
}

#[tokio::test]
async fn what_was_taught_is_answered_and_metrics_tell_of_it() {
    let (emulator, service) = emulated().await;
    let examples = parse_examples(
        "{\"prompt\": \"Ulm:\", \"completion\": \" Danube\"}\n{\"prompt\": \"Bonn:\", \"completion\": \" Rhine\"}",
        "examples",
    );
    let data: Vec<Datum> = examples
        .unwrap()
        .iter()
        .map(|one| {
            supervised(
                &byte_tokens(&one.prompt, false),
                &byte_tokens(&one.completion, true),
            )
            .unwrap()
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let options = SftOptions::new(MODEL, LrSchedule::new(0.001, 60).unwrap())
        .with_batch_size(2)
        .with_evaluate_every(30)
        .with_folder(folder.path());
    let run = Sft::new(service.clone(), data.clone(), options).with_evaluation(data);
    let outcome = run.run().await.unwrap();
    let metrics = read_metrics(folder.path().join("metrics.jsonl")).unwrap();
    let (first, last) = (metrics[0].metrics["loss:mean"], outcome.last_loss.unwrap());
    assert!(last < 0.2 * first, "{first} fell to {last} only");
    let evaluated = metrics
        .iter()
        .filter(|one| one.metrics.contains_key("eval/loss:mean"));
    assert_eq!(evaluated.map(|one| one.step).collect::<Vec<_>>(), [29, 59]);
    let sampling = service
        .create_sampling_client()
        .set_model_path(outcome.sampler.unwrap());
    let prompt = ModelInput::from_ints(byte_tokens("Ulm:", false));
    let params = SamplingParams::new()
        .set_max_tokens(12_u32)
        .set_temperature(0.0);
    let reply = sampling
        .await
        .unwrap()
        .sample(prompt, 1, params)
        .await
        .unwrap();
    assert_eq!(byte_text(&reply.sequences[0].tokens), " Danube");
    emulator.shutdown().await;
}

#[tokio::test]
async fn a_run_stops_when_asked_and_goes_on_with_the_same_options_only() {
    let (emulator, service) = emulated().await;
    let folder = tempfile::tempdir().unwrap();
    let taken = Arc::new(AtomicU64::new(0));
    let (count, asked) = (Arc::clone(&taken), Arc::clone(&taken));
    let run = Sft::new(service.clone(), data(), options(folder.path()))
        .on_step(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
        })
        .with_stop(move || asked.load(Ordering::SeqCst) == 5);
    let stopped = run.run().await.unwrap();
    assert_eq!((stopped.steps, stopped.sampler), (5, None));
    let saved = SavedRun::load(folder.path()).unwrap().unwrap();
    let steps: Vec<u64> = saved.checkpoints.iter().map(|one| one.step).collect();
    assert_eq!(steps, [4, 5]);

    let other = options(folder.path()).with_batch_size(2);
    let error = Sft::new(service.clone(), data(), other)
        .run()
        .await
        .unwrap_err();
    assert_eq!(error.field(), Some("batch_size"), "{error}");
    assert_eq!(
        error.to_string(),
        "batch_size is 2 and was 3; go on with the same, or start anew"
    );
    let mut changed = data();
    changed.swap(0, 1);
    let schedule = LrSchedule::new(0.001, STEPS).unwrap();
    let cosine = SftOptions::new(
        MODEL,
        schedule.with_decay(Decay::Cosine).with_warmup_steps(2),
    );
    let cosine = cosine.with_batch_size(3).with_rank(8).with_seed(11);
    let attempts = [
        (
            Sft::new(service.clone(), changed, options(folder.path())),
            "data_digest is another: the examples were changed",
        ),
        (
            Sft::new(service.clone(), data(), cosine.with_folder(folder.path())),
            "decay is \"cosine\" and was \"linear\", and warmup_steps is 2 and was 0",
        ),
    ];
    for (attempt, differs) in attempts {
        let error = attempt.run().await.unwrap_err().to_string();
        assert_eq!(
            error,
            format!("{differs}; go on with the same, or start anew")
        );
    }
    let done = whole(&service, folder.path()).await.unwrap();
    assert_eq!(done.steps, STEPS);
    // A run that is done is done.
    let again = whole(&service, folder.path()).await.unwrap();
    assert_eq!((again.steps, again.last_loss), (STEPS, None));
    assert_eq!(again.sampler, done.sampler);

    std::fs::write(folder.path().join("run.json"), "{").unwrap();
    let error = whole(&service, folder.path()).await.unwrap_err();
    assert!(
        error.to_string().starts_with("cannot understand"),
        "{error}"
    );
    let empty = Sft::new(service, Vec::new(), options(folder.path()))
        .run()
        .await;
    assert_eq!(empty.unwrap_err().field(), Some("data"));
    emulator.shutdown().await;
}

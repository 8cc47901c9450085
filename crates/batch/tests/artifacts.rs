//! Stores that `async-batch-llm` reads and writes as well. The fixtures were written by its version
//! 0.28.0: two outputs and a failure.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use gimmal_batch::artifacts::{
    ArtifactError, ArtifactIdentity, JsonlArtifactStore, SqliteArtifactStore, SqliteDurability,
};
use gimmal_batch::journal::{Fsync, Policy, ResultStore};
use gimmal_batch::testing::ScriptedStrategy;
use gimmal_batch::{Category, Failure, Hooks, Outcome, Processor, Usage, WorkItem, WorkItemResult};
use serde_json::{Value, json};

type Store = Arc<dyn ResultStore<String, String, Value>>;
/// How the name of a store ends, and how it is opened.
type Kind = (
    &'static str,
    fn(&Path, Policy) -> Result<Store, ArtifactError>,
);
type Results = Vec<WorkItemResult<String, Value>>;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn identity() -> ArtifactIdentity {
    ArtifactIdentity::new("fixture", "fixture-model").with_prompt_version("1")
}

fn jsonl(path: &Path, policy: Policy) -> Result<Store, ArtifactError> {
    let store = JsonlArtifactStore::open(path, identity(), policy, Fsync::Never)?;
    Ok(Arc::new(store))
}

fn sqlite(path: &Path, policy: Policy) -> Result<Store, ArtifactError> {
    let store = SqliteArtifactStore::open(path, identity(), policy, SqliteDurability::Full)?;
    Ok(Arc::new(store))
}

/// Every kind of store, by the end of its name.
fn kinds() -> [Kind; 2] {
    [("jsonl", jsonl), ("sqlite", sqlite)]
}

fn items() -> Vec<WorkItem<String, Value>> {
    [
        ("ok1", "alpha", Value::Null),
        ("ok2", "bëta", json!({"k": 1})),
        ("bad", "gamma", json!({"k": 1})),
    ]
    .map(|(id, prompt, context)| WorkItem::new(id, prompt.to_owned()).with_context(context))
    .into()
}

/// Answers with `new:` and the prompt, but for gamma.
fn strategy() -> ScriptedStrategy {
    ScriptedStrategy::new(|input, _, _| match input {
        "gamma" => {
            let failure = Failure::new(Category::ClientError, "bad input api_key=sk-1");
            Err(failure.with_attempts(1))
        }
        _ => Ok(Outcome::new(format!("new:{input}"), Usage::of(10, 5), 1)),
    })
}

async fn run(store: Store, items: Vec<WorkItem<String, Value>>) -> (Results, u64) {
    let strategy = strategy();
    let hooks = Hooks::new().with_store(store);
    let run = Processor::new().start_with(Arc::new(strategy.clone()), stream::iter(items), hooks);
    let mut run = run.await.unwrap();
    let mut results = Vec::new();
    while let Some(result) = run.next().await {
        results.push(result);
    }
    run.finish().await.unwrap();
    (results, strategy.calls())
}

/// Outputs, and messages of failures.
fn outputs(results: &Results) -> Vec<&str> {
    let text = results.iter().map(|result| match &result.outcome {
        Ok(outcome) => outcome.output.as_str(),
        Err(failure) => failure.message.as_str(),
    });
    text.collect()
}

/// Covers: AC-AR-1
/// Covers: ArtifactStore.lookup
/// Covers: JsonlArtifactStore.lookup
/// Covers: SqliteArtifactStore.lookup
#[tokio::test]
async fn what_the_other_package_has_done_is_not_done_again() {
    let folder = tempfile::tempdir().unwrap();
    for (end, open) in kinds() {
        let path = folder.path().join(format!("store.{end}"));
        std::fs::copy(fixture(&format!("async-batch-llm-0.28.{end}")), &path).unwrap();
        let (results, calls) = run(open(&path, Policy::ReuseSuccesses).unwrap(), items()).await;
        assert_eq!(
            outputs(&results),
            ["out:alpha", "out:bëta", "bad input api_key=sk-1"]
        );
        assert_eq!((calls, results[0].usage().cached_tokens), (1, 4), "{end}");
        // Now all three are there, the failure twice; the newest stands.
        let (results, calls) = run(open(&path, Policy::ReuseAll).unwrap(), items()).await;
        assert_eq!(calls, 0, "{end}");
        assert_eq!(outputs(&results)[2], "bad input api_key=[REDACTED]");
        assert_eq!(results[2].category(), Some(&Category::ClientError));
        let (_, calls) = run(open(&path, Policy::Nothing).unwrap(), items()).await;
        assert_eq!(calls, 3, "{end}");
    }
}

/// Covers: ArtifactStore.iter_results
/// Covers: JsonlArtifactStore.read_results
#[test]
fn results_are_read_without_a_run() {
    let path = fixture("async-batch-llm-0.28.jsonl");
    let results = JsonlArtifactStore::results::<String>(&path).unwrap();
    let ids: Vec<_> = results.iter().map(|result| result.id.as_str()).collect();
    assert_eq!(ids, ["ok1", "ok2", "bad"]);
    assert_eq!(results[2].category(), Some(&Category::LogicError));
    assert_eq!(results[1].outcome.as_ref().unwrap().output, "out:bëta");
    assert!(results[0].latency > std::time::Duration::ZERO);
    assert_eq!(results[0].attempts.len(), 1);
    let path = fixture("async-batch-llm-0.28.sqlite");
    let same = SqliteArtifactStore::results::<String>(&path).unwrap();
    let kept = |results: &[WorkItemResult<String, Value>]| -> Vec<_> {
        let kept = results.iter().map(|it| (it.id.clone(), it.usage()));
        kept.collect()
    };
    assert_eq!(kept(&same), kept(&results));
}

/// Covers: AC-SO-4
#[test]
fn what_the_provider_said_is_kept_beside_the_results() {
    let jsonl = JsonlArtifactStore::metadata(fixture("async-batch-llm-0.28.jsonl")).unwrap();
    let names: Vec<_> = jsonl.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(names, ["ok1", "ok2", "bad"]);
    assert_eq!(jsonl[0].1.finish_reason(), Some("STOP"));
    assert_eq!(jsonl[2].1.as_json(), &Value::Null, "it failed");
    assert_eq!(jsonl[2].1.reasoning(), None);
    let sqlite = SqliteArtifactStore::metadata(fixture("async-batch-llm-0.28.sqlite")).unwrap();
    assert_eq!(sqlite, jsonl);
}

/// Covers: AC-AR-4
/// Covers: AC-AR-8
/// Covers: ArtifactStore.prepare_item
/// Covers: ArtifactStore.append
/// Covers: ArtifactStore.close
/// Covers: JsonlArtifactStore.prepare_item
/// Covers: JsonlArtifactStore.append
/// Covers: JsonlArtifactStore.close
/// Covers: SqliteArtifactStore.prepare_item
/// Covers: SqliteArtifactStore.append
/// Covers: SqliteArtifactStore.close
#[tokio::test]
async fn another_prompt_name_context_or_identity_is_asked_anew() {
    let folder = tempfile::tempdir().unwrap();
    for (end, open) in kinds() {
        let path = folder.path().join(format!("store.{end}"));
        let reuse = || open(&path, Policy::ReuseSuccesses).unwrap();
        let secret =
            || vec![WorkItem::new("a", "a secret prompt".to_owned()).with_context(json!("s"))];
        assert_eq!(run(reuse(), secret()).await.1, 1);
        assert_eq!(run(reuse(), secret()).await.1, 0);
        let mut other = secret();
        other[0].id = "b".to_owned();
        assert_eq!(run(reuse(), other).await.1, 1);
        let mut other = secret();
        other[0].input.push('!');
        assert_eq!(run(reuse(), other).await.1, 1);
        let mut other = secret();
        other[0].context = json!("t");
        assert_eq!(run(reuse(), other).await.1, 1);
        // Neither prompt nor context is in the file; the output is.
        let bytes = std::fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("\"a secret prompt"), "{end}");
        assert!(text.contains("new:a secret prompt"), "{end}");
    }
    let path = folder.path().join("store.jsonl");
    let other = identity().with_extra("temperature", 0.5);
    let store = JsonlArtifactStore::open(&path, other, Policy::ReuseAll, Fsync::Always).unwrap();
    let again = vec![WorkItem::new("a", "a secret prompt".to_owned()).with_context(json!("s"))];
    assert_eq!(run(Arc::new(store), again).await.1, 1);
}

#[tokio::test]
async fn a_torn_line_is_dropped_and_a_foreign_file_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.jsonl");
    let reuse = |path: &Path| jsonl(path, Policy::ReuseSuccesses);
    run(reuse(&path).unwrap(), items()).await;
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 100]).unwrap();
    let (_, calls) = run(reuse(&path).unwrap(), items()).await;
    assert_eq!(calls, 1, "the failure was cut off");
    // The manifest alone may be torn as well.
    std::fs::write(&path, &whole[..60]).unwrap();
    assert_eq!(run(reuse(&path).unwrap(), items()).await.1, 3);

    let refused = |text: &[u8]| {
        std::fs::write(&path, text).unwrap();
        let error = reuse(&path).err().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), text, "nothing was changed");
        error
    };
    assert!(matches!(refused(b"my notes"), ArtifactError::NotAStore));
    assert!(matches!(refused(b"{\"a\": 1}\n"), ArtifactError::NotAStore));
    let mut damaged = whole.clone();
    let second = damaged.iter().position(|byte| *byte == b'\n').unwrap() + 10;
    damaged[second] = b'\n';
    assert!(matches!(refused(&damaged), ArtifactError::Damaged(2)));
    let later = String::from_utf8(whole).unwrap();
    let later = later.replace("_schema_version\":1", "_schema_version\":2");
    assert!(matches!(
        refused(later.as_bytes()),
        ArtifactError::Version(_)
    ));
    let path = folder.path().join("notes.sqlite");
    std::fs::write(&path, [b'x'; 5_000]).unwrap();
    let error = sqlite(&path, Policy::ReuseAll).err().unwrap();
    assert!(matches!(error, ArtifactError::NotAStore), "{error}");
}

/// Covers: AC-AR-6
#[tokio::test]
async fn a_reader_beside_a_writer_sees_what_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let writer = sqlite(&path, Policy::Nothing).unwrap();
    let many = (0..200).map(|i| WorkItem::new(format!("q{i}"), format!("p{i}")));
    let many: Vec<_> = many.map(|item| item.with_context(Value::Null)).collect();
    let (_, calls) = run(writer, many.clone()).await;
    let reader = sqlite(&path, Policy::ReuseSuccesses).unwrap();
    let other = sqlite(&path, Policy::ReuseSuccesses).unwrap();
    let both = tokio::join!(run(reader, many.clone()), run(other, many));
    assert_eq!((calls, both.0.1, both.1.1), (200, 0, 0));
}

/// Lets the other package read what was written here.
#[tokio::test]
#[ignore = "needs a Python with async-batch-llm 0.28, named by GIMMAL_TEST_PYTHON"]
async fn the_other_package_takes_what_was_done_here() {
    let python = std::env::var("GIMMAL_TEST_PYTHON").unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop.py");
    let folder = tempfile::tempdir().unwrap();
    for (end, open) in kinds() {
        let path = folder.path().join(format!("store.{end}"));
        run(open(&path, Policy::ReuseAll).unwrap(), items()).await;
        let output = Command::new(&python)
            .arg(&script)
            .arg(&path)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            told,
            "ok1 True 15 new:alpha\nok2 True 15 new:bëta\n\
             bad True 0 client_error: bad input api_key=[REDACTED]\n",
            "{end}: {errors}"
        );
    }
}

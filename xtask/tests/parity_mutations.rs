//! Whether `cargo xtask parity --check` notices: each test breaks one thing in a copy of the
//! sources and expects the row of that thing to turn, and the check to fail.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use serde_json::Value;

/// A row that no test breaks.
const UNTOUCHED: &str = "google-genai field types.CachedContent.expire_time";

/// A copy of everything parity reads, in a repository of its own.
struct Copy {
    folder: tempfile::TempDir,
}

/// The copy all others are made from, with the status of every row.
fn base() -> &'static (Copy, BTreeMap<String, String>) {
    static BASE: OnceLock<(Copy, BTreeMap<String, String>)> = OnceLock::new();
    BASE.get_or_init(|| {
        let copy = Copy {
            folder: tempfile::tempdir().unwrap(),
        };
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for part in ["crates", "xtask/reference", "docs/src", "conformance"] {
            copy_all(&root.join(part), &copy.path(part));
        }
        let git = Command::new("git")
            .args(["init", "--quiet"])
            .current_dir(copy.folder.path())
            .status();
        assert!(git.unwrap().success());
        // The copy begins with every test passed, whatever the recorded run says of it; tests that
        // have changed since are left to the check of the repository itself.
        copy.forget_changed();
        copy.record(&[]);
        // And with floors of its own, at what these reach.
        fs::remove_file(copy.path("xtask/reference/floors.json")).unwrap();
        let written = copy.parity(&["--raise-floor"]);
        assert!(written.status.success(), "{}", text(&written));
        let (check, statuses) = copy.check_and_statuses();
        assert!(check.status.success(), "{}", text(&check));
        (copy, statuses)
    })
}

impl Copy {
    /// A copy with a report that is up to date and floors at what has been reached.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy_all(base().0.folder.path(), folder.path());
        Self { folder }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    fn parity(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_xtask"))
            .arg("parity")
            .arg("--root")
            .arg(self.folder.path())
            .args(args)
            .output()
            .unwrap()
    }

    fn check(&self) -> Output {
        self.parity(&["--check"])
    }

    fn forget_changed(&self) {
        let told = text(&self.check());
        let path = self.path("xtask/reference/evidence.json");
        let mut ledger: BTreeMap<String, String> =
            serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        ledger.retain(|key, _| !told.contains(&format!("the test `{key}` ")));
        fs::write(path, serde_json::to_string_pretty(&ledger).unwrap()).unwrap();
    }

    /// Marks every recorded test as passed, except the given ones.
    fn record(&self, failed: &[&str]) {
        let path = self.path("xtask/reference/evidence.json");
        let ledger: BTreeMap<String, String> =
            serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        for name in failed {
            assert!(ledger.contains_key(*name), "{name} is not recorded");
        }
        let ledger: BTreeMap<&String, String> = ledger
            .iter()
            .map(|(key, value)| {
                let word = if failed.contains(&key.as_str()) {
                    "failed"
                } else {
                    "ok"
                };
                let digest = value.split(' ').nth(1).unwrap();
                (key, format!("{word} {digest}"))
            })
            .collect();
        fs::write(path, serde_json::to_string_pretty(&ledger).unwrap()).unwrap();
    }

    fn replace(&self, file: &str, old: &str, new: &str) {
        let path = self.path(file);
        let source = fs::read_to_string(&path).unwrap();
        assert!(source.contains(old), "`{old}` is not in {file}");
        fs::write(path, source.replacen(old, new, 1)).unwrap();
    }

    /// The outcome of the check, and the status of every row by its key.
    fn check_and_statuses(&self) -> (Output, BTreeMap<String, String>) {
        let path = self.path("report.json");
        let check = self.parity(&[
            "--check",
            "--format",
            "json",
            "--output",
            path.to_str().unwrap(),
        ]);
        assert!(path.is_file(), "{}", text(&check));
        let report: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        fs::remove_file(path).unwrap();
        let rows = report["rows"].as_array().unwrap();
        let statuses = rows
            .iter()
            .map(|row| {
                let word = |name: &str| row[name].as_str().unwrap().to_owned();
                (word("key"), word("status"))
            })
            .collect();
        (check, statuses)
    }
}

/// A change of one file that turns one row.
struct Mutation {
    row: &'static str,
    /// The status of the row then.
    after: &'static str,
    /// What the check says of it.
    says: &'static str,
    file: String,
    old: &'static str,
    new: &'static str,
}

/// Breaks several things that have nothing to do with each other, one run being slow, and expects
/// each of the complete rows to turn and the check to fail and say why. Gives the statuses and
/// what it said.
fn expect(mutations: &[Mutation], more: impl FnOnce(&Copy)) -> (BTreeMap<String, String>, String) {
    let copy = Copy::new();
    for Mutation {
        row,
        file,
        old,
        new,
        ..
    } in mutations
    {
        assert_eq!(base().1[*row], "Complete", "{row} before");
        copy.replace(file, old, new);
    }
    more(&copy);
    let (check, statuses) = copy.check_and_statuses();
    assert!(!check.status.success());
    let told = text(&check);
    assert!(told.contains("GAP_ANALYSIS.md"), "{told}");
    for Mutation {
        row, after, says, ..
    } in mutations
    {
        assert_eq!(statuses[*row], *after, "{row} after");
        assert!(told.contains(says), "{says}: {told}");
    }
    // What nothing was done to stays as it was.
    assert_eq!(statuses[UNTOUCHED], "Complete");
    (statuses, told)
}

fn copy_all(from: &Path, to: &Path) {
    if !from.is_dir() {
        return;
    }
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_all(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

const CACHE: &str = "crates/types/src/gemini/cached_content.rs";
const CLIENT: &str = "crates/client/src/gemini";
const ANALYSIS: &str = "crates/client/src/gemini/planner/analysis.rs";

#[test]
fn rows_turn_when_the_surface_changes() {
    let mutations = [
        Mutation {
            // A removed field.
            row: "google-genai field types.CachedContent.display_name",
            after: "Missing",
            says: "google-genai: Fields: ",
            file: CACHE.to_owned(),
            old: "/// A name for people, at most 128 characters.\n        pub display_name: Option<String>,\n",
            new: "",
        },
        Mutation {
            // Another name in JSON.
            row: "google-genai field types.CachedContent.update_time",
            after: "Missing",
            says: "google-genai: Fields: ",
            file: CACHE.to_owned(),
            old: "pub update_time: Option<Timestamp>,",
            new: "pub update_time: Option<Timestamp> = \"changed\",",
        },
        Mutation {
            // Another shape.
            row: "google-genai field types.CachedContent.model",
            after: "Partial",
            says: "google-genai: Fields: ",
            file: CACHE.to_owned(),
            old: "pub model: Option<String>,",
            new: "pub model: Vec<String>,",
        },
        Mutation {
            // Another value.
            row: "google-genai value types.FinishReason.MAX_TOKENS",
            after: "Missing",
            says: "google-genai: Enum values: ",
            file: "crates/types/src/gemini/candidate.rs".to_owned(),
            old: "\"MAX_TOKENS\"",
            new: "\"MAX_TOKEN\"",
        },
        Mutation {
            // A dropped route.
            row: "google-genai call caches.update",
            after: "Missing",
            says: "google-genai: Endpoints: ",
            file: "crates/api/src/gemini/caches.rs".to_owned(),
            old: "/// Route: PATCH {name}\n",
            new: "",
        },
        Mutation {
            // A method that users do not see any more.
            row: "google-genai method caches.Caches.update",
            after: "Missing",
            says: "google-genai: Methods: ",
            file: format!("{CLIENT}/caches/calls.rs"),
            old: "pub fn update(",
            new: "fn update(",
        },
        Mutation {
            // A lost parameter.
            row: "google-genai method models.Models.count_tokens",
            after: "Partial",
            says: "google-genai: Methods: ",
            file: format!("{CLIENT}/models.rs"),
            old: "pub fn count_tokens(&self, model:",
            new: "pub fn count_tokens(&self, what:",
        },
    ];
    expect(&mutations, |_| ());
}

#[test]
fn rows_turn_when_their_evidence_goes() {
    let failed = format!("{ANALYSIS}::tests::a1_ten_reads_pay");
    let mutations = [
        Mutation {
            // A changed test speaks for nothing.
            row: "check planner A2",
            after: "Partial",
            says: "a2_five_reads_just_pay` has changed since it ran",
            file: ANALYSIS.to_owned(),
            old: "fn a2_five_reads_just_pay() {",
            new: "fn a2_five_reads_just_pay() { let _ = 1;",
        },
        Mutation {
            // Nor does one that is gone.
            row: "check planner A3",
            after: "Missing",
            says: "a3_four_reads_do_not` is gone",
            file: ANALYSIS.to_owned(),
            old: "fn a3_four_reads_do_not() {",
            new: "fn four_reads_do_not() {",
        },
    ];
    let others = [
        ("check planner A1", "Partial", "failed when it ran"),
        (
            "google-genai call caches.get",
            "Partial",
            "google-genai: Endpoints: ",
        ),
    ];
    let (statuses, told) = expect(&mutations, |copy| {
        for (row, ..) in others {
            assert_eq!(base().1[row], "Complete", "{row} before");
        }
        copy.record(&[&failed]);
        let results = r#"{"suites": [{"name": "s", "method": "caches.get", "backend": "mldev",
            "total": 3, "equal": 2, "different": 1, "unimplemented": 0}]}"#;
        fs::write(copy.path("conformance/results.json"), results).unwrap();
    });
    for (row, after, says) in others {
        assert_eq!(statuses[row], after, "{row} after");
        assert!(told.contains(says), "{says}: {told}");
    }
}

#[test]
fn a_run_that_disagrees_fails_the_check() {
    let copy = Copy::new();
    let log = copy.path("tests.log");
    fs::write(
        &log,
        "Running unittests src/lib.rs (target/debug/deps/gimmal_client-0)\n\
         test gemini::planner::analysis::tests::a1_ten_reads_pay ... FAILED\n",
    )
    .unwrap();
    let check = copy.parity(&["--check", "--log", log.to_str().unwrap()]);
    assert!(!check.status.success());
    let told = text(&check);
    assert!(told.contains("a1_ten_reads_pay` is recorded as passed but failed in this run"));
    assert!(told.contains("is recorded as passed but did not run"));
}

#[test]
fn entries_of_the_review_must_apply() {
    let copy = Copy::new();
    let entries = [
        (
            "[[entry]]\nrow = \"google-genai type types.Nothing\"\nverdict = \"out-of-scope\"\nreason = \"x\"\n",
            "names no row",
        ),
        (
            "[[entry]]\nrow = \"google-genai type types.CachedContent\"\nverdict = \"out-of-scope\"\nreason = \"x\"\n",
            "is out of scope no more",
        ),
        (
            "[[entry]]\nrow = \"tinker type types.Datum\"\nverdict = \"renamed\"\nto = \"NoSuchThing\"\nreason = \"x\"\n",
            "names nothing of ours",
        ),
        (
            "[[entry]]\nrow = \"google-genai type types.Blob\"\nverdict = \"renamed\"\nto = \"Blob\"\nreason = \"x\"\n",
            "is not needed",
        ),
    ];
    let path = copy.path("xtask/reference/review.toml");
    let mut review = fs::read_to_string(&path).unwrap();
    for (entry, _) in entries {
        review.push('\n');
        review.push_str(entry);
    }
    fs::write(&path, review).unwrap();
    let check = copy.check();
    assert!(!check.status.success());
    let told = text(&check);
    for (entry, why) in entries {
        let row = entry.split('"').nth(1).unwrap();
        let is_told = |line: &str| line.contains(row) && line.contains(why);
        assert!(told.lines().any(is_told), "{row} {why}: {told}");
    }
}

#[test]
fn the_page_stands_alone() {
    let copy = Copy::new();
    let page = copy.path("page.html");
    let output = copy.parity(&["--format", "html", "--output", page.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output));
    let html = fs::read_to_string(page).unwrap();
    assert!(html.contains("types.CachedContent.display_name"));
    assert!(!html.contains("http://") && !html.contains("https://") && !html.contains("{{"));
}

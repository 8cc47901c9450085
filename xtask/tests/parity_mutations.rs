//! Whether `cargo xtask parity --check` notices: each test breaks one thing in a copy of the
//! sources and expects the row of that thing to turn, and the check to fail.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use serde_json::Value;

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

    /// Breaks something and expects a complete row to turn and the check to fail, saying so.
    fn expect(row: &str, after: &str, says: &str, mutate: impl FnOnce(&Self)) {
        assert_eq!(base().1[row], "Complete", "{row} before");
        let copy = Self::new();
        mutate(&copy);
        let (check, statuses) = copy.check_and_statuses();
        assert_eq!(statuses[row], after, "{row} after");
        assert!(!check.status.success());
        let told = text(&check);
        assert!(
            told.contains("GAP_ANALYSIS.md") && told.contains(says),
            "{told}"
        );
    }
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
const DISPLAY_NAME: &str = "google-genai field types.CachedContent.display_name";

#[test]
fn a_removed_field_is_missing() {
    let field = "/// A name for people, at most 128 characters.\n        pub display_name: Option<String>,\n";
    Copy::expect(DISPLAY_NAME, "Missing", "below the recorded", |copy| {
        copy.replace(CACHE, field, "");
    });
}

#[test]
fn a_renamed_json_name_is_missing() {
    Copy::expect(DISPLAY_NAME, "Missing", "below the recorded", |copy| {
        let field = "pub display_name: Option<String>,";
        copy.replace(
            CACHE,
            field,
            "pub display_name: Option<String> = \"title\",",
        );
    });
}

#[test]
fn another_shape_is_partial() {
    Copy::expect(DISPLAY_NAME, "Partial", "below the recorded", |copy| {
        let field = "pub display_name: Option<String>,";
        copy.replace(CACHE, field, "pub display_name: Vec<String>,");
    });
}

#[test]
fn a_changed_value_is_missing() {
    let row = "google-genai value types.FinishReason.MAX_TOKENS";
    Copy::expect(row, "Missing", "below the recorded", |copy| {
        let file = "crates/types/src/gemini/candidate.rs";
        copy.replace(file, "\"MAX_TOKENS\"", "\"MAX_TOKEN\"");
    });
}

#[test]
fn a_dropped_route_is_missing() {
    let row = "google-genai call caches.update";
    Copy::expect(row, "Missing", "below the recorded", |copy| {
        copy.replace(
            "crates/api/src/gemini/caches.rs",
            "/// Route: PATCH {name}\n",
            "",
        );
    });
}

#[test]
fn a_removed_method_is_missing() {
    let row = "google-genai method caches.Caches.update";
    Copy::expect(row, "Missing", "below the recorded", |copy| {
        let file = "crates/client/src/gemini/caches.rs";
        copy.replace(file, "pub fn update(", "fn update(");
    });
}

#[test]
fn a_lost_parameter_is_partial() {
    let row = "google-genai method models.Models.count_tokens";
    Copy::expect(row, "Partial", "below the recorded", |copy| {
        let file = "crates/client/src/gemini/models.rs";
        copy.replace(
            file,
            "pub fn count_tokens(&self, model:",
            "pub fn count_tokens(&self, what:",
        );
    });
}

const BEHAVIOUR: &str = "crates/client/src/gemini/planner/analysis.rs::tests::a1_ten_reads_pay";

#[test]
fn a_failed_behaviour_is_partial() {
    Copy::expect(
        "check planner A1",
        "Partial",
        "failed when it ran",
        |copy| {
            copy.record(&[BEHAVIOUR]);
        },
    );
}

#[test]
fn a_changed_test_speaks_for_nothing() {
    Copy::expect(
        "check planner A1",
        "Partial",
        "has changed since it ran",
        |copy| {
            let file = "crates/client/src/gemini/planner/analysis.rs";
            copy.replace(
                file,
                "fn a1_ten_reads_pay() {",
                "fn a1_ten_reads_pay() { let _ = 1;",
            );
        },
    );
}

#[test]
fn a_removed_test_is_missing() {
    Copy::expect("check planner A1", "Missing", "is gone", |copy| {
        let file = "crates/client/src/gemini/planner/analysis.rs";
        copy.replace(file, "fn a1_ten_reads_pay() {", "fn ten_reads_pay() {");
    });
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
fn different_vectors_make_a_call_partial() {
    Copy::expect(
        "google-genai call caches.get",
        "Partial",
        "below the recorded",
        |copy| {
            fs::create_dir_all(copy.path("conformance")).unwrap();
            let results = r#"{"suites": [{"name": "s", "method": "caches.get", "backend": "mldev",
            "total": 3, "equal": 2, "different": 1, "unimplemented": 0}]}"#;
            fs::write(copy.path("conformance/results.json"), results).unwrap();
        },
    );
}

#[test]
fn entries_of_the_review_must_apply() {
    let copy = Copy::new();
    for (entry, why) in [
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
    ] {
        let path = copy.path("xtask/reference/review.toml");
        let before = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{before}\n{entry}")).unwrap();
        let check = copy.check();
        assert!(
            !check.status.success() && text(&check).contains(why),
            "{why}: {}",
            text(&check)
        );
        fs::write(&path, before).unwrap();
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

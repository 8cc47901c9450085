//! The command: which package, which cases, and what becomes of the outcome.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use clap::ValueEnum;
use futures_util::{StreamExt as _, TryStreamExt as _};

use crate::conformance::sdk::driver::{Driver, Run};
use crate::conformance::sdk::ours::Case;
use crate::conformance::sdk::results::Results;
use crate::conformance::sdk::{gemini, ours, python, report, tinker};
use crate::pins::{self, Pin};

/// Where the Python cases are, from the root of the repository.
const CASES: &str = "conformance/sdk";
/// How many interpreters work at a time.
const INTERPRETERS: usize = 2;

/// Arguments of the chore.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which SDK
    #[arg(value_enum)]
    package: Package,
    /// A Python that has the package already, instead of an environment below target/
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
    /// Only this area, such as caches; may be given several times
    #[arg(long = "area", value_name = "NAME")]
    areas: Vec<String>,
    /// Seconds after which a case is given up
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
    /// Print every outcome as JSON instead of the table
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Package {
    /// google-genai.
    Gemini,
    /// tinker.
    Tinker,
}

impl Package {
    /// The name of its folder, and the version that is run.
    fn parts(self) -> (&'static str, Pin) {
        match self {
            Self::Gemini => ("gemini", pins::GEMINI),
            Self::Tinker => ("tinker", pins::TINKER),
        }
    }

    /// Our side of its cases.
    fn cases(self) -> Vec<Case> {
        match self {
            Self::Gemini => gemini::cases(),
            Self::Tinker => tinker::cases(),
        }
    }
}

/// Runs the cases and tells what came of them. The counts of a whole run are written down for
/// `cargo xtask parity`.
pub(crate) fn run(root: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    let (name, pin) = args.package.parts();
    let folder = root.join(CASES).join(name);
    let areas = chosen(areas_in(&folder)?, &args.areas)?;
    let limit = Duration::from_secs(args.timeout);
    let driver = Driver {
        python: python::interpreter(root, pin, args.python.as_deref())?,
        script: root.join(CASES).join("run.py"),
        package: name,
        limit,
    };
    if args.package == Package::Tinker {
        tinker::build_command(root)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("no runtime for the cases")?;
    let results = runtime.block_on(async {
        let (ours, python) = tokio::join!(
            run_ours(args.package, &areas, limit),
            run_python(&driver, &areas)
        );
        let mut results = ours;
        for run in python? {
            results.add_python(&run.case, &run.backend, &run.form, run.outcome);
        }
        anyhow::Ok(results)
    })?;

    let out = std::io::stdout().lock();
    if args.json {
        report::json(out, &results)?;
    } else {
        report::table(out, &results)?;
    }
    if args.areas.is_empty() {
        results.save(root, pin)?;
    }
    Ok(if results.has_failed() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Our side of the cases, one after the other.
async fn run_ours(package: Package, areas: &[String], limit: Duration) -> Results {
    let mut results = Results::default();
    for case in package.cases() {
        if areas.iter().any(|area| area == case.area()) {
            let outcome = ours::run(&case, limit).await;
            results.add_ours(case.name(), case.backend().name(), outcome);
        }
    }
    results
}

/// The Python side, a few areas at a time.
async fn run_python(driver: &Driver, areas: &[String]) -> anyhow::Result<Vec<Run>> {
    let runs = areas.iter().map(|area| driver.run(area));
    let runs: Vec<_> = futures_util::stream::iter(runs)
        .buffered(INTERPRETERS)
        .try_collect()
        .await?;
    Ok(runs.into_iter().flatten().collect())
}

/// The areas that the files with cases are of: `models.py` and `models.media.py` are one.
fn areas_in(folder: &Path) -> anyhow::Result<Vec<String>> {
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("{} cannot be listed", folder.display()))?;
    let mut areas = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".py") {
            areas.extend(name.split('.').next().map(str::to_owned));
        }
    }
    areas.retain(|area| area != "bench");
    areas.sort();
    areas.dedup();
    ensure!(!areas.is_empty(), "{} holds no cases", folder.display());
    Ok(areas)
}

/// The areas that were asked for; all of them when none was.
fn chosen(all: Vec<String>, wanted: &[String]) -> anyhow::Result<Vec<String>> {
    if let Some(unknown) = wanted.iter().find(|area| !all.contains(area)) {
        bail!("there is no area `{unknown}`; there are {}", all.join(", "));
    }
    if wanted.is_empty() {
        return Ok(all);
    }
    Ok(wanted.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::sdk::file::{File, files};

    #[test]
    fn an_area_is_chosen_by_name() {
        let all = || vec!["caches".to_owned(), "chats".to_owned()];
        assert_eq!(chosen(all(), &[]).unwrap(), all());
        assert_eq!(chosen(all(), &["chats".to_owned()]).unwrap(), ["chats"]);
        let error = chosen(all(), &["nope".to_owned()]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no area `nope`; there are caches, chats"
        );
    }

    const PACKAGES: [Package; 2] = [Package::Gemini, Package::Tinker];
    /// The results on file name every case; one that has no counterpart shows up there first.
    #[test]
    fn our_side_has_every_case_on_file() {
        for (package, (_, path)) in PACKAGES.into_iter().zip(files()) {
            let text = std::fs::read_to_string(crate::workspace::root().join(path)).unwrap();
            let file: File = serde_json::from_str(&text).unwrap();
            let ours = package.cases();
            let ours: std::collections::BTreeSet<_> = ours
                .iter()
                .map(|case| (case.name(), case.backend().name()))
                .collect();
            for line in &file.cases {
                let key = (line.case.as_str(), line.backend.as_str());
                assert!(ours.contains(&key), "{key:?}");
            }
        }
    }

    #[test]
    fn both_sides_have_the_same_areas() {
        let root = crate::workspace::root().join(CASES);
        for package in PACKAGES {
            let (folder, _) = package.parts();
            let python = areas_in(&root.join(folder)).unwrap();
            for case in package.cases() {
                assert!(
                    python.iter().any(|area| area == case.area()),
                    "`{}` lies in no file of conformance/sdk/{folder}",
                    case.name()
                );
            }
        }
    }
}

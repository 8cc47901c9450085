//! What recorded runs say about the whole: the section after the summary.

use std::fmt::Write;

use super::table::{head, heading, line, share};
use crate::parity::assess::Assessment;
use crate::parity::evidence::Diagnostics;

/// What recorded runs say.
pub(super) fn quality(out: &mut String, assessment: &Assessment) {
    let quality = &assessment.quality;
    heading(out, 2, "Quality status");
    head(out, &["What", "Last recorded run"]);
    let unknown = || "not recorded".to_owned();
    let found = |d: Option<Diagnostics>| {
        d.map_or_else(unknown, |d| {
            format!("{} errors, {} warnings", d.errors, d.warnings)
        })
    };
    let compiles = quality.tests.map_or_else(unknown, |_| {
        "passed: all crates, all features, all targets".to_owned()
    });
    let tests = quality.tests.map_or_else(unknown, |t| {
        format!(
            "{} passed, {} failed, {} ignored",
            t.passed, t.failed, t.ignored
        )
    });
    let coverage = quality
        .coverage_per_mille
        .and_then(|share| usize::try_from(share).ok())
        .map_or_else(unknown, share);
    for (what, result) in [
        ("Compile", compiles),
        ("Tests", tests),
        ("Lints (clippy)", found(quality.clippy)),
        ("Documentation", found(quality.docs)),
        ("Fuzzing", assessment.fuzz.clone()),
        ("Line coverage", coverage),
    ] {
        line(out, &[what, &result]);
    }
    let states: Vec<String> = assessment
        .tests
        .iter()
        .map(|(state, count)| format!("{count} {state}"))
        .collect();
    let _ = write!(
        out,
        "\nTest functions as they stand: {}.\n",
        states.join(", ")
    );
    vectors(out, assessment);
    side_by_side(out, assessment);
}

/// Recorded calls of the references, by suite.
fn vectors(out: &mut String, assessment: &Assessment) {
    let suites = &assessment.vectors.suites;
    if !suites.is_empty() {
        heading(out, 3, "Wire vectors");
        head(
            out,
            &[
                "Suite",
                "Back end",
                "#Vectors",
                "#Equal",
                "#Different",
                "#Unimplemented",
            ],
        );
        for ((suite, backend), tally) in suites {
            let number = |n: usize| n.to_string();
            line(
                out,
                &[
                    suite,
                    backend,
                    &number(tally.total),
                    &number(tally.equal),
                    &number(tally.different),
                    &number(tally.unimplemented),
                ],
            );
        }
    }
}

/// Calls made side by side with an official SDK, by area.
fn side_by_side(out: &mut String, assessment: &Assessment) {
    let areas = &assessment.sdk.areas;
    if areas.is_empty() {
        return;
    }
    heading(out, 3, "Side by side with google-genai");
    head(
        out,
        &[
            "Area",
            "#Cases",
            "#Python passed",
            "#Ours passed",
            "#Failed",
        ],
    );
    for (area, tally) in areas {
        let number = |n: usize| n.to_string();
        line(
            out,
            &[
                area,
                &number(tally.cases),
                &number(tally.python),
                &number(tally.ours),
                &number(tally.failed),
            ],
        );
    }
}

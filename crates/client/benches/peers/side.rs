//! The sides as the comparison sees them: processes that make calls and tell what those cost.

use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::mode::Mode;
use crate::verdict::report;
use crate::{CALLS, CONCURRENCY, WARM_UP};

const PYTHON: &str = "GIMMAL_BENCH_PYTHON";
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/side.py");

/// Who makes the calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Ours,
    Bare,
    GeminiRust,
    Python,
}

impl Side {
    /// All of them, ours first.
    pub(crate) const ALL: [Self; 4] = [Self::Ours, Self::Bare, Self::GeminiRust, Self::Python];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "gimmal-client",
            Self::Bare => "reqwest and serde",
            Self::GeminiRust => "gemini-rust 2.1",
            Self::Python => "google-genai",
        }
    }

    /// Whether it can run here.
    pub(crate) fn is_there(self) -> bool {
        self != Self::Python || python_is_there()
    }

    /// Makes the calls in a process of its own; its time on the processor for each.
    pub(crate) fn micros_per_call(self, mode: Mode, url: &str) -> f64 {
        let mut command = match self {
            Self::Python => {
                let mut command = Command::new(python());
                command.arg(SCRIPT);
                command
            }
            _ => Command::new(std::env::current_exe().expect("this program")),
        };
        let kind = if mode.streamed { "stream" } else { "unary" };
        let output = command
            .args(["--side", self.name(), url, kind])
            .args([WARM_UP, CALLS, CONCURRENCY].map(|number| number.to_string()))
            .args([mode.text_bytes.to_string()])
            .stderr(Stdio::inherit())
            .output()
            .expect("a process");
        assert!(output.status.success(), "{} failed", self.name());
        let text = String::from_utf8(output.stdout).expect("text");
        text.trim().parse().expect("a figure")
    }
}

fn python() -> String {
    std::env::var(PYTHON).unwrap_or_else(|_| "python3".to_owned())
}

fn python_is_there() -> bool {
    static THERE: OnceLock<bool> = OnceLock::new();
    *THERE.get_or_init(|| {
        let probe = Command::new(python())
            .args(["-c", "import google.genai"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        let there = probe.is_ok_and(|status| status.success());
        if !there {
            report(&format!(
                "     google-genai is left out: `{}` cannot import it; name one that can in {PYTHON}",
                python()
            ));
        }
        there
    })
}

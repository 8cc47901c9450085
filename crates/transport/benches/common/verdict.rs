//! What a bench reports, and whether it fails.

/// Tells a figure.
#[expect(clippy::print_stderr, reason = "a bench reports on standard error")]
pub(crate) fn report(line: &str) {
    eprintln!("{line}");
}

/// Collects what falls short, so that all figures are told before the bench fails.
#[derive(Debug, Default)]
pub(crate) struct Verdict(Vec<String>);

impl Verdict {
    /// Reports one figure and takes note when it is out of bounds.
    pub(crate) fn check(&mut self, within: bool, line: String) {
        report(&format!("{} {line}", if within { "ok  " } else { "FAIL" }));
        if !within {
            self.0.push(line);
        }
    }

    /// Fails when any figure was out of bounds.
    pub(crate) fn settle(self) {
        assert!(self.0.is_empty(), "out of bounds: {:#?}", self.0);
    }
}

//! How far something is that has an end: one line on a terminal that changes, lines elsewhere.

use std::io::{IsTerminal as _, Write as _};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Progress on standard error.
pub(crate) struct Tally {
    label: String,
    /// Absent where there is no terminal.
    bar: Option<ProgressBar>,
    /// Whether there are lines where there is no terminal.
    has_lines: bool,
}

impl Tally {
    /// Counts things.
    pub(crate) fn of_things(label: impl Into<String>) -> Self {
        Self::new(label.into(), "{msg}: {pos}/{len}", true)
    }

    /// Counts bytes. Where there is no terminal nothing is said.
    pub(crate) fn of_bytes(label: impl Into<String>) -> Self {
        Self::new(label.into(), "{msg}: {bytes} {bar:20}", false)
    }

    fn new(label: String, template: &str, has_lines: bool) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.set_message(label.clone());
            bar
        });
        Self {
            label,
            bar,
            has_lines,
        }
    }

    /// So much is done, of so much if that is known.
    pub(crate) fn at(&self, done: u64, total: Option<u64>) {
        match &self.bar {
            Some(bar) => {
                bar.set_length(total.unwrap_or(done));
                bar.set_position(done);
            }
            None if self.has_lines => {
                let of = total.map(|total| format!("/{total}")).unwrap_or_default();
                let _ = writeln!(std::io::stderr(), "{}: {done}{of}", self.label);
            }
            None => {}
        }
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

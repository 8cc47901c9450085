//! What was run, and what came of it, beside the results: enough to run the same again. It is written
//! when a run begins, so that one that is killed leaves it too, and again when it ends.

use std::path::Path;
use std::time::SystemTime;

use gimmal_batch::{Ended, Totals};
use serde_json::{Value, json};

use super::prompts::Checked;
use crate::args::Batch;
use crate::config::{SETTINGS, VERSION};
use crate::exit::Failure;
use crate::output::whole_seconds;

/// The manifest of a run, if there is to be one.
pub(super) struct Manifest<'a> {
    path: &'a Path,
    content: Value,
}

impl<'a> Manifest<'a> {
    /// Writes down what is about to be run.
    pub(super) fn begin(
        args: &'a Batch,
        run_id: &str,
        checked: &Checked,
    ) -> anyhow::Result<Option<Self>> {
        let Some(path) = &args.reports.manifest else {
            return Ok(None);
        };
        let shown = |path: &Path| path.display().to_string();
        let reports = &args.reports;
        let content = json!({
            VERSION: env!("CARGO_PKG_VERSION"),
            SETTINGS: args.settings,
            "model": args.model,
            // The model, the shared context and the settings that shape an answer.
            "fingerprint": run_id,
            "input": {
                "items": checked.items, "skipped": checked.skipped, "digest": checked.fingerprint(),
            },
            // The price table that is built in has the version of the program.
            "prices": args.prices.as_deref().map_or("built in".to_owned(), shown),
            "files": {
                "output": shown(&args.output),
                "journal": reports.journal.as_deref().map(shown),
                "report": reports.report.as_deref().map(shown),
                "metrics": reports.metrics.as_deref().map(shown),
            },
            "started_at": whole_seconds(&SystemTime::now()),
            "ended_at": null,
            "termination": null,
            "totals": null,
        });
        let manifest = Self { path, content };
        manifest.write()?;
        Ok(Some(manifest))
    }

    /// Writes down what came of it.
    pub(super) fn end(mut self, totals: &Totals, ended: Option<&Ended>) -> anyhow::Result<()> {
        self.content["ended_at"] = whole_seconds(&SystemTime::now()).into();
        self.content["termination"] = serde_json::to_value(ended.map(|ended| &ended.termination))?;
        self.content["totals"] = serde_json::to_value(totals)?;
        if let Some(ended) = ended {
            let stats = &ended.stats;
            self.content["this_run"] = json!({
                "requests": stats.requests, "replayed": stats.replayed,
                "succeeded": stats.succeeded, "failed": stats.failed, "tokens": stats.usage,
            });
        }
        self.write()
    }

    fn write(&self) -> anyhow::Result<()> {
        let mut text = serde_json::to_string_pretty(&self.content)?;
        text.push('\n');
        let shown = self.path.display();
        std::fs::write(self.path, text)
            .map_err(|error| Failure::output(format!("cannot write {shown}: {error}")))
    }
}

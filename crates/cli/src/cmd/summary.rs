//! The closing table of a batch, and the same facts for programs.

use std::io::Write as _;

use gimmal_batch::Totals;
use gimmal_client::gemini::planner::{ModelFacts, PlannerStats};
use serde::Serialize;

use crate::output::{self, Table, grouped, usd};

/// Everything a run has to tell at its end.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    pub(crate) model: String,
    pub(crate) emulated: bool,
    pub(crate) output: String,
    /// Sums over the output file, earlier runs included.
    pub(crate) totals: Totals,
    /// Percent of the prompt tokens that came from a cache.
    pub(crate) cache_hit_rate: f64,
    /// Prompt tokens weighted by price.
    pub(crate) effective_input_tokens: u64,
    /// `null` when the price table does not know the model.
    pub(crate) cost: Option<Cost>,
    /// What this run did with caches.
    pub(crate) cache: PlannerStats,
    /// What became of the cache, where the numbers do not tell.
    pub(crate) cache_note: Option<String>,
    /// Items that an earlier run had answered.
    pub(crate) resumed: u64,
    /// Lines that were not valid and passed over.
    pub(crate) skipped: u64,
    /// Items that were not worked on, because the run was stopped.
    pub(crate) left: u64,
    pub(crate) wall_seconds: f64,
    pub(crate) items_per_second: f64,
    /// Largest size of the process in memory, where the system tells it.
    pub(crate) peak_memory_bytes: Option<u64>,
}

/// What a run cost, in USD.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Cost {
    pub(crate) with_cache_usd: f64,
    pub(crate) without_cache_usd: f64,
    pub(crate) saved_usd: f64,
    /// The part of `with_cache_usd` for creating and keeping caches in this run.
    pub(crate) cache_upkeep_usd: f64,
    /// False when the table has no price for replies, so that only prompts are counted.
    pub(crate) includes_output: bool,
}

impl Cost {
    /// The bill of the totals with the caches of this run.
    pub(crate) fn of(totals: &Totals, stats: &PlannerStats, facts: &ModelFacts) -> Self {
        let mut bill = totals.bill;
        // The price follows the size of a cache and not the number of caches.
        let price = facts.price(stats.creation_tokens / stats.created.max(1));
        bill.add_caches(&price, stats.creation_tokens, stats.storage_token_hours);
        Self {
            with_cache_usd: bill.total_usd(),
            without_cache_usd: bill.without_cache_usd,
            saved_usd: bill.saved_usd(),
            cache_upkeep_usd: bill.creation_usd + bill.storage_usd,
            includes_output: price.output.is_some(),
        }
    }
}

impl Summary {
    /// Prints the summary: JSON on standard output, or the table where results do not go.
    pub(crate) fn print(&self, json: bool, results_on_stdout: bool) -> anyhow::Result<()> {
        match (json, results_on_stdout) {
            (true, false) => output::json(self),
            // Standard output holds the results; the summary must not mix with them.
            (true, true) => Ok(writeln!(
                std::io::stderr(),
                "{}",
                serde_json::to_string_pretty(self)?
            )?),
            (false, true) => Ok(writeln!(std::io::stderr(), "{}", self.table().render())?),
            (false, false) => self.table().print(),
        }
    }

    fn table(&self) -> Table {
        let mut table = Table::of_values();
        let mut row = |name: &str, value: String| table.row([name.to_owned(), value]);
        let totals = &self.totals;
        row("model", self.model.clone());
        if self.emulated {
            row("answered by", "the embedded emulator".to_owned());
        }
        let wanted = totals.items + self.left;
        row(
            "answered",
            format!("{} of {}", grouped(totals.succeeded), grouped(wanted)),
        );
        for (kind, count) in &totals.failures {
            row(&format!("failed: {kind}"), grouped(count));
        }
        for (name, count) in [
            ("cut off by the token limit", totals.truncated),
            ("answered by kept replies", totals.kept),
            ("answered by an earlier run", self.resumed),
            ("invalid lines passed over", self.skipped),
            ("left for --resume", self.left),
        ] {
            if count > 0 {
                row(name, grouped(count));
            }
        }
        let all_runs = if self.resumed > 0 { ", all runs" } else { "" };
        row(&format!("requests{all_runs}"), grouped(totals.attempts));
        let usage = &totals.usage;
        row(
            &format!("prompt tokens{all_runs}"),
            grouped(usage.prompt_tokens),
        );
        row("  from the context cache", grouped(usage.cached_tokens));
        row("output tokens", grouped(usage.output_tokens));
        if usage.thoughts_tokens > 0 {
            row("  reasoning", grouped(usage.thoughts_tokens));
        }
        row("total tokens", grouped(usage.total_tokens));
        if totals.kept > 0 {
            row(
                "tokens spared by kept replies",
                grouped(totals.saved.total_tokens),
            );
            row("saved by kept replies", usd(totals.saved_usd));
        }
        if totals.saved_by_jobs_usd > 0.0 {
            row("saved by batch jobs", usd(totals.saved_by_jobs_usd));
        }
        row("cache hit rate", format!("{:.1} %", self.cache_hit_rate));
        row(
            "effective input tokens",
            grouped(self.effective_input_tokens),
        );
        if let Some(note) = &self.cache_note {
            row("context cache", note.clone());
        }
        self.cost_rows(&mut row);
        row("wall time", format!("{:.2} s", self.wall_seconds));
        row(
            "items per second",
            grouped(self.items_per_second.round() as u64),
        );
        let output = if self.output == "-" {
            "standard output"
        } else {
            &self.output
        };
        row("answers in", output.to_owned());
        table.align_right(1);
        table
    }

    fn cost_rows(&self, row: &mut impl FnMut(&str, String)) {
        let Some(cost) = &self.cost else {
            row(
                "cost",
                "unknown: no prices for this model (--prices FILE)".to_owned(),
            );
            return;
        };
        let of = match (cost.includes_output, self.totals.saved_by_jobs_usd > 0.0) {
            (true, false) => "",
            (true, true) => ", batch jobs at half",
            (false, false) => ", prompts only",
            (false, true) => ", prompts only, batch jobs at half",
        };
        if self.totals.usage.cached_tokens == 0 && cost.cache_upkeep_usd == 0.0 {
            row(
                &format!("cost at list prices{of}"),
                usd(cost.with_cache_usd),
            );
            return;
        }
        row(&format!("cost at list prices{of}"), String::new());
        row("  without the cache", usd(cost.without_cache_usd));
        row("  with the cache", usd(cost.with_cache_usd));
        // Earlier runs have paid for caches of their own, which nobody wrote down.
        let of_run = if self.resumed > 0 { " (this run)" } else { "" };
        row(
            &format!("    creating and keeping it{of_run}"),
            usd(cost.cache_upkeep_usd),
        );
        let share = 100.0 * cost.saved_usd / cost.without_cache_usd.max(f64::MIN_POSITIVE);
        row(
            "  saved by the cache",
            format!("{} ({share:.0} %)", usd(cost.saved_usd)),
        );
    }
}

/// The largest size of this process in memory so far, where `/proc` tells it.
pub(crate) fn peak_memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

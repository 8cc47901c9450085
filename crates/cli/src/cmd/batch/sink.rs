//! Where the results of a batch come together: the output, the sums and the progress.

use std::sync::Arc;

use gimmal_batch::output::OutputRecord;
use gimmal_batch::report::Timeline;
use gimmal_batch::strategies::Answer;
use gimmal_batch::{Stats, Totals, WorkItemResult};
use gimmal_client::gemini::planner::ModelFacts;
use serde_json::{Map, Value};

use super::failures::FailureWatch;
use super::prompts::Checked;
use super::results::Results;
use crate::output::Progress;

/// A result with its place in the input and the other members of its line.
type Placed = WorkItemResult<Answer, (u64, Map<String, Value>)>;

/// Takes results one by one.
pub(super) struct Sink<'a> {
    results: Results,
    checked: &'a Checked,
    run_id: &'a str,
    facts: Option<ModelFacts>,
    hopeless: bool,
    timeline: Arc<Timeline>,
    pub(super) progress: Progress,
    pub(super) watch: FailureWatch,
    pub(super) totals: Totals,
    /// Results of this run.
    pub(super) done: u64,
    /// Figures of results that did not come from the processor, which counts its own.
    pub(super) elsewhere: Stats,
}

impl<'a> Sink<'a> {
    pub(super) fn new(
        results: Results,
        checked: &'a Checked,
        run_id: &'a str,
        facts: Option<ModelFacts>,
        progress: Progress,
        totals: Totals,
        timeline: &Arc<Timeline>,
    ) -> Self {
        Self {
            results,
            checked,
            run_id,
            facts,
            hopeless: false,
            timeline: Arc::clone(timeline),
            progress,
            watch: FailureWatch::default(),
            totals,
            done: 0,
            elsewhere: Stats::default(),
        }
    }

    /// Writes a result and counts it.
    pub(super) fn take(&mut self, result: Placed) -> anyhow::Result<()> {
        self.take_record(result, false)
    }

    /// Writes a result of a batch job, which costs half.
    pub(super) fn take_from_job(&mut self, result: Placed) -> anyhow::Result<()> {
        self.note(&result);
        self.take_record(result, true)
    }

    /// Writes a result of a worker.
    pub(super) fn take_from_queue(&mut self, result: Placed) -> anyhow::Result<()> {
        self.note(&result);
        self.take_record(result, false)
    }

    fn note(&mut self, result: &Placed) {
        self.elsewhere.record(result);
        self.timeline.record(result);
    }

    fn take_record(&mut self, result: Placed, by_batch_job: bool) -> anyhow::Result<()> {
        let place = result.context.0;
        let mut record = OutputRecord::from(result.map_context(|(_, members)| members));
        record.index = place;
        record.by_batch_job = by_batch_job;
        record.digest = self
            .checked
            .digest_of(&record.id, self.run_id)
            .unwrap_or_default();
        self.results.write(&record)?;
        self.done += 1;
        self.hopeless = self.watch.sees(&record);
        self.totals.add(&record, self.facts.as_ref());
        let usage = &record.usage;
        if self.facts.is_some() {
            self.progress.spent(self.totals.bill.total_usd());
        }
        self.progress.item(
            record.error.is_some(),
            usage.prompt_tokens,
            usage.cached_tokens,
        );
        Ok(())
    }

    /// True when the run had better stop.
    pub(super) fn is_hopeless(&self) -> bool {
        self.hopeless
    }
}

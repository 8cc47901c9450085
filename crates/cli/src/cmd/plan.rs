//! `gimmal cache plan`: what the planner would decide about a text, and why. It asks nobody.

use std::path::PathBuf;
use std::time::Duration;

use gimmal_client::gemini::planner::{
    Facts, KeptCaches, LineFacts, ModelFacts, ModelTable, PlanHint, PlannerOptions, Prefix, Reason,
    TokenEstimate, TtlPolicy, Verdict, break_even_reads, decide,
};
use gimmal_client::types::gemini::Content;
use serde::Serialize;

use super::files;
use crate::output::{self, Table, grouped, usd};

/// What is to be decided about.
pub(super) struct Question {
    pub(super) files: Vec<PathBuf>,
    pub(super) model: String,
    pub(super) system: Option<String>,
    pub(super) reads: u64,
    pub(super) ttl: Option<Duration>,
}

/// A decision with the facts behind it.
#[derive(Debug, Serialize)]
struct Explained {
    model: String,
    /// True when the planner would create a cache.
    creates: bool,
    reason: Reason,
    explanation: String,
    tokens: u32,
    tokens_min: u32,
    tokens_max: u32,
    minimum_tokens: Option<u32>,
    reads: u64,
    break_even_reads: Option<u64>,
    ttl_seconds: Option<u64>,
    saving_usd: Option<f64>,
    /// When the facts about models were gathered.
    facts_of: String,
}

/// Prints the decision as words and a table, or as JSON.
pub(super) fn run(question: &Question, table: &ModelTable, json: bool) -> anyhow::Result<()> {
    let mut prefix = Prefix {
        system_instruction: question.system.as_ref().map(Content::text),
        ..Prefix::default()
    };
    for path in &question.files {
        let text = files::read_text(path, "context")?;
        prefix.contents.push(Content::user(text));
    }
    let explained = explain(question, &prefix, table);
    if json {
        return output::json(&explained);
    }
    output::line(&explained.explanation)?;
    explained.table().print()
}

fn explain(question: &Question, prefix: &Prefix, table: &ModelTable) -> Explained {
    let mut options = PlannerOptions::default();
    if let Some(ttl) = question.ttl {
        options.ttl = TtlPolicy::Fixed(ttl);
    }
    let estimate = TokenEstimate::of_prefix(prefix);
    let facts = table.find(&question.model);
    let verdict = decide(&Facts {
        options: &options,
        hint: &PlanHint::new().with_expected_reads(question.reads),
        model: facts,
        learnt_min: None,
        prefix: estimate,
        tail: TokenEstimate::of_contents(&[Content::user("a question about it")]),
        prefix_empty: prefix.is_empty(),
        tail_empty: false,
        has_history: false,
        lease: false,
        beginning_tokens: None,
        recent_failure: false,
        backend_supported: true,
        request_time_part: false,
        kept: KeptCaches::default(),
        line: LineFacts::default(),
    });
    let (reason, saving_usd, ttl) = match verdict {
        Verdict::Create { ttl, saving_usd } => (Reason::Ok, saving_usd, Some(ttl)),
        Verdict::Send {
            reason, saving_usd, ..
        } => (reason, saving_usd, question.ttl),
        // Nothing here is uncertain, named or live already.
        _ => (Reason::NotWorthIt, None, question.ttl),
    };
    let price = facts.map(|facts| facts.price(u64::from(estimate.expected)));
    let life = ttl.unwrap_or(options.default_ttl);
    let break_even = price.and_then(|price| break_even_reads(&price, life));
    let minimum = facts.and_then(|facts| facts.explicit_min);
    Explained {
        model: question.model.clone(),
        creates: reason == Reason::Ok,
        reason,
        explanation: in_words(question, reason, facts, estimate, break_even, saving_usd),
        tokens: estimate.expected,
        tokens_min: estimate.min,
        tokens_max: estimate.max,
        minimum_tokens: minimum,
        reads: question.reads,
        break_even_reads: break_even,
        ttl_seconds: ttl.map(|ttl| ttl.as_secs()),
        saving_usd,
        facts_of: table.version.clone(),
    }
}

fn in_words(
    question: &Question,
    reason: Reason,
    facts: Option<&ModelFacts>,
    estimate: TokenEstimate,
    break_even: Option<u64>,
    saving_usd: Option<f64>,
) -> String {
    let Question { model, reads, .. } = question;
    let reads = match reads {
        1 => "1 request".to_owned(),
        reads => format!("{} requests", grouped(reads)),
    };
    let enough = break_even.map_or(String::new(), |least| {
        format!("; it pays from {} on", grouped(least))
    });
    match reason {
        Reason::Ok => format!(
            "A cache pays: {reads} read about {} tokens at the price of cached ones, which saves {}.",
            grouped(estimate.expected),
            usd(saving_usd.unwrap_or(0.0)),
        ),
        Reason::NotWorthIt => match saving_usd {
            Some(saving) => format!(
                "A cache does not pay: for {reads} creating and keeping it costs {} more than it \
                 saves{enough}.",
                usd(-saving),
            ),
            None => format!("A cache is not made: no prices for caches of {model} are known."),
        },
        Reason::BelowFloorHighConf => format!(
            "A cache is not possible: the text has {} tokens at the most, and {model} takes {} or \
             more.",
            grouped(estimate.max),
            grouped(facts.and_then(|facts| facts.explicit_min).unwrap_or(0)),
        ),
        Reason::UnsupportedModel => {
            format!("A cache is not made: nothing is known of caches for {model} (--prices FILE).")
        }
        other => format!("A cache is not made ({other})."),
    }
}

impl Explained {
    fn table(&self) -> Table {
        let mut table = Table::of_values();
        let mut row = |name: &str, value: String| table.row([name.to_owned(), value]);
        let or_unknown = |value: Option<String>| value.unwrap_or_else(|| "unknown".to_owned());
        row("model", self.model.clone());
        row("decision", self.reason.to_string());
        row(
            "tokens, estimated",
            format!(
                "{} ({} to {})",
                grouped(self.tokens),
                grouped(self.tokens_min),
                grouped(self.tokens_max)
            ),
        );
        row("minimum", or_unknown(self.minimum_tokens.map(grouped)));
        row("reads", grouped(self.reads));
        row(
            "break-even reads",
            or_unknown(self.break_even_reads.map(grouped)),
        );
        if let Some(seconds) = self.ttl_seconds {
            row("life", format!("{} s", grouped(seconds)));
        }
        row("saving", or_unknown(self.saving_usd.map(usd)));
        row("facts of", self.facts_of.clone());
        table.align_right(1);
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(model: &str, bytes: usize, reads: u64) -> Explained {
        let question = Question {
            files: Vec::new(),
            model: model.to_owned(),
            system: None,
            reads,
            ttl: Some(Duration::from_secs(3600)),
        };
        let prefix = Prefix {
            contents: vec![Content::user("x".repeat(bytes))],
            ..Prefix::default()
        };
        explain(&question, &prefix, &ModelTable::default())
    }

    #[test]
    fn decisions_are_told_with_their_numbers() {
        let pays = explained("gemini-2.5-flash", 42_000, 10);
        assert!(
            pays.creates && pays.explanation.contains("saves $0.014"),
            "{pays:?}"
        );
        assert_eq!(pays.break_even_reads, Some(5));

        let few = explained("gemini-2.5-flash", 42_000, 4);
        assert!(
            !few.creates && few.explanation.contains("from 5 on"),
            "{few:?}"
        );

        let small = explained("gemini-2.5-flash", 4_200, 100);
        assert!(
            small.explanation.contains("1,100 tokens at the most"),
            "{small:?}"
        );
        assert!(small.explanation.contains("takes 2,048"), "{small:?}");

        let unknown = explained("gemini-1.0-x", 42_000, 100);
        assert!(unknown.explanation.contains("--prices"), "{unknown:?}");
    }
}

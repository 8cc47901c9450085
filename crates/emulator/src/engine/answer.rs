//! Words for an answer: the passages that fit the question, quoted as they stand, or a fixed
//! sentence when none does. It never makes up facts.

use std::collections::HashSet;

use crate::engine::{index::ContextIndex, words};

/// Passages quoted in one answer.
const QUOTED: usize = 3;

/// Said when there is a context and nothing in it shares a term with the question.
pub(crate) const NOT_ANSWERED: &str = "The context given does not answer this question.";

/// What the second and later candidates open with, so that no two are the same.
const OPENINGS: [&str; 7] = [
    "From the context:",
    "The relevant passages:",
    "This is what the text says:",
    "Quoting the context:",
    "The context has this:",
    "In the words of the text:",
    "Found in the context:",
];

/// What a question turned up.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Findings {
    /// The best passages, in the order of the context.
    pub(crate) passages: Vec<String>,
    /// The one that fits best.
    pub(crate) best: Option<String>,
    /// How many passages were looked at.
    searched: usize,
    /// The words of the question that say what it is about.
    subject: Vec<String>,
}

/// Searches the contexts, in order, for the question.
pub(crate) fn find(question: &str, contexts: &[&ContextIndex]) -> Findings {
    let terms = words::terms(question);
    let mut hits = Vec::new();
    for (at, context) in contexts.iter().enumerate() {
        hits.extend(
            context
                .search(&terms, QUOTED)
                .into_iter()
                .map(|hit| (at, hit)),
        );
    }
    // A stable sort, so that equal scores stay in the order of the contexts.
    hits.sort_by(|(_, a), (_, b)| b.score.total_cmp(&a.score));
    let quote = |(at, passage): (usize, usize)| contexts[at].passage(passage).to_owned();
    // A text that is in two contexts is quoted once.
    let mut seen = HashSet::new();
    hits.retain(|(at, hit)| seen.insert(contexts[*at].passage(hit.passage)));
    hits.truncate(QUOTED);
    let best = hits.first().map(|(at, hit)| quote((*at, hit.passage)));
    let mut places: Vec<(usize, usize)> = hits.iter().map(|(at, hit)| (*at, hit.passage)).collect();
    places.sort_unstable();
    Findings {
        passages: places.into_iter().map(quote).collect(),
        best,
        searched: contexts.iter().map(|context| context.len()).sum(),
        subject: subject(question),
    }
}

/// What a model knows without looking, having been taught it.
pub(crate) fn known(question: &str, answer: &str) -> Findings {
    Findings {
        passages: vec![answer.to_owned()],
        best: Some(answer.to_owned()),
        searched: 1,
        subject: subject(question),
    }
}

impl Findings {
    /// The answer of the given candidate.
    pub(crate) fn answer(&self, candidate: usize) -> String {
        let text = if !self.passages.is_empty() {
            self.passages.join("\n")
        } else if self.searched > 0 {
            NOT_ANSWERED.to_owned()
        } else {
            self.without_context()
        };
        vary(text, candidate)
    }

    /// What a thinking model says to itself on the way to the answer.
    pub(crate) fn thoughts(&self) -> String {
        let subject = match self.subject.as_slice() {
            [] => "nothing in particular".to_owned(),
            words => listed(words),
        };
        format!(
            "**Looking for an answer**\n\nThe question is about {subject}. Of {} passages at hand, \
             {} fit it well enough to be quoted.",
            self.searched,
            self.passages.len()
        )
    }

    fn without_context(&self) -> String {
        match self.subject.as_slice() {
            [] => "This is an emulated reply; the prompt has no words to answer to.".to_owned(),
            words => format!(
                "You asked about {}. No context came with the prompt, so this emulated reply can \
                 only name its subject.",
                listed(words)
            ),
        }
    }
}

/// The same answer as the given candidate words it.
pub(crate) fn vary(text: String, candidate: usize) -> String {
    match candidate.checked_sub(1) {
        Some(n) => format!("{} {text}", OPENINGS[n % OPENINGS.len()]),
        None => text,
    }
}

/// The question's own words, without the common ones, each once and at most twelve.
fn subject(question: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for word in words::compounds(question) {
        let lower = word.to_lowercase();
        if !words::is_stop_word(&lower) && !out.iter().any(|other| other.to_lowercase() == lower) {
            out.push(word.to_owned());
        }
        if out.len() == 12 {
            break;
        }
    }
    out
}

/// `a, b and c`.
fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &str = "# Store\nWe open at 7. Apples cost 2 euros. Pears cost 3 euros. \
        Bread is baked daily. Milk is sold out.";

    #[test]
    fn passages_are_quoted_in_the_order_of_the_text() {
        let index = ContextIndex::build(&[TEXT]);
        let findings = find("How much do pears and apples cost?", &[&index]);
        assert_eq!(
            findings.answer(0),
            "Apples cost 2 euros.\nPears cost 3 euros."
        );
        assert_eq!(findings.best.as_deref(), Some("Apples cost 2 euros."));
    }

    #[test]
    fn a_question_the_context_does_not_answer_is_told_so() {
        let index = ContextIndex::build(&[TEXT]);
        assert_eq!(find("Who wrote Hamlet?", &[&index]).answer(0), NOT_ANSWERED);
    }

    #[test]
    fn without_context_the_reply_names_the_subject() {
        let reply = find("Tell me about green tea, please.", &[]).answer(0);
        assert!(
            reply.starts_with("You asked about green and tea."),
            "{reply}"
        );
        assert!(!find("", &[]).answer(0).is_empty());
    }

    #[test]
    fn candidates_differ_and_quote_the_same_words() {
        let index = ContextIndex::build(&[TEXT]);
        let findings = find("When do you open?", &[&index]);
        let answers: Vec<String> = (0..8).map(|n| findings.answer(n)).collect();
        for (n, answer) in answers.iter().enumerate() {
            assert!(answer.contains("We open at 7."));
            assert!(!answers[..n].contains(answer));
        }
    }

    #[test]
    fn several_contexts_are_searched_as_one() {
        let (a, b) = (
            ContextIndex::build(&["Tea is hot."]),
            ContextIndex::build(&["Ice is cold."]),
        );
        assert_eq!(
            find("ice tea", &[&a, &b]).answer(0),
            "Tea is hot.\nIce is cold."
        );
        assert_eq!(find("ice", &[&b, &b]).answer(0), "Ice is cold.");
    }

    proptest! {
        #[test]
        fn answers_repeat_and_quote_word_for_word(
            text in "([#|] )?[a-d]{1,3}( [a-d]{1,3}){0,6}([.!?\n]{1,2} [A-D][a-d]( [a-d]{1,3}){0,6}){0,8}",
            question in "[a-d]{1,3}( [a-d]{1,3}){0,5}",
        ) {
            let ask = || find(&question, &[&ContextIndex::build(&[&text])]);
            let findings = ask();
            prop_assert_eq!(&findings, &ask());
            prop_assert!(findings.passages.len() <= QUOTED);
            for passage in &findings.passages {
                prop_assert!(text.contains(passage.as_str()));
            }
        }
    }
}

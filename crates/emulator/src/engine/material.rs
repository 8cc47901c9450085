//! What generated values are filled with: the strings, numbers and yes-or-no found in an answer or
//! in a prompt. Finds them; where they go is the schema's business.

use std::{
    collections::HashSet,
    sync::{Arc, OnceLock},
};

use crate::engine::{answer::Findings, words};

/// The most strings, and the most numbers, taken from one source.
const MOST_VALUES: usize = 1_000;

/// Values at hand for a schema. A clone is cheap.
#[derive(Clone, Debug, Default)]
pub(crate) struct Material {
    source: Arc<Source>,
    /// Offered to each number in turn; each is used once.
    numbers: Vec<f64>,
    next_string: usize,
    /// Whether a value was used that the source did not offer.
    invented: bool,
}

/// What using it does not change.
#[derive(Clone, Debug, Default)]
struct Source {
    /// Taken in order by the strings of the schema; the last one is used again.
    strings: Vec<String>,
    /// Used when there is no string left and none to repeat.
    fallback: String,
    /// What a boolean becomes.
    truth: bool,
    repeat: bool,
    /// The terms of all the strings, once they have been asked for.
    terms: OnceLock<HashSet<String>>,
}

impl Material {
    /// From what a question turned up: passages best first, and their numbers.
    pub(crate) fn from_findings(findings: &Findings) -> Self {
        let best = findings.best.iter();
        let others = findings
            .passages
            .iter()
            .filter(|p| Some(*p) != findings.best.as_ref());
        let strings: Vec<String> = best.chain(others).cloned().collect();
        let numbers = strings.iter().flat_map(|text| numbers(text));
        Self::new(
            numbers.take(MOST_VALUES).collect(),
            Source {
                truth: !strings.is_empty(),
                fallback: findings.answer(0),
                strings,
                repeat: true,
                ..Source::default()
            },
        )
    }

    /// The same material, taken in another order for the `n`th candidate.
    pub(crate) fn rotated(mut self, n: usize) -> Self {
        let strings = &mut Arc::make_mut(&mut self.source).strings;
        let places = n.checked_rem(strings.len()).unwrap_or(0);
        strings.rotate_left(places);
        self
    }

    /// The same material with another text to fall back on.
    pub(crate) fn with_fallback(mut self, fallback: &str) -> Self {
        let source = Arc::make_mut(&mut self.source);
        fallback.clone_into(&mut source.fallback);
        source.terms = OnceLock::new();
        self
    }

    /// From a prompt: what it quotes, then its names; and its numbers.
    pub(crate) fn from_prompt(prompt: &str) -> Self {
        let mut strings = quoted(prompt);
        strings.extend(names(prompt));
        strings.truncate(MOST_VALUES);
        let mut numbers = numbers(prompt);
        numbers.truncate(MOST_VALUES);
        Self::new(
            numbers,
            Source {
                strings,
                fallback: prompt.trim().to_owned(),
                truth: true,
                ..Source::default()
            },
        )
    }

    fn new(numbers: Vec<f64>, source: Source) -> Self {
        Self {
            source: Arc::new(source),
            numbers,
            ..Self::default()
        }
    }

    /// The next string; the whole source when it has no further one to offer.
    pub(crate) fn string(&mut self) -> &str {
        let at = self.next_string;
        self.next_string += 1;
        let Source {
            strings,
            fallback,
            repeat,
            ..
        } = &*self.source;
        if let Some(text) = strings.get(at) {
            return text;
        }
        self.invented |= !repeat;
        match strings.first().filter(|_| *repeat) {
            Some(_) => &strings[at % strings.len()],
            None => fallback,
        }
    }

    /// The first unused number that `fits`.
    pub(crate) fn number(&mut self, fits: impl Fn(f64) -> bool) -> Option<f64> {
        let at = self.numbers.iter().position(|number| fits(*number));
        self.invented |= at.is_none();
        at.map(|at| self.numbers.remove(at))
    }

    /// The choice that the source mentions, whole words only; the longest if several.
    pub(crate) fn choice<'a>(&mut self, choices: &'a [String]) -> Option<&'a String> {
        let source = &*self.source;
        let said = source.terms.get_or_init(|| {
            let texts = source.strings.iter().chain([&source.fallback]);
            texts.flat_map(|text| words::terms(text)).collect()
        });
        let mentioned = choices.iter().filter(|choice| {
            let terms = words::terms(choice);
            !terms.is_empty() && terms.iter().all(|term| said.contains(term))
        });
        let found =
            mentioned.max_by_key(|choice| (choice.len(), std::cmp::Reverse(choice.as_str())));
        self.invented |= found.is_none();
        found.or(choices.first())
    }

    /// What a boolean becomes.
    pub(crate) fn boolean(&mut self) -> bool {
        self.invented |= !self.source.repeat;
        self.source.truth
    }

    /// How many strings the source itself offers.
    pub(crate) fn string_count(&self) -> usize {
        self.source.strings.len()
    }

    /// Begins watching for values the source did not offer; gives what [`Self::end_watch`] needs.
    pub(crate) fn start_watch(&mut self) -> bool {
        std::mem::take(&mut self.invented)
    }

    /// Whether such a value was needed since the watch began; an outer watch goes on knowing.
    pub(crate) fn end_watch(&mut self, outer: bool) -> bool {
        let invented = self.invented;
        self.invented |= outer;
        invented
    }

    /// Tells the watch of a value the source did not offer.
    pub(crate) fn note_invented(&mut self) {
        self.invented = true;
    }
}

/// The decimal numbers of `text`, except digits inside words such as `gpt4` or versions.
fn numbers(text: &str) -> Vec<f64> {
    let mut out = Vec::new();
    for word in text.split(|c: char| c.is_whitespace() || "()[]{}\"'“”|=<>:;!?/€$£".contains(c))
    {
        let word = word
            .trim_end_matches(['.', ',', '%', '*', '°'])
            .trim_start_matches(['*', '+']);
        let digits = word.trim_start_matches('-');
        if !digits.starts_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        let plain = if is_grouped(digits) {
            word.replace(',', "")
        } else {
            word.to_owned()
        };
        if let Ok(number) = plain.parse::<f64>() {
            out.push(number);
        }
    }
    out
}

/// `12,500`: groups of three digits after each comma.
fn is_grouped(digits: &str) -> bool {
    let whole = digits.split('.').next().unwrap_or_default();
    let mut groups = whole.split(',');
    groups
        .next()
        .is_some_and(|first| (1..=3).contains(&first.len()))
        && groups.all(|group| group.len() == 3 && group.bytes().all(|b| b.is_ascii_digit()))
}

/// What stands between double quotes, backquotes, or single quotes that are not apostrophes.
fn quoted(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = text;
    let mut before = ' ';
    while let Some((at, open)) = rest.char_indices().find(|(_, c)| "\"“`'‘".contains(*c)) {
        let previous = rest[..at].chars().next_back().unwrap_or(before);
        let close = match open {
            '“' => '”',
            '‘' => '’',
            other => other,
        };
        let inner = &rest[at + open.len_utf8()..];
        let end = inner
            .find(close)
            .filter(|_| open != '\'' || !previous.is_alphanumeric());
        match end {
            Some(end) => {
                if end > 0 {
                    out.push(inner[..end].to_owned());
                }
                rest = &inner[end + close.len_utf8()..];
                before = close;
            }
            None => {
                rest = inner;
                before = open;
            }
        }
    }
    out
}

/// Runs of capitalised words that do not merely open a sentence.
fn names(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut run: Vec<&str> = Vec::new();
    let mut opens = true;
    for word in text.split_whitespace() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let capital =
            bare.starts_with(char::is_uppercase) && !words::is_stop_word(&bare.to_lowercase());
        if capital && (!opens || !run.is_empty()) {
            run.push(bare);
        } else if !run.is_empty() {
            out.push(run.join(" "));
            run.clear();
        }
        let stops = word.ends_with(['.', '!', '?', ',', ':', ';']);
        if stops && !run.is_empty() {
            out.push(run.join(" "));
            run.clear();
        }
        opens = word.ends_with(['.', '!', '?', ':']);
    }
    if !run.is_empty() {
        out.push(run.join(" "));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_numbers_and_not_parts_of_names() {
        assert_eq!(
            numbers("Take 3 of 12,500 at -0.5% (7), not gpt4 or 1.2.3."),
            [3.0, 12500.0, -0.5, 7.0]
        );
    }

    #[test]
    fn quotes_are_found_and_apostrophes_are_not() {
        assert_eq!(
            quoted("set 'a b' to \"c\" in `d`, it's Bob's"),
            ["a b", "c", "d"]
        );
    }

    #[test]
    fn names_are_capitalised_runs_inside_a_sentence() {
        assert_eq!(
            names("What is the weather in New York, and in Paris? Tell me."),
            ["New York", "Paris"]
        );
    }

    #[test]
    fn a_choice_is_the_one_mentioned() {
        let mut material = Material::from_prompt("Use celsius please");
        let choices = ["fahrenheit".to_owned(), "celsius".to_owned()];
        assert_eq!(material.choice(&choices), Some(&choices[1]));
        let mut material = Material::from_prompt("anything");
        assert_eq!(material.choice(&choices), Some(&choices[0]));
        assert!(material.invented);
    }

    #[test]
    fn strings_of_a_prompt_run_out() {
        let mut material = Material::from_prompt("call it \"x\"");
        assert_eq!(material.string(), "x");
        assert!(!material.invented);
        assert_eq!(material.string(), "call it \"x\"");
        assert!(material.invented);
    }
}

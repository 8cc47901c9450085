//! Cutting a paragraph into sentences. A stop ends a sentence only where white space and a likely
//! sentence start follow, so numbers, versions and identifiers stay whole.

use std::ops::Range;

use crate::engine::passages::trim;

/// The sentences of `text[range]`, as ranges of `text`, trimmed and not empty.
pub(crate) fn split(text: &str, range: Range<usize>) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut start = range.start;
    let slice = &text[range.clone()];
    for (at, c) in slice.char_indices() {
        let after = at + c.len_utf8();
        let end = match c {
            '.' | '!' | '?' | '…' => sentence_end(slice, at, after),
            '。' | '！' | '？' => Some(after),
            _ => None,
        };
        if let Some(end) = end.map(|end| range.start + end)
            && end > start
        {
            out.push(trim(text, start..end));
            start = end;
        }
    }
    out.push(trim(text, start..range.end));
    out.retain(|sentence| !sentence.is_empty());
    out
}

/// Where the sentence that has a stop at `at..after` ends, if it ends there.
fn sentence_end(text: &str, at: usize, after: usize) -> Option<usize> {
    let rest = &text[after..];
    // Closing marks belong to the sentence they follow.
    let closing = rest
        .find(|c| !"\"'”’)]*_`»".contains(c))
        .unwrap_or(rest.len());
    let end = after + closing;
    let tail = &text[end..];
    if !tail.starts_with(char::is_whitespace) {
        return None;
    }
    let next = tail.trim_start().chars().next()?;
    let starts = next.is_uppercase() || next.is_numeric() || !(next.is_alphabetic() || next == ',');
    if !starts || (text[at..].starts_with('.') && is_abbreviation(&text[..at])) {
        return None;
    }
    Some(end)
}

/// Whether the stop after `before` belongs to an abbreviation or to a single initial.
fn is_abbreviation(before: &str) -> bool {
    let word = before
        .rsplit(|c: char| c.is_whitespace() || "([\"'".contains(c))
        .next();
    let word = word.unwrap_or_default();
    let mut chars = word.chars();
    let initial = matches!((chars.next(), chars.next()), (Some(c), None) if c.is_uppercase());
    const KNOWN: &[&str] = &[
        "e.g", "i.e", "cf", "vs", "mr", "mrs", "ms", "dr", "prof", "st", "fig", "eq", "approx",
        "dept", "est", "inc", "ltd", "u.s", "u.k",
    ];
    // "No." is an abbreviation only in front of a number, which the caller cannot tell apart from
    // a refusal, so it is left out.
    initial || KNOWN.contains(&word.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentences(text: &str) -> Vec<&str> {
        split(text, 0..text.len())
            .into_iter()
            .map(|range| &text[range])
            .collect()
    }

    #[test]
    fn numbers_versions_and_identifiers_stay_whole() {
        for text in [
            "Set the ratio to 0.85 for gemini-2.5-flash and v1.2.3 alike.",
            "See e.g. Section 4 or J. Smith for more.",
            "Open config.toml first.",
            "It ends with etc. and goes on.",
        ] {
            assert_eq!(sentences(text), [text]);
        }
    }

    #[test]
    fn stops_before_a_new_start_end_a_sentence() {
        assert_eq!(
            sentences("One is here. Two is \"there.\" 3 follows! **Four?** (Five.) six"),
            [
                "One is here.",
                "Two is \"there.\"",
                "3 follows!",
                "**Four?**",
                "(Five.) six"
            ]
        );
        assert_eq!(
            sentences("wrapped\nline. Next\nline."),
            ["wrapped\nline.", "Next\nline."]
        );
        assert_eq!(
            sentences("これは一。これは二。"),
            ["これは一。", "これは二。"]
        );
    }
}

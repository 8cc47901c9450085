//! Structured outputs that are whole but for what stands behind them. Anything ambiguous is left to
//! another attempt.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// How an output was made usable that was not as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Recovery {
    /// The end of a fence of three backticks stood behind it.
    TrailingMarkdownFence,
}

impl Recovery {
    /// The stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TrailingMarkdownFence => "trailing_markdown_fence",
        }
    }
}

/// The part of a text that is one JSON object or list, when nothing but the end of a fence (and
/// perhaps an underscore after it) stands behind it.
pub(crate) fn before_trailing_fence(text: &str) -> Option<&str> {
    let text = text.trim();
    if !text.starts_with(['{', '[']) {
        return None;
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Strict>();
    values.next()?.ok()?;
    let (json, rest) = text.split_at_checked(values.byte_offset())?;
    matches!(rest.trim(), "```" | "```_").then_some(json)
}

/// Any value, as long as no object of it has a member twice.
struct Strict;

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Check)
    }
}

struct Check;

impl<'de> Visitor<'de> for Check {
    type Value = Strict;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_str<E>(self, _: &str) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_unit<E>(self) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Strict, A::Error> {
        while list.next_element::<Strict>()?.is_some() {}
        Ok(Strict)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Strict, A::Error> {
        let mut names = HashSet::new();
        while let Some((name, Strict)) = object.next_entry::<String, Strict>()? {
            if !names.insert(name) {
                return Err(A::Error::custom("a member stands there twice"));
            }
        }
        Ok(Strict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Covers: AC-SO-2
    #[test]
    fn only_what_cannot_be_read_in_two_ways_is_recovered() {
        for (text, json) in [
            ("{\"a\": 1}\n```", Some("{\"a\": 1}")),
            ("  {\"a\": 1} ```\n", Some("{\"a\": 1}")),
            ("[1, 2]\n```_", Some("[1, 2]")),
            ("{\"a\": {\"a\": null}}```", Some("{\"a\": {\"a\": null}}")),
            // No value of its own, or more than one.
            ("7\n```", None),
            ("\"text\"\n```", None),
            ("{\"a\": 1}{\"b\": 2}\n```", None),
            ("{\"a\": 1}\nSo much for that.\n```", None),
            ("{\"a\": 1}\n``", None),
            ("{\"a\": 1}\n```json", None),
            ("{\"a\": 1}\n``` ```", None),
            // Nothing to recover, or nothing whole.
            ("{\"a\": 1}", None),
            ("{\"a\": 1\n```", None),
            ("", None),
            ("```", None),
            // Which of the two would it be?
            ("{\"a\": 1, \"a\": 2}\n```", None),
            ("[{\"b\": {\"a\": 1, \"a\": 1}}]\n```", None),
            // Numbers that JSON does not have.
            ("{\"a\": NaN}\n```", None),
            ("[Infinity]\n```", None),
        ] {
            assert_eq!(before_trailing_fence(text), json, "{text:?}");
        }
    }
}

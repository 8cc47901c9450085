//! Shell-like patterns for names. Matching takes time in proportion to pattern times name at worst,
//! whatever the pattern; it compares whole names and never parts of them.

use std::fmt;

use percent_encoding::percent_decode_str;

/// The longest pattern taken, in characters.
const MAX_CHARS: usize = 1024;

/// A pattern for `namespace:operation`.
///
/// `*` stands for any characters, `?` for one, `[a-z]` for one of a set, `[!a-z]` for one outside
/// of it, and `\` takes the next character as it is. Case matters. The first colon outside of a
/// set separates the two names.
///
/// ```
/// use gimmal_cache::Pattern;
///
/// let pattern = Pattern::new("tenant-*:qa")?;
/// assert!(pattern.matches("tenant-7", "qa"));
/// assert!(!pattern.matches("tenant-7", "qa_long"));
/// assert!(Pattern::new("").is_err());
/// # Ok::<(), gimmal_cache::InvalidPattern>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    text: String,
    namespace: Glob,
    operation: Glob,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// If it is empty, has no colon, ends within a set or after a backslash, or has more than 1024
    /// characters.
    pub fn new(text: &str) -> Result<Self, InvalidPattern> {
        let refuse = |problem| Err(InvalidPattern { problem });
        if text.is_empty() {
            return refuse("it is empty: to select everything, say so");
        }
        if text.chars().count() > MAX_CHARS {
            return refuse("it has more than 1024 characters");
        }
        let mut globs = Vec::new();
        let mut rest = text;
        loop {
            let (glob, after) = Glob::read(rest, globs.is_empty())?;
            globs.push(glob);
            match after {
                Some(after) => rest = after,
                None => break,
            }
        }
        match <[Glob; 2]>::try_from(globs) {
            Ok([namespace, operation]) => Ok(Self {
                text: text.to_owned(),
                namespace,
                operation,
            }),
            Err(_) => refuse("it has no colon: write namespace:operation"),
        }
    }

    /// Whether both names match.
    #[must_use]
    pub fn matches(&self, namespace: &str, operation: &str) -> bool {
        self.namespace.matches(namespace) && self.operation.matches(operation)
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// As [`Pattern::matches`] for names encoded as in keys.
    pub(crate) fn matches_encoded(&self, namespace: &str, operation: &str) -> bool {
        let decoded = |name| percent_decode_str(name).decode_utf8_lossy();
        self.matches(&decoded(namespace), &decoded(operation))
    }

    /// The only namespace it can match, if there is only one.
    pub(crate) fn literal_namespace(&self) -> Option<String> {
        let literal = |part: &Part| match part {
            Part::Literal(character) => Some(*character),
            _ => None,
        };
        self.namespace.0.iter().map(literal).collect()
    }

    /// What was written after the colon.
    fn operation_text(&self) -> &str {
        Glob::read(&self.text, true)
            .ok()
            .and_then(|(_, operation)| operation)
            .unwrap_or_default()
    }

    pub(crate) fn in_namespace(mut self, namespace: &str) -> Self {
        let escaped: String = namespace.chars().flat_map(|it| ['\\', it]).collect();
        self.text = format!("{escaped}:{}", self.operation_text());
        self.namespace = Glob(namespace.chars().map(Part::Literal).collect());
        self
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A text that is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidPattern {
    problem: &'static str,
}

impl fmt::Display for InvalidPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid pattern: {}", self.problem)
    }
}

impl std::error::Error for InvalidPattern {}

/// The pattern of one name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Glob(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Part {
    Literal(char),
    One,
    Many,
    Set {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Glob {
    /// Reads up to the end, or up to a colon if that `ends` the name; gives what follows it.
    fn read(text: &str, colon_ends: bool) -> Result<(Self, Option<&str>), InvalidPattern> {
        let mut parts = Vec::new();
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            parts.push(match character {
                ':' if colon_ends => return Ok((Self(parts), Some(characters.as_str()))),
                '*' if parts.last() == Some(&Part::Many) => continue,
                '*' => Part::Many,
                '?' => Part::One,
                '[' => read_set(&mut characters).ok_or(InvalidPattern {
                    problem: "a set is not closed by `]`",
                })?,
                '\\' => Part::Literal(characters.next().ok_or(InvalidPattern {
                    problem: "it ends after a backslash",
                })?),
                other => Part::Literal(other),
            });
        }
        Ok((Self(parts), None))
    }

    /// Goes back to the last `*` only: what an earlier one took can never matter again.
    fn matches(&self, name: &str) -> bool {
        let parts = &self.0;
        let mut rest = name.chars();
        let mut at = 0;
        let mut last_star = None;
        loop {
            let before = rest.clone();
            let next = rest.next();
            match (parts.get(at), next) {
                (Some(Part::Many), _) => {
                    last_star = Some((at, before.clone()));
                    rest = before;
                    at += 1;
                }
                (None, None) => return true,
                (Some(part), Some(character)) if part.takes(character) => at += 1,
                _ => match &mut last_star {
                    // The name is at its end, so no longer match of the star helps.
                    _ if next.is_none() => return false,
                    None => return false,
                    Some((star, from)) => {
                        from.next();
                        rest = from.clone();
                        at = *star + 1;
                    }
                },
            }
        }
    }
}

impl Part {
    fn takes(&self, character: char) -> bool {
        match self {
            Self::Literal(literal) => *literal == character,
            Self::One => true,
            Self::Many => false,
            Self::Set { negated, ranges } => {
                let within = |(first, last): &(char, char)| (first..=last).contains(&&character);
                ranges.iter().any(within) != *negated
            }
        }
    }
}

/// The set whose `[` was read; `None` if it is not closed. A `]` in the first place is a member.
fn read_set(characters: &mut std::str::Chars<'_>) -> Option<Part> {
    let mut ahead = characters.clone();
    let negated = matches!(ahead.next(), Some('!' | '^'));
    if negated {
        *characters = ahead;
    }
    let mut ranges = Vec::new();
    loop {
        let first = match characters.next()? {
            ']' if !ranges.is_empty() => return Some(Part::Set { negated, ranges }),
            '\\' => characters.next()?,
            other => other,
        };
        let mut ahead = characters.clone();
        let range_end = match (ahead.next(), ahead.next()) {
            (Some('-'), Some(end)) if end != ']' => Some(end),
            _ => None,
        };
        if range_end.is_some() {
            *characters = ahead;
        }
        ranges.push((first, range_end.unwrap_or(first)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Pattern::new(&format!("*:{pattern}"))
            .unwrap()
            .matches("", name)
    }

    #[test]
    fn patterns_match_whole_names() {
        for (pattern, name, expected) in [
            ("qa", "qa", true),
            ("qa", "qa_long", false),
            ("qa", "xop:qa", false),
            ("qa*", "qa_long", true),
            ("*qa", "xop:qa", true),
            ("q?", "qa", true),
            ("q?", "qä", true),
            ("q?", "q", false),
            ("*", "", true),
            ("", "", true),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[^a-c]x", "dx", true),
            ("[]]", "]", true),
            ("[a-]", "-", true),
            (r"\*", "*", true),
            (r"\*", "a", false),
            (r"[\]a]", "]", true),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "aXbXbX", false),
            ("a:b", "a:b", true),
            ("QA", "qa", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn malformed_patterns_say_what_is_wrong() {
        for (pattern, problem) in [
            ("", "it is empty: to select everything, say so"),
            ("qa", "it has no colon: write namespace:operation"),
            ("a:[b", "a set is not closed by `]`"),
            ("a:b\\", "it ends after a backslash"),
        ] {
            let error = Pattern::new(pattern).unwrap_err();
            assert_eq!(error.to_string(), format!("invalid pattern: {problem}"));
        }
        assert!(Pattern::new(&"*".repeat(1025)).is_err());
    }

    #[test]
    fn a_hostile_pattern_takes_little_time() {
        let pattern = format!("{}b", "a*".repeat(500));
        assert!(!matches(&pattern, &"a".repeat(5_000)));
    }

    #[test]
    fn a_literal_namespace_is_found() {
        let namespace = |text| Pattern::new(text).unwrap().literal_namespace();
        assert_eq!(namespace(r"a\*:qa").as_deref(), Some("a*"));
        assert_eq!(namespace("a*:qa"), None);
        let moved = Pattern::new("a*:q[:]*").unwrap().in_namespace("t:*");
        assert_eq!(Pattern::new(moved.as_str()), Ok(moved));
    }
}

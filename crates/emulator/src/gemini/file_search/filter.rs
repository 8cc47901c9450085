//! The language a search is narrowed in: the part of Google's filter syntax (AIP-160) that file
//! search takes. Comparisons are joined by `AND` and `OR`, where `OR` binds closer; parentheses
//! group, and `NOT` or `-` negates.
//!
//! Parsing and judging are here; what a document's facts are is not.

use crate::gemini::{
    errors::ApiError,
    file_search::metadata::{Fact, Metadata},
};

/// How deep parentheses may go.
const DEEPEST: usize = 32;

/// A filter that was read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Compare {
        key: String,
        how: Comparison,
        value: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// One of several is equal; `*` is anything.
    Has,
}

impl Filter {
    /// Reads a filter. An empty one lets everything through.
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        let parsed = tokens(text).and_then(|tokens| {
            let mut parser = Parser {
                tokens: &tokens,
                depth: 0,
            };
            let filter = parser.all()?;
            match parser.tokens {
                [] => Ok(filter),
                [token, ..] => Err(format!("{} is not expected", token.shown())),
            }
        });
        parsed.map_err(|problem| {
            ApiError::invalid_argument(format!("Invalid metadata filter \"{text}\": {problem}."))
        })
    }

    /// Whether a document with these facts passes.
    pub(super) fn passes(&self, facts: &Metadata) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.passes(facts)),
            Self::Any(parts) => parts.iter().any(|part| part.passes(facts)),
            Self::Not(part) => !part.passes(facts),
            Self::Compare { key, how, value } => compare(facts.get(key), *how, value),
        }
    }
}

/// A comparison with a fact there is not is false; what is not there differs from everything.
fn compare(fact: Option<&Fact>, how: Comparison, value: &str) -> bool {
    use Comparison::{Equal, Greater, GreaterOrEqual, Has, Less, LessOrEqual, Unequal};
    let Some(fact) = fact else {
        return how == Unequal;
    };
    let ordering = match fact {
        Fact::Text(text) => Some(text.as_str().cmp(value)),
        Fact::Number(number) => value
            .trim()
            .parse()
            .ok()
            .and_then(|value: f64| number.partial_cmp(&value)),
        Fact::Texts(texts) => {
            let found = texts.iter().any(|text| text == value);
            return match how {
                Has => found || value == "*",
                Equal => found,
                Unequal => !found,
                Less | LessOrEqual | Greater | GreaterOrEqual => false,
            };
        }
    };
    match how {
        Has => value == "*" || ordering.is_some_and(|it| it.is_eq()),
        Equal => ordering.is_some_and(|it| it.is_eq()),
        Unequal => !ordering.is_some_and(|it| it.is_eq()),
        Less => ordering.is_some_and(|it| it.is_lt()),
        LessOrEqual => ordering.is_some_and(|it| it.is_le()),
        Greater => ordering.is_some_and(|it| it.is_gt()),
        GreaterOrEqual => ordering.is_some_and(|it| it.is_ge()),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    /// A run of letters, digits and the like.
    Word(String),
    Quoted(String),
    Compare(Comparison),
    And,
    Or,
    Not,
    Open,
    Close,
}

impl Token {
    fn shown(&self) -> String {
        match self {
            Self::Word(word) => format!("\"{word}\""),
            Self::Quoted(text) => format!("the text \"{text}\""),
            Self::Compare(_) => "a comparison".to_owned(),
            Self::And => "AND".to_owned(),
            Self::Or => "OR".to_owned(),
            Self::Not => "NOT".to_owned(),
            Self::Open => "\"(\"".to_owned(),
            Self::Close => "\")\"".to_owned(),
        }
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    depth: usize,
}

impl Parser<'_> {
    /// Parts joined by `AND`, or by nothing at all.
    fn all(&mut self) -> Result<Filter, String> {
        let mut parts = Vec::new();
        loop {
            match self.tokens {
                [] | [Token::Close, ..] => break,
                [Token::And, rest @ ..] if !parts.is_empty() => {
                    self.tokens = rest;
                    parts.push(self.any()?);
                }
                _ => parts.push(self.any()?),
            }
        }
        Ok(match parts.len() {
            1 => parts.remove(0),
            _ => Filter::All(parts),
        })
    }

    /// Parts joined by `OR`.
    fn any(&mut self) -> Result<Filter, String> {
        let mut parts = vec![self.one()?];
        while let [Token::Or, rest @ ..] = self.tokens {
            self.tokens = rest;
            parts.push(self.one()?);
        }
        Ok(match parts.len() {
            1 => parts.remove(0),
            _ => Filter::Any(parts),
        })
    }

    fn one(&mut self) -> Result<Filter, String> {
        match self.tokens {
            [Token::Not, rest @ ..] => {
                self.tokens = rest;
                self.deeper()?;
                let part = self.one()?;
                self.depth -= 1;
                Ok(Filter::Not(Box::new(part)))
            }
            [Token::Open, rest @ ..] => {
                self.tokens = rest;
                self.deeper()?;
                let inner = self.all()?;
                self.depth -= 1;
                match self.tokens {
                    [Token::Close, rest @ ..] => {
                        self.tokens = rest;
                        Ok(inner)
                    }
                    _ => Err("a parenthesis is not closed".to_owned()),
                }
            }
            [
                Token::Word(key) | Token::Quoted(key),
                Token::Compare(how),
                rest @ ..,
            ] => {
                self.tokens = rest;
                let value = self.value(key)?;
                Ok(Filter::Compare {
                    key: key.clone(),
                    how: *how,
                    value,
                })
            }
            [Token::Word(word) | Token::Quoted(word), ..] => {
                Err(format!("\"{word}\" is not compared with anything"))
            }
            [token, ..] => Err(format!("{} is not expected", token.shown())),
            [] => Err("it ends where a comparison is expected".to_owned()),
        }
    }

    /// A quoted text, or words up to whatever is not one: `author=Robert Graves` needs no quotes.
    fn value(&mut self, key: &str) -> Result<String, String> {
        if let [Token::Quoted(text), rest @ ..] = self.tokens {
            self.tokens = rest;
            return Ok(text.clone());
        }
        let mut words: Vec<&str> = Vec::new();
        while let [Token::Word(word), rest @ ..] = self.tokens {
            if matches!(rest, [Token::Compare(_), ..]) {
                break;
            }
            words.push(word);
            self.tokens = rest;
        }
        if words.is_empty() {
            return Err(format!("\"{key}\" is compared with nothing"));
        }
        Ok(words.join(" "))
    }

    fn deeper(&mut self) -> Result<(), String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("it is nested more than {DEEPEST} deep"));
        }
        Ok(())
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    const SPECIAL: &str = "()=!<>:\"'";
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, len) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '=' => (Token::Compare(Comparison::Equal), 1),
            ':' => (Token::Compare(Comparison::Has), 1),
            '!' if rest.starts_with("!=") => (Token::Compare(Comparison::Unequal), 2),
            '<' if rest.starts_with("<=") => (Token::Compare(Comparison::LessOrEqual), 2),
            '<' => (Token::Compare(Comparison::Less), 1),
            '>' if rest.starts_with(">=") => (Token::Compare(Comparison::GreaterOrEqual), 2),
            '>' => (Token::Compare(Comparison::Greater), 1),
            '"' | '\'' => {
                let (text, len) = quoted(rest, first)?;
                (Token::Quoted(text), len)
            }
            '!' => return Err("\"!\" stands for nothing; use NOT".to_owned()),
            // In front of a value a minus is a sign.
            '-' if negates(&out, rest) => (Token::Not, 1),
            _ => {
                let end = |c: char| c.is_whitespace() || SPECIAL.contains(c);
                let len = rest.find(end).unwrap_or(rest.len());
                let token = match &rest[..len] {
                    "AND" => Token::And,
                    "OR" => Token::Or,
                    "NOT" => Token::Not,
                    word => Token::Word(word.to_owned()),
                };
                (token, len)
            }
        };
        out.push(token);
        rest = rest[len..].trim_start();
    }
    Ok(out)
}

/// Whether a minus at the beginning of `rest` stands before a comparison.
fn negates(before: &[Token], rest: &str) -> bool {
    !matches!(before.last(), Some(Token::Compare(_) | Token::Word(_)))
        && rest[1..].starts_with(|c: char| c.is_alphabetic() || "(_\"'".contains(c))
}

/// The text between quotes at the beginning of `rest`, and the bytes it takes.
fn quoted(rest: &str, quote: char) -> Result<(String, usize), String> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => text.extend(chars.next().map(|(_, c)| c)),
            c if c == quote => return Ok((text, at + 1)),
            c => text.push(c),
        }
    }
    Err("a quoted text does not end".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn facts() -> Metadata {
        let facts = json!({"customMetadata": [
            {"key": "author", "stringValue": "Robert Graves"},
            {"key": "year", "numericValue": 1934},
            {"key": "tags", "stringListValue": {"values": ["rome", "novel"]}},
            {"key": "shelf-no", "stringValue": "-4"},
        ]});
        Metadata::decode(facts.as_object().expect("an object")).expect("valid")
    }

    fn passes(filter: &str) -> bool {
        Filter::parse(filter).expect(filter).passes(&facts())
    }

    #[test]
    fn what_passes() {
        for filter in [
            "",
            "author = \"Robert Graves\"",
            "author=Robert Graves",
            "author = 'Robert Graves' AND year=1934",
            "author=Robert Graves year<1935",
            "year >= 1934 AND year <= 1934.0",
            "year > -5",
            "shelf-no = -4",
            "year != 1935",
            "editor != nobody",
            "tags = rome",
            "tags:novel",
            "tags:*",
            "NOT tags = greece",
            "-author = Homer",
            "(year = 1 OR year = 1934) AND (tags = rome)",
            "author > Homer",
            "author != \"Robert \\\"Graves\\\"\"",
        ] {
            assert!(passes(filter), "{filter}");
        }
    }

    #[test]
    fn what_does_not_pass() {
        for filter in [
            "author = robert graves",
            "year = 1935",
            "year = about 1934",
            "year < 1934",
            "tags = greece",
            "tags > a",
            "tags != rome",
            "editor = nobody",
            "editor:*",
            "NOT (year = 1934)",
            "author = Homer OR year = 8",
        ] {
            assert!(!passes(filter), "{filter}");
        }
    }

    #[test]
    fn or_binds_closer_than_and() {
        assert!(!passes("year = 1934 OR year = 1 AND tags = greece"));
        assert!(passes("year = 1934 OR (year = 1 AND tags = greece)"));
    }

    #[test]
    fn what_cannot_be_read() {
        for (filter, part) in [
            ("author", "not compared with anything"),
            ("author =", "compared with nothing"),
            ("= x", "a comparison is not expected"),
            ("(a = 1", "not closed"),
            ("a = 1)", "\")\" is not expected"),
            ("a = \"x", "does not end"),
            ("a = 1 AND", "it ends"),
            ("AND a = 1", "AND is not expected"),
            ("a ! 1", "use NOT"),
            ("a = 1 OR OR b = 2", "OR is not expected"),
        ] {
            let error = Filter::parse(filter).expect_err(filter);
            assert!(error.message().contains(part), "{}", error.message());
        }
        let deep = format!("{}a=1{}", "(".repeat(99), ")".repeat(99));
        assert!(Filter::parse(&deep).is_err());
        assert!(Filter::parse(&format!("{}a=1", "NOT ".repeat(9999))).is_err());
    }

    proptest! {
        #[test]
        fn anything_is_read_or_refused(text in "[a-c1 =!<>:()\"'\\-\\\\]{0,24}|\\PC{0,12}|(NOT|AND|OR|a=1| |\\(|\\)){0,12}") {
            if let Ok(filter) = Filter::parse(&text) {
                let _ = filter.passes(&facts());
            }
        }
    }
}

//! The tokenizer of the Kimi family: byte pairs joined by rank, within pieces that a pattern cuts
//! a text into. Its files are those of tiktoken, not those of the `tokenizers` library.

use std::collections::HashMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gimmal_transport::Error;
use regex::Regex;
use serde_json::Value;

/// Numbers after those of the byte pairs that are set aside for special tokens.
const RESERVED: u32 = 256;
/// Marks a pair that cannot be joined.
const NEVER: u32 = u32::MAX;

/// A tokenizer of the Kimi family.
///
/// ```
/// use gimmal_client::tinker::tokenizer::KimiTokenizer;
///
/// // Ranks of `a`, `b` and `ab`, and one special token.
/// let model = "YQ== 0\nYg== 1\nYWI= 2\n";
/// let config = r#"{"added_tokens_decoder": {"3": {"content": "<|end|>"}}}"#;
/// let tokenizer = KimiTokenizer::new(model, config)?;
/// assert_eq!(tokenizer.encode("abb<|end|>", true)?, [2, 1, 3]);
/// assert_eq!(tokenizer.decode(&[2, 1, 3])?, "abb<|end|>");
/// # Ok::<(), gimmal_client::Error>(())
/// ```
#[derive(Debug)]
pub struct KimiTokenizer {
    ranks: HashMap<Vec<u8>, u32>,
    /// The bytes of each token, special ones included, by number.
    bytes: HashMap<u32, Vec<u8>>,
    special: HashMap<String, u32>,
    special_pattern: Regex,
    pieces: Regex,
}

impl KimiTokenizer {
    /// A tokenizer of the texts of its two files, `tiktoken.model` and `tokenizer_config.json`.
    ///
    /// # Errors
    ///
    /// Fails when a line of the model is not base64 and a rank, or the configuration no JSON.
    pub fn new(model: &str, config: &str) -> Result<Self, Error> {
        let ranks = ranks(model)?;
        let special = special(config, u32::try_from(ranks.len()).unwrap_or(NEVER))?;
        let mut names: Vec<&str> = special.keys().map(String::as_str).collect();
        // Where one name begins another, the longer one is meant.
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        let names: Vec<String> = names.into_iter().map(regex::escape).collect();
        let own = special
            .iter()
            .map(|(name, id)| (*id, name.clone().into_bytes()));
        let pairs = ranks.iter().map(|(bytes, rank)| (*rank, bytes.clone()));
        Ok(Self {
            bytes: pairs.chain(own).collect(),
            special_pattern: pattern(&names.join("|"))?,
            pieces: pattern(&piece_pattern())?,
            ranks,
            special,
        })
    }

    /// A tokenizer of its two files.
    ///
    /// # Errors
    ///
    /// Fails when one of them cannot be read, and as [`KimiTokenizer::new`] does.
    pub fn from_files(model: &Path, config: &Path) -> Result<Self, Error> {
        let read = |path: &Path| {
            std::fs::read_to_string(path).map_err(|error| Error::file("read", path, error))
        };
        Self::new(&read(model)?, &read(config)?)
    }

    /// The tokens of a text. Names of special tokens are these tokens if `special` says so, and
    /// text like any other otherwise.
    ///
    /// # Errors
    ///
    /// Fails when the model has no token for a byte of the text.
    pub fn encode(&self, text: &str, special: bool) -> Result<Vec<u32>, Error> {
        let mut tokens = Vec::new();
        let mut from = 0;
        if special {
            for found in self.special_pattern.find_iter(text) {
                self.encode_plain(&text[from..found.start()], &mut tokens)?;
                tokens.extend(self.special.get(found.as_str()));
                from = found.end();
            }
        }
        self.encode_plain(&text[from..], &mut tokens)?;
        Ok(tokens)
    }

    /// The text of tokens; bytes that are no text become U+FFFD.
    ///
    /// # Errors
    ///
    /// Fails on a number that is no token.
    pub fn decode(&self, tokens: &[u32]) -> Result<String, Error> {
        let mut bytes = Vec::new();
        for token in tokens {
            let own = self
                .bytes
                .get(token)
                .ok_or_else(|| Error::invalid("tokens", format!("there is no token {token}")))?;
            bytes.extend_from_slice(own);
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn encode_plain(&self, text: &str, tokens: &mut Vec<u32>) -> Result<(), Error> {
        let mut from = 0;
        while let Some(found) = self.pieces.find_at(text, from) {
            let end = piece_end(text, found.start(), found.end());
            self.encode_piece(&text.as_bytes()[found.start()..end], tokens)?;
            from = end;
        }
        Ok(())
    }

    /// Joins the pair with the lowest rank until none is left, as the pairs were learnt.
    fn encode_piece(&self, piece: &[u8], tokens: &mut Vec<u32>) -> Result<(), Error> {
        if let Some(rank) = self.ranks.get(piece) {
            tokens.push(*rank);
            return Ok(());
        }
        // Where the parts begin, with the rank of each joined with the next one.
        let rank = |from: usize, to: usize| self.ranks.get(&piece[from..to]).copied();
        let mut parts: Vec<(usize, u32)> = (0..=piece.len())
            .map(|at| (at, at + 2))
            .map(|(at, end)| {
                let joined = (end <= piece.len()).then(|| rank(at, end)).flatten();
                (at, joined.unwrap_or(NEVER))
            })
            .collect();
        while let Some((index, _)) = lowest(&parts) {
            parts.remove(index + 1);
            for index in [Some(index), index.checked_sub(1)].into_iter().flatten() {
                let to = parts.get(index + 2).map(|part| part.0);
                let joined = to.and_then(|to| rank(parts[index].0, to));
                parts[index].1 = joined.unwrap_or(NEVER);
            }
        }
        for pair in parts.windows(2) {
            let bytes = &piece[pair[0].0..pair[1].0];
            let token = self.ranks.get(bytes).ok_or_else(|| {
                Error::invalid(
                    "text",
                    format!("the model has no token for the bytes {bytes:?}"),
                )
            })?;
            tokens.push(*token);
        }
        Ok(())
    }
}

/// The place of the lowest rank, the first of several.
fn lowest(parts: &[(usize, u32)]) -> Option<(usize, u32)> {
    let ranked = parts.iter().enumerate().map(|(at, part)| (at, part.1));
    ranked
        .filter(|(_, rank)| *rank != NEVER)
        .min_by_key(|(_, rank)| *rank)
}

/// What a piece of a text is, in the order in which it is tried: Han characters, words with a
/// character before them and a contraction after them, up to three digits, signs, ends of lines,
/// and white space.
fn piece_pattern() -> String {
    let upper = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]";
    let lower = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]";
    let before = r"[^\r\n\p{L}\p{N}]?";
    let after = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?";
    [
        r"\p{Han}+".to_owned(),
        format!("{before}{upper}*{lower}+{after}"),
        format!("{before}{upper}+{lower}*{after}"),
        r"\p{N}{1,3}".to_owned(),
        r" ?[^\s\p{L}\p{N}]+[\r\n]*".to_owned(),
        r"\s*[\r\n]+".to_owned(),
        r"\s+".to_owned(),
    ]
    .join("|")
}

/// Where a piece really ends: white space leaves its last character to what follows it. The
/// pattern of the model says so by looking ahead, which the regular expressions here cannot.
fn piece_end(text: &str, start: usize, end: usize) -> usize {
    let piece = &text[start..end];
    let only_space = piece.chars().all(char::is_whitespace);
    let goes_on = text[end..].chars().next().is_some();
    let last = piece.chars().next_back();
    match last {
        Some(last)
            if only_space
                && goes_on
                && !matches!(last, '\r' | '\n')
                && piece.len() > last.len_utf8() =>
        {
            end - last.len_utf8()
        }
        _ => end,
    }
}

fn pattern(text: &str) -> Result<Regex, Error> {
    Regex::new(text).map_err(|error| Error::config(error.to_string()))
}

/// The lines of a model: bytes in base64, and their rank.
fn ranks(model: &str) -> Result<HashMap<Vec<u8>, u32>, Error> {
    let lines = model.lines().map(str::trim).enumerate();
    let lines = lines.filter(|(_, line)| !line.is_empty());
    lines
        .map(|(number, line)| {
            let parts = line.split_once(char::is_whitespace);
            let read = parts.and_then(|(bytes, rank)| {
                Some((STANDARD.decode(bytes).ok()?, rank.trim().parse().ok()?))
            });
            read.ok_or_else(|| {
                let message = format!("line {} is not base64 and a rank", number + 1);
                Error::invalid("tiktoken.model", message)
            })
        })
        .collect()
}

/// The special tokens by name: those that the configuration names, and the rest of what is set
/// aside.
fn special(config: &str, first: u32) -> Result<HashMap<String, u32>, Error> {
    let config: Value = serde_json::from_str(config)
        .map_err(|error| Error::invalid("tokenizer_config.json", error.to_string()))?;
    let named = |id: u32| {
        let added = config.get("added_tokens_decoder")?.get(id.to_string())?;
        Some(added.get("content")?.as_str()?.to_owned())
    };
    let ids = first..first.saturating_add(RESERVED);
    let name = |id| named(id).unwrap_or_else(|| format!("<|reserved_token_{id}|>"));
    Ok(ids.map(|id| (name(id), id)).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;

    fn model(tokens: &[&str]) -> String {
        let line = |(rank, token): (usize, &&str)| format!("{} {rank}\n", STANDARD.encode(token));
        tokens.iter().enumerate().map(line).collect()
    }

    const BOS: &str = r#"{"added_tokens_decoder": {"6": {"content": "<|bos|>"}}}"#;

    fn small() -> KimiTokenizer {
        KimiTokenizer::new(&model(&["S", "a", "y", " ", "h", "i"]), BOS).unwrap()
    }

    /// A model with all bytes and a few words.
    fn bytes() -> KimiTokenizer {
        let bytes = (0..=255_u8).map(|byte| format!("{} {byte}\n", STANDARD.encode([byte])));
        let words = ["th", "the", " the", "he", "in", "ing"].iter().zip(256..);
        let words = words.map(|(word, rank)| format!("{} {rank}\n", STANDARD.encode(word)));
        let model: String = bytes.chain(words).collect();
        KimiTokenizer::new(&model, "{}").unwrap()
    }

    /// Covers: CHK-TOK-2
    #[test]
    fn chk_tok_2_ranks_and_special_tokens() {
        let tokenizer = small();
        let said = tokenizer.encode("Say hi", true).unwrap();
        assert_eq!(said, [0, 1, 2, 3, 4, 5]);
        assert_eq!(tokenizer.decode(&said).unwrap(), "Say hi");
        let begun = tokenizer.encode("<|bos|>Say", true).unwrap();
        assert_eq!(begun, [6, 0, 1, 2]);
        assert_eq!(tokenizer.decode(&begun).unwrap(), "<|bos|>Say");
        assert_eq!(tokenizer.encode("<|reserved_token_7|>", true).unwrap(), [7]);
        let error = tokenizer.encode("<|bos|>", false).unwrap_err();
        assert_eq!(error.field(), Some("text"));
        assert_eq!(
            tokenizer.decode(&[999]).unwrap_err().field(),
            Some("tokens")
        );
    }

    /// The pieces that a text is cut into.
    fn pieces(text: &str) -> Vec<&str> {
        let tokenizer = small();
        let (mut from, mut pieces) = (0, Vec::new());
        while let Some(found) = tokenizer.pieces.find_at(text, from) {
            let end = piece_end(text, found.start(), found.end());
            pieces.push(&text[found.start()..end]);
            from = end;
        }
        pieces
    }

    #[test_case("Hello world", &["Hello", " world"])]
    #[test_case("I'll say it's", &["I'll", " say", " it's"]; "contractions")]
    #[test_case("12345", &["123", "45"])]
    #[test_case("中文abc", &["中文", "abc"]; "han")]
    #[test_case("a  b", &["a", " ", " b"]; "two spaces")]
    #[test_case("a   ", &["a", "   "]; "spaces at the end")]
    #[test_case("a \n\n b", &["a", " \n\n", " b"]; "lines")]
    #[test_case("x += 1;\n", &["x", " +=", " ", "1", ";\n"]; "signs")]
    #[test_case("camelCase HTML", &["camel", "Case", " HTML"]; "case")]
    #[test_case("a\u{a0} 1", &["a", "\u{a0}", " ", "1"]; "other spaces")]
    fn a_text_is_cut_into_pieces(text: &str, expected: &[&str]) {
        assert_eq!(pieces(text), expected);
    }

    #[test]
    fn pairs_are_joined_by_rank() {
        let tokenizer = bytes();
        assert_eq!(
            tokenizer.encode("the thing", false).unwrap(),
            [257, 32, 256, 261]
        );
        assert_eq!(tokenizer.decode(&[255, 257]).unwrap(), "\u{fffd}the");
    }

    #[test_case("YQ== x", "{}", "tiktoken.model")]
    #[test_case("*** 1", "{}", "tiktoken.model"; "base64")]
    #[test_case("YQ== 0", "no json", "tokenizer_config.json")]
    fn damaged_files_are_named(model: &str, config: &str, field: &str) {
        let error = KimiTokenizer::new(model, config).unwrap_err();
        assert_eq!(error.field(), Some(field));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_text_comes_back(text in any::<String>()) {
            let tokenizer = bytes();
            let tokens = tokenizer.encode(&text, false).unwrap();
            prop_assert_eq!(tokenizer.decode(&tokens).unwrap(), text);
        }
    }
}

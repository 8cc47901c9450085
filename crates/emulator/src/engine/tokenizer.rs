//! The emulator's own tokenizer: word pieces, about 4.2 bytes of English to the token. It is
//! deterministic and loses nothing (the pieces of a text join to the text); it does not agree with
//! any real model's counts.

/// The longest run of letters kept as one piece.
const WHOLE_WORD: usize = 6;
/// The length of the pieces a longer word is cut into.
const WORD_PIECE: usize = 5;

/// The pieces of `text`, in order and without gaps.
pub(crate) fn pieces(text: &str) -> Pieces<'_> {
    Pieces { rest: text }
}

/// The number of tokens in `text`.
pub(crate) fn count(text: &str) -> usize {
    pieces(text).count()
}

/// The longest prefix of `text` with at most `limit` tokens, and whether anything was left out.
pub(crate) fn truncate(text: &str, limit: usize) -> (&str, bool) {
    let mut pieces = pieces(text);
    for _ in 0..limit {
        if pieces.next().is_none() {
            return (text, false);
        }
    }
    let kept = text.len() - pieces.rest.len();
    (&text[..kept], kept < text.len())
}

/// The iterator of [`pieces`].
#[derive(Clone, Debug)]
pub(crate) struct Pieces<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let first = self.rest.chars().next()?;
        // One space belongs to the word after it.
        let lead = usize::from(first == ' ');
        let after = self.rest.get(lead..).unwrap_or_default();
        let len = lead
            + match after.chars().next() {
                Some(c) if c.is_alphabetic() && !is_ideographic(c) => word_piece(after),
                Some(' ') => run(after, |c| c == ' '),
                Some(c) if c.is_whitespace() && lead == 0 => run(after, |other| other == c),
                Some(c) if !c.is_whitespace() => c.len_utf8(),
                _ => 0,
            };
        let (piece, rest) = self.rest.split_at(len);
        self.rest = rest;
        Some(piece)
    }
}

/// The length in bytes of the first piece of the word `text` starts with.
fn word_piece(text: &str) -> usize {
    let mut cut = text.len();
    for (chars, (at, c)) in text.char_indices().enumerate() {
        if chars == WORD_PIECE {
            cut = at;
        }
        if !c.is_alphabetic() || is_ideographic(c) {
            return at;
        }
        if chars == WHOLE_WORD {
            return cut;
        }
    }
    text.len()
}

fn run(text: &str, same: impl Fn(char) -> bool) -> usize {
    text.find(|c| !same(c)).unwrap_or(text.len())
}

/// Characters of scripts written without spaces, which are tokens by themselves.
pub(crate) fn is_ideographic(c: char) -> bool {
    matches!(u32::from(c),
        0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF
        | 0x2E80..=0x30FF | 0x3100..=0x31FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF
        | 0xAC00..=0xD7AF | 0xF900..=0xFAFF | 0xFF66..=0xFF9F | 0x20000..=0x3FFFF)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn english_is_about_four_bytes_to_the_token() {
        let text = "The warehouse opens at seven in the morning and closes at nine in the evening, \
            except on public holidays. Every shipment that arrives before noon is checked in by the \
            receiving team, labelled, and placed on a shelf within four hours. Damaged goods are \
            photographed and reported to the carrier on the same day, because claims made later than \
            seventy-two hours after delivery are usually rejected.";
        let ratio = text.len() as f64 / count(text) as f64;
        assert!((3.9..4.5).contains(&ratio), "{ratio}");
    }

    #[test]
    fn pieces_by_kind() {
        let of = |text| pieces(text).collect::<Vec<_>>();
        assert_eq!(of("a cat"), ["a", " cat"]);
        assert_eq!(of("internationally"), ["inter", "natio", "nally"]);
        assert_eq!(of("v2.10"), ["v", "2", ".", "1", "0"]);
        assert_eq!(of("日本語 text"), ["日", "本", "語", " text"]);
        assert_eq!(of("a  \n\nb"), ["a", "  ", "\n\n", "b"]);
        assert_eq!(of(" \n"), [" ", "\n"]);
        assert_eq!(of(""), Vec::<&str>::new());
    }

    #[test]
    fn truncation_stops_between_pieces() {
        assert_eq!(truncate("one two three", 2), ("one two", true));
        assert_eq!(truncate("one two", 2), ("one two", false));
        assert_eq!(truncate("one", 0), ("", true));
        assert_eq!(truncate("", 0), ("", false));
    }

    proptest! {
        #[test]
        fn the_pieces_join_to_the_text(text in "\\PC{0,60}|[ \\n\\ta-z0-9.日]{0,40}") {
            prop_assert_eq!(pieces(&text).collect::<String>(), text.clone());
            prop_assert!(pieces(&text).all(|piece| !piece.is_empty()));
        }

        #[test]
        fn a_prefix_of_n_tokens_has_n_tokens(text in "[ a-zA-Z0-9,.]{0,80}", n in 0_usize..30) {
            let (kept, cut) = truncate(&text, n);
            prop_assert_eq!(cut, kept.len() < text.len());
            prop_assert!(pieces(&text).take(n).collect::<String>() == kept);
        }
    }
}

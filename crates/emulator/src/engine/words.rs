//! Search terms: text to lower-case stems without stop words. Used the same way for passages and
//! for questions, so that both sides of a comparison agree.

use crate::engine::tokenizer::is_ideographic;

/// The terms of `text`, in order, with repeats.
///
/// A compound such as `gemini-2.5-flash` or `0.85` gives itself and its parts.
pub(crate) fn terms(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for compound in compounds(text) {
        let lower = compound.to_lowercase();
        let parts: Vec<&str> = lower
            .split(|c: char| !c.is_alphanumeric())
            .filter(|part| !part.is_empty())
            .collect();
        if parts.len() > 1 && parts != ["s"] {
            out.push(lower.clone());
        }
        for part in parts {
            if part.chars().any(is_ideographic) {
                out.extend(part.chars().map(String::from));
            } else if !is_stop_word(part) {
                out.push(stem(part));
            }
        }
    }
    out
}

/// The runs of letters and digits of `text`, joined across single `.`, `-`, `_`, `/`, `:` and
/// apostrophes that have a letter or digit on both sides.
pub(crate) fn compounds(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut start = None;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c.is_alphanumeric() {
            start.get_or_insert(at);
            continue;
        }
        let Some(begin) = start else { continue };
        let joins = matches!(c, '.' | '-' | '_' | '/' | ':' | '\'' | '’')
            && chars.peek().is_some_and(|(_, next)| next.is_alphanumeric());
        if !joins {
            out.push(without_possessive(&text[begin..at]));
            start = None;
        }
    }
    if let Some(begin) = start {
        out.push(without_possessive(&text[begin..]));
    }
    out
}

fn without_possessive(word: &str) -> &str {
    word.strip_suffix("'s")
        .or_else(|| word.strip_suffix("’s"))
        .unwrap_or(word)
}

/// Words too common to say what a text is about.
pub(crate) fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.binary_search(&word).is_ok()
}

#[rustfmt::skip]
const STOP_WORDS: &[&str] = &[
    "a", "about", "after", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be",
    "because", "been", "before", "being", "both", "but", "by", "can", "could", "d", "did", "do",
    "does", "doing", "each", "for", "from", "further", "had", "has", "have", "having", "he", "her",
    "here", "hers", "him", "his", "how", "i", "if", "in", "into", "is", "it", "its", "just", "ll",
    "many", "may", "me", "might", "more", "most", "much", "must", "my", "no", "nor", "not", "of",
    "on", "once", "only", "or", "other", "our", "out", "over", "own", "please", "re", "s", "same",
    "shall", "she", "should", "so", "some", "such", "t", "tell", "than", "that", "the", "their",
    "them", "then", "there", "these", "they", "this", "those", "through", "to", "too", "under",
    "until", "up", "us", "ve", "very", "was", "we", "were", "what", "when", "where", "which",
    "while", "who", "whom", "whose", "why", "will", "with", "would", "you", "your",
];

/// A light stem: plurals, `-ing`, `-ed` and a final `e` go, so that cache, caches, cached and
/// caching agree. It never makes a word shorter than three characters.
pub(crate) fn stem(word: &str) -> String {
    let mut word = word.to_owned();
    if !word.is_ascii() || !word.bytes().all(|b| b.is_ascii_alphabetic()) {
        return word;
    }
    if word == "used" || word == "using" {
        return "use".to_owned();
    }
    if word.len() > 4 && word.ends_with("ies") {
        word.truncate(word.len() - 3);
        word.push('y');
    } else if word.len() > 4 && word.ends_with("sses") {
        word.truncate(word.len() - 2);
    } else if word.len() > 3
        && word.ends_with('s')
        && !["ss", "us", "is"].iter().any(|end| word.ends_with(end))
    {
        word.truncate(word.len() - 1);
    }
    for suffix in ["ing", "ed"] {
        if let Some(base) = word.strip_suffix(suffix)
            && base.len() >= 3
            && base.bytes().any(is_vowel)
        {
            word.truncate(base.len());
            undouble(&mut word);
            break;
        }
    }
    if word.len() > 3 && word.ends_with('e') {
        word.pop();
    }
    word
}

/// `planned` and `plan` agree: a doubled consonant that is not naturally double loses one.
fn undouble(word: &mut String) {
    if let [.., a, b] = word.as_bytes()
        && a == b
        && word.len() > 3
        && !is_vowel(*a)
        && !matches!(a, b'l' | b's' | b'z')
    {
        word.pop();
    }
}

fn is_vowel(byte: u8) -> bool {
    matches!(byte, b'a' | b'e' | b'i' | b'o' | b'u' | b'y')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stop_words_are_sorted() {
        assert!(STOP_WORDS.is_sorted());
    }

    #[test]
    fn inflections_share_a_stem() {
        let families: [&[&str]; 6] = [
            &["cache", "caches", "cached", "caching"],
            &["plan", "plans", "planned", "planning"],
            &["policy", "policies"],
            &["expire", "expires", "expired", "expiring"],
            &["class", "classes"],
            &["ship", "shipped", "shipping", "ships"],
        ];
        for family in families {
            let stems: Vec<String> = family.iter().map(|word| stem(word)).collect();
            assert!(stems.windows(2).all(|pair| pair[0] == pair[1]), "{stems:?}");
        }
        assert_eq!(stem("status"), "status");
        assert_eq!(stem("is"), "is");
        assert_eq!(stem("sing"), "sing");
    }

    #[test]
    fn compounds_give_themselves_and_their_parts() {
        assert_eq!(
            terms("Use gemini-2.5-flash."),
            ["use", "gemini-2.5-flash", "gemini", "2", "5", "flash"]
        );
        assert_eq!(
            terms("the company's 0.85 ratio"),
            ["company", "0.85", "0", "85", "ratio"]
        );
        assert_eq!(terms("日本 tea"), ["日", "本", "tea"]);
        assert_eq!(terms("What is it?"), Vec::<String>::new());
    }
}

//! What a text is about, as weighted features: its words by rarity, the pieces of its words, pairs
//! of neighbours, and the subjects and near synonyms of `topics.rs`.

use crate::engine::{
    embedding::{
        space::Features,
        topics::{self, Place},
    },
    words,
};

/// The weight of a group of near synonyms, compared with the word itself.
const GROUP: f32 = 0.9;
/// The weight of a subject.
const TOPIC: f32 = 0.55;
/// The weight of all letter groups of a word together.
const LETTERS: f32 = 0.35;
/// The weight of two words in a row.
const PAIR: f32 = 0.25;
/// Letters in a group.
const GROUP_LETTERS: usize = 4;

/// Stems that are in every other text and say little.
#[rustfmt::skip]
const FREQUENT: &[&str] = &[
    "abl", "ago", "alway", "another", "anyon", "ask", "back", "becom", "begin", "best", "better",
    "call", "cannot", "case", "chang", "com", "day", "differ", "down", "end", "enough", "even",
    "ever", "every", "everyon", "explain", "fact", "feel", "few", "find", "first", "follow", "get",
    "giv", "go", "good", "got", "great", "happen", "hard", "help", "high", "import", "keep",
    "kind", "know", "larg", "last", "late", "later", "left", "less", "let", "life", "like",
    "littl", "long", "look", "lot", "made", "mak", "man", "mean", "men", "need", "never", "new",
    "next", "now", "number", "off", "often", "old", "one", "part", "peopl", "person", "place",
    "point", "put", "quit", "real", "really", "right", "said", "saw", "say", "see", "seem", "show",
    "sinc", "small", "someon", "someth", "start", "still", "tak", "thing", "think", "tim", "today",
    "try", "turn", "two", "usual", "want", "way", "well", "went", "without", "work", "world",
    "year", "yet",
];

/// The features of `text`.
pub(crate) fn features(text: &str) -> Features {
    let terms = words::terms(text);
    let mut out = Features::default();
    for term in &terms {
        add_word(&mut out, term);
    }
    for pair in terms.windows(2) {
        let weight = PAIR * weight(&pair[0]).min(weight(&pair[1]));
        out.add("pair", &pair.join(" "), weight);
    }
    out.dampened()
}

fn add_word(out: &mut Features, term: &str) {
    let weight = weight(term);
    out.add("word", term, weight);
    let padded: Vec<char> = format!("^{term}$").chars().collect();
    let groups = padded.windows(GROUP_LETTERS.min(padded.len()));
    let each = LETTERS * weight / (groups.len().max(1) as f32).sqrt();
    for letters in groups {
        out.add("letters", &letters.iter().collect::<String>(), each);
    }
    // A word of many meanings counts less for each of them.
    let places = topics::places(term);
    let share = (places.len().max(1) as f32).sqrt().recip();
    for Place { topic, group } in places {
        out.add("group", &group.to_string(), GROUP * share);
        out.add("topic", &topic.to_string(), TOPIC * share);
    }
}

/// How much a term says: long and rare ones more than short and frequent ones.
fn weight(term: &str) -> f32 {
    if FREQUENT.binary_search(&term).is_ok() {
        0.3
    } else if term.bytes().all(|byte| byte.is_ascii_digit()) {
        0.6
    } else {
        (0.7 + 0.06 * term.chars().count() as f32).min(1.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frequent_stems_are_sorted() {
        assert!(FREQUENT.is_sorted());
    }

    #[test]
    fn rare_words_weigh_more() {
        assert!(weight("photosynthesi") > weight("tea"));
        assert!(weight("tea") > weight("get"));
    }

    #[test]
    fn the_order_of_words_matters_a_little() {
        assert_ne!(features("dog bites man"), features("man bites dog"));
    }
}

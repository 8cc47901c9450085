//! What is found objectionable about a prompt: the scores by category, and the reasons for which
//! pictures are held back.

use serde_json::{Value, json};

use crate::{
    engine::words,
    gemini::{images::parameters::Parameters, service::Call},
};

/// The categories, each with stems of words that belong to it.
const CATEGORIES: &[(&str, &[&str])] = &[
    (
        "Death, Harm & Tragedy",
        &["death", "dead", "kill", "corps", "tragedy"],
    ),
    (
        "Firearms & Weapons",
        &["gun", "rifl", "pistol", "weapon", "bomb"],
    ),
    ("Hate", &["hate", "hat"]),
    ("Health", &["hospital", "surgery", "diseas", "wound"]),
    ("Illicit Drugs", &["cocain", "heroin", "drug"]),
    (
        "Politics",
        &["president", "election", "parliament", "minister"],
    ),
    ("Porn", &["nud", "naked", "porn"]),
    (
        "Religion & Belief",
        &["church", "mosque", "templ", "god", "pray"],
    ),
    (
        "Violence",
        &["blood", "fight", "attack", "violent", "violenc"],
    ),
    ("War & Conflict", &["war", "soldier", "battl", "tank"]),
];
/// The score of a category the prompt has a word of, and of all others.
const FOUND: f64 = 0.6;
const NOT_FOUND: f64 = 0.1;

/// Stems of words for people.
const PEOPLE: &[&str] = &[
    "baby", "boy", "child", "children", "face", "girl", "kid", "man", "men", "people", "person",
    "portrait", "selfi", "woman", "women",
];

/// `{categories, scores}` for a prompt.
pub(crate) fn attributes(prompt: &str) -> Value {
    let terms = words::terms(prompt);
    let score = |words: &[&str]| {
        if terms.iter().any(|term| words.contains(&term.as_str())) {
            FOUND
        } else {
            NOT_FOUND
        }
    };
    json!({
        "categories": CATEGORIES.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        "scores": CATEGORIES.iter().map(|(_, words)| score(words)).collect::<Vec<_>>(),
    })
}

/// Why no picture of this prompt is given, if none is.
pub(crate) fn reason(prompt: &str, parameters: &Parameters<'_>, call: &Call<'_>) -> Option<String> {
    let held_back = |code: u32| {
        format!(
            "Unable to show generated images. All images were filtered out because they violated \
             Google's Responsible AI practices. Try rephrasing the prompt. If you think this was \
             an error, send feedback. Support codes: {code}"
        )
    };
    if call
        .blocked_phrases
        .iter()
        .any(|phrase| prompt.contains(phrase.as_str()))
    {
        return Some(held_back(56_562_880));
    }
    let terms = words::terms(prompt);
    let people = terms.iter().any(|term| PEOPLE.contains(&term.as_str()));
    (people && !parameters.people).then(|| held_back(39_322_892))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_a_category_raises_its_score() {
        let attributes = attributes("a soldier with a rifle");
        let scores = attributes["scores"].as_array().expect("scores");
        assert_eq!(
            scores.len(),
            attributes["categories"].as_array().map_or(0, Vec::len)
        );
        assert_eq!(scores[1], FOUND);
        assert_eq!(scores[9], FOUND);
        assert_eq!(scores[7], NOT_FOUND);
    }
}

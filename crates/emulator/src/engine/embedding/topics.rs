//! Which words belong together: a hand-made list of subjects, and of words that mean nearly the
//! same within them. Data and its look-up; what it counts for is decided in `text.rs`.

use std::{collections::HashMap, sync::LazyLock};

use crate::engine::words::stem;

const SOURCE: &str = include_str!("topics.txt");

/// What a word belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The number of its subject.
    pub(crate) topic: u32,
    /// The number of its group of near synonyms, counted over all subjects.
    pub(crate) group: u32,
}

/// The places of a word, given as its stem.
pub(crate) fn places(stem: &str) -> &'static [Place] {
    PLACES.get(stem).map_or(&[], Vec::as_slice)
}

static PLACES: LazyLock<HashMap<String, Vec<Place>>> = LazyLock::new(|| {
    let mut out: HashMap<String, Vec<Place>> = HashMap::new();
    let mut group = 0;
    let lines = SOURCE.lines().filter(|line| !line.starts_with('#'));
    for (topic, line) in (0..).zip(lines) {
        let (_, words) = line.split_once(':').unwrap_or_default();
        for synonyms in words.split('|') {
            for word in synonyms.split_whitespace() {
                let places = out.entry(stem(word)).or_default();
                // `dance` and `dancer` may share a stem: one place is enough.
                if !places.iter().any(|place| place.group == group) {
                    places.push(Place { topic, group });
                }
            }
            group += 1;
        }
    }
    out
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_synonyms_share_a_group_and_relatives_a_topic() {
        let place = |word: &str| places(&stem(word)).first().copied().expect("known");
        assert_eq!(place("puppies"), place("dog"));
        assert_ne!(place("kitten").group, place("dog").group);
        assert_eq!(place("kitten").topic, place("dog").topic);
        assert_ne!(place("invoice").topic, place("dog").topic);
        assert!(places("qwertz").is_empty());
    }

    #[test]
    fn every_line_has_a_subject_and_words() {
        let lines = SOURCE.lines().filter(|line| !line.starts_with('#'));
        for line in lines {
            let (subject, words) = line.split_once(": ").expect("a subject");
            assert!(!subject.is_empty() && words.split('|').all(|group| !group.trim().is_empty()));
        }
    }
}

//! The rules of planners that know no prices: thresholds alone, and margins on counts. Pure; for
//! those who come from such a planner and want the same decisions at first.

use gimmal_types::gemini::PartKind;

use super::analysis::floor;
use super::{Facts, ModelFacts, Prefix};

/// What the thresholds allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thresholds {
    /// A context cache.
    Explicit,
    /// The service's own caching.
    Implicit,
    /// Neither.
    Neither,
}

/// Compares the sizes with the model's minimums: the prefix with that of context caches, the whole
/// prompt with that of the service's own caching.
pub(super) fn thresholds(
    facts: &Facts<'_>,
    model: &ModelFacts,
    prefer_implicit: bool,
) -> Thresholds {
    let prefix = facts.prefix.expected;
    let total = prefix.saturating_add(facts.tail.expected);
    let implicit = model.implicit_min.is_some_and(|least| total >= least);
    let explicit = floor(facts).is_some_and(|least| prefix >= least);
    match (explicit, implicit) {
        (_, true) if prefer_implicit || !explicit => Thresholds::Implicit,
        (true, _) => Thresholds::Explicit,
        (false, _) => Thresholds::Neither,
    }
}

/// A count with the margin for what counts of its kind miss.
///
/// Video is counted too high by about a sixth, images several times too low. A text that misses a
/// threshold by up to 20 tokens is lifted above it, in the order implicit, explicit.
pub(super) fn with_margin(count: u32, kind: Kind, thresholds: [Option<u32>; 2]) -> u32 {
    let scaled = |factor: f64| (f64::from(count) * factor).floor() as u32;
    match kind {
        Kind::Video => scaled(0.85),
        Kind::Image => scaled(6.0),
        Kind::MixedWithImage => scaled(4.0),
        Kind::Text => {
            let count = count.saturating_add(10);
            let near = |least: &u32| (least.saturating_sub(20)..*least).contains(&count);
            let missed = thresholds.into_iter().flatten().find(near);
            missed.map_or(count, |least| least + 20)
        }
    }
}

/// What a count is of, as far as margins differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Image,
    MixedWithImage,
    /// Video, alone or with anything but images.
    Video,
}

impl Kind {
    pub(super) fn of(prefix: &Prefix) -> Self {
        let contents = prefix.system_instruction.iter().chain(&prefix.contents);
        let (mut images, mut videos, mut others) = (false, false, false);
        for part in contents.flat_map(|content| &content.parts) {
            let mime = match part.kind() {
                PartKind::InlineData(blob) => blob.mime_type.as_deref(),
                PartKind::FileData(file) => file.mime_type.as_deref(),
                _ => None,
            };
            match mime.and_then(|mime| mime.split('/').next()) {
                Some("image") => images = true,
                Some("video") => videos = true,
                _ => others = true,
            }
        }
        match (images, videos, others || !prefix.tools.is_empty()) {
            (true, false, false) => Self::Image,
            (true, ..) => Self::MixedWithImage,
            (false, true, _) => Self::Video,
            (false, false, _) => Self::Text,
        }
    }
}

#[cfg(test)]
mod tests {
    use gimmal_types::gemini::{Content, Part};

    use super::*;

    #[test]
    fn texts_near_a_threshold_are_lifted_above_it() {
        for (counted, expected) in [
            (2017, 2027),
            (2018, 2068),
            (2037, 2068),
            (2038, 2048),
            (4065, 4075),
            (4066, 4116),
            (4086, 4096),
        ] {
            let have = with_margin(counted, Kind::Text, [Some(2048), Some(4096)]);
            assert_eq!(have, expected, "{counted}");
        }
    }

    #[test]
    fn media_have_their_factors() {
        let of = |parts: &[Part]| {
            let content = Content::new().set_parts(parts.to_vec());
            let contents = vec![content];
            let kind = Kind::of(&Prefix {
                contents,
                ..Prefix::default()
            });
            with_margin(1001, kind, [None, None])
        };
        let image = Part::inline_data(vec![0], "image/png");
        let video = Part::file_data("gs://b/o", "video/mp4");
        let text = Part::text("a");
        assert_eq!(of(std::slice::from_ref(&image)), 6006);
        assert_eq!(of(&[image.clone(), text.clone()]), 4004);
        assert_eq!(of(&[image, video.clone()]), 4004);
        assert_eq!(of(std::slice::from_ref(&video)), 850);
        assert_eq!(of(&[video, text.clone()]), 850);
        assert_eq!(of(&[text]), 1011);
    }
}

//! Token estimates without a call: a range and a confidence per part.
//!
//! Bytes per token and the bias per kind of part are the "v1 August 2025" table of the planner
//! lineage: text 4.2, images 750 with bias 5, video 2,500 with bias 0.85, other files 1,200.

use gimmal_types::gemini::{Content, Part, PartKind, Tool};
use serde::Serialize;

use super::Prefix;

/// Tokens as a range with a best guess, and how far to trust it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TokenEstimate {
    /// Surely at least so many tokens.
    pub min: u32,
    /// Probably so many.
    pub expected: u32,
    /// Surely at most so many.
    pub max: u32,
    /// From 0, a guess, to 1, counted.
    pub confidence: f32,
}

impl TokenEstimate {
    /// Nothing, for certain.
    pub const NONE: Self = Self {
        min: 0,
        expected: 0,
        max: 0,
        confidence: 1.0,
    };

    /// A number that the service counted.
    pub const fn exact(tokens: u32) -> Self {
        Self {
            min: tokens,
            expected: tokens,
            max: tokens,
            confidence: 1.0,
        }
    }

    /// True for text alone, whose estimates can be corrected by what the service counts.
    pub(super) fn is_of_text(self) -> bool {
        self.confidence > 0.8
    }

    /// The same estimate, so many times as large.
    pub(super) fn scaled(self, ratio: f64) -> Self {
        let scaled = |tokens: u32| (f64::from(tokens) * ratio).floor() as u32;
        Self {
            min: scaled(self.min),
            expected: scaled(self.expected),
            max: scaled(self.max),
            confidence: self.confidence,
        }
    }

    /// The estimate with its upper bound so many times as high, but no higher than the second bound;
    /// what was counted stays.
    pub(super) fn bounded(self, factor: f64, most: Option<u32>) -> Self {
        if self.confidence >= 1.0 {
            return self;
        }
        let wide = (f64::from(self.max) * factor.max(1.0)).floor() as u32;
        let max = wide.min(most.unwrap_or(u32::MAX)).max(self.min);
        Self {
            expected: self.expected.clamp(self.min, max),
            max,
            ..self
        }
    }

    /// The estimate for one medium of so many bytes.
    fn of_bytes(bytes: usize, medium: Medium) -> Self {
        let (bytes_per_token, bias, confidence) = match medium {
            Medium::Text => (4.2, 1.0, 0.9_f32),
            Medium::Image => (750.0, 5.0, 0.5),
            Medium::Video => (2500.0, 0.85, 0.7),
            Medium::Other => (1200.0, 1.0, 0.7),
            // Nothing is known of a medium behind a URI: the service must count it.
            Medium::Remote => (1.0, 10.0, 0.0),
        };
        let expected = (bytes.max(1) as f64 / bytes_per_token * bias)
            .floor()
            .max(10.0);
        let spread = if confidence > 0.8 {
            0.1
        } else if confidence > 0.6 {
            0.2
        } else {
            0.3
        };
        Self {
            min: (expected * (1.0 - spread)).floor().max(10.0) as u32,
            expected: expected as u32,
            max: (expected * (1.0 + spread)).floor() as u32,
            confidence,
        }
    }

    /// The estimate of one part. Thought signatures are not counted.
    pub fn of_part(part: &Part) -> Self {
        match part.kind() {
            PartKind::Text(text) => Self::of_bytes(text.len(), Medium::Text),
            PartKind::InlineData(blob) => {
                let bytes = blob.data.as_ref().map_or(0, |data| data.as_bytes().len());
                Self::of_bytes(bytes, Medium::of_mime(blob.mime_type.as_deref()))
            }
            PartKind::FileData(_) => Self::of_bytes(1, Medium::Remote),
            _ if part.thought_signature.is_some() => {
                let mut unsigned = part.clone();
                unsigned.thought_signature = None;
                Self::of_part(&unsigned)
            }
            _ => Self::of_bytes(json_bytes(part), Medium::Text),
        }
    }

    /// The estimate of turns.
    pub fn of_contents<'a>(contents: impl IntoIterator<Item = &'a Content>) -> Self {
        Self::total(
            contents
                .into_iter()
                .flat_map(|content| &content.parts)
                .map(Self::of_part),
        )
    }

    /// The estimate of everything in a prefix.
    pub fn of_prefix(prefix: &Prefix) -> Self {
        let system = prefix.system_instruction.iter();
        let parts = system
            .chain(&prefix.contents)
            .flat_map(|content| &content.parts);
        let tools = prefix.tools.iter().map(Self::of_tool);
        Self::total(parts.map(Self::of_part).chain(tools))
    }

    /// The estimate of tools.
    pub(super) fn of_tools(tools: &[Tool]) -> Self {
        Self::total(tools.iter().map(Self::of_tool))
    }

    fn of_tool(tool: &Tool) -> Self {
        Self::of_bytes(json_bytes(tool), Medium::Text)
    }

    /// The sum of several estimates; a sum of more than one is trusted a tenth less than its
    /// least certain part.
    pub fn total(estimates: impl IntoIterator<Item = Self>) -> Self {
        let mut count = 0_usize;
        let mut sum = Self::NONE;
        for estimate in estimates {
            count += 1;
            sum.min = sum.min.saturating_add(estimate.min);
            sum.expected = sum.expected.saturating_add(estimate.expected);
            sum.max = sum.max.saturating_add(estimate.max);
            sum.confidence = sum.confidence.min(estimate.confidence);
        }
        if count > 1 {
            sum.confidence *= 0.9;
        }
        sum
    }
}

#[derive(Clone, Copy)]
enum Medium {
    Text,
    Image,
    Video,
    Other,
    Remote,
}

impl Medium {
    fn of_mime(mime: Option<&str>) -> Self {
        match mime
            .unwrap_or_default()
            .split('/')
            .next()
            .unwrap_or_default()
        {
            "text" => Self::Text,
            "image" => Self::Image,
            "video" => Self::Video,
            _ => Self::Other,
        }
    }
}

fn json_bytes<T: Serialize>(value: &T) -> usize {
    serde_json::to_vec(value).map_or(0, |json| json.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(estimate: TokenEstimate) -> (u32, u32, u32, f32) {
        (
            estimate.min,
            estimate.expected,
            estimate.max,
            estimate.confidence,
        )
    }

    fn blob(bytes: usize, mime: &str) -> TokenEstimate {
        TokenEstimate::of_part(&Part::inline_data(vec![0; bytes], mime))
    }

    #[test]
    fn the_upper_bound_may_be_widened_and_bounded() {
        let estimate = TokenEstimate {
            min: 90,
            expected: 100,
            max: 110,
            confidence: 0.9,
        };
        let bounds = |factor, most| {
            let bounded = estimate.bounded(factor, most);
            (bounded.min, bounded.expected, bounded.max)
        };
        assert_eq!(bounds(1.0, None), (90, 100, 110));
        assert_eq!(bounds(2.0, None), (90, 100, 220));
        assert_eq!(bounds(2.0, Some(150)), (90, 100, 150));
        assert_eq!(bounds(1.0, Some(95)), (90, 95, 95));
        assert_eq!(bounds(f64::NAN, Some(50)), (90, 90, 90));
        let counted = TokenEstimate::exact(100);
        assert_eq!(counted.bounded(2.0, Some(50)), counted);
    }

    #[test]
    fn the_published_values_hold() {
        let text = TokenEstimate::of_part(&Part::text("x".repeat(42_000)));
        assert_eq!(numbers(text), (9000, 10_000, 11_000, 0.9));
        assert_eq!(
            numbers(TokenEstimate::of_part(&Part::text(""))),
            (10, 10, 11, 0.9)
        );
        assert_eq!(
            numbers(blob(1_200_000, "application/pdf")),
            (800, 1000, 1200, 0.7)
        );
        let image = blob(750_000, "image/png");
        assert_eq!(numbers(image), (3500, 5000, 6500, 0.5));
        assert_eq!(
            numbers(blob(25_000_000, "video/mp4")),
            (6800, 8500, 10_200, 0.7)
        );
        assert_eq!(
            numbers(TokenEstimate::total([text, image])),
            (12_500, 15_000, 17_500, 0.45)
        );
        assert_eq!(TokenEstimate::total([]), TokenEstimate::NONE);
    }

    #[test]
    fn signatures_of_thoughts_do_not_count() {
        let call = serde_json::json!({"functionCall": {"name": "lookup", "args": {"ring": 7}}});
        let mut signed = call.clone();
        signed["thoughtSignature"] = "c2lnbmF0dXJl".repeat(100).into();
        let estimate = |part| TokenEstimate::of_part(&serde_json::from_value(part).unwrap());
        assert_eq!(estimate(signed), estimate(call));
    }

    #[test]
    fn files_behind_a_uri_are_never_trusted() {
        let part = Part::file_data("gs://b/o", "video/mp4");
        assert_eq!(TokenEstimate::of_part(&part).confidence, 0.0);
    }
}

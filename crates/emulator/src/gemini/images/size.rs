//! How large a picture is: aspect ratios and sizes by name. Pictures are an eighth as long as those
//! of the service, and their sides have the very ratio that was asked for.

/// The longer side of a picture of the size `1K`.
const LONGER_SIDE: u32 = 128;

/// The width and height of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Size {
    /// The ratios `predict` knows.
    pub(crate) const IMAGEN: &'static [&'static str] = &["1:1", "3:4", "4:3", "9:16", "16:9"];
    /// The ratios models know that answer in pictures.
    pub(crate) const GEMINI: &'static [&'static str] = &[
        "1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9", "1:4", "4:1",
        "1:8", "8:1",
    ];

    /// The size for a ratio such as `16:9` and a size such as `2K`, when both are known.
    pub(crate) fn named(ratio: &str, size: &str, ratios: &[&str]) -> Option<Self> {
        let longer = match size {
            "512" => LONGER_SIDE / 2,
            "" | "1K" => LONGER_SIDE,
            "2K" => LONGER_SIDE * 2,
            "4K" => LONGER_SIDE * 4,
            _ => return None,
        };
        let ratio = if ratio.is_empty() { "1:1" } else { ratio };
        if !ratios.contains(&ratio) {
            return None;
        }
        let (across, down) = ratio.split_once(':')?;
        let (across, down): (u32, u32) = (across.parse().ok()?, down.parse().ok()?);
        let unit = longer / across.max(down);
        Some(Self {
            width: across * unit,
            height: down * unit,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_have_the_ratio_that_was_asked_for() {
        for ratio in Size::GEMINI {
            for (size, longer) in [
                ("512", 64),
                ("", 128),
                ("1K", 128),
                ("2K", 256),
                ("4K", 512),
            ] {
                let Size { width, height } = Size::named(ratio, size, Size::GEMINI).expect("known");
                let (across, down) = ratio.split_once(':').expect("a ratio");
                let (across, down): (u32, u32) = (
                    across.parse().expect("number"),
                    down.parse().expect("number"),
                );
                assert_eq!(width * down, height * across, "{ratio} {size}");
                assert!(width.max(height) <= longer && width.max(height) > longer * 9 / 10);
            }
        }
        assert_eq!(Size::named("21:9", "1K", Size::IMAGEN), None);
        assert_eq!(Size::named("1:1", "8K", Size::IMAGEN), None);
        assert_eq!(Size::named("1-1", "1K", Size::IMAGEN), None);
    }
}

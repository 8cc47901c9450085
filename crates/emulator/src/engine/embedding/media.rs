//! What a file shows, as weighted features. Pictures are looked at: their colours by name, so that
//! a red picture lies nearer to the word than a blue one, and where light and dark lie. Of other
//! files only the bytes are known.

use crate::engine::{
    embedding::{space::Features, text},
    picture,
};

/// Cells a picture is divided into, along each side.
const CELLS: u32 = 4;
/// Shades told apart in a cell.
const SHADES: f32 = 4.0;
/// The weight of the names of the colours, compared with where they lie.
const NAMED: f32 = 0.8;
/// Pieces of other files that are hashed.
const PIECES: usize = 64;

/// The features of a file of the given type.
pub(crate) fn features(mime: &str, bytes: &[u8]) -> Features {
    let kind = mime.split('/').next().unwrap_or_default();
    let looked_at = match kind {
        "image" => picture::decode(bytes).map(|image| of_picture(&image)),
        "text" => std::str::from_utf8(bytes).ok().map(text::features),
        _ => None,
    };
    let mut out = looked_at.unwrap_or_else(|| of_bytes(bytes)).unit();
    out.add("media", kind, 0.3);
    out
}

fn of_picture(image: &picture::Pixels) -> Features {
    let mut out = Features::default();
    let small = image.resized(CELLS, CELLS);
    let mut names = Features::default();
    for (cell, colour) in small.pixels().enumerate() {
        names.add_all(&text::features(colour.name()), 1.0);
        for (channel, value) in [colour.red, colour.green, colour.blue]
            .into_iter()
            .enumerate()
        {
            let shade = (f32::from(value) / 256.0 * SHADES).floor();
            out.add("shade", &format!("{cell} {channel} {shade}"), 1.0);
        }
    }
    let mut out = out.unit();
    out.add_all(&names.unit(), NAMED);
    out
}

fn of_bytes(bytes: &[u8]) -> Features {
    let mut out = Features::default();
    let size = bytes.len().div_ceil(PIECES).max(1);
    for piece in bytes.chunks(size) {
        let mut sums = [0_u32; 16];
        for byte in piece {
            sums[usize::from(byte >> 4)] += 1;
        }
        let most = (0..16).max_by_key(|at| sums[*at]).unwrap_or_default();
        out.add("bytes", &format!("{most} {}", piece[0]), 1.0);
    }
    out.dampened()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::embedding::space::{cosine, vector};

    #[test]
    fn a_picture_lies_near_the_word_for_its_colour() {
        let plain = |red, green, blue| {
            let colour = picture::Colour { red, green, blue };
            picture::Pixels::from_fn(16, 16, |_, _| colour).to_png()
        };
        let of = |features: &Features| vector(features, "m", "", 1408);
        let red = of(&features("image/png", &plain(220, 20, 20)));
        let dark_red = of(&features("image/png", &plain(170, 10, 10)));
        let blue = of(&features("image/png", &plain(20, 30, 220)));
        let word = of(&text::features("a red square"));
        assert!(cosine(&word, &red) > cosine(&word, &blue) + 0.1);
        assert!(cosine(&red, &dark_red) > cosine(&red, &blue));
    }

    #[test]
    fn any_bytes_have_features_that_repeat() {
        for (mime, bytes) in [
            ("video/mp4", &b"\0\0\0\x18ftyp"[..]),
            ("image/png", b"no"),
            ("", b""),
        ] {
            let once = features(mime, bytes);
            assert_eq!(once, features(mime, bytes));
            assert_ne!(once, Features::default());
        }
    }
}

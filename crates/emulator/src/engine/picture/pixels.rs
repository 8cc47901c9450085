//! A picture in memory, its file forms, and colours with their names. What is painted is decided
//! elsewhere.

use std::io::Cursor;

use image::{
    ExtendedColorType, ImageEncoder, ImageReader, Limits, Rgb, RgbImage,
    codecs::{jpeg::JpegEncoder, png::PngEncoder},
    imageops::{self, FilterType},
};

/// The longest side of a picture that is read.
const LONGEST_SIDE: u32 = 8192;

/// A colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Colour {
    pub(crate) red: u8,
    pub(crate) green: u8,
    pub(crate) blue: u8,
}

/// The colours that have a name here.
const NAMED: &[(&str, Colour)] = &[
    ("red", Colour::of(210, 40, 40)),
    ("orange", Colour::of(240, 140, 40)),
    ("yellow", Colour::of(240, 220, 60)),
    ("green", Colour::of(50, 150, 60)),
    ("blue", Colour::of(50, 80, 200)),
    ("purple", Colour::of(130, 60, 160)),
    ("pink", Colour::of(240, 150, 180)),
    ("brown", Colour::of(120, 80, 40)),
    ("black", Colour::of(20, 20, 20)),
    ("white", Colour::of(245, 245, 245)),
    ("gray", Colour::of(128, 128, 128)),
    ("turquoise", Colour::of(60, 200, 200)),
];

impl Colour {
    pub(crate) const BLACK: Self = Self::of(0, 0, 0);
    pub(crate) const WHITE: Self = Self::of(255, 255, 255);

    pub(crate) const fn of(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }

    /// The colour of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let name = if name == "grey" { "gray" } else { name };
        let found = NAMED.iter().find(|(other, _)| *other == name);
        found.map(|(_, colour)| *colour)
    }

    /// The name of the nearest colour that has one.
    pub(crate) fn name(self) -> &'static str {
        let nearest = NAMED
            .iter()
            .min_by_key(|(_, colour)| self.distance(*colour));
        nearest.map_or("", |(name, _)| name)
    }

    /// The square of the distance, at most 3 × 255².
    pub(crate) fn distance(self, other: Self) -> u32 {
        let apart = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
        apart(self.red, other.red) + apart(self.green, other.green) + apart(self.blue, other.blue)
    }

    /// How light it is, from 0 to 255.
    pub(crate) fn lightness(self) -> u8 {
        let sum = u16::from(self.red) + u16::from(self.green) + u16::from(self.blue);
        (sum / 3) as u8
    }

    /// The colour a `share` of the way to `other`, from 0 to 1.
    pub(crate) fn towards(self, other: Self, share: f32) -> Self {
        let mix = |a: u8, b: u8| (f32::from(a) + (f32::from(b) - f32::from(a)) * share) as u8;
        Self {
            red: mix(self.red, other.red),
            green: mix(self.green, other.green),
            blue: mix(self.blue, other.blue),
        }
    }
}

/// A picture.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pixels {
    image: RgbImage,
}

/// The picture in a PNG or JPEG file, unless it is neither or far too large.
pub(crate) fn decode(bytes: &[u8]) -> Option<Pixels> {
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .ok()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    reader.limits(limits);
    Some(Pixels {
        image: reader.decode().ok()?.into_rgb8(),
    })
}

impl Pixels {
    /// A picture with the colour `of` gives for each column and row.
    pub(crate) fn from_fn(width: u32, height: u32, of: impl Fn(u32, u32) -> Colour) -> Self {
        Self {
            image: RgbImage::from_fn(width, height, |x, y| {
                let Colour { red, green, blue } = of(x, y);
                Rgb([red, green, blue])
            }),
        }
    }

    pub(crate) fn width(&self) -> u32 {
        self.image.width()
    }

    pub(crate) fn height(&self) -> u32 {
        self.image.height()
    }

    /// The colour at a place of the picture.
    pub(crate) fn at(&self, x: u32, y: u32) -> Colour {
        let Rgb([red, green, blue]) = *self.image.get_pixel(x, y);
        Colour { red, green, blue }
    }

    /// All colours, row by row.
    pub(crate) fn pixels(&self) -> impl Iterator<Item = Colour> {
        let pixels = self.image.pixels();
        pixels.map(|Rgb([red, green, blue])| Colour::of(*red, *green, *blue))
    }

    /// The same picture in another size.
    pub(crate) fn resized(&self, width: u32, height: u32) -> Self {
        Self {
            image: imageops::resize(
                &self.image,
                width.max(1),
                height.max(1),
                FilterType::Triangle,
            ),
        }
    }

    /// A PNG file.
    pub(crate) fn to_png(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(PngEncoder::new(&mut out));
        out
    }

    /// A JPEG file of a quality from 1 to 100.
    pub(crate) fn to_jpeg(&self, quality: u8) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(JpegEncoder::new_with_quality(
            &mut out,
            quality.clamp(1, 100),
        ));
        out
    }

    fn write(&self, encoder: impl ImageEncoder) {
        let (width, height) = self.image.dimensions();
        // Writing to memory has no way to fail; an empty file would show if it did.
        let written = encoder.write_image(&self.image, width, height, ExtendedColorType::Rgb8);
        if let Err(error) = written {
            tracing::error!(%error, "could not write a picture");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_file_forms_are_read_back() {
        let picture = Pixels::from_fn(20, 10, |x, y| Colour::of(x as u8 * 10, y as u8 * 20, 7));
        assert_eq!(decode(&picture.to_png()), Some(picture.clone()));
        let jpeg = decode(&picture.to_jpeg(90)).expect("a picture");
        assert_eq!((jpeg.width(), jpeg.height()), (20, 10));
        assert!(jpeg.at(19, 9).distance(picture.at(19, 9)) < 3000);
        assert_eq!(decode(b"neither"), None);
        assert_eq!(decode(&picture.to_png()[..30]), None);
    }

    #[test]
    fn colours_have_names() {
        for (name, colour) in NAMED {
            assert_eq!(colour.name(), *name);
            assert_eq!(Colour::named(name), Some(*colour));
        }
        assert_eq!(Colour::of(255, 0, 0).name(), "red");
        assert_eq!(Colour::named("grey"), Colour::named("gray"));
        assert_eq!(Colour::named("loud"), None);
    }
}

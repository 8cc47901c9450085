//! A drawing in pixels, with letters of eight by eight, and its encoding as PNG.

use std::convert::Infallible;

use font8x8::UnicodeFonts as _;
use plotters::prelude::DrawingBackend;
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{BackendColor, BackendCoord, BackendTextStyle, DrawingErrorKind};

use super::PlotError;

type Drawn<T = ()> = Result<T, DrawingErrorKind<Infallible>>;

/// The side of a letter.
const LETTER: u32 = 8;

/// A picture.
pub(super) struct Picture {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
}

impl Picture {
    pub(super) fn new(width: u32, height: u32) -> Self {
        let (width, height) = (width.clamp(64, 8192), height.clamp(64, 8192));
        Self {
            width,
            height,
            rgb: vec![255; (width * height * 3) as usize],
        }
    }

    pub(super) fn encode(&self) -> Result<Vec<u8>, PlotError> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let written = encoder.write_header().and_then(|mut writer| {
            writer.write_image_data(&self.rgb)?;
            writer.finish()
        });
        written.map_err(|error| PlotError::new(error.to_string()))?;
        Ok(bytes)
    }
}

/// Draws on a picture.
pub(super) struct Pixels<'a>(pub(super) &'a mut Picture);

impl DrawingBackend for Pixels<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        (self.0.width, self.0.height)
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Drawn {
        let inside = |at: i32, side: u32| u32::try_from(at).ok().filter(|at| *at < side);
        if let (Some(x), Some(y)) = (inside(x, self.0.width), inside(y, self.0.height)) {
            let start = ((y * self.0.width + x) * 3) as usize;
            let (red, green, blue) = color.rgb;
            if let Some(pixel) = self.0.rgb.get_mut(start..start + 3) {
                for (old, new) in pixel.iter_mut().zip([red, green, blue]) {
                    let mixed =
                        f64::from(*old) * (1.0 - color.alpha) + f64::from(new) * color.alpha;
                    *old = mixed.round() as u8;
                }
            }
        }
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(&self, text: &str, _: &S) -> Drawn<(u32, u32)> {
        Ok((text.chars().count() as u32 * LETTER, LETTER))
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        (x, y): BackendCoord,
    ) -> Drawn {
        let (width, height) = self.estimate_text_size(text, style)?;
        let left = x - match style.anchor().h_pos {
            HPos::Left => 0,
            HPos::Center => width as i32 / 2,
            HPos::Right => width as i32,
        };
        let top = y - match style.anchor().v_pos {
            VPos::Top => 0,
            VPos::Center => height as i32 / 2,
            VPos::Bottom => height as i32,
        };
        for (letter, place) in text.chars().zip(0..) {
            let rows = font8x8::BASIC_FONTS.get(letter).unwrap_or([0x7e; 8]);
            for (row, down) in rows.into_iter().zip(0..) {
                for across in (0..8).filter(|bit| row & (1 << bit) != 0) {
                    let at = (left + place * LETTER as i32 + across, top + down);
                    self.draw_pixel(at, style.color())?;
                }
            }
        }
        Ok(())
    }
}

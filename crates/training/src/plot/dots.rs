//! A drawing in characters: lines in dots of Braille, two by four to a character, and text between.

use std::convert::Infallible;

use plotters::prelude::DrawingBackend;
use plotters_backend::text_anchor::HPos;
use plotters_backend::{BackendColor, BackendCoord, BackendTextStyle, DrawingErrorKind};

type Drawn<T = ()> = Result<T, DrawingErrorKind<Infallible>>;

const WIDE: u32 = 2;
const HIGH: u32 = 4;
/// The bit of each dot in its character, row by row.
const BITS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
/// The character without dots.
const NO_DOTS: u32 = 0x2800;

/// Lines of characters.
pub(super) struct Cells {
    columns: u32,
    rows: u32,
    dots: Vec<u8>,
    letters: Vec<Option<char>>,
}

impl Cells {
    pub(super) fn new(columns: u32, rows: u32) -> Self {
        let count = (columns * rows) as usize;
        Self {
            columns,
            rows,
            dots: vec![0; count],
            letters: vec![None; count],
        }
    }

    pub(super) fn text(&self) -> String {
        let cells: Vec<char> = self.dots.iter().zip(&self.letters).map(sign).collect();
        let rows = cells.chunks(self.columns as usize).map(String::from_iter);
        let trimmed: Vec<String> = rows.map(|row| row.trim_end().to_owned()).collect();
        trimmed.join("\n") + "\n"
    }

    fn cell(&self, x: i32, y: i32) -> Option<usize> {
        let (x, y) = (u32::try_from(x).ok()?, u32::try_from(y).ok()?);
        let inside = x < self.columns && y < self.rows;
        inside.then_some((y * self.columns + x) as usize)
    }
}

fn sign((dots, letter): (&u8, &Option<char>)) -> char {
    match (letter, dots) {
        (Some(letter), _) => *letter,
        (None, 0) => ' ',
        (None, dots) => char::from_u32(NO_DOTS + u32::from(*dots)).unwrap_or(' '),
    }
}

/// Draws on lines of characters.
pub(super) struct Dots<'a>(pub(super) &'a mut Cells);

impl DrawingBackend for Dots<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        (self.0.columns * WIDE, self.0.rows * HIGH)
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Drawn {
        // What is nearly white is background.
        let (red, green, blue) = color.rgb;
        let is_ink = color.alpha > 0.3 && red.min(green).min(blue) < 200;
        if let Some(cell) = self
            .0
            .cell(x.div_euclid(WIDE as i32), y.div_euclid(HIGH as i32))
            && is_ink
        {
            let row = BITS.get(y.rem_euclid(HIGH as i32) as usize);
            let bit = row.and_then(|row| row.get(x.rem_euclid(WIDE as i32) as usize));
            if let (Some(dots), Some(bit)) = (self.0.dots.get_mut(cell), bit) {
                *dots |= bit;
            }
        }
        Ok(())
    }

    /// Lines are one dot wide.
    fn draw_rect<S: plotters_backend::BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        // A filled rectangle is background.
        match fill {
            true => Ok(()),
            false => plotters_backend::rasterizer::draw_rect(self, from, to, style, false),
        }
    }

    fn estimate_text_size<S: BackendTextStyle>(&self, text: &str, _: &S) -> Drawn<(u32, u32)> {
        Ok((text.chars().count() as u32 * WIDE, HIGH))
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        (x, y): BackendCoord,
    ) -> Drawn {
        let length = text.chars().count() as i32;
        let start = x.div_euclid(WIDE as i32)
            - match style.anchor().h_pos {
                HPos::Left => 0,
                HPos::Center => length / 2,
                HPos::Right => length,
            };
        let row = y.div_euclid(HIGH as i32).clamp(0, self.0.rows as i32 - 1);
        for (letter, place) in text.chars().zip(start.max(0)..) {
            if let Some(cell) = self
                .0
                .cell(place, row)
                .and_then(|cell| self.0.letters.get_mut(cell))
            {
                *cell = Some(letter);
            }
        }
        Ok(())
    }
}

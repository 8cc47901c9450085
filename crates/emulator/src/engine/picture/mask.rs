//! Which parts of a picture are meant: masks, what stands out from the edge, and what has a colour.

use crate::engine::picture::{Colour, Pixels};

/// A choice of places of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mask {
    width: u32,
    set: Vec<bool>,
}

impl Mask {
    /// The places of which `of` holds.
    pub(crate) fn from_fn(width: u32, height: u32, of: impl Fn(u32, u32) -> bool) -> Self {
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        Self {
            width,
            set: places.map(|(x, y)| of(x, y)).collect(),
        }
    }

    /// The light places of a mask drawn in black and white, stretched to the given size.
    pub(crate) fn drawn(picture: &Pixels, width: u32, height: u32) -> Self {
        let picture = picture.resized(width, height);
        Self::from_fn(width, height, |x, y| picture.at(x, y).lightness() > 127)
    }

    pub(crate) fn is_set(&self, x: u32, y: u32) -> bool {
        let at = y as usize * self.width as usize + x as usize;
        x < self.width && self.set.get(at).copied().unwrap_or(false)
    }

    pub(crate) fn inverted(mut self) -> Self {
        for set in &mut self.set {
            *set = !*set;
        }
        self
    }

    /// With everything within `share` of the width added.
    pub(crate) fn dilated(&self, share: f64) -> Self {
        let reach = (share.clamp(0.0, 1.0) * f64::from(self.width)) as u32;
        let grown = |x: u32, y: u32| {
            let columns = x.saturating_sub(reach)..=x.saturating_add(reach);
            let mut places = columns.flat_map(|x| {
                (y.saturating_sub(reach)..=y.saturating_add(reach)).map(move |y| (x, y))
            });
            places.any(|(x, y)| self.is_set(x, y))
        };
        if reach == 0 {
            return self.clone();
        }
        Self::from_fn(self.width, self.height(), grown)
    }

    /// How much of the picture it takes, from 0 to 1.
    pub(crate) fn share(&self) -> f64 {
        let set = self.set.iter().filter(|set| **set).count();
        set as f64 / self.set.len().max(1) as f64
    }

    /// White where it is set, black elsewhere.
    pub(crate) fn to_picture(&self) -> Pixels {
        Pixels::from_fn(self.width, self.height(), |x, y| {
            if self.is_set(x, y) {
                Colour::WHITE
            } else {
                Colour::BLACK
            }
        })
    }

    fn height(&self) -> u32 {
        (self.set.len() / self.width.max(1) as usize) as u32
    }
}

/// What differs from the mean colour of the edge.
pub(crate) fn foreground(picture: &Pixels) -> Mask {
    const APART: u32 = 60 * 60;
    let (width, height) = (picture.width(), picture.height());
    let edge = |x: u32, y: u32| x == 0 || y == 0 || x + 1 == width || y + 1 == height;
    let mut sums = [0_u64; 4];
    for y in 0..height {
        for x in (0..width).filter(|x| edge(*x, y)) {
            let colour = picture.at(x, y);
            for (sum, value) in sums
                .iter_mut()
                .zip([colour.red, colour.green, colour.blue, 1])
            {
                *sum += u64::from(value);
            }
        }
    }
    let mean = |sum: u64| (sum / sums[3].max(1)) as u8;
    let background = Colour::of(mean(sums[0]), mean(sums[1]), mean(sums[2]));
    Mask::from_fn(width, height, |x, y| {
        picture.at(x, y).distance(background) > APART
    })
}

/// What has the colour of that name.
pub(crate) fn matching(picture: &Pixels, name: &str) -> Mask {
    Mask::from_fn(picture.width(), picture.height(), |x, y| {
        picture.at(x, y).name() == name
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dot() -> Pixels {
        Pixels::from_fn(9, 9, |x, y| {
            if (3..6).contains(&x) && (3..6).contains(&y) {
                Colour::of(220, 30, 30)
            } else {
                Colour::WHITE
            }
        })
    }

    #[test]
    fn what_stands_out_is_in_front() {
        let mask = foreground(&dot());
        assert!(mask.is_set(4, 4) && !mask.is_set(0, 0) && !mask.is_set(20, 4));
        assert!((mask.share() - 9.0 / 81.0).abs() < 1e-9);
        assert_eq!(mask, matching(&dot(), "red"));
        assert!(mask.clone().inverted().is_set(0, 0));
        assert_eq!(Mask::drawn(&mask.to_picture(), 9, 9), mask);
    }

    #[test]
    fn a_mask_grows() {
        let mask = foreground(&dot());
        assert_eq!(mask.dilated(0.0), mask);
        let grown = mask.dilated(0.12);
        assert!(grown.is_set(2, 2) && !grown.is_set(1, 1));
    }
}

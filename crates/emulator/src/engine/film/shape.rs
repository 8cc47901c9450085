//! How large a film is: the sides of its pictures in samples.

/// The samples of a macroblock's side.
const BLOCK: u16 = 16;

/// The sides of a picture. They are even, since colour is sampled at every other place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) width: u16,
    pub(crate) height: u16,
}

impl Shape {
    pub(crate) const WIDE: Self = Self {
        width: 64,
        height: 36,
    };
    pub(crate) const TALL: Self = Self {
        width: 36,
        height: 64,
    };

    /// How many macroblocks cover it, in each direction.
    pub(super) fn blocks(self) -> (u16, u16) {
        (self.width.div_ceil(BLOCK), self.height.div_ceil(BLOCK))
    }

    /// What the macroblocks have too much of, in pairs of samples.
    pub(super) fn excess(self) -> (u16, u16) {
        let (across, down) = self.blocks();
        (
            (across * BLOCK - self.width) / 2,
            (down * BLOCK - self.height) / 2,
        )
    }
}

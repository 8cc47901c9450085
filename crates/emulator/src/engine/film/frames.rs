//! Pictures as an H.264 stream (ITU-T H.264, baseline profile) whose macroblocks hold their samples
//! as they are (I_PCM), so that nothing has to be transformed or predicted. Every picture stands
//! for itself.

use crate::engine::film::Shape;

/// Baseline profile, level 1.1.
pub(super) const PROFILE: [u8; 3] = [66, 0, 11];
/// The type of macroblock whose samples follow as they are, in a slice of type I.
const PLAIN_SAMPLES: u32 = 25;
/// A slice of type I, in a picture that has no other.
const INTRA_ONLY: u32 = 7;

/// A colour as luma and the two chroma samples, in the range of television.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Colour {
    pub(super) luma: u8,
    pub(super) blue: u8,
    pub(super) red: u8,
}

/// What holds for all pictures: their size and that each is one of its own.
pub(super) fn sequence_parameters(shape: Shape) -> Vec<u8> {
    let (across, down) = shape.blocks();
    let (right, bottom) = shape.excess();
    let mut bits = Bits::default();
    for byte in PROFILE {
        bits.fixed(8, byte.into());
    }
    bits.number(0); // the identifier of this set
    bits.number(0); // frame numbers of four bits
    bits.number(2); // pictures are shown in the order they come in
    bits.number(0); // no picture refers to another
    bits.fixed(1, 0);
    bits.number(u32::from(across) - 1);
    bits.number(u32::from(down) - 1);
    bits.fixed(2, 0b10); // whole frames, no direct prediction
    bits.fixed(1, 1); // cropped:
    for edge in [0, right, 0, bottom] {
        bits.number(edge.into());
    }
    bits.fixed(1, 0);
    unit(0x67, bits)
}

/// What holds for all slices: the defaults, throughout.
pub(super) fn picture_parameters() -> Vec<u8> {
    let mut bits = Bits::default();
    bits.number(0);
    bits.number(0);
    bits.fixed(2, 0); // variable length codes
    bits.number(0); // one slice group
    bits.number(0);
    bits.number(0);
    bits.fixed(3, 0);
    for _ in 0..3 {
        bits.number(0); // no offsets of quantisers
    }
    bits.fixed(3, 0);
    unit(0x68, bits)
}

/// A picture of which `colour` gives each macroblock, by its place across and down. Neighbours in
/// time must differ in `parity`.
pub(super) fn picture(shape: Shape, parity: bool, colour: impl Fn(u16, u16) -> Colour) -> Vec<u8> {
    let (across, down) = shape.blocks();
    let mut bits = Bits::default();
    bits.number(0); // begins at the first macroblock
    bits.number(INTRA_ONLY);
    bits.number(0);
    bits.fixed(4, 0);
    bits.number(parity.into());
    bits.fixed(2, 0);
    bits.number(0);
    for y in 0..down {
        for x in 0..across {
            bits.number(PLAIN_SAMPLES);
            bits.align(0);
            let Colour { luma, blue, red } = colour(x, y);
            bits.bytes.extend([luma; 256]);
            bits.bytes.extend([blue; 64]);
            bits.bytes.extend([red; 64]);
        }
    }
    unit(0x65, bits)
}

/// A unit of the stream: its head, and its content closed by a one and guarded so that it never
/// looks like the beginning of another.
fn unit(head: u8, mut bits: Bits) -> Vec<u8> {
    bits.fixed(1, 1);
    bits.align(0);
    let mut out = vec![head];
    let mut zeros = 0;
    for byte in bits.bytes {
        if zeros == 2 && byte <= 3 {
            out.push(3);
            zeros = 0;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    out
}

/// Bits in the making, the first one highest.
#[derive(Debug, Default)]
struct Bits {
    bytes: Vec<u8>,
    /// How many bits of the last byte are taken; none is a whole byte.
    taken: u8,
}

impl Bits {
    /// The lowest `count` bits of `value`.
    fn fixed(&mut self, count: u32, value: u32) {
        for at in (0..count).rev() {
            if self.taken == 0 {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((value >> at & 1) as u8) << (7 - self.taken);
            }
            self.taken = (self.taken + 1) % 8;
        }
    }

    /// A number in the code whose length grows with it (section 9.1). Of signed numbers it does
    /// for zero.
    fn number(&mut self, value: u32) {
        let plus_one = value + 1;
        let len = u32::BITS - plus_one.leading_zeros();
        self.fixed(len - 1, 0);
        self.fixed(len, plus_one);
    }

    /// Fills the last byte.
    fn align(&mut self, bit: u32) {
        while self.taken != 0 {
            self.fixed(1, bit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_codes_of_the_standard() {
        let mut bits = Bits::default();
        for value in 0..4 {
            bits.number(value);
        }
        // 1 010 011 00100
        assert_eq!(bits.bytes, [0b1010_0110, 0b0100_0000]);
    }

    #[test]
    fn no_unit_has_a_start_code_inside() {
        let mut bits = Bits::default();
        bits.bytes.extend([0, 0, 0, 0, 1, 9, 0, 0, 3]);
        assert_eq!(
            unit(0x65, bits),
            [0x65, 0, 0, 3, 0, 0, 3, 1, 9, 0, 0, 3, 3, 0x80]
        );
    }

    #[test]
    fn a_picture_has_all_its_samples() {
        let grey = Colour {
            luma: 16,
            blue: 128,
            red: 128,
        };
        let unit = picture(Shape::WIDE, false, |_, _| grey);
        assert_eq!(Shape::WIDE.blocks(), (4, 3));
        assert_eq!(unit.iter().filter(|byte| **byte == 16).count() / 256, 12);
        assert_eq!(unit.iter().filter(|byte| **byte == 128).count() / 128, 12);
    }
}

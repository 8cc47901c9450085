//! The head of a tensor container, which says the shape of the payload of a chunk.
//!
//! A container begins with a byte for the type of its numbers, before which the marker of a
//! constant tensor may stand, and goes on with the number of dimensions and the dimensions, each
//! in LEB128. What follows is opaque here.

use super::InvalidInput;

/// Marks a tensor whose numbers are all the same.
const CONSTANT: u8 = 254;
/// Types of numbers are counted from 0 to this.
const LAST_TYPE: u8 = 7;
/// A dimension has at most so many bits.
const MAX_BITS: u32 = 63;

/// The dimensions that the head of a container names.
///
/// # Errors
///
/// Fails when the head is no head of a container.
pub(super) fn shape(container: &[u8]) -> Result<Vec<u64>, InvalidInput> {
    let refuse = |reason: &str| InvalidInput::new("dmel", reason);
    let mut rest = container;
    if rest.first() == Some(&CONSTANT) {
        rest = &rest[1..];
    }
    let Some((&kind, mut rest)) = rest.split_first() else {
        return Err(refuse("is no tensor container: it is empty"));
    };
    if kind > LAST_TYPE {
        return Err(refuse("is no tensor container: its type is not known"));
    }
    let mut number = || leb128(&mut rest).ok_or_else(|| refuse("is a damaged tensor container"));
    let count = number()?;
    // The count is not trusted with an allocation: what is not there ends the loop.
    let mut dimensions = Vec::new();
    for _ in 0..count {
        dimensions.push(number()?);
    }
    Ok(dimensions)
}

fn leb128(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    let mut shift = 0;
    loop {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        if shift >= MAX_BITS {
            return None;
        }
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
        shift += 7;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_tells_the_shape() {
        assert_eq!(shape(&[0, 2, 5, 80]).unwrap(), [5, 80]);
        assert_eq!(shape(&[0xfe, 3, 1, 0x80, 1]).unwrap(), [128]);
        assert!(shape(&[7, 0]).unwrap().is_empty());
    }

    #[test]
    fn what_is_no_head_is_refused() {
        let endless = [&[0, 1][..], &[0xff; 12]].concat();
        for bytes in [
            &[][..],
            &[254],
            &[8, 0],
            &[0],
            &[0, 2, 1],
            &[0, 0xff],
            &endless,
        ] {
            assert_eq!(shape(bytes).unwrap_err().field(), "dmel", "{bytes:?}");
        }
    }
}

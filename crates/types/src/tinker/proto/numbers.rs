//! Lists of numbers as little-endian bytes, and back.

use super::InvalidReply;

/// A number of fixed size.
pub(super) trait Number: Copy {
    /// Bytes that one takes.
    const SIZE: usize;
    /// Appends numbers to a buffer.
    fn write(numbers: &[Self], out: &mut Vec<u8>);
    /// The number of bytes that are as many as it takes.
    fn read(bytes: &[u8]) -> Self;
}

macro_rules! numbers {
    ($($ty:ty),*) => { $(
        impl Number for $ty {
            const SIZE: usize = size_of::<$ty>();

            fn write(numbers: &[Self], out: &mut Vec<u8>) {
                if cfg!(target_endian = "little") {
                    // In memory they already are as they have to be.
                    out.extend_from_slice(bytemuck::cast_slice(numbers));
                } else {
                    out.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
                }
            }

            fn read(bytes: &[u8]) -> Self {
                let mut own = [0; size_of::<$ty>()];
                own.copy_from_slice(bytes);
                Self::from_le_bytes(own)
            }
        }
    )* };
}

numbers!(f32, i32, i64, u16, u32);

/// The numbers of a list of bytes.
pub(super) fn read<T: Number>(field: &str, bytes: &[u8]) -> Result<Vec<T>, InvalidReply> {
    if !bytes.len().is_multiple_of(T::SIZE) {
        let size = T::SIZE;
        return Err(InvalidReply::new(format!(
            "`{field}` is no list of numbers of {size} bytes"
        )));
    }
    Ok(bytes.chunks_exact(T::SIZE).map(T::read).collect())
}

/// Tokens, which the messages hold as signed numbers.
pub(super) fn read_tokens(field: &str, bytes: &[u8]) -> Result<Vec<u32>, InvalidReply> {
    let tokens = read::<u32>(field, bytes)?;
    if tokens.iter().any(|&token| i32::try_from(token).is_err()) {
        return Err(InvalidReply::new(format!(
            "`{field}` holds a negative token"
        )));
    }
    Ok(tokens)
}

/// Floats of half the size: the upper half of a whole one.
pub(super) fn widen(halves: &[u16]) -> Vec<f32> {
    let whole = |&half: &u16| f32::from_bits(u32::from(half) << 16);
    halves.iter().map(whole).collect()
}

//! gzip and deflate through flate2, whose engine here is zlib-rs: Rust, and it reads the gzip
//! wrapper itself, checksum included.

use std::io::{self, Write};

use flate2::write::GzEncoder;
use flate2::{Compression, Decompress, FlushDecompress, Status};

use crate::compression::coding::{Codec, Step};
use crate::error::BoxError;

/// The largest window of the format, which every sender may use.
const WINDOW_BITS: u8 = 15;

pub(super) struct Inflate(Decompress);

impl Inflate {
    pub(super) fn gzip() -> Self {
        Self(Decompress::new_gzip(WINDOW_BITS))
    }

    /// The name means the zlib wrapper, but there are servers that leave it out.
    pub(super) fn deflate(start: &[u8]) -> Self {
        let wrapped = matches!(
            start,
            // Method 8, and both bytes together a multiple of 31.
            [first, second, ..] if first & 0x0f == 8
                && u16::from_be_bytes([*first, *second]) % 31 == 0
        );
        Self(Decompress::new(wrapped))
    }
}

impl Codec for Inflate {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, BoxError> {
        let (read, written) = (self.0.total_in(), self.0.total_out());
        let status = self.0.decompress(input, output, FlushDecompress::None)?;
        Ok(Step {
            read: usize::try_from(self.0.total_in() - read)?,
            written: usize::try_from(self.0.total_out() - written)?,
            ended: status == Status::StreamEnd,
        })
    }
}

/// The body in gzip, at the level that zlib takes for the best bargain.
pub(super) fn compress(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body)?;
    encoder.finish()
}

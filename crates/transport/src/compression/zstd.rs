//! zstd through the bindings to its C library.

use std::io;

use zstd::stream::raw::{DParameter, Decoder, Operation};

use crate::compression::coding::{Codec, Step};
use crate::error::BoxError;

/// A frame may ask for a window of this size: 8 MiB, the most that RFC 9659 lets senders use over
/// HTTP. The library's own limit would let 32 bytes of a reply take 128 MiB of memory.
const WINDOW_LOG_MAX: u32 = 23;

pub(super) struct Frame(Decoder<'static>);

impl Frame {
    pub(super) fn new() -> io::Result<Self> {
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX))?;
        Ok(Self(decoder))
    }
}

impl Codec for Frame {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, BoxError> {
        let status = self.0.run_on_buffers(input, output)?;
        Ok(Step {
            read: status.bytes_read,
            written: status.bytes_written,
            // No more bytes of this frame are expected.
            ended: status.remaining == 0,
        })
    }
}

/// The body as one frame that says how large it is.
pub(super) fn compress(body: &[u8]) -> io::Result<Vec<u8>> {
    zstd::bulk::compress(body, zstd::DEFAULT_COMPRESSION_LEVEL)
}

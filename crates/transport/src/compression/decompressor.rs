//! Packed bytes into plain ones, without I/O: whatever can be read from the bytes that are here is
//! handed on at once, in pieces of a fixed size, so that neither a flush of the sender is held
//! back nor a bomb gets far.

use std::fmt;
use std::num::NonZeroU32;

use bytes::{Buf, Bytes, BytesMut};

use crate::compression::ContentCoding;
use crate::compression::coding::{Codec, Opening};
use crate::error::{BoxError, Error};

/// How many times its own size a streamed reply may grow to unless set otherwise.
///
/// Text seldom shrinks to less than a tenth, and server-sent events that all look alike to about
/// a fiftieth, as each flush costs its sender bytes. deflate ends at 1,032 to one and zstd far
/// beyond, which takes a body made for it.
pub const DEFAULT_MAX_RATIO: NonZeroU32 = NonZeroU32::new(200).unwrap();

/// Below this many bytes any ratio will do: a small bomb does no harm, and a short body that is
/// all alike is common.
const FREE_BYTES: u64 = 16 * 1024 * 1024;

/// How large one piece of the output is at most.
const PIECE_BYTES: usize = 16 * 1024;

/// Undoes a content coding.
///
/// ```
/// # #[cfg(feature = "gzip")] {
/// use bytes::Bytes;
/// use gimmal_transport::compression::{ContentCoding, Decompressor};
///
/// let packed = b"\x1f\x8b\x08\0\0\0\0\0\x02\xff\xcbH\xcd\xc9\xc9\x07\0\x86\xa6\x106\x05\0\0\0";
/// let mut decompressor = Decompressor::new(ContentCoding::Gzip).unwrap();
/// decompressor.push(Bytes::from_static(packed));
/// decompressor.finish();
/// let mut plain = Vec::new();
/// while let Some(piece) = decompressor.next_piece() {
///     plain.extend(piece?);
/// }
/// assert_eq!(plain, b"hello");
/// # }
/// # Ok::<(), gimmal_transport::Error>(())
/// ```
///
/// A body that does not begin like its coding is handed on as it is, since there are
/// intermediaries that unpack a body and leave its header. An empty body stays empty. Several
/// gzip members or zstd frames in a row are read as one body.
pub struct Decompressor {
    coding: ContentCoding,
    max_ratio: Option<NonZeroU32>,
    state: State,
    input: Bytes,
    scratch: Box<[u8]>,
    read: u64,
    written: u64,
    finished: bool,
}

enum State {
    /// At the start of the body, or of what follows the end of a member.
    Opening { of_body: bool },
    /// `filled`: the last step filled the scratch space, so there may be more to come.
    Packed { codec: Box<dyn Codec>, filled: bool },
    /// Not packed after all.
    Plain,
    /// An error ended it.
    Failed,
}

impl Decompressor {
    /// A decompressor without a limit; `None` when the coding is not built in.
    pub fn new(coding: ContentCoding) -> Option<Self> {
        coding.is_built_in().then(|| Self {
            coding,
            max_ratio: None,
            state: State::Opening { of_body: true },
            input: Bytes::new(),
            scratch: Box::default(),
            read: 0,
            written: 0,
            finished: false,
        })
    }

    /// Fails with [`ResponseTooLarge`](crate::ErrorKind::ResponseTooLarge) once the output is
    /// more than `ratio` times the input and more than 16 MiB.
    #[must_use]
    pub fn with_max_ratio(mut self, ratio: NonZeroU32) -> Self {
        self.max_ratio = Some(ratio);
        self
    }

    /// Adds bytes of the body.
    pub fn push(&mut self, bytes: Bytes) {
        if self.input.is_empty() {
            self.input = bytes;
        } else {
            let mut joined = BytesMut::from(&self.input[..]);
            joined.extend_from_slice(&bytes);
            self.input = joined.freeze();
        }
    }

    /// Says that the body is over.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// How many packed bytes were read.
    pub fn bytes_read(&self) -> u64 {
        self.read
    }

    /// The next piece that can be read from what was pushed; an error is the last one.
    pub fn next_piece(&mut self) -> Option<Result<Bytes, Error>> {
        loop {
            match &mut self.state {
                State::Failed => return None,
                State::Plain if self.input.is_empty() => return None,
                State::Plain => return Some(Ok(std::mem::take(&mut self.input))),
                State::Opening { of_body } => {
                    let of_body = *of_body;
                    match self.open(of_body) {
                        Ok(true) => {}
                        Ok(false) => return None,
                        Err(error) => return Some(Err(self.fail(error))),
                    }
                }
                State::Packed { filled, .. } if self.input.is_empty() && !*filled => {
                    if !self.finished {
                        return None;
                    }
                    let error = ends_early(self.coding);
                    return Some(Err(self.fail(error)));
                }
                State::Packed { .. } => match self.step() {
                    Ok(piece) if piece.is_empty() => {}
                    Ok(piece) => return Some(Ok(piece)),
                    Err(error) => return Some(Err(self.fail(error))),
                },
            }
        }
    }

    /// Looks at what begins here; false when that takes more bytes or nothing begins.
    fn open(&mut self, of_body: bool) -> Result<bool, Error> {
        self.state = match self.coding.opening(&self.input) {
            Opening::Packed if of_body || self.coding != ContentCoding::Deflate => {
                if self.scratch.is_empty() {
                    self.scratch = vec![0; PIECE_BYTES].into();
                }
                let codec = self.coding.codec(&self.input);
                State::Packed {
                    codec: codec.map_err(|source| corrupt(self.coding, source))?,
                    filled: false,
                }
            }
            Opening::Unknown if !self.finished || self.input.is_empty() => return Ok(false),
            Opening::Unknown if of_body => return Err(ends_early(self.coding)),
            Opening::Other if of_body => State::Plain,
            _ => return Err(corrupt(self.coding, "something follows its end".into())),
        };
        Ok(true)
    }

    fn step(&mut self) -> Result<Bytes, Error> {
        let State::Packed { codec, filled } = &mut self.state else {
            return Ok(Bytes::new());
        };
        let step = codec.step(&self.input, &mut self.scratch);
        let step = step.map_err(|source| corrupt(self.coding, source))?;
        *filled = step.written == self.scratch.len();
        if step.ended {
            self.state = State::Opening { of_body: false };
        } else if step.read == 0 && step.written == 0 && !self.input.is_empty() {
            return Err(corrupt(self.coding, "it leads nowhere".into()));
        }
        self.input.advance(step.read);
        self.read = self.read.saturating_add(step.read as u64);
        self.written = self.written.saturating_add(step.written as u64);
        if let Some(ratio) = self.max_ratio
            && self.written > FREE_BYTES
            && self.written > self.read.saturating_mul(u64::from(ratio.get()))
        {
            return Err(Error::unpacks_too_large(ratio));
        }
        Ok(Bytes::copy_from_slice(&self.scratch[..step.written]))
    }

    fn fail(&mut self, error: Error) -> Error {
        self.state = State::Failed;
        self.input = Bytes::new();
        error
    }
}

fn corrupt(coding: ContentCoding, source: BoxError) -> Error {
    Error::decode(format!("{coding} data is corrupt: {source}"), Bytes::new())
}

/// As if the connection had been lost: the rest of the body is missing.
fn ends_early(coding: ContentCoding) -> Error {
    Error::io(format!("{coding} data ends early"))
}

impl fmt::Debug for Decompressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decompressor")
            .field("coding", &self.coding)
            .field("max_ratio", &self.max_ratio)
            .field("read", &self.read)
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

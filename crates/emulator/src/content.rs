//! The bytes of a file: in memory while they are few, in a temporary file from a size on. Knows
//! nothing of what they mean.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    ops::Range,
    sync::Arc,
};

use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};
use tempfile::{NamedTempFile, TempPath};

/// Bytes that do not change any more. A clone is the same bytes, not a copy.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Memory(Bytes),
    /// Removed from the disk with the last clone.
    Disk {
        path: Arc<TempPath>,
        len: u64,
    },
}

impl Content {
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::Disk { len, .. } => *len,
        }
    }

    /// All of it.
    pub(crate) fn read(&self) -> io::Result<Bytes> {
        self.read_range(0..self.len())
    }

    /// A piece of it, which must lie within.
    pub(crate) fn read_range(&self, range: Range<u64>) -> io::Result<Bytes> {
        match self {
            Self::Memory(bytes) => {
                let place = |at: u64| usize::try_from(at).map_err(io::Error::other);
                Ok(bytes.slice(place(range.start)?..place(range.end)?))
            }
            Self::Disk { path, .. } => {
                let mut file = File::open(path.as_ref())?;
                file.seek(SeekFrom::Start(range.start))?;
                let len = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
                let mut piece = BytesMut::zeroed(len);
                file.read_exact(&mut piece)?;
                Ok(piece.freeze())
            }
        }
    }

    pub(crate) fn sha256(&self) -> io::Result<[u8; 32]> {
        const STEP: u64 = 1 << 20;
        let mut digest = Sha256::new();
        let mut at = 0;
        while at < self.len() {
            let end = self.len().min(at + STEP);
            digest.update(self.read_range(at..end)?);
            at = end;
        }
        Ok(digest.finalize().into())
    }
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Self {
        Self::Memory(bytes)
    }
}

/// A piece of a content, read when it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Slice {
    content: Content,
    range: Range<u64>,
}

impl Slice {
    /// The bytes of `range`, which must lie within the content.
    pub(crate) fn new(content: Content, range: Range<u64>) -> Self {
        Self { content, range }
    }

    pub(crate) fn len(&self) -> u64 {
        self.range.end - self.range.start
    }

    /// Keeps the first `len` bytes.
    pub(crate) fn truncate(&mut self, len: u64) {
        self.range.end = self.range.end.min(self.range.start.saturating_add(len));
    }

    /// The next bytes of it, at most as many as are worth one write; nothing at its end.
    pub(crate) fn next(&mut self) -> Option<io::Result<Bytes>> {
        const STEP: u64 = 256 << 10;
        let start = self.range.start;
        let end = self.range.end.min(start.saturating_add(STEP));
        self.range.start = end;
        (start < end).then(|| self.content.read_range(start..end))
    }
}

/// Bytes that are arriving, hashed as they do.
#[derive(Debug)]
pub(crate) struct Sink {
    kept: Kept,
    len: u64,
    digest: Sha256,
    /// From more than these bytes on they are kept on the disk.
    in_memory: usize,
}

#[derive(Debug)]
enum Kept {
    Memory(BytesMut),
    Disk(NamedTempFile),
}

impl Sink {
    pub(crate) fn new(in_memory: usize) -> Self {
        Self {
            kept: Kept::Memory(BytesMut::new()),
            len: 0,
            digest: Sha256::new(),
            in_memory,
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Adds a piece. Pieces are what a socket gives at once, so writing one is not worth a thread
    /// of its own.
    pub(crate) fn append(&mut self, piece: &[u8]) -> io::Result<()> {
        if let Kept::Memory(bytes) = &self.kept
            && bytes.len().saturating_add(piece.len()) > self.in_memory
        {
            let mut file = NamedTempFile::new()?;
            file.write_all(bytes)?;
            self.kept = Kept::Disk(file);
        }
        match &mut self.kept {
            Kept::Memory(bytes) => bytes.extend_from_slice(piece),
            Kept::Disk(file) => file.write_all(piece)?,
        }
        self.digest.update(piece);
        self.len += piece.len() as u64;
        Ok(())
    }

    /// What has arrived, and its SHA-256.
    pub(crate) fn finish(self) -> (Content, [u8; 32]) {
        let content = match self.kept {
            Kept::Memory(bytes) => Content::Memory(bytes.freeze()),
            Kept::Disk(file) => Content::Disk {
                path: Arc::new(file.into_temp_path()),
                len: self.len,
            },
        };
        (content, self.digest.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_went_to_the_disk_is_gone_with_its_last_clone() {
        let mut sink = Sink::new(4);
        sink.append(b"too much").expect("written");
        let (content, _) = sink.finish();
        let Content::Disk { path, .. } = &content else {
            panic!("{content:?} is not on the disk");
        };
        let path = path.to_path_buf();
        let twin = content.clone();
        drop(content);
        assert_eq!(twin.read().expect("read"), "too much");
        drop(twin);
        assert!(!path.exists());
    }

    proptest! {
        #[test]
        fn memory_and_disk_keep_the_same(
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..9), 0..6),
            in_memory in 0_usize..40,
            cut in any::<(prop::sample::Index, prop::sample::Index)>(),
        ) {
            let whole = pieces.concat();
            let mut sink = Sink::new(in_memory);
            for piece in &pieces {
                sink.append(piece).expect("written");
            }
            prop_assert_eq!(sink.len(), whole.len() as u64);
            let (content, digest) = sink.finish();
            prop_assert_eq!(matches!(content, Content::Disk { .. }), whole.len() > in_memory);
            prop_assert_eq!(content.read().expect("read"), &whole);
            let expected: [u8; 32] = Sha256::digest(&whole).into();
            prop_assert_eq!(digest, expected);
            prop_assert_eq!(content.sha256().expect("read"), expected);
            let (a, b) = (cut.0.index(whole.len() + 1), cut.1.index(whole.len() + 1));
            let range = a.min(b)..a.max(b);
            let piece = content.read_range(range.start as u64..range.end as u64);
            prop_assert_eq!(piece.expect("read"), &whole[range]);
        }
    }
}

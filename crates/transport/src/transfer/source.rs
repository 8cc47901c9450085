//! Where the content of an upload comes from. A source can be read again from any offset, so that
//! whatever was lost on the way can be sent again; it knows nothing of requests.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncSeek};

use crate::error::Error;
use crate::transfer::seekable::{FileReader, SeekReader};

/// How much is read at once from a source that does not know its size: 1 MiB.
const PIECE_BYTES: usize = 1024 * 1024;

/// Content that can be read again from any offset.
///
/// [`Source`] covers bytes, files and seekable readers; implement this for anything else.
pub trait ReadAt: fmt::Debug + Send + Sync + 'static {
    /// Size and identity of the content as it is now.
    ///
    /// It is asked after every read, and a change ends the upload.
    fn fingerprint(&self) -> BoxFuture<'_, Result<Fingerprint, Error>>;

    /// Reads `max_bytes` from `offset`; fewer only where the content ends.
    fn read_at(&self, offset: u64, max_bytes: usize) -> BoxFuture<'_, Result<Bytes, Error>>;

    /// The name the content has as a file, without its folder.
    fn file_name(&self) -> Option<&str> {
        None
    }
}

/// What tells one content from another without reading it.
///
/// Two contents that differ should have different fingerprints; a fingerprint is no proof that
/// they are equal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    bytes: Option<u64>,
    mark: String,
}

impl Fingerprint {
    /// A content of `bytes` bytes, `None` when only reading tells, and of this `mark`: whatever
    /// changes when the content does, such as a time of modification or a checksum.
    pub fn new(bytes: Option<u64>, mark: impl Into<String>) -> Self {
        Self {
            bytes,
            mark: mark.into(),
        }
    }

    /// The size, if it is known.
    pub fn bytes(&self) -> Option<u64> {
        self.bytes
    }
}

/// The content of an upload: bytes in memory, a file, or anything that can be read at an offset.
///
/// ```
/// use gimmal_transport::Source;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), gimmal_transport::Error> {
/// let memory = Source::from("some text");
/// assert_eq!(memory.read_at(5, 100).await?, "text");
/// assert!(Source::open("no/such/file").await.is_err());
/// # Ok(())
/// # }
/// ```
///
/// A clone is cheap and reads the same content.
#[derive(Clone, Debug)]
pub struct Source(Arc<dyn ReadAt>);

impl Source {
    /// Content read by an implementation of your own.
    pub fn new(content: impl ReadAt) -> Self {
        Self(Arc::new(content))
    }

    /// The content of a file, which stays open for as long as the source lives.
    ///
    /// A change of its size or of its time of modification ends an upload. A change that leaves
    /// both as they are cannot be seen.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Ok(Self::new(FileReader::open(path.as_ref()).await?))
    }

    /// The content of a reader from its first byte; its size is where seeking to the end leads.
    pub fn from_reader(reader: impl AsyncRead + AsyncSeek + Unpin + Send + 'static) -> Self {
        Self::new(SeekReader::new(reader))
    }

    /// Size and identity of the content as it is now.
    pub async fn fingerprint(&self) -> Result<Fingerprint, Error> {
        self.0.fingerprint().await
    }

    /// Reads `max_bytes` from `offset`; fewer only where the content ends.
    pub async fn read_at(&self, offset: u64, max_bytes: usize) -> Result<Bytes, Error> {
        self.0.read_at(offset, max_bytes).await
    }

    /// The name the content has as a file, without its folder.
    pub fn file_name(&self) -> Option<&str> {
        self.0.file_name()
    }

    /// Reads everything into memory.
    pub async fn read_all(&self) -> Result<Bytes, Error> {
        if let Some(size) = self.fingerprint().await?.bytes {
            let size = usize::try_from(size)
                .map_err(|_| Error::invalid("source", "it does not fit into memory"))?;
            let content = self.read_at(0, size).await?;
            return if content.len() == size {
                Ok(content)
            } else {
                Err(Error::transfer("source changed while it was read"))
            };
        }
        let mut content = BytesMut::new();
        loop {
            let piece = self.read_at(content.len() as u64, PIECE_BYTES).await?;
            content.extend_from_slice(&piece);
            if piece.len() < PIECE_BYTES {
                return Ok(content.freeze());
            }
        }
    }
}

impl From<Bytes> for Source {
    fn from(content: Bytes) -> Self {
        Self::new(Memory::new(content))
    }
}

impl From<Vec<u8>> for Source {
    fn from(content: Vec<u8>) -> Self {
        Bytes::from(content).into()
    }
}

impl From<String> for Source {
    fn from(content: String) -> Self {
        Bytes::from(content).into()
    }
}

impl From<&'static str> for Source {
    fn from(content: &'static str) -> Self {
        Bytes::from_static(content.as_bytes()).into()
    }
}

impl From<&'static [u8]> for Source {
    fn from(content: &'static [u8]) -> Self {
        Bytes::from_static(content).into()
    }
}

/// Bytes in memory. A checksum, cheap to make, tells them apart in another process.
struct Memory {
    content: Bytes,
    fingerprint: Fingerprint,
}

impl Memory {
    fn new(content: Bytes) -> Self {
        let mark = format!("crc32c:{:08x}", crc32c::crc32c(&content));
        Self {
            fingerprint: Fingerprint::new(Some(content.len() as u64), mark),
            content,
        }
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.content.len())
    }
}

impl ReadAt for Memory {
    fn fingerprint(&self) -> BoxFuture<'_, Result<Fingerprint, Error>> {
        ready(Ok(self.fingerprint.clone())).boxed()
    }

    fn read_at(&self, offset: u64, max_bytes: usize) -> BoxFuture<'_, Result<Bytes, Error>> {
        let start = usize::try_from(offset)
            .map_or(self.content.len(), |offset| offset.min(self.content.len()));
        let end = start.saturating_add(max_bytes).min(self.content.len());
        ready(Ok(self.content.slice(start..end))).boxed()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::error::ErrorKind;

    async fn check(source: Source) {
        assert_eq!(source.fingerprint().await.unwrap().bytes(), Some(10));
        assert_eq!(source.read_at(0, 4).await.unwrap(), "0123");
        assert_eq!(source.read_at(8, 4).await.unwrap(), "89");
        assert_eq!(source.read_at(10, 4).await.unwrap(), "");
        assert_eq!(source.read_at(99, 4).await.unwrap(), "");
        assert_eq!(source.read_at(3, 1).await.unwrap(), "3", "reads go back");
        assert_eq!(source.read_all().await.unwrap(), "0123456789");
    }

    #[tokio::test]
    async fn memory_readers_and_files_read_alike() {
        check(Source::from("0123456789")).await;
        check(Source::from_reader(Cursor::new(b"0123456789"))).await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        std::fs::write(&path, "0123456789").unwrap();
        let file = Source::open(&path).await.unwrap();
        assert_eq!(file.file_name(), Some("a.txt"));
        check(file).await;
    }

    #[tokio::test]
    async fn fingerprints_tell_contents_apart() {
        let of = |text: &'static str| async move { Source::from(text).fingerprint().await };
        assert_eq!(of("a").await.unwrap(), of("a").await.unwrap());
        assert_ne!(of("a").await.unwrap(), of("b").await.unwrap());

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "one").unwrap();
        let file = Source::open(&path).await.unwrap();
        let before = file.fingerprint().await.unwrap();
        assert_eq!(before, file.fingerprint().await.unwrap());
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(9);
        let handle = std::fs::File::options().append(true).open(&path).unwrap();
        handle.set_modified(later).unwrap();
        assert_ne!(before, file.fingerprint().await.unwrap());
    }

    #[tokio::test]
    async fn a_missing_file_and_a_folder_are_named() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().join("missing.bin"), folder.path().into()] {
            let error = Source::open(&path).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::File);
            let name = path.display().to_string();
            assert!(error.to_string().contains(&name), "{error}");
        }
    }

    #[tokio::test]
    async fn a_content_of_unknown_size_is_read_to_its_end() {
        #[derive(Debug)]
        struct Endless(Memory);
        impl ReadAt for Endless {
            fn fingerprint(&self) -> BoxFuture<'_, Result<Fingerprint, Error>> {
                ready(Ok(Fingerprint::new(None, ""))).boxed()
            }
            fn read_at(&self, offset: u64, max: usize) -> BoxFuture<'_, Result<Bytes, Error>> {
                self.0.read_at(offset, max)
            }
        }
        for size in [0, 1, PIECE_BYTES, 2 * PIECE_BYTES + 1] {
            let memory = Memory::new(vec![7; size].into());
            let source = Source::new(Endless(memory));
            assert_eq!(source.read_all().await.unwrap().len(), size);
        }
    }

    #[test]
    fn debug_shows_no_content() {
        assert_eq!(format!("{:?}", Source::from("SECRET")), "Source(6 bytes)");
    }
}

//! Readers with a position, made readable at any offset: one at a time, each after a seek.

use std::fmt;
use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncSeek, AsyncSeekExt};
use tokio::sync::Mutex;

use crate::error::Error;
use crate::transfer::{Fingerprint, ReadAt};

/// What errors call a reader that has no path.
const NAMELESS: &str = "reader";

/// Any reader with a position.
pub(super) struct SeekReader<R>(Mutex<R>);

impl<R: AsyncRead + AsyncSeek + Unpin + Send> SeekReader<R> {
    pub(super) fn new(reader: R) -> Self {
        Self(Mutex::new(reader))
    }

    async fn read(&self, offset: u64, max_bytes: usize) -> io::Result<Bytes> {
        let mut reader = self.0.lock().await;
        reader.seek(SeekFrom::Start(offset)).await?;
        let mut content = Vec::with_capacity(max_bytes);
        let limit = u64::try_from(max_bytes).unwrap_or(u64::MAX);
        (&mut *reader).take(limit).read_to_end(&mut content).await?;
        Ok(content.into())
    }

    async fn size(&self) -> io::Result<u64> {
        self.0.lock().await.seek(SeekFrom::End(0)).await
    }
}

impl<R> fmt::Debug for SeekReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMELESS)
    }
}

impl<R: AsyncRead + AsyncSeek + Unpin + Send + 'static> ReadAt for SeekReader<R> {
    fn fingerprint(&self) -> BoxFuture<'_, Result<Fingerprint, Error>> {
        async {
            match self.size().await {
                Ok(size) => Ok(Fingerprint::new(Some(size), "")),
                Err(source) => Err(Error::file("seek", Path::new(NAMELESS), source)),
            }
        }
        .boxed()
    }

    fn read_at(&self, offset: u64, max_bytes: usize) -> BoxFuture<'_, Result<Bytes, Error>> {
        async move {
            let content = self.read(offset, max_bytes).await;
            content.map_err(|source| Error::file("read", Path::new(NAMELESS), source))
        }
        .boxed()
    }
}

/// An open file, with its path for errors and its times for the fingerprint.
pub(super) struct FileReader {
    reader: SeekReader<File>,
    path: PathBuf,
}

impl FileReader {
    pub(super) async fn open(path: &Path) -> Result<Self, Error> {
        let open = async {
            let file = File::open(path).await?;
            // Some systems open a folder and fail at the first read.
            if file.metadata().await?.is_dir() {
                return Err(io::Error::from(io::ErrorKind::IsADirectory));
            }
            Ok(file)
        };
        match open.await {
            Ok(file) => Ok(Self {
                reader: SeekReader::new(file),
                path: path.to_owned(),
            }),
            Err(source) => Err(Error::file("open", path, source)),
        }
    }

    async fn look(&self) -> io::Result<Fingerprint> {
        let metadata = self.reader.0.lock().await.metadata().await?;
        // Without a time of modification, the size is all there is.
        let modified = metadata.modified().ok();
        let modified = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let mark = modified.map_or_else(String::new, |time| {
            format!("modified:{}.{:09}", time.as_secs(), time.subsec_nanos())
        });
        Ok(Fingerprint::new(Some(metadata.len()), mark))
    }
}

impl fmt::Debug for FileReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())
    }
}

impl ReadAt for FileReader {
    fn fingerprint(&self) -> BoxFuture<'_, Result<Fingerprint, Error>> {
        async {
            let look = self.look().await;
            look.map_err(|source| Error::file("look at", &self.path, source))
        }
        .boxed()
    }

    fn read_at(&self, offset: u64, max_bytes: usize) -> BoxFuture<'_, Result<Bytes, Error>> {
        async move {
            let content = self.reader.read(offset, max_bytes).await;
            content.map_err(|source| Error::file("read", &self.path, source))
        }
        .boxed()
    }

    fn file_name(&self) -> Option<&str> {
        self.path.file_name()?.to_str()
    }
}

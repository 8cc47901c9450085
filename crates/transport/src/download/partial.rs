//! A file that is not whole yet, beside its target: `name.part` with its first bytes and
//! `name.part.json` with what they are a part of. It only ever grows at its end or begins again,
//! so whatever is on the disk after a crash of the process is a beginning of the file.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::{self, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use tempfile::TempPath;
use tokio::io::{AsyncSeekExt, AsyncWriteExt};
use url::Url;

use crate::download::Digest;
use crate::download::digest::first_mismatch;
use crate::download::state::State;
use crate::error::Error;

/// The partial file of one target; while it is open, no other process works on it.
#[derive(Debug)]
pub(super) struct Partial {
    target: PathBuf,
    part: PathBuf,
    state_file: PathBuf,
    file: tokio::fs::File,
    len: u64,
    /// How many of the bytes were here when it was opened.
    resumed: u64,
    state: Option<State>,
}

impl Partial {
    /// Opens what an earlier download of `url` left beside `target`, or begins.
    pub(super) async fn open(target: &Path, url: &Url) -> Result<Self, Error> {
        if target.file_name().is_none() {
            return Err(Error::invalid("target", "it must be the path of a file"));
        }
        let part = with_suffix(target, ".part");
        let state_file = with_suffix(target, ".part.json");
        let opened = {
            let part = part.clone();
            blocking(move || open_locked(&part)).await
        };
        let (file, len) = opened.map_err(|source| Error::file("open", &part, source))?;
        // A state that is missing or cannot be read describes nothing, so its bytes go.
        let state = tokio::fs::read(&state_file).await.ok();
        let state: Option<State> = state.and_then(|text| serde_json::from_slice(&text).ok());
        let mut partial = Self {
            target: target.to_owned(),
            part,
            state_file,
            file: tokio::fs::File::from_std(file),
            len,
            resumed: len,
            state: state.filter(|state| state.is_of(url)),
        };
        if partial.state.is_none() {
            partial.discard().await?;
        }
        Ok(partial)
    }

    /// How many bytes are here.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// How many of them an earlier download left.
    pub(super) fn resumed(&self) -> u64 {
        self.resumed
    }

    /// What they are a part of; `None` when none are here.
    pub(super) fn state(&self) -> Option<&State> {
        self.state.as_ref()
    }

    /// Begins again, with another version of the file.
    pub(super) async fn restart(&mut self, state: State) -> Result<(), Error> {
        // First the bytes, then what they are: the other way round, a crash in between would
        // leave bytes under a wrong description.
        self.discard().await?;
        let text = serde_json::to_vec(&state).map_err(io::Error::other);
        let written = match text {
            Ok(text) => tokio::fs::write(&self.state_file, text).await,
            Err(error) => Err(error),
        };
        written.map_err(|source| Error::file("write", &self.state_file, source))?;
        self.state = Some(state);
        Ok(())
    }

    /// Throws away what is here.
    pub(super) async fn discard(&mut self) -> Result<(), Error> {
        self.state = None;
        self.resumed = 0;
        if self.len > 0 {
            self.flush().await?;
            let truncated = self.truncate().await;
            truncated.map_err(|source| Error::file("truncate", &self.part, source))?;
        }
        Ok(())
    }

    async fn truncate(&mut self) -> io::Result<()> {
        self.file.set_len(0).await?;
        self.file.rewind().await?;
        self.len = 0;
        Ok(())
    }

    pub(super) async fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = self.file.write_all(bytes).await;
        written.map_err(|source| Error::file("write", &self.part, source))?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Waits until everything was given to the system, where errors of earlier writes show.
    pub(super) async fn flush(&mut self) -> Result<(), Error> {
        let flushed = self.file.flush().await;
        flushed.map_err(|source| Error::file("write", &self.part, source))
    }

    /// The first of these digests that the bytes here do not have, with what they have instead.
    pub(super) async fn mismatch(
        &self,
        expected: Vec<Digest>,
    ) -> Result<Option<(Digest, Digest)>, Error> {
        if expected.is_empty() {
            return Ok(None);
        }
        let compare = async {
            // The same open file: where locks are strict, another one could not read it.
            let mut file = self.file.try_clone().await?.into_std().await;
            blocking(move || {
                file.rewind()?;
                first_mismatch(&expected, file)
            })
            .await
        };
        let compared = compare.await;
        compared.map_err(|source| Error::file("read", &self.part, source))
    }

    /// Gives the file its name, once it is safely on the disk.
    pub(super) async fn finish(self, overwrite: bool) -> Result<(), Error> {
        let synced = self.file.sync_all().await;
        synced.map_err(|source| Error::file("write", &self.part, source))?;
        let (part, target) = (self.part, self.target.clone());
        let named = blocking(move || name(&part, &target, overwrite)).await;
        named.map_err(|source| Error::file("create", &self.target, source))?;
        remove(&self.state_file).await
    }

    /// Leaves nothing behind.
    pub(super) async fn remove(self) -> Result<(), Error> {
        remove(&self.part).await?;
        remove(&self.state_file).await
    }
}

fn with_suffix(target: &Path, suffix: &str) -> PathBuf {
    let mut path = OsString::from(target);
    path.push(suffix);
    path.into()
}

fn open_locked(part: &Path) -> io::Result<(File, u64)> {
    loop {
        // Not in append mode, which on some systems cannot truncate.
        let mut options = File::options();
        options.create(true).truncate(false).read(true).write(true);
        let mut file = options.open(part)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let busy = "another download is writing it";
                return Err(io::Error::new(io::ErrorKind::ResourceBusy, busy));
            }
            // Some network file systems have no locks, and then there is none.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // Another download may have finished, and renamed the file, before the lock was ours.
        if fs::exists(part)? {
            let len = file.seek(SeekFrom::End(0))?;
            return Ok((file, len));
        }
    }
}

/// Renames in one step: under the name there is the old file or the new one, never a half.
fn name(part: &Path, target: &Path, overwrite: bool) -> io::Result<()> {
    if overwrite {
        fs::rename(part, target)?;
    } else {
        let mut part = TempPath::try_from_path(part)?;
        part.disable_cleanup(true);
        part.persist_noclobber(target)
            .map_err(|error| error.error)?;
    }
    sync_folder(target)
}

/// The name is safe when the folder is.
#[cfg(unix)]
fn sync_folder(target: &Path) -> io::Result<()> {
    let folder = target.parent().filter(|folder| *folder != Path::new(""));
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Elsewhere a folder cannot be opened, and the system looks after names itself.
#[cfg(not(unix))]
fn sync_folder(_target: &Path) -> io::Result<()> {
    Ok(())
}

async fn remove(path: &Path) -> Result<(), Error> {
    match tokio::fs::remove_file(path).await {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::file("remove", path, error))
        }
        _ => Ok(()),
    }
}

/// Runs work that blocks on a thread where it may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(io::Error::other(error)),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;
    use crate::error::ErrorKind;

    fn url() -> Url {
        Url::parse("https://h/f").unwrap()
    }

    fn state() -> State {
        State::of(&url(), &HeaderMap::new(), Some(4))
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn what_is_here_survives_and_gets_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a.bin");
        let mut partial = Partial::open(&target, &url()).await.unwrap();
        partial.restart(state()).await.unwrap();
        partial.append(b"ab").await.unwrap();
        partial.flush().await.unwrap();
        drop(partial);
        assert_eq!(names(folder.path()), ["a.bin.part", "a.bin.part.json"]);

        let mut partial = Partial::open(&target, &url()).await.unwrap();
        assert_eq!((partial.len(), partial.resumed()), (2, 2));
        assert_eq!(partial.state(), Some(&state()));
        partial.append(b"cd").await.unwrap();
        partial.flush().await.unwrap();
        let digest = Digest::of_md5(b"abcd");
        assert_eq!(partial.mismatch(vec![digest]).await.unwrap(), None);
        partial.finish(false).await.unwrap();
        assert_eq!(names(folder.path()), ["a.bin"]);
        assert_eq!(fs::read(&target).unwrap(), b"abcd");
    }

    #[tokio::test]
    async fn bytes_of_unknown_origin_are_thrown_away() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a");
        let elsewhere = State::of(&Url::parse("https://h/g").unwrap(), &HeaderMap::new(), None);
        let elsewhere = serde_json::to_string(&elsewhere).unwrap();
        for state in ["", "{", elsewhere.as_str()] {
            fs::write(folder.path().join("a.part"), "old").unwrap();
            fs::write(folder.path().join("a.part.json"), state).unwrap();
            let partial = Partial::open(&target, &url()).await.unwrap();
            assert_eq!((partial.len(), partial.state()), (0, None));
            assert_eq!(fs::read(folder.path().join("a.part")).unwrap(), b"");
        }
    }

    #[tokio::test]
    async fn two_downloads_do_not_write_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a");
        let first = Partial::open(&target, &url()).await.unwrap();
        let error = Partial::open(&target, &url()).await.unwrap_err();
        assert!(
            error.to_string().contains("another download is writing it"),
            "{error}"
        );
        drop(first);
        Partial::open(&target, &url()).await.unwrap();
    }

    #[tokio::test]
    async fn a_file_that_came_in_between_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a");
        let mut partial = Partial::open(&target, &url()).await.unwrap();
        partial.restart(state()).await.unwrap();
        partial.append(b"new").await.unwrap();
        partial.flush().await.unwrap();
        fs::write(&target, "old").unwrap();
        let error = partial.finish(false).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::File);
        assert_eq!(fs::read(&target).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["a", "a.part", "a.part.json"]);

        let partial = Partial::open(&target, &url()).await.unwrap();
        partial.finish(true).await.unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[tokio::test]
    async fn a_folder_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("none").join("a");
        let error = Partial::open(&target, &url()).await.unwrap_err();
        assert!(error.to_string().contains("a.part"), "{error}");
        let error = Partial::open(Path::new("/"), &url()).await.unwrap_err();
        assert_eq!(error.field(), Some("target"));
    }
}

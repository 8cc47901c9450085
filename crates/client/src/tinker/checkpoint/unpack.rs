//! Unpacks an archive that somebody else made: files and folders below one folder, and nothing
//! else. No entry may lead out of the folder, be a link or replace another, and what is written
//! is bounded.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read};
use std::path::{Component, Path, PathBuf};

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use gimmal_transport::Error;
use tar::{Archive, Entry, EntryType};

/// The first bytes of gzip.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// An archive is read in pieces of this size: 256 KiB.
const BUFFER_BYTES: usize = 256 * 1024;

/// How much may come out of an archive.
///
/// ```
/// use gimmal_client::tinker::UnpackLimits;
///
/// let limits = UnpackLimits::default().with_max_bytes(1 << 30).with_max_files(100);
/// # let _ = limits;
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct UnpackLimits {
    max_bytes: u64,
    max_files: u64,
}

impl Default for UnpackLimits {
    /// 1 TiB in 10,000 files and folders.
    fn default() -> Self {
        Self {
            max_bytes: 1 << 40,
            max_files: 10_000,
        }
    }
}

impl UnpackLimits {
    /// Sets how many bytes all files may have together.
    pub fn with_max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Refuses more than this.
    pub(super) fn check(self, done: Unpacked) -> Result<(), Error> {
        let (files, bytes) = (self.max_files, self.max_bytes);
        match done.files > files || done.bytes > bytes {
            true => Err(refused(format!(
                "has more than {files} files or {bytes} bytes"
            ))),
            false => Ok(()),
        }
    }

    /// Sets how many files and folders there may be.
    pub fn with_max_files(mut self, files: u64) -> Self {
        self.max_files = files;
        self
    }
}

/// What came out of an archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unpacked {
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Unpacks a tar archive, plain or in gzip, into a folder that exists and should be empty.
///
/// ```
/// use gimmal_client::tinker::{UnpackLimits, unpack_archive};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let mut builder = tar::Builder::new(Vec::new());
/// # let mut header = tar::Header::new_gnu();
/// # header.set_size(2);
/// # builder.append_data(&mut header, "adapter_config.json", &b"{}"[..])?;
/// # let archive = builder.into_inner()?;
/// let unpacked = unpack_archive(&archive[..], folder.path(), UnpackLimits::default())?;
/// assert_eq!(unpacked.files, 1);
/// assert!(folder.path().join("adapter_config.json").exists());
/// # Ok(())
/// # }
/// ```
///
/// Owners, modes and times of the archive do not count. This blocks; call it where that is fine.
///
/// # Errors
///
/// Fails on an archive that is damaged, passes the limits, or has an entry that is a link or a
/// device, has an absolute path or one with `..`, or is there already. What was unpacked until
/// then stays in the folder.
pub fn unpack_archive(
    archive: impl Read,
    folder: &Path,
    limits: UnpackLimits,
) -> Result<Unpacked, Error> {
    let mut archive = BufReader::with_capacity(BUFFER_BYTES, archive);
    let mut start = [0; GZIP.len()];
    let read = read_start(&mut archive, &mut start).map_err(|error| damaged(&error))?;
    let archive = io::Cursor::new(start[..read].to_vec()).chain(archive);
    match start == GZIP {
        true => unpack(MultiGzDecoder::new(archive), folder, limits),
        false => unpack(archive, folder, limits),
    }
}

fn read_start(archive: &mut impl Read, start: &mut [u8]) -> io::Result<usize> {
    let mut read = 0;
    while read < start.len() {
        match archive.read(&mut start[read..])? {
            0 => break,
            more => read += more,
        }
    }
    Ok(read)
}

fn unpack(archive: impl Read, folder: &Path, limits: UnpackLimits) -> Result<Unpacked, Error> {
    let mut archive = Archive::new(archive);
    let (mut done, mut entries) = (Unpacked::default(), 0_u64);
    for entry in archive.entries().map_err(|error| damaged(&error))? {
        let mut entry = entry.map_err(|error| damaged(&error))?;
        entries += 1;
        if entries > limits.max_files {
            return Err(refused(format!(
                "has more than {} entries",
                limits.max_files
            )));
        }
        let path = path_of(&entry)?;
        match entry.header().entry_type() {
            EntryType::Directory => make_folder(&folder.join(path))?,
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                if path.as_os_str().is_empty() {
                    return Err(refused("has a file without a name"));
                }
                let room = limits.max_bytes - done.bytes;
                if entry.size() > room {
                    let most = limits.max_bytes;
                    return Err(refused(format!("holds more than {most} bytes")));
                }
                done.bytes += write_file(&mut entry, &folder.join(path))?;
                done.files += 1;
            }
            other => {
                let path = path.display();
                return Err(refused(format!(
                    "has `{path}`, which is no file ({other:?})"
                )));
            }
        }
    }
    if entries == 0 {
        return Err(refused("is empty"));
    }
    Ok(done)
}

/// The path of an entry, if it stays below the folder.
fn path_of(entry: &Entry<'_, impl Read>) -> Result<PathBuf, Error> {
    let path = entry.path().map_err(|error| damaged(&error))?;
    let mut inside = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::Normal(part) if !part.to_string_lossy().contains(['\\', '\0']) => {
                inside.push(part);
            }
            _ => {
                let path = path.display();
                return Err(refused(format!(
                    "has `{path}`, which leads out of the folder"
                )));
            }
        }
    }
    Ok(inside)
}

fn make_folder(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(|error| Error::file("create", folder, error))
}

/// Writes a file that must not be there yet. There are no links below the folder, so its parents
/// are real.
fn write_file(entry: &mut Entry<'_, impl Read>, target: &Path) -> Result<u64, Error> {
    if let Some(parent) = target.parent() {
        make_folder(parent)?;
    }
    let file = OpenOptions::new().write(true).create_new(true).open(target);
    let mut file: File = file.map_err(|error| Error::file("create", target, error))?;
    let size = entry.size();
    let written = io::copy(&mut entry.take(size), &mut file).map_err(|error| damaged(&error))?;
    if written != size {
        return Err(refused("ends in the middle of a file"));
    }
    file.sync_all()
        .map_err(|error| Error::file("write", target, error))?;
    Ok(written)
}

fn refused(what: impl std::fmt::Display) -> Error {
    Error::decode(format!("the archive {what}"), Bytes::new()).with_field("archive")
}

fn damaged(error: &io::Error) -> Error {
    refused(format_args!("cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;
    use tar::{Builder, Header};
    use tempfile::tempdir;
    use test_case::test_case;

    use super::*;

    /// An archive with these entries, whose names are written as they are.
    fn archive(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        for (name, kind, content) in entries {
            let mut header = Header::new_gnu();
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            header.set_size(content.len() as u64);
            if kind.is_symlink() || kind.is_hard_link() {
                header.set_link_name("/etc/passwd").unwrap();
            }
            header.set_cksum();
            builder.append(&header, *content).unwrap();
        }
        builder.into_inner().unwrap()
    }

    const FILE: EntryType = EntryType::Regular;

    fn good() -> Vec<u8> {
        archive(&[
            ("./", EntryType::Directory, b""),
            ("./a.json", FILE, b"{}"),
            ("sub/b.bin", FILE, b"12345"),
        ])
    }

    #[test_case(false; "plain")]
    #[test_case(true; "in gzip")]
    fn files_and_folders_come_out(packed: bool) {
        let mut bytes = good();
        if packed {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&bytes).unwrap();
            bytes = encoder.finish().unwrap();
        }
        let folder = tempdir().unwrap();
        let unpacked = unpack_archive(&bytes[..], folder.path(), UnpackLimits::default());
        assert_eq!(unpacked.unwrap(), Unpacked { files: 2, bytes: 7 });
        assert_eq!(fs::read(folder.path().join("a.json")).unwrap(), b"{}");
        assert_eq!(fs::read(folder.path().join("sub/b.bin")).unwrap(), b"12345");
    }

    /// Covers: CHK-DL-1
    #[test_case("../x", FILE, "leads out of the folder")]
    #[test_case("a/../../x", FILE, "leads out of the folder"; "below")]
    #[test_case("/abs/x", FILE, "leads out of the folder"; "absolute")]
    #[test_case("a\\..\\x", FILE, "leads out of the folder"; "backslash")]
    #[test_case("../d", EntryType::Directory, "leads out of the folder"; "folder")]
    #[test_case("link", EntryType::Symlink, "which is no file")]
    #[test_case("link", EntryType::Link, "which is no file"; "hard link")]
    #[test_case("dev", EntryType::Char, "which is no file"; "device")]
    #[test_case("pipe", EntryType::Fifo, "which is no file"; "pipe")]
    #[test_case("./", FILE, "without a name")]
    fn chk_dl_1_an_entry_that_is_no_file_below_the_folder_is_refused(
        name: &str,
        kind: EntryType,
        why: &str,
    ) {
        let outer = tempdir().unwrap();
        let folder = outer.path().join("in");
        fs::create_dir(&folder).unwrap();
        let bytes = archive(&[(name, kind, b"")]);
        let error = unpack_archive(&bytes[..], &folder, UnpackLimits::default()).unwrap_err();
        assert!(
            error.to_string().contains(why) || format!("{error:?}").contains(why),
            "{error:?}"
        );
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 1);
    }

    #[test]
    fn limits_hold() {
        let limits = UnpackLimits::default();
        for limits in [limits.with_max_bytes(6), limits.with_max_files(2)] {
            let folder = tempdir().unwrap();
            unpack_archive(&good()[..], folder.path(), limits).unwrap_err();
        }
        let folder = tempdir().unwrap();
        let limits = limits.with_max_bytes(7).with_max_files(3);
        unpack_archive(&good()[..], folder.path(), limits).unwrap();
    }

    #[test]
    fn nothing_is_replaced_and_nothing_is_half() {
        let folder = tempdir().unwrap();
        let twice = archive(&[("a", FILE, b"1"), ("a", FILE, b"2")]);
        unpack_archive(&twice[..], folder.path(), UnpackLimits::default()).unwrap_err();
        assert_eq!(fs::read(folder.path().join("a")).unwrap(), b"1");
        let cut = &archive(&[("b", FILE, &[7; 2000])])[..1000];
        unpack_archive(cut, folder.path(), UnpackLimits::default()).unwrap_err();
        unpack_archive(&b""[..], folder.path(), UnpackLimits::default()).unwrap_err();
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn whatever_comes_nothing_is_written_outside(
            bytes in proptest::collection::vec(any::<u8>(), 0..2048),
            name in "[./a-c]{1,20}",
        ) {
            let outer = tempdir().unwrap();
            let folder = outer.path().join("in");
            fs::create_dir(&folder).unwrap();
            let limits = UnpackLimits::default().with_max_bytes(1 << 20);
            let _ = unpack_archive(&bytes[..], &folder, limits);
            let _ = unpack_archive(&archive(&[(&name, FILE, b"x")])[..], &folder, limits);
            prop_assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 1);
        }
    }
}

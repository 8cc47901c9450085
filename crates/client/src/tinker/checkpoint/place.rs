//! Where a checkpoint goes: worked on beside its place, and put there in one step. What a broken
//! download left is there for the next one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use gimmal_transport::Error;
use gimmal_types::tinker::ParsedCheckpointTinkerPath;

const SCHEME: &str = "tinker://";

/// The place of one checkpoint.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Where the files end up.
    pub(super) target: PathBuf,
    /// What is worked on.
    work: PathBuf,
    overwrite: bool,
}

impl Place {
    /// The place below `folder`: `run-123_weights_0001` for `tinker://run-123/weights/0001`.
    ///
    /// # Errors
    ///
    /// Fails when it is taken and nothing may be replaced.
    pub(super) fn new(
        folder: &Path,
        path: &ParsedCheckpointTinkerPath,
        overwrite: bool,
    ) -> Result<Self, Error> {
        let name = path.tinker_path().trim_start_matches(SCHEME);
        let name = name.replace(['/', '\\'], "_");
        let place = Self {
            target: folder.join(&name),
            work: folder.join(format!(".{name}.download")),
            overwrite,
        };
        place.refuse_taken()?;
        Ok(place)
    }

    fn refuse_taken(&self) -> Result<(), Error> {
        match self.target.symlink_metadata() {
            Ok(_) if !self.overwrite => {
                let taken = io::Error::from(io::ErrorKind::AlreadyExists);
                Err(Error::file("create", &self.target, taken))
            }
            _ => Ok(()),
        }
    }

    /// A file to download to.
    pub(super) fn archive(&self) -> PathBuf {
        self.work.join("archive.tar")
    }

    /// The folder that is to take the place.
    pub(super) fn files(&self) -> PathBuf {
        self.work.join("files")
    }

    /// Makes the folders to work in.
    pub(super) fn prepare(&self) -> Result<(), Error> {
        let files = self.files();
        fs::create_dir_all(&files).map_err(|error| Error::file("create", &files, error))
    }

    /// Begins the files anew.
    pub(super) fn clear_files(&self) -> Result<(), Error> {
        let files = self.files();
        remove(&files).map_err(|error| Error::file("remove", &files, error))?;
        self.prepare()
    }

    /// Puts the files in their place.
    pub(super) fn finish(&self) -> Result<(), Error> {
        self.refuse_taken()?;
        let failed = |error| Error::file("create", &self.target, error);
        let old = self.work.join("replaced");
        remove(&old).map_err(failed)?;
        if self.target.symlink_metadata().is_ok() {
            fs::rename(&self.target, &old).map_err(failed)?;
        }
        fs::rename(self.files(), &self.target).map_err(failed)?;
        self.remove_work()
    }

    /// Removes all but what is in its place.
    pub(super) fn remove_work(&self) -> Result<(), Error> {
        remove(&self.work).map_err(|error| Error::file("remove", &self.work, error))
    }
}

/// Removes a file, a link or a folder; one that is not there is no error.
fn remove(path: &Path) -> io::Result<()> {
    let removed = match path.symlink_metadata() {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

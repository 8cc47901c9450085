//! The file in which a user keeps keys: found or not, private or not, read and replaced as a whole.
//! What it holds is the affair of `stored`.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use secrecy::zeroize::Zeroizing;

use crate::auth::StoredCredentials;
use crate::error::{BoxError, Error};

/// The largest file that is read; a thousand keys take less.
const SIZE_LIMIT: u64 = 1024 * 1024;

/// A file with API keys, readable by its owner only.
///
/// ```
/// use gimmal_transport::auth::{CredentialsFile, StoredKey};
/// use secrecy::ExposeSecret;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let home = tempfile::tempdir()?;
/// # let home = home.path();
/// let file = CredentialsFile::new(home.join(".example/credentials.json"));
/// let mut stored = file.load()?;
/// stored.insert("laptop", StoredKey::new("secret".into(), "for experiments"));
/// stored.set_default("laptop")?;
/// file.save(&stored)?;
///
/// let key = file.load()?.default_key().map(|key| key.key().clone());
/// assert_eq!(key.unwrap().expose_secret(), "secret");
/// # Ok(())
/// # }
/// ```
///
/// The file is a JSON object: `version` (1), `default` (the id of a key) and `keys` (ids to
/// records with `key`, `name` and whatever else a service keeps there). It is the format of
/// Tinker's `credentials.json`.
///
/// Reading and writing block for a moment. Between two processes that change the file at the same
/// time the last one wins; neither ever sees half a file. Errors name the file and what is wrong
/// with it, and quote nothing of it.
#[derive(Clone, Debug)]
pub struct CredentialsFile {
    path: PathBuf,
    shared: bool,
}

impl CredentialsFile {
    /// The file at `path`, which need not exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            shared: false,
        }
    }

    /// Also reads a file that users other than its owner may read or write, with a warning in
    /// the log. For files whose mode is not in the hands of the user, such as mounted secrets.
    #[must_use]
    pub fn with_shared_allowed(mut self) -> Self {
        self.shared = true;
        self
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the file; one that does not exist holds nothing.
    ///
    /// On Unix it fails when others than the owner have any access to the file.
    pub fn load(&self) -> Result<StoredCredentials, Error> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(StoredCredentials::default());
            }
            Err(error) => return Err(self.lost("could not be opened", error)),
        };
        let metadata = file.metadata();
        let metadata = metadata.map_err(|error| self.lost("could not be looked at", error))?;
        if !metadata.is_file() {
            return Err(self.flawed("is no file"));
        }
        self.check_private(&metadata)?;
        let mut text = Zeroizing::new(Vec::new());
        file.take(SIZE_LIMIT + 1)
            .read_to_end(&mut text)
            .map_err(|error| self.lost("could not be read", error))?;
        if text.len() as u64 > SIZE_LIMIT {
            return Err(self.flawed("is larger than 1 MiB"));
        }
        StoredCredentials::from_json(&text).map_err(|flaw| self.flawed(&flaw))
    }

    /// Replaces the file in one step. It and the directory it is in, if they are new, are for
    /// their owner only.
    pub fn save(&self, stored: &StoredCredentials) -> Result<(), Error> {
        let json = stored.to_json();
        let json = Zeroizing::new(json.map_err(|error| self.lost("could not be made", error))?);
        self.replace(&json)
            .map_err(|error| self.lost("could not be written", error))
    }

    fn replace(&self, content: &[u8]) -> io::Result<()> {
        // A link stays a link, and what it leads to is replaced.
        let target = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let directory = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        create_private_directory(directory)?;
        // Temporary files are for their owner only from the beginning.
        let mut file = tempfile::Builder::new()
            .prefix(".credentials.")
            .tempfile_in(directory)?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        file.persist(&target)?;
        Ok(())
    }

    #[cfg(unix)]
    fn check_private(&self, metadata: &Metadata) -> Result<(), Error> {
        use std::os::unix::fs::PermissionsExt;

        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 == 0 {
            return Ok(());
        }
        if self.shared {
            tracing::warn!(
                path = %self.path.display(),
                mode = format!("{mode:04o}"),
                "credentials file is open to others"
            );
            return Ok(());
        }
        let path = self.path.display();
        Err(self.flawed(&format!(
            "is open to others (mode {mode:04o}); run `chmod 600 {path}`"
        )))
    }

    #[cfg(not(unix))]
    fn check_private(&self, _metadata: &Metadata) -> Result<(), Error> {
        Ok(())
    }

    fn flawed(&self, flaw: &str) -> Error {
        Error::config(format!("credentials file {} {flaw}", self.path.display()))
            .with_field("credentials_file")
    }

    fn lost(&self, what: &str, source: impl Into<BoxError>) -> Error {
        let source = source.into();
        self.flawed(&format!("{what}: {source}"))
            .with_source(source)
    }
}

#[cfg(unix)]
fn create_private_directory(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;

    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

#[cfg(not(unix))]
fn create_private_directory(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

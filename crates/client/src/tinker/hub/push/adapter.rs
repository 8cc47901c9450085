//! The files of an adapter on the disk: whether all are there, and which of them go to a hub.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gimmal_transport::Error;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::glob::fits_one;

const CONFIG: &str = "adapter_config.json";
const MODELS: [&str; 2] = ["adapter_model.safetensors", "adapter_model.bin"];
/// Says that all other files are whole, which a download sees to by itself; it is of no use on a hub.
const COMPLETE: &str = "checkpoint_complete";
const BASE_MODEL: &str = "base_model_name_or_path";
/// How much of a file a hub looks at to tell how it is to be uploaded.
const SAMPLE_BYTES: u64 = 512;
/// A file is read in pieces of this size: 256 KiB.
const PIECE_BYTES: usize = 256 * 1024;

/// A folder with an adapter.
#[derive(Clone, Debug)]
pub(super) struct Adapter {
    folder: Arc<Path>,
}

/// A file of an adapter.
#[derive(Clone, Debug)]
pub(super) struct AdapterFile {
    /// Its path in the repository.
    pub(super) path: String,
    pub(super) place: PathBuf,
    pub(super) bytes: u64,
    /// Its beginning, in base64.
    pub(super) sample: String,
}

impl Adapter {
    /// Looks whether all of the adapter is there, and writes the base model down where it is not.
    pub(super) async fn open(folder: PathBuf, base_model: String) -> Result<Self, Error> {
        let adapter = Self {
            folder: folder.into(),
        };
        let opened = adapter.clone();
        blocking(move || opened.complete(&base_model)).await?;
        Ok(adapter)
    }

    fn complete(&self, base_model: &str) -> Result<(), Error> {
        let is_there = |name: &str| self.folder.join(name).is_file();
        let models = MODELS.iter().any(|name| is_there(name));
        let missing = match (is_there(CONFIG), models) {
            (false, _) => CONFIG,
            (_, false) => MODELS[0],
            _ => return self.name_base(base_model),
        };
        let message = format!("the checkpoint has no `{missing}`, so it is no adapter");
        Err(Error::invalid("path", message))
    }

    /// Without the base model nobody could use the adapter.
    fn name_base(&self, base_model: &str) -> Result<(), Error> {
        let place = self.folder.join(CONFIG);
        let read = fs::read(&place).map_err(|error| Error::file("read", &place, error))?;
        let mut config: Map<String, Value> = serde_json::from_slice(&read)
            .map_err(|error| Error::decode(error, read.into()).with_field(CONFIG))?;
        let named = config.get(BASE_MODEL).and_then(Value::as_str);
        if named.is_some_and(|name| !name.is_empty()) {
            return Ok(());
        }
        config.insert(BASE_MODEL.to_owned(), base_model.into());
        let text = serde_json::to_vec_pretty(&config)
            .map_err(|error| Error::invalid(CONFIG, error.to_string()))?;
        fs::write(&place, text).map_err(|error| Error::file("write", &place, error))
    }

    /// Adds a file, unless it is there.
    pub(super) async fn add(&self, name: &str, text: &[u8]) -> Result<(), Error> {
        let (place, text) = (self.folder.join(name), text.to_owned());
        blocking(move || {
            let added = File::create_new(&place).and_then(|mut file| file.write_all(&text));
            match added {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    Err(Error::file("write", &place, error))
                }
                _ => Ok(()),
            }
        })
        .await
    }

    /// The files that go to the hub, in the order of their paths.
    pub(super) async fn files(
        &self,
        allowed: &[String],
        ignored: &[String],
    ) -> Result<Vec<AdapterFile>, Error> {
        let adapter = self.clone();
        let (allowed, ignored) = (allowed.to_vec(), ignored.to_vec());
        blocking(move || {
            let mut files = Vec::new();
            collect(&adapter.folder, "", &mut files)?;
            files.retain(|file| match allowed.is_empty() {
                true => file.path != COMPLETE,
                false => fits_one(&allowed, &file.path),
            });
            files.retain(|file| !fits_one(&ignored, &file.path));
            files.sort_by(|a, b| a.path.cmp(&b.path));
            match files.is_empty() {
                true => Err(Error::invalid("patterns", "leave no file to push")),
                false => Ok(files),
            }
        })
        .await
    }
}

fn collect(folder: &Path, below: &str, files: &mut Vec<AdapterFile>) -> Result<(), Error> {
    let failed = |error| Error::file("read", folder, error);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (place, name) = (entry.path(), entry.file_name());
        let path = format!("{below}{}", name.to_string_lossy());
        // Links are never unpacked, so there is none.
        match entry.file_type().map_err(failed)?.is_dir() {
            true => collect(&place, &format!("{path}/"), files)?,
            false => files.push(look_at(path, place)?),
        }
    }
    Ok(())
}

fn look_at(path: String, place: PathBuf) -> Result<AdapterFile, Error> {
    let looked = File::open(&place).and_then(|file| {
        let bytes = file.metadata()?.len();
        let mut sample = Vec::new();
        file.take(SAMPLE_BYTES).read_to_end(&mut sample)?;
        Ok((bytes, STANDARD.encode(sample)))
    });
    let (bytes, sample) = looked.map_err(|error| Error::file("read", &place, error))?;
    Ok(AdapterFile {
        path,
        place,
        bytes,
        sample,
    })
}

impl AdapterFile {
    /// The SHA-256 of the whole file, in hexadecimal.
    pub(super) async fn digest(&self) -> Result<String, Error> {
        let place = self.place.clone();
        blocking(move || {
            let digested = File::open(&place).and_then(|mut file| {
                let (mut digest, mut piece) = (Sha256::new(), vec![0; PIECE_BYTES]);
                loop {
                    match file.read(&mut piece)? {
                        0 => return Ok(digest.finalize()),
                        read => digest.update(&piece[..read]),
                    }
                }
            });
            let digest = digested.map_err(|error| Error::file("read", &place, error))?;
            Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
        })
        .await
    }
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(Error::cancelled("the work on files ended early")))
}

//! A journal in a file: what is done is known by its place, so that a million results take little
//! memory.

use std::collections::HashMap;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::super::shared::lock;
use super::super::{WorkItem, WorkItemResult};
use super::record::{FORMAT, Header, ItemHead, ItemRecord, VERSION, checked, from_line, to_line};
use super::writer::Writer;
use super::{Fsync, ItemKey, Kept, ResultStore, StoreError};

/// Which results of an earlier run stand for this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policy {
    /// None: everything is done again, and written down again.
    Nothing,
    /// Outputs. What failed is tried again.
    #[default]
    ReuseSuccesses,
    /// Outputs and failures. Results that only say how a run ended are never reused.
    ReuseAll,
}

/// A journal that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The file is not a journal.
    #[error("{} is not a journal of a batch; nothing was changed", .0.display())]
    NotAJournal(PathBuf),
    /// The journal was written by a later version.
    #[error("the journal has version {0}, which this program does not know")]
    Version(u32),
    /// The results were made with another model, context or settings.
    #[error(
        "the journal belongs to another run: its model, context or settings differ; name another \
         journal, or the same settings as before"
    )]
    OtherRun,
    /// The inputs are not those of the journal.
    #[error(
        "the journal belongs to other inputs; name another journal, or the inputs as they were"
    )]
    OtherInputs,
    /// A line in the middle is damaged.
    #[error("line {0} of the journal is damaged, and valid ones follow it; nothing was changed")]
    Damaged(u64),
    /// Another process writes it.
    #[error("the journal is in use by another process")]
    InUse,
    /// It cannot be read or written.
    #[error("the journal: {0}")]
    Io(#[from] std::io::Error),
}

/// What was found in a journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovered {
    /// Items with an output.
    pub succeeded: u64,
    /// Items whose last result is a failure.
    pub failed: u64,
    /// Bytes at the end that a crash cut off, and that were dropped.
    pub dropped_bytes: u64,
}

/// Where the newest result of an item stands.
#[derive(Clone, Copy, Debug)]
struct Place {
    offset: u64,
    length: u32,
    ok: bool,
    replay: bool,
}

/// A durable log of results in a file.
///
/// Every line has a checksum. A line that a crash cut off is dropped when the journal is opened
/// again; damage anywhere else is an error.
///
/// ```
/// # use gimmal_batch::testing::ScriptedStrategy;
/// use std::sync::Arc;
/// use gimmal_batch::journal::{Journal, Policy};
/// use gimmal_batch::{Hooks, Processor, Shared, WorkItem};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = std::env::temp_dir().join(format!("gimmal-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let path = folder.join("run.journal");
/// # let strategy = Shared::new(ScriptedStrategy::echo());
/// for expected in [0, 1] {
///     let journal = Journal::builder("model and settings", "inputs").open(&path)?;
///     assert_eq!(journal.recovered().succeeded, expected);
///     let items = futures_util::stream::iter([WorkItem::new("a", "Hello".to_owned())]);
///     let hooks = Hooks::new().with_store(Arc::new(journal));
///     let run = Processor::new().start_with(strategy.clone(), items, hooks).await?;
///     assert_eq!(run.finish().await?.stats.replayed, expected);
/// }
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok(())
/// # }
/// ```
pub struct Journal {
    policy: Policy,
    recovered: Recovered,
    places: HashMap<[u8; 16], Place>,
    reader: Mutex<File>,
    writer: Mutex<Writer>,
}

/// Collects the settings of a [`Journal`].
#[derive(Clone, Debug)]
#[must_use]
pub struct JournalBuilder {
    run: String,
    inputs: String,
    policy: Policy,
    fsync: Fsync,
}

impl Journal {
    /// A journal of results made by `run`, a fingerprint of everything but the prompts that decides
    /// the answers, to `inputs`, a fingerprint of the prompts.
    pub fn builder(run: impl Into<String>, inputs: impl Into<String>) -> JournalBuilder {
        JournalBuilder {
            run: run.into(),
            inputs: inputs.into(),
            policy: Policy::default(),
            fsync: Fsync::default(),
        }
    }

    /// What was found when it was opened.
    pub fn recovered(&self) -> Recovered {
        self.recovered
    }
}

impl JournalBuilder {
    /// Which results of an earlier run stand for this one.
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// When the journal is forced to the disk.
    pub fn with_fsync(mut self, fsync: Fsync) -> Self {
        self.fsync = fsync;
        self
    }

    /// Opens a journal, or makes a new one.
    ///
    /// # Errors
    ///
    /// Fails on a file that is something else, on a journal of another run or of other inputs, on
    /// damage, and while another process writes it.
    pub fn open(self, path: impl AsRef<Path>) -> Result<Journal, JournalError> {
        let path = path.as_ref();
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        // A device may be read for ever.
        if !file.metadata()?.is_file() {
            return Err(JournalError::NotAJournal(path.to_owned()));
        }
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Err(JournalError::InUse),
            Err(std::fs::TryLockError::Error(error)) => return Err(error.into()),
        }
        let header = Header {
            format: FORMAT.to_owned(),
            version: VERSION,
            run: self.run.clone(),
            inputs: self.inputs.clone(),
        };
        let first = to_line(&header).map_err(std::io::Error::from)?;
        let mut found = scan(&file, path, &header, &first)?;
        if found.whole == 0 {
            file.set_len(0)?;
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&first)?;
            file.sync_all()?;
            found.whole = first.len() as u64;
        } else if found.recovered.dropped_bytes > 0 {
            let bytes = found.recovered.dropped_bytes;
            tracing::warn!(bytes, "the end of the journal was cut off by a crash");
            file.set_len(found.whole)?;
        }
        file.seek(SeekFrom::Start(found.whole))?;
        Ok(Journal {
            policy: self.policy,
            recovered: found.recovered,
            places: found.places,
            reader: Mutex::new(File::open(path)?),
            writer: Mutex::new(Writer::start(file, found.whole, self.fsync)?),
        })
    }
}

#[derive(Default)]
struct Found {
    /// Bytes of whole lines.
    whole: u64,
    places: HashMap<[u8; 16], Place>,
    recovered: Recovered,
}

/// Reads what is there. Nothing whole means that the journal is yet to begin.
fn scan(file: &File, path: &Path, header: &Header, first: &[u8]) -> Result<Found, JournalError> {
    let mut found = Found::default();
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line)?;
    match from_line::<Header>(&line) {
        Some(have) if have.format != FORMAT => {
            return Err(JournalError::NotAJournal(path.to_owned()));
        }
        Some(have) if have.version != VERSION => return Err(JournalError::Version(have.version)),
        Some(have) if have.run != header.run => return Err(JournalError::OtherRun),
        Some(have) if have.inputs != header.inputs => return Err(JournalError::OtherInputs),
        Some(_) => {}
        // A crash while the first line was written: it is the beginning of ours.
        None if first.starts_with(&line) => return Ok(found),
        None => return Err(JournalError::NotAJournal(path.to_owned())),
    }
    found.whole = line.len() as u64;
    let (mut offset, mut damaged) = (found.whole, None);
    for number in 2.. {
        line.clear();
        let length = reader.read_until(b'\n', &mut line)?;
        if length == 0 {
            break;
        }
        let head = checked(&line).and_then(|json| serde_json::from_slice::<ItemHead>(json).ok());
        match (head, damaged) {
            (Some(_), Some(damaged)) => return Err(JournalError::Damaged(damaged)),
            (None, _) => damaged = damaged.or(Some(number)),
            (Some(head), None) => {
                let place = Place {
                    offset,
                    length: u32::try_from(length).unwrap_or(u32::MAX),
                    ok: head.ok,
                    replay: head.replay,
                };
                found.put(&head.key, place);
                found.whole = offset + length as u64;
            }
        }
        offset += length as u64;
    }
    found.recovered.dropped_bytes = offset - found.whole;
    let done = found.places.values();
    found.recovered.succeeded = done.clone().filter(|place| place.ok).count() as u64;
    found.recovered.failed = done.filter(|place| !place.ok).count() as u64;
    Ok(found)
}

impl Found {
    /// The newest result stands; but one that only says how a run ended hides nothing.
    fn put(&mut self, key: &str, place: Place) {
        let Some(key) = parse(key) else { return };
        match self.places.get(&key) {
            Some(before) if before.replay && !place.replay => {}
            _ => drop(self.places.insert(key, place)),
        }
    }
}

/// A key of 32 hexadecimal digits as bytes.
fn parse(key: &str) -> Option<[u8; 16]> {
    let number = u128::from_str_radix(key, 16).ok()?;
    (key.len() == 32).then(|| number.to_be_bytes())
}

/// 32 hexadecimal digits of a SHA-256 over parts, each framed by its length.
fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let mut first = [0; 16];
    first.copy_from_slice(&hash.finalize()[..16]);
    format!("{:032x}", u128::from_be_bytes(first))
}

impl Journal {
    fn read<O: DeserializeOwned>(&self, place: Place) -> Result<Kept<O>, StoreError> {
        let failed = |error: String| StoreError::new(format!("cannot read the journal: {error}"));
        let mut line = vec![0; place.length as usize];
        let mut reader = lock(&self.reader);
        let read = reader
            .seek(SeekFrom::Start(place.offset))
            .and_then(|_| reader.read_exact(&mut line));
        drop(reader);
        read.map_err(|error| failed(error.to_string()))?;
        let record: ItemRecord<O> = serde_json::from_slice(checked(&line).unwrap_or_default())
            .map_err(|error| failed(error.to_string()))?;
        record.into_kept().map_err(failed)
    }
}

impl<I, O, C> ResultStore<I, O, C> for Journal
where
    I: Serialize + Send + Sync + 'static,
    O: Serialize + DeserializeOwned + Send + Sync + 'static,
    C: Send + Sync + 'static,
{
    fn prepare(&self, item: &WorkItem<I, C>) -> Result<ItemKey, StoreError> {
        let input = serde_json::to_vec(&item.input)
            .map_err(|error| StoreError::new(format!("the input cannot be written: {error}")))?;
        let strategy = item.strategy.as_deref().unwrap_or_default();
        let parts = [item.id.as_bytes(), strategy.as_bytes(), &input];
        Ok(ItemKey::new(digest(parts)))
    }

    fn lookup<'a>(
        &'a self,
        key: &'a ItemKey,
    ) -> BoxFuture<'a, Result<Option<Kept<O>>, StoreError>> {
        let place = parse(key.as_str()).and_then(|key| self.places.get(&key).copied());
        let place = place.filter(|place| match self.policy {
            Policy::Nothing => false,
            Policy::ReuseSuccesses => place.ok,
            Policy::ReuseAll => place.replay,
        });
        let kept = place.map(|place| self.read(place)).transpose();
        Box::pin(std::future::ready(kept))
    }

    fn append<'a>(
        &'a self,
        key: &'a ItemKey,
        result: &'a WorkItemResult<O, C>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let line = to_line(&ItemRecord::new(key, result))
            .map_err(|error| StoreError::new(format!("the output cannot be written: {error}")));
        let sent = line.and_then(|line| lock(&self.writer).append(line));
        Box::pin(async move {
            let lost = |_| StoreError::new("the journal's thread is gone");
            sent?.await.map_err(lost)?
        })
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { lock(&self.writer).close() })
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Journal")
            .field("policy", &self.policy)
            .field("recovered", &self.recovered)
            .finish_non_exhaustive()
    }
}

//! A store as a file of JSON lines. What is done is known by its place in the file, so that a
//! million records take little memory.

use std::collections::HashMap;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::Mutex;

use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::record::{self, Prints, SCHEMA};
use super::{ArtifactError, ArtifactIdentity, ProviderMetadata, canonical};
use crate::journal::{Fsync, ItemKey, Kept, Policy, ResultStore, StoreError, Writer};
use crate::shared::lock;
use crate::{WorkItem, WorkItemResult};

/// How the first line of a store of ours begins: no other file is repaired.
const MANIFEST_START: &[u8] = b"{\"artifact_schema_version\":1,\"created_at\":";

/// A store of results in a file of JSON lines that `async-batch-llm` reads and writes as well.
///
/// Prompts and contexts are kept as fingerprints alone. A line that a crash cut off is dropped when
/// the store is opened again.
///
/// ```
/// # use gimmal_batch::testing::ScriptedStrategy;
/// use std::sync::Arc;
/// use gimmal_batch::artifacts::{ArtifactIdentity, JsonlArtifactStore};
/// use gimmal_batch::journal::{Fsync, Policy};
/// use gimmal_batch::{Hooks, Processor, Shared, WorkItem};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let path = std::env::temp_dir().join(format!("gimmal-doc-{}.jsonl", std::process::id()));
/// # let strategy = Shared::new(ScriptedStrategy::echo());
/// let identity = ArtifactIdentity::new("gemini", "gemini-2.5-flash");
/// for expected in [0, 1] {
///     let policy = Policy::ReuseSuccesses;
///     let store = JsonlArtifactStore::open(&path, identity.clone(), policy, Fsync::Never)?;
///     let items = futures_util::stream::iter([WorkItem::new("a", "Hello".to_owned())]);
///     let hooks = Hooks::new().with_store(Arc::new(store));
///     let run = Processor::new().start_with(strategy.clone(), items, hooks).await?;
///     assert_eq!(run.finish().await?.stats.replayed, expected);
/// }
/// # std::fs::remove_file(&path)?;
/// # Ok(())
/// # }
/// ```
pub struct JsonlArtifactStore {
    identity: ArtifactIdentity,
    places: HashMap<[u8; 32], Place>,
    reader: Mutex<File>,
    writer: Mutex<Sequenced>,
}

/// The writer with the number of the next record.
struct Sequenced {
    writer: Writer,
    next: u64,
}

/// Where a record stands.
#[derive(Clone, Copy, Debug)]
struct Place {
    offset: u64,
    length: usize,
}

/// What was found in a file.
#[derive(Default)]
struct Found {
    places: HashMap<[u8; 32], Place>,
    /// Bytes of whole lines.
    whole: u64,
    dropped: u64,
    records: u64,
}

/// What an item is looked up by.
fn slot(identity: &str, id: &str, prints: &Prints) -> [u8; 32] {
    let mut hash = Sha256::new();
    let context = prints.context.as_deref().unwrap_or("-");
    for part in [identity, id, &prints.prompt, context, &prints.input] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

impl JsonlArtifactStore {
    /// Opens a store, or makes a new one. Results of another identity stay in it and stand for
    /// nothing.
    ///
    /// # Errors
    ///
    /// Fails on a file that is no store, on one of a later version, and on damage before its end.
    pub fn open(
        path: impl AsRef<Path>,
        identity: ArtifactIdentity,
        policy: Policy,
        fsync: Fsync,
    ) -> Result<Self, ArtifactError> {
        let path = path.as_ref();
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        let mut found = scan(&file, policy)?;
        if found.dropped > 0 {
            tracing::warn!(
                bytes = found.dropped,
                "the end of the store was cut off by a crash"
            );
            file.set_len(found.whole)?;
        }
        file.seek(SeekFrom::Start(found.whole))?;
        if found.whole == 0 {
            let line = line_of(&record::manifest(&identity));
            file.write_all(&line)?;
            found.whole = line.len() as u64;
        }
        Ok(Self {
            identity,
            places: found.places,
            reader: Mutex::new(File::open(path)?),
            writer: Mutex::new(Sequenced {
                writer: Writer::start(file, found.whole, fsync)?,
                next: found.records,
            }),
        })
    }

    /// The results in a file in the order in which they were written, later ones of the same item
    /// included. What a crash cut off is passed over.
    ///
    /// # Errors
    ///
    /// Fails as [`open`](Self::open) does, and on outputs of another form.
    pub fn results<O: DeserializeOwned>(
        path: impl AsRef<Path>,
    ) -> Result<Vec<WorkItemResult<O, Value>>, ArtifactError> {
        stored(path.as_ref(), |result| {
            Ok(record::result_from_json(&result)?)
        })
    }

    /// What the provider said of each result in a file, by the item's name and in the order in which
    /// they were written.
    ///
    /// # Errors
    ///
    /// Fails as [`open`](Self::open) does.
    pub fn metadata(
        path: impl AsRef<Path>,
    ) -> Result<Vec<(String, ProviderMetadata)>, ArtifactError> {
        stored(path.as_ref(), |result| Ok(record::metadata_of(result)))
    }

    fn read<O: DeserializeOwned>(&self, place: Place) -> Result<Kept<O>, StoreError> {
        let failed = |error: String| StoreError::new(format!("cannot read the store: {error}"));
        let mut line = vec![0; place.length];
        let mut reader = lock(&self.reader);
        let read = reader
            .seek(SeekFrom::Start(place.offset))
            .and_then(|_| reader.read_exact(&mut line));
        drop(reader);
        read.map_err(|error| failed(error.to_string()))?;
        let record: Value =
            serde_json::from_slice(&line).map_err(|error| failed(error.to_string()))?;
        record::from_json(&record["result"])
    }
}

/// What is read of each result in a file, one after the other.
fn stored<T>(
    path: &Path,
    read: impl Fn(Value) -> Result<T, ArtifactError>,
) -> Result<Vec<T>, ArtifactError> {
    let file = File::open(path)?;
    let end = scan(&file, Policy::Nothing)?.whole;
    (&file).seek(SeekFrom::Start(0))?;
    let lines = BufReader::new(file.take(end)).lines();
    let mut results = Vec::new();
    for (number, line) in (1..).zip(lines).skip(1) {
        let mut record: Value =
            serde_json::from_str(&line?).map_err(|_| ArtifactError::Damaged(number))?;
        results.push(read(record["result"].take())?);
    }
    Ok(results)
}

fn line_of(record: &Value) -> Vec<u8> {
    let mut line = canonical::canonical(record).into_bytes();
    line.push(b'\n');
    line
}

/// Reads what is there.
fn scan(file: &File, policy: Policy) -> Result<Found, ArtifactError> {
    let mut found = Found::default();
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let length = reader.read_until(b'\n', &mut line)?;
        if length == 0 {
            break;
        }
        if !line.ends_with(b"\n") {
            let is_ours = number > 1 || line.starts_with(MANIFEST_START);
            if !is_ours {
                return Err(ArtifactError::NotAStore);
            }
            found.dropped = length as u64;
            break;
        }
        let offset = found.whole;
        found.whole += length as u64;
        let record: Value = match serde_json::from_slice(&line) {
            Ok(record) => record,
            Err(_) if number == 1 => return Err(ArtifactError::NotAStore),
            Err(_) => return Err(ArtifactError::Damaged(number)),
        };
        let version = &record["artifact_schema_version"];
        match (record["record_type"].as_str(), number) {
            (Some("manifest"), 1) | (Some("item"), 2..) => {}
            (_, 1) => return Err(ArtifactError::NotAStore),
            _ => return Err(ArtifactError::Damaged(number)),
        }
        if version.as_u64() != Some(SCHEMA) {
            return Err(ArtifactError::Version(version.to_string()));
        }
        if number == 1 {
            continue;
        }
        found.records += 1;
        let reusable = match policy {
            Policy::Nothing => false,
            Policy::ReuseSuccesses => record["success"] == true,
            Policy::ReuseAll => true,
        };
        let identity = record["identity_fingerprint"].as_str();
        let id = record["item_id"].as_str();
        if let (true, Some(identity), Some(id), Some(prints)) = (
            reusable && record::may_replay(&record),
            identity,
            id,
            Prints::of_record(&record),
        ) {
            // The newest stands.
            let place = Place { offset, length };
            found.places.insert(slot(identity, id, &prints), place);
        }
    }
    Ok(found)
}

impl<O, C> ResultStore<String, O, C> for JsonlArtifactStore
where
    O: Serialize + DeserializeOwned + Send + Sync + 'static,
    C: Serialize + Send + Sync + 'static,
{
    fn prepare(&self, item: &WorkItem<String, C>) -> Result<ItemKey, StoreError> {
        Ok(Prints::of(item)?.key(&item.id))
    }

    fn lookup<'a>(
        &'a self,
        key: &'a ItemKey,
    ) -> BoxFuture<'a, Result<Option<Kept<O>>, StoreError>> {
        let place = Prints::from_key(key).and_then(|(prints, id)| {
            let identity = self.identity.fingerprint();
            let find = |prints: &Prints| self.places.get(&slot(&identity, id, prints)).copied();
            find(&prints).or_else(|| find(&prints.before_0_21(id)?))
        });
        let kept = place.map(|place| self.read(place)).transpose();
        Box::pin(std::future::ready(kept))
    }

    fn append<'a>(
        &'a self,
        key: &'a ItemKey,
        result: &'a WorkItemResult<O, C>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let unkeyed = || StoreError::new("the key is not one of this store");
        let record = Prints::from_key(key)
            .ok_or_else(unkeyed)
            .and_then(|(prints, _)| record::item((&prints, &self.identity), result));
        let sent = record.and_then(|mut record| {
            let mut sequenced = lock(&self.writer);
            record["record_sequence"] = sequenced.next.into();
            sequenced.next += 1;
            sequenced.writer.append(line_of(&record))
        });
        Box::pin(async move {
            let lost = |_| StoreError::new("the store's thread is gone");
            sent?.await.map_err(lost)?
        })
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { lock(&self.writer).writer.close() })
    }
}

impl fmt::Debug for JsonlArtifactStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("JsonlArtifactStore")
            .field("identity", &self.identity)
            .field("records_to_reuse", &self.places.len())
            .finish_non_exhaustive()
    }
}

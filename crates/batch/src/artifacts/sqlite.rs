//! A store as an SQLite database: it opens at once whatever is in it, and a lookup reads one row.
//! A thread of its own owns the connection; results that gather while it writes share a
//! transaction.

use std::fmt;
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use futures_util::future::BoxFuture;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::oneshot;

use super::record::{self, Prints, SCHEMA};
use super::{ArtifactError, ArtifactIdentity, ProviderMetadata, canonical};
use crate::journal::{ItemKey, Kept, Policy, ResultStore, StoreError};
use crate::shared::lock;
use crate::{WorkItem, WorkItemResult};

/// What the file says it is: `ABL!`.
const APPLICATION: i64 = 0x4142_4c21;
/// So many results share a transaction at the most.
const SHARED: usize = 100;
const TABLES: &str = include_str!("tables.sql");

/// When a result is safe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SqliteDurability {
    /// Once the process has written it; the last few may be lost when the machine fails.
    #[default]
    Balanced,
    /// Once it is on the disk.
    Full,
}

/// A store of results in an SQLite database that `async-batch-llm` reads and writes as well.
///
/// ```
/// # use gimmal_batch::testing::ScriptedStrategy;
/// use std::sync::Arc;
/// use gimmal_batch::artifacts::{ArtifactIdentity, SqliteArtifactStore, SqliteDurability};
/// use gimmal_batch::journal::Policy;
/// use gimmal_batch::{Hooks, Processor, Shared, WorkItem};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let path = std::env::temp_dir().join(format!("gimmal-doc-{}.sqlite", std::process::id()));
/// # let strategy = Shared::new(ScriptedStrategy::echo());
/// let identity = ArtifactIdentity::new("gemini", "gemini-2.5-flash");
/// for expected in [0, 1] {
///     let (policy, durability) = (Policy::ReuseSuccesses, SqliteDurability::Balanced);
///     let store = SqliteArtifactStore::open(&path, identity.clone(), policy, durability)?;
///     let items = futures_util::stream::iter([WorkItem::new("a", "Hello".to_owned())]);
///     let hooks = Hooks::new().with_store(Arc::new(store));
///     let run = Processor::new().start_with(strategy.clone(), items, hooks).await?;
///     assert_eq!(run.finish().await?.stats.replayed, expected);
/// }
/// # std::fs::remove_file(&path)?;
/// # Ok(())
/// # }
/// ```
pub struct SqliteArtifactStore {
    identity: ArtifactIdentity,
    policy: Policy,
    desk: Mutex<Desk>,
}

/// The way to the thread.
struct Desk {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<Result<(), StoreError>>>,
}

type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

enum Job {
    /// The stored result of an item, as text.
    Find(Box<Sought>, Answer<Option<String>>),
    Append(Value, Answer<()>),
}

struct Sought {
    identity: String,
    id: String,
    prints: Prints,
    successes_only: bool,
}

fn unusable(error: rusqlite::Error) -> ArtifactError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => ArtifactError::NotAStore,
        _ => ArtifactError::Io(std::io::Error::other(error)),
    }
}

fn failed(error: &rusqlite::Error) -> StoreError {
    StoreError::new(format!("the store: {error}"))
}

impl SqliteArtifactStore {
    /// Opens a store, or makes a new one. Results of another identity stay in it and stand for
    /// nothing.
    ///
    /// # Errors
    ///
    /// Fails on a file that is no store, and on one of a later version.
    pub fn open(
        path: impl AsRef<Path>,
        identity: ArtifactIdentity,
        policy: Policy,
        durability: SqliteDurability,
    ) -> Result<Self, ArtifactError> {
        let connection = connect(path.as_ref(), &identity, durability)?;
        let (jobs, receiver) = channel();
        let thread = std::thread::Builder::new()
            .name("gimmal-sqlite".to_owned())
            .spawn(move || serve(connection, &receiver))?;
        Ok(Self {
            identity,
            policy,
            desk: Mutex::new(Desk {
                jobs: Some(jobs),
                thread: Some(thread),
            }),
        })
    }

    /// The results in a file in the order in which they were written, later ones of the same item
    /// included. The file is not changed.
    ///
    /// # Errors
    ///
    /// Fails on a file that is no store, and on outputs of another form.
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
    /// Fails on a file that is no store.
    pub fn metadata(
        path: impl AsRef<Path>,
    ) -> Result<Vec<(String, ProviderMetadata)>, ArtifactError> {
        stored(path.as_ref(), |result| Ok(record::metadata_of(result)))
    }

    fn send<T>(
        &self,
        job: impl FnOnce(Answer<T>) -> Job,
    ) -> Result<oneshot::Receiver<Result<T, StoreError>>, StoreError> {
        let (sender, answer) = oneshot::channel();
        let closed = || StoreError::new("the store is closed");
        let desk = lock(&self.desk);
        let jobs = desk.jobs.as_ref().ok_or_else(closed)?;
        jobs.send(job(sender)).map_err(|_| closed())?;
        Ok(answer)
    }

    async fn ask<T>(&self, job: impl FnOnce(Answer<T>) -> Job) -> Result<T, StoreError> {
        let lost = |_| StoreError::new("the store's thread is gone");
        self.send(job)?.await.map_err(lost)?
    }

    /// The stored result of an item, as text.
    async fn find(&self, prints: Prints, id: &str) -> Result<Option<String>, StoreError> {
        let sought = Sought {
            identity: self.identity.fingerprint(),
            id: id.to_owned(),
            prints,
            successes_only: self.policy == Policy::ReuseSuccesses,
        };
        self.ask(|answer| Job::Find(Box::new(sought), answer)).await
    }
}

/// What is read of each result in a file, one after the other.
fn stored<T>(
    path: &Path,
    read: impl Fn(Value) -> Result<T, ArtifactError>,
) -> Result<Vec<T>, ArtifactError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let connection = Connection::open_with_flags(path, flags).map_err(unusable)?;
    let mut query = connection
        .prepare("SELECT result_json FROM item_records ORDER BY record_sequence")
        .map_err(|_| ArtifactError::NotAStore)?;
    let rows = query.query_map([], |row| row.get::<_, String>(0));
    let mut results = Vec::new();
    for (number, row) in (1..).zip(rows.map_err(unusable)?) {
        let stored = serde_json::from_str(&row.map_err(unusable)?);
        results.push(read(stored.map_err(|_| ArtifactError::Damaged(number))?)?);
    }
    Ok(results)
}

/// Opens the file, checks that it is a store, and makes it one when it is new.
fn connect(
    path: &Path,
    identity: &ArtifactIdentity,
    durability: SqliteDurability,
) -> Result<Connection, ArtifactError> {
    let connection = Connection::open(path).map_err(unusable)?;
    connection
        .busy_timeout(Duration::from_secs(5))
        .map_err(unusable)?;
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (application, version) = (
        number("application_id").map_err(unusable)?,
        number("user_version").map_err(unusable)?,
    );
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))
        .map_err(unusable)?;
    match (application, tables) {
        (APPLICATION, 1..) if version == 1 => {}
        (APPLICATION, 1..) => return Err(ArtifactError::Version(version.to_string())),
        (0, 0) => make(&connection, identity).map_err(unusable)?,
        _ => return Err(ArtifactError::NotAStore),
    }
    let synchronous = match durability {
        SqliteDurability::Balanced => "NORMAL",
        SqliteDurability::Full => "FULL",
    };
    let settle = || {
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", synchronous)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.execute(
            "INSERT OR IGNORE INTO identities VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                identity.fingerprint(),
                canonical::canonical(&identity.stored()),
                identity.provider,
                identity.model,
                identity.prompt_version,
                identity.parser_version,
                identity.application_version,
                record::now(),
            ],
        )
    };
    settle().map_err(unusable)?;
    Ok(connection)
}

fn make(connection: &Connection, identity: &ArtifactIdentity) -> rusqlite::Result<()> {
    let manifest = record::manifest(identity);
    let transaction = connection.unchecked_transaction()?;
    transaction.execute_batch(TABLES)?;
    transaction.execute(
        "INSERT INTO manifest VALUES (1, ?1, 1, ?2, ?3, ?4, ?5, '{}')",
        params![
            SCHEMA,
            manifest["created_at"].as_str(),
            manifest["package_version"].as_str(),
            canonical::canonical(&identity.stored()),
            identity.fingerprint(),
        ],
    )?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", 1)?;
    transaction.commit()
}

/// Does what is asked until nobody can ask any more.
fn serve(connection: Connection, jobs: &Receiver<Job>) -> Result<(), StoreError> {
    let mut broken: Option<StoreError> = None;
    while let Ok(job) = jobs.recv() {
        match job {
            Job::Find(sought, answer) => drop(answer.send(find(&connection, &sought))),
            Job::Append(record, answer) => {
                let (mut records, mut answers) = (vec![record], vec![answer]);
                let mut later = None;
                while records.len() < SHARED
                    && let Ok(job) = jobs.try_recv()
                {
                    match job {
                        Job::Append(record, answer) => {
                            records.push(record);
                            answers.push(answer);
                        }
                        other @ Job::Find(..) => {
                            later = Some(other);
                            break;
                        }
                    }
                }
                // After the first failure nothing is written any more.
                let written = match &broken {
                    Some(broken) => Err(broken.clone()),
                    None => append(&connection, &records).map_err(|error| failed(&error)),
                };
                broken = broken.or_else(|| written.clone().err());
                for answer in answers {
                    let _ = answer.send(written.clone());
                }
                if let Some(Job::Find(sought, answer)) = later {
                    drop(answer.send(find(&connection, &sought)));
                }
            }
        }
    }
    // Another process may read it just now; then it is done by whoever opens it next.
    let _ = connection.pragma_update_and_check(None, "wal_checkpoint", "TRUNCATE", |_| Ok(()));
    connection.close().map_err(|(_, error)| failed(&error))
}

fn find(connection: &Connection, sought: &Sought) -> Result<Option<String>, StoreError> {
    let successes = if sought.successes_only {
        "AND success = 1"
    } else {
        ""
    };
    let query = format!(
        "SELECT logical_schema_version, error_category, result_json FROM item_records \
         WHERE identity_fingerprint = ?1 AND item_id = ?2 AND prompt_fingerprint = ?3 \
         AND context_fingerprint IS ?4 AND input_fingerprint = ?5 AND replay_eligible = 1 \
         {successes} ORDER BY record_sequence DESC LIMIT 1"
    );
    let key = params![
        sought.identity,
        sought.id,
        sought.prints.prompt,
        sought.prints.context,
        sought.prints.input,
    ];
    let row = connection
        .prepare_cached(&query)
        .and_then(|mut query| {
            let row = query.query_row(key, |row| {
                Ok((
                    row.get::<_, u64>(0)?,
                    row.get::<_, Option<String>>(1)?,
                    row.get::<_, String>(2)?,
                ))
            });
            row.optional()
        })
        .map_err(|error| failed(&error))?;
    let Some((version, category, result)) = row else {
        return Ok(None);
    };
    if version != SCHEMA {
        let message = format!("a stored result has version {version}, which is not known");
        return Err(StoreError::new(message));
    }
    let category = category.as_deref().map(crate::Category::from);
    let stands = category.is_none_or(|category| !category.is_never_replayed());
    Ok(stands.then_some(result))
}

fn append(connection: &Connection, records: &[Value]) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    for record in records {
        let text = |name: &str| record[name].as_str();
        transaction
            .prepare_cached(
                "INSERT INTO item_records (logical_schema_version, recorded_at, item_id, \
                 submission_index, prompt_fingerprint, context_fingerprint, input_fingerprint, \
                 identity_fingerprint, strategy_class, success, error_category, replay_eligible, \
                 result_json) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            )?
            .execute(params![
                SCHEMA,
                text("recorded_at"),
                text("item_id"),
                record["submission_index"].as_u64(),
                text("prompt_fingerprint"),
                text("context_fingerprint"),
                text("input_fingerprint"),
                text("identity_fingerprint"),
                text("strategy_class"),
                record["success"] == true,
                text("error_category"),
                record["replay_eligible"] == true,
                canonical::canonical(&record["result"]),
            ])?;
    }
    transaction.commit()
}

impl<O, C> ResultStore<String, O, C> for SqliteArtifactStore
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
        Box::pin(async move {
            let Some((prints, id)) = Prints::from_key(key) else {
                return Ok(None);
            };
            if self.policy == Policy::Nothing {
                return Ok(None);
            }
            let Some(stored) = self.find(prints, id).await? else {
                return Ok(None);
            };
            let stored: Value = serde_json::from_str(&stored)
                .map_err(|error| StoreError::new(format!("a stored result: {error}")))?;
            record::from_json(&stored).map(Some)
        })
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
        Box::pin(async move {
            let record = record?;
            self.ask(|answer| Job::Append(record, answer)).await
        })
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { lock(&self.desk).close() })
    }
}

impl Desk {
    fn close(&mut self) -> Result<(), StoreError> {
        self.jobs = None;
        match self.thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(ended)) => ended,
            Some(Err(_)) => Err(StoreError::new("the store's thread panicked")),
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::warn!(%error, "the store was not closed well");
        }
    }
}

impl fmt::Debug for SqliteArtifactStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SqliteArtifactStore")
            .field("identity", &self.identity)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

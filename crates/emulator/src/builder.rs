//! Setting up an emulator. Checks what can be checked before anything listens.

use std::{
    fmt,
    num::{NonZeroU32, NonZeroU64, NonZeroUsize},
    path::PathBuf,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use bytes::Bytes;
use serde_json::{Map, Value};
use tokio::net::{TcpListener, lookup_host};
use tokio_util::sync::CancellationToken;

#[cfg(feature = "tls")]
use crate::tls::Identity;
use crate::{
    app::App,
    chaos::{Chaos, FaultRule},
    clock::{Clock, SystemClock},
    connection::LoopbackListener,
    engine::index::Memory,
    gemini::{
        auth::AuthPolicy,
        auth_tokens::AuthTokens,
        batches::Batches,
        caches::Caches,
        file_search::FileSearch,
        files::{FileSettings, Files, Uploads},
        jobs::Pace,
        limiter::Limiter,
        meter::Meter,
        models::{Catalogue, ModelCard},
        operations::{OperationSettings, Operations},
        resources::Resources,
        service::Gemini,
        tunings::Tunings,
    },
    journal::Journal,
    live::Sessions,
    quirks::{Quirk, Quirks},
    script::Script,
    server::{Emulator, StartError},
    storage::Storage,
    tinker::{BaseModel, Settings, Tinker},
};

const DEFAULT_ADDRESS: &str = "127.0.0.1:0";
const DEFAULT_JOURNAL: usize = 4096;

/// The settings of an [`Emulator`].
#[must_use]
pub struct EmulatorBuilder {
    address: String,
    clock: Arc<dyn Clock>,
    seed: u64,
    faults: Vec<FaultRule>,
    auth: AuthPolicy,
    catalogue: Catalogue,
    journal_capacity: usize,
    requests_per_minute: Option<usize>,
    cache_storage_limit: Option<u64>,
    blocked_phrases: Vec<String>,
    latency: Duration,
    pace: Pace,
    storage: Storage,
    files: FileSettings,
    quirks: Quirks,
    operations: OperationSettings,
    decode_limit: Option<usize>,
    live: Sessions,
    pub(crate) tinker: Settings,
    #[cfg(feature = "tls")]
    tls: bool,
}

impl Default for EmulatorBuilder {
    fn default() -> Self {
        Self {
            address: DEFAULT_ADDRESS.to_owned(),
            clock: Arc::new(SystemClock),
            seed: 0,
            faults: Vec::new(),
            auth: AuthPolicy::default(),
            catalogue: Catalogue::current(),
            journal_capacity: DEFAULT_JOURNAL,
            requests_per_minute: None,
            cache_storage_limit: None,
            blocked_phrases: Vec::new(),
            latency: Duration::ZERO,
            pace: Pace::default(),
            storage: Storage::default(),
            files: FileSettings::default(),
            quirks: Quirks::default(),
            operations: OperationSettings::default(),
            decode_limit: None,
            live: Sessions::default(),
            tinker: Settings::default(),
            #[cfg(feature = "tls")]
            tls: false,
        }
    }
}

impl EmulatorBuilder {
    /// Listens on `address`, such as `127.0.0.1:8080`; port 0 takes any free one. Only loopback
    /// addresses are accepted.
    pub fn bind(mut self, address: impl Into<String>) -> Self {
        self.address = address.into();
        self
    }

    /// Takes time from `clock`, for expiry, quotas and delays.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets what identifiers and fault ratios are drawn from. The default is 0.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Adds a fault rule.
    pub fn with_fault(mut self, rule: impl Into<FaultRule>) -> Self {
        self.faults.push(rule.into());
        self
    }

    /// Adds fault rules.
    pub fn with_faults<I>(mut self, rules: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<FaultRule>,
    {
        self.faults.extend(rules.into_iter().map(Into::into));
        self
    }

    /// Makes it differ from the service as other servers of this API do.
    pub fn with_quirk(mut self, quirk: Quirk) -> Self {
        self.quirks.add(quirk);
        self
    }

    /// Accepts this API key, and from the first one on no key that was not named so.
    pub fn with_api_key(mut self, key: impl AsRef<str>) -> Self {
        self.auth.accept_key(key.as_ref());
        self.tinker.keys.push(key.as_ref().to_owned());
        self
    }

    /// Adds a model, in place of one with the same name.
    pub fn with_model(mut self, card: ModelCard) -> Self {
        self.catalogue.add(card);
        self
    }

    /// Sets the fewest tokens a cached content may have, for every model there is so far.
    pub fn with_min_cache_tokens(self, tokens: u64) -> Self {
        self.with_min_cache_tokens_for("", tokens)
    }

    /// Sets the fewest tokens a cached content may have, for the models whose names begin with
    /// `prefix`.
    pub fn with_min_cache_tokens_for(mut self, prefix: &str, tokens: u64) -> Self {
        self.catalogue.set_min_cache_tokens(prefix, tokens);
        self
    }

    /// Limits the tokens each key may keep cached per model, as the free tier does; 0 refuses
    /// every cached content.
    pub fn with_cache_storage_limit(mut self, tokens: u64) -> Self {
        self.cache_storage_limit = Some(tokens);
        self
    }

    /// Answers 429 to generate calls above this many in a minute, for each key and model.
    pub fn with_requests_per_minute(mut self, requests: usize) -> Self {
        self.requests_per_minute = Some(requests);
        self
    }

    /// Blocks every prompt that contains `phrase`, spelt exactly so. An empty phrase is ignored.
    pub fn with_blocked_phrase(mut self, phrase: impl Into<String>) -> Self {
        let phrase = phrase.into();
        if !phrase.is_empty() {
            self.blocked_phrases.push(phrase);
        }
        self
    }

    /// Makes every answer of a model (that generates, counts tokens, embeds or makes pictures) take
    /// `latency` on the emulator's clock. The default is no time at all.
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    /// use gimmal_emulator::Emulator;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// let emulator = Emulator::builder()
    ///     .with_latency(Duration::from_millis(20))
    ///     .start()
    ///     .await?;
    ///
    /// let asked = Instant::now();
    /// let path = "v1beta/models/gemini-2.5-flash:countTokens";
    /// let answer = reqwest::Client::new()
    ///     .post(format!("{}{path}", emulator.base_url()))
    ///     .header("x-goog-api-key", "any")
    ///     .body(r#"{"contents": [{"parts": [{"text": "How long is this?"}]}]}"#)
    ///     .send()
    ///     .await?;
    /// assert_eq!(answer.status(), 200);
    /// assert!(asked.elapsed() >= Duration::from_millis(20));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// A stream spreads the time evenly over its chunks: the first part passes before the status
    /// line, the others before one further chunk each. Refusals, other calls, scripted replies and
    /// faults given in place of an answer are not slowed down; the delay of a fault is added. A
    /// client that goes away, and a shutdown, end the waiting.
    pub fn with_latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Sets how long a file is in the state `PROCESSING` after its upload, on the emulator's
    /// clock. Otherwise films are for two seconds, and other files can be used at once.
    pub fn with_file_processing(mut self, time: Duration) -> Self {
        self.files.processing = Some(time);
        self
    }

    /// Makes the processing fail of every file whose name or display name contains `part`. An
    /// empty part is ignored.
    pub fn with_failing_file(mut self, part: impl Into<String>) -> Self {
        let part = part.into();
        if !part.is_empty() {
            self.files.failing.push(part);
        }
        self
    }

    /// Sets the unit of the chunks of an upload, in bytes: all but the last are a multiple of it.
    /// The default is that of the service, 8 MiB.
    pub fn with_upload_granularity(mut self, bytes: NonZeroU64) -> Self {
        self.files.granularity = bytes.get();
        self
    }

    /// Lets uploaded files be downloaded again. The service only gives back what it made itself.
    pub fn with_downloadable_uploads(mut self) -> Self {
        self.files.uploads_downloadable = true;
        self
    }

    /// Keeps files of up to `bytes` bytes in memory and larger ones in temporary files. The default
    /// is 1 MiB.
    pub fn with_files_in_memory(mut self, bytes: usize) -> Self {
        self.files.in_memory = bytes;
        self
    }

    /// Sets how long work takes that outlives its call, such as the making of a film or the import
    /// of a file, on the emulator's clock. The default is two seconds.
    pub fn with_operation_time(mut self, time: Duration) -> Self {
        self.operations.takes = time;
        self
    }

    /// Makes the operations end in an error, with details, that are about something with `part` in
    /// it: in the prompt of a film or the name of a document. An empty part is ignored.
    pub fn with_failing_operation(mut self, part: impl Into<String>) -> Self {
        let part = part.into();
        if !part.is_empty() {
            self.operations.failing.push(part);
        }
        self
    }

    /// Sets how fast jobs go on the emulator's clock: how long a batch or tuning job is queued, and
    /// how long each of its steps takes, which is one request of a batch or one epoch of a tuning
    /// (with one more step before and after). The defaults are half a second and a tenth of one.
    ///
    /// A batch job that takes more than 48 hours expires.
    pub fn with_job_pace(mut self, queued: Duration, step: Duration) -> Self {
        self.pace = Pace { queued, step };
        self
    }

    /// Puts an object into the storage that jobs on Vertex read, under an address such as
    /// `gs://bucket/questions.jsonl`. See [`Emulator::storage`] for later and for what they write.
    pub fn with_object(self, uri: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        self.storage.put_object(uri, bytes);
        self
    }

    /// Puts a table into the storage, under an address such as `bq://project.dataset.table`. A row is
    /// an object with a member for each column.
    pub fn with_rows(self, uri: impl Into<String>, rows: impl IntoIterator<Item = Value>) -> Self {
        self.storage.put_rows(uri, rows);
        self
    }

    /// Makes the model stop after so many tokens of one request of an interaction, which then has the
    /// status `requires_continuation` and a token to go on with. The default is no limit.
    pub fn with_decode_limit(mut self, tokens: NonZeroUsize) -> Self {
        self.decode_limit = Some(tokens.get());
        self
    }

    /// Ends the connection of every Live session after this time on the emulator's clock; 10
    /// minutes by default. The server says so in a `goAway` message one minute ahead, or when half
    /// of a shorter time has passed.
    pub fn with_live_session_limit(mut self, limit: Duration) -> Self {
        self.live.set_limit(limit);
        self
    }

    /// Keeps training runs and checkpoints in this folder, and serves those that are there from an
    /// earlier run. Otherwise they go when the emulator does.
    pub fn with_tinker_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.tinker.folder = Some(folder.into());
        self
    }

    /// Serves a file of a hub of models, such as `tokenizer.json` of `org/name`, at every revision.
    /// Programs that read `HF_ENDPOINT` find it at the address of the emulator.
    pub fn with_hub_file(
        mut self,
        repository: &str,
        file: &str,
        content: impl Into<Vec<u8>>,
    ) -> Self {
        let path = format!("{repository}/{file}");
        self.tinker.hub.insert(path, content.into());
        self
    }

    /// Serves a model of the Tinker API, in place of one with the same name: its tokens are numbered
    /// below `vocabulary`, the last of them ends a text, and a text has at most `context` tokens.
    pub fn with_tinker_model(
        mut self,
        name: impl Into<String>,
        vocabulary: NonZeroU32,
        context: NonZeroUsize,
    ) -> Self {
        let name = name.into();
        self.tinker.models.retain(|model| model.name != name);
        let (vocabulary, context) = (vocabulary.get(), context.get());
        let end = (vocabulary - 1).cast_signed();
        let model = BaseModel::ngram(name, vocabulary, context, end);
        self.tinker.models.push(model);
        self
    }

    /// Sets what `client/config` answers, such as `{"proto_compress_fwdbwd": true}`. The default is
    /// an empty object, which means the defaults of the client.
    pub fn with_tinker_config(mut self, flags: Map<String, Value>) -> Self {
        self.tinker.config = flags;
        self
    }

    /// Sets what `client/dynamic_config` answers. The default is an empty object.
    pub fn with_tinker_dynamic_config(mut self, flags: Map<String, Value>) -> Self {
        self.tinker.dynamic_config = flags;
        self
    }

    /// Holds a poll for a result of the Tinker API for so long before it is told to try again. The
    /// default is 30 seconds, and clients give up after 45.
    pub fn with_tinker_hold(mut self, hold: Duration) -> Self {
        self.tinker.hold = hold;
        self
    }

    /// Ends a Tinker session whose heartbeats stay out for longer than this. The default is five
    /// minutes.
    pub fn with_tinker_session_patience(mut self, patience: Duration) -> Self {
        self.tinker.patience = patience;
        self
    }

    /// Makes the tokens that Tinker keys are exchanged for last so long. The default is an hour.
    pub fn with_tinker_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.tinker.token_lifetime = lifetime;
        self
    }

    /// Announces results of the Tinker API above `bytes` bytes before they are sent, to callers that
    /// allow it. The default is 1 MiB.
    pub fn with_tinker_announced_over(mut self, bytes: usize) -> Self {
        self.tinker.announce_over = bytes;
        self
    }

    /// Tells those who poll that room is short while more than `requests` requests of the Tinker API
    /// wait for their turn. By default nobody is told.
    pub fn with_tinker_room(mut self, requests: usize) -> Self {
        self.tinker.room = Some(requests);
        self
    }

    /// Turns samplings away with 429 while so many requests of the Tinker API wait for their turn. By
    /// default none is.
    pub fn with_tinker_sampling_limit(mut self, requests: usize) -> Self {
        self.tinker.most_samples = Some(requests);
        self
    }

    /// Serves over TLS, with a certificate for loopback addresses that is made when it starts.
    /// Clients have to trust [`Emulator::certificate_authority`].
    #[cfg(feature = "tls")]
    pub fn with_tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Keeps the last `requests` requests in the journal; 0 switches it off. The default is 4096.
    pub fn with_journal_capacity(mut self, requests: usize) -> Self {
        self.journal_capacity = requests;
        self
    }

    /// Starts listening.
    ///
    /// # Errors
    ///
    /// When the address is not one of loopback, or cannot be listened on.
    pub async fn start(self) -> Result<Emulator, StartError> {
        let failed = |source| StartError::bind(&self.address, source);
        let addresses: Vec<_> = lookup_host(&self.address).await.map_err(failed)?.collect();
        if let Some(address) = addresses.iter().find(|address| !address.ip().is_loopback()) {
            return Err(StartError::not_loopback(*address));
        }
        let listener = TcpListener::bind(addresses.as_slice())
            .await
            .map_err(failed)?;
        let stopping = CancellationToken::new();
        let clock = Arc::clone(&self.clock);
        let tinker = Tinker::new(
            self.tinker,
            self.seed,
            self.latency,
            clock,
            stopping.clone(),
        );
        #[cfg_attr(
            not(feature = "tls"),
            expect(unused_mut, reason = "only TLS changes it")
        )]
        let mut tinker = tinker.map_err(StartError::folder)?;
        #[cfg(feature = "tls")]
        {
            tinker.secure = self.tls;
        }
        let app = App {
            tinker: Arc::new(tinker),
            gemini: Gemini {
                auth: self.auth,
                catalogue: self.catalogue,
                caches: Caches::new(self.seed, self.cache_storage_limit),
                files: Files::new(self.files, self.seed),
                uploads: Uploads::new(self.seed),
                file_search: FileSearch::new(self.seed),
                operations: Operations::new(self.operations, self.seed),
                resources: Resources::new(self.decode_limit),
                auth_tokens: AuthTokens::default(),
                batches: Batches::new(self.seed),
                tunings: Tunings::new(self.seed),
                storage: self.storage,
                pace: self.pace,
                live: self.live,
                limiter: self.requests_per_minute.map(Limiter::new),
                meter: Meter::default(),
                blocked_phrases: self.blocked_phrases,
                memory: Memory::default(),
                seed: self.seed,
                answered: AtomicU64::new(0),
            },
            clock: self.clock,
            journal: Journal::new(self.journal_capacity),
            script: Script::default(),
            quirks: self.quirks,
            chaos: Chaos::new(self.faults, self.seed),
            latency: self.latency,
            stopping,
        };
        #[cfg(feature = "tls")]
        let listener = if self.tls {
            let identity = Identity::new().map_err(StartError::certificate)?;
            LoopbackListener::new(listener).with_identity(identity)
        } else {
            LoopbackListener::new(listener)
        };
        #[cfg(not(feature = "tls"))]
        let listener = LoopbackListener::new(listener);
        Emulator::start(listener, app)
            .await
            .map_err(|source| StartError::bind(&self.address, source))
    }
}

impl fmt::Debug for EmulatorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmulatorBuilder")
            .field("address", &self.address)
            .field("clock", &self.clock)
            .field("seed", &self.seed)
            .field("faults", &self.faults)
            .field("latency", &self.latency)
            .finish_non_exhaustive()
    }
}

//! The service as a whole: what it holds, how it is set up, and which part answers which call. The
//! answers themselves are in the modules around it.

use std::{
    collections::BTreeMap,
    fmt, io,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use gimmal_types::tinker::proto::messages::ForwardBackwardRequest;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::{Clock, Sleep},
    reply::Reply,
    rng,
    route::TinkerCall as Call,
};

#[cfg(feature = "transformer")]
use super::engine::Vocabulary;
use super::{
    admin,
    auth::{Identity, Keys},
    checkpoints, downloads,
    engine::{Adapter, BaseModel, Engine, Engines, Trainee, Weights},
    futures::Futures,
    lane::Lane,
    ledger::Ledger,
    pacing::Pacing,
    polling,
    refusal::Refusal,
    runs,
    samplers::Samplers,
    sampling,
    sessions::Sessions,
    store::Store,
    training,
    work::Work,
};

const FAMILY: u64 = 0x7265_7173;

/// What can be set before it starts.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) folder: Option<PathBuf>,
    /// Files of the hub, by `{org}/{repository}/{file}`.
    pub(crate) hub: BTreeMap<String, Vec<u8>>,
    pub(crate) models: Vec<BaseModel>,
    pub(crate) keys: Vec<String>,
    /// How long a poll is held.
    pub(crate) hold: Duration,
    /// How long a session lives without a heartbeat.
    pub(crate) patience: Duration,
    pub(crate) token_lifetime: Duration,
    /// Results above so many bytes are announced first.
    pub(crate) announce_over: usize,
    /// How many requests may wait before callers hear that room is short.
    pub(crate) room: Option<usize>,
    /// How many samplings may be under way before more are turned away.
    pub(crate) most_samples: Option<usize>,
    pub(crate) config: Map<String, Value>,
    pub(crate) dynamic_config: Map<String, Value>,
}

/// The Tinker side of an emulator.
pub(crate) struct Tinker {
    pub(crate) settings: Settings,
    pub(crate) seed: u64,
    pub(crate) secure: bool,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) stopping: CancellationToken,
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) keys: Keys,
    pub(crate) sessions: Sessions,
    pub(crate) store: Store,
    pub(crate) futures: Futures,
    pub(crate) pacing: Pacing,
    pub(crate) samplers: Samplers,
    pub(crate) ledger: Ledger,
    pub(crate) telemetry: Mutex<Vec<Value>>,
    pub(crate) flags: Mutex<(Map<String, Value>, Map<String, Value>)>,
    models: Mutex<BTreeMap<String, Arc<Model>>>,
    asked: AtomicU64,
    refused: AtomicU64,
}

/// A model in training.
pub(crate) struct Model {
    pub(crate) id: String,
    pub(crate) session: String,
    pub(crate) base: BaseModel,
    pub(crate) adapter: Adapter,
    pub(crate) lane: Mutex<Lane<Work>>,
    /// Nothing until it is made.
    pub(crate) trainee: Mutex<Option<Box<dyn Trainee>>>,
    /// What all samplers read that follow the model.
    pub(crate) inflight: Arc<RwLock<Option<Arc<dyn Weights>>>>,
}

/// A message, by its kind.
#[derive(Debug)]
pub(crate) enum Message {
    Empty,
    Json(Value),
    Pass(Box<ForwardBackwardRequest>),
}

/// A request that has been let in.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) call: Call,
    /// The identifiers of the path.
    pub(crate) about: &'a str,
    pub(crate) query: &'a [(String, String)],
    pub(crate) headers: &'a HeaderMap,
    pub(crate) message: &'a Message,
    pub(crate) identity: &'a Identity,
    pub(crate) now: SystemTime,
}

impl Default for Settings {
    fn default() -> Self {
        let model = |name: &str, vocabulary, end| {
            BaseModel::ngram(name.to_owned(), vocabulary, 32_768, end)
        };
        Self {
            folder: None,
            hub: BTreeMap::new(),
            models: vec![
                model("Qwen/Qwen3-4B-Instruct-2507", 151_936, 151_645),
                model("Qwen/Qwen3-8B", 151_936, 151_645),
                model("gimmal/bytes", 257, 256),
                #[cfg(feature = "transformer")]
                BaseModel::transformer(
                    "gimmal/tiny".to_owned(),
                    Arc::new(Vocabulary::bytes()),
                    4096,
                ),
                model("meta-llama/Llama-3.1-8B", 128_256, 128_001),
                model("meta-llama/Llama-3.2-1B", 128_256, 128_001),
            ],
            keys: Vec::new(),
            hold: Duration::from_secs(30),
            patience: Duration::from_secs(300),
            token_lifetime: Duration::from_secs(3600),
            announce_over: 1 << 20,
            room: None,
            most_samples: None,
            config: Map::new(),
            dynamic_config: Map::new(),
        }
    }
}

impl Asked<'_> {
    /// The JSON message, if there is one.
    pub(crate) fn json(&self) -> Option<&Value> {
        match self.message {
            Message::Json(value) => Some(value),
            Message::Empty | Message::Pass(_) => None,
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        let pair = self.query.iter().find(|(key, _)| key == name);
        pair.map(|(_, value)| value.as_str())
    }

    /// A page of a list: how many to leave out, and how many to give.
    pub(crate) fn page(&self, usual: usize) -> Result<(usize, usize), Refusal> {
        let number = |name: &str, usual: usize| match self.query(name) {
            None => Ok(usual),
            Some(text) => text
                .parse()
                .map_err(|_| Refusal::invalid(name, "must be a whole number")),
        };
        Ok((number("offset", 0)?, number("limit", usual)?))
    }

    /// Whose things are listed: those of the caller, unless all that can be seen are asked for.
    pub(crate) fn scope(&self) -> Result<Option<&str>, Refusal> {
        match self.query("access_scope").unwrap_or("owned") {
            "owned" => Ok(Some(&self.identity.owner)),
            "accessible" => Ok(None),
            _ => Err(Refusal::invalid(
                "access_scope",
                "must be owned or accessible",
            )),
        }
    }
}

impl Tinker {
    pub(crate) fn new(
        settings: Settings,
        seed: u64,
        latency: Duration,
        clock: Arc<dyn Clock>,
        stopping: CancellationToken,
    ) -> io::Result<Self> {
        let mut keys = Keys::new(seed, settings.token_lifetime);
        settings.keys.iter().for_each(|key| keys.accept(key));
        Ok(Self {
            seed,
            secure: false,
            clock,
            stopping,
            engine: Arc::new(Engines::default()),
            keys,
            sessions: Sessions::new(seed, settings.patience),
            store: Store::open(settings.folder.as_deref())?,
            futures: Futures::default(),
            pacing: Pacing::new(latency, settings.room),
            samplers: Samplers::default(),
            ledger: Ledger::default(),
            telemetry: Mutex::default(),
            flags: Mutex::new((settings.config.clone(), settings.dynamic_config.clone())),
            models: Mutex::default(),
            asked: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            settings,
        })
    }

    /// Lets a request in. Some calls take anybody, and where tokens are in use a key opens little
    /// else than their exchange.
    pub(crate) fn admit(
        &self,
        call: Call,
        headers: &HeaderMap,
        now: SystemTime,
    ) -> Result<Identity, Refusal> {
        if matches!(call, Call::Health | Call::Download | Call::HubFile) {
            return Ok(Identity {
                owner: String::new(),
                by_token: false,
            });
        }
        let identity = self.keys.admit(headers, now)?;
        let by_key = matches!(
            call,
            Call::ClientConfig | Call::AuthToken | Call::GetOwnKey | Call::DeleteOwnKey
        );
        if self.uses_tokens() && !by_key && !identity.by_token {
            return Err(Refusal::invalid_token("a token from auth/token is needed"));
        }
        Ok(identity)
    }

    /// Answers a request.
    pub(crate) async fn answer(self: &Arc<Self>, asked: &Asked<'_>) -> Reply {
        self.settle(asked.now);
        let reply = match asked.call {
            Call::RetrieveFuture => polling::retrieve_future(self, asked).await,
            Call::RetrieveFutures => polling::retrieve_futures(self, asked).await,
            _ => self.answer_at_once(asked),
        };
        reply.unwrap_or_else(|refusal| refusal.to_reply())
    }

    fn answer_at_once(self: &Arc<Self>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
        match asked.call {
            Call::ClientConfig | Call::DynamicConfig => admin::config(self, asked),
            Call::AuthToken => admin::exchange(self, asked),
            Call::GetOwnKey => admin::own_key(asked),
            Call::DeleteOwnKey => admin::delete_own_key(self, asked),
            Call::Health => ok(&json!({"status": "ok"})),
            Call::Capabilities => admin::capabilities(self),
            Call::CreateSession => runs::create_session(self, asked),
            Call::Heartbeat => runs::heartbeat(self, asked),
            Call::FinishSession => runs::finish_session(self, asked),
            Call::ListSessions => runs::list_sessions(self, asked),
            Call::GetSession => runs::get_session(self, asked),
            Call::AssignProject => runs::assign_project(self, asked),
            Call::ExportTrace => runs::export_trace(self, asked),
            Call::SearchSessions => runs::search_sessions(self, asked),
            Call::CreateModel => training::create_model(self, asked),
            Call::GetInfo => training::get_info(self, asked),
            Call::UnloadModel => training::unload_model(self, asked),
            Call::ForwardBackward => training::pass(self, asked),
            Call::OptimStep => training::optim_step(self, asked),
            Call::LoadWeights => training::load_weights(self, asked),
            Call::SaveWeights => training::save_weights(self, asked),
            Call::SaveWeightsForSampler => training::save_for_sampler(self, asked),
            Call::SaveWeightsExternal => training::save_external(self, asked),
            Call::CreateCustomLoss => training::create_custom_loss(self, asked),
            Call::CopyWeights => checkpoints::copy(self, asked),
            Call::WeightsInfo => checkpoints::info(self, asked),
            Call::CreateSamplingSession => sampling::create(self, asked),
            Call::JoinSamplingSession => sampling::join(self, asked),
            Call::GetSampler => sampling::get(self, asked),
            Call::Sample => sampling::sample(self, asked),
            Call::CancelFuture => polling::cancel_future(self, asked),
            Call::ListRuns => runs::list_runs(self, asked),
            Call::GetRun => runs::get_run(self, asked),
            Call::ListRunCheckpoints => checkpoints::of_run(self, asked),
            Call::ListCheckpoints => checkpoints::list(self, asked),
            Call::ExternalWeightsUrls => checkpoints::urls(self, asked),
            Call::CheckpointArchive => checkpoints::archive(self, asked),
            Call::DeleteCheckpoint => checkpoints::delete(self, asked),
            Call::PublishCheckpoint => checkpoints::publish(self, asked, true),
            Call::UnpublishCheckpoint => checkpoints::publish(self, asked, false),
            Call::SetCheckpointTtl => checkpoints::set_ttl(self, asked),
            Call::Download => checkpoints::download(self, asked),
            Call::HubFile => downloads::hub_file(self, asked),
            Call::AuditLog => admin::audit(self, asked),
            Call::BillingUsage => admin::billing(self, asked),
            Call::StorageUsage => admin::storage(self, asked),
            Call::Telemetry => admin::telemetry(self, asked),
            // Polls are answered above, since they wait.
            Call::RetrieveFuture | Call::RetrieveFutures => {
                Err(Refusal::not_found("there is no such call"))
            }
        }
    }

    /// Does what is due by now: sessions without heartbeats and checkpoints without time left go.
    pub(crate) fn settle(&self, now: SystemTime) {
        for session in self.sessions.settle(now) {
            self.close(&session);
        }
        self.store.settle(now);
    }

    /// Drops what a session holds.
    pub(crate) fn close(&self, session: &str) {
        self.models().retain(|_, model| model.session != session);
        self.samplers.close(session);
        self.futures.forget_session(session);
    }

    pub(crate) fn base_model(&self, name: &str) -> Result<BaseModel, Refusal> {
        let found = self.settings.models.iter().find(|model| model.name == name);
        found.cloned().ok_or_else(|| {
            Refusal::bad_request(format!(
                "base model `{name}` is not served here; get_server_capabilities lists what is"
            ))
        })
    }

    pub(crate) fn model(&self, id: &str) -> Result<Arc<Model>, Refusal> {
        let found = self.models().get(id).cloned();
        found
            .ok_or_else(|| Refusal::not_found(format!("model {id} does not exist or was unloaded")))
    }

    pub(crate) fn models(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Model>>> {
        lock(&self.models)
    }

    /// A number for a call that was refused, by which it can be spoken of.
    pub(crate) fn number_of_refusal(&self) -> u64 {
        self.refused.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// An identifier for a request.
    pub(crate) fn new_request(&self) -> String {
        let n = self.asked.fetch_add(1, Ordering::Relaxed);
        let id = rng::identifier(self.seed, FAMILY, n, b"0123456789abcdef", 24);
        format!("req-{id}")
    }

    pub(crate) fn hold(&self) -> Sleep {
        self.clock.sleep(self.settings.hold)
    }

    fn uses_tokens(&self) -> bool {
        lock(&self.flags).0.get("pjwt_auth_enabled") == Some(&Value::Bool(true))
    }
}

impl fmt::Debug for Tinker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tinker")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Locks what no panic leaves broken.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A reply with a JSON body.
pub(crate) fn ok(body: &Value) -> Result<Reply, Refusal> {
    Ok(Reply::json(StatusCode::OK, body))
}

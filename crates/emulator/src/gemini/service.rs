//! The Gemini service as a whole: what it holds, and which code answers which call. Knows nothing
//! of sockets; it turns one request into one reply.

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use crate::{
    engine::index::Memory,
    gemini::{
        auth::{AuthPolicy, Caller},
        auth_tokens::AuthTokens,
        batches::Batches,
        caches::{Caches, Scope},
        embeddings,
        errors::{ApiError, Quota, quota_exceeded},
        file_search::FileSearch,
        files::{Files, Protocol, Uploads},
        generate::{self, Generation},
        jobs::Pace,
        limiter::Limiter,
        meter::{Meter, Metered},
        models::Catalogue,
        objects,
        operations::Operations,
        predict,
        resources::{self, Resources},
        stream, tokens,
        tunings::{self, Tunings},
        videos,
    },
    live::Sessions,
    reply::Reply,
    rng::identifier,
    route::{Backend, ResourceCall, Route, Target},
    storage::Storage,
};

/// Everything the service remembers and is set up with.
#[derive(Debug)]
pub(crate) struct Gemini {
    pub(crate) auth: AuthPolicy,
    pub(crate) catalogue: Catalogue,
    pub(crate) caches: Caches,
    pub(crate) files: Files,
    pub(crate) uploads: Uploads,
    pub(crate) file_search: FileSearch,
    pub(crate) operations: Operations,
    pub(crate) resources: Resources,
    pub(crate) auth_tokens: AuthTokens,
    pub(crate) batches: Batches,
    pub(crate) tunings: Tunings,
    pub(crate) storage: Storage,
    /// How fast jobs go.
    pub(crate) pace: Pace,
    pub(crate) live: Sessions,
    pub(crate) limiter: Option<Limiter>,
    pub(crate) meter: Meter,
    pub(crate) blocked_phrases: Vec<String>,
    pub(crate) memory: Memory,
    pub(crate) seed: u64,
    pub(crate) answered: AtomicU64,
}

/// One request, read and normalised, with what answering it needs.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) target: &'a Target,
    pub(crate) query: &'a [(String, String)],
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: Option<&'a Value>,
    pub(crate) caller: &'a Caller,
    pub(crate) now: SystemTime,
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) caches: &'a Caches,
    pub(crate) files: &'a Files,
    pub(crate) file_search: &'a FileSearch,
    pub(crate) operations: &'a Operations,
    pub(crate) tunings: &'a Tunings,
    pub(crate) memory: &'a Memory,
    pub(crate) blocked_phrases: &'a [String],
    service: &'a Gemini,
}

/// A request as it arrives at the service.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Incoming<'a> {
    pub(crate) target: &'a Target,
    pub(crate) query: &'a [(String, String)],
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a Result<Option<Arc<Value>>, ApiError>,
    pub(crate) caller: &'a Caller,
    pub(crate) now: SystemTime,
}

#[cfg(test)]
impl Gemini {
    /// A service with nothing in it and nothing set.
    pub(crate) fn for_tests() -> Self {
        Self {
            auth: AuthPolicy::default(),
            catalogue: Catalogue::current(),
            caches: Caches::new(0, None),
            files: Files::default(),
            uploads: Uploads::default(),
            file_search: FileSearch::default(),
            operations: Operations::default(),
            resources: Resources::new(None),
            auth_tokens: AuthTokens::default(),
            batches: Batches::new(0),
            tunings: Tunings::new(0),
            storage: Storage::default(),
            pace: Pace::default(),
            live: Sessions::default(),
            limiter: None,
            meter: Meter::default(),
            blocked_phrases: Vec::new(),
            memory: Memory::default(),
            seed: 0,
            answered: AtomicU64::new(0),
        }
    }
}

impl Gemini {
    /// Checks the caller and the quota. What this refuses never counts as answered.
    pub(crate) fn admit(&self, incoming: &Incoming<'_>) -> Result<(), ApiError> {
        let target = incoming.target;
        if matches!(target.route, Route::LiveSession | Route::LiveMusic) {
            // Whoever may not is told so on the socket.
            return Ok(());
        }
        // The address of an upload is the permission to use it.
        if target.route == Route::UploadContent {
            return Ok(());
        }
        self.auth.check(incoming.caller, target)?;
        let limited = matches!(
            target.route,
            Route::GenerateContent | Route::StreamGenerateContent
        );
        let (Some(limiter), true) = (&self.limiter, limited) else {
            return Ok(());
        };
        let owner = target
            .parent
            .as_deref()
            .or(incoming.caller.fingerprint())
            .unwrap_or_default();
        limiter
            .admit(owner, &target.resource, incoming.now)
            .map_err(|wait| {
                let limit = limiter.limit() as u64;
                quota_exceeded(
                    target.backend,
                    &target.resource,
                    Quota::PerMinute,
                    limit,
                    wait,
                )
            })
    }

    /// Answers the request.
    pub(crate) fn answer(&self, incoming: &Incoming<'_>) -> Reply {
        self.settle(incoming.now);
        resources::settle(self, incoming.now);
        self.try_answer(incoming)
            .unwrap_or_else(|error| refuse(&error, incoming))
    }

    /// A call that comes from within, as it would come by itself.
    pub(crate) fn call<'a>(
        &'a self,
        target: &'a Target,
        caller: &'a Caller,
        body: Option<&'a Value>,
        now: SystemTime,
    ) -> Call<'a> {
        static NO_HEADERS: LazyLock<HeaderMap> = LazyLock::new(HeaderMap::new);
        Call {
            target,
            query: &[],
            headers: &NO_HEADERS,
            body,
            caller,
            now,
            catalogue: &self.catalogue,
            caches: &self.caches,
            files: &self.files,
            file_search: &self.file_search,
            operations: &self.operations,
            tunings: &self.tunings,
            memory: &self.memory,
            blocked_phrases: &self.blocked_phrases,
            service: self,
        }
    }

    fn try_answer(&self, incoming: &Incoming<'_>) -> Result<Reply, ApiError> {
        let body = incoming.body.as_ref().map_err(Clone::clone)?;
        let call = Call {
            query: incoming.query,
            headers: incoming.headers,
            ..self.call(
                incoming.target,
                incoming.caller,
                body.as_deref(),
                incoming.now,
            )
        };
        let vertex = call.target.backend == Backend::Vertex;
        match incoming.target.route {
            Route::GenerateContent => {
                let generation = self.generate(&call)?;
                Ok(Reply::json(StatusCode::OK, &generation.to_json()))
            }
            Route::StreamGenerateContent => {
                Ok(stream_reply(&self.generate(&call)?, incoming.query))
            }
            Route::CountTokens => tokens::count_tokens(&call),
            Route::ListModels => self.catalogue.list(call.target, call.query),
            Route::GetModel if call.target.resource.contains('/') => self.tunings.get_model(&call),
            Route::GetModel => self.catalogue.get(call.target),
            Route::ListTunedModels => self.tunings.list_models(&call),
            Route::UpdateModel => self.tunings.update_model(&call),
            Route::DeleteModel => self.tunings.delete_model(&call),
            Route::ComputeTokens => tokens::compute_tokens(&call),
            Route::EmbedContent => embeddings::embed_content(&call),
            Route::BatchEmbedContents => embeddings::batch_embed_contents(&call),
            Route::Predict => predict::predict(&call),
            Route::CreateBatch if vertex => self.batches.create_vertex(&call),
            Route::GetBatch if vertex => self.batches.get_vertex(&call),
            Route::ListBatches if vertex => self.batches.list_vertex(&call),
            Route::CancelBatch if vertex => self.batches.cancel_vertex(&call),
            Route::DeleteBatch if vertex => self.batches.delete_vertex(&call),
            Route::CreateBatch | Route::CreateEmbeddingsBatch => {
                self.batches.create_developer(&call)
            }
            Route::GetBatch => self.batches.get_developer(&call),
            Route::ListBatches => self.batches.list_developer(&call),
            Route::CancelBatch => self.batches.cancel_developer(&call),
            Route::DeleteBatch => self.batches.delete_developer(&call),
            Route::CreateTuning if vertex => self.tunings.create_job(&call),
            Route::CreateTuning => self.tunings.create_model(&call),
            Route::GetTuning => self.tunings.get_job(&call),
            Route::ListTunings => self.tunings.list_jobs(&call),
            Route::CancelTuning if vertex => self.tunings.cancel_job(&call),
            Route::CancelTuning => self.tunings.cancel_model(&call),
            Route::GetOperation if tunings::owns(&call) => self.tunings.get_operation(&call),
            Route::CancelOperation if tunings::owns(&call) => self.tunings.cancel_model(&call),
            Route::ValidateReward => tunings::validate(&call),
            Route::CreateAuthToken => self.auth_tokens.create(&call),
            Route::CreateCachedContent => self.caches.create(&call),
            Route::GetCachedContent => self.caches.get(&call),
            Route::ListCachedContents => self.caches.list(&call),
            Route::UpdateCachedContent => self.caches.update(&call),
            Route::DeleteCachedContent => self.caches.delete(&call),
            Route::UploadFile | Route::UploadToFileSearchStore | Route::UploadContent => {
                self.open_upload(incoming)
            }
            Route::GetFile => self.files.answer_get(&call),
            Route::ListFiles => self.files.answer_list(&call),
            Route::DeleteFile => self.files.answer_delete(&call),
            Route::DownloadFile => self.files.answer_download(&call),
            Route::RegisterFiles => self.files.answer_register(&call),
            Route::CreateFileSearchStore => self.file_search.answer_create(&call),
            Route::GetFileSearchStore => self.file_search.answer_get(&call),
            Route::ListFileSearchStores => self.file_search.answer_list(&call),
            Route::DeleteFileSearchStore => self.file_search.answer_delete(&call),
            Route::ImportFile => self.file_search.answer_import(self, &call),
            Route::GetDocument => self.file_search.answer_get_document(&call),
            Route::ListDocuments => self.file_search.answer_list_documents(&call),
            Route::DeleteDocument => self.file_search.answer_delete_document(&call),
            Route::DownloadMedia => self.file_search.answer_download_media(&call),
            Route::PredictLongRunning => videos::begin(&call),
            Route::GetOperation => self.operations.answer_get(&call),
            Route::ListOperations => self.operations.answer_list(&call),
            Route::CancelOperation => self.operations.answer_cancel(&call),
            Route::DeleteOperation => self.operations.answer_delete(&call),
            Route::WaitOperation => self.operations.answer_wait(&call),
            Route::FetchPredictOperation => self.operations.answer_fetch(&call),
            Route::GetObject => objects::get(&call),
            Route::ListObjects => Ok(objects::list_objects(&call)),
            Route::InsertRows => objects::insert_rows(&call),
            Route::ListRows => objects::list_rows(&call),
            Route::Resource(ResourceCall::UploadEnvironmentFile) => self.open_upload(incoming),
            Route::Resource(which) => self.resources.answer(which, &call),
            Route::LiveSession | Route::LiveMusic => {
                Ok(Reply::text(StatusCode::SWITCHING_PROTOCOLS, ""))
            }
            Route::PutObject | Route::Tinker(_) | Route::Unknown => Err(ApiError::not_found(
                format!("The emulator does not serve {}.", incoming.target.path),
            )),
        }
    }
}

impl Gemini {
    /// The answer to a call, metered.
    fn generate(&self, call: &Call<'_>) -> Result<Generation, ApiError> {
        let generation = generate::generate(call)?;
        self.meter.count(&call.target.resource, &generation);
        Ok(generation)
    }

    /// What the service would bill for a model so far.
    pub(crate) fn metered(&self, model: &str, now: SystemTime) -> Metered {
        let (answers, caches) = (self.meter.of(model), self.caches.metered(model, now));
        Metered {
            written_tokens: caches.written_tokens,
            token_hours: caches.token_hours,
            ..answers
        }
    }

    /// What the model says next in a Live session, whose conversation so far is `body`.
    pub(crate) fn live_turn(
        &self,
        target: &Target,
        caller: &Caller,
        body: &Value,
        now: SystemTime,
    ) -> Result<Generation, ApiError> {
        generate::generate(&self.call(target, caller, Some(body), now))
    }

    /// Whether a text holds a phrase that is not let through.
    pub(crate) fn blocks(&self, text: &str) -> bool {
        let mut phrases = self.blocked_phrases.iter();
        phrases.any(|phrase| text.contains(phrase.as_str()))
    }

    /// An identifier that nothing else of this emulator has, of letters and digits.
    pub(crate) fn identifier(&self, length: usize) -> String {
        const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
        let number = self.answered.fetch_add(1, Ordering::Relaxed);
        identifier(self.seed, 7, number, ALPHABET, length)
    }
}

impl Incoming<'_> {
    /// Whose resources this request is about.
    pub(crate) fn owner(&self) -> Scope {
        owner(self.target, self.caller)
    }

    /// Whether the body is content, which is taken as it arrives, and not a message.
    pub(crate) fn brings_content(
        target: &Target,
        headers: &HeaderMap,
        query: &[(String, String)],
    ) -> bool {
        match target.route {
            Route::UploadContent | Route::PutObject => true,
            Route::UploadFile | Route::UploadToFileSearchStore => matches!(
                Protocol::read(headers, query),
                Ok(Protocol::Raw | Protocol::Multipart)
            ),
            _ => false,
        }
    }
}

impl<'a> Call<'a> {
    /// Whose resources this call is about.
    pub(crate) fn owner(&self) -> Scope {
        owner(self.target, self.caller)
    }

    /// A call that this one leads to.
    pub(crate) fn inner<'b>(
        &'b self,
        target: &'b Target,
        body: &'b Value,
        now: SystemTime,
    ) -> Call<'b> {
        self.service.call(target, self.caller, Some(body), now)
    }

    /// What jobs read and write.
    pub(crate) fn storage(&self) -> &'a Storage {
        &self.service.storage
    }

    /// How fast jobs go.
    pub(crate) fn pace(&self) -> Pace {
        self.service.pace
    }

    /// Interactions and the resources around them.
    pub(crate) fn resources(&self) -> &'a Resources {
        &self.service.resources
    }

    /// How long work takes that outlives its call.
    pub(crate) fn operation_time(&self) -> Duration {
        self.service.operations.settings().takes
    }

    /// Whether work about this is set to fail.
    pub(crate) fn fails(&self, about: &str) -> bool {
        self.service.operations.settings().fails(about)
    }

    /// What identifiers are drawn from.
    pub(crate) fn seed(&self) -> u64 {
        self.service.seed
    }

    /// The bytes at an address: those of an object in the storage, or of a file of the service that
    /// can be used.
    pub(crate) fn content_of(&self, uri: &str) -> Option<Bytes> {
        if uri.starts_with("gs://") {
            return self.storage().object(uri);
        }
        let file = self.files.usable(&self.owner(), uri, self.now).ok()?;
        file.content.read().ok()
    }

    /// The body, which must be an object; an absent one is an empty message.
    pub(crate) fn body(&self) -> Result<&'a Map<String, Value>, ApiError> {
        static EMPTY: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
        match self.body {
            None => Ok(&EMPTY),
            Some(Value::Object(fields)) => Ok(fields),
            Some(_) => Err(ApiError::invalid_argument(
                "Invalid JSON payload received. Unknown name \"\": Root element must be a message.",
            )),
        }
    }

    /// An identifier no other answer of this emulator has.
    pub(crate) fn response_id(&self) -> String {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        identifier(self.service.seed, 3, self.number(), ALPHABET, 22)
    }

    /// A number no other call has been given.
    pub(crate) fn number(&self) -> u64 {
        self.service.answered.fetch_add(1, Ordering::Relaxed)
    }
}

fn owner(target: &Target, caller: &Caller) -> Scope {
    match &target.parent {
        Some(parent) => Scope::Parent(parent.clone()),
        None => Scope::Key(caller.fingerprint().unwrap_or_default().to_owned()),
    }
}

/// The refusal in the form the call expects.
pub(crate) fn refuse(error: &ApiError, incoming: &Incoming<'_>) -> Reply {
    if incoming.target.route == Route::StreamGenerateContent && !wants_events(incoming.query) {
        error.to_array_reply()
    } else {
        error.to_reply()
    }
}

fn stream_reply(generation: &Generation, query: &[(String, String)]) -> Reply {
    let chunks = stream::chunks(generation);
    if wants_events(query) {
        Reply::events(&chunks)
    } else {
        Reply::json_array(StatusCode::OK, &chunks)
    }
}

fn wants_events(query: &[(String, String)]) -> bool {
    query
        .iter()
        .any(|(name, value)| (name == "alt" || name == "$alt") && value == "sse")
}

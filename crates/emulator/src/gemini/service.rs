//! The Gemini service as a whole: what it holds, and which code answers which call. Knows nothing
//! of sockets; it turns one request into one reply.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use crate::{
    engine::index::Memory,
    gemini::{
        auth::{AuthPolicy, Caller},
        caches::{Caches, Scope},
        errors::{ApiError, Quota, quota_exceeded},
        files::{Files, Protocol, Uploads},
        generate::{self, Generation},
        limiter::Limiter,
        models::Catalogue,
        operations::Operations,
        stream, tokens, videos,
    },
    reply::Reply,
    rng::identifier,
    route::{Route, Target},
};

/// Everything the service remembers and is set up with.
#[derive(Debug)]
pub(crate) struct Gemini {
    pub(crate) auth: AuthPolicy,
    pub(crate) catalogue: Catalogue,
    pub(crate) caches: Caches,
    pub(crate) files: Files,
    pub(crate) uploads: Uploads,
    pub(crate) operations: Operations,
    pub(crate) limiter: Option<Limiter>,
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
    pub(crate) operations: &'a Operations,
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
            operations: Operations::default(),
            limiter: None,
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
        self.try_answer(incoming)
            .unwrap_or_else(|error| refuse(&error, incoming))
    }

    fn try_answer(&self, incoming: &Incoming<'_>) -> Result<Reply, ApiError> {
        let body = incoming.body.as_ref().map_err(Clone::clone)?;
        let call = Call {
            target: incoming.target,
            query: incoming.query,
            headers: incoming.headers,
            body: body.as_deref(),
            caller: incoming.caller,
            now: incoming.now,
            catalogue: &self.catalogue,
            caches: &self.caches,
            files: &self.files,
            operations: &self.operations,
            memory: &self.memory,
            blocked_phrases: &self.blocked_phrases,
            service: self,
        };
        match incoming.target.route {
            Route::GenerateContent => {
                let generation = generate::generate(&call)?;
                Ok(Reply::json(StatusCode::OK, &generation.to_json()))
            }
            Route::StreamGenerateContent => {
                Ok(stream_reply(&generate::generate(&call)?, incoming.query))
            }
            Route::CountTokens => tokens::count_tokens(&call),
            Route::ListModels => self.catalogue.list(call.target, call.query),
            Route::GetModel => self.catalogue.get(call.target),
            Route::CreateCachedContent => self.caches.create(&call),
            Route::GetCachedContent => self.caches.get(&call),
            Route::ListCachedContents => self.caches.list(&call),
            Route::UpdateCachedContent => self.caches.update(&call),
            Route::DeleteCachedContent => self.caches.delete(&call),
            Route::UploadFile | Route::UploadContent => self.open_upload(incoming),
            Route::GetFile => self.files.answer_get(&call),
            Route::ListFiles => self.files.answer_list(&call),
            Route::DeleteFile => self.files.answer_delete(&call),
            Route::DownloadFile => self.files.answer_download(&call),
            Route::RegisterFiles => self.files.answer_register(&call),
            Route::PredictLongRunning => videos::begin(&call),
            Route::GetOperation => self.operations.answer_get(&call),
            Route::ListOperations => self.operations.answer_list(&call),
            Route::CancelOperation => self.operations.answer_cancel(&call),
            Route::DeleteOperation => self.operations.answer_delete(&call),
            Route::WaitOperation => self.operations.answer_wait(&call),
            Route::FetchPredictOperation => self.operations.answer_fetch(&call),
            Route::Unknown => Err(ApiError::not_found(format!(
                "The emulator does not serve {}.",
                incoming.target.path
            ))),
        }
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
            Route::UploadContent => true,
            Route::UploadFile => matches!(
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

    /// The body, which must be an object; an absent one is an empty message.
    pub(crate) fn body(&self) -> Result<&'a Map<String, Value>, ApiError> {
        static EMPTY: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
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
        let number = self.service.answered.fetch_add(1, Ordering::Relaxed);
        identifier(self.service.seed, 3, number, ALPHABET, 22)
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

//! The calls on cached contents: create, get, list, update and delete. What was cached is never
//! sent back.

use std::time::SystemTime;

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::{
    engine::index::ContextIndex,
    gemini::{
        caches::{
            lifetime::{self, DEFAULT_TTL, format_time},
            store::{CachedContent, Scope, StorageFull, Store},
        },
        content::{self, Part},
        errors::ApiError,
        fields::{self, string},
        keys::to_camel,
        meter::Metered,
        models::{self, ModelCard},
        page,
        service::Call,
        usage::Tally,
    },
    reply::Reply,
    rng::identifier,
    route::Backend,
};

const MESSAGE: &str = "CreateCachedContentRequest";
const LONGEST_DISPLAY_NAME: usize = 128;
const DEFAULT_PAGE: usize = 50;

/// The cached contents of an emulator and the rules for making them.
#[derive(Debug)]
pub(crate) struct Caches {
    store: Store,
    seed: u64,
    /// Tokens each owner may keep per model; `None` is without limit.
    storage_limit: Option<u64>,
}

impl Caches {
    pub(crate) fn new(seed: u64, storage_limit: Option<u64>) -> Self {
        Self {
            store: Store::default(),
            seed,
            storage_limit,
        }
    }

    /// `POST cachedContents`.
    pub(crate) fn create(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let fields = call.body()?;
        let backend = call.target.backend;
        fields::CACHED_CONTENT.check(fields, "cached_content", backend)?;
        let model_name = string(fields, "model", "cached_content")?.unwrap_or_default();
        let card = model(model_name, call)?;
        let mut contents = content::decode(fields, MESSAGE, backend)?;
        let mut system = content::system_instruction(fields, MESSAGE, backend)?;
        content::resolve(contents.iter_mut().chain(&mut system), call)?;
        let tools = fields.get("tools").filter(|tools| !tools.is_null());
        if contents.is_empty() && system.is_none() && tools.is_none() {
            return Err(ApiError::invalid_argument(format!(
                "* {MESSAGE}.contents: contents is not specified\n"
            )));
        }
        let display_name = string(fields, "displayName", "cached_content")?.unwrap_or_default();
        if display_name.chars().count() > LONGEST_DISPLAY_NAME {
            return Err(ApiError::invalid_argument(format!(
                "* {MESSAGE}.display_name: must be at most {LONGEST_DISPLAY_NAME} characters.\n"
            )));
        }
        let expires = lifetime::requested(fields, "cached_content", call.now)?;
        let expires = expires.unwrap_or_else(|| call.now + DEFAULT_TTL);

        let memory = call.memory;
        let tally = Tally::of_contents(&contents, memory)
            .plus(
                system
                    .iter()
                    .map(|s| Tally::of_contents(std::slice::from_ref(s), memory))
                    .fold(Tally::default(), Tally::plus),
            )
            .plus(Tally::of_json(tools, memory));
        check_size(tally.total(), card, backend)?;
        let texts: Vec<&str> = contents
            .iter()
            .flat_map(|content| &content.parts)
            .filter_map(|part| match part {
                Part::Text(text) => Some(text.as_ref()),
                _ => None,
            })
            .collect();
        let entry = CachedContent {
            number: 0,
            id: String::new(),
            scope: call.owner(),
            model: card.name().to_owned(),
            model_name: model_name.to_owned(),
            display_name: display_name.to_owned(),
            created: call.now,
            updated: call.now,
            expires,
            tally,
            index: ContextIndex::build(&texts).into(),
            tools: tools.cloned(),
            tool_config: fields
                .get("toolConfig")
                .filter(|value| !value.is_null())
                .cloned(),
        };
        let kept = self
            .store
            .insert(entry, self.storage_limit, |number| self.id(number, backend));
        let entry = kept.map_err(|StorageFull| self.storage_full(card, tally.total()))?;
        Ok(Reply::json(StatusCode::OK, &shown(&entry, call)))
    }

    /// `GET cachedContents/{id}`.
    pub(crate) fn get(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let entry = self
            .store
            .get(&call.owner(), &call.target.resource, call.now)?;
        Ok(Reply::json(StatusCode::OK, &shown(&entry, call)))
    }

    /// `GET cachedContents`.
    pub(crate) fn list(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let page = page::Request::read(call.query, DEFAULT_PAGE)?;
        let mut live = self.store.list(&call.owner(), call.now);
        live.retain(|entry| page.after.is_none_or(|after| entry.number > after));
        let more = live.len() > page.size;
        live.truncate(page.size);
        let mut body = json!({});
        if !live.is_empty() {
            body["cachedContents"] = live.iter().map(|entry| shown(entry, call)).collect();
        }
        if let Some(last) = live.last().filter(|_| more) {
            body["nextPageToken"] = page::token(last.number).into();
        }
        Ok(Reply::json(StatusCode::OK, &body))
    }

    /// `PATCH cachedContents/{id}`: nothing but the expiry can change.
    pub(crate) fn update(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let empty = Map::new();
        let fields = if call.body.is_some() {
            call.body()?
        } else {
            &empty
        };
        fields::CACHED_CONTENT.check(fields, "cached_content", call.target.backend)?;
        let scope = call.owner();
        let id = &call.target.resource;
        let current = self.store.get(&scope, id, call.now)?;
        check_mask(call.query, fields)?;
        let entry = match lifetime::requested(fields, "cached_content", call.now)? {
            Some(expires) => self.store.extend(&scope, id, call.now, expires)?,
            None => current,
        };
        Ok(Reply::json(StatusCode::OK, &shown(&entry, call)))
    }

    /// `DELETE cachedContents/{id}`.
    pub(crate) fn delete(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        self.store
            .remove(&call.owner(), &call.target.resource, call.now)?;
        Ok(Reply::json(StatusCode::OK, &json!({})))
    }

    /// What the caches of a model were written with and kept for so far.
    pub(crate) fn metered(&self, model: &str, now: SystemTime) -> Metered {
        self.store.metered(model, now)
    }

    /// The live cached content a generate request names.
    pub(crate) fn named(
        &self,
        name: &str,
        call: &Call<'_>,
    ) -> Result<std::sync::Arc<CachedContent>, ApiError> {
        let (parent, id) = match name.rsplit_once("cachedContents/") {
            Some((parent, id)) if !id.is_empty() => (parent.trim_end_matches('/'), id),
            _ => return Err(ApiError::invalid_argument("Invalid CachedContent name.")),
        };
        let scope = match (call.target.backend, parent.is_empty()) {
            (Backend::Developer, true) => call.owner(),
            // Express calls have no parent in their path, so the name alone says whose it is.
            (Backend::Vertex, false)
                if call
                    .target
                    .parent
                    .as_deref()
                    .is_none_or(|own| own == parent) =>
            {
                Scope::Parent(parent.to_owned())
            }
            (Backend::Vertex, false) => {
                return Err(ApiError::not_found(format!(
                    "Not found: cached content metadata for {id}."
                )));
            }
            _ => return Err(ApiError::invalid_argument("Invalid CachedContent name.")),
        };
        self.store.get(&scope, id, call.now)
    }

    fn storage_full(&self, card: &ModelCard, requested: u64) -> ApiError {
        ApiError::resource_exhausted(format!(
            "TotalCachedContentStorageTokensPerModelFreeTier limit exceeded for model {}: \
             limit={}, requested={requested}",
            card.name(),
            self.storage_limit.unwrap_or(u64::MAX)
        ))
    }

    fn id(&self, number: u64, backend: Backend) -> String {
        match backend {
            Backend::Developer => identifier(
                self.seed,
                1,
                number,
                b"abcdefghijklmnopqrstuvwxyz0123456789",
                20,
            ),
            Backend::Vertex => {
                format!(
                    "{}{}",
                    1 + number % 9,
                    identifier(self.seed, 2, number, b"0123456789", 18)
                )
            }
        }
    }
}

/// The model a create request names, in the form its service expects.
fn model<'a>(name: &str, call: &Call<'a>) -> Result<&'a ModelCard, ApiError> {
    let short = match call.target.backend {
        Backend::Developer => name.strip_prefix("models/"),
        Backend::Vertex => name.strip_prefix("publishers/google/models/").or_else(|| {
            name.split_once("/publishers/google/models/")
                .map(|(_, short)| short)
        }),
    };
    let Some(short) = short.filter(|short| !short.is_empty()) else {
        return Err(ApiError::invalid_argument(format!(
            "* {MESSAGE}.model: unexpected model name format\n"
        )));
    };
    let card = call
        .catalogue
        .find(short, call.target, "createCachedContent")?;
    if card.is_cacheable() {
        return Ok(card);
    }
    Err(models::unknown(short, call.target, "createCachedContent"))
}

fn check_size(total: u64, card: &ModelCard, backend: Backend) -> Result<(), ApiError> {
    let least = card.min_cache_tokens();
    let most = card.input_token_limit();
    if total < least {
        return Err(ApiError::invalid_argument(match backend {
            Backend::Developer => format!(
                "Cached content is too small. total_token_count={total}, \
                 min_total_token_count={least}"
            ),
            Backend::Vertex => format!(
                "The cached content is of {total} tokens. The minimum token count to start \
                 caching is {least}."
            ),
        }));
    }
    if total > most {
        return Err(ApiError::invalid_argument(format!(
            "The input token count ({total}) exceeds the maximum number of tokens allowed ({most})."
        )));
    }
    Ok(())
}

/// Refuses a mask, or a body, that reaches for anything but the expiry.
fn check_mask(query: &[(String, String)], fields: &Map<String, Value>) -> Result<(), ApiError> {
    const IMMUTABLE: [&str; 4] = ["contents", "systemInstruction", "tools", "toolConfig"];
    let refused = |path: &str| {
        ApiError::invalid_argument(format!(
            "Only ttl or expire_time of a CachedContent can be updated, not {path}."
        ))
    };
    let mask = query
        .iter()
        .find(|(name, _)| name == "updateMask" || name == "update_mask");
    for path in mask
        .iter()
        .flat_map(|(_, mask)| mask.split(','))
        .map(str::trim)
    {
        let field = to_camel(path);
        match field.as_str() {
            "" => {}
            "ttl" | "expireTime" if fields.contains_key(&field) => {}
            "ttl" | "expireTime" => {
                return Err(ApiError::invalid_argument(format!(
                    "The update mask names {path}, which the body does not have."
                )));
            }
            _ => return Err(refused(path)),
        }
    }
    match IMMUTABLE.iter().find(|field| fields.contains_key(**field)) {
        Some(field) => Err(refused(field)),
        None => Ok(()),
    }
}

fn shown(entry: &CachedContent, call: &Call<'_>) -> Value {
    json!({
        "name": call.target.cache_name(&entry.id),
        "model": entry.model_name,
        "displayName": entry.display_name,
        "createTime": format_time(entry.created),
        "updateTime": format_time(entry.updated),
        "expireTime": format_time(entry.expires),
        "usageMetadata": { "totalTokenCount": entry.tally.total() },
    })
}

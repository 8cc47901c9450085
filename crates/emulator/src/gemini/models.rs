//! The models the emulator pretends to be: a table of cards, and the calls that list and get them.

use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    gemini::{abilities::Kind, errors::ApiError, page},
    reply::Reply,
    route::{Backend, Target},
};

const DEFAULT_PAGE: usize = 50;

/// A model of the emulator.
///
/// ```
/// use gimmal_emulator::ModelCard;
///
/// let tiny = ModelCard::new("gemini-tiny").with_input_token_limit(100);
/// assert_eq!(tiny.name(), "gemini-tiny");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct ModelCard {
    name: String,
    display_name: String,
    description: String,
    version: String,
    kind: Kind,
    input_token_limit: u64,
    output_token_limit: u64,
    thinking: bool,
    cacheable: bool,
    min_cache_tokens: u64,
}

impl ModelCard {
    /// A model called `name`, without the `models/` prefix, with the limits of the current ones.
    ///
    /// What it can do follows from the name: `gemini-embedding-…` embeds, `imagen-…` paints,
    /// `…-image` and `…-tts` answer in pictures and in speech, and all others answer in text.
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        let kind = Kind::of(&name);
        let (input_token_limit, output_token_limit) = kind.limits();
        Self {
            display_name: display_name(&name),
            description: format!("Emulated stand-in for {name}."),
            version: "001".to_owned(),
            kind,
            input_token_limit,
            output_token_limit,
            thinking: kind == Kind::Chat && !name.starts_with("gemini-2.0"),
            cacheable: kind == Kind::Chat,
            min_cache_tokens: if name.starts_with("gemini-2.5") {
                2048
            } else {
                4096
            },
            name,
        }
    }

    /// Sets the most tokens a prompt may have.
    pub fn with_input_token_limit(mut self, tokens: u64) -> Self {
        self.input_token_limit = tokens;
        self
    }

    /// Sets the most tokens an answer may have.
    pub fn with_output_token_limit(mut self, tokens: u64) -> Self {
        self.output_token_limit = tokens;
        self
    }

    /// Sets the fewest tokens a cached content may have.
    pub fn with_min_cache_tokens(mut self, tokens: u64) -> Self {
        self.min_cache_tokens = tokens;
        self
    }

    /// Makes the model refuse cached contents.
    pub fn without_caching(mut self) -> Self {
        self.cacheable = false;
        self
    }

    /// The name, without the `models/` prefix.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn input_token_limit(&self) -> u64 {
        self.input_token_limit
    }

    pub(crate) fn output_token_limit(&self) -> u64 {
        self.output_token_limit
    }

    pub(crate) fn min_cache_tokens(&self) -> u64 {
        self.min_cache_tokens
    }

    pub(crate) fn is_cacheable(&self) -> bool {
        self.cacheable
    }

    fn to_json(&self, backend: Backend) -> Value {
        match backend {
            Backend::Developer => {
                let mut methods = self.kind.methods().to_vec();
                if self.cacheable && self.kind.answers("createCachedContent") {
                    methods.push("createCachedContent");
                }
                json!({
                    "name": format!("models/{}", self.name),
                    "version": self.version,
                    "displayName": self.display_name,
                    "description": self.description,
                    "inputTokenLimit": self.input_token_limit,
                    "outputTokenLimit": self.output_token_limit,
                    "supportedGenerationMethods": methods,
                    "temperature": 1,
                    "topP": 0.95,
                    "topK": 64,
                    "maxTemperature": 2,
                    "thinking": self.thinking,
                })
            }
            Backend::Vertex => json!({
                "name": format!("publishers/google/models/{}", self.name),
                "versionId": "default",
                "openSourceCategory": "PROPRIETARY",
                "launchStage": if self.name.ends_with("preview") { "PUBLIC_PREVIEW" } else { "GA" },
            }),
        }
    }
}

/// The models an emulator has, in the order they are listed.
#[derive(Clone, Debug)]
pub(crate) struct Catalogue {
    cards: Vec<ModelCard>,
}

impl Catalogue {
    /// The models of the current generations.
    pub(crate) fn current() -> Self {
        let names = [
            "gemini-2.5-flash",
            "gemini-2.5-pro",
            "gemini-2.5-flash-lite",
            "gemini-2.0-flash",
            "gemini-2.0-flash-001",
            "gemini-2.0-flash-lite",
            "gemini-3-pro-preview",
            "gemini-3-flash-preview",
            "gemini-3.1-pro-preview",
            "gemini-3.1-flash-lite",
            "gemini-3.5-flash",
            "gemini-3.5-flash-lite",
            "gemini-3.6-flash",
            "gemini-3.7-flash",
            "gemini-3.8-flash",
        ];
        let live = [
            "gemini-live-2.5-flash",
            "gemini-live-2.5-flash-preview",
            "gemini-2.0-flash-live-001",
            "gemini-2.0-flash-live-preview-04-09",
            "gemini-2.5-flash-native-audio-preview-12-2025",
            "lyria-realtime-exp",
        ];
        let mut cards: Vec<ModelCard> = names.into_iter().map(ModelCard::new).collect();
        for card in cards
            .iter_mut()
            .filter(|card| card.name.starts_with("gemini-2.0"))
        {
            card.output_token_limit = 8192;
        }
        cards.push(ModelCard::new("gemini-4-argon").without_caching());
        let others = [
            "gemini-2.5-flash-image",
            "gemini-3-pro-image-preview",
            "gemini-2.5-flash-preview-tts",
            "gemini-2.5-pro-preview-tts",
            "gemini-embedding-001",
            "gemini-embedding-2",
            "text-embedding-004",
            "text-embedding-005",
            "text-multilingual-embedding-002",
            "multimodalembedding@001",
            "imagen-4.0-generate-001",
            "imagen-4.0-fast-generate-001",
            "imagen-4.0-ultra-generate-001",
            "imagen-4.0-upscale-preview",
            "imagen-3.0-generate-001",
            "imagen-3.0-generate-002",
            "imagen-3.0-capability-001",
            "imagen-product-recontext-preview-06-30",
            "virtual-try-on-001",
            "image-segmentation-001",
            "veo-2.0-generate-001",
            "veo-3.0-generate-001",
            "veo-3.0-fast-generate-001",
            "veo-3.1-generate-preview",
        ];
        cards.extend(others.into_iter().map(ModelCard::new));
        cards.extend(live.map(ModelCard::new));
        Self { cards }
    }

    /// Adds a model, in place of one with the same name.
    pub(crate) fn add(&mut self, card: ModelCard) {
        match self.cards.iter_mut().find(|other| other.name == card.name) {
            Some(other) => *other = card,
            None => self.cards.push(card),
        }
    }

    pub(crate) fn set_min_cache_tokens(&mut self, prefix: &str, tokens: u64) {
        for card in self
            .cards
            .iter_mut()
            .filter(|card| card.name.starts_with(prefix))
        {
            card.min_cache_tokens = tokens;
        }
    }

    /// The model of that name, or the service's refusal for `method`.
    pub(crate) fn find(
        &self,
        name: &str,
        target: &Target,
        method: &str,
    ) -> Result<&ModelCard, ApiError> {
        let found = self.cards.iter().find(|card| card.name == name);
        found
            .filter(|card| card.kind.answers(method))
            .ok_or_else(|| unknown(name, target, method))
    }

    /// The model of that name, if it can be tuned.
    pub(crate) fn tunable(
        &self,
        name: &str,
        target: &Target,
        method: &str,
    ) -> Result<&ModelCard, ApiError> {
        let card = self.find(name, target, "generateContent");
        card.ok()
            .filter(|card| card.kind == Kind::Chat)
            .ok_or_else(|| unknown(name, target, method))
    }

    /// `GET models/{model}`.
    pub(crate) fn get(&self, target: &Target) -> Result<Reply, ApiError> {
        let card = self.find(&target.resource, target, "getModel")?;
        Ok(Reply::json(StatusCode::OK, &card.to_json(target.backend)))
    }

    /// `GET models`.
    pub(crate) fn list(
        &self,
        target: &Target,
        query: &[(String, String)],
    ) -> Result<Reply, ApiError> {
        let page = page::Request::read(query, DEFAULT_PAGE)?;
        let start = page.after.map_or(0, |after| after as usize);
        let rest = self.cards.get(start..).unwrap_or_default();
        let shown = &rest[..rest.len().min(page.size)];
        let key = match target.backend {
            Backend::Developer => "models",
            Backend::Vertex => "publisherModels",
        };
        let mut body = json!({});
        if !shown.is_empty() {
            body[key] = shown
                .iter()
                .map(|card| card.to_json(target.backend))
                .collect();
        }
        if shown.len() < rest.len() {
            body["nextPageToken"] = page::token((start + shown.len()) as u64).into();
        }
        Ok(Reply::json(StatusCode::OK, &body))
    }
}

/// The service's refusal of `method` for a model that does not exist or cannot do it.
pub(crate) fn unknown(name: &str, target: &Target, method: &str) -> ApiError {
    match (target.backend, method) {
        (Backend::Developer, "getModel") => ApiError::not_found(format!(
            "Model is not found: models/{name} for api version {}",
            target.version
        )),
        (Backend::Developer, _) => ApiError::not_found(format!(
            "models/{name} is not found for API version {}, or is not supported for {method}. \
             Call ListModels to see the list of available models and their supported methods.",
            target.version
        )),
        (Backend::Vertex, _) => {
            let parent = target
                .parent
                .as_ref()
                .map(|p| format!("{p}/"))
                .unwrap_or_default();
            ApiError::not_found(format!(
                "Publisher Model `{parent}publishers/google/models/{name}` was not found or your \
                 project does not have access to it. Please ensure you are using a valid model \
                 version. For more information, see: \
                 https://cloud.google.com/vertex-ai/generative-ai/docs/learn/model-versions"
            ))
        }
    }
}

/// `gemini-2.5-flash-lite` as `Gemini 2.5 Flash Lite`.
fn display_name(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let mut chars = word.chars();
        chars
            .next()
            .map(|first| first.to_uppercase().chain(chars).collect::<String>())
    });
    words.flatten().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_minimum_depends_on_the_family() {
        let catalogue = Catalogue::current();
        let least = |name: &str| {
            let card = catalogue.cards.iter().find(|card| card.name == name);
            card.expect("a model").min_cache_tokens
        };
        assert_eq!(least("gemini-2.5-pro"), 2048);
        assert_eq!(least("gemini-3-pro-preview"), 4096);
        assert_eq!(least("gemini-2.0-flash"), 4096);
    }

    #[test]
    fn display_names_read_like_names() {
        assert_eq!(
            display_name("gemini-2.5-flash-lite"),
            "Gemini 2.5 Flash Lite"
        );
    }

    #[test]
    fn adding_a_known_name_replaces_it() {
        let mut catalogue = Catalogue::current();
        let before = catalogue.cards.len();
        catalogue.add(ModelCard::new("gemini-2.5-pro").with_input_token_limit(5));
        catalogue.add(ModelCard::new("other"));
        assert_eq!(catalogue.cards.len(), before + 1);
    }
}

//! What the planner tells the executor to send.

use std::fmt;
use std::sync::Arc;

use gimmal_types::gemini::{Content, GenerateContentRequest, Part, Tool, ToolConfig};
use serde::Serialize;

/// The three ways to send a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum CacheStrategy {
    /// As it is.
    GenerateRaw,
    /// As it is, laid out so that the service's implicit caching has the best chance.
    GenerateWithOptimizedParts,
    /// From a context cache, with only the tail sent.
    GenerateFromExplicitCache,
}

/// The part of a request that a context cache can hold.
///
/// `Debug` shows its shape and never its words, here and in everything that holds one.
#[derive(Clone, Default, PartialEq)]
pub struct Prefix {
    /// Instructions for the whole conversation.
    pub system_instruction: Option<Content>,
    /// Tools the model may use.
    pub tools: Vec<Tool>,
    /// How it uses them.
    pub tool_config: Option<ToolConfig>,
    /// The first turns of the conversation.
    pub contents: Vec<Content>,
}

/// A whole request without its per-request settings: the shared prefix and the tail.
#[derive(Clone)]
pub struct PartsPayload {
    /// What requests have in common; shared, never copied per request.
    pub prefix: Arc<Prefix>,
    /// What follows it in this request; never empty in a request that can be sent.
    pub tail: Arc<[Content]>,
}

/// A request that reads from a context cache.
#[derive(Clone)]
pub struct ExplicitCachePayload {
    /// The cache's name.
    pub cache_name: String,
    /// The turns to send beside it.
    pub contents: Arc<[Content]>,
    /// The whole request, for the case that the cache is gone. `None` when the request itself
    /// named the cache: what is in it is then not known, and nothing can stand in for it.
    pub fallback: Option<PartsPayload>,
}

/// What to send. A payload that does not fit its strategy cannot be written down.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CacheAction {
    /// The whole request as it is.
    Raw(PartsPayload),
    /// The whole request, laid out for implicit caching.
    Optimized(PartsPayload),
    /// The tail, and the name of the cache that holds the rest.
    FromCache(ExplicitCachePayload),
}

impl Prefix {
    /// True when there is nothing that could be cached.
    pub fn is_empty(&self) -> bool {
        self.contents.is_empty()
            && self.system_instruction.is_none()
            && self.tools.is_empty()
            && self.tool_config.is_none()
    }
}

impl PartsPayload {
    /// Fills the prefix and the tail into a request that carries the per-request settings.
    pub fn fill(&self, settings: &GenerateContentRequest) -> GenerateContentRequest {
        let mut request = settings.clone();
        request.system_instruction = self.prefix.system_instruction.clone().map(Box::new);
        request.tools.clone_from(&self.prefix.tools);
        request.tool_config = self.prefix.tool_config.clone().map(Box::new);
        request.contents = self
            .prefix
            .contents
            .iter()
            .chain(self.tail.iter())
            .cloned()
            .collect();
        request.cached_content = None;
        request
    }

    /// As [`fill`](Self::fill), laid out for the service's own caching: texts that follow each other
    /// in a turn are one.
    pub fn fill_optimized(&self, settings: &GenerateContentRequest) -> GenerateContentRequest {
        let mut request = self.fill(settings);
        let system = request.system_instruction.as_deref_mut();
        system
            .into_iter()
            .chain(&mut request.contents)
            .for_each(join_texts);
        request
    }
}

/// Joins texts that follow each other in a turn and are nothing but text: the same words in fewer
/// parts, so that two requests begin alike however their texts were cut.
fn join_texts(turn: &mut Content) {
    let mut joined: Vec<Part> = Vec::with_capacity(turn.parts.len());
    let mut is_open = false;
    for mut part in std::mem::take(&mut turn.parts) {
        let text = part.text.take();
        let is_plain = text.is_some() && part == Part::default();
        match (joined.last_mut().and_then(|last| last.text.as_mut()), text) {
            (Some(before), Some(text)) if is_plain && is_open => before.push_str(&text),
            (_, text) => {
                part.text = text;
                joined.push(part);
            }
        }
        is_open = is_plain;
    }
    turn.parts = joined;
}

impl ExplicitCachePayload {
    /// Fills the tail and the cache's name into a request that carries the per-request settings.
    ///
    /// Instructions and tools are left out because they are in the cache. Where that is not known
    /// they stay, and the request is refused before it is sent, rather than lose them in silence.
    pub fn fill(&self, settings: &GenerateContentRequest) -> GenerateContentRequest {
        let mut request = settings.clone();
        if self.fallback.is_some() {
            request.system_instruction = None;
            request.tools = Vec::new();
            request.tool_config = None;
        }
        request.contents = self.contents.to_vec();
        request.cached_content = Some(self.cache_name.clone());
        request
    }
}

impl CacheAction {
    /// The strategy this action follows.
    pub fn strategy(&self) -> CacheStrategy {
        match self {
            Self::Raw(_) => CacheStrategy::GenerateRaw,
            Self::Optimized(_) => CacheStrategy::GenerateWithOptimizedParts,
            Self::FromCache(_) => CacheStrategy::GenerateFromExplicitCache,
        }
    }

    /// The cache the request reads from, if any.
    pub fn cache_name(&self) -> Option<&str> {
        match self {
            Self::FromCache(payload) => Some(&payload.cache_name),
            Self::Raw(_) | Self::Optimized(_) => None,
        }
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Prefix")
            .field("has_system_instruction", &self.system_instruction.is_some())
            .field("tools", &self.tools.len())
            .field("has_tool_config", &self.tool_config.is_some())
            .field("turns", &self.contents.len())
            .finish()
    }
}

impl fmt::Debug for PartsPayload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PartsPayload")
            .field("prefix", &self.prefix)
            .field("turns_in_tail", &self.tail.len())
            .finish()
    }
}

impl fmt::Debug for ExplicitCachePayload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ExplicitCachePayload")
            .field("cache_name", &self.cache_name)
            .field("turns", &self.contents.len())
            .field("fallback", &self.fallback)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use gimmal_types::gemini::GenerationConfig;

    use super::*;

    fn payload() -> PartsPayload {
        let prefix = Prefix {
            system_instruction: Some(Content::text("Be terse.")),
            contents: vec![Content::user("a long document")],
            ..Prefix::default()
        };
        PartsPayload {
            prefix: Arc::new(prefix),
            tail: Arc::from([Content::user("why?")]),
        }
    }

    #[test]
    fn texts_that_follow_each_other_are_one() {
        let mut thought = Part::text("t");
        thought.thought = Some(true);
        let image = Part::inline_data(vec![1], "image/png");
        let parts = [
            Part::text("a"),
            Part::text("b"),
            image.clone(),
            Part::text("c"),
            thought.clone(),
            Part::text("d"),
            Part::text("e"),
        ];
        let mut payload = payload();
        payload.tail = Arc::from([Content::new().set_parts(parts)]);
        let request = payload.fill_optimized(&GenerateContentRequest::new());
        let expected = [
            Part::text("ab"),
            image,
            Part::text("c"),
            thought,
            Part::text("de"),
        ];
        assert_eq!(request.contents[1].parts, expected);
        assert_eq!(request.contents[0], payload.prefix.contents[0]);
    }

    #[test]
    fn a_cached_request_holds_the_tail_and_the_settings_only() {
        let settings = GenerateContentRequest::new()
            .set_generation_config(GenerationConfig::new().set_temperature(0.5));
        let cached = ExplicitCachePayload {
            cache_name: "cachedContents/c".to_owned(),
            contents: Arc::from([Content::user("why?")]),
            fallback: Some(payload()),
        };
        let request = cached.fill(&settings);
        assert_eq!(request.contents, [Content::user("why?")]);
        assert_eq!(request.cached_content.as_deref(), Some("cachedContents/c"));
        assert!(request.system_instruction.is_none() && request.generation_config.is_some());

        let whole = cached.fallback.unwrap().fill(&settings);
        assert_eq!(whole.contents.len(), 2);
        assert!(whole.cached_content.is_none() && whole.system_instruction.is_some());
    }

    #[test]
    fn strategies_have_their_stable_names() {
        let action = CacheAction::Raw(payload());
        assert_eq!(
            serde_json::to_string(&action.strategy()).unwrap(),
            "\"GENERATE_RAW\""
        );
        assert_eq!(action.cache_name(), None);
    }
}

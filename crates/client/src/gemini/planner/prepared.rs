//! A request taken apart: the prefix that requests share, identified and measured once, and the
//! tail that is sent each time.

use std::sync::Arc;

use gimmal_types::gemini::{Content, GenerateContentRequest, Part};

use super::{CacheScope, CacheUntil, Prefix, PrefixKey, TokenEstimate};

/// A text longer than this is a document and not a question.
const DOCUMENT_CHARS: usize = 1000;

/// A prefix with its identity and its size. Clones share everything.
///
/// Preparing hashes the whole prefix; a program that asks many questions about one document
/// prepares it once and plans each question with it.
#[derive(Clone, Debug)]
pub struct PreparedPrefix {
    pub(super) model: Arc<str>,
    pub(super) full_model: Arc<str>,
    pub(super) prefix: Arc<Prefix>,
    pub(super) key: PrefixKey,
    /// The identities of its beginnings: after 0, 1, 2, … turns, up to the whole.
    pub(super) keys: Arc<[PrefixKey]>,
    pub(super) estimate: TokenEstimate,
    pub(super) labels: Arc<[String]>,
    scope: CacheScope,
}

impl PreparedPrefix {
    pub(super) fn new(model: &str, full_model: &str, scope: &CacheScope, prefix: Prefix) -> Self {
        let keys = PrefixKey::chain(scope, full_model, &prefix);
        // The chain always has its head, so the last element is there.
        let key = keys[keys.len() - 1].clone();
        Self {
            model: model.into(),
            full_model: full_model.into(),
            estimate: TokenEstimate::of_prefix(&prefix),
            prefix: Arc::new(prefix),
            key,
            keys: keys.into(),
            labels: Arc::default(),
            scope: scope.clone(),
        }
    }

    /// Goes by a name of yours instead of its contents: every prefix of this name, model and reader
    /// is taken to be the same one and reads the same cache. A blank name changes nothing.
    ///
    /// ```
    /// use gimmal_client::gemini::GeminiClient;
    /// use gimmal_client::gemini::planner::{Planner, Prefix};
    /// use gimmal_client::types::gemini::Content;
    ///
    /// let client = GeminiClient::builder().with_api_key("key").build()?;
    /// let planner = Planner::builder(&client).build();
    /// let prepare = |text: &str| {
    ///     let contents = vec![Content::user(text)];
    ///     planner.prepare("gemini-2.5-flash", Prefix { contents, ..Prefix::default() })
    /// };
    /// let (old, new) = (prepare("printed on Monday")?, prepare("printed on Tuesday")?);
    /// assert_ne!(old.key(), new.key());
    /// assert_eq!(old.with_name("handbook").key(), new.with_name("handbook").key());
    /// # Ok::<(), gimmal_client::Error>(())
    /// ```
    #[must_use]
    pub fn with_name(self, name: &str) -> Self {
        match name.trim() {
            "" => self,
            name => {
                let key = PrefixKey::named(&self.scope, &self.full_model, name);
                self.under(key)
            }
        }
    }

    /// The same under another key.
    pub(super) fn under(mut self, key: PrefixKey) -> Self {
        let mut keys = self.keys.to_vec();
        keys.pop();
        keys.push(key.clone());
        (self.key, self.keys) = (key, keys.into());
        self
    }

    /// Writes labels on the caches that are made of it; they are in the [`Lease`](super::Lease).
    #[must_use]
    pub fn with_labels<T: Into<String>>(mut self, labels: impl IntoIterator<Item = T>) -> Self {
        self.labels = labels.into_iter().map(Into::into).collect();
        self
    }

    /// What tells one conversation from another: everything up to its first turn. It stays the same
    /// as the conversation grows.
    pub(super) fn line(&self) -> &PrefixKey {
        &self.keys[(self.keys.len() - 1).min(1)]
    }

    /// The identity of the whole prefix.
    pub fn key(&self) -> &PrefixKey {
        &self.key
    }

    /// Its size.
    pub fn estimate(&self) -> TokenEstimate {
        self.estimate
    }

    /// The model it is for, as the caller wrote it.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// What it holds.
    pub fn prefix(&self) -> &Prefix {
        &self.prefix
    }

    /// What it holds, to be part of a [`PartsPayload`](super::PartsPayload) without a copy.
    pub fn shared_prefix(&self) -> Arc<Prefix> {
        Arc::clone(&self.prefix)
    }
}

/// Splits a request into what a cache may hold and what must be sent.
///
/// Order is kept and nothing is dropped: prefix and tail put together are the request.
pub(super) fn separate(
    request: &GenerateContentRequest,
    until: Option<CacheUntil>,
) -> (Prefix, Vec<Content>) {
    let (contents, tail) = match (request.contents.as_slice(), until) {
        ([], _) => (Vec::new(), Vec::new()),
        (turns, Some(CacheUntil::Turn(end))) => {
            let (head, tail) = turns.split_at(without_model_end(turns, end.min(turns.len())));
            (head.to_vec(), tail.to_vec())
        }
        ([single], Some(CacheUntil::Part(end))) => split_at_part(single, end),
        ([single], None) => split_single(single),
        (several, _) => {
            let (head, tail) = several.split_at(cacheable_turns(several));
            (head.to_vec(), tail.to_vec())
        }
    };
    let prefix = Prefix {
        system_instruction: request.system_instruction.as_deref().cloned(),
        tools: request.tools.clone(),
        tool_config: request.tool_config.as_deref().cloned(),
        contents,
    };
    (prefix, tail)
}

/// How many leading turns may be cached: never the newest turn of the user's, and never ending on
/// a turn of the model's, which the service refuses.
fn cacheable_turns(contents: &[Content]) -> usize {
    let newest_user = contents
        .iter()
        .rposition(|content| !content.is_model())
        .unwrap_or(0);
    without_model_end(contents, newest_user.min(contents.len().saturating_sub(1)))
}

/// The first turns, without those of the model at their end.
fn without_model_end(contents: &[Content], mut turns: usize) -> usize {
    while turns > 0 && contents[turns - 1].is_model() {
        turns -= 1;
    }
    turns
}

/// One turn with documents before its question becomes two turns; any other stays whole.
fn split_single(content: &Content) -> (Vec<Content>, Vec<Content>) {
    let last_text = content.parts.iter().rposition(|part| part.text.is_some());
    let last_document = content
        .parts
        .iter()
        .enumerate()
        .rposition(|(index, part)| Some(index) != last_text && is_document(part));
    match last_document {
        Some(index) if index + 1 < content.parts.len() => split_at_part(content, index + 1),
        _ => split_at_part(content, 0),
    }
}

/// Two turns of the parts of one, unless either would be empty or it is the model's.
fn split_at_part(content: &Content, end: usize) -> (Vec<Content>, Vec<Content>) {
    if end == 0 || content.is_model() {
        return (Vec::new(), vec![content.clone()]);
    }
    if end >= content.parts.len() {
        return (vec![content.clone()], Vec::new());
    }
    let turn = |parts: &[Part]| {
        let mut turn = content.clone();
        turn.parts = parts.to_vec();
        turn
    };
    let (head, tail) = content.parts.split_at(end);
    (vec![turn(head)], vec![turn(tail)])
}

fn is_document(part: &Part) -> bool {
    let long = |text: &String| text.chars().nth(DOCUMENT_CHARS).is_some();
    part.file_data.is_some() || part.inline_data.is_some() || part.text.as_ref().is_some_and(long)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(contents: Vec<Content>) -> GenerateContentRequest {
        GenerateContentRequest::new().set_contents(contents)
    }

    #[test]
    fn a_document_is_split_from_its_question() {
        let turn = Content::new().set_parts([
            Part::text("d".repeat(1001)),
            Part::file_data("gs://b/o", "application/pdf"),
            Part::text("Please:"),
            Part::text("why?"),
        ]);
        let (prefix, tail) = separate(&request(vec![turn]), None);
        assert_eq!(prefix.contents[0].parts.len(), 2);
        assert_eq!(tail[0].parts.len(), 2);
    }

    #[test]
    fn a_long_question_is_still_the_question() {
        let turn = Content::user("q".repeat(5000));
        let (prefix, tail) = separate(&request(vec![turn.clone()]), None);
        assert!(prefix.contents.is_empty());
        assert_eq!(tail, [turn]);
    }

    /// B14: a conversation that ends in a tool result.
    #[test]
    fn b14_the_cut_never_follows_a_model_turn() {
        let call = Content::model("calling");
        let result = Content::user("tool result");
        let conversation = vec![
            Content::user("a"),
            Content::model("b"),
            Content::user("c"),
            call,
            result,
        ];
        let (prefix, tail) = separate(&request(conversation), None);
        assert_eq!(prefix.contents.len(), 3);
        assert_eq!(tail.len(), 2);
        let (prefix, _) = separate(
            &request(vec![Content::model("x"), Content::user("y")]),
            None,
        );
        assert!(prefix.contents.is_empty());
    }

    #[test]
    fn the_caller_may_say_where_the_cache_ends() {
        let turn = Content::new().set_parts(["rules", "examples", "question"].map(Part::text));
        let split = |contents: Vec<Content>, until| {
            let (prefix, tail) = separate(&request(contents), Some(until));
            let parts =
                |turns: &[Content]| -> usize { turns.iter().map(|turn| turn.parts.len()).sum() };
            (parts(&prefix.contents), parts(&tail))
        };
        let one = || vec![turn.clone()];
        assert_eq!(split(one(), CacheUntil::Part(2)), (2, 1));
        assert_eq!(split(one(), CacheUntil::Part(0)), (0, 3));
        assert_eq!(split(one(), CacheUntil::Part(9)), (3, 0));
        let turns = || -> Vec<Content> {
            vec![
                Content::user("a"),
                Content::model("b"),
                Content::user("c"),
                Content::user("d"),
            ]
        };
        assert_eq!(split(turns(), CacheUntil::Turn(1)), (1, 3));
        assert_eq!(
            split(turns(), CacheUntil::Turn(2)),
            (1, 3),
            "not on a turn of the model's"
        );
        assert_eq!(split(turns(), CacheUntil::Turn(9)), (4, 0));
        assert_eq!(split(turns(), CacheUntil::Part(1)), (3, 1), "of no effect");
    }

    fn any_content() -> impl Strategy<Value = Content> {
        let part = prop_oneof![
            "[a-z]{0,8}".prop_map(Part::text),
            Just(Part::text("d".repeat(1200))),
            Just(Part::inline_data(vec![1, 2], "image/png")),
            Just(Part::file_data("gs://b/o", "application/pdf")),
        ];
        (
            proptest::collection::vec(part, 0..5),
            proptest::option::of(any::<bool>()),
        )
            .prop_map(|(parts, model)| {
                let content = Content::new().set_parts(parts);
                match model {
                    Some(true) => content.set_role("model"),
                    Some(false) => content.set_role("user"),
                    None => content,
                }
            })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        /// B8: nothing is lost, doubled or moved.
        #[test]
        fn b8_prefix_and_tail_are_the_request(contents in proptest::collection::vec(any_content(), 0..6)) {
            let (prefix, tail) = separate(&request(contents.clone()), None);
            let parts = |contents: &[Content]| -> Vec<Part> {
                contents.iter().flat_map(|content| content.parts.clone()).collect()
            };
            let mut together = parts(&prefix.contents);
            together.extend(parts(&tail));
            prop_assert_eq!(together, parts(&contents));
            prop_assert!(contents.is_empty() || !tail.is_empty());
            prop_assert!(prefix.contents.last().is_none_or(|turn| !turn.is_model()));
        }
    }
}

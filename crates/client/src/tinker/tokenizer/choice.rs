//! Which tokenizer a model has. Pure: nothing is fetched here.

/// Where the tokenizer of the Llama 3 models is, whose own repositories are closed.
const LLAMA_3: &str = "thinkingmachineslabinc/meta-llama-3-instruct-tokenizer";

/// Tokenizers of the Kimi family, with the revisions that the service uses.
const KIMI: [(&str, &str, &str); 5] = [
    (
        "moonshotai/Kimi-K2-Thinking",
        "moonshotai/Kimi-K2-Thinking",
        "612681931a8c906ddb349f8ad0f582cb552189cd",
    ),
    (
        "moonshotai/Kimi-K2.5",
        "moonshotai/Kimi-K2.5",
        "4d01dfe0332d63057c186e0b262165819efb6611",
    ),
    (
        "moonshotai/Kimi-K2.5-Text-Only",
        "moonshotai/Kimi-K2.5",
        "4d01dfe0332d63057c186e0b262165819efb6611",
    ),
    (
        "moonshotai/Kimi-K2.6",
        "moonshotai/Kimi-K2.6",
        "b5aabbfb20227ed42becbf5541dbffd213942c58",
    ),
    (
        "moonshotai/Kimi-K3",
        "moonshotai/Kimi-K3",
        "f831ab66814297da540d832a5235f8e904f29d06",
    ),
];

/// A tokenizer on a hub.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub struct TokenizerRef {
    /// The repository, such as `Qwen/Qwen3-8B`.
    pub repository: String,
    /// The revision of it.
    pub revision: String,
    /// Whether its files are those of the Kimi family, not a `tokenizer.json`.
    pub is_kimi: bool,
}

impl TokenizerRef {
    /// The tokenizer in this repository, at the revision that the service uses.
    pub fn new(repository: impl Into<String>) -> Self {
        let repository = repository.into();
        let kimi = KIMI.iter().find(|(name, ..)| *name == repository);
        match kimi {
            Some((_, repository, revision)) => Self {
                repository: (*repository).to_owned(),
                revision: (*revision).to_owned(),
                is_kimi: true,
            },
            None => Self {
                repository,
                revision: "main".to_owned(),
                is_kimi: false,
            },
        }
    }

    /// The same at another revision.
    #[must_use]
    pub fn with_revision(mut self, revision: impl Into<String>) -> Self {
        self.revision = revision.into();
        self
    }
}

/// The tokenizer of a model: the one that the service names, or else the one that belongs to the
/// name of the model.
///
/// ```
/// use gimmal_client::tinker::tokenizer::tokenizer_of;
///
/// let named = tokenizer_of(Some("org/tokenizer:revision"), "org/model");
/// assert_eq!(named.repository, "org/tokenizer");
/// let variant = tokenizer_of(None, "org/model/variant");
/// assert_eq!(variant.repository, "org/model");
/// ```
///
/// What follows a colon is cut off, from names and from what the service names. Llama 3 models
/// share one tokenizer in an open repository, and of `org/model/variant` the first two parts count.
pub fn tokenizer_of(tokenizer_id: Option<&str>, model_name: &str) -> TokenizerRef {
    let cut = |name: &str| name.split(':').next().unwrap_or_default().trim().to_owned();
    if let Some(id) = tokenizer_id.map(cut).filter(|id| !id.is_empty()) {
        return TokenizerRef::new(id);
    }
    let name = cut(model_name);
    if name.starts_with("meta-llama/Llama-3") {
        return TokenizerRef::new(LLAMA_3);
    }
    match name.split('/').collect::<Vec<_>>()[..] {
        [org, model, _] => TokenizerRef::new(format!("{org}/{model}")),
        _ => TokenizerRef::new(name),
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    /// Covers: CHK-TOK-1
    #[test_case(None, "org/model/variant:rev", "org/model"; "variant")]
    #[test_case(None, "meta-llama/Llama-3-8B-Instruct", LLAMA_3; "llama")]
    #[test_case(None, "meta-llama/Llama-3.1-8B", LLAMA_3; "later llama")]
    #[test_case(None, "gpt2", "gpt2"; "bare")]
    #[test_case(Some("org/tok:rev1"), "meta-llama/Llama-3.1-8B", "org/tok"; "named")]
    #[test_case(Some(" "), "org/model", "org/model"; "blank")]
    fn chk_tok_1_the_tokenizer_follows_from_the_names(
        id: Option<&str>,
        model: &str,
        repository: &str,
    ) {
        assert_eq!(tokenizer_of(id, model).repository, repository);
    }

    #[test]
    fn kimi_models_are_pinned() {
        let kimi = tokenizer_of(None, "moonshotai/Kimi-K2.5-Text-Only");
        assert_eq!(kimi.repository, "moonshotai/Kimi-K2.5");
        assert!(kimi.is_kimi && kimi.revision.len() == 40);
        assert!(!tokenizer_of(None, "moonshotai/Moonlight").is_kimi);
    }
}

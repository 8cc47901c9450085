//! Which entries an invalidation means. Selection is exact: names are compared whole, never as parts
//! of a key, so `qa` does not mean `qa_long`.

use std::borrow::Cow;

use crate::key::{CacheKey, DEFAULT_NAMESPACE, push_encoded};
use crate::pattern::{InvalidPattern, Pattern};

/// Some of the entries of a cache.
///
/// ```
/// use gimmal_cache::{KeyRequest, Selector};
///
/// let key = KeyRequest::new("qa").key();
/// assert!(Selector::operation("qa").matches(&key, &[]));
/// assert!(!Selector::operation("q").matches(&key, &[]));
/// assert!(Selector::glob("default:q?")?.matches(&key, &[]));
/// # Ok::<(), gimmal_cache::InvalidPattern>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Selector {
    /// Every entry of every namespace.
    All,
    /// The entries of one namespace.
    Namespace(String),
    /// The entries of one operation in one namespace.
    Operation {
        /// The namespace.
        namespace: String,
        /// The operation.
        operation: String,
    },
    /// The entries with this tag in one namespace.
    Tag {
        /// The namespace.
        namespace: String,
        /// The tag.
        tag: String,
    },
    /// The entries whose namespace and operation match.
    Glob(Pattern),
    /// The entry of this key.
    Key(CacheKey),
}

impl Selector {
    /// The entries of an operation in the namespace `default`.
    #[must_use]
    pub fn operation(operation: impl Into<String>) -> Self {
        Self::Operation {
            namespace: DEFAULT_NAMESPACE.to_owned(),
            operation: operation.into(),
        }
    }

    /// The entries with this tag in the namespace `default`.
    #[must_use]
    pub fn tag(tag: impl Into<String>) -> Self {
        Self::Tag {
            namespace: DEFAULT_NAMESPACE.to_owned(),
            tag: tag.into(),
        }
    }

    /// The entries that a front end stored for this model in the namespace `default`.
    #[must_use]
    pub fn model(model: &str) -> Self {
        Self::tag(model_tag(model))
    }

    /// The entries whose `namespace:operation` matches; see [`Pattern`].
    ///
    /// # Errors
    ///
    /// If the pattern is empty or malformed. To select everything, say [`Selector::All`].
    pub fn glob(pattern: &str) -> Result<Self, InvalidPattern> {
        Pattern::new(pattern).map(Self::Glob)
    }

    /// The same selection in another namespace; all entries become all of that namespace.
    #[must_use]
    pub fn in_namespace(self, name: &str) -> Self {
        let name = name.to_owned();
        match self {
            Self::All | Self::Namespace(_) => Self::Namespace(name),
            Self::Operation { operation, .. } => Self::Operation {
                namespace: name,
                operation,
            },
            Self::Tag { tag, .. } => Self::Tag {
                namespace: name,
                tag,
            },
            Self::Glob(pattern) => Self::Glob(pattern.in_namespace(&name)),
            Self::Key(key) => Self::Key(key.in_namespace(&name)),
        }
    }

    /// Whether it means the entry of this key with these tags.
    #[must_use]
    pub fn matches(&self, key: &CacheKey, tags: &[Box<str>]) -> bool {
        match self {
            Self::Key(wanted) => wanted == key,
            _ => self.matches_scope(key.scope(), tags),
        }
    }

    /// As [`Selector::matches`] for any key with these names, encoded as in keys.
    pub(crate) fn matches_scope(&self, scope: &str, tags: &[Box<str>]) -> bool {
        let (namespace, operation) = scope.split_once(':').unwrap_or_default();
        match self {
            Self::All => true,
            Self::Namespace(name) => encoded(name) == namespace,
            Self::Operation {
                namespace: wanted,
                operation: name,
            } => encoded(wanted) == namespace && encoded(name) == operation,
            Self::Tag {
                namespace: wanted,
                tag,
            } => tags.iter().any(|it| **it == **tag) && encoded(wanted) == namespace,
            Self::Glob(pattern) => pattern.matches_encoded(namespace, operation),
            Self::Key(_) => false,
        }
    }

    /// The namespace it is confined to, if it is confined to one.
    #[must_use]
    pub fn namespace(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::All => None,
            Self::Namespace(namespace)
            | Self::Operation { namespace, .. }
            | Self::Tag { namespace, .. } => Some(namespace.into()),
            Self::Glob(pattern) => pattern.literal_namespace().map(Cow::Owned),
            Self::Key(key) => Some(key.namespace()),
        }
    }

    /// The kind, as used in metrics.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Namespace(_) => "namespace",
            Self::Operation { .. } => "operation",
            Self::Tag { .. } => "tag",
            Self::Glob(_) => "glob",
            Self::Key(_) => "key",
        }
    }
}

/// The tag that entries of a model carry.
pub(crate) fn model_tag(model: &str) -> String {
    format!("model:{model}")
}

/// A name as it stands in keys.
pub(crate) fn encoded(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    push_encoded(&mut text, name);
    text
}

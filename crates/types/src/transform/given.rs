//! A member that can be left out, be null, or have a value. It must not decide which of them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The name under which an absent member is handed to a serializer, for [`Transform`](super::Transform)
/// to know it from null.
pub(super) const ABSENT: &str = "gimmal::Absent";

/// A member for which null is something else than nothing at all.
///
/// ```
/// use gimmal_types::Given;
/// use serde::Serialize;
///
/// #[derive(Serialize)]
/// struct Expiry {
///     #[serde(skip_serializing_if = "Given::is_absent")]
///     ttl_seconds: Given<u64>,
/// }
///
/// let json = |ttl_seconds| serde_json::to_string(&Expiry { ttl_seconds });
/// assert_eq!(json(Given::NotGiven)?, "{}");
/// assert_eq!(json(Given::Value(None))?, r#"{"ttl_seconds":null}"#);
/// assert_eq!(json(60.into())?, r#"{"ttl_seconds":60}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// serde leaves a member out only when it is told to, as here; [`Transform`](super::Transform)
/// does so everywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Given<T> {
    /// Nothing was said, so a default may take the place.
    #[default]
    NotGiven,
    /// It is to be left out, whatever the default.
    Omit,
    /// A value, or null.
    Value(Option<T>),
}

impl<T> Given<T> {
    /// True when nothing was said.
    pub fn is_not_given(&self) -> bool {
        matches!(self, Self::NotGiven)
    }

    /// True when it is to be left out.
    pub fn is_omit(&self) -> bool {
        matches!(self, Self::Omit)
    }

    /// True when there is neither a value nor null.
    pub fn is_absent(&self) -> bool {
        self.is_not_given() || self.is_omit()
    }

    /// What is there; the default when nothing is. A null stays one.
    pub fn coalesce(self, default: Option<T>) -> Option<T> {
        match self {
            Self::NotGiven | Self::Omit => default,
            Self::Value(value) => value,
        }
    }
}

impl<T> From<T> for Given<T> {
    fn from(value: T) -> Self {
        Self::Value(Some(value))
    }
}

impl<T: Serialize> Serialize for Given<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::NotGiven | Self::Omit => serializer.serialize_unit_struct(ABSENT),
            Self::Value(value) => value.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self::Value)
    }
}

//! The rules by which a value becomes JSON. Going through the value is not done here.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::walk::Walk;

type Format = Arc<dyn Fn(Value) -> Value + Send + Sync>;

/// Makes JSON of any value, with other names, other forms, and less of it.
///
/// ```
/// use gimmal_types::{Given, Transform};
/// use serde::Serialize;
/// use serde_json::json;
///
/// #[derive(Serialize)]
/// struct Run {
///     created_at: &'static str,
///     note: Option<&'static str>,
///     limit: Given<u32>,
/// }
///
/// let run = Run { created_at: "2026-11-21", note: None, limit: Given::NotGiven };
/// let plain = Transform::new().apply(&run)?;
/// assert_eq!(plain, json!({"created_at": "2026-11-21", "note": null}));
/// let transform = Transform::new().with_alias("created_at", "createdAt").with_drop_nulls(true);
/// assert_eq!(transform.apply(&run)?, json!({"createdAt": "2026-11-21"}));
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// The rules hold at every depth. Members and elements that are absent (see
/// [`Given`](super::Given)) are always left out.
#[derive(Clone, Default)]
pub struct Transform {
    aliases: BTreeMap<String, String>,
    formats: BTreeMap<String, Format>,
    drop_nulls: bool,
}

impl Transform {
    /// Rules that leave out what is absent, and no more.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives members of this name another one.
    pub fn with_alias(mut self, name: impl Into<String>, wire: impl Into<String>) -> Self {
        self.aliases.insert(name.into(), wire.into());
        self
    }

    /// Writes the values of members of this name, as they are called before aliases, in a form of
    /// one's own. What is within them keeps its names.
    pub fn with_format(
        mut self,
        name: impl Into<String>,
        format: impl Fn(Value) -> Value + Send + Sync + 'static,
    ) -> Self {
        self.formats.insert(name.into(), Arc::new(format));
        self
    }

    /// Leaves out members that are null; otherwise they stay. Elements of lists always stay.
    pub fn with_drop_nulls(mut self, drop: bool) -> Self {
        self.drop_nulls = drop;
        self
    }

    /// The value as JSON; null when it is absent itself.
    ///
    /// # Errors
    ///
    /// When the value cannot be JSON, such as a map whose keys are no texts.
    pub fn apply<T: Serialize + ?Sized>(&self, value: &T) -> Result<Value, serde_json::Error> {
        Ok(value.serialize(Walk(self))?.unwrap_or_default())
    }

    /// The name and value of a member, unless it is left out.
    pub(super) fn member<T: Serialize + ?Sized>(
        &self,
        name: &str,
        value: &T,
    ) -> Result<Option<(String, Value)>, serde_json::Error> {
        let value = match (value.serialize(Walk(self))?, self.formats.get(name)) {
            (None, _) => return Ok(None),
            (Some(Value::Null), _) if self.drop_nulls => return Ok(None),
            (Some(_), Some(format)) => format(serde_json::to_value(value)?),
            (Some(value), None) => value,
        };
        let wire = self.aliases.get(name).map_or(name, String::as_str);
        Ok(Some((wire.to_owned(), value)))
    }
}

impl fmt::Debug for Transform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transform")
            .field("aliases", &self.aliases)
            .field("formats", &self.formats.keys())
            .field("drop_nulls", &self.drop_nulls)
            .finish()
    }
}

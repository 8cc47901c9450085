//! What a credentials file holds, and its JSON. Reading and writing the file is not done here, and
//! no error quotes the JSON.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::error::Error;

/// The format that is read and written.
const VERSION: u64 = 1;

/// The keys of a credentials file by their ids, one of which may be the default.
///
/// ```
/// use gimmal_transport::auth::{StoredCredentials, StoredKey};
///
/// let mut stored = StoredCredentials::default();
/// stored.insert("laptop", StoredKey::new("secret".into(), "for experiments"));
/// stored.set_default("laptop")?;
/// assert_eq!(stored.default_key().unwrap().name(), "for experiments");
/// assert!(!format!("{stored:?}").contains("secret"));
/// # Ok::<(), gimmal_transport::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct StoredCredentials {
    default: Option<String>,
    keys: BTreeMap<String, StoredKey>,
}

impl StoredCredentials {
    /// All keys, in the order of their ids.
    pub fn keys(&self) -> impl Iterator<Item = (&str, &StoredKey)> {
        self.keys.iter().map(|(id, key)| (id.as_str(), key))
    }

    /// The key with this id.
    pub fn get(&self, id: &str) -> Option<&StoredKey> {
        self.keys.get(id)
    }

    /// The id of the default key; `None` when none is set or the one that is set does not exist.
    pub fn default_id(&self) -> Option<&str> {
        self.default
            .as_deref()
            .filter(|id| self.keys.contains_key(*id))
    }

    /// The default key.
    pub fn default_key(&self) -> Option<&StoredKey> {
        self.get(self.default_id()?)
    }

    /// Adds a key and returns the one that had its id before.
    pub fn insert(&mut self, id: impl Into<String>, key: StoredKey) -> Option<StoredKey> {
        self.keys.insert(id.into(), key)
    }

    /// Removes and returns a key. If it was the default, there is none afterwards.
    pub fn remove(&mut self, id: &str) -> Option<StoredKey> {
        if self.default.as_deref() == Some(id) {
            self.default = None;
        }
        self.keys.remove(id)
    }

    /// Makes a key the default; fails when there is none with this id.
    pub fn set_default(&mut self, id: &str) -> Result<(), Error> {
        if !self.keys.contains_key(id) {
            return Err(Error::invalid(
                "default",
                format!("there is no key `{id}`; add it first"),
            ));
        }
        self.default = Some(id.into());
        Ok(())
    }

    /// Reads the JSON of a file; the error is what is wrong and where.
    pub(super) fn from_json(text: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            format!("is no JSON: line {line}, column {column}")
        })?;
        let Value::Object(mut members) = value else {
            return Err("is no JSON object".into());
        };
        let version = members.remove("version");
        if version.is_some_and(|version| version.as_u64() != Some(VERSION)) {
            return Err(format!("has a `version` other than {VERSION}; update"));
        }
        let default = match members.remove("default") {
            None | Some(Value::Null) => None,
            Some(Value::String(id)) => Some(id),
            Some(_) => return Err("has a `default` that is no text".into()),
        };
        let keys = match members.remove("keys") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(keys)) => keys,
            Some(_) => return Err("has `keys` that are no object".into()),
        };
        let keys = keys.into_iter().map(|(id, record)| {
            let key = StoredKey::from_json(record);
            let key = key.map_err(|flaw| format!("has a key `{id}` {flaw}"))?;
            Ok((id, key))
        });
        Ok(Self {
            default,
            keys: keys.collect::<Result<_, String>>()?,
        })
    }

    pub(super) fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut json = serde_json::to_vec_pretty(&File(self))?;
        json.push(b'\n');
        Ok(json)
    }
}

/// A key with its name and whatever else its file says about it.
#[derive(Clone)]
pub struct StoredKey {
    key: SecretString,
    name: String,
    members: Map<String, Value>,
}

impl StoredKey {
    /// A key with a name for people.
    pub fn new(key: SecretString, name: impl Into<String>) -> Self {
        Self {
            key,
            name: name.into(),
            members: Map::new(),
        }
    }

    /// Sets another member of the record, such as a note. `key` and `name` cannot be set so.
    #[must_use]
    pub fn with_member(mut self, member: impl Into<String>, value: impl Into<Value>) -> Self {
        let member = member.into();
        if !matches!(member.as_str(), "key" | "name") {
            self.members.insert(member, value.into());
        }
        self
    }

    /// The key.
    pub fn key(&self) -> &SecretString {
        &self.key
    }

    /// The name, empty for none.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Another member of the record. All that a file holds are kept when it is written again.
    pub fn member(&self, member: &str) -> Option<&Value> {
        self.members.get(member)
    }

    fn from_json(record: Value) -> Result<Self, &'static str> {
        let Value::Object(mut members) = record else {
            return Err("that is no object");
        };
        let Some(Value::String(key)) = members.remove("key") else {
            return Err("without a text `key`");
        };
        let name = match members.remove("name") {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(name)) => name,
            Some(_) => return Err("with a `name` that is no text"),
        };
        Ok(Self {
            key: key.into(),
            name,
            members,
        })
    }
}

/// Shows the name only.
impl fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredKey")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The JSON of a file. A type of its own, so that nothing but the file can serialize the keys.
struct File<'a>(&'a StoredCredentials);

impl Serialize for File<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("version", &VERSION)?;
        if let Some(default) = &self.0.default {
            map.serialize_entry("default", default)?;
        }
        map.serialize_entry("keys", &Keys(&self.0.keys))?;
        map.end()
    }
}

struct Keys<'a>(&'a BTreeMap<String, StoredKey>);

impl Serialize for Keys<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(id, key)| (id, Record(key))))
    }
}

struct Record<'a>(&'a StoredKey);

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("key", self.0.key.expose_secret())?;
        map.serialize_entry("name", &self.0.name)?;
        for (member, value) in &self.0.members {
            if !value.is_null() {
                map.serialize_entry(member, value)?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    const FILE: &str = r#"{
  "version": 1,
  "default": "a",
  "keys": {
    "a": {
      "key": "SECRET",
      "name": "one",
      "details": {
        "user_details": {
          "email": "someone@example.com"
        }
      },
      "type": "generated"
    },
    "b": {
      "key": "OTHER",
      "name": ""
    }
  }
}
"#;

    #[test]
    fn what_is_read_is_written_again_with_all_its_members() {
        let stored = StoredCredentials::from_json(FILE.as_bytes()).unwrap();
        let key = stored.default_key().unwrap();
        assert_eq!(key.key().expose_secret(), "SECRET");
        assert_eq!(key.member("type").unwrap(), "generated");
        // The order of members is that of serde_json, which a feature of it decides.
        let written: Value = serde_json::from_slice(&stored.to_json().unwrap()).unwrap();
        assert_eq!(written, serde_json::from_str::<Value>(FILE).unwrap());
    }

    #[test]
    fn the_default_follows_its_key() {
        let mut stored = StoredCredentials::from_json(FILE.as_bytes()).unwrap();
        assert_eq!(
            stored.set_default("c").unwrap_err().field(),
            Some("default")
        );
        assert!(stored.remove("a").is_some() && stored.remove("a").is_none());
        assert_eq!(stored.default_id(), None);
        stored.set_default("b").unwrap();
        assert_eq!(stored.default_key().unwrap().key().expose_secret(), "OTHER");
        assert_eq!(stored.keys().count(), 1);

        let dangling = br#"{"default": "gone", "future": 1}"#;
        let stored = StoredCredentials::from_json(dangling).unwrap();
        assert!(stored.default_id().is_none() && stored.default_key().is_none());
    }

    #[test]
    fn members_cannot_replace_the_key() {
        let key = StoredKey::new("SECRET".into(), "one")
            .with_member("key", "OTHER")
            .with_member("note", "mine");
        let mut stored = StoredCredentials::default();
        stored.insert("a", key);
        let stored = StoredCredentials::from_json(&stored.to_json().unwrap()).unwrap();
        let key = stored.get("a").unwrap();
        assert_eq!(key.key().expose_secret(), "SECRET");
        assert_eq!(key.member("note").unwrap(), "mine");
        assert!(!format!("{stored:?}").contains("SECRET"));
    }

    #[test_case("SECRET", "is no JSON: line 1, column 1")]
    #[test_case("[\"SECRET\"]", "is no JSON object")]
    #[test_case(r#"{"version": 2}"#, "has a `version` other than 1; update")]
    #[test_case(r#"{"version": "SECRET"}"#, "has a `version` other than 1; update"; "text as version")]
    #[test_case(r#"{"default": 1}"#, "has a `default` that is no text")]
    #[test_case(r#"{"keys": "SECRET"}"#, "has `keys` that are no object")]
    #[test_case(r#"{"keys": {"a": "SECRET"}}"#, "has a key `a` that is no object")]
    #[test_case(
        r#"{"keys": {"a": {"key": ["SECRET"]}}}"#,
        "has a key `a` without a text `key`"
    )]
    #[test_case(
        r#"{"keys": {"a": {"key": "SECRET", "name": 1}}}"#,
        "has a key `a` with a `name` that is no text"
    )]
    fn a_flaw_is_located_and_the_content_is_not_shown(text: &str, expected: &str) {
        assert_eq!(
            StoredCredentials::from_json(text.as_bytes()).unwrap_err(),
            expected
        );
    }
}

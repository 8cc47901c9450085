//! What jobs on Vertex read and write instead of request bodies: objects by `gs://` address and
//! tables by `bq://` address, in memory. It knows names and contents, not what they mean.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use serde_json::Value;

/// The objects and tables of an emulator. Clones share the same contents.
///
/// ```
/// use gimmal_emulator::Storage;
///
/// let storage = Storage::default();
/// storage.put_object("gs://bucket/questions.jsonl", "{}\n");
/// assert_eq!(storage.objects("gs://bucket/"), ["gs://bucket/questions.jsonl"]);
/// assert_eq!(storage.object("gs://bucket/questions.jsonl").as_deref(), Some(&b"{}\n"[..]));
/// ```
#[derive(Clone, Default)]
pub struct Storage {
    contents: Arc<Mutex<Contents>>,
}

#[derive(Default)]
struct Contents {
    objects: BTreeMap<String, Bytes>,
    tables: BTreeMap<String, Vec<Value>>,
}

impl Storage {
    /// Keeps an object under its address, such as `gs://bucket/name`, in place of one there was.
    pub fn put_object(&self, uri: impl Into<String>, bytes: impl Into<Bytes>) {
        self.lock().objects.insert(uri.into(), bytes.into());
    }

    /// The object at that address.
    #[must_use]
    pub fn object(&self, uri: &str) -> Option<Bytes> {
        self.lock().objects.get(uri).cloned()
    }

    /// The addresses of the objects that begin with `prefix`, in order.
    #[must_use]
    pub fn objects(&self, prefix: &str) -> Vec<String> {
        let contents = self.lock();
        let addresses = contents.objects.keys();
        addresses
            .filter(|uri| uri.starts_with(prefix))
            .cloned()
            .collect()
    }

    /// Keeps the rows of a table under its address, such as `bq://project.dataset.table`, in place
    /// of those there were. A row is an object with a member for each column.
    pub fn put_rows(&self, uri: impl Into<String>, rows: impl IntoIterator<Item = Value>) {
        let rows = rows.into_iter().collect();
        self.lock().tables.insert(uri.into(), rows);
    }

    /// The rows of the table at that address.
    #[must_use]
    pub fn rows(&self, uri: &str) -> Option<Vec<Value>> {
        self.lock().tables.get(uri).cloned()
    }

    /// The objects an address means: itself, or all that fit one ending in `*`.
    pub(crate) fn matching(&self, uri: &str) -> Vec<(String, Bytes)> {
        let contents = self.lock();
        let fits = |other: &str| match uri.strip_suffix('*') {
            Some(prefix) => other.starts_with(prefix),
            None => other == uri,
        };
        let found = contents.objects.iter().filter(|(other, _)| fits(other));
        found
            .map(|(uri, bytes)| (uri.clone(), bytes.clone()))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Storage {
    /// Leaves the contents out, since they may hold prompts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let contents = self.lock();
        f.debug_struct("Storage")
            .field("objects", &contents.objects.len())
            .field("tables", &contents.tables.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_star_means_all_that_begin_so() {
        let storage = Storage::default();
        for name in ["a/1", "a/2", "b/1"] {
            storage.put_object(format!("gs://x/{name}"), name.to_owned());
        }
        let names = |uri| storage.matching(uri).into_iter().map(|(uri, _)| uri);
        assert_eq!(
            names("gs://x/a/*").collect::<Vec<_>>(),
            ["gs://x/a/1", "gs://x/a/2"]
        );
        assert_eq!(names("gs://x/b/1").collect::<Vec<_>>(), ["gs://x/b/1"]);
        assert_eq!(names("gs://x/b").count(), 0);
    }

    #[test]
    fn rows_are_kept_whole_and_not_shown() {
        let storage = Storage::default();
        storage.put_rows("bq://p.d.t", [json!({"request": "secret"})]);
        assert_eq!(storage.rows("bq://p.d.t").map(|rows| rows.len()), Some(1));
        assert_eq!(storage.rows("bq://p.d.other"), None);
        assert!(!format!("{storage:?}").contains("secret"));
    }
}

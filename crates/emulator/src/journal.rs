//! The record of what was asked: kept for assertions, bounded, and free of keys. It must never
//! influence an answer.

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU16, Ordering},
    },
    time::SystemTime,
};

use http::{
    HeaderMap, HeaderName, Method,
    header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION},
};
use serde_json::Value;

use crate::route::{Route, RouteMatcher, Target};

/// What may hold a credential and is not recorded.
const SECRET_HEADERS: [HeaderName; 7] = [
    HeaderName::from_static("cf-access-client-secret"),
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("x-goog-api-key"),
    HeaderName::from_static("x-tinker-weights-access-token"),
    AUTHORIZATION,
    PROXY_AUTHORIZATION,
    COOKIE,
];
const SECRET_QUERY: [&str; 2] = ["key", "access_token"];

/// The requests an emulator has seen, oldest first.
///
/// Clones share the same record. A request is listed as soon as it has arrived, which may be
/// before it was answered.
#[derive(Clone)]
pub struct Journal {
    shared: Arc<Shared>,
}

struct Shared {
    capacity: usize,
    entries: Mutex<VecDeque<Arc<Entry>>>,
}

pub(crate) struct Entry {
    target: Target,
    method: Method,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Option<Arc<Value>>,
    time: SystemTime,
    key_fingerprint: Option<String>,
    status: AtomicU16,
}

/// One request in a [`Journal`].
#[derive(Clone)]
pub struct RecordedRequest {
    entry: Arc<Entry>,
}

impl Journal {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            shared: Arc::new(Shared {
                capacity,
                entries: Mutex::default(),
            }),
        }
    }

    /// How many recorded requests match.
    #[must_use]
    pub fn count(&self, matcher: impl Into<RouteMatcher>) -> usize {
        let matcher = matcher.into();
        self.lock()
            .iter()
            .filter(|entry| matcher.matches(&entry.target))
            .count()
    }

    /// The recorded requests that match, oldest first.
    #[must_use]
    pub fn requests(&self, matcher: impl Into<RouteMatcher>) -> Vec<RecordedRequest> {
        let matcher = matcher.into();
        let entries = self.lock();
        let matching = entries
            .iter()
            .filter(|entry| matcher.matches(&entry.target));
        matching
            .map(|entry| RecordedRequest {
                entry: Arc::clone(entry),
            })
            .collect()
    }

    /// The latest recorded request that matches.
    #[must_use]
    pub fn last(&self, matcher: impl Into<RouteMatcher>) -> Option<RecordedRequest> {
        self.requests(matcher).pop()
    }

    /// Forgets everything recorded so far.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// Notes an arrival; the entry is answered later with [`Entry::answered`].
    pub(crate) fn arrived(&self, arrival: Arrival<'_>) -> Option<Arc<Entry>> {
        if self.shared.capacity == 0 {
            return None;
        }
        let mut headers = HeaderMap::with_capacity(arrival.headers.len());
        for (name, value) in arrival.headers {
            if !SECRET_HEADERS.contains(name) {
                headers.append(name, value.clone());
            }
        }
        let entry = Arc::new(Entry {
            target: arrival.target.clone(),
            method: arrival.method.clone(),
            query: arrival
                .query
                .iter()
                .filter(|(name, _)| !SECRET_QUERY.contains(&name.as_str()))
                .cloned()
                .collect(),
            headers,
            body: arrival.body.cloned(),
            time: arrival.time,
            key_fingerprint: arrival.key_fingerprint.map(str::to_owned),
            status: AtomicU16::new(0),
        });
        let mut entries = self.lock();
        if entries.len() == self.shared.capacity {
            entries.pop_front();
        }
        entries.push_back(Arc::clone(&entry));
        Some(entry)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Arc<Entry>>> {
        self.shared
            .entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is known of a request on arrival.
pub(crate) struct Arrival<'a> {
    pub(crate) target: &'a Target,
    pub(crate) method: &'a Method,
    pub(crate) query: &'a [(String, String)],
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: Option<&'a Arc<Value>>,
    pub(crate) time: SystemTime,
    pub(crate) key_fingerprint: Option<&'a str>,
}

impl Entry {
    pub(crate) fn answered(&self, status: u16) {
        self.status.store(status, Ordering::Release);
    }
}

impl RecordedRequest {
    /// Which call it was.
    #[must_use]
    pub fn route(&self) -> Route {
        self.entry.target.route
    }

    /// The request method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.entry.method
    }

    /// The path, percent-decoded, with the leading slash.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.entry.target.path
    }

    /// The model the path names.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.entry.target.model().map(String::as_str)
    }

    /// The query pairs in order, without credentials.
    #[must_use]
    pub fn query(&self) -> &[(String, String)] {
        &self.entry.query
    }

    /// The request headers, without credentials.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.entry.headers
    }

    /// The JSON body as it was sent, if there was one and it was JSON.
    #[must_use]
    pub fn body(&self) -> Option<&Value> {
        self.entry.body.as_deref()
    }

    /// When it arrived, on the emulator's clock.
    #[must_use]
    pub fn time(&self) -> SystemTime {
        self.entry.time
    }

    /// A short digest of the API key or token, the same for the same key.
    #[must_use]
    pub fn key_fingerprint(&self) -> Option<&str> {
        self.entry.key_fingerprint.as_deref()
    }

    /// The status it was answered with; `None` while it is in flight or if the connection was
    /// reset instead.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self.entry.status.load(Ordering::Acquire) {
            0 => None,
            status => Some(status),
        }
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("capacity", &self.shared.capacity)
            .field("len", &self.lock().len())
            .finish()
    }
}

impl fmt::Debug for RecordedRequest {
    /// Leaves the body out, since it may hold a prompt.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedRequest")
            .field("method", self.method())
            .field("path", &self.path())
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrive(journal: &Journal, path: &str) -> Option<Arc<Entry>> {
        let target = Target::parse(&Method::GET, path);
        let mut headers = HeaderMap::new();
        for name in SECRET_HEADERS {
            headers.insert(name, "secret".parse().expect("value"));
        }
        headers.insert("user-agent", "test".parse().expect("value"));
        journal.arrived(Arrival {
            target: &target,
            method: &Method::GET,
            query: &[
                ("key".into(), "secret".into()),
                ("access_token".into(), "secret".into()),
                ("pageSize".into(), "2".into()),
            ],
            headers: &headers,
            body: None,
            time: SystemTime::UNIX_EPOCH,
            key_fingerprint: Some("f"),
        })
    }

    #[test]
    fn keeps_the_newest_and_no_key() {
        let journal = Journal::new(2);
        for path in ["/v1beta/models", "/v1beta/models/a", "/v1beta/models/b"] {
            let entry = arrive(&journal, path).expect("recorded");
            entry.answered(200);
        }
        assert_eq!(journal.count(RouteMatcher::any()), 2);
        assert_eq!(journal.count(Route::ListModels), 0);
        let last = journal.last(Route::GetModel).expect("a request");
        assert_eq!(last.path(), "/v1beta/models/b");
        assert_eq!(last.status(), Some(200));
        assert_eq!(last.query(), [("pageSize".to_owned(), "2".to_owned())]);
        assert_eq!(last.headers().len(), 1);
        assert!(last.headers().contains_key("user-agent"));
        journal.clear();
        assert_eq!(journal.count(RouteMatcher::any()), 0);
    }

    #[test]
    fn capacity_zero_records_nothing() {
        let journal = Journal::new(0);
        assert!(arrive(&journal, "/v1beta/models").is_none());
        assert_eq!(journal.count(RouteMatcher::any()), 0);
    }
}

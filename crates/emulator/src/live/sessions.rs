//! What outlives a connection: how long one may be, and the sessions that can go on in another.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use serde_json::Value;

use crate::{live::close::Close, route::Backend};

/// How long a connection may be open unless set otherwise.
const LIMIT: Duration = Duration::from_secs(600);
/// How far ahead the end of a connection is announced, when there is time.
const NOTICE: Duration = Duration::from_secs(60);

/// The sessions of an emulator.
#[derive(Debug)]
pub(crate) struct Sessions {
    limit: Duration,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    by_handle: HashMap<String, Snapshot>,
    /// Sessions that have a connection.
    open: HashSet<String>,
}

/// A session as it was when a handle of it was given out.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    /// The session's own name.
    pub(super) session: String,
    /// Who may go on with it.
    pub(super) owner: Option<String>,
    pub(super) history: Vec<Value>,
    pub(super) expires: SystemTime,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            limit: LIMIT,
            kept: Mutex::default(),
        }
    }
}

impl Sessions {
    pub(crate) fn set_limit(&mut self, limit: Duration) {
        self.limit = limit;
    }

    /// How long a connection may be open.
    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    /// How far ahead the end of a connection of this length is announced.
    pub(super) fn notice(limit: Duration) -> Duration {
        NOTICE.min(limit / 2)
    }

    /// How long handles are good for: two hours, on Vertex a day.
    pub(super) fn handle_lifetime(backend: Backend) -> Duration {
        let hours = match backend {
            Backend::Developer => 2,
            Backend::Vertex => 24,
        };
        Duration::from_secs(hours * 3600)
    }

    /// A session begins.
    pub(super) fn open(&self, session: &str) {
        self.lock().open.insert(session.to_owned());
    }

    /// A session has lost its connection.
    pub(super) fn release(&self, session: &str) {
        self.lock().open.remove(session);
    }

    /// Keeps a session as it is, under a handle.
    pub(super) fn keep(&self, handle: String, snapshot: Snapshot, now: SystemTime) {
        let mut kept = self.lock();
        kept.by_handle.retain(|_, kept| kept.expires > now);
        kept.by_handle.insert(handle, snapshot);
    }

    /// The session of a handle, which has a connection again from now on.
    pub(super) fn resume(
        &self,
        handle: &str,
        owner: Option<&str>,
        now: SystemTime,
    ) -> Result<Snapshot, Close> {
        let mut kept = self.lock();
        let known = kept
            .by_handle
            .get(handle)
            .filter(|snapshot| snapshot.expires > now && snapshot.owner.as_deref() == owner);
        let Some(snapshot) = known.cloned() else {
            return Err(Close::policy("BidiGenerateContent session not found"));
        };
        // The service holds one connection for a session, and says no more than this.
        if !kept.open.insert(snapshot.session.clone()) {
            return Err(Close::new(1011, "Internal error encountered."));
        }
        Ok(snapshot)
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_for_its_owner_and_for_one_connection_at_a_time() {
        let now = SystemTime::UNIX_EPOCH;
        let sessions = Sessions::default();
        sessions.open("s");
        let snapshot = Snapshot {
            session: "s".into(),
            owner: Some("me".into()),
            history: vec![Value::Null],
            expires: now + Duration::from_secs(10),
        };
        sessions.keep("h".into(), snapshot, now);
        let resume = |owner, at| {
            let result = sessions.resume("h", Some(owner), now + Duration::from_secs(at));
            result
                .map(|snapshot| snapshot.history.len())
                .map_err(|close| close.code)
        };
        assert_eq!(resume("me", 1), Err(1011), "it still has a connection");
        sessions.release("s");
        assert_eq!(resume("you", 1), Err(1008));
        assert_eq!(resume("me", 10), Err(1008), "too late");
        assert_eq!(resume("me", 1), Ok(1));
        assert_eq!(resume("me", 1), Err(1011));
        assert!(sessions.resume("other", Some("me"), now).is_err());
    }

    #[test]
    fn short_connections_are_announced_half_way() {
        assert_eq!(Sessions::notice(LIMIT), NOTICE);
        let short = Duration::from_secs(10);
        assert_eq!(Sessions::notice(short), short / 2);
    }
}

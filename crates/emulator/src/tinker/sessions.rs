//! Sessions: made, kept alive by heartbeats on the emulator's clock, finished by the client or lost,
//! listed and searched. What is done in them is kept elsewhere.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use serde_json::{Map, Value, json};

use crate::rng;

use super::{
    refusal::Refusal,
    requests::{CreateSession, Finish, SearchOwner, SearchSessions, StatusQuery},
    time::timestamp,
};

const FAMILY: u64 = 0x7365_7373;

#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) owner: String,
    pub(crate) created: SystemTime,
    last_seen: SystemTime,
    pub(crate) tags: Vec<String>,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) display_name: Option<String>,
    pub(crate) project: String,
    finished: Option<(Finish, Option<String>)>,
    lost: bool,
    pub(crate) models: Vec<String>,
    pub(crate) samplers: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Sessions {
    table: Mutex<BTreeMap<String, Session>>,
    seed: u64,
    /// How long a session lives without a heartbeat.
    patience: Duration,
}

impl Session {
    fn is_over(&self) -> bool {
        self.lost || self.finished.is_some()
    }

    fn status(&self) -> Value {
        match &self.finished {
            Some((reason, detail)) => json!({
                "type": "client_finished", "reason": { "type": word(*reason) }, "detail": detail,
            }),
            None if self.lost => json!({"type": "cancelled", "detail": "no heartbeat came"}),
            None => json!({"type": "active"}),
        }
    }

    pub(crate) fn texts(&self) -> Map<String, Value> {
        let texts = self.metadata.iter().map(|(key, value)| {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            (key.clone(), Value::String(text))
        });
        texts.collect()
    }
}

impl Sessions {
    pub(crate) fn new(seed: u64, patience: Duration) -> Self {
        Self {
            table: Mutex::default(),
            seed,
            patience,
        }
    }

    /// Opens the `n`th session of all.
    pub(crate) fn create(
        &self,
        n: u64,
        owner: &str,
        request: CreateSession,
        now: SystemTime,
    ) -> String {
        let hex = rng::identifier(self.seed, FAMILY, n, b"0123456789abcdef", 32);
        let id = format!(
            "{}-{}-{}-{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..]
        );
        let session = Session {
            id: id.clone(),
            owner: owner.to_owned(),
            created: now,
            last_seen: now,
            tags: request.tags,
            metadata: request.user_metadata.unwrap_or_default(),
            display_name: request.display_name,
            project: request.project_id.unwrap_or_else(|| "default".to_owned()),
            finished: None,
            lost: false,
            models: Vec::new(),
            samplers: Vec::new(),
        };
        self.lock().insert(id.clone(), session);
        id
    }

    /// Notes a heartbeat; a session that is over has none.
    pub(crate) fn beat(&self, id: &str, now: SystemTime) -> Result<(), Refusal> {
        self.change(id, |session| {
            if session.is_over() {
                return Err(Refusal::gone("the session is over"));
            }
            session.last_seen = now;
            Ok(())
        })?
    }

    /// Ends a session; the first reason stays. Whether this was it.
    pub(crate) fn finish(
        &self,
        id: &str,
        reason: Finish,
        detail: Option<String>,
    ) -> Result<bool, Refusal> {
        self.change(id, |session| {
            let first = !session.is_over();
            if first {
                session.finished = Some((reason, detail));
            }
            first
        })
    }

    /// Loses the sessions whose heartbeats have stayed out, and tells which.
    pub(crate) fn settle(&self, now: SystemTime) -> Vec<String> {
        let mut lost = Vec::new();
        for session in self.lock().values_mut() {
            let silent = now.duration_since(session.last_seen).unwrap_or_default();
            if !session.is_over() && silent > self.patience {
                session.lost = true;
                lost.push(session.id.clone());
            }
        }
        lost
    }

    /// Loses a session as if its heartbeats had stayed out.
    pub(crate) fn lose(&self, id: &str) {
        let _ = self.change(id, |session| session.lost = true);
    }

    /// A session that something may still be done in.
    pub(crate) fn open(&self, id: &str) -> Result<Session, Refusal> {
        let session = self.get(id)?;
        if session.is_over() {
            return Err(Refusal::gone(format!("session {id} is over")));
        }
        Ok(session)
    }

    pub(crate) fn get(&self, id: &str) -> Result<Session, Refusal> {
        self.change(id, |session| session.clone())
    }

    pub(crate) fn change<R>(
        &self,
        id: &str,
        change: impl FnOnce(&mut Session) -> R,
    ) -> Result<R, Refusal> {
        let mut table = self.lock();
        let session = table
            .get_mut(id)
            .ok_or_else(|| Refusal::not_found(format!("there is no session {id}")))?;
        Ok(change(session))
    }

    /// The sessions of an owner, or of everybody, the newest first.
    pub(crate) fn list(&self, owner: Option<&str>) -> Vec<Session> {
        let table = self.lock();
        let mut sessions: Vec<Session> = table
            .values()
            .filter(|session| owner.is_none_or(|owner| session.owner == owner))
            .cloned()
            .collect();
        sessions.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| b.id.cmp(&a.id)));
        sessions
    }

    /// A page of the sessions that a search is after. `usage` tells how many checkpoints a session
    /// has, and their bytes.
    pub(crate) fn search(
        &self,
        owner: &str,
        query: &SearchSessions,
        usage: impl Fn(&Session) -> (usize, u64),
    ) -> Result<Value, Refusal> {
        check(query)?;
        let found = self.list(None).into_iter().filter(|session| {
            let mine = match &query.owner {
                SearchOwner::Own => session.owner == owner,
                SearchOwner::Accessible => true,
                SearchOwner::User { owner_urns } => {
                    owner_urns.contains(&super::auth::user_urn(&session.owner))
                }
            };
            mine && matches(query, session)
        });
        let mut found: Vec<Session> = match &query.cursor {
            None => found.collect(),
            Some(cursor) => {
                let place = (cursor.last_created_at, cursor.last_session_id.as_str());
                found
                    .filter(|s| (timestamp(s.created), s.id.as_str()) < place)
                    .collect()
            }
        };
        let more = found.len() > query.limit;
        found.truncate(query.limit);
        let cursor = found.last().filter(|_| more).map(
            |last| json!({"last_created_at": timestamp(last.created), "last_session_id": last.id}),
        );
        let summaries = found.iter().map(|session| {
            let (count, bytes) = usage(session);
            json!({
                "session_id": session.id, "created_at": timestamp(session.created),
                "owner": super::auth::user_urn(&session.owner), "project_id": session.project,
                "status": session.status(), "checkpoints_count": count,
                "display_name": session.display_name, "user_metadata": session.texts(),
                "checkpoint_storage_bytes": bytes,
            })
        });
        Ok(json!({"sessions": summaries.collect::<Vec<_>>(), "next_cursor": cursor}))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Session>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check(query: &SearchSessions) -> Result<(), Refusal> {
    let refuse = |field, why: &str| Err(Refusal::invalid(field, why));
    if !(1..=200).contains(&query.limit) {
        return refuse("limit", "must be from 1 to 200");
    }
    if query.display_name.as_ref().is_some_and(String::is_empty) {
        return refuse("display_name", "must not be empty");
    }
    if query.statuses.as_ref().is_some_and(Vec::is_empty) {
        return refuse("statuses", "must not be empty");
    }
    match &query.owner {
        SearchOwner::User { owner_urns } if !(1..=10).contains(&owner_urns.len()) => {
            refuse("owner", "must have 1 to 10 owner_urns")
        }
        _ => Ok(()),
    }
}

fn matches(query: &SearchSessions, session: &Session) -> bool {
    let by_name = query.display_name.as_ref().map(|words| {
        let name = session
            .display_name
            .as_deref()
            .unwrap_or_default()
            .to_lowercase();
        words
            .split_whitespace()
            .all(|word| name.contains(&word.to_lowercase()))
    });
    let by_id = query.session_id.as_ref().map(|id| *id == session.id);
    let called = match (by_id, by_name) {
        (None, None) => true,
        (id, name) => id.unwrap_or_default() || name.unwrap_or_default(),
    };
    let projects = query.project_ids.as_ref();
    let texts = session.texts();
    let tagged = query
        .user_metadata
        .iter()
        .all(|(key, value)| texts.get(key) == Some(&json!(value)));
    let statuses = query.statuses.as_ref();
    called
        && tagged
        && projects.is_none_or(|projects| projects.contains(&session.project))
        && statuses.is_none_or(|statuses| statuses.iter().any(|status| is(status, session)))
}

fn is(status: &StatusQuery, session: &Session) -> bool {
    match status {
        StatusQuery::Active => !session.is_over(),
        StatusQuery::Cancelled => session.lost,
        StatusQuery::Failed => false,
        StatusQuery::ClientFinished { reasons } => {
            session.finished.as_ref().is_some_and(|(reason, _)| {
                reasons
                    .as_ref()
                    .is_none_or(|reasons| reasons.contains(reason))
            })
        }
    }
}

fn word(reason: Finish) -> &'static str {
    match reason {
        Finish::Success => "success",
        Finish::Errored => "errored",
        Finish::Interrupted => "interrupted",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tinker::requests::read;

    const START: SystemTime = SystemTime::UNIX_EPOCH;

    fn opened(sessions: &Sessions, n: u64, name: &str) -> String {
        let body = json!({"sdk_version": "1", "display_name": name, "user_metadata": {"n": n}});
        let request = read(Some(&body)).expect("a request");
        sessions.create(n, "me", request, START + Duration::from_secs(n))
    }

    #[test]
    fn heartbeats_keep_a_session_and_silence_ends_it() {
        let sessions = Sessions::new(0, Duration::from_secs(60));
        let id = opened(&sessions, 0, "a");
        let at = |seconds| START + Duration::from_secs(seconds);
        assert!(sessions.settle(at(60)).is_empty());
        sessions.beat(&id, at(60)).expect("alive");
        assert!(sessions.settle(at(120)).is_empty());
        assert_eq!(sessions.settle(at(121)), std::slice::from_ref(&id));
        assert!(sessions.beat(&id, at(121)).is_err() && sessions.open(&id).is_err());
        assert!(!sessions.finish(&id, Finish::Success, None).expect("known"));
    }

    #[test]
    fn a_search_pages_and_filters() {
        let sessions = Sessions::new(0, Duration::from_secs(60));
        let ids: Vec<String> = (0..3)
            .map(|n| opened(&sessions, n, &format!("Run {n} of ice")))
            .collect();
        sessions
            .finish(&ids[1], Finish::Errored, None)
            .expect("known");
        let search = |body: Value| {
            let query = read(Some(&body)).expect("a query");
            let found = sessions.search("me", &query, |_| (0, 0)).expect("found");
            let names = found["sessions"].as_array().expect("a list").iter();
            let names: Vec<String> = names
                .map(|s| s["session_id"].as_str().unwrap_or_default().to_owned())
                .collect();
            (names, found["next_cursor"].clone())
        };
        let (first, cursor) = search(json!({"limit": 2, "display_name": "ICE run"}));
        assert_eq!(first, [ids[2].clone(), ids[1].clone()]);
        let (rest, end) = search(json!({"limit": 2, "cursor": cursor}));
        assert_eq!((rest, end), (vec![ids[0].clone()], Value::Null));
        let statuses = json!([{"type": "client_finished", "reasons": ["errored"]}]);
        assert_eq!(search(json!({"statuses": statuses})).0, [ids[1].clone()]);
        assert_eq!(
            search(json!({"user_metadata": {"n": "0"}})).0,
            [ids[0].clone()]
        );
        let zero = read(Some(&json!({"limit": 0}))).expect("a query");
        assert!(sessions.search("me", &zero, |_| (0, 0)).is_err());
    }
}

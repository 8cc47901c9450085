//! Looking for sessions.

use std::collections::BTreeMap;

use super::InvalidInput;
use super::zone_or_utc::ZoneOrUtc;
use crate::Timestamp;

record! {
    /// Which sessions are looked for.
    ///
    /// A session is found by its identifier or its name; everything else must hold as well.
    #[derive(Debug)]
    pub struct SessionSearchRequest {
        /// The session of this identifier.
        pub session_id: Option<String>,
        /// Sessions of these projects.
        pub project_ids: Option<Vec<String>>,
        /// Sessions with these notes.
        #[default(BTreeMap::new())]
        pub user_metadata: BTreeMap<String, String>,
        /// Sessions whose name has each of these words in it, in capitals or not.
        pub display_name: Option<String>,
        /// Whose sessions.
        #[default(OwnSearchOwner::new())]
        pub owner: SearchOwner,
        /// Sessions that stand in one of these ways.
        pub statuses: Option<Vec<SessionStatusQuery>>,
        /// How many to a page: 1 to 200.
        #[default(50_u32)]
        pub limit: u32,
        /// Goes on after an earlier page.
        pub cursor: Option<SessionSearchCursor>,
    }

    /// Where a page ends.
    #[derive(Debug)]
    pub struct SessionSearchCursor {
        /// When its last session was opened.
        #[read_by(ZoneOrUtc)]
        pub last_created_at: Timestamp,
        /// Its last session.
        pub last_session_id: String,
    }

    /// A page of sessions.
    #[derive(Debug)]
    pub struct SessionSearchResponse {
        /// The sessions.
        pub sessions: Vec<SessionSummary>,
        /// Asks for the next page; absent on the last.
        pub next_cursor: Option<SessionSearchCursor>,
    }

    /// A session, in short.
    #[derive(Debug)]
    pub struct SessionSummary {
        /// Its identifier.
        pub session_id: String,
        /// When it was opened.
        #[read_by(ZoneOrUtc)]
        pub created_at: Timestamp,
        /// Whose it is.
        pub owner: String,
        /// The project that it belongs to.
        pub project_id: String,
        /// How it stands.
        pub status: Option<SessionStatus>,
        /// How many checkpoints it has.
        pub checkpoints_count: u64,
        /// A name for people.
        pub display_name: Option<String>,
        /// Notes of the caller's.
        pub user_metadata: Option<BTreeMap<String, String>>,
        /// How many bytes its checkpoints take.
        pub checkpoint_storage_bytes: Option<u64>,
    }

    /// One's own.
    #[derive(Debug)]
    pub struct OwnSearchOwner {}

    /// All that one may see.
    #[derive(Debug)]
    pub struct AccessibleSearchOwner {}

    /// Those of certain users.
    #[derive(Debug)]
    pub struct UserSearchOwner {
        /// The users: 1 to 10.
        pub owner_urns: Vec<String>,
    }

    /// Sessions that live.
    #[derive(Debug)]
    pub struct ActiveSessionStatusQuery {}

    /// Sessions that were stopped.
    #[derive(Debug)]
    pub struct CancelledSessionStatusQuery {}

    /// Sessions that failed.
    #[derive(Debug)]
    pub struct FailedSessionStatusQuery {}

    /// Sessions that their client ended.
    #[derive(Debug)]
    pub struct ClientFinishedSessionStatusQuery {
        /// In one of these ways.
        pub reasons: Option<Vec<super::ClientSessionFinishReasonType>>,
    }

    /// It lives.
    #[derive(Debug)]
    pub struct SessionActive {}

    /// It was stopped.
    #[derive(Debug)]
    pub struct SessionCancelled {
        /// What a person should know about it.
        pub detail: Option<String>,
    }

    /// It failed.
    #[derive(Debug)]
    pub struct SessionFailed {
        /// Whose fault it is: `user` or `internal`.
        pub category: String,
        /// What failed.
        pub reason: SessionFailedReason,
        /// What went wrong.
        pub message: String,
    }

    /// A request failed.
    #[derive(Debug)]
    pub struct SessionFailedRequestReason {
        /// Which one.
        pub request_id: String,
        /// What was asked.
        pub request_type: String,
    }

    /// A run failed.
    #[derive(Debug)]
    pub struct SessionFailedTrainingRunReason {
        /// Which one.
        pub training_run_id: String,
    }

    /// A sampling session failed.
    #[derive(Debug)]
    pub struct SessionFailedSamplingSessionReason {
        /// Which one.
        pub sampling_session_id: String,
    }

    /// Its client ended it.
    #[derive(Debug)]
    pub struct ClientSessionFinished {
        /// In which way.
        pub reason: ClientSessionFinishReason,
        /// What a person should know about it.
        pub detail: Option<String>,
    }

    /// It ended well.
    #[derive(Debug)]
    pub struct ClientSessionFinishSuccess {}

    /// It ended with an error.
    #[derive(Debug)]
    pub struct ClientSessionFinishErrored {}

    /// Somebody stopped it.
    #[derive(Debug)]
    pub struct ClientSessionFinishInterrupted {}
}

tagged! {
    /// Whose sessions are looked for.
    #[derive(Debug)]
    pub enum SearchOwner {
        /// One's own.
        Own(OwnSearchOwner) = "own",
        /// All that one may see.
        Accessible(AccessibleSearchOwner) = "accessible",
        /// Those of certain users.
        User(UserSearchOwner) = "user",
    }

    /// How sessions stand that are looked for.
    #[derive(Debug)]
    pub enum SessionStatusQuery {
        /// They live.
        Active(ActiveSessionStatusQuery) = "active",
        /// They were stopped.
        Cancelled(CancelledSessionStatusQuery) = "cancelled",
        /// They failed.
        Failed(FailedSessionStatusQuery) = "failed",
        /// Their client ended them.
        ClientFinished(ClientFinishedSessionStatusQuery) = "client_finished",
    }

    /// How a session stands.
    #[derive(Debug)]
    pub enum SessionStatus {
        /// It lives.
        Active(SessionActive) = "active",
        /// It was stopped.
        Cancelled(SessionCancelled) = "cancelled",
        /// It failed.
        Failed(SessionFailed) = "failed",
        /// Its client ended it.
        ClientFinished(ClientSessionFinished) = "client_finished",
    }

    /// What made a session fail.
    #[derive(Debug)]
    pub enum SessionFailedReason {
        /// A request.
        Request(SessionFailedRequestReason) = "request",
        /// A run.
        TrainingRun(SessionFailedTrainingRunReason) = "training_run",
        /// A sampling session.
        SamplingSession(SessionFailedSamplingSessionReason) = "sampling_session",
    }

    /// In which way a client ended its session.
    #[derive(Debug)]
    pub enum ClientSessionFinishReason {
        /// Well.
        Success(ClientSessionFinishSuccess) = "success",
        /// With an error.
        Errored(ClientSessionFinishErrored) = "errored",
        /// Because somebody stopped it.
        Interrupted(ClientSessionFinishInterrupted) = "interrupted",
    }
}

impl Default for SearchOwner {
    fn default() -> Self {
        Self::Own(OwnSearchOwner::new())
    }
}

impl Default for SessionFailedReason {
    fn default() -> Self {
        Self::Request(SessionFailedRequestReason::new())
    }
}

impl Default for ClientSessionFinishReason {
    fn default() -> Self {
        Self::Success(ClientSessionFinishSuccess::new())
    }
}

plain_fields!(SearchOwner, SessionFailedReason, ClientSessionFinishReason);

impl SessionSearchRequest {
    /// Refuses what the service refuses.
    ///
    /// # Errors
    ///
    /// Fails with the field and what it must be.
    pub fn check(&self) -> Result<(), InvalidInput> {
        let refuse = |field: &str, reason: &str| Err(InvalidInput::new(field, reason));
        if self.display_name.as_deref() == Some("") {
            return refuse("display_name", "must not be empty");
        }
        if let SearchOwner::User(owner) = &self.owner
            && !(1..=10).contains(&owner.owner_urns.len())
        {
            return refuse("owner.owner_urns", "must name 1 to 10 users");
        }
        if let Some(statuses) = &self.statuses {
            if statuses.is_empty() {
                return refuse("statuses", "must not be empty; leave it out for all");
            }
            for status in statuses {
                if let SessionStatusQuery::ClientFinished(query) = status
                    && query.reasons.as_ref().is_some_and(Vec::is_empty)
                {
                    return refuse(
                        "statuses.reasons",
                        "must not be empty; leave it out for all",
                    );
                }
            }
        }
        if !(1..=200).contains(&self.limit) {
            return refuse("limit", "must be 1 to 200");
        }
        Ok(())
    }
}

//! Uploads that were opened: what has arrived of each, who is sending, and how it ended. A later
//! request on an upload ends an earlier one that is still under way, and nothing that has arrived
//! is lost, whichever way a request ends.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;

use crate::{
    content::{Content, Sink},
    gemini::{
        caches::Scope, errors::ApiError, file_search::DocumentDraft, files::protocol::Status,
        resources::Destination,
    },
    rng::identifier,
};

/// The largest file the service takes.
pub(super) const MOST_BYTES: u64 = 2 << 30;
/// The family of identifiers that those of uploads are drawn from.
const FAMILY: u64 = 5;

/// What an upload becomes.
#[derive(Clone, Debug)]
pub(crate) enum Purpose {
    File {
        id: Option<String>,
        display_name: Option<String>,
    },
    Document(DocumentDraft),
    Environment(Destination),
}

/// An upload that has arrived whole.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) owner: Scope,
    pub(crate) purpose: Purpose,
    pub(crate) mime: String,
    /// The name of the file on the caller's disk.
    pub(crate) file_name: Option<String>,
    pub(crate) content: Content,
    pub(crate) sha256: [u8; 32],
}

/// All uploads of an emulator.
#[derive(Debug, Default)]
pub(crate) struct Uploads {
    seed: u64,
    sessions: Mutex<Sessions>,
}

#[derive(Debug, Default)]
struct Sessions {
    open: HashMap<String, Arc<Session>>,
    made: u64,
}

/// One upload.
#[derive(Debug)]
pub(super) struct Session {
    state: Mutex<State>,
}

/// What is known of an upload when it is opened.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) owner: Scope,
    pub(super) purpose: Purpose,
    pub(super) mime: String,
    pub(super) file_name: Option<String>,
    /// The bytes there will be, if that is known.
    pub(super) total: Option<u64>,
}

#[derive(Debug)]
struct State {
    opened: Opened,
    sink: Sink,
    /// The request that may write; each later one takes over.
    writer: u64,
    end: Option<End>,
    received: u64,
}

/// How an upload ended.
#[derive(Clone, Debug)]
pub(super) enum End {
    /// With this answer, which is repeated to whoever asks again.
    Answer(Result<Value, ApiError>),
    Cancelled,
}

/// Why a request on an upload is refused.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) error: ApiError,
    pub(super) status: Status,
    pub(super) received: Option<u64>,
}

impl Uploads {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            sessions: Mutex::default(),
        }
    }

    /// Opens an upload and says under which identifier.
    pub(super) fn open(&self, opened: Opened, in_memory: usize) -> String {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut sessions = self.lock();
        sessions.made += 1;
        let id = identifier(self.seed, FAMILY, sessions.made, ALPHABET, 48);
        let session = Arc::new(Session::new(opened, in_memory));
        sessions.open.insert(id.clone(), session);
        id
    }

    pub(super) fn get(&self, id: &str) -> Result<Arc<Session>, Refusal> {
        let session = self.lock().open.get(id).cloned();
        session.ok_or_else(|| Refusal {
            error: ApiError::not_found("The upload does not exist or is no longer open."),
            status: Status::Final,
            received: None,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    pub(super) fn new(opened: Opened, in_memory: usize) -> Self {
        Self {
            state: Mutex::new(State {
                opened,
                sink: Sink::new(in_memory),
                writer: 0,
                end: None,
                received: 0,
            }),
        }
    }

    /// How much has arrived, and how the upload ended if it has. Ends a request under way, so that
    /// the count stays true.
    pub(super) fn query(&self) -> (u64, Option<End>) {
        let mut state = self.lock();
        state.writer += 1;
        (state.received, state.end.clone())
    }

    /// Gives the upload up, unless it is over already.
    pub(super) fn cancel(&self) {
        let mut state = self.lock();
        state.writer += 1;
        if state.end.is_none() {
            state.end = Some(End::Cancelled);
            state.sink = Sink::new(0);
        }
    }

    /// Lets a request write from `offset` on; `u64::MAX` is wherever the upload stands.
    pub(super) fn begin(&self, offset: u64) -> Result<u64, Refusal> {
        let mut state = self.lock();
        state.writer += 1;
        if state.end.is_some() {
            let error = ApiError::failed_precondition("The upload is over and takes no content.");
            return Err(state.refuse(error));
        }
        if offset != u64::MAX && offset != state.received {
            let error = ApiError::invalid_argument(format!(
                "The upload offset {offset} does not match the {} bytes received so far.",
                state.received
            ));
            return Err(state.refuse(error));
        }
        Ok(state.writer)
    }

    /// Takes a piece of content from the request that may write.
    pub(super) fn append(&self, writer: u64, piece: &[u8]) -> Result<(), Refusal> {
        let mut state = self.lock();
        if state.writer != writer {
            let error = ApiError::aborted("A later request has taken the upload over.");
            return Err(state.refuse(error));
        }
        let most = state.opened.total.unwrap_or(MOST_BYTES).min(MOST_BYTES);
        if state.received.saturating_add(piece.len() as u64) > most {
            let error = ApiError::invalid_argument(format!(
                "The upload has more than the {most} bytes it may have."
            ));
            return Err(state.fail(error));
        }
        if let Err(problem) = state.sink.append(piece) {
            return Err(state.fail(unwritable(&problem)));
        }
        state.received = state.sink.len();
        Ok(())
    }

    /// Refuses a request before it brings anything, and leaves the upload as it is.
    pub(super) fn refusal(&self, error: ApiError) -> Refusal {
        self.lock().refuse(error)
    }

    /// Ends the upload; `make` turns what has arrived into what it was for.
    pub(super) fn finish(
        &self,
        writer: u64,
        make: impl FnOnce(Finished) -> Result<Value, ApiError>,
    ) -> Result<End, Refusal> {
        let mut state = self.lock();
        if state.writer != writer {
            let error = ApiError::aborted("A later request has taken the upload over.");
            return Err(state.refuse(error));
        }
        if let Some(total) = state.opened.total.filter(|total| *total != state.received) {
            let error = ApiError::invalid_argument(format!(
                "The upload was finalized with {} bytes where {total} were announced.",
                state.received
            ));
            return Err(state.fail(error));
        }
        let (content, sha256) = std::mem::replace(&mut state.sink, Sink::new(0)).finish();
        let opened = &state.opened;
        let answer = make(Finished {
            owner: opened.owner.clone(),
            purpose: opened.purpose.clone(),
            mime: opened.mime.clone(),
            file_name: opened.file_name.clone(),
            content,
            sha256,
        });
        let end = End::Answer(answer);
        state.end = Some(end.clone());
        Ok(end)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn refuse(&self, error: ApiError) -> Refusal {
        let status = match self.end {
            None => Status::Active,
            Some(End::Answer(_)) => Status::Final,
            Some(End::Cancelled) => Status::Cancelled,
        };
        Refusal {
            error,
            status,
            received: Some(self.received),
        }
    }

    /// Ends the upload with an error.
    fn fail(&mut self, error: ApiError) -> Refusal {
        self.sink = Sink::new(0);
        self.end = Some(End::Answer(Err(error.clone())));
        self.refuse(error)
    }
}

fn unwritable(problem: &io::Error) -> ApiError {
    tracing::warn!(%problem, "an upload could not be kept");
    ApiError::internal("The content could not be stored.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(total: Option<u64>) -> Session {
        let opened = Opened {
            owner: Scope::Key("k".to_owned()),
            purpose: Purpose::File {
                id: None,
                display_name: None,
            },
            mime: "text/plain".to_owned(),
            file_name: None,
            total,
        };
        Session::new(opened, 1024)
    }

    fn text(finished: Finished) -> Result<Value, ApiError> {
        let bytes = finished.content.read().expect("read");
        Ok(String::from_utf8_lossy(&bytes).into_owned().into())
    }

    #[test]
    fn what_has_arrived_stays_when_a_request_breaks_off() {
        let upload = session(Some(6));
        let writer = upload.begin(0).expect("active");
        upload.append(writer, b"ab").expect("taken");
        // The connection broke: nobody says so.
        assert_eq!(upload.query().0, 2);
        let late = upload.append(writer, b"XX").expect_err("taken over");
        assert_eq!((late.status, late.received), (Status::Active, Some(2)));
        assert_eq!(upload.begin(4).expect_err("a gap").received, Some(2));
        let writer = upload.begin(2).expect("active");
        upload.append(writer, b"cdef").expect("taken");
        let Ok(End::Answer(Ok(answer))) = upload.finish(writer, text) else {
            panic!("finished");
        };
        assert_eq!(answer, "abcdef");
        let (received, end) = upload.query();
        assert_eq!(received, 6);
        assert!(matches!(end, Some(End::Answer(Ok(answer))) if answer == "abcdef"));
        let over = upload.begin(6).expect_err("over");
        assert_eq!(over.status, Status::Final);
    }

    #[test]
    fn too_much_and_too_little_end_an_upload() {
        let upload = session(Some(3));
        let writer = upload.begin(0).expect("active");
        let error = upload.append(writer, b"abcd").expect_err("too much");
        assert_eq!((error.status, error.error.code()), (Status::Final, 400));
        let upload = session(Some(3));
        let writer = upload.begin(0).expect("active");
        upload.append(writer, b"ab").expect("taken");
        let error = upload.finish(writer, text).expect_err("too little");
        assert!(error.error.message().contains("2 bytes where 3"));
        assert!(upload.begin(2).is_err());
    }

    #[test]
    fn a_cancelled_upload_is_over() {
        let upload = session(None);
        let writer = upload.begin(0).expect("active");
        upload.cancel();
        assert!(upload.append(writer, b"a").is_err());
        assert_eq!(upload.begin(0).expect_err("over").status, Status::Cancelled);
        assert!(matches!(upload.query().1, Some(End::Cancelled)));
    }

    #[test]
    fn uploads_have_names_of_their_own() {
        let uploads = Uploads::new(1);
        let first = uploads.open(opened(), 0);
        assert_ne!(first, uploads.open(opened(), 0));
        assert!(uploads.get(&first).is_ok());
        assert_eq!(uploads.get("x").expect_err("unknown").error.code(), 404);
    }

    fn opened() -> Opened {
        let state = session(None).state.into_inner();
        state.unwrap_or_else(PoisonError::into_inner).opened
    }
}

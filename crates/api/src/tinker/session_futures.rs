//! The news of a sampling session, asked for once for all who wait: which promises are done, what
//! is acknowledged, what may be deleted. No I/O here.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use gimmal_transport::Error;
use http::StatusCode;

use crate::tinker::polling::PollReply;

const RETRY: Duration = Duration::from_secs(1);
const BILLING_PAUSE: Duration = Duration::from_secs(5);
const MAX_BAD_REQUESTS: u32 = 3;

/// What is known of a promise that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completion {
    /// There is a result.
    Finished {
        /// Its size in bytes, if the server says.
        bytes: Option<u64>,
    },
    /// There is an error to fetch.
    Failed,
}

/// The next question to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionQuestion {
    /// News up to here have been seen.
    pub prev_cursor: u64,
    /// Promises whose results were fetched, so that the server may delete them.
    pub retrieved: Vec<String>,
    /// Nobody waits: the question only acknowledges and is answered at once.
    pub ack_only: bool,
}

/// What to do after a question that failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum SessionNext {
    /// Ask again after this long.
    Retry(Duration),
    /// Ask the account's debts: if they may be waited out, ask again after this long.
    Unpaid(Duration),
    /// The session tells no more news.
    Terminal,
}

/// The state of the news of one sampling session.
///
/// ```
/// use gimmal_api::tinker::session_futures::{Completion, SessionFutures};
///
/// let mut news = SessionFutures::default();
/// assert!(news.next_question().is_none(), "nobody waits");
/// assert!(news.wait_for("req-1").is_none());
/// let question = news.next_question().unwrap();
/// let done = [("req-1".to_owned(), Completion::Finished { bytes: Some(7) })];
/// assert_eq!(news.answered(&question, done, 5), ["req-1"]);
/// assert!(news.wait_for("req-1").is_some());
/// ```
#[derive(Debug, Default)]
pub struct SessionFutures {
    cursor: u64,
    acked: u64,
    waiting: BTreeSet<String>,
    completions: BTreeMap<String, Completion>,
    retrieved: BTreeSet<String>,
    bad_requests: u32,
    over: bool,
}

impl SessionFutures {
    /// Takes what is known of a promise, or else notes that somebody waits for it.
    pub fn wait_for(&mut self, request_id: &str) -> Option<Completion> {
        if let Some(completion) = self.completions.remove(request_id) {
            self.waiting.remove(request_id);
            return Some(completion);
        }
        self.waiting.insert(request_id.to_owned());
        None
    }

    /// Nobody waits for this promise any more.
    pub fn forget(&mut self, request_id: &str) {
        self.waiting.remove(request_id);
        self.completions.remove(request_id);
    }

    /// The result of this promise was fetched.
    pub fn mark_retrieved(&mut self, request_id: &str) {
        self.retrieved.insert(request_id.to_owned());
    }

    /// The question to ask now; none when nobody waits and everything is acknowledged.
    pub fn next_question(&self) -> Option<SessionQuestion> {
        let waited_for = !self.waiting.is_empty();
        if !self.over && (waited_for || self.owes_ack()) {
            return Some(self.question(!waited_for));
        }
        None
    }

    /// What is left to acknowledge when the session ends.
    pub fn last_question(&self) -> Option<SessionQuestion> {
        (!self.over && self.owes_ack()).then(|| self.question(true))
    }

    fn owes_ack(&self) -> bool {
        !self.retrieved.is_empty() || self.cursor > self.acked
    }

    fn question(&self, ack_only: bool) -> SessionQuestion {
        SessionQuestion {
            prev_cursor: self.cursor,
            retrieved: self.retrieved.iter().cloned().collect(),
            ack_only,
        }
    }

    /// Takes note of the answer to `question`; the promises whose waiters are to be woken.
    pub fn answered(
        &mut self,
        question: &SessionQuestion,
        completions: impl IntoIterator<Item = (String, Completion)>,
        cursor: u64,
    ) -> Vec<String> {
        self.bad_requests = 0;
        for id in &question.retrieved {
            self.retrieved.remove(id);
        }
        self.acked = self.acked.max(question.prev_cursor);
        self.cursor = cursor;
        let mut woken = Vec::new();
        for (id, completion) in completions {
            if self.waiting.contains(&id) {
                woken.push(id.clone());
            }
            self.completions.insert(id, completion);
        }
        woken
    }

    /// Takes note that a question failed.
    pub fn failed(&mut self, error: &Error) -> SessionNext {
        if PollReply::is_unreachable(error) {
            return SessionNext::Retry(RETRY);
        }
        let next = match error.status().map(|status| status.as_u16()) {
            Some(402) => return SessionNext::Unpaid(BILLING_PAUSE),
            Some(408 | 409 | 429 | 500..=599) => SessionNext::Retry(RETRY),
            Some(status) if status == StatusCode::BAD_REQUEST.as_u16() => {
                self.bad_requests += 1;
                if self.bad_requests <= MAX_BAD_REQUESTS {
                    SessionNext::Retry(RETRY)
                } else {
                    SessionNext::Terminal
                }
            }
            _ => SessionNext::Terminal,
        };
        if matches!(next, SessionNext::Terminal) {
            self.over = true;
        }
        next
    }

    /// Gives the session up; a completion that is recorded is still handed out.
    pub fn end(&mut self) {
        self.over = true;
    }

    /// Whether the session tells no more news.
    pub fn is_over(&self) -> bool {
        self.over
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use bytes::Bytes;
    use http::HeaderMap;
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;

    const DONE: Completion = Completion::Finished { bytes: Some(9) };

    fn status(status: u16) -> Error {
        let status = StatusCode::from_u16(status).unwrap();
        Error::from_response(status, HeaderMap::new(), Bytes::new())
    }

    #[test]
    fn a_batch_is_acknowledged_and_then_there_is_silence() {
        let mut news = SessionFutures::default();
        for id in ["b", "a"] {
            assert_eq!(news.wait_for(id), None);
        }
        let first = news.next_question().unwrap();
        assert_eq!((first.prev_cursor, first.ack_only), (0, false));
        let done = ["a", "b"].map(|id| (id.to_owned(), DONE));
        assert_eq!(news.answered(&first, done, 8), ["a", "b"]);
        assert_eq!(news.wait_for("a"), Some(DONE));
        assert_eq!(news.wait_for("b"), Some(DONE));

        let ack = news.next_question().unwrap();
        assert_eq!((ack.prev_cursor, ack.ack_only), (8, true));
        assert!(news.answered(&ack, [], 8).is_empty());
        assert_eq!(news.next_question(), None);

        news.mark_retrieved("b");
        news.mark_retrieved("a");
        let deleted = news.next_question().unwrap();
        assert_eq!(deleted.retrieved, ["a", "b"], "sorted");
        news.answered(&deleted, [], 8);
        assert_eq!(news.last_question(), None);
    }

    #[test]
    fn what_was_fetched_while_a_question_was_out_is_told_with_the_next() {
        let mut news = SessionFutures::default();
        news.mark_retrieved("a");
        let question = news.next_question().unwrap();
        news.mark_retrieved("b");
        news.answered(&question, [], 0);
        assert_eq!(news.last_question().unwrap().retrieved, ["b"]);
    }

    #[test_case(400, [true, true, true, false]; "bad requests have a limit")]
    #[test_case(503, [true; 4]; "server errors have none")]
    #[test_case(409, [true; 4]; "conflicts have none")]
    #[test_case(404, [false; 4]; "anything else ends it")]
    fn failures(of: u16, retried: [bool; 4]) {
        let mut news = SessionFutures::default();
        let seen = retried.map(|_| matches!(news.failed(&status(of)), SessionNext::Retry(_)));
        assert_eq!(seen, retried);
        assert_eq!(news.is_over(), !retried[3]);
    }

    #[test]
    fn debts_are_asked_about_and_outages_waited_out() {
        let mut news = SessionFutures::default();
        assert!(matches!(news.failed(&status(402)), SessionNext::Unpaid(_)));
        let outage = Error::connect("refused");
        assert!(matches!(news.failed(&outage), SessionNext::Retry(_)));
    }

    #[test]
    fn what_is_recorded_outlives_the_end() {
        let mut news = SessionFutures::default();
        news.wait_for("a");
        let question = news.next_question().unwrap();
        news.answered(&question, [("a".to_owned(), Completion::Failed)], 1);
        news.end();
        assert_eq!(news.wait_for("a"), Some(Completion::Failed));
        assert_eq!(news.next_question(), None);
    }

    proptest! {
        /// Whatever the order of waits and news, each promise is handed out exactly once.
        #[test]
        fn no_wake_up_is_lost(order in prop::collection::vec((0_u8..8, any::<bool>()), 1..60)) {
            let mut news = SessionFutures::default();
            let (mut told, mut asked, mut handed_out) =
                (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
            for (id, tells) in order {
                let name = id.to_string();
                if tells && told.insert(id) {
                    let question = news.question(false);
                    for woken in news.answered(&question, [(name, DONE)], u64::from(id)) {
                        prop_assert!(news.wait_for(&woken).is_some());
                        prop_assert!(handed_out.insert(woken));
                    }
                } else if !tells && asked.insert(id) && news.wait_for(&name).is_some() {
                    prop_assert!(handed_out.insert(name));
                }
            }
            let both: BTreeSet<String> = told.intersection(&asked).map(u8::to_string).collect();
            prop_assert_eq!(handed_out, both);
        }
    }
}

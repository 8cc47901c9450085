//! Waiting against a server that is a script.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, join_all};
use gimmal_api::tinker::RequestType;
use gimmal_api::tinker::polling::{PollOptions, PollReply};
use gimmal_api::tinker::session_futures::{Completion, SessionQuestion};
use gimmal_transport::semaphore::BytesSemaphore;
use gimmal_transport::{Clock as _, Error, TokioClock};
use http::{HeaderMap, StatusCode};

use super::waiter::Payload;
use super::*;
use crate::tinker::billing::Billing;
use crate::tinker::queue_state::{QueueHub, QueueUser};

fn json(body: &'static str) -> PollReply {
    PollReply::read(
        Some("application/json"),
        Bytes::from_static(body.as_bytes()),
    )
}

fn status(status: u16) -> Error {
    let status = StatusCode::from_u16(status).unwrap();
    Error::from_response(status, HeaderMap::new(), Bytes::new())
}

fn promise(request_id: &str) -> Promise {
    Promise {
        request_id: request_id.to_owned(),
        request_type: RequestType::OptimStep,
        roundtrip: Duration::ZERO,
        method: "TrainingClient.optim_step",
    }
}

fn hub() -> QueueHub {
    QueueHub::new(QueueUser::Training, "m1", None)
}

fn waiter(api: Arc<dyn PromiseApi>) -> PromiseWaiter {
    PromiseWaiter {
        api,
        clock: Arc::new(TokioClock),
        billing: Arc::new(Billing::new(Duration::from_secs(3_600))),
        room: BytesSemaphore::new(1_000),
        options: PollOptions::default(),
    }
}

/// Plays replies, and notes whether each question left room for the size alone.
#[derive(Debug, Default)]
struct Script {
    replies: Mutex<VecDeque<PollReply>>,
    flags: Mutex<Vec<bool>>,
}

impl Script {
    fn new(replies: impl IntoIterator<Item = PollReply>) -> Arc<Self> {
        Arc::new(Self {
            replies: Mutex::new(replies.into_iter().collect()),
            ..Self::default()
        })
    }
}

impl PromiseApi for Script {
    fn retrieve<'a>(&'a self, question: Question<'a>) -> BoxFuture<'a, PollReply> {
        self.flags
            .lock()
            .unwrap()
            .push(question.allow_metadata_only);
        let reply = self.replies.lock().unwrap().pop_front();
        Box::pin(async { reply.expect("a reply in the script") })
    }

    fn retrieve_many<'a>(
        &'a self,
        _: &'a str,
        _: u64,
        _: &'a SessionQuestion,
    ) -> BoxFuture<'a, Result<News, Error>> {
        Box::pin(std::future::pending())
    }
}

fn refused(of: u16) -> PollReply {
    PollReply::of_call(Err(status(of)))
}

/// Covers: CHK-FUT-6
#[tokio::test(start_paused = true)]
async fn chk_fut_6_room_is_made_and_given_back() {
    let script = Script::new([
        json(r#"{"status": "complete_metadata", "response_payload_size": 512}"#),
        json(r#"{"type": "optim_step"}"#),
    ]);
    let waiter = waiter(script.clone());
    let result = waiter.wait(&promise("r"), &hub(), None).await.unwrap();
    assert!(matches!(result, Payload::Json(_)));
    assert_eq!(*script.flags.lock().unwrap(), [true, false]);
    assert_eq!(waiter.room.left(), 1_000);
}

#[tokio::test(start_paused = true)]
async fn debts_are_waited_out_and_typed_errors_kept() {
    let script = Script::new([refused(402), refused(402), refused(422)]);
    let start = TokioClock.now();
    let error = waiter(script)
        .wait(&promise("r-9"), &hub(), None)
        .await
        .unwrap_err();
    assert_eq!(TokioClock.now() - start, Duration::from_secs(10));
    assert_eq!(error.status(), Some(StatusCode::UNPROCESSABLE_ENTITY));
    assert!(
        error
            .context()
            .any(|(key, value)| (key, value) == ("request_id", "r-9"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_waiter_may_leave_and_come_back() {
    let mut handle = Handle::spawn(async {
        TokioClock.sleep(Duration::from_secs(3)).await;
        Ok(7)
    });
    for _ in 0..2 {
        let short = tokio::time::timeout(Duration::from_secs(1), &mut handle);
        assert!(short.await.is_err());
    }
    assert_eq!(handle.await.unwrap(), 7);
}

/// Covers: CHK-TRN-4
#[tokio::test(start_paused = true)]
async fn chk_trn_4_a_task_that_panics_is_an_error() {
    let handle: Handle<()> = Handle::spawn(async { panic!("on purpose") });
    assert!(handle.await.unwrap_err().is_cancelled());
}

/// Covers: CHK-POL-1
#[tokio::test(start_paused = true)]
async fn chk_pol_1_the_first_failure_ends_the_other_polls() {
    let asked = Arc::new(AtomicU64::new(0));
    let poll = |fails: bool| {
        let asked = Arc::clone(&asked);
        Handle::spawn(async move {
            loop {
                asked.fetch_add(1, Ordering::Relaxed);
                TokioClock.sleep(Duration::from_secs(1)).await;
                if fails {
                    return Err::<(), _>(Error::connect("the second"));
                }
            }
        })
    };
    let polls = [poll(false), poll(true), poll(false)];
    let error = futures_util::future::try_join_all(polls).await.unwrap_err();
    assert!(error.is_connect());
    let after = asked.load(Ordering::Relaxed);
    TokioClock.sleep(Duration::from_secs(10)).await;
    assert_eq!(asked.load(Ordering::Relaxed), after, "nobody asks any more");
}

/// Numbers that look like chance and are the same in every run of a test.
#[derive(Debug)]
struct Chance(AtomicU64);

impl Chance {
    fn fraction(&self) -> f64 {
        // The generator SplitMix64, of which the upper half is taken.
        let state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        f64::from((mixed >> 32) as u32) / 2_f64.powi(32)
    }

    async fn pause(&self, most: Duration) {
        TokioClock.sleep(most.mul_f64(self.fraction())).await;
    }

    /// Takes one out of many.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index"
    )]
    fn take<T>(&self, from: &mut Vec<T>) -> T {
        from.swap_remove((self.fraction() * from.len() as f64) as usize)
    }
}

/// A session whose promises are done in an order of chance. One answer in five is an error; of
/// those, one in two came too late: the server has taken note of the question.
#[derive(Debug)]
struct Session {
    chance: Chance,
    pending: Mutex<Vec<String>>,
    log: Mutex<Vec<(String, Completion)>>,
    in_flight: AtomicU64,
    most_in_flight: AtomicU64,
}

impl Session {
    fn new(seed: u64, pending: Vec<String>) -> Arc<Self> {
        Arc::new(Self {
            chance: Chance(AtomicU64::new(seed)),
            pending: Mutex::new(pending),
            log: Mutex::default(),
            in_flight: AtomicU64::default(),
            most_in_flight: AtomicU64::default(),
        })
    }

    fn answer(&self, question: &SessionQuestion) -> News {
        let mut pending = self.pending.lock().unwrap();
        let mut log = self.log.lock().unwrap();
        if !question.ack_only {
            for _ in 0..pending.len().min(100) {
                let id = self.chance.take(&mut pending);
                log.push((id, Completion::Finished { bytes: Some(5) }));
            }
        }
        let seen = usize::try_from(question.prev_cursor).unwrap();
        (log[seen..].to_vec(), log.len() as u64)
    }
}

impl PromiseApi for Session {
    fn retrieve<'a>(&'a self, question: Question<'a>) -> BoxFuture<'a, PollReply> {
        Box::pin(async move {
            self.chance.pause(Duration::from_millis(100)).await;
            if self.chance.fraction() < 0.2 {
                return refused(503);
            }
            let body = format!(r#"{{"result": "{}"}}"#, question.promise.request_id);
            PollReply::read(Some("application/json"), body.into())
        })
    }

    fn retrieve_many<'a>(
        &'a self,
        _: &'a str,
        _: u64,
        question: &'a SessionQuestion,
    ) -> BoxFuture<'a, Result<News, Error>> {
        Box::pin(async move {
            let now = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_in_flight.fetch_max(now, Ordering::SeqCst);
            self.chance.pause(Duration::from_secs(1)).await;
            self.in_flight.fetch_sub(1, Ordering::SeqCst);
            let chance = self.chance.fraction();
            if chance < 0.1 {
                return Err(status(503));
            }
            let news = self.answer(question);
            if chance < 0.2 {
                return Err(status(502));
            }
            Ok(news)
        })
    }
}

#[tokio::test(start_paused = true)]
async fn no_wake_up_is_lost_among_two_thousand_waiters_in_a_hundred_runs() {
    const WAITERS: usize = 2_000;
    for seed in 0..100 {
        let ids: Vec<String> = (0..WAITERS).map(|number| format!("r-{number}")).collect();
        let session = Session::new(seed, ids.clone());
        let waiter = waiter(session.clone());
        let poller = Arc::new(SessionPoller::start(
            session.clone(),
            Arc::new(TokioClock),
            Arc::clone(&waiter.billing),
            "s".to_owned(),
            0,
        ));
        let waits = ids.iter().map(|id| {
            let (waiter, poller) = (waiter.clone(), Arc::clone(&poller));
            let (session, promise) = (Arc::clone(&session), promise(id));
            tokio::spawn(async move {
                // Some come when the news of theirs is old.
                session.chance.pause(Duration::from_secs(20)).await;
                waiter.wait(&promise, &hub(), Some(&poller)).await
            })
        });
        // The clock jumps to this limit when nobody is left who could wake the others.
        let all = tokio::time::timeout(Duration::from_secs(3_600), join_all(waits));
        let results = all.await.expect("a waiter was not woken");
        for (result, id) in results.into_iter().zip(&ids) {
            let Payload::Json(body) = result.unwrap().unwrap() else {
                panic!("JSON");
            };
            assert_eq!(body, format!(r#"{{"result": "{id}"}}"#));
        }
        drop(poller);
        TokioClock.sleep(Duration::from_secs(5)).await;
        assert_eq!(session.most_in_flight.load(Ordering::SeqCst), 1);
        assert_eq!(waiter.room.left(), 1_000);
    }
}

/// Fails for good after the first answer.
#[derive(Debug, Default)]
struct Broken;

impl PromiseApi for Broken {
    fn retrieve<'a>(&'a self, _: Question<'a>) -> BoxFuture<'a, PollReply> {
        Box::pin(std::future::pending())
    }

    fn retrieve_many<'a>(
        &'a self,
        _: &'a str,
        _: u64,
        _: &'a SessionQuestion,
    ) -> BoxFuture<'a, Result<News, Error>> {
        Box::pin(async { Err(status(404)) })
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_session_reaches_all_who_wait_and_who_come() {
    let billing = Arc::new(Billing::new(Duration::ZERO));
    let poller = SessionPoller::start(
        Arc::new(Broken),
        Arc::new(TokioClock),
        billing,
        "s".into(),
        0,
    );
    for id in ["a", "b"] {
        let error = poller.wait_for(id).await.unwrap_err();
        let cause = std::error::Error::source(&error).unwrap();
        assert!(cause.to_string().contains("404"), "{cause}");
    }
}

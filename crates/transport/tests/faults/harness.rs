//! One call against one fault, and the look behind it: what is in flight, whether the breaker has its
//! probes, which tasks are alive and which connections open.

use std::future::Future;
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use futures_util::{FutureExt, TryStreamExt};
use gimmal_transport::circuit::{CircuitBreaker, CircuitConfig};
use gimmal_transport::rate_limit::{AdaptiveConcurrency, AdaptiveConfig};
use gimmal_transport::{
    ApiKey, CallOptions, CircuitRegistry, Clock, Error, FixedJitter, HttpConfig, Idempotency,
    NeverRetry, Origin, Request, Transport,
};
use http::{HeaderName, Method};
use serde_json::Value;
use tokio::runtime::Handle;
use url::Url;

use crate::clock::JumpClock;
use crate::server::{Fault, Server};

/// How large a reply or an event may be; an endless body is larger.
pub(crate) const MAX_BYTES: usize = 256 * 1024;

/// The waits between five attempts: 0.5 s, 1 s, 2 s and 4 s.
pub(crate) const WAITS: Duration = Duration::from_millis(7_500);

/// How often a test lets the sockets catch up before it says that nothing more will come. What was
/// written is in the client's socket by then; it takes a handful of turns to come out of it.
const TURNS: usize = 64;

/// How a reply is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Buffered,
    Streamed,
}

/// How the call is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A request that may be repeated.
    Idempotent,
    /// A request that may not.
    NotIdempotent,
    /// The one probe that an open circuit lets out, not retried.
    Probe,
}

/// What came of a call.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) error: Error,
    /// Events that came before the error.
    pub(crate) events: usize,
    /// Requests that reached the server.
    pub(crate) requests: usize,
    /// Time that passed on the injected clock.
    pub(crate) took: Duration,
}

/// Makes one call that fails, and asserts that it leaves nothing behind.
pub(crate) async fn fail(fault: Fault, way: Way, role: Role) -> Seen {
    limited(async {
        let tasks = Tasks::now();
        let mut server = Server::start(fault).await;
        let bench = Bench::new(&server.url("/"), role, plain());
        let mut driver = Driver {
            clock: bench.clock.clone(),
            server: &mut server,
            fault,
            silent: false,
        };
        let (events, error) = call(&mut driver, &bench.transport, way, role).await;
        let seen = Seen {
            error,
            events,
            requests: server.requests(),
            took: bench.took(),
        };
        if !fault.is_whole() {
            // The connection is of no use any more, so it does not wait for the transport to end.
            server.all_closed().await;
        }
        bench.close();
        server.all_closed().await;
        drop(server);
        tasks.are_gone().await;
        seen
    })
    .await
}

/// A transport with everything that could be leaked.
pub(crate) struct Bench {
    clock: JumpClock,
    pub(crate) transport: Transport,
    in_flight: AdaptiveConcurrency,
    circuits: CircuitRegistry,
    breaker: CircuitBreaker,
    reset_timeout: Duration,
    started: Duration,
}

impl Bench {
    /// A transport that waits 0.5 s, 1 s, 2 s and 4 s between five attempts.
    ///
    /// Before a probe, the circuit of the server at `url` has opened and served its time.
    pub(crate) fn new(url: &Url, role: Role, http: HttpConfig) -> Self {
        let clock = JumpClock::new();
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let in_flight = AdaptiveConcurrency::new(AdaptiveConfig::default());
        let threshold = if role == Role::Probe { 1 } else { 100 };
        let config =
            CircuitConfig::default().with_failure_threshold(NonZeroU32::new(threshold).unwrap());
        let circuits = CircuitRegistry::new()
            .with_config(config)
            .with_clock(Arc::clone(&shared));
        let breaker = circuits.breaker(Origin::of(url).unwrap().as_str());
        if role == Role::Probe {
            breaker.try_acquire().unwrap().failure();
            clock.advance(config.reset_timeout());
        }
        let started = clock.elapsed();
        let key = HeaderName::from_static("x-goog-api-key");
        let transport = Transport::builder()
            .with_http_config(http)
            .with_credentials(ApiKey::new(key, "SECRET".into()))
            .with_jitter(Arc::new(FixedJitter::new(0.5)))
            .with_options(
                CallOptions::default()
                    .with_max_response_bytes(MAX_BYTES)
                    .with_max_event_bytes(MAX_BYTES),
            )
            .with_clock(shared)
            .with_concurrency_limit(in_flight.clone())
            .with_circuit_breakers(circuits.clone())
            .build()
            .unwrap();
        Self {
            clock,
            transport,
            in_flight,
            circuits,
            breaker,
            reset_timeout: config.reset_timeout(),
            started,
        }
    }

    /// Time that has passed on the injected clock since there is somebody to call.
    pub(crate) fn took(&self) -> Duration {
        self.clock.elapsed() - self.started
    }

    /// As [`close`](Self::close), for calls that end before any time limit does.
    pub(crate) fn close_at_once(self) {
        assert!(
            self.took() <= WAITS,
            "a time limit passed: {:?}",
            self.took()
        );
        self.close();
    }

    /// Asserts that no permit and no probe is lost, and lets go of the transport.
    pub(crate) fn close(self) {
        assert_eq!(self.in_flight.in_flight(), 0, "a permit is lost");
        assert_eq!(self.circuits.list().len(), 1, "another server was asked");
        self.clock.advance(self.reset_timeout);
        let probe = self.breaker.try_acquire();
        assert!(probe.is_ok(), "the place of a probe is lost");
    }
}

/// No proxy, whatever the environment says.
pub(crate) fn plain() -> HttpConfig {
    HttpConfig::default().with_no_proxy()
}

/// A request with one secret in its query and one in its body.
pub(crate) fn request(url: Url, role: Role) -> Request {
    let idempotency = match role {
        Role::Idempotent => Idempotency::Idempotent,
        Role::NotIdempotent | Role::Probe => Idempotency::NotIdempotent,
    };
    Request::new(Method::POST, url)
        .with_json_body(Bytes::from_static(b"{\"prompt\": \"PROMPT\"}"))
        .with_idempotency(idempotency)
}

/// What a role wants from a call.
pub(crate) fn options(role: Role) -> CallOptions {
    match role {
        Role::Probe => CallOptions::default().with_retry_policy(NeverRetry),
        Role::Idempotent | Role::NotIdempotent => CallOptions::default(),
    }
}

async fn call(
    driver: &mut Driver<'_>,
    transport: &Transport,
    way: Way,
    role: Role,
) -> (usize, Error) {
    let request = request(driver.server.url("/path?key=QUERY"), role);
    let options = options(role);
    match way {
        Way::Buffered => {
            let reply = transport.send_json::<Value>(request, &options);
            (0, driver.run(reply).await.unwrap_err())
        }
        Way::Streamed => {
            let opening = transport.open_events(request, &options);
            let mut events = match driver.run(opening).await {
                Ok(reply) => reply.into_body(),
                Err(error) => return (0, error),
            };
            let mut count = 0;
            loop {
                match driver.run(events.try_next()).await {
                    Ok(Some(_)) => count += 1,
                    Ok(None) => panic!("the stream ended well after {count} events"),
                    Err(error) => return (count, error),
                }
            }
        }
    }
}

/// Runs futures of the client and tells time and server when to go on.
struct Driver<'a> {
    clock: JumpClock,
    server: &'a mut Server,
    fault: Fault,
    /// The server has fallen silent, and nothing was done about it yet.
    silent: bool,
}

impl Driver<'_> {
    async fn run<F: Future>(&mut self, future: F) -> F::Output {
        let mut future = pin!(future);
        loop {
            if !self.silent {
                tokio::select! {
                    biased;
                    output = &mut future => return output,
                    () = self.server.silence() => self.silent = true,
                }
            }
            for _ in 0..TURNS {
                tokio::select! {
                    biased;
                    output = &mut future => return output,
                    () = tokio::task::yield_now() => {}
                }
            }
            self.silent = false;
            if self.fault.has_cue() {
                self.server.cue();
            } else {
                self.clock.jump();
            }
        }
    }
}

/// Gives the sockets time to bring everything that was written to those who read it.
pub(crate) async fn catch_up() {
    for _ in 0..TURNS {
        tokio::task::yield_now().await;
    }
}

/// How many tasks were alive at some time.
pub(crate) struct Tasks(usize);

impl Tasks {
    pub(crate) fn now() -> Self {
        Self(Handle::current().metrics().num_alive_tasks())
    }

    /// Waits until those that were started since are over.
    pub(crate) async fn are_gone(self) {
        while Self::now().0 > self.0 {
            tokio::task::yield_now().await;
        }
    }
}

/// Fails a test that hangs. Calls are large futures and tests deep ones, so they go in a box.
pub(crate) fn limited<'a, F: Future + 'a>(future: F) -> LocalBoxFuture<'a, F::Output> {
    let limited = tokio::time::timeout(Duration::from_secs(60), future);
    async { limited.await.expect("the test hangs") }.boxed_local()
}

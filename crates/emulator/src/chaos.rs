//! Faults: rules that spoil some of the answers, by route and by count, or by chance from a seed.
//! A rule says when; a [`Fault`] says how. The same seed and the same requests give the same
//! faults.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;

use crate::{
    gemini::errors::{ApiError, Quota, quota_exceeded},
    inflow::Broken,
    reply::{Delivery, Reply},
    rng::Rng,
    route::{RouteMatcher, Target},
    script::ScriptedReply,
};

/// One way for an answer to go wrong.
#[derive(Clone, Debug)]
pub struct Fault {
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    RateLimited(Duration),
    DailyQuota,
    Unavailable,
    Reply(Box<ScriptedReply>),
    Reset,
    Delay(Duration),
    CutStream(usize),
    MalformedChunk,
    CutUpload(u64),
    StallUpload(u64),
    Repeat,
}

impl Fault {
    /// 429 with `QuotaFailure` for requests per minute and `RetryInfo` of `retry_delay`.
    #[must_use]
    pub fn rate_limited(retry_delay: Duration) -> Self {
        Self {
            kind: Kind::RateLimited(retry_delay),
        }
    }

    /// 429 for the daily quota, whose `RetryInfo` is short although waiting does not help.
    #[must_use]
    pub fn daily_quota() -> Self {
        Self {
            kind: Kind::DailyQuota,
        }
    }

    /// 503 `UNAVAILABLE`.
    #[must_use]
    pub fn unavailable() -> Self {
        Self {
            kind: Kind::Unavailable,
        }
    }

    /// Any fixed reply.
    #[must_use]
    pub fn reply(reply: ScriptedReply) -> Self {
        Self {
            kind: Kind::Reply(Box::new(reply)),
        }
    }

    /// The connection is reset before the status line.
    #[must_use]
    pub fn reset() -> Self {
        Self { kind: Kind::Reset }
    }

    /// The true answer, late by `delay` on the emulator's clock.
    #[must_use]
    pub fn delay(delay: Duration) -> Self {
        Self {
            kind: Kind::Delay(delay),
        }
    }

    /// The true answer, with the connection closed after `bytes` of body.
    #[must_use]
    pub fn cut_stream(bytes: usize) -> Self {
        Self {
            kind: Kind::CutStream(bytes),
        }
    }

    /// The true answer up to its first piece, then a piece that is not complete JSON, then an
    /// orderly end. A body of one piece is itself broken off halfway.
    #[must_use]
    pub fn malformed_chunk() -> Self {
        Self {
            kind: Kind::MalformedChunk,
        }
    }

    /// Takes `bytes` bytes of the content a request brings, keeps them, and reads no further: the
    /// line stands still until the caller gives up. Requests that bring no content are left alone.
    #[must_use]
    pub fn stall_upload(bytes: u64) -> Self {
        Self {
            kind: Kind::StallUpload(bytes),
        }
    }

    /// Takes `bytes` bytes of the content a request brings, keeps them, and resets the connection,
    /// as when a line breaks in the middle of a chunk. Requests that bring no content are left
    /// alone.
    #[must_use]
    pub fn cut_upload(bytes: u64) -> Self {
        Self {
            kind: Kind::CutUpload(bytes),
        }
    }

    /// The request is handled twice, as when a proxy sends it again, and the second answer is given.
    /// Only calls of the Tinker API are repeated.
    #[must_use]
    pub fn repeat() -> Self {
        Self { kind: Kind::Repeat }
    }
}

/// When a [`Fault`] strikes. Without further narrowing: every request.
///
/// ```
/// use std::time::Duration;
/// use gimmal_emulator::{Fault, FaultRule, Route};
///
/// let every_third = FaultRule::new(Fault::rate_limited(Duration::from_secs(2)))
///     .on(Route::GenerateContent)
///     .every(3);
/// let flaky = FaultRule::new(Fault::unavailable()).with_ratio(0.1).at_most(5);
/// # let _ = (every_third, flaky);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct FaultRule {
    fault: Fault,
    matcher: RouteMatcher,
    every: u64,
    ratio: Option<f64>,
    skip: u64,
    at_most: Option<u64>,
    seen: u64,
    fired: u64,
}

impl FaultRule {
    /// A rule that strikes every request.
    pub fn new(fault: Fault) -> Self {
        Self {
            fault,
            matcher: RouteMatcher::any(),
            every: 1,
            ratio: None,
            skip: 0,
            at_most: None,
            seen: 0,
            fired: 0,
        }
    }

    /// Only requests that match; the counts below are counts of those.
    pub fn on(mut self, matcher: impl Into<RouteMatcher>) -> Self {
        self.matcher = matcher.into();
        self
    }

    /// Every `n`th matching request: for 3, the third, the sixth and so on. Zero counts as one.
    pub fn every(mut self, n: u64) -> Self {
        self.every = n.max(1);
        self
    }

    /// Each matching request with this probability, drawn from the emulator's seed.
    pub fn with_ratio(mut self, ratio: f64) -> Self {
        self.ratio = Some(ratio);
        self
    }

    /// Leaves the first `n` matching requests alone.
    pub fn after(mut self, n: u64) -> Self {
        self.skip = n;
        self
    }

    /// Strikes `n` times and then no more.
    pub fn at_most(mut self, n: u64) -> Self {
        self.at_most = Some(n);
        self
    }

    fn strikes(&mut self, target: &Target, rng: &mut Rng) -> bool {
        if !self.matcher.matches(target) || self.at_most.is_some_and(|most| self.fired >= most) {
            return false;
        }
        self.seen += 1;
        let counted = self.seen > self.skip && (self.seen - self.skip).is_multiple_of(self.every);
        // The draw comes last so that requests the rule skips do not use up the seed's stream.
        let strikes = counted && self.ratio.is_none_or(|ratio| rng.fraction() < ratio);
        self.fired += u64::from(strikes);
        strikes
    }
}

impl From<Fault> for FaultRule {
    fn from(fault: Fault) -> Self {
        Self::new(fault)
    }
}

/// The fault rules of an emulator. Clones share the same rules.
#[derive(Clone)]
pub struct Chaos {
    state: Arc<Mutex<State>>,
}

struct State {
    rules: Vec<FaultRule>,
    rng: Rng,
}

impl Chaos {
    pub(crate) fn new(rules: Vec<FaultRule>, seed: u64) -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                rules,
                rng: Rng::new(seed),
            })),
        }
    }

    /// Adds a rule, with its counts at zero.
    pub fn add(&self, rule: impl Into<FaultRule>) {
        self.lock().rules.push(rule.into());
    }

    /// Removes every rule.
    pub fn clear(&self) {
        self.lock().rules.clear();
    }

    /// How often any of the present rules has struck.
    #[must_use]
    pub fn strikes(&self) -> u64 {
        self.lock().rules.iter().map(|rule| rule.fired).sum()
    }

    /// What the rules do to this request. Every rule counts it, even once one has struck.
    pub(crate) fn plan(&self, target: &Target) -> Plan {
        let mut state = self.lock();
        let State { rules, rng } = &mut *state;
        let mut plan = Plan::default();
        for rule in rules {
            if rule.strikes(target, rng) {
                plan.add(&rule.fault, target);
            }
        }
        plan
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Chaos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chaos")
            .field("rules", &self.lock().rules)
            .finish()
    }
}

/// The faults of one request, put together: the first reply wins, delays add up, the shortest cut
/// applies.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Given in place of the true answer.
    pub(crate) instead: Option<Instead>,
    delivery: Delivery,
    malformed: bool,
    broken: Option<Broken>,
    repeat: bool,
}

/// What is given in place of the true answer.
#[derive(Debug)]
pub(crate) enum Instead {
    /// An error of the service, in the form that suits the call.
    Error(ApiError),
    /// A reply sent as it is.
    Reply(Reply),
}

impl Plan {
    fn add(&mut self, fault: &Fault, target: &Target) {
        let model = target.model().map_or("unknown", String::as_str);
        let quota = |quota, limit, delay| {
            let error = quota_exceeded(target.backend, model, quota, limit, delay);
            Some(Instead::Error(error))
        };
        let instead = match &fault.kind {
            Kind::RateLimited(delay) => quota(Quota::PerMinute, 250, *delay),
            Kind::DailyQuota => quota(Quota::PerDay, 20, Duration::from_millis(8_250)),
            Kind::Unavailable => Some(Instead::Error(ApiError::unavailable())),
            Kind::Reply(scripted) => Some(Instead::Reply(scripted.reply().clone())),
            Kind::Reset => {
                self.delivery.reset = true;
                None
            }
            Kind::Delay(delay) => {
                self.delivery.delay = self.delivery.delay.saturating_add(*delay);
                None
            }
            Kind::CutStream(bytes) => {
                let shorter = self
                    .delivery
                    .cut_after
                    .map_or(*bytes, |other| other.min(*bytes));
                self.delivery.cut_after = Some(shorter);
                None
            }
            Kind::MalformedChunk => {
                self.malformed = true;
                None
            }
            Kind::CutUpload(bytes) => {
                self.breaks(Broken::Cut(*bytes));
                None
            }
            Kind::StallUpload(bytes) => {
                self.breaks(Broken::Stalled(*bytes));
                None
            }
            Kind::Repeat => {
                self.repeat = true;
                None
            }
        };
        if self.instead.is_none() {
            self.instead = instead;
        }
    }

    /// How the request ends before its content does.
    pub(crate) fn broken(&self) -> Option<Broken> {
        self.broken
    }

    /// Whatever happens first happens.
    fn breaks(&mut self, broken: Broken) {
        let sooner = |other: &Broken| other.bytes() <= broken.bytes();
        self.broken = self.broken.filter(sooner).or(Some(broken));
    }

    /// Whether the request is handled twice.
    pub(crate) fn repeats(&self) -> bool {
        self.repeat
    }

    /// Spoils the answer that is about to be given.
    pub(crate) fn apply(&self, reply: &mut Reply) {
        let delay = &mut reply.delivery.delay;
        *delay = delay.saturating_add(self.delivery.delay);
        reply.delivery.reset |= self.delivery.reset;
        reply.delivery.cut_after = match (reply.delivery.cut_after, self.delivery.cut_after) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        if self.malformed {
            break_off(&mut reply.body);
        }
    }
}

/// Replaces everything after the first piece by half of the second one; with a single piece, drops
/// its second half.
fn break_off(body: &mut Vec<Bytes>) {
    let broken = match body.as_slice() {
        [] => return,
        [only] => vec![halved(only)],
        [first, second, ..] => vec![first.clone(), halved(second)],
    };
    *body = broken;
}

/// The first half of `piece`, closed by a blank line where the piece ended with one, so that an
/// event reader sees the event and finds it broken.
fn halved(piece: &Bytes) -> Bytes {
    let half = piece.slice(..piece.len() / 2);
    if piece.ends_with(b"\r\n\r\n") {
        [half.as_ref(), b"\r\n\r\n"].concat().into()
    } else {
        half
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::Route;
    use http::{Method, StatusCode};
    use serde_json::json;

    fn target() -> Target {
        Target::parse(&Method::GET, "/v1beta/models")
    }

    fn pattern(chaos: &Chaos, requests: usize) -> Vec<bool> {
        (0..requests)
            .map(|_| chaos.plan(&target()).instead.is_some())
            .collect()
    }

    #[test]
    fn every_nth_after_a_few_and_at_most_so_often() {
        let rule = FaultRule::new(Fault::unavailable())
            .every(2)
            .after(1)
            .at_most(2);
        let chaos = Chaos::new(vec![rule], 0);
        let expected = [false, false, true, false, true, false, false, false];
        assert_eq!(pattern(&chaos, 8), expected);
        assert_eq!(chaos.strikes(), 2);
    }

    #[test]
    fn a_ratio_repeats_with_its_seed() {
        let rules = || vec![FaultRule::new(Fault::unavailable()).with_ratio(0.3)];
        let first = pattern(&Chaos::new(rules(), 9), 1000);
        assert_eq!(first, pattern(&Chaos::new(rules(), 9), 1000));
        assert_ne!(first, pattern(&Chaos::new(rules(), 10), 1000));
        let struck = first.iter().filter(|x| **x).count();
        assert!((200..400).contains(&struck), "{struck}");
    }

    #[test]
    fn other_routes_are_left_alone() {
        let rule = FaultRule::new(Fault::daily_quota()).on(Route::GenerateContent);
        assert_eq!(pattern(&Chaos::new(vec![rule], 0), 3), [false; 3]);
    }

    #[test]
    fn faults_combine() {
        let chaos = Chaos::new(Vec::new(), 0);
        chaos.add(Fault::delay(Duration::from_secs(1)));
        chaos.add(Fault::delay(Duration::from_secs(2)));
        chaos.add(Fault::cut_stream(9));
        chaos.add(Fault::cut_stream(4));
        chaos.add(Fault::malformed_chunk());
        let mut reply = Reply::events(&[json!({"a": 1}), json!({"b": 2}), json!({"c": 3})]);
        chaos.plan(&target()).apply(&mut reply);
        assert_eq!(reply.delivery.delay, Duration::from_secs(3));
        assert_eq!(reply.delivery.cut_after, Some(4));
        assert_eq!(reply.body.len(), 2);
        let last = reply.body[1].strip_prefix(b"data: ").expect("data");
        assert!(serde_json::from_slice::<serde_json::Value>(last).is_err());
        chaos.clear();
        let mut reply = Reply::text(StatusCode::OK, "x");
        chaos.plan(&target()).apply(&mut reply);
        assert_eq!(reply.delivery.cut_after, None);
    }
}

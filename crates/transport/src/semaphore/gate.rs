//! The queue beneath all semaphores: a level, a limit and those who wait, in order. It decides
//! who goes next and nothing else; what a unit means is its users' affair.

use std::collections::{BTreeSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// When the one at the head of the queue may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// When what it asks for fits under the limit.
    Whole,
    /// When the limit is not overdrawn, however much it asks for.
    Overdraft,
}

/// A level under a limit, with a queue in front.
#[derive(Debug)]
pub(crate) struct Gate {
    rule: Rule,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    limit: i64,
    used: i64,
    next_ticket: u64,
    queue: VecDeque<Waiter>,
    /// Tickets that were served while nobody was looking; their owners have yet to notice.
    served: BTreeSet<u64>,
}

#[derive(Debug)]
struct Waiter {
    ticket: u64,
    demand: Demand,
    waker: Waker,
}

/// What somebody asks for.
#[derive(Clone, Copy, Debug)]
struct Demand {
    amount: i64,
    /// A limit of the caller's own, in place of the gate's.
    limit: Option<i64>,
}

/// Large enough for any use, small enough that a few of them can be added up.
const MOST: i64 = i64::MAX / 4;

fn amount_of(units: u64) -> i64 {
    i64::try_from(units).map_or(MOST, |units| units.min(MOST))
}

impl Gate {
    pub(crate) fn new(rule: Rule, limit: u64) -> Self {
        Self {
            rule,
            state: Mutex::new(State {
                limit: amount_of(limit),
                used: 0,
                next_ticket: 0,
                queue: VecDeque::new(),
                served: BTreeSet::new(),
            }),
        }
    }

    /// Waits for a turn. `limit` takes the place of the gate's own for this caller.
    pub(crate) fn acquire(self: &Arc<Self>, amount: u64, limit: Option<u64>) -> Acquire {
        Acquire {
            gate: Arc::clone(self),
            demand: Demand {
                amount: amount_of(amount),
                limit: limit.map(amount_of),
            },
            ticket: None,
        }
    }

    /// Passes at once or not at all; those who wait go first.
    pub(crate) fn try_acquire(self: &Arc<Self>, amount: u64, limit: Option<u64>) -> Option<Grant> {
        let demand = Demand {
            amount: amount_of(amount),
            limit: limit.map(amount_of),
        };
        let mut state = self.lock();
        let passes = state.queue.is_empty() && state.admits(self.rule, demand);
        passes.then(|| {
            state.used += demand.amount;
            Grant {
                gate: Arc::clone(self),
                amount: demand.amount,
            }
        })
    }

    /// Changes the limit. A lower one takes nothing away from those who have already passed.
    pub(crate) fn set_limit(&self, limit: u64) {
        self.change(|state| state.limit = amount_of(limit));
    }

    /// How much has been handed out.
    pub(crate) fn used(&self) -> i64 {
        self.lock().used
    }

    /// The limit less what has been handed out; negative when overdrawn.
    pub(crate) fn left(&self) -> i64 {
        let state = self.lock();
        state.limit - state.used
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().queue.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code of others runs under the lock, so a poisoned one is still consistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, lets in whoever may now pass, and wakes them outside of the lock.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut wakers = Vec::new();
        {
            let mut state = self.lock();
            change(&mut state);
            while let Some(head) = state.queue.front()
                && state.admits(self.rule, head.demand)
            {
                let Some(head) = state.queue.pop_front() else {
                    break;
                };
                state.used += head.demand.amount;
                state.served.insert(head.ticket);
                wakers.push(head.waker);
            }
        }
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl State {
    fn admits(&self, rule: Rule, demand: Demand) -> bool {
        let limit = demand.limit.unwrap_or(self.limit);
        match rule {
            Rule::Whole => self.used + demand.amount <= limit,
            Rule::Overdraft => self.used <= limit,
        }
    }
}

/// A place in the queue; dropping it leaves the queue.
#[derive(Debug)]
#[must_use = "a place in the queue does nothing until awaited"]
pub(crate) struct Acquire {
    gate: Arc<Gate>,
    demand: Demand,
    ticket: Option<u64>,
}

impl Future for Acquire {
    type Output = Grant;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Grant> {
        let this = &mut *self;
        let mut state = this.gate.lock();
        let served = match this.ticket {
            None => state.queue.is_empty() && state.admits(this.gate.rule, this.demand),
            Some(ticket) => state.served.remove(&ticket),
        };
        if served {
            if this.ticket.take().is_none() {
                // Whoever served a ticket has also counted it; without one it is done here.
                state.used += this.demand.amount;
            }
            drop(state);
            return Poll::Ready(Grant {
                gate: Arc::clone(&this.gate),
                amount: this.demand.amount,
            });
        }
        match this.ticket {
            Some(ticket) => {
                let waiting = state.queue.iter_mut().find(|it| it.ticket == ticket);
                if let Some(waiter) = waiting {
                    waiter.waker.clone_from(cx.waker());
                }
            }
            None => {
                let ticket = state.next_ticket;
                state.next_ticket += 1;
                state.queue.push_back(Waiter {
                    ticket,
                    demand: this.demand,
                    waker: cx.waker().clone(),
                });
                this.ticket = Some(ticket);
            }
        }
        Poll::Pending
    }
}

impl Drop for Acquire {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else {
            return;
        };
        let amount = self.demand.amount;
        self.gate.change(|state| {
            if state.served.remove(&ticket) {
                state.used -= amount;
            } else {
                state.queue.retain(|waiter| waiter.ticket != ticket);
            }
        });
    }
}

/// What was handed out; dropping it gives it back.
#[derive(Debug)]
#[must_use = "dropping it gives it back at once"]
pub(crate) struct Grant {
    gate: Arc<Gate>,
    amount: i64,
}

impl Drop for Grant {
    fn drop(&mut self) {
        let amount = self.amount;
        self.gate.change(|state| state.used -= amount);
    }
}

#[cfg(test)]
mod tests {
    use std::task::Wake;

    use futures_util::FutureExt;
    use proptest::prelude::*;

    use super::*;

    fn gate(rule: Rule, limit: u64) -> Arc<Gate> {
        Arc::new(Gate::new(rule, limit))
    }

    fn poll(acquire: &mut Acquire) -> Option<Grant> {
        let mut cx = Context::from_waker(Waker::noop());
        match acquire.poll_unpin(&mut cx) {
            Poll::Ready(grant) => Some(grant),
            Poll::Pending => None,
        }
    }

    #[test]
    fn nobody_overtakes_a_large_head() {
        let gate = gate(Rule::Whole, 3);
        let held = gate.try_acquire(2, None).unwrap();
        let mut large = gate.acquire(3, None);
        assert!(poll(&mut large).is_none());
        assert!(
            gate.try_acquire(1, None).is_none(),
            "one unit is free, but others wait"
        );
        let mut small = gate.acquire(1, None);
        assert!(poll(&mut small).is_none());
        drop(held);
        let large = poll(&mut large).expect("the head passes first");
        assert!(poll(&mut small).is_none());
        drop(large);
        assert!(poll(&mut small).is_some());
    }

    #[test]
    fn a_head_that_gives_up_lets_the_next_one_pass() {
        let gate = gate(Rule::Whole, 3);
        let _held = gate.try_acquire(2, None).unwrap();
        let mut large = gate.acquire(3, None);
        let mut small = gate.acquire(1, None);
        assert!(poll(&mut large).is_none() && poll(&mut small).is_none());
        drop(large);
        assert!(poll(&mut small).is_some());
    }

    #[test]
    fn a_turn_that_is_never_taken_up_is_given_back() {
        let gate = gate(Rule::Whole, 1);
        let held = gate.try_acquire(1, None).unwrap();
        let (mut first, mut second) = (gate.acquire(1, None), gate.acquire(1, None));
        assert!(poll(&mut first).is_none() && poll(&mut second).is_none());
        drop(held);
        assert_eq!(gate.used(), 1, "the first one is served before it looks");
        drop(first);
        assert!(poll(&mut second).is_some());
        assert_eq!(gate.used(), 0);
    }

    #[test]
    fn a_higher_limit_lets_the_queue_move() {
        let gate = gate(Rule::Whole, 1);
        let _held = gate.try_acquire(1, None).unwrap();
        let mut next = gate.acquire(1, None);
        assert!(poll(&mut next).is_none());
        gate.set_limit(2);
        let _second = poll(&mut next).unwrap();
        gate.set_limit(1);
        assert_eq!(gate.left(), -1);
        assert!(gate.try_acquire(1, None).is_none());
    }

    #[test]
    fn only_the_one_who_may_pass_is_woken() {
        #[derive(Default)]
        struct Count(std::sync::atomic::AtomicU32);
        impl Wake for Count {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
        }
        let gate = gate(Rule::Whole, 1);
        let held = gate.try_acquire(1, None).unwrap();
        let counts = [Arc::new(Count::default()), Arc::new(Count::default())];
        let mut waiting = [gate.acquire(1, None), gate.acquire(1, None)];
        for (acquire, count) in waiting.iter_mut().zip(&counts) {
            let waker = Waker::from(Arc::clone(count));
            assert!(
                acquire
                    .poll_unpin(&mut Context::from_waker(&waker))
                    .is_pending()
            );
        }
        drop(held);
        let woken = counts.map(|count| count.0.load(std::sync::atomic::Ordering::Relaxed));
        assert_eq!(woken, [1, 0]);
    }

    /// What may happen to a gate.
    #[derive(Clone, Debug)]
    enum Step {
        Ask(u64),
        Look(usize),
        Abandon(usize),
        GiveBack(usize),
        SetLimit(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0_u64..6).prop_map(Step::Ask),
            (0_usize..8).prop_map(Step::Look),
            (0_usize..8).prop_map(Step::Abandon),
            (0_usize..8).prop_map(Step::GiveBack),
            (1_u64..8).prop_map(Step::SetLimit),
        ]
    }

    proptest! {
        /// Whatever happens, the level is the sum of what is held, and whoever holds nothing and
        /// could pass at the head of the queue has been let in.
        #[test]
        fn the_level_is_exact_and_nobody_is_forgotten(
            rule in prop_oneof![Just(Rule::Whole), Just(Rule::Overdraft)],
            steps in prop::collection::vec(step(), 1..80),
        ) {
            let gate = gate(rule, 4);
            let mut waiting: Vec<Acquire> = Vec::new();
            let mut held: Vec<Grant> = Vec::new();
            for step in steps {
                match step {
                    Step::Ask(amount) => {
                        let mut acquire = gate.acquire(amount, None);
                        match poll(&mut acquire) {
                            Some(grant) => held.push(grant),
                            None => waiting.push(acquire),
                        }
                    }
                    Step::Look(index) if index < waiting.len() => {
                        if let Some(grant) = poll(&mut waiting[index]) {
                            drop(waiting.remove(index));
                            held.push(grant);
                        }
                    }
                    Step::Abandon(index) if index < waiting.len() => drop(waiting.remove(index)),
                    Step::GiveBack(index) if index < held.len() => drop(held.remove(index)),
                    Step::SetLimit(limit) => gate.set_limit(limit),
                    _ => {}
                }
                let state = gate.lock();
                let served: i64 = waiting
                    .iter()
                    .filter(|it| it.ticket.is_some_and(|ticket| state.served.contains(&ticket)))
                    .map(|it| it.demand.amount)
                    .sum();
                let out: i64 = held.iter().map(|grant| grant.amount).sum();
                prop_assert_eq!(state.used, served + out);
                if let Some(head) = state.queue.front() {
                    prop_assert!(!state.admits(rule, head.demand), "the head could pass");
                }
            }
            drop(waiting);
            drop(held);
            prop_assert_eq!(gate.used(), 0);
            prop_assert_eq!(gate.waiting(), 0);
            prop_assert!(gate.lock().served.is_empty());
        }
    }
}

//! Everything that hands out permits, under a random schedule of asking, giving back and giving up:
//! never more than the limit, first come first served, nobody forgotten, nothing lost.

use std::cell::Cell;
use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::pin::Pin;

use arbitrary::{Arbitrary, Unstructured};
use gimmal_transport::rate_limit::{AdaptiveConcurrency, AdaptiveConfig, AdaptivePermit};
use gimmal_transport::semaphore::{
    BytesPermit, BytesSemaphore, KeyedPermit, KeyedSemaphore, Permit, Semaphore,
};

use crate::tasks::Tasks;

#[derive(Arbitrary, Debug)]
enum Kind {
    Counting,
    Bytes,
    Keyed,
    Adaptive,
}

#[derive(Arbitrary, Debug)]
enum Step {
    Ask(u8),
    Try(u8),
    GiveBack(u8),
    GiveUp(u8),
    /// Good or bad news about the server, for the limit that adapts.
    Judge {
        which: u8,
        congestion: bool,
    },
    /// Lets those who were woken run.
    Run,
}

/// Runs the target: which semaphore, its size, then steps until the input is used up.
pub fn run(input: &[u8]) {
    let mut input = Unstructured::new(input);
    let Ok((kind, size)) = <(Kind, u8)>::arbitrary(&mut input) else {
        return;
    };
    let size = NonZeroU32::new(u32::from(size % 16)).unwrap_or(NonZeroU32::MIN);
    match kind {
        Kind::Counting => Counting::new(size).play(&mut input),
        Kind::Bytes => Bytes::new(size).play(&mut input),
        Kind::Keyed => Keyed::new(size).play(&mut input),
        Kind::Adaptive => Adaptive::new(size).play(&mut input),
    }
}

/// What the four have in common.
trait Subject: Sized {
    type Permit: 'static;

    /// How much `wish` stands for; 0 to 15.
    fn amount(&self, wish: u8) -> i64;
    fn ask(&self, wish: u8) -> Pin<Box<dyn Future<Output = Self::Permit>>>;
    fn try_ask(&self, wish: u8) -> Option<Self::Permit>;
    fn judge(&self, _permit: &Self::Permit, _congestion: bool) {}
    /// How much a try stands for, which may know less than a request in line.
    fn try_amount(&self, wish: u8) -> i64 {
        self.amount(wish)
    }
    /// How many wait, if it says so.
    fn waiting(&self) -> Option<usize>;
    /// Whether one with this amount may pass when so much is out.
    fn admits(&self, out: i64, amount: i64) -> bool;
    /// Compares what the semaphore says about itself.
    fn check(&self, out: i64);

    fn play(&self, input: &mut Unstructured<'_>) {
        let mut run = Run {
            subject: self,
            asking: Tasks::default(),
            line: VecDeque::new(),
            served: Vec::new(),
            out: 0,
            held: Vec::new(),
        };
        while !input.is_empty()
            && let Ok(step) = Step::arbitrary(input)
        {
            run.take(&step);
        }
        run.finish();
    }
}

struct Run<'a, S: Subject> {
    subject: &'a S,
    asking: Tasks<'a, S::Permit>,
    /// Those in line, in order: number of the task and what it asks for.
    line: VecDeque<(usize, i64)>,
    /// Those whose turn it is and who have not looked yet.
    served: Vec<(usize, i64)>,
    /// What is handed out, those served included.
    out: i64,
    held: Vec<(S::Permit, i64)>,
}

impl<S: Subject> Run<'_, S> {
    fn take(&mut self, step: &Step) {
        match step {
            Step::Ask(wish) => {
                let amount = self.subject.amount(*wish);
                let id = self.asking.start(self.subject.ask(*wish));
                self.line.push_back((id, amount));
                // A future that nobody has polled is not in line, so all of them look at once.
                self.run();
            }
            Step::Try(wish) => {
                let amount = self.subject.try_amount(*wish);
                let passes = self.line.is_empty() && self.subject.admits(self.out, amount);
                let permit = self.subject.try_ask(*wish);
                assert_eq!(permit.is_some(), passes);
                if let Some(permit) = permit {
                    self.out += amount;
                    self.held.push((permit, amount));
                }
            }
            Step::GiveBack(which) => {
                if let Some(index) = usize::from(*which).checked_rem(self.held.len()) {
                    let (permit, amount) = self.held.swap_remove(index);
                    drop(permit);
                    self.out -= amount;
                }
            }
            Step::GiveUp(which) => {
                if let Some(index) = usize::from(*which).checked_rem(self.asking.len()) {
                    let gone = self.asking.give_up(index);
                    self.line.retain(|(id, _)| *id != gone);
                    if let Some(at) = self.served.iter().position(|(id, _)| *id == gone) {
                        self.out -= self.served.remove(at).1;
                    }
                }
            }
            Step::Judge { which, congestion } => {
                if let Some(index) = usize::from(*which).checked_rem(self.held.len()) {
                    self.subject.judge(&self.held[index].0, *congestion);
                }
            }
            Step::Run => self.run(),
        }
        self.serve();
        self.subject.check(self.out);
        if let Some(waiting) = self.subject.waiting() {
            assert_eq!(waiting, self.line.len());
        }
    }

    /// Lets in from the head of the line whoever may pass.
    fn serve(&mut self) {
        while let Some((id, amount)) = self.line.front().copied()
            && self.subject.admits(self.out, amount)
        {
            self.line.pop_front();
            self.served.push((id, amount));
            self.out += amount;
        }
    }

    fn run(&mut self) {
        self.serve();
        for (id, permit) in self.asking.run() {
            let at = self.served.iter().position(|(served, _)| *served == id);
            let (_, amount) = self
                .served
                .remove(at.expect("only who is served gets a permit"));
            self.held.push((permit, amount));
        }
        assert!(self.served.is_empty(), "whoever is served is woken");
    }

    /// Once all is given back, all who wait are served and nothing is out.
    fn finish(mut self) {
        self.run();
        self.asking.assert_nobody_was_forgotten();
        while let Some((permit, amount)) = self.held.pop() {
            drop(permit);
            self.out -= amount;
            self.run();
        }
        assert!(self.asking.is_empty(), "somebody waits for ever");
        assert_eq!(self.out, 0);
        self.subject.check(0);
    }
}

struct Counting {
    semaphore: Semaphore,
    size: u32,
}

impl Counting {
    fn new(size: NonZeroU32) -> Self {
        Self {
            semaphore: Semaphore::new(size),
            size: size.get(),
        }
    }

    fn count(&self, wish: u8) -> u32 {
        1 + u32::from(wish) % self.size
    }
}

impl Subject for Counting {
    type Permit = Permit;

    fn amount(&self, wish: u8) -> i64 {
        i64::from(self.count(wish))
    }

    fn ask(&self, wish: u8) -> Pin<Box<dyn Future<Output = Permit>>> {
        let (semaphore, count) = (self.semaphore.clone(), self.count(wish));
        Box::pin(async move {
            if count == 1 {
                semaphore.acquire().await
            } else {
                let permit = semaphore.acquire_many(count).await;
                permit.expect("it is not more than there are")
            }
        })
    }

    fn try_amount(&self, _wish: u8) -> i64 {
        1
    }

    fn try_ask(&self, _wish: u8) -> Option<Permit> {
        self.semaphore.try_acquire()
    }

    fn waiting(&self) -> Option<usize> {
        Some(self.semaphore.waiting())
    }

    fn admits(&self, out: i64, amount: i64) -> bool {
        out + amount <= i64::from(self.size)
    }

    fn check(&self, out: i64) {
        assert_eq!(
            i64::from(self.semaphore.available()),
            i64::from(self.size) - out
        );
    }
}

struct Bytes {
    semaphore: BytesSemaphore,
    size: i64,
}

impl Bytes {
    fn new(size: NonZeroU32) -> Self {
        Self {
            semaphore: BytesSemaphore::new(u64::from(size.get())),
            size: i64::from(size.get()),
        }
    }
}

impl Subject for Bytes {
    type Permit = BytesPermit;

    fn amount(&self, wish: u8) -> i64 {
        i64::from(wish)
    }

    fn ask(&self, wish: u8) -> Pin<Box<dyn Future<Output = BytesPermit>>> {
        let semaphore = self.semaphore.clone();
        Box::pin(async move { semaphore.acquire(u64::from(wish)).await })
    }

    fn try_ask(&self, wish: u8) -> Option<BytesPermit> {
        self.semaphore.try_acquire(u64::from(wish))
    }

    fn waiting(&self) -> Option<usize> {
        Some(self.semaphore.waiting())
    }

    fn admits(&self, out: i64, _amount: i64) -> bool {
        out <= self.size
    }

    fn check(&self, out: i64) {
        assert_eq!(self.semaphore.left(), self.size - out);
        let most = i64::from(u8::MAX);
        assert!(
            self.semaphore.left() >= -most,
            "overdrawn by one caller at most"
        );
    }
}

/// One key of many; the others have to stay untouched.
struct Keyed {
    semaphore: KeyedSemaphore<&'static str>,
    size: NonZeroU32,
}

impl Keyed {
    fn new(size: NonZeroU32) -> Self {
        Self {
            semaphore: KeyedSemaphore::new(),
            size,
        }
    }
}

impl Subject for Keyed {
    type Permit = KeyedPermit;

    fn amount(&self, _wish: u8) -> i64 {
        1
    }

    fn ask(&self, _wish: u8) -> Pin<Box<dyn Future<Output = Self::Permit>>> {
        let (semaphore, size) = (self.semaphore.clone(), self.size);
        Box::pin(async move { semaphore.acquire("this", size).await })
    }

    fn try_ask(&self, _wish: u8) -> Option<Self::Permit> {
        let other = self.semaphore.try_acquire("other", self.size);
        assert!(other.is_some(), "another key has room of its own");
        self.semaphore.try_acquire("this", self.size)
    }

    fn waiting(&self) -> Option<usize> {
        None
    }

    fn admits(&self, out: i64, amount: i64) -> bool {
        out + amount <= i64::from(self.size.get())
    }

    fn check(&self, out: i64) {
        assert_eq!(i64::from(self.semaphore.count("this")), out);
        assert_eq!(self.semaphore.count("other"), 0);
    }
}

struct Adaptive {
    limit: AdaptiveConcurrency,
    config: AdaptiveConfig,
}

impl Adaptive {
    fn new(size: NonZeroU32) -> Self {
        let config = AdaptiveConfig::up_to(size.saturating_mul(NonZeroU32::new(4).expect("not 0")))
            .with_initial(size)
            .unwrap_or_else(|_| AdaptiveConfig::up_to(size));
        Self {
            limit: AdaptiveConcurrency::new(config),
            config,
        }
    }
}

/// A permit, and what is known about the verdict on it.
struct Judged {
    permit: AdaptivePermit,
    began_at: u64,
    done: Cell<bool>,
}

impl Judged {
    fn new(permit: AdaptivePermit, limit: &AdaptiveConcurrency) -> Self {
        Self {
            permit,
            began_at: limit.decreases(),
            done: Cell::new(false),
        }
    }
}

impl Subject for Adaptive {
    type Permit = Judged;

    fn amount(&self, _wish: u8) -> i64 {
        1
    }

    fn ask(&self, _wish: u8) -> Pin<Box<dyn Future<Output = Judged>>> {
        let limit = self.limit.clone();
        Box::pin(async move { Judged::new(limit.acquire().await, &limit) })
    }

    fn try_ask(&self, _wish: u8) -> Option<Judged> {
        Some(Judged::new(self.limit.try_acquire()?, &self.limit))
    }

    fn judge(&self, judged: &Judged, congestion: bool) {
        let (limit, decreases) = (self.limit.limit(), self.limit.decreases());
        // Only the first verdict counts, and only if nothing was learned since the call began.
        let counts = !judged.done.replace(true) && judged.began_at == decreases;
        if congestion {
            judged.permit.congestion();
            let halved = (limit / 2).max(self.config.min());
            let expected = if counts {
                (halved, decreases + 1)
            } else {
                (limit, decreases)
            };
            assert_eq!((self.limit.limit(), self.limit.decreases()), expected);
        } else {
            judged.permit.success();
            assert_eq!(self.limit.decreases(), decreases);
            let grown = match decreases {
                0 => limit * 2,
                _ => limit + 1,
            };
            let grown = if counts {
                grown.min(self.config.max())
            } else {
                limit
            };
            assert!((limit..=grown).contains(&self.limit.limit()));
        }
    }

    fn waiting(&self) -> Option<usize> {
        Some(self.limit.waiting())
    }

    fn admits(&self, out: i64, amount: i64) -> bool {
        out + amount <= i64::from(self.limit.limit())
    }

    fn check(&self, out: i64) {
        assert_eq!(i64::from(self.limit.in_flight()), out);
        let range = self.config.min()..=self.config.max();
        assert!(range.contains(&self.limit.limit()));
    }
}

//! Single flight: of many who want the same at once, one computes and all get the result.
//!
//! A flight belongs to the task that computes. It leaves the map before the others are woken, and
//! nothing stays behind, even if that task panics.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use super::answer::Answer;
use crate::lock;
use crate::lookup::NegativeHit;

/// How a flight ended, for all who waited.
#[derive(Clone, Debug)]
pub(super) enum Landing {
    Answer(Answer),
    Failed(Arc<dyn Any + Send + Sync>),
    Remembered(NegativeHit),
    Panicked,
}

impl Landing {
    pub(super) fn of<E: Send + Sync + 'static>(result: Result<Answer, Arc<E>>) -> Self {
        match result {
            Ok(answer) => Self::Answer(answer),
            Err(error) => Self::Failed(error),
        }
    }
}

/// The flights of a cache, by digest of the key.
#[derive(Debug, Default)]
pub(super) struct Flights {
    shards: [Mutex<HashMap<[u8; 32], Waiter>>; 16],
}

/// Waits for a flight of another.
pub(super) type Waiter = watch::Receiver<Option<Landing>>;

/// What one who wants a result becomes.
pub(super) enum Role {
    /// There is a flight.
    Joined(Waiter),
    /// There was none; this is it.
    Leader(Takeoff),
}

/// The right to compute; dropped, it ends the flight with nothing.
#[derive(Debug)]
pub(super) struct Takeoff {
    flights: Arc<Flights>,
    digest: [u8; 32],
    sender: watch::Sender<Option<Landing>>,
}

impl Flights {
    /// Joins the flight for a key, or starts it.
    pub(super) fn board(self: &Arc<Self>, digest: &[u8; 32]) -> Role {
        let mut shard = lock(self.shard(digest));
        if let Some(waiter) = shard.get(digest) {
            return Role::Joined(waiter.clone());
        }
        let (sender, waiter) = watch::channel(None);
        shard.insert(*digest, waiter);
        Role::Leader(Takeoff {
            flights: self.clone(),
            digest: *digest,
            sender,
        })
    }

    /// Flights in the air.
    pub(super) fn count(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    fn shard(&self, digest: &[u8; 32]) -> &Mutex<HashMap<[u8; 32], Waiter>> {
        &self.shards[usize::from(digest[0]) % self.shards.len()]
    }
}

impl Takeoff {
    /// Waits for this flight.
    pub(super) fn waiter(&self) -> Waiter {
        self.sender.subscribe()
    }

    /// Ends the flight.
    pub(super) fn land(self, landing: Landing) {
        self.leave();
        self.sender.send_replace(Some(landing));
    }

    fn leave(&self) {
        lock(self.flights.shard(&self.digest)).remove(&self.digest);
    }
}

impl Drop for Takeoff {
    fn drop(&mut self) {
        // It panicked or the runtime ends. Those who wait see that the sender is gone.
        if self.sender.borrow().is_none() {
            self.leave();
        }
    }
}

/// The end of a flight.
pub(super) async fn landing(mut waiter: Waiter) -> Landing {
    match waiter.wait_for(Option::is_some).await {
        Ok(landed) => landed.clone().unwrap_or(Landing::Panicked),
        Err(_) => Landing::Panicked,
    }
}

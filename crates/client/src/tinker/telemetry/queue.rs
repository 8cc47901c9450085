//! Events on their way to the service: so many and no more, in order. It neither sends nor waits.

use std::collections::VecDeque;

use serde_json::Value;

/// Events that wait to be sent.
///
/// ```
/// use gimmal_client::tinker::telemetry::EventQueue;
/// use serde_json::json;
///
/// let mut queue = EventQueue::new(2);
/// assert!(queue.push(json!(1)) && queue.push(json!(2)));
/// assert!(!queue.push(json!(3)), "it is full");
/// assert_eq!(queue.drain(100), [[1, 2]]);
/// ```
#[derive(Debug)]
pub struct EventQueue {
    events: VecDeque<Value>,
    limit: usize,
    pushed: u64,
    flushed: u64,
}

impl EventQueue {
    /// A queue of at most `limit` events.
    pub fn new(limit: usize) -> Self {
        Self {
            events: VecDeque::new(),
            limit,
            pushed: 0,
            flushed: 0,
        }
    }

    /// Adds an event, unless the queue is full.
    pub fn push(&mut self, event: Value) -> bool {
        if self.events.len() >= self.limit {
            tracing::warn!("Telemetry queue full ({}), dropping event", self.limit);
            return false;
        }
        self.events.push_back(event);
        self.pushed += 1;
        true
    }

    /// Takes all events out, in batches of at most `batch`.
    pub fn drain(&mut self, batch: usize) -> Vec<Vec<Value>> {
        let mut batches = Vec::new();
        while !self.events.is_empty() {
            let count = self.events.len().min(batch.max(1));
            batches.push(self.events.drain(..count).collect());
        }
        batches
    }

    /// Takes note that so many events were sent, or given up.
    pub fn flushed(&mut self, events: usize) {
        self.flushed += events as u64;
    }

    /// Whether everything that was ever added has been sent or given up.
    pub fn is_drained(&self) -> bool {
        self.flushed >= self.pushed
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Covers: CHK-Q-1
    #[test]
    fn chk_q_1_first_in_first_out() {
        let mut queue = EventQueue::new(10);
        for number in 1..=3 {
            assert!(queue.push(number.into()));
        }
        assert!(!queue.is_drained());
        let batches = queue.drain(100);
        assert_eq!(batches, [[1, 2, 3]]);
        assert!(!queue.is_drained(), "nothing was sent yet");
        queue.flushed(3);
        assert!(queue.is_drained());
        assert_eq!((queue.pushed, queue.flushed), (3, 3));
    }

    #[test]
    fn batches_are_cut() {
        let mut queue = EventQueue::new(1_000);
        for number in 0..251 {
            queue.push(number.into());
        }
        let lengths: Vec<_> = queue.drain(100).iter().map(Vec::len).collect();
        assert_eq!(lengths, [100, 100, 51]);
        assert!(queue.is_empty());
    }
}

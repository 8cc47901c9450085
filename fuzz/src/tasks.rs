//! The smallest executor that still notices a wake-up that was forgotten: a task is polled when it
//! was woken and never otherwise.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// Futures under way, in the order in which they were started.
pub struct Tasks<'a, T> {
    running: Vec<Task<'a, T>>,
    next_id: usize,
}

struct Task<'a, T> {
    id: usize,
    future: Pin<Box<dyn Future<Output = T> + 'a>>,
    woken: Arc<Woken>,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<T> Default for Tasks<'_, T> {
    fn default() -> Self {
        Self {
            running: Vec::new(),
            next_id: 0,
        }
    }
}

impl<'a, T> Tasks<'a, T> {
    /// How many are under way.
    pub fn len(&self) -> usize {
        self.running.len()
    }

    /// Whether none is under way.
    pub fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// The number of the task that has been under way for longest.
    pub fn first(&self) -> Option<usize> {
        self.running.first().map(|task| task.id)
    }

    /// Starts a task and returns its number; it is polled by the next [`run`](Self::run).
    pub fn start(&mut self, future: impl Future<Output = T> + 'a) -> usize {
        let id = self.next_id;
        self.next_id += 1;
        self.running.push(Task {
            id,
            future: Box::pin(future),
            woken: Arc::new(Woken(AtomicBool::new(true))),
        });
        id
    }

    /// Drops the task at this place; returns its number.
    pub fn give_up(&mut self, index: usize) -> usize {
        self.running.remove(index).id
    }

    /// Polls whoever was woken until nobody is; returns what came out, in order.
    pub fn run(&mut self) -> Vec<(usize, T)> {
        let mut done = Vec::new();
        while let Some(index) = self.next_woken() {
            if let Poll::Ready(output) = self.poll(index) {
                done.push((self.running.remove(index).id, output));
            }
        }
        done
    }

    /// Asserts that no task could go on that was not woken.
    pub fn assert_nobody_was_forgotten(&mut self) {
        for index in 0..self.running.len() {
            let id = self.running[index].id;
            let forgotten = self.poll(index).is_ready();
            assert!(!forgotten, "task {id} was ready and nobody woke it");
        }
    }

    fn next_woken(&self) -> Option<usize> {
        let woken = |task: &Task<'_, T>| task.woken.0.load(Ordering::Relaxed);
        self.running.iter().position(woken)
    }

    fn poll(&mut self, index: usize) -> Poll<T> {
        let task = &mut self.running[index];
        task.woken.0.store(false, Ordering::Relaxed);
        let waker = Waker::from(Arc::clone(&task.woken));
        task.future.as_mut().poll(&mut Context::from_waker(&waker))
    }
}

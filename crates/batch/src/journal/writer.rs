//! The thread that writes a journal: what has gathered while it wrote goes out in one piece, and
//! everybody hears once their line is safe.

use std::fs::File;
use std::io::Write as _;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::StoreError;

/// When a journal is forced to the disk.
///
/// Whatever the choice, a result is in the hands of the operating system before anybody sees it, so
/// that a process that is killed loses nothing. Forcing it to the disk also outlives a machine
/// that fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fsync {
    /// When the system thinks fit.
    Never,
    /// At most this long after a result.
    Every(Duration),
    /// Before a result is given to anybody. Results that gather meanwhile share one write.
    #[default]
    Always,
}

/// So many bytes go out in one piece at the most.
const PIECE: usize = 1 << 20;

struct Job {
    line: Vec<u8>,
    done: oneshot::Sender<Result<(), StoreError>>,
}

/// The way to the thread.
#[derive(Debug)]
pub(crate) struct Writer {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<Result<(), StoreError>>>,
}

impl Writer {
    /// Appends to a file that ends at `length`.
    pub(crate) fn start(file: File, length: u64, fsync: Fsync) -> std::io::Result<Self> {
        let (jobs, receiver) = channel();
        let desk = Desk {
            file,
            length,
            fsync,
            unsynced_since: None,
            broken: None,
        };
        let thread = std::thread::Builder::new()
            .name("gimmal-journal".to_owned())
            .spawn(move || desk.run(&receiver))?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    /// Sends a line; it is written even if nobody waits for the answer.
    pub(crate) fn append(
        &self,
        line: Vec<u8>,
    ) -> Result<oneshot::Receiver<Result<(), StoreError>>, StoreError> {
        let (done, answer) = oneshot::channel();
        let closed = || StoreError::new("the journal is closed");
        let jobs = self.jobs.as_ref().ok_or_else(closed)?;
        jobs.send(Job { line, done }).map_err(|_| closed())?;
        Ok(answer)
    }

    /// Writes what is left and ends the thread.
    pub(crate) fn close(&mut self) -> Result<(), StoreError> {
        self.jobs = None;
        match self.thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(ended)) => ended,
            Some(Err(_)) => Err(StoreError::new("the journal's thread panicked")),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::warn!(%error, "the journal was not closed well");
        }
    }
}

struct Desk {
    file: File,
    /// What is whole in the file.
    length: u64,
    fsync: Fsync,
    unsynced_since: Option<Instant>,
    /// The first failure; nothing is written after it.
    broken: Option<StoreError>,
}

impl Desk {
    fn run(mut self, jobs: &Receiver<Job>) -> Result<(), StoreError> {
        while let Some(first) = self.next(jobs)? {
            let (mut piece, mut waiting) = (first.line, vec![first.done]);
            while piece.len() < PIECE
                && let Ok(job) = jobs.try_recv()
            {
                piece.extend_from_slice(&job.line);
                waiting.push(job.done);
            }
            let written = self.write(&piece);
            for done in waiting {
                // Who was dropped meanwhile does not hear of it.
                let _ = done.send(written.clone());
            }
        }
        self.sync()
    }

    /// Waits for a job, and forces to the disk what has waited long enough.
    fn next(&mut self, jobs: &Receiver<Job>) -> Result<Option<Job>, StoreError> {
        loop {
            let (Fsync::Every(longest), Some(since)) = (self.fsync, self.unsynced_since) else {
                return Ok(jobs.recv().ok());
            };
            match jobs.recv_timeout(longest.saturating_sub(since.elapsed())) {
                Ok(job) => return Ok(Some(job)),
                Err(RecvTimeoutError::Timeout) => self.sync()?,
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
            }
        }
    }

    fn write(&mut self, piece: &[u8]) -> Result<(), StoreError> {
        if let Some(broken) = &self.broken {
            return Err(broken.clone());
        }
        let mut written = self.file.write_all(piece);
        if written.is_ok() && self.fsync == Fsync::Always {
            written = self.file.sync_data();
        }
        match written {
            Ok(()) => {
                self.length += piece.len() as u64;
                self.unsynced_since.get_or_insert_with(Instant::now);
                if let Fsync::Every(longest) = self.fsync
                    && self
                        .unsynced_since
                        .is_some_and(|since| since.elapsed() >= longest)
                {
                    self.sync()?;
                }
                Ok(())
            }
            Err(error) => {
                // Half a line would hide what comes after it.
                let _ = self.file.set_len(self.length);
                let broken = StoreError::new(format!("cannot write the journal: {error}"));
                self.broken = Some(broken.clone());
                Err(broken)
            }
        }
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        if self.fsync == Fsync::Never || self.unsynced_since.take().is_none() {
            return Ok(());
        }
        let synced = self.file.sync_data();
        synced.map_err(|error| StoreError::new(format!("cannot write the journal: {error}")))
    }
}

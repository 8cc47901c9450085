//! The protocol as a state machine: which bytes go next, and what an answer means. It does no
//! I/O and knows no time; whoever drives it sends, waits and counts failures.

use crate::error::{Error, Persistence};
use crate::transfer::Failure;
use crate::upload::protocol::{Answer, Command, Status};

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Ask how much the server has.
    Query,
    /// Read up to `max_bytes` at `offset` and announce them with [`Machine::send`].
    Send { offset: u64, max_bytes: u64 },
}

/// Where an upload stands after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Unfinished,
    Finished,
}

/// One upload, from the first byte or from wherever the server says.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    total: Option<u64>,
    chunk_bytes: u64,
    /// Where to go on, as far as is known.
    offset: u64,
    /// The end of everything that was ever sent; anything at all where somebody else began.
    sent: u64,
    /// Where the content ends: the total, or what the last chunk told.
    end: Option<u64>,
    /// The most that the server has ever had.
    best: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The server's count is unknown.
    Unsure,
    /// The bytes at `offset` are next.
    Ready,
    /// Bytes up to `end` are on their way.
    Sending { end: u64, last: bool },
}

impl Machine {
    /// An upload of which nothing was sent yet.
    pub(super) fn new(total: Option<u64>, chunk_bytes: u64) -> Self {
        Self {
            total,
            chunk_bytes,
            offset: 0,
            sent: 0,
            end: total,
            best: 0,
            state: State::Ready,
        }
    }

    /// An upload that somebody else began.
    pub(super) fn resume(total: Option<u64>, chunk_bytes: u64) -> Self {
        Self {
            sent: total.unwrap_or(u64::MAX),
            state: State::Unsure,
            ..Self::new(total, chunk_bytes)
        }
    }

    /// The most that the server has ever had; it never goes down.
    pub(super) fn best(&self) -> u64 {
        self.best
    }

    /// How much the server has, as far as is known.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    pub(super) fn step(&self) -> Step {
        if self.state != State::Ready {
            return Step::Query;
        }
        let left = self
            .total
            .map_or(u64::MAX, |total| total.saturating_sub(self.offset));
        Step::Send {
            offset: self.offset,
            max_bytes: self.chunk_bytes.min(left),
        }
    }

    /// Takes note that `len` bytes go out now, and says with which command.
    pub(super) fn send(&mut self, len: u64) -> Result<Command, Error> {
        let end = self.offset.saturating_add(len);
        let last = match self.total {
            Some(total) => {
                if len < self.chunk_bytes.min(total.saturating_sub(self.offset)) {
                    return Err(Error::transfer(format!(
                        "content ends after {end} bytes, and {total} were announced"
                    )));
                }
                end == total
            }
            // A full chunk may be the last one, but only reading on tells.
            None => len < self.chunk_bytes,
        };
        self.sent = self.sent.max(end);
        self.state = State::Sending { end, last };
        if last {
            self.end = Some(end);
            Ok(Command::UploadAndFinalize(self.offset))
        } else {
            Ok(Command::Upload(self.offset))
        }
    }

    /// Takes note that what became of the last request is unknown.
    pub(super) fn lost(&mut self) {
        self.state = State::Unsure;
    }

    /// Takes the answer to the last request.
    pub(super) fn answered(&mut self, answer: Answer) -> Result<Outcome, Failure> {
        let Some(status) = answer.status else {
            return Err(passing("server did not say how the upload stands"));
        };
        if let Some(received) = answer.received
            && received > self.sent
        {
            return Err(fatal(format!(
                "server has {received} bytes of an upload of which {} were sent",
                self.sent
            )));
        }
        match status {
            Status::Active => self.go_on(answer.received),
            Status::Final => self.finish(answer.received),
            Status::Cancelled => Err(fatal("server cancelled the upload")),
            Status::Unknown => Err(fatal(
                "server says something about the upload that is not in the protocol",
            )),
        }
    }

    fn go_on(&mut self, received: Option<u64>) -> Result<Outcome, Failure> {
        let sending = match self.state {
            State::Sending { end, last } => Some((end, last)),
            State::Ready | State::Unsure => None,
        };
        let Some(received) = received.or(sending.map(|(end, _)| end)) else {
            return Err(passing("server did not say how much it has"));
        };
        let advanced = received > self.best;
        self.offset = received;
        self.best = self.best.max(received);
        match sending {
            Some((_, true)) => Err(passing(
                "all bytes are sent, but the upload is not finished",
            )),
            Some((_, false)) if !advanced => {
                Err(passing("server took none of the bytes it was sent"))
            }
            _ => {
                self.state = State::Ready;
                Ok(Outcome::Unfinished)
            }
        }
    }

    fn finish(&mut self, received: Option<u64>) -> Result<Outcome, Failure> {
        let last = !matches!(self.state, State::Sending { last: false, .. });
        match self.end {
            Some(end) if last && self.sent >= end && received.is_none_or(|it| it == end) => {
                self.offset = end;
                self.best = end;
                Ok(Outcome::Finished)
            }
            // Of a content without a size that somebody else began, the server alone knows the end.
            None if last && self.sent == u64::MAX => Ok(Outcome::Finished),
            _ => Err(fatal(format!(
                "server finished the upload with {} bytes, before the end of the content",
                received.unwrap_or(self.best)
            ))),
        }
    }
}

fn passing(message: impl Into<String>) -> Failure {
    Failure::Passing(Error::transfer(message).with_persistence(Persistence::Temporary))
}

fn fatal(message: impl Into<String>) -> Failure {
    Failure::Fatal(Error::transfer(message))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;

    fn active(received: u64) -> Answer {
        Answer {
            status: Some(Status::Active),
            received: Some(received),
        }
    }

    fn status(status: Status) -> Answer {
        Answer {
            status: Some(status),
            received: None,
        }
    }

    fn send(offset: u64, max_bytes: u64) -> Step {
        Step::Send { offset, max_bytes }
    }

    fn is_fatal(result: Result<Outcome, Failure>) -> bool {
        matches!(result, Err(Failure::Fatal(_)))
    }

    fn is_passing(result: Result<Outcome, Failure>) -> bool {
        matches!(result, Err(Failure::Passing(_)))
    }

    #[test]
    fn chunks_in_a_row() {
        let mut machine = Machine::new(Some(10), 4);
        for offset in [0, 4] {
            assert_eq!(machine.step(), send(offset, 4));
            assert_eq!(machine.send(4).unwrap(), Command::Upload(offset));
            let outcome = machine.answered(status(Status::Active)).unwrap();
            assert_eq!(outcome, Outcome::Unfinished);
        }
        assert_eq!(machine.step(), send(8, 2));
        assert_eq!(machine.send(2).unwrap(), Command::UploadAndFinalize(8));
        let outcome = machine.answered(status(Status::Final)).unwrap();
        assert_eq!((outcome, machine.best()), (Outcome::Finished, 10));
    }

    #[test]
    fn an_empty_content_is_one_empty_last_chunk() {
        let mut machine = Machine::new(Some(0), 4);
        assert_eq!(machine.step(), send(0, 0));
        assert_eq!(machine.send(0).unwrap(), Command::UploadAndFinalize(0));
        assert!(machine.answered(status(Status::Final)).is_ok());
    }

    #[test]
    fn a_content_of_unknown_size_ends_where_reading_ends() {
        let mut machine = Machine::new(None, 4);
        assert_eq!(machine.send(4).unwrap(), Command::Upload(0));
        machine.answered(status(Status::Active)).unwrap();
        assert_eq!(machine.step(), send(4, 4));
        assert_eq!(machine.send(0).unwrap(), Command::UploadAndFinalize(4));
        assert!(machine.answered(status(Status::Final)).is_ok());
    }

    #[test]
    fn a_lost_chunk_goes_on_where_the_server_says() {
        let mut machine = Machine::new(Some(10), 8);
        machine.send(8).unwrap();
        machine.lost();
        assert_eq!(machine.step(), Step::Query);
        machine.answered(active(3)).unwrap();
        assert_eq!(machine.step(), send(3, 7));
    }

    #[test]
    fn a_lost_last_chunk_may_have_arrived() {
        let mut machine = Machine::new(Some(4), 4);
        machine.send(4).unwrap();
        machine.lost();
        let outcome = machine.answered(status(Status::Final)).unwrap();
        assert_eq!(outcome, Outcome::Finished);

        let mut machine = Machine::new(Some(4), 4);
        machine.send(4).unwrap();
        machine.lost();
        machine.answered(active(4)).unwrap();
        assert_eq!(
            machine.step(),
            send(4, 0),
            "the bytes are there, the end is not"
        );
        assert_eq!(machine.send(0).unwrap(), Command::UploadAndFinalize(4));
    }

    #[test]
    fn an_upload_begun_elsewhere_begins_with_a_question() {
        let mut machine = Machine::resume(Some(10), 4);
        assert_eq!(machine.step(), Step::Query);
        machine.answered(active(8)).unwrap();
        assert_eq!(machine.step(), send(8, 2));
        let finished = Machine::resume(Some(10), 4).answered(status(Status::Final));
        assert_eq!(finished.unwrap(), Outcome::Finished);
        let finished = Machine::resume(None, 4).answered(status(Status::Final));
        assert_eq!(finished.unwrap(), Outcome::Finished);
        assert!(is_fatal(Machine::resume(Some(10), 4).answered(active(11))));
    }

    #[test_case(status(Status::Cancelled))]
    #[test_case(status(Status::Unknown); "unknown word")]
    #[test_case(status(Status::Final); "finished early")]
    #[test_case(active(5); "more than was sent")]
    fn nothing_helps(answer: Answer) {
        let mut machine = Machine::new(Some(10), 4);
        machine.send(4).unwrap();
        assert!(is_fatal(machine.answered(answer)));
    }

    #[test]
    fn an_answer_that_says_nothing_is_a_reason_to_ask() {
        let mut machine = Machine::new(Some(10), 4);
        machine.send(4).unwrap();
        assert!(is_passing(machine.answered(Answer::default())));
        machine.lost();
        assert!(is_passing(machine.answered(status(Status::Active))));
        machine.answered(active(4)).unwrap();
        machine.send(4).unwrap();
        assert!(is_passing(machine.answered(active(4))), "it took nothing");
        machine.lost();
        machine.answered(active(8)).unwrap();
        machine.send(2).unwrap();
        assert!(is_passing(machine.answered(active(10))), "it does not end");
    }

    #[test]
    fn a_content_that_ends_early_is_not_sent() {
        let error = Machine::new(Some(10), 4).send(3).unwrap_err();
        assert_eq!(
            error.to_string(),
            "content ends after 3 bytes, and 10 were announced"
        );
    }

    /// What goes wrong with one exchange.
    #[derive(Clone, Copy, Debug)]
    enum Fault {
        None,
        /// Nothing arrives.
        Before,
        /// This share of the bytes arrives, in 256ths; no answer comes back.
        Half(u8),
        /// Everything arrives and is acted on; no answer comes back.
        After,
        /// The answer lacks the status.
        Dumb,
        /// The server forgets this share of what it has, in 256ths.
        Amnesia(u8),
    }

    fn fault() -> impl Strategy<Value = Fault> {
        prop_oneof![
            3 => Just(Fault::None),
            1 => Just(Fault::Before),
            2 => any::<u8>().prop_map(Fault::Half),
            2 => Just(Fault::After),
            1 => Just(Fault::Dumb),
            1 => any::<u8>().prop_map(Fault::Amnesia),
        ]
    }

    fn share(len: usize, part: u8) -> usize {
        len * usize::from(part) / 256
    }

    #[derive(Default)]
    struct Server {
        content: Vec<u8>,
        finished: u32,
    }

    impl Server {
        fn take(&mut self, command: Command, body: &[u8]) {
            let (offset, last) = match command {
                Command::Upload(offset) => (offset, false),
                Command::UploadAndFinalize(offset) => (offset, true),
                Command::Query | Command::Cancel => return,
            };
            assert_eq!(self.finished, 0, "nothing is sent to a finished upload");
            assert_eq!(offset, self.content.len() as u64, "no byte is sent twice");
            self.content.extend_from_slice(body);
            self.finished += u32::from(last);
        }

        fn answer(&self, received: bool) -> Answer {
            let done = self.finished > 0;
            Answer {
                status: Some(if done { Status::Final } else { Status::Active }),
                received: received.then_some(self.content.len() as u64),
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_fails_the_server_ends_with_the_bytes_once(
            content in proptest::collection::vec(any::<u8>(), 0..200),
            chunk in 1_u64..60,
            sized in any::<bool>(),
            resumed_at in proptest::option::of(any::<u8>()),
            faults in proptest::collection::vec(fault(), 0..60),
            counts in any::<bool>(),
        ) {
            let total = sized.then_some(content.len() as u64);
            let mut server = Server::default();
            let mut machine = match resumed_at {
                Some(part) => {
                    server.content = content[..share(content.len(), part)].to_vec();
                    Machine::resume(total, chunk)
                }
                None => Machine::new(total, chunk),
            };
            let mut faults = faults.into_iter();
            let mut steps = 0;
            loop {
                steps += 1;
                prop_assert!(steps < 2_000, "the upload does not end");
                let (command, body) = match machine.step() {
                    Step::Query => (Command::Query, &content[..0]),
                    Step::Send { offset, max_bytes } => {
                        let start = usize::try_from(offset).unwrap();
                        let end = (start + usize::try_from(max_bytes).unwrap_or(usize::MAX / 2))
                            .min(content.len());
                        let body = &content[start..end];
                        (machine.send(body.len() as u64).unwrap(), body)
                    }
                };
                let answer = match faults.next().unwrap_or(Fault::None) {
                    Fault::None => {
                        server.take(command, body);
                        Some(server.answer(counts || command == Command::Query))
                    }
                    Fault::Before => None,
                    Fault::Half(part) => {
                        let partial = match command {
                            Command::UploadAndFinalize(offset) => Command::Upload(offset),
                            other => other,
                        };
                        server.take(partial, &body[..share(body.len(), part)]);
                        None
                    }
                    Fault::After => {
                        server.take(command, body);
                        None
                    }
                    Fault::Dumb => {
                        server.take(command, body);
                        Some(Answer::default())
                    }
                    Fault::Amnesia(part) => {
                        if server.finished == 0 {
                            server.content.truncate(share(server.content.len(), part));
                        }
                        None
                    }
                };
                match answer.map(|answer| machine.answered(answer)) {
                    Some(Ok(Outcome::Finished)) => break,
                    Some(Ok(Outcome::Unfinished)) => {}
                    Some(Err(Failure::Passing(_))) | None => machine.lost(),
                    Some(Err(Failure::Fatal(error))) => prop_assert!(false, "{error}"),
                }
            }
            prop_assert_eq!(server.finished, 1);
            prop_assert_eq!(server.content, content);
        }

        #[test]
        fn no_answer_breaks_the_machine(
            total in proptest::option::of(0_u64..100),
            answers in proptest::collection::vec(
                (0_u8..6, proptest::option::of(0_u64..120)), 0..40),
        ) {
            let mut machine = Machine::new(total, 8);
            for (word, received) in answers {
                if let Step::Send { max_bytes, .. } = machine.step() {
                    prop_assert!(max_bytes <= 8);
                    machine.send(max_bytes).unwrap();
                }
                let status = match word {
                    0 => Some(Status::Final),
                    1 => Some(Status::Cancelled),
                    2 => Some(Status::Unknown),
                    3 => None,
                    _ => Some(Status::Active),
                };
                let before = machine.best();
                if machine.answered(Answer { status, received }).is_err() {
                    machine.lost();
                }
                prop_assert!(machine.best() >= before);
                if let Some(total) = total {
                    prop_assert!(machine.offset() <= total);
                }
            }
        }
    }
}

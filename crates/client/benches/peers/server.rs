//! The emulator in a process of its own, which gives the same replies to every side. It is this
//! program again, started with an argument.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use gimmal_emulator::{Emulator, RouteMatcher, ScriptedReply};

use crate::mode::Mode;

const SERVE: &str = "--serve";

/// The other process; it ends with this handle.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    urls: Vec<String>,
}

impl Server {
    /// Starts a server that answers so many calls of each kind.
    pub(crate) fn start(calls: usize) -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut process = Command::new(program)
            .args([SERVE, &calls.to_string()])
            // The server ends when this pipe closes, however this process ends.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a server process");
        let output = process.stdout.take().expect("its output");
        let lines = BufReader::new(output).lines().take(Mode::ALL.len());
        let urls = lines.map(|line| line.expect("an address")).collect();
        Self { process, urls }
    }

    /// Where a kind of call is answered.
    pub(crate) fn url(&self, mode: Mode) -> String {
        let at = Mode::ALL.iter().position(|other| *other == mode);
        self.urls[at.expect("one of all kinds")].clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already, which is what is wanted.
        let _: std::io::Result<()> = self.process.kill();
        let _: std::io::Result<_> = self.process.wait();
    }
}

/// Serves if this process was started for that; call it first.
pub(crate) fn serve_if_asked() -> bool {
    let mut args = std::env::args().skip_while(|arg| arg != SERVE).skip(1);
    let Some(calls) = args.next() else {
        return false;
    };
    let calls = calls.parse().expect("a number of calls");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(serve(calls));
    true
}

/// An emulator for each kind of call, until the parent is gone.
#[expect(clippy::print_stdout, reason = "the parent reads the addresses there")]
async fn serve(calls: usize) {
    let mut emulators = Vec::new();
    for mode in Mode::ALL {
        let emulator = Emulator::builder().with_journal_capacity(1).start().await;
        let emulator = emulator.expect("an emulator");
        let replies = mode.replies();
        let reply = if mode.streamed {
            ScriptedReply::events(replies.iter().map(ToString::to_string))
        } else {
            ScriptedReply::json(200, &replies[0])
        };
        let script = emulator.script();
        script.push_times(RouteMatcher::any(), reply, calls);
        println!("{}", emulator.base_url());
        emulators.push(emulator);
    }
    let gone = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    // Whatever ended the wait, the parent no longer needs this process.
    let _: Result<std::io::Result<usize>, _> = gone.await;
}

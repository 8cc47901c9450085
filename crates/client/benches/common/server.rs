//! Emulators in a process of their own, so that their work and memory are not counted as the
//! client's. The process is this program again, started with an argument.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use gimmal_emulator::Emulator;

const SERVE: &str = "--serve";

/// The other process; it ends with this handle.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    urls: Vec<String>,
}

impl Server {
    /// Starts a server of so many emulators; `calls` is for [`serve_if_asked`].
    pub(crate) fn start(emulators: usize, calls: usize) -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut process = Command::new(program)
            .args([SERVE, &calls.to_string()])
            // The server ends when this pipe closes, however this process ends.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a server process");
        let output = process.stdout.take().expect("its output");
        let lines = BufReader::new(output).lines().take(emulators);
        let urls = lines.map(|line| line.expect("an address")).collect();
        Self { process, urls }
    }

    /// The address of each emulator.
    pub(crate) fn urls(&self) -> &[String] {
        &self.urls
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already, which is what is wanted.
        let _: std::io::Result<()> = self.process.kill();
        let _: std::io::Result<_> = self.process.wait();
    }
}

/// Serves if this process was started for that; call it first. `prepare` tells each of the
/// emulators, by its number, what to answer to so many calls.
#[expect(clippy::print_stdout, reason = "the parent reads the addresses there")]
pub(crate) fn serve_if_asked(emulators: usize, prepare: impl Fn(usize, &Emulator, usize)) -> bool {
    let mut args = std::env::args().skip_while(|arg| arg != SERVE).skip(1);
    let Some(calls) = args.next() else {
        return false;
    };
    let calls = calls.parse().expect("a number of calls");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let mut serving = Vec::new();
        for number in 0..emulators {
            let emulator = Emulator::builder().with_journal_capacity(1).start().await;
            let emulator = emulator.expect("an emulator");
            prepare(number, &emulator, calls);
            println!("{}", emulator.base_url());
            serving.push(emulator);
        }
        let gone = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
        // Whatever ended the wait, the parent no longer needs this process.
        let _: Result<std::io::Result<usize>, _> = gone.await;
    });
    true
}

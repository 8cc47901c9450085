//! A Redis of the tests' own, that can be killed and started again.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A server with an append-only file, so that it can be restarted.
pub(crate) struct Server {
    port: u16,
    folder: tempfile::TempDir,
    process: Option<Child>,
}

#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
fn skipped(why: &dyn std::fmt::Display) {
    eprintln!("skipped: redis-server cannot be started ({why})");
}

impl Server {
    pub(crate) fn start() -> Option<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let folder = tempfile::tempdir().unwrap();
        let mut server = Self {
            port,
            folder,
            process: None,
        };
        match server.run() {
            Ok(()) => Some(server),
            Err(error) => {
                skipped(&error);
                None
            }
        }
    }

    pub(crate) fn run(&mut self) -> std::io::Result<()> {
        let process = Command::new("redis-server")
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"])
            .args([
                "--save",
                "",
                "--appendonly",
                "yes",
                "--appendfsync",
                "always",
            ])
            .current_dir(self.folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        self.process = Some(process);
        for _ in 0..1_000 {
            if std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return Ok(());
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        Err(std::io::Error::other("it does not listen"))
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

//! Runs the Python cases of an area: starts the interpreter, reads its lines, answers what it asks,
//! and goes on after a case that hung or took the interpreter with it.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::Deserialize as _;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::{Instant, timeout_at};

use crate::conformance::sdk::emulators::{Running, Settings};
use crate::conformance::sdk::results::Outcome;

/// How much of what the interpreter wrote on its way out is shown.
const LAST_WORDS: usize = 2000;

/// What runs the cases of a package.
#[derive(Clone, Debug)]
pub(super) struct Driver {
    pub(super) python: PathBuf,
    pub(super) script: PathBuf,
    pub(super) package: &'static str,
    /// Most time for one case, and for getting ready.
    pub(super) limit: Duration,
}

/// One run of a case.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) case: String,
    pub(super) backend: String,
    pub(super) form: String,
    pub(super) outcome: Outcome,
}

/// How an interpreter came to its end.
enum End {
    /// All cases have run.
    Done,
    /// A case did not end within its time.
    Late,
    /// It went away.
    Gone,
}

impl Driver {
    /// Runs every case of the area.
    pub(super) async fn run(&self, area: &str) -> anyhow::Result<Vec<Run>> {
        let mut runs: Vec<Run> = Vec::new();
        loop {
            let mut session = self.start(area, runs.len())?;
            let before = runs.len();
            let end = session.follow(self.limit, &mut runs).await?;
            let words = session.end().await;
            let why = match end {
                End::Done => return Ok(runs),
                End::Late => format!("no end after {} s", self.limit.as_secs()),
                End::Gone => format!("the interpreter went away: {words}"),
            };
            match session.current.take() {
                Some(mut run) => {
                    run.outcome = Outcome::Failed(why);
                    runs.push(run);
                }
                // Without a case to blame, another attempt would end the same way.
                None if runs.len() == before => bail!("the cases of {area} did not start: {why}"),
                None => {}
            }
        }
    }

    fn start(&self, area: &str, skip: usize) -> anyhow::Result<Session> {
        let mut child = Command::new(&self.python)
            .arg(&self.script)
            .args([self.package, area, &skip.to_string()])
            .env("PYTHONUTF8", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} cannot be run", self.python.display()))?;
        let stdin = child.stdin.take().context("no input of the interpreter")?;
        let stdout = child
            .stdout
            .take()
            .context("no output of the interpreter")?;
        let mut stderr = child
            .stderr
            .take()
            .context("no errors of the interpreter")?;
        // Read along, or the interpreter would wait for room.
        let words = tokio::spawn(async move {
            let mut bytes = Vec::new();
            let _ = stderr.read_to_end(&mut bytes).await;
            let from = bytes.len().saturating_sub(LAST_WORDS);
            String::from_utf8_lossy(&bytes[from..]).trim().to_owned()
        });
        Ok(Session {
            child,
            stdin,
            lines: BufReader::new(stdout).lines(),
            words,
            current: None,
            emulators: Vec::new(),
        })
    }
}

/// A running interpreter.
struct Session {
    child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    words: tokio::task::JoinHandle<String>,
    /// The case that has begun and not ended.
    current: Option<Run>,
    emulators: Vec<Running>,
}

impl Session {
    async fn follow(&mut self, limit: Duration, runs: &mut Vec<Run>) -> anyhow::Result<End> {
        let mut deadline = Instant::now() + limit;
        loop {
            let line = match timeout_at(deadline, self.lines.next_line()).await {
                Err(_) => return Ok(End::Late),
                Ok(line) => line.context("the interpreter cannot be read")?,
            };
            let Some(line) = line else {
                return Ok(End::Gone);
            };
            let said: Value = serde_json::from_str(&line)
                .with_context(|| format!("a line of the interpreter is no JSON: {line}"))?;
            match said["do"].as_str().unwrap_or_default() {
                "begin" => {
                    self.current = Some(begun(&said));
                    deadline = Instant::now() + limit;
                }
                "end" => {
                    let mut run = self
                        .current
                        .take()
                        .context("a case ended that never began")?;
                    if said["passed"] == false {
                        run.outcome = Outcome::Failed(text(&said, "message"));
                    }
                    runs.push(run);
                    self.emulators.clear();
                    deadline = Instant::now() + limit;
                }
                "done" => return Ok(End::Done),
                _ => {
                    let answer = self.obey(&said).await;
                    let answer =
                        answer.unwrap_or_else(|error| json!({"error": format!("{error:#}")}));
                    // An interpreter that does not listen any more is found out on reading.
                    let _ = self.stdin.write_all(format!("{answer}\n").as_bytes()).await;
                }
            }
        }
    }

    async fn obey(&mut self, order: &Value) -> anyhow::Result<Value> {
        if order["do"] == "start" {
            let settings = Settings::deserialize(&order["settings"]).context("no such settings")?;
            let running = settings.start().await?;
            let mut answer = running.address();
            answer["emulator"] = self.emulators.len().into();
            self.emulators.push(running);
            return Ok(answer);
        }
        let number = order["emulator"]
            .as_u64()
            .and_then(|n| usize::try_from(n).ok());
        let emulator = number.and_then(|number| self.emulators.get(number));
        emulator.context("there is no such emulator")?.obey(order)
    }

    /// Ends the interpreter; what it said last.
    async fn end(&mut self) -> String {
        let _ = self.child.kill().await;
        (&mut self.words).await.unwrap_or_default()
    }
}

fn begun(said: &Value) -> Run {
    Run {
        case: text(said, "case"),
        backend: text(said, "backend"),
        form: text(said, "form"),
        outcome: Outcome::Passed,
    }
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// Runs a shell script in the place of the Python one; it gets the number of cases to skip as
    /// its third argument.
    async fn drive(script: &str, limit: Duration) -> anyhow::Result<Vec<Run>> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(script.as_bytes()).unwrap();
        let driver = Driver {
            python: PathBuf::from("sh"),
            script: file.path().to_path_buf(),
            package: "gemini",
            limit,
        };
        driver.run("caches").await
    }

    const BEGIN: &str =
        r#"echo '{"do": "begin", "case": "a.b/c", "backend": "mldev", "form": "sync"}'"#;
    const LONG: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn cases_are_told_line_by_line() {
        let script = format!(
            "{BEGIN}\necho '{{\"do\": \"start\", \"settings\": {{}}}}'\nread answer\n\
             case \"$answer\" in *http://127.0.0.1*) ok=true;; *) ok=false;; esac\n\
             echo \"{{\\\"do\\\": \\\"end\\\", \\\"passed\\\": $ok, \\\"message\\\": \\\"no\\\"}}\"\n\
             echo '{{\"do\": \"done\"}}'\n"
        );
        let runs = drive(&script, LONG).await.unwrap();
        assert_eq!(runs.len(), 1);
        assert_eq!(runs[0].case, "a.b/c");
        assert_eq!(runs[0].outcome, Outcome::Passed);
    }

    #[tokio::test]
    async fn the_next_case_has_its_turn_after_a_crash() {
        let script = format!(
            "{BEGIN}\nif [ \"$3\" = 0 ]; then echo broken >&2; exit 7; fi\n\
             echo '{{\"do\": \"end\", \"passed\": true, \"message\": \"\"}}'\n\
             echo '{{\"do\": \"done\"}}'\n"
        );
        let runs = drive(&script, LONG).await.unwrap();
        let outcomes: Vec<_> = runs.into_iter().map(|run| run.outcome).collect();
        let gone = "the interpreter went away: broken".to_owned();
        assert_eq!(outcomes, [Outcome::Failed(gone), Outcome::Passed]);
    }

    #[tokio::test]
    async fn a_case_that_hangs_is_given_up() {
        let script = format!(
            "if [ \"$3\" = 1 ]; then echo '{{\"do\": \"done\"}}'; exit; fi\n{BEGIN}\nread never\n"
        );
        let runs = drive(&script, Duration::from_secs(2)).await.unwrap();
        assert_eq!(
            runs[0].outcome,
            Outcome::Failed("no end after 2 s".to_owned())
        );
    }

    #[tokio::test]
    async fn cases_that_cannot_be_read_are_no_cases() {
        let error = drive("echo no module >&2; exit 1\n", LONG).await;
        assert_eq!(
            error.unwrap_err().to_string(),
            "the cases of caches did not start: the interpreter went away: no module"
        );
    }
}

//! Cases for our own client: how they are declared and run.

use std::fmt::Display;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use gimmal_emulator::{RecordedRequest, RouteMatcher};
use serde_json::Value;

use crate::conformance::sdk::emulators::{Running, Settings};
use crate::conformance::sdk::results::Outcome;

/// A service as a client can be set up for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Backend {
    /// The developer API.
    Mldev,
    /// Vertex AI with a project.
    Vertex,
    /// Vertex AI with a key alone.
    Express,
    /// The Tinker API.
    Tinker,
}

impl Backend {
    /// Both services.
    pub(super) const BOTH: &'static [Self] = &[Self::Mldev, Self::Vertex];
    /// The developer API alone.
    pub(super) const DEVELOPER: &'static [Self] = &[Self::Mldev];
    /// Vertex AI with a project alone.
    pub(super) const PROJECT: &'static [Self] = &[Self::Vertex];
    /// The Tinker API.
    pub(super) const TRAINING: &'static [Self] = &[Self::Tinker];
    /// Every way to reach the Gemini API.
    pub(super) const ALL: &'static [Self] = &[Self::Mldev, Self::Vertex, Self::Express];

    /// The name that the Python cases use.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Mldev => "mldev",
            Self::Vertex => "vertex",
            Self::Express => "vertex_express",
            Self::Tinker => "tinker",
        }
    }
}

/// What a case has at hand.
#[derive(Clone, Debug)]
pub(super) struct Bench {
    pub(super) backend: Backend,
    pub(super) running: Running,
}

impl Bench {
    /// The requests that came with this part in their path, oldest first.
    pub(super) fn requests(&self, path: &str) -> Vec<RecordedRequest> {
        let matcher = RouteMatcher::any().with_path_part(path);
        self.running.emulator.journal().requests(matcher)
    }

    /// The last of them.
    pub(super) fn last(&self, path: &str) -> anyhow::Result<RecordedRequest> {
        let last = self.requests(path).pop();
        last.with_context(|| format!("no request came with `{path}` in its path"))
    }

    /// The reply that this order describes waits for the next request.
    pub(super) fn script(&self, reply: &Value) -> anyhow::Result<()> {
        self.obey("script", "reply", reply)
    }

    /// The answers that this order describes are spoiled.
    pub(super) fn fault(&self, fault: &Value) -> anyhow::Result<()> {
        self.obey("fault", "fault", fault)
    }

    /// The clock of the emulator moves on.
    pub(super) fn advance(&self, seconds: f64) -> anyhow::Result<()> {
        self.obey("advance", "seconds", &seconds.into())
    }

    fn obey(&self, what: &str, member: &str, order: &Value) -> anyhow::Result<()> {
        let order = serde_json::json!({"do": what, member: order});
        self.running.obey(&order).map(|_| ())
    }
}

type Body = dyn Fn(Bench) -> BoxFuture<'static, anyhow::Result<()>> + Send + Sync;

/// One case on one back end.
pub(super) struct Case {
    name: String,
    backend: Backend,
    settings: Settings,
    body: Box<Body>,
}

impl Case {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn backend(&self) -> Backend {
        self.backend
    }

    /// The first word of the name.
    pub(super) fn area(&self) -> &str {
        self.name.split('.').next().unwrap_or(&self.name)
    }
}

/// A list of cases in the making.
#[derive(Default)]
pub(super) struct Cases(Vec<Case>);

impl Cases {
    /// The cases of one method, each on all of these back ends.
    pub(super) fn group<'a>(&'a mut self, on: &'a [Backend], method: &'a str) -> Group<'a> {
        Group {
            cases: self,
            on,
            method,
        }
    }

    pub(super) fn into_list(self) -> Vec<Case> {
        self.0
    }
}

/// The cases of one method in the making.
pub(super) struct Group<'a> {
    cases: &'a mut Cases,
    on: &'a [Backend],
    method: &'a str,
}

impl Group<'_> {
    /// Adds a case.
    pub(super) fn add<F, Fut>(&mut self, what: impl Display, body: F)
    where
        F: Fn(Bench) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        self.add_with(&Settings::default(), what, body);
    }

    /// Adds a case with settings of the emulator.
    pub(super) fn add_with<F, Fut>(&mut self, settings: &Settings, what: impl Display, body: F)
    where
        F: Fn(Bench) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        for backend in self.on {
            let body = body.clone();
            self.cases.0.push(Case {
                name: format!("{}/{what}", self.method),
                backend: *backend,
                settings: settings.clone(),
                body: Box::new(move |bench| body(bench).boxed()),
            });
        }
    }
}

/// Runs a case on an emulator of its own.
pub(super) async fn run(case: &Case, limit: Duration) -> Outcome {
    let running = match case.settings.start().await {
        Ok(running) => running,
        Err(error) => return Outcome::Failed(format!("no emulator: {error:#}")),
    };
    let bench = Bench {
        backend: case.backend,
        running,
    };
    // A panic is a failure of this case and of no other.
    let body = AssertUnwindSafe((case.body)(bench)).catch_unwind();
    match tokio::time::timeout(limit, body).await {
        Err(_) => Outcome::Failed(format!("no end after {} s", limit.as_secs())),
        Ok(Err(_)) => Outcome::Failed("it panicked".to_owned()),
        Ok(Ok(Err(error))) => Outcome::Failed(format!("{error:#}")),
        Ok(Ok(Ok(()))) => Outcome::Passed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn outcome<Fut>(body: impl Fn(Bench) -> Fut + Clone + Send + Sync + 'static) -> Outcome
    where
        Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let mut cases = Cases::default();
        cases
            .group(&[Backend::Vertex], "caches.get")
            .add("name", body);
        let cases = cases.into_list();
        assert_eq!(
            (cases[0].area(), cases[0].backend().name()),
            ("caches", "vertex")
        );
        run(&cases[0], Duration::from_secs(1)).await
    }

    #[tokio::test(start_paused = true)]
    async fn every_end_of_a_case_is_an_outcome() {
        assert_eq!(outcome(|_| async { Ok(()) }).await, Outcome::Passed);
        let failed = outcome(|_| async { anyhow::bail!("it rained") }).await;
        assert_eq!(failed, Outcome::Failed("it rained".to_owned()));
        let late = outcome(|_| std::future::pending()).await;
        assert_eq!(late, Outcome::Failed("no end after 1 s".to_owned()));
    }
}

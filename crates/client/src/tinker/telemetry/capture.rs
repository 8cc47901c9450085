//! Reports what goes wrong in a piece of work, and lets it go wrong all the same.

use std::error::Error as StdError;
use std::future::Future;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;

use futures_util::FutureExt as _;
use gimmal_types::tinker::Severity;

use super::{ErrorReport, Reporter};

/// Whether the session cannot go on after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fatal {
    /// It cannot: the end of the session is told too, and everything is sent at once.
    Yes,
    /// It can.
    No,
}

/// Whoever may have a reporter.
pub trait TelemetryProvider {
    /// The reporter; none by default.
    fn telemetry(&self) -> Option<Arc<Reporter>> {
        None
    }
}

/// Runs `work` and reports a panic of it, which goes on afterwards.
pub async fn capture<F: Future>(
    reporter: Option<&Reporter>,
    fatal: Fatal,
    severity: Severity,
    work: F,
) -> F::Output {
    let Some(reporter) = reporter else {
        return work.await;
    };
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(output) => output,
        Err(payload) => {
            let report = ErrorReport::of_panic(&*payload);
            tell(reporter, fatal, &severity, &report).await;
            resume_unwind(payload)
        }
    }
}

/// Runs `work` and reports its error or its panic, which goes on afterwards.
pub async fn capture_result<T, E, F>(
    reporter: Option<&Reporter>,
    fatal: Fatal,
    severity: Severity,
    work: F,
) -> Result<T, E>
where
    E: StdError + 'static,
    F: Future<Output = Result<T, E>>,
{
    let result = capture(reporter, fatal, severity.clone(), work).await;
    if let (Some(reporter), Err(error)) = (reporter, &result) {
        tell(reporter, fatal, &severity, &ErrorReport::of(error)).await;
    }
    result
}

async fn tell(reporter: &Reporter, fatal: Fatal, severity: &Severity, report: &ErrorReport) {
    match fatal {
        Fatal::Yes => {
            // In a box, since all work that is watched would have room for it.
            reporter.log_fatal(report, severity).boxed().await;
        }
        Fatal::No => {
            reporter.log_exception(report, severity);
        }
    }
}

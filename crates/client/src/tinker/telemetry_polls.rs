//! Tells telemetry what goes wrong while promises are asked for. Headers, which carry credentials,
//! and bodies are not told.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use gimmal_api::tinker::polling::PollReply;
use gimmal_api::tinker::session_futures::SessionQuestion;
use gimmal_api::tinker::{category, is_user_error};
use gimmal_transport::Error;
use gimmal_types::tinker::Severity;
use serde_json::{Map, Value, json};

use super::calls::Calls;
use super::promise::{News, Promise, PromiseApi, Question};
use super::telemetry::Reporter;

/// The calls of a client, with a reporter that hears of their failures.
#[derive(Debug)]
pub(crate) struct ToldPolls {
    calls: Calls,
    reporter: Arc<Reporter>,
}

impl ToldPolls {
    pub(crate) fn new(calls: Calls, reporter: Arc<Reporter>) -> Self {
        Self { calls, reporter }
    }
}

impl PromiseApi for ToldPolls {
    fn retrieve<'a>(&'a self, question: Question<'a>) -> BoxFuture<'a, PollReply> {
        self.calls.retrieve(question)
    }

    fn retrieve_many<'a>(
        &'a self,
        session: &'a str,
        clone_id: u64,
        question: &'a SessionQuestion,
    ) -> BoxFuture<'a, Result<News, Error>> {
        self.calls.retrieve_many(session, clone_id, question)
    }

    fn note(&self, event: &'static str, promise: &Promise, iteration: u32, error: &Error) {
        let user = is_user_error(error);
        let passing = error.status().is_none_or(|status| {
            status.is_server_error() || matches!(status.as_u16(), 408 | 410 | 429)
        });
        let severity = match user || (passing && event != "application_error") {
            true => Severity::Warning,
            false => Severity::Error,
        };
        let name = format!("APIFuture.result_async.{event}");
        let data = data(promise, iteration, error, user);
        self.reporter.log(&name, data, &severity);
    }
}

fn data(promise: &Promise, iteration: u32, error: &Error, user: bool) -> Map<String, Value> {
    let told = json!({
        "request_id": promise.request_id,
        "request_type": promise.request_type.name(),
        "status_code": error.status().map(|status| status.as_u16()),
        "exception_type": error.kind().as_str(),
        "exception": error.to_string(),
        "error_category": category(error).name(),
        "is_user_error": user,
        "iteration": iteration,
    });
    match told {
        Value::Object(told) => told,
        _ => Map::new(),
    }
}

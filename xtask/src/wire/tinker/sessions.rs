//! Plays records of Tinker: calls that stand alone, calls that go on with a session, and whole
//! sessions.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::data::in_snake_case;
use super::record::Call;
use super::session::Session;
use super::{endpoints, flow, rest, sampling, service, training};
use crate::wire::answer::Answer;
use crate::wire::arguments::Arguments;
use crate::wire::failure::Failure;
use crate::wire::names;

/// No call takes longer than this, by the clock of the runtime, which does not really wait.
const PATIENCE: Duration = Duration::from_secs(4 * 3_600);
/// What a call leaves to be done in the background is done within this time.
pub(super) const AFTERMATH: Duration = Duration::from_millis(100);

/// True for a call of one of the clients, an endpoint, or a session.
pub(in crate::wire) fn is_record(record: &Value) -> bool {
    let method = record["method"].as_str().unwrap_or_default();
    let class = method.split_once('.').map_or("", |(class, _)| class);
    record.get("steps").is_some()
        || endpoints::is_endpoint(method)
        || matches!(
            class,
            "AdminClient" | "RestClient" | "SamplingClient" | "ServiceClient" | "TrainingClient"
        )
}

/// The sessions whose calls come one by one, each with the place of the call that comes next, and
/// the calls that were made in them.
#[derive(Default)]
pub(in crate::wire) struct Sessions {
    open: RefCell<BTreeMap<String, (u64, Session)>>,
    calls: RefCell<BTreeMap<String, BTreeMap<u64, Value>>>,
}

impl Sessions {
    /// Makes the calls of a record.
    pub(in crate::wire) async fn answer(&self, record: Value) -> Answer {
        if record.get("steps").is_some() {
            let id = record["id"].as_str().unwrap_or_default();
            let known = self.calls.borrow().get(id).cloned().unwrap_or_default();
            return flow::play(record, known).await;
        }
        let call = match Call::read(record.clone()) {
            Ok(call) => call,
            Err(answer) => return *answer,
        };
        if let Some((flow, n)) = &call.place {
            let mut calls = self.calls.borrow_mut();
            calls.entry(flow.clone()).or_default().insert(*n, record);
        }
        if !names::is_known(&call.method) {
            let why = format!("`{}` is no call of the reference", call.method);
            return Answer::refused(call.id, "method", why);
        }
        let kept = call.place.as_ref().and_then(|(flow, n)| {
            let (next, session) = self.open.borrow_mut().remove(flow)?;
            (next == *n).then_some(session)
        });
        let is_new = kept.is_none();
        let session = kept.map_or_else(|| Session::new(&call.client), Ok);
        let mut session = match session {
            Ok(session) => session,
            Err(failure) => return Answer::of(call.id, Vec::new(), Err(failure)),
        };
        let outcome = in_time(play(&mut session, &call, is_new)).await;
        let requests = session.stage.stop();
        if let Some((flow, n)) = call.place {
            self.open.borrow_mut().insert(flow, (n + 1, session));
        }
        Answer::of(call.id, requests, outcome)
    }
}

/// Prepares for a call and makes it.
async fn play(session: &mut Session, call: &Call, is_new: bool) -> Result<Value, Failure> {
    session.prepare(call, is_new).await?;
    session.stage.play(&call.exchanges, false)?;
    let outcome = make(session, call).await;
    tokio::time::sleep(AFTERMATH).await;
    outcome
}

/// Makes a call.
pub(super) async fn make(session: &mut Session, call: &Call) -> Result<Value, Failure> {
    let mut given = Arguments::new(in_snake_case(call.arguments.clone()));
    if endpoints::is_endpoint(&call.method) {
        return endpoints::make(session, &call.method, given).await;
    }
    let (class, name) = call.method.split_once('.').unwrap_or_default();
    let given = &mut given;
    let result = match class {
        "AdminClient" => rest::administer(&session.admin, name, given).await,
        "RestClient" => rest::make(&session.rest, &session.admin, name, given).await,
        // The reference's own way to make one; there the service client is an argument.
        "SamplingClient" if name == "create" => {
            service::make(session, "create_sampling_client", given).await
        }
        "SamplingClient" => sampling::make(session, name, call, given).await,
        "ServiceClient" => service::make(session, name, given).await,
        _ => training::make(session, name, given).await,
    };
    match result {
        // What no call takes is the record's fault, whatever the server said.
        Ok(_) | Err(Failure::Call(_)) => std::mem::take(given).finish("").and(result),
        refused => refused,
    }
}

/// What cannot end any more is a failure.
pub(super) async fn in_time<T>(
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let late = |_| Failure::refused("exchanges", "the call does not end with these replies");
    tokio::time::timeout(PATIENCE, work).await.map_err(late)?
}

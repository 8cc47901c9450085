//! Whole sessions: every step in its order, with the clients that the recorder made beforehand and
//! the end that it came to. What goes on in the background is part of it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::record::{Call, recorded};
use super::session::Session;
use super::sessions::{AFTERMATH, in_time, make};
use crate::wire::answer::Answer;
use crate::wire::arguments::Arguments;
use crate::wire::failure::Failure;

/// By then a session has had its second heartbeat.
const TWO_HEARTBEATS: Duration = Duration::from_secs(25);

/// Plays a session. Its steps are in the record, as `calls`, or `known` from before.
pub(super) async fn play(record: Value, known: BTreeMap<u64, Value>) -> Answer {
    let id = record["id"].clone();
    match Flow::read(record, known) {
        Err(failure) => Answer::of(id, Vec::new(), Err(failure)),
        Ok(flow) => match Session::new(&flow.opening.client) {
            Err(failure) => Answer::of(id, Vec::new(), Err(failure)),
            Ok(mut session) => {
                let outcome = in_time(flow.play(&mut session)).await;
                let requests = session.stage.stop();
                Answer::of(id, requests, outcome.map(|()| Value::Null))
            }
        },
    }
}

struct Flow {
    /// The whole log, as if it were one call.
    opening: Call,
    calls: Vec<Call>,
}

impl Flow {
    fn read(mut record: Value, known: BTreeMap<u64, Value>) -> Result<Self, Failure> {
        let refuse = |field: &str, why: &str| Failure::refused(field, why);
        let steps = record["steps"].as_array().map_or(0, Vec::len);
        let calls = match record["calls"].take() {
            Value::Array(calls) => calls,
            _ => known.into_values().collect(),
        };
        if calls.len() != steps {
            let why = "are names only; play the calls before the session, or give them as `calls`";
            return Err(refuse("steps", why));
        }
        record["method"] = json!("session");
        record["arguments"] = json!({});
        record["exchanges"] = record["log"].take();
        let unreadable = |_| refuse("log", "cannot be read");
        let opening = Call::read(record).map_err(unreadable)?;
        let unreadable = |_| refuse("calls", "cannot be read");
        let calls = calls.into_iter().map(Call::read);
        let calls = calls.collect::<Result<_, _>>().map_err(unreadable)?;
        Ok(Self { opening, calls })
    }

    async fn play(&self, session: &mut Session) -> Result<(), Failure> {
        session.stage.play(&self.opening.exchanges, true)?;
        self.set_up(session).await?;
        for call in &self.calls {
            session.prepare(call, false).await?;
            // What becomes of it is compared call by call.
            drop(make(session, call).await);
            tokio::time::sleep(AFTERMATH).await;
        }
        if self.opening.recorded("session_heartbeat").next().is_some() {
            tokio::time::sleep(TWO_HEARTBEATS).await;
        }
        self.close(session).await
    }

    /// Makes the clients that the steps begin with.
    async fn set_up(&self, session: &mut Session) -> Result<(), Failure> {
        for (path, method) in [
            ("create_model", "create_lora_training_client"),
            ("create_sampling_session", "create_sampling_client"),
        ] {
            let in_calls = self
                .calls
                .iter()
                .flat_map(|call| call.recorded(path))
                .count();
            let before = recorded(&self.opening.exchanges, path).count() - in_calls;
            for made in recorded(&self.opening.exchanges, path).take(before) {
                let base_model = json!({"base_model": made["base_model"]});
                let arguments = base_model.as_object().cloned().unwrap_or_default();
                let given = &mut Arguments::new(arguments);
                super::service::make(session, method, given).await?;
            }
        }
        Ok(())
    }

    /// Ends the session as it was ended, unless a step did.
    async fn close(&self, session: &Session) -> Result<(), Failure> {
        let log = self
            .opening
            .exchanges
            .iter()
            .map(|exchange| &exchange["request"]);
        let is_finish =
            |path: &str| path.starts_with("/api/v1/sessions/") && path.ends_with("/finish");
        let mut finishes = log.filter(|request| is_finish(request["path"].as_str().unwrap_or("")));
        if let Some(finish) = finishes.next() {
            let body = &finish["body"]["json"];
            let status = body["reason"]["type"].as_str().unwrap_or("success");
            session
                .service
                .close(status, body["detail"].as_str())
                .await?;
        }
        Ok(())
    }
}

//! The calls that fetch results: of one request, of all that ended in a sampling session, and giving
//! one up. They wait, so that nobody has to ask again and again.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use crate::reply::Reply;

use super::{
    engine::Problem,
    futures::{Outcome, Polled},
    refusal::Refusal,
    requests::{self, read},
    service::{Asked, Tinker, ok},
};

const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");

pub(crate) async fn retrieve_future(tinker: &Tinker, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let request: requests::RetrieveFuture = read(asked.json())?;
    let limit = request
        .allow_metadata_only
        .then_some(tinker.settings.announce_over);
    let id = &request.request_id;
    match tinker.futures.poll(id, limit, enough(tinker)).await {
        Polled::Gone => Err(Refusal::gone(format!("there is no request {id}"))),
        Polled::Announced(size) => ok(&json!({
            "status": "complete_metadata", "response_payload_size": size,
        })),
        Polled::Pending => {
            let (state, reason) = tinker.pacing.state();
            let body = json!({
                "type": "try_again", "request_id": id, "queue_state": state.name(),
                "queue_state_reason": reason,
            });
            Ok(Reply::json(StatusCode::REQUEST_TIMEOUT, &body))
        }
        Polled::Ready(Outcome::Json(value)) => ok(&value),
        Polled::Ready(Outcome::Proto(bytes)) => Ok(protobuf(bytes)),
        Polled::Ready(Outcome::Failed(problem)) => ok(&json!({
            "error": problem.message, "category": category(&problem),
        })),
    }
}

pub(crate) async fn retrieve_futures(tinker: &Tinker, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let request: requests::RetrieveFutures = read(asked.json())?;
    let id = &request.target.sampling_session_id;
    let sampler = tinker
        .samplers
        .get(id)
        .ok_or_else(|| Refusal::gone(format!("there is no sampling session {id}")))?;
    for fetched in &request.retrieved_request_ids {
        tinker.futures.forget(fetched);
    }
    let stream = sampler.stream(request.target.cloned_sampler_id);
    let (completions, cursor) = match request.timeout {
        Some(seconds) => {
            let wait = Duration::try_from_secs_f64(seconds)
                .map_err(|_| Refusal::invalid("timeout", "must be a number of seconds"))?;
            let wait = wait.min(tinker.settings.hold);
            let enough = async {
                if !wait.is_zero() {
                    tinker.clock.sleep(wait).await;
                }
            };
            stream.after(request.prev_cursor, enough).await
        }
        None => stream.after(request.prev_cursor, enough(tinker)).await,
    };
    ok(&json!({"completions": completions, "cursor": cursor}))
}

pub(crate) fn cancel_future(tinker: &Arc<Tinker>, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let request: requests::CancelFuture = read(asked.json())?;
    let cancelled = Problem::user("the request was cancelled");
    tinker
        .futures
        .finish(&request.request_id, Outcome::Failed(cancelled));
    ok(&json!({}))
}

/// Ends when a poll has been held for long enough, or the server stops.
async fn enough(tinker: &Tinker) {
    tokio::select! {
        () = tinker.hold() => {}
        () = tinker.stopping.cancelled() => {}
    }
}

fn protobuf(bytes: Bytes) -> Reply {
    let mut reply = Reply::text(StatusCode::OK, bytes);
    reply.headers.insert(header::CONTENT_TYPE, PROTOBUF);
    reply
}

fn category(problem: &Problem) -> &'static str {
    if problem.by_user { "user" } else { "server" }
}

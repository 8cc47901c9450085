//! The calls on operations: get, list, cancel, delete, wait, and the one by which a model of Vertex
//! is asked about its own.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    gemini::{
        caches::parse_duration,
        errors::ApiError,
        fields::{self, string},
        operations::Operations,
        page,
        service::{Call, Gemini, Incoming},
    },
    reply::Reply,
    route::Route,
};

const DEFAULT_PAGE: usize = 50;
/// How long a call waits that does not say so.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

impl Gemini {
    /// How long a request is held back before it is answered: a wait, until the operation is done
    /// or the caller's patience ends.
    pub(crate) fn pause_before(&self, incoming: &Incoming<'_>) -> Duration {
        if incoming.target.route != Route::WaitOperation {
            return Duration::ZERO;
        }
        let name = &incoming.target.resource;
        let left = self.operations.left(&incoming.owner(), name, incoming.now);
        let body = incoming.body.as_ref().ok().and_then(Option::as_deref);
        let patience = match body.and_then(|body| body.get("timeout")) {
            None => LONGEST_WAIT,
            // A patience that cannot be read is refused, and at once.
            Some(text) => text.as_str().and_then(parse_duration).unwrap_or_default(),
        };
        left.unwrap_or_default().min(patience)
    }
}

impl Operations {
    /// `GET {operation}`, and the end of `POST {operation}:wait`.
    pub(crate) fn answer_get(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let name = &call.target.resource;
        let project = call.target.parent.as_ref();
        // Of a project's operations, any can be asked for by its identifier alone.
        let by_id = project.and_then(|project| {
            let rest = name.strip_prefix(project.as_str())?;
            self.name_of(&call.owner(), rest.strip_prefix("/operations/")?)
        });
        self.describe(call, by_id.as_deref().unwrap_or(name))
    }

    /// `POST {operation}:wait`: what it has waited for was waited for before.
    pub(crate) fn answer_wait(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let request = call.body()?;
        fields::WAIT_OPERATION_REQUEST.check(request, "", call.target.backend)?;
        if let Some(text) = string(request, "timeout", "")?
            && parse_duration(text).is_none()
        {
            return Err(ApiError::invalid_value(
                "timeout",
                "type.googleapis.com/google.protobuf.Duration",
                &Value::from(text),
            ));
        }
        self.describe(call, &call.target.resource)
    }

    /// `POST {model}:fetchPredictOperation`.
    pub(crate) fn answer_fetch(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let request = call.body()?;
        fields::FETCH_PREDICT_OPERATION_REQUEST.check(request, "", call.target.backend)?;
        let name = string(request, "operationName", "")?.unwrap_or_default();
        let model = call.target.model_name(&call.target.resource);
        let its_own = name
            .strip_prefix(&model)
            .is_some_and(|rest| rest.starts_with("/operations/"));
        if !its_own {
            return Err(ApiError::invalid_argument(format!(
                "The operation name \"{name}\" is not one of {model}."
            )));
        }
        self.describe(call, name)
    }

    /// `GET {parent}/operations`.
    pub(crate) fn answer_list(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let page = page::Request::read(call.query, DEFAULT_PAGE)?;
        let mut own = self.list(&call.owner(), &call.target.resource, call.now);
        own.retain(|(number, _)| page.after.is_none_or(|after| *number > after));
        let more = own.len() > page.size;
        own.truncate(page.size);
        let mut body = json!({});
        if let Some((last, _)) = own.last().filter(|_| more) {
            body["nextPageToken"] = page::token(*last).into();
        }
        if !own.is_empty() {
            body["operations"] = own.into_iter().map(|(_, shown)| shown).collect();
        }
        Ok(Reply::json(StatusCode::OK, &body))
    }

    /// `POST {operation}:cancel`.
    pub(crate) fn answer_cancel(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        self.cancel(&call.owner(), &call.target.resource)?;
        Ok(Reply::json(StatusCode::OK, &json!({})))
    }

    /// `DELETE {operation}`.
    pub(crate) fn answer_delete(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        self.forget(&call.owner(), &call.target.resource)?;
        Ok(Reply::json(StatusCode::OK, &json!({})))
    }

    fn describe(&self, call: &Call<'_>, name: &str) -> Result<Reply, ApiError> {
        let shown = self.get(&call.owner(), name, call.now)?;
        Ok(Reply::json(StatusCode::OK, &shown))
    }
}

//! Calls of the REST and administration clients that are one request each.

use gimmal_api::tinker::{AuditQuery, ListQuery, ListTrainingRuns, Page, Tinker, with_sdk_method};
use gimmal_client::CallOptions;
use gimmal_types::tinker::{
    AccessScope, CheckpointTtlRequest, CheckpointType, CopyWeightsRequest, GetBillingUsageRequest,
    GetCurrentCheckpointStorageUsageRequest, ParsedCheckpointTinkerPath, SessionProjectRequest,
    SessionSearchRequest, WeightsInfoRequest,
};
use serde::Serialize;
use serde_json::Value;

use crate::wire::arguments::{Arguments, decode};
use crate::wire::failure::Failure;
use crate::wire::python;

/// The calls, in the order of their names.
const CALLS: [&str; 23] = [
    "AdminClient.get_audit_log",
    "AdminClient.get_billing_usage",
    "AdminClient.get_current_checkpoint_storage_usage",
    "RestClient.assign_session_project",
    "RestClient.copy_weights",
    "RestClient.delete_checkpoint",
    "RestClient.delete_checkpoint_from_tinker_path",
    "RestClient.get_external_weights_urls",
    "RestClient.get_sampler",
    "RestClient.get_server_capabilities",
    "RestClient.get_session",
    "RestClient.get_training_run",
    "RestClient.get_training_run_by_tinker_path",
    "RestClient.get_weights_info_by_tinker_path",
    "RestClient.list_checkpoints",
    "RestClient.list_sessions",
    "RestClient.list_training_runs",
    "RestClient.list_user_checkpoints",
    "RestClient.publish_checkpoint_from_tinker_path",
    "RestClient.search_sessions",
    "RestClient.set_checkpoint_ttl_from_tinker_path",
    "RestClient.unpublish_checkpoint_from_tinker_path",
    "ServiceClient.get_server_capabilities",
];

/// The call of this name, when it is one of these.
pub(super) fn find(method: &str) -> Option<&'static str> {
    CALLS.into_iter().find(|call| *call == method)
}

/// Makes the call.
pub(super) async fn make(
    tinker: &Tinker,
    call: &'static str,
    mut given: Arguments,
) -> Result<Value, Failure> {
    let options = with_sdk_method(&CallOptions::new(), call);
    let options = &options;
    let name = call.split_once('.').map_or("", |(_, name)| name);
    let result = match name {
        "get_server_capabilities" => dump(tinker.get_server_capabilities(options).await?.body()),
        "get_training_run" => {
            let (run, scope) = (given.text("training_run_id")?, scope(&mut given)?);
            dump(tinker.get_training_run(&run, &scope, options).await?.body())
        }
        "get_training_run_by_tinker_path" => {
            let (path, scope) = (path(&mut given, "tinker_path")?, scope(&mut given)?);
            let run = path.training_run_id();
            dump(tinker.get_training_run(run, &scope, options).await?.body())
        }
        "get_weights_info_by_tinker_path" => {
            let path = path(&mut given, "tinker_path")?;
            let request = WeightsInfoRequest::new().set_tinker_path(path.tinker_path());
            dump(tinker.weights_info(&request, options).await?.body())
        }
        "list_training_runs" => {
            let mut list = ListTrainingRuns::new(list(&mut given)?);
            list.project_id = optional(&mut given, "project_id")?;
            dump(tinker.list_training_runs(&list, options).await?.body())
        }
        "list_sessions" => {
            let list = list(&mut given)?;
            dump(tinker.list_sessions(&list, options).await?.body())
        }
        "list_checkpoints" => {
            let run = given.text("training_run_id")?;
            dump(tinker.list_checkpoints_of_run(&run, options).await?.body())
        }
        "list_user_checkpoints" => {
            let page = page(&mut given, 100)?;
            dump(tinker.list_checkpoints(page, options).await?.body())
        }
        "get_session" => {
            let (session, scope) = (given.text("session_id")?, scope(&mut given)?);
            dump(tinker.get_session(&session, &scope, options).await?.body())
        }
        "assign_session_project" => {
            let session = given.text("session_id")?;
            let project = SessionProjectRequest::new().set_project_id(given.text("project_id")?);
            tinker
                .assign_session_project(&session, &project, options)
                .await?;
            Ok(Value::Null)
        }
        "get_sampler" => {
            let sampler = given.text("sampler_id")?;
            dump(tinker.get_sampler(&sampler, options).await?.body())
        }
        "search_sessions" => {
            let request: SessionSearchRequest = given.required("request")?;
            dump(tinker.search_sessions(&request, options).await?.body())
        }
        "copy_weights" => {
            let mut request = CopyWeightsRequest::new().set_source_path(given.text("path")?);
            request.destination_project_id = optional(&mut given, "destination_project_id")?;
            request.ttl_seconds = optional(&mut given, "ttl_seconds")?;
            request.weights_access_token = optional(&mut given, "weights_access_token")?;
            let copy = tinker.copy_weights(&request, options).await?.into_body();
            Ok(copy.tinker_path.into())
        }
        "get_audit_log" => {
            let kind: Option<String> = optional(&mut given, "event_type")?;
            let mut query = kind.map_or_else(AuditQuery::default, AuditQuery::new);
            query.day = optional(&mut given, "day")?;
            dump(tinker.audit_log(&query, options).await?.body())
        }
        "get_billing_usage" => {
            let request: GetBillingUsageRequest = given.rest("arguments")?;
            return dump(tinker.billing_usage(&request, options).await?.body());
        }
        "get_current_checkpoint_storage_usage" => {
            let request: GetCurrentCheckpointStorageUsageRequest = given.rest("arguments")?;
            let usage = tinker.current_checkpoint_storage(&request, options).await?;
            return dump(usage.body());
        }
        _ => checkpoint(tinker, name, &mut given, options).await,
    }?;
    given.finish("")?;
    Ok(result)
}

/// Calls about one checkpoint.
async fn checkpoint(
    tinker: &Tinker,
    name: &str,
    given: &mut Arguments,
    options: &CallOptions,
) -> Result<Value, Failure> {
    let path = if name == "delete_checkpoint" {
        let run = given.text("training_run_id")?;
        ParsedCheckpointTinkerPath::of(&run, &given.text("checkpoint_id")?).map_err(refused)?
    } else {
        path(given, "tinker_path")?
    };
    let (run, id) = (path.training_run_id(), path.checkpoint_id());
    match name {
        "get_external_weights_urls" => {
            path.require(&CheckpointType::External).map_err(refused)?;
            let urls = tinker.external_weights_urls(run, id, options).await?;
            return dump(urls.body());
        }
        "publish_checkpoint_from_tinker_path" => {
            tinker.publish_checkpoint(run, id, options).await?;
        }
        "unpublish_checkpoint_from_tinker_path" => {
            tinker.unpublish_checkpoint(run, id, options).await?;
        }
        "set_checkpoint_ttl_from_tinker_path" => {
            let ttl = given.take("ttl_seconds").unwrap_or_default();
            let request = CheckpointTtlRequest::new().set_ttl_seconds(ttl);
            tinker
                .set_checkpoint_ttl(run, id, &request, options)
                .await?;
        }
        _ => {
            tinker.delete_checkpoint(run, id, options).await?;
        }
    }
    Ok(Value::Null)
}

fn path(given: &mut Arguments, name: &str) -> Result<ParsedCheckpointTinkerPath, Failure> {
    given.text(name)?.parse().map_err(refused)
}

fn refused(error: gimmal_types::tinker::InvalidInput) -> Failure {
    Failure::refused(error.field(), error.reason())
}

fn scope(given: &mut Arguments) -> Result<AccessScope, Failure> {
    Ok(optional(given, "access_scope")?.unwrap_or_default())
}

fn page(given: &mut Arguments, limit: u64) -> Result<Page, Failure> {
    let limit = optional(given, "limit")?.unwrap_or(limit);
    Ok(Page::new(limit, optional(given, "offset")?.unwrap_or(0)))
}

fn list(given: &mut Arguments) -> Result<ListQuery, Failure> {
    Ok(ListQuery::new(page(given, 20)?, scope(given)?))
}

fn optional<T: serde::de::DeserializeOwned>(
    given: &mut Arguments,
    name: &str,
) -> Result<Option<T>, Failure> {
    given
        .take(name)
        .map(|value| decode(name, value))
        .transpose()
}

fn dump<T: Serialize>(value: &T) -> Result<Value, Failure> {
    python::dump(value).map_err(|error| Failure::refused("result", error.to_string()))
}

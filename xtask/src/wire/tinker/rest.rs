//! Calls of the REST and administration clients.

use gimmal_api::tinker::{AuditQuery, ListQuery, ListTrainingRuns, Page};
use gimmal_client::tinker::{AdminClient, RestClient};
use gimmal_types::tinker::{AccessScope, CopyWeightsRequest, SessionSearchRequest};
use serde::Serialize;
use serde_json::Value;

use super::data::optional;
use super::service::telemetry;
use crate::wire::arguments::Arguments;
use crate::wire::failure::Failure;
use crate::wire::python;

/// Makes a call of the REST client.
pub(super) async fn make(
    rest: &RestClient,
    admin: &AdminClient,
    name: &str,
    given: &mut Arguments,
) -> Result<Value, Failure> {
    match name {
        "get_server_capabilities" => dump(&rest.get_server_capabilities().await?),
        "get_training_run" => {
            let (run, scope) = (given.text("training_run_id")?, scope(given)?);
            dump(&rest.get_training_run(&run, scope).await?)
        }
        "get_training_run_by_tinker_path" => {
            let (path, scope) = (given.text("tinker_path")?, scope(given)?);
            dump(&rest.get_training_run_by_tinker_path(&path, scope).await?)
        }
        "get_weights_info_by_tinker_path" => {
            let path = given.text("tinker_path")?;
            dump(&rest.get_weights_info_by_tinker_path(&path).await?)
        }
        "list_training_runs" => {
            let mut list = ListTrainingRuns::new(list(given)?);
            list.project_id = optional(given, "project_id")?;
            dump(&rest.list_training_runs(&list).await?)
        }
        "list_sessions" => dump(&rest.list_sessions(&list(given)?).await?),
        "list_checkpoints" => {
            let run = given.text("training_run_id")?;
            dump(&rest.list_checkpoints(&run).await?)
        }
        "list_user_checkpoints" => {
            let Page { limit, offset } = page(given, 100)?;
            dump(&rest.list_user_checkpoints(limit, offset).await?)
        }
        "get_session" => {
            let (session, scope) = (given.text("session_id")?, scope(given)?);
            dump(&rest.get_session(&session, scope).await?)
        }
        "assign_session_project" => {
            let session = given.text("session_id")?;
            let project = given.text("project_id")?;
            dump(&rest.assign_session_project(&session, &project).await?)
        }
        "export_session_trace" => {
            let session = given.text("session_id")?;
            dump(&rest.export_session_trace(&session).await?)
        }
        "get_sampler" => dump(&rest.get_sampler(&given.text("sampler_id")?).await?),
        "search_sessions" => {
            let request: SessionSearchRequest = given.required("request")?;
            dump(&rest.search_sessions(&request).await?)
        }
        "copy_weights" => dump(&rest.copy_weights(copy_of(given)?).await?),
        "delete_checkpoint" => {
            let run = given.text("training_run_id")?;
            let id = given.text("checkpoint_id")?;
            dump(&rest.delete_checkpoint(&run, &id).await?)
        }
        "delete_checkpoint_from_tinker_path" => {
            let path = given.text("tinker_path")?;
            dump(&rest.delete_checkpoint_from_tinker_path(&path).await?)
        }
        "get_external_weights_urls" => {
            let path = given.text("tinker_path")?;
            dump(&rest.get_external_weights_urls(&path).await?)
        }
        "publish_checkpoint_from_tinker_path" => {
            let path = given.text("tinker_path")?;
            dump(&rest.publish_checkpoint_from_tinker_path(&path).await?)
        }
        "unpublish_checkpoint_from_tinker_path" => {
            let path = given.text("tinker_path")?;
            dump(&rest.unpublish_checkpoint_from_tinker_path(&path).await?)
        }
        "set_checkpoint_ttl_from_tinker_path" => {
            let path = given.text("tinker_path")?;
            let ttl = optional(given, "ttl_seconds")?;
            dump(&rest.set_checkpoint_ttl_from_tinker_path(&path, ttl).await?)
        }
        "whoami" => dump(&rest.whoami().await?),
        "get_telemetry" => Ok(telemetry(rest.get_telemetry().await?.is_some())),
        // The reference passes these on as well.
        "get_audit_log" | "get_billing_usage" | "get_current_checkpoint_storage_usage" => {
            administer(admin, name, given).await
        }
        _ => Err(Failure::unimplemented(format!("RestClient.{name}"))),
    }
}

/// Makes a call of the administration client.
pub(super) async fn administer(
    admin: &AdminClient,
    name: &str,
    given: &mut Arguments,
) -> Result<Value, Failure> {
    let all = |given: &mut Arguments| std::mem::take(given);
    match name {
        "get_audit_log" => {
            let kind: Option<String> = optional(given, "event_type")?;
            let mut query = kind.map_or_else(AuditQuery::default, AuditQuery::new);
            query.day = optional(given, "day")?;
            dump(&admin.get_audit_log(&query).await?)
        }
        "get_billing_usage" => {
            let request = all(given).rest("arguments")?;
            dump(&admin.get_billing_usage(&request).await?)
        }
        "get_current_checkpoint_storage_usage" => {
            let request = all(given).rest("arguments")?;
            dump(&admin.get_current_checkpoint_storage_usage(&request).await?)
        }
        "get_telemetry" => Ok(telemetry(admin.get_telemetry().await?.is_some())),
        _ => Err(Failure::unimplemented(format!("AdminClient.{name}"))),
    }
}

/// A copy as the arguments describe it.
pub(super) fn copy_of(given: &mut Arguments) -> Result<CopyWeightsRequest, Failure> {
    let mut request = CopyWeightsRequest::new().set_source_path(given.text("path")?);
    request.destination_project_id = optional(given, "destination_project_id")?;
    request.ttl_seconds = optional(given, "ttl_seconds")?;
    request.weights_access_token = optional(given, "weights_access_token")?;
    Ok(request)
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

/// A result under the reference's names.
pub(super) fn dump<T: Serialize + ?Sized>(value: &T) -> Result<Value, Failure> {
    python::dump(&value).map_err(|error| Failure::refused("result", error.to_string()))
}

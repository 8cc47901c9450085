//! Requests: sessions: opening, keeping alive, ending, finding.

use gimmal_transport::{Error, Request};
use gimmal_types::tinker::{
    AccessScope, CreateSessionRequest, FinishSessionRequest, SessionHeartbeatRequest,
    SessionProjectRequest, SessionSearchRequest,
};

use super::{get, invalid, post, put};
use crate::tinker::Endpoint;
use crate::tinker::ListQuery;
use crate::tinker::endpoint::segment;

/// Builds the request of [`create_session`](crate::tinker::Tinker::create_session).
///
/// # Errors
///
/// None that a caller could cause.
pub fn create_session(
    endpoint: &Endpoint,
    request: &CreateSessionRequest,
) -> Result<Request, Error> {
    post(endpoint, "create_session", request)
}

/// Builds the request of [`session_heartbeat`](crate::tinker::Tinker::session_heartbeat).
///
/// # Errors
///
/// None that a caller could cause.
pub fn session_heartbeat(
    endpoint: &Endpoint,
    request: &SessionHeartbeatRequest,
) -> Result<Request, Error> {
    post(endpoint, "session_heartbeat", request)
}

/// Builds the request of [`finish_session`](crate::tinker::Tinker::finish_session).
///
/// # Errors
///
/// Fails on an identifier that does not fit into a path.
pub fn finish_session(
    endpoint: &Endpoint,
    session_id: &str,
    request: &FinishSessionRequest,
) -> Result<Request, Error> {
    let session_id = segment("session_id", session_id)?;
    post(endpoint, &format!("sessions/{session_id}/finish"), request)
}

/// Builds the request of [`list_sessions`](crate::tinker::Tinker::list_sessions).
///
/// # Errors
///
/// None that a caller could cause.
pub fn list_sessions(endpoint: &Endpoint, query: &ListQuery) -> Result<Request, Error> {
    let query = query.pairs();
    let query: Vec<(&str, &str)> = query
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    Ok(get(endpoint.url_with("sessions", &query)))
}

/// Builds the request of [`get_session`](crate::tinker::Tinker::get_session).
///
/// # Errors
///
/// Fails on an identifier that does not fit into a path.
pub fn get_session(
    endpoint: &Endpoint,
    session_id: &str,
    access_scope: &AccessScope,
) -> Result<Request, Error> {
    let session_id = segment("session_id", session_id)?;
    Ok(get(endpoint.url_with(
        &format!("sessions/{session_id}"),
        &[("access_scope", &access_scope.name())],
    )))
}

/// Builds the request of [`assign_session_project`](crate::tinker::Tinker::assign_session_project).
///
/// # Errors
///
/// Fails on an identifier that does not fit into a path.
pub fn assign_session_project(
    endpoint: &Endpoint,
    session_id: &str,
    request: &SessionProjectRequest,
) -> Result<Request, Error> {
    let session_id = segment("session_id", session_id)?;
    put(endpoint, &format!("sessions/{session_id}/project"), request)
}

/// Builds the request of [`export_session_trace`](crate::tinker::Tinker::export_session_trace).
///
/// # Errors
///
/// Fails on an identifier that does not fit into a path.
pub fn export_session_trace(endpoint: &Endpoint, session_id: &str) -> Result<Request, Error> {
    let session_id = segment("session_id", session_id)?;
    Ok(get(
        endpoint.url(&format!("sessions/{session_id}/trace_export"))
    ))
}

/// Builds the request of [`search_sessions`](crate::tinker::Tinker::search_sessions).
///
/// # Errors
///
/// Fails with the field at fault when the service could not take it.
pub fn search_sessions(
    endpoint: &Endpoint,
    request: &SessionSearchRequest,
) -> Result<Request, Error> {
    request.check().map_err(invalid)?;
    post(endpoint, "sessions/search", request)
}

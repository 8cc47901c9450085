//! Sessions: opening, keeping alive, ending, finding.

use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::tinker::{
    AccessScope, CreateSessionRequest, CreateSessionResponse, FinishSessionRequest,
    GetSessionResponse, ListSessionsResponse, SessionHeartbeatRequest, SessionHeartbeatResponse,
    SessionProjectRequest, SessionSearchRequest, SessionSearchResponse, TraceExportResponse,
};

use super::options::Manner;
use super::{ListQuery, Tinker, requests};

impl Tinker {
    /// Opens a session.
    ///
    /// Route: POST /api/v1/create_session
    ///
    /// # Errors
    ///
    /// As the transport does.
    pub async fn create_session(
        &self,
        request: &CreateSessionRequest,
        options: &CallOptions,
    ) -> Result<Response<CreateSessionResponse>, Error> {
        let request = requests::create_session(self.endpoint(), request)?;
        self.read(request, Manner::Session, options).await
    }

    /// Says that a session still lives. A 410 says that it does not.
    ///
    /// Route: POST /api/v1/session_heartbeat
    ///
    /// # Errors
    ///
    /// As the transport does.
    pub async fn session_heartbeat(
        &self,
        request: &SessionHeartbeatRequest,
        options: &CallOptions,
    ) -> Result<Response<SessionHeartbeatResponse>, Error> {
        let request = requests::session_heartbeat(self.endpoint(), request)?;
        self.read(request, Manner::KeepAlive, options).await
    }

    /// Ends a session. The first reason given is kept.
    ///
    /// Route: POST /api/v1/sessions/{session_id}/finish
    ///
    /// # Errors
    ///
    /// Fails before sending on an identifier that does not fit into a path; otherwise as the
    /// transport does.
    pub async fn finish_session(
        &self,
        session_id: &str,
        request: &FinishSessionRequest,
        options: &CallOptions,
    ) -> Result<Response<()>, Error> {
        let request = requests::finish_session(self.endpoint(), session_id, request)?;
        self.tell(request, Manner::Training, options).await
    }

    /// Lists sessions.
    ///
    /// Route: GET /api/v1/sessions
    ///
    /// # Errors
    ///
    /// As the transport does.
    pub async fn list_sessions(
        &self,
        query: &ListQuery,
        options: &CallOptions,
    ) -> Result<Response<ListSessionsResponse>, Error> {
        let request = requests::list_sessions(self.endpoint(), query)?;
        self.read(request, Manner::Training, options).await
    }

    /// Describes a session.
    ///
    /// Route: GET /api/v1/sessions/{session_id}
    ///
    /// # Errors
    ///
    /// Fails before sending on an identifier that does not fit into a path; otherwise as the
    /// transport does.
    pub async fn get_session(
        &self,
        session_id: &str,
        access_scope: &AccessScope,
        options: &CallOptions,
    ) -> Result<Response<GetSessionResponse>, Error> {
        let request = requests::get_session(self.endpoint(), session_id, access_scope)?;
        self.read(request, Manner::Training, options).await
    }

    /// Moves a session into a project.
    ///
    /// Route: PUT /api/v1/sessions/{session_id}/project
    ///
    /// # Errors
    ///
    /// Fails before sending on an identifier that does not fit into a path; otherwise as the
    /// transport does.
    pub async fn assign_session_project(
        &self,
        session_id: &str,
        request: &SessionProjectRequest,
        options: &CallOptions,
    ) -> Result<Response<()>, Error> {
        let request = requests::assign_session_project(self.endpoint(), session_id, request)?;
        self.tell(request, Manner::Training, options).await
    }

    /// Asks for the trace of a session, which is made when it is first asked for.
    ///
    /// Route: GET /api/v1/sessions/{session_id}/trace_export
    ///
    /// # Errors
    ///
    /// Fails before sending on an identifier that does not fit into a path; otherwise as the
    /// transport does.
    pub async fn export_session_trace(
        &self,
        session_id: &str,
        options: &CallOptions,
    ) -> Result<Response<TraceExportResponse>, Error> {
        let request = requests::export_session_trace(self.endpoint(), session_id)?;
        self.read(request, Manner::Training, options).await
    }

    /// Looks for sessions.
    ///
    /// Route: POST /api/v1/sessions/search
    ///
    /// # Errors
    ///
    /// Fails before sending with the field at fault when the service could not take it; otherwise
    /// as the transport does.
    pub async fn search_sessions(
        &self,
        request: &SessionSearchRequest,
        options: &CallOptions,
    ) -> Result<Response<SessionSearchResponse>, Error> {
        let request = requests::search_sessions(self.endpoint(), request)?;
        self.read(request, Manner::Training, options).await
    }
}

//! `interactions`: create, stream, get, resume, cancel, delete.

use std::time::Duration;

use gimmal_transport::{CallOptions, Error, Request, Response};
use gimmal_types::gemini::interactions::{Interaction, InteractionRequest, InteractionStatus};
use gimmal_types::rpc::Status;
use serde_json::json;

use super::{Collection, Endpoint, Gemini, InteractionStream, requests};
use crate::{Poll, Verdict};

impl Gemini {
    /// Asks a model or an agent, and reads the answer whole.
    ///
    /// Route: POST interactions
    ///
    /// # Errors
    ///
    /// Fails before sending unless a model or an agent is named; otherwise as the transport does.
    pub async fn create_interaction(
        &self,
        request: &InteractionRequest,
        options: &CallOptions,
    ) -> Result<Response<Interaction>, Error> {
        let request = requests::create_interaction(self.endpoint(), request, false)?;
        self.transport().send_json(request, options).await
    }

    /// Asks a model or an agent, and reads the answer in events.
    ///
    /// Route: POST interactions
    ///
    /// # Errors
    ///
    /// As [`Gemini::create_interaction`], up to the response headers; what fails later is an item
    /// of the stream. Dropping the stream ends the connection, but not work in the background.
    pub async fn stream_interaction(
        &self,
        request: &InteractionRequest,
        options: &CallOptions,
    ) -> Result<InteractionStream, Error> {
        let request = requests::create_interaction(self.endpoint(), request, true)?;
        let response = self.transport().open_events(request, options).await?;
        Ok(InteractionStream::new(response))
    }

    /// Describes an interaction; `include_input` asks for what was said as well.
    ///
    /// Route: GET interactions/{id}
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad name; otherwise as the transport does.
    pub async fn get_interaction(
        &self,
        id: &str,
        include_input: Option<bool>,
        options: &CallOptions,
    ) -> Result<Response<Interaction>, Error> {
        let request = requests::get_interaction(self.endpoint(), id, include_input)?;
        self.transport().send_json(request, options).await
    }

    /// Reads the events of an interaction, from the start or after the event of an earlier stream.
    ///
    /// Route: GET interactions/{id}
    ///
    /// # Errors
    ///
    /// As [`Gemini::get_interaction`], up to the response headers; what fails later is an item of
    /// the stream.
    pub async fn watch_interaction(
        &self,
        id: &str,
        include_input: Option<bool>,
        last_event_id: Option<&str>,
        options: &CallOptions,
    ) -> Result<InteractionStream, Error> {
        let endpoint = self.endpoint();
        let request = requests::watch_interaction(endpoint, id, include_input, last_event_id)?;
        let response = self.transport().open_events(request, options).await?;
        Ok(InteractionStream::new(response))
    }

    /// Stops work in the background.
    ///
    /// Route: POST interactions/{id}/cancel
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad name; otherwise as the transport does.
    pub async fn cancel_interaction(
        &self,
        id: &str,
        options: &CallOptions,
    ) -> Result<Response<Interaction>, Error> {
        let request = requests::cancel_interaction(self.endpoint(), id)?;
        self.transport().send_json(request, options).await
    }

    /// Deletes an interaction.
    ///
    /// Route: DELETE interactions/{id}
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad name; otherwise as the transport does.
    pub async fn delete_interaction(
        &self,
        id: &str,
        options: &CallOptions,
    ) -> Result<Response<()>, Error> {
        let request = requests::delete_resource(self.endpoint(), Collection::Interactions, id)?;
        Ok(self.transport().send(request, options).await?.map(|_| ()))
    }
}

/// An interaction in the background is waited for until it needs somebody or is over.
///
/// It comes to a good end when it is completed or cut, and when it waits for the results of
/// functions or for its token.
impl Poll for Interaction {
    type Output = Self;
    type Reply = Self;
    const WHAT: &'static str = "an interaction";
    // Research takes up to an hour.
    const PATIENCE: Option<Duration> = Some(Duration::from_secs(3600));

    fn request(endpoint: &Endpoint, name: &str) -> Result<Request, Error> {
        requests::get_interaction(endpoint, name, None)
    }

    fn cancel_request(endpoint: &Endpoint, name: &str) -> Result<Request, Error> {
        requests::cancel_interaction(endpoint, name)
    }

    fn name(&self) -> Option<&str> {
        self.id.as_deref()
    }

    fn verdict(self) -> Verdict<Self> {
        match self.status {
            Some(InteractionStatus::Failed) => failed(&self, "INTERNAL", "it failed"),
            Some(InteractionStatus::BudgetExceeded) => {
                failed(&self, "RESOURCE_EXHAUSTED", "it cost more than it may")
            }
            Some(InteractionStatus::Cancelled) => failed(&self, "CANCELLED", "it was cancelled"),
            _ if self.is_running() => Verdict::Running(self),
            // A status of later versions may still be one of work, but only the known ones are.
            Some(InteractionStatus::Unknown(_)) | None => Verdict::Running(self),
            Some(_) => Verdict::Done(self),
        }
    }
}

fn failed(interaction: &Interaction, status: &str, why: &str) -> Verdict<Interaction> {
    let said = interaction.errors.last();
    let message = said.and_then(|error| error.message.as_deref());
    let status = json!({"status": status, "message": message.unwrap_or(why)});
    let status = Status::from_error_value(&status).unwrap_or_default();
    let error = Error::operation_failed(status);
    Verdict::Failed(match said.and_then(|error| error.code.clone()) {
        Some(code) => error.with_context("code", code),
        None => error,
    })
}

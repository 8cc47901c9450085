//! `decisions`: create.

use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::decisions::{CreateDecisionRequest, CreateDecisionResponse};

use super::{Gemini, requests};

impl Gemini {
    /// Has questions on one matter answered: yes or no, one of several, or a score.
    ///
    /// Route: POST decisions
    ///
    /// # Errors
    ///
    /// Fails before sending unless a model, a matter and at least one question are set; otherwise
    /// as the transport does.
    pub async fn create_decision(
        &self,
        request: &CreateDecisionRequest,
        options: &CallOptions,
    ) -> Result<Response<CreateDecisionResponse>, Error> {
        let request = requests::create_decision(self.endpoint(), request)?;
        self.transport().send_json(request, options).await
    }
}

//! Calls on decisions.

use gimmal_api::gemini::Gemini;
use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::decisions::{
    CreateDecisionRequest, CreateDecisionResponse, DecisionInput, Question,
};

/// The group of calls on decisions.
#[derive(Clone, Debug)]
pub struct Decisions {
    api: Gemini,
}

impl Decisions {
    pub(super) fn new(api: Gemini) -> Self {
        Self { api }
    }

    /// Has questions on one matter answered: yes or no, one of several, or a score.
    ///
    /// ```no_run
    /// # async fn run(client: gimmal_client::gemini::GeminiClient) -> Result<(), gimmal_client::Error> {
    /// use gimmal_types::gemini::decisions::{Answer, NoulQuestion};
    ///
    /// let question = NoulQuestion::new().set_instructions("Does the writer want a refund?");
    /// let call = client.decisions().create("models/gemini-2.5-flash", "Please send my money back.");
    /// let reply = call.ask("refund", question).send().await?.into_body();
    /// if let Some(Answer::Noul(answer)) = reply.answers.get("refund") {
    ///     println!("yes with a probability of {:?}", answer.noul);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn create(
        &self,
        model: impl Into<String>,
        input: impl Into<DecisionInput>,
    ) -> CreateDecision {
        CreateDecision {
            api: self.api.clone(),
            request: CreateDecisionRequest::new()
                .set_model(model)
                .set_input(input.into()),
            options: CallOptions::default(),
        }
    }
}

/// A `decisions.create` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct CreateDecision {
    api: Gemini,
    request: CreateDecisionRequest,
    options: CallOptions,
}

impl CreateDecision {
    /// Asks one question more, under a name of yours.
    pub fn ask(mut self, name: impl Into<String>, question: impl Into<Question>) -> Self {
        self.request.questions.insert(name.into(), question.into());
        self
    }

    /// Replaces all questions.
    pub fn set_questions<N: Into<String>, Q: Into<Question>>(
        mut self,
        questions: impl IntoIterator<Item = (N, Q)>,
    ) -> Self {
        self.request = self.request.set_questions(questions);
        self
    }

    /// Options of this call.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Sends.
    ///
    /// # Errors
    ///
    /// As [`Gemini::create_decision`].
    pub async fn send(self) -> Result<Response<CreateDecisionResponse>, Error> {
        self.api.create_decision(&self.request, &self.options).await
    }
}

//! The group of calls on interactions, and those that name one.

use gimmal_api::Poller;
use gimmal_api::gemini::Gemini;
use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::interactions::{
    AgentOption, CreateAgentInteraction, CreateModelInteraction, Interaction, InteractionRequest,
    Model,
};

use super::{CreateInteraction, InteractionEvents};

/// The group of calls on interactions.
#[derive(Clone, Debug)]
pub struct Interactions {
    api: Gemini,
}

impl Interactions {
    pub(in crate::gemini) fn new(api: Gemini) -> Self {
        Self { api }
    }

    /// Asks a model.
    ///
    /// The service remembers what was said, unless told otherwise: name an interaction as the one
    /// before, and it goes on.
    ///
    /// ```no_run
    /// # async fn run(client: gimmal_client::gemini::GeminiClient) -> Result<(), gimmal_client::Error> {
    /// let interactions = client.interactions();
    /// let first = interactions.create("gemini-2.5-flash").set_input("I am Ann.").send().await?;
    /// let second = interactions
    ///     .create("gemini-2.5-flash")
    ///     .set_previous_interaction_id(first.body().id.as_deref().unwrap_or_default())
    ///     .set_input("Who am I?")
    ///     .send()
    ///     .await?;
    /// println!("{}", second.body().output_text());
    /// # Ok(()) }
    /// ```
    pub fn create(&self, model: impl Into<Model>) -> CreateInteraction {
        self.request(CreateModelInteraction::new().set_model(model.into()))
    }

    /// Asks an agent.
    ///
    /// Agents mostly work in the background; [`poller`](CreateInteraction::poller) waits for them.
    ///
    /// ```no_run
    /// # async fn run(client: gimmal_client::gemini::GeminiClient) -> Result<(), gimmal_client::Error> {
    /// let call = client.interactions().create_with_agent("deep-research-preview-04-2026");
    /// let report = call.set_input("The history of gimmal rings.").poller().await?.await?;
    /// println!("{}", report.output_text());
    /// # Ok(()) }
    /// ```
    pub fn create_with_agent(&self, agent: impl Into<AgentOption>) -> CreateInteraction {
        self.request(CreateAgentInteraction::new().set_agent(agent.into()))
    }

    /// Asks what a request holds.
    pub fn request(&self, request: impl Into<InteractionRequest>) -> CreateInteraction {
        CreateInteraction::new(self.api.clone(), request.into())
    }

    /// Describes an interaction, or reads its events once more.
    pub fn get(&self, id: impl Into<String>) -> GetInteraction {
        GetInteraction {
            api: self.api.clone(),
            id: id.into(),
            include_input: None,
            last_event_id: None,
            options: CallOptions::default(),
        }
    }

    /// Stops work in the background.
    pub fn cancel(&self, id: impl Into<String>) -> CancelInteraction {
        CancelInteraction::new(&self.api, id)
    }

    /// Deletes an interaction.
    pub fn delete(&self, id: impl Into<String>) -> DeleteInteraction {
        DeleteInteraction::new(&self.api, id)
    }

    /// Waits for work in the background, which may have been begun by another process.
    ///
    /// The poller gives up after an hour unless set otherwise; the service works on.
    pub fn poller(&self, id: impl Into<String>) -> Poller<Interaction> {
        Poller::from_name(self.api.clone(), id)
    }
}

named_calls! {
    /// An `interactions.cancel` call in the making.
    pub struct CancelInteraction(cancel_interaction) -> Interaction;

    /// An `interactions.delete` call in the making.
    pub struct DeleteInteraction(delete_interaction) -> ();
}

/// An `interactions.get` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send` or `stream`"]
pub struct GetInteraction {
    api: Gemini,
    id: String,
    include_input: Option<bool>,
    last_event_id: Option<String>,
    options: CallOptions,
}

impl GetInteraction {
    /// Asks for what was said as well.
    pub fn set_include_input(mut self, include: bool) -> Self {
        self.include_input = Some(include);
        self
    }

    /// Reads only the events after this one; for [`stream`](Self::stream) alone.
    pub fn set_last_event_id(mut self, id: impl Into<String>) -> Self {
        self.last_event_id = Some(id.into());
        self
    }

    /// Options of this call.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Describes it.
    ///
    /// # Errors
    ///
    /// Fails before sending when an event is named; otherwise as [`Gemini::get_interaction`].
    pub async fn send(self) -> Result<Response<Interaction>, Error> {
        if self.last_event_id.is_some() {
            return Err(Error::invalid(
                "last_event_id",
                "resumes events; use `stream` instead of `send`",
            ));
        }
        self.api
            .get_interaction(&self.id, self.include_input, &self.options)
            .await
    }

    /// Reads its events, from the start or after the one that was named.
    ///
    /// # Errors
    ///
    /// As [`Gemini::watch_interaction`].
    pub async fn stream(self) -> Result<InteractionEvents, Error> {
        let last = self.last_event_id.as_deref();
        let stream = self
            .api
            .watch_interaction(&self.id, self.include_input, last, &self.options)
            .await?;
        Ok(InteractionEvents::plain(stream))
    }
}

//! The call that asks a model or an agent.

use gimmal_api::Poller;
use gimmal_api::gemini::Gemini;
use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::interactions::{
    AgentConfig, GenerationConfig, Interaction, InteractionEnvironment, InteractionRequest,
    InteractionsInput, ResponseFormats, SafetySetting, ServiceTier, Tool, WebhookConfig,
};

use super::InteractionEvents;
use super::continuation::{Call, Hops};

/// An `interactions.create` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`, `stream` or `poller`"]
pub struct CreateInteraction {
    api: Gemini,
    request: InteractionRequest,
    options: CallOptions,
    /// Whether parts are joined; unless said, where that makes sense.
    automatic_continuation: Option<bool>,
    /// A setting that only the other kind of request has.
    misplaced: Option<&'static str>,
}

/// Sets a field that both kinds of requests have.
macro_rules! shared_setters {
    ($( $(#[$meta:meta])* $setter:ident($value:ident: $ty:ty); )*) => {
        impl CreateInteraction { $(
            $(#[$meta])*
            pub fn $setter(mut self, $value: $ty) -> Self {
                self.request = match self.request {
                    InteractionRequest::Model(it) => it.$setter($value).into(),
                    InteractionRequest::Agent(it) => it.$setter($value).into(),
                    other => other,
                };
                self
            }
        )* }
    };
}

shared_setters! {
    /// What is said.
    set_input(input: impl Into<InteractionsInput>);
    /// What it should always bear in mind.
    set_system_instruction(instruction: impl Into<String>);
    /// The interaction before this one, whose turns it remembers.
    set_previous_interaction_id(id: impl Into<String>);
    /// What it may use.
    set_tools(tools: impl IntoIterator<Item = impl Into<Tool>>);
    /// What the answer looks like.
    set_response_format(format: impl Into<ResponseFormats>);
    /// What is blocked.
    set_safety_settings(settings: impl IntoIterator<Item = SafetySetting>);
    /// How it is served.
    set_service_tier(tier: impl Into<ServiceTier>);
    /// Whether the service keeps it; it does unless told otherwise.
    set_store(store: bool);
    /// Whether the service works on its own while you poll.
    set_background(background: bool);
    /// Goes on where a model had to stop.
    set_continuation_token(token: impl Into<String>);
    /// Where tools work: an environment that exists, or what to make one of.
    set_environment(environment: impl Into<InteractionEnvironment>);
    /// Your own notes, at most 63 characters each.
    set_labels(labels: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>);
    /// Who is told when it is done.
    set_webhook_config(config: WebhookConfig);
}

impl CreateInteraction {
    pub(super) fn new(api: Gemini, request: InteractionRequest) -> Self {
        Self {
            api,
            request,
            options: CallOptions::default(),
            automatic_continuation: None,
            misplaced: None,
        }
    }

    /// How a model answers; agents have no such settings.
    pub fn set_generation_config(mut self, config: GenerationConfig) -> Self {
        match &mut self.request {
            InteractionRequest::Model(it) => it.generation_config = Some(Box::new(config)),
            _ => self.misplaced = Some("generation_config"),
        }
        self
    }

    /// Settings of an agent; models have none.
    pub fn set_agent_config(mut self, config: impl Into<AgentConfig>) -> Self {
        match &mut self.request {
            InteractionRequest::Agent(it) => it.agent_config = Some(config.into()),
            _ => self.misplaced = Some("agent_config"),
        }
        self
    }

    /// Replaces the whole request, except for a model or an agent that it does not name.
    pub fn set_request(mut self, request: impl Into<InteractionRequest>) -> Self {
        let before = std::mem::replace(&mut self.request, request.into());
        self.misplaced = None;
        match (&mut self.request, before) {
            (InteractionRequest::Model(now), InteractionRequest::Model(before)) => {
                now.model = now.model.take().or(before.model);
            }
            (InteractionRequest::Agent(now), InteractionRequest::Agent(before)) => {
                now.agent = now.agent.take().or(before.agent);
            }
            _ => {}
        }
        self
    }

    /// Whether an interaction whose model had to stop is continued, and its parts joined.
    ///
    /// It is, unless told otherwise; an agent and work in the background see to that themselves.
    /// Each request reads, and bills, what was said once more.
    pub fn with_automatic_continuation(mut self, automatic: bool) -> Self {
        self.automatic_continuation = Some(automatic);
        self
    }

    /// Options of this call. A deadline among them covers all the requests that it takes.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Asks, and reads the answer whole.
    ///
    /// # Errors
    ///
    /// As [`Gemini::create_interaction`]. When a later request fails than the first,
    /// [`ContinuationInterrupted`](super::ContinuationInterrupted) holds what came before.
    pub async fn send(self) -> Result<Response<Interaction>, Error> {
        self.call()?.whole().await
    }

    /// Asks, and reads the answer in events.
    ///
    /// # Errors
    ///
    /// As [`Gemini::stream_interaction`], up to the response headers; what fails later is an item
    /// of the stream.
    pub async fn stream(self) -> Result<InteractionEvents, Error> {
        Ok(InteractionEvents::continued(
            Hops::open(self.call()?).await?,
        ))
    }

    /// Asks for work in the background, and waits for it.
    ///
    /// The first `.await` begins the work, the second waits for its end:
    ///
    /// ```no_run
    /// # async fn run(client: gimmal_client::gemini::GeminiClient) -> Result<(), gimmal_client::Error> {
    /// let call = client.interactions().create("gemini-2.5-pro").set_input("Think hard.");
    /// let poller = call.poller().await?;
    /// println!("{} can be waited for by anybody", poller.name());
    /// println!("{}", poller.await?.output_text());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Gemini::create_interaction`].
    pub async fn poller(self) -> Result<Poller<Interaction>, Error> {
        let call = self.set_background(true).call()?;
        let begun = call.whole().await?.into_body();
        Ok(Poller::new(call.api, begun))
    }

    fn call(self) -> Result<Call, Error> {
        if let Some(field) = self.misplaced {
            let whose = if self.request.is_agent() {
                "agent"
            } else {
                "model"
            };
            return Err(Error::invalid(field, format!("is no setting of a {whose}")));
        }
        let background = self.request.is_background();
        if background && self.automatic_continuation == Some(false) {
            return Err(Error::invalid(
                "automatic_continuation",
                "cannot be switched off for work in the background, which the service continues",
            ));
        }
        let alone = background || self.request.is_agent();
        Ok(Call {
            resume: !alone && self.automatic_continuation.unwrap_or(true),
            options: self.api.transport().start_deadline(self.options),
            api: self.api,
            request: self.request,
        })
    }
}

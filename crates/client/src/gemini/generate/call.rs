//! `generateContent` and `streamGenerateContent` as calls in the making.

use std::sync::Arc;

use bytes::Bytes;
use gimmal_api::gemini::Gemini;
use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::{
    AutomaticFunctionCallingConfig, Content, GenerateContentConfig, GenerateContentRequest,
    GenerateContentResponse, GenerationConfig, SafetySetting, Tool, ToolConfig,
};

use super::hops::Call;
use super::{GenerateStream, Generation};
use crate::gemini::{ResponseStore, ToolSet};

/// A `generateContent` or `streamGenerateContent` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send` or `stream`"]
pub struct GenerateContent {
    /// Boxed, because a call in the making is moved by every setter.
    pub(super) call: Box<Call>,
    tools: ToolSet,
    automatic: AutomaticFunctionCallingConfig,
}

impl GenerateContent {
    pub(in crate::gemini) fn new(
        api: Gemini,
        store: Option<Arc<dyn ResponseStore>>,
        model: String,
    ) -> Self {
        Self {
            call: Box::new(Call {
                api,
                store,
                model,
                request: GenerateContentRequest::new(),
                options: CallOptions::default(),
                resume: true,
            }),
            tools: ToolSet::new(),
            automatic: AutomaticFunctionCallingConfig::new(),
        }
    }

    /// Replaces everything but the contents.
    pub fn set_config(mut self, mut config: GenerateContentConfig) -> Self {
        self.automatic = config
            .automatic_function_calling
            .take()
            .map_or_else(AutomaticFunctionCallingConfig::default, |automatic| {
                *automatic
            });
        self.call.resume = config.automatic_continuation != Some(false);
        let contents = std::mem::take(&mut self.call.request.contents);
        self.call.request = GenerateContentRequest::from(config);
        self.call.request.contents = contents;
        self
    }

    /// Replaces the whole request.
    pub fn set_request(mut self, request: GenerateContentRequest) -> Self {
        self.call.request = request;
        self
    }

    /// The conversation; texts become turns of the user's.
    pub fn set_contents<C: Into<Content>>(mut self, contents: impl IntoIterator<Item = C>) -> Self {
        self.call.request.contents = contents.into_iter().map(Into::into).collect();
        self
    }

    /// Instructions that hold for the whole conversation.
    pub fn set_system_instruction(mut self, instruction: impl Into<Content>) -> Self {
        self.call.request.system_instruction = Some(Box::new(instruction.into()));
        self
    }

    /// How the reply is generated.
    pub fn set_generation_config(mut self, config: GenerationConfig) -> Self {
        self.call.request.generation_config = Some(Box::new(config));
        self
    }

    /// What the model may use.
    pub fn set_tools(mut self, tools: impl IntoIterator<Item = Tool>) -> Self {
        self.call.request.tools = tools.into_iter().collect();
        self
    }

    /// How it uses them.
    pub fn set_tool_config(mut self, config: ToolConfig) -> Self {
        self.call.request.tool_config = Some(Box::new(config));
        self
    }

    /// From which risk on content is blocked.
    pub fn set_safety_settings(
        mut self,
        settings: impl IntoIterator<Item = SafetySetting>,
    ) -> Self {
        self.call.request.safety_settings = settings.into_iter().collect();
        self
    }

    /// A context cache that stands before the conversation.
    pub fn set_cached_content(mut self, name: impl Into<String>) -> Self {
        self.call.request.cached_content = Some(name.into());
        self
    }

    /// Options of this call. A deadline among them covers all the requests that it takes, and the
    /// functions that run between them.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.call.options = options;
        self
    }

    /// Functions that the model may call; they run when it does, and the model goes on with their
    /// results until it has answered. See [`Function`](crate::gemini::Function).
    ///
    /// They do not run when the request also declares functions among its tools, since those only
    /// you can run: then the reply holds the calls.
    pub fn with_functions(mut self, functions: impl Into<ToolSet>) -> Self {
        self.tools = functions.into();
        self
    }

    /// Whether functions run by themselves, and how many requests that may take.
    pub fn with_automatic_function_calling(
        mut self,
        config: AutomaticFunctionCallingConfig,
    ) -> Self {
        self.automatic = config;
        self
    }

    /// Whether a reply that the service cuts is resumed; it is unless this says otherwise.
    pub fn with_automatic_continuation(mut self, resume: bool) -> Self {
        self.call.resume = resume;
        self
    }

    /// Sends, and waits for the whole reply.
    ///
    /// # Errors
    ///
    /// As [`Gemini::generate_content`]; and when the model calls a function that does not exist.
    pub async fn send(self) -> Result<Response<GenerateContentResponse>, Error> {
        let (reply, _) = self.generation().await?.send().await?;
        Ok(reply)
    }

    /// Sends once, and returns the body of the reply as it came: nothing is read of it, no function
    /// runs and a cut reply is not resumed.
    ///
    /// # Errors
    ///
    /// As [`Gemini::generate_content`].
    pub async fn send_raw(self) -> Result<Response<Bytes>, Error> {
        let Call {
            api,
            model,
            mut request,
            options,
            ..
        } = *self.call;
        request.tools = self.tools.resolved().await?.join(request.tools)?;
        api.generate_content_raw(&model, &request, &options).await
    }

    /// Sends, and returns the chunks as they come.
    ///
    /// # Errors
    ///
    /// As [`Gemini::stream_generate_content`]; and when arguments of functions are to be streamed
    /// while functions run by themselves.
    pub async fn stream(self) -> Result<GenerateStream, Error> {
        let chunks = self.generation().await?.stream().await?;
        Ok(GenerateStream::new(chunks))
    }

    async fn generation(self) -> Result<Generation, Error> {
        Generation::new(self.call, self.tools, &self.automatic).await
    }
}

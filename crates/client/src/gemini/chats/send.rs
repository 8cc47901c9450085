//! A message on its way, and what becomes of it in the history.

use std::fmt;

use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::{
    Content, GenerateContentConfig, GenerateContentRequest, GenerateContentResponse,
};

use super::history::is_valid;
use super::{Chat, ChatStream};
use crate::gemini::ToolSet;
use crate::gemini::generate::{Call, Generation};

/// A message in the making.
#[must_use = "nothing is sent before `send` or `stream`"]
pub struct SendMessage<'a> {
    chat: &'a mut Chat,
    message: Content,
    config: Option<GenerateContentConfig>,
    tools: Option<ToolSet>,
    options: Option<CallOptions>,
}

impl<'a> SendMessage<'a> {
    pub(super) fn new(chat: &'a mut Chat, message: Content) -> Self {
        Self {
            chat,
            message,
            config: None,
            tools: None,
            options: None,
        }
    }

    /// How this reply is generated, in place of the chat's own config.
    pub fn set_config(mut self, config: GenerateContentConfig) -> Self {
        self.config = Some(config);
        self
    }

    /// Functions that the model may call for this reply, in place of the chat's own.
    pub fn with_functions(mut self, functions: impl Into<ToolSet>) -> Self {
        self.tools = Some(functions.into());
        self
    }

    /// Options of this message's requests, in place of the chat's own. A deadline among them covers
    /// all of them together.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = Some(options);
        self
    }

    /// Sends, and waits for the whole reply. The chat then has both, and the calls of functions
    /// and their results between them.
    ///
    /// # Errors
    ///
    /// As [`GenerateContent::send`](crate::gemini::GenerateContent::send). The chat is then as it
    /// was.
    pub async fn send(self) -> Result<Response<GenerateContentResponse>, Error> {
        let (chat, message, generation) = self.generation().await?;
        let (mut reply, mut turns) = generation.send().await?;
        // The chat has the turns; the reply need not repeat them.
        reply.body_mut().automatic_function_calling_history = Vec::new();
        let mut user = message;
        while turns.len() > 1 {
            let rest = turns.split_off(2);
            let results = turns.pop().unwrap_or_default();
            chat.history
                .record(std::mem::replace(&mut user, results), turns, true);
            turns = rest;
        }
        let candidate = reply.body().candidates.first();
        let content = candidate.and_then(|candidate| candidate.content.as_deref());
        let said: Vec<Content> = content.into_iter().cloned().collect();
        let valid = said.first().is_some_and(is_valid);
        chat.history.record(user, said, valid);
        Ok(reply)
    }

    /// Sends, and returns the chunks as they come. The chat has the message and the reply when the
    /// stream has been read to its end.
    ///
    /// # Errors
    ///
    /// As [`GenerateContent::stream`](crate::gemini::GenerateContent::stream). The chat is then as
    /// it was.
    pub async fn stream(self) -> Result<ChatStream<'a>, Error> {
        let (chat, message, generation) = self.generation().await?;
        let events = generation.stream().await?;
        Ok(ChatStream::new(&mut chat.history, message, events))
    }

    async fn generation(self) -> Result<(&'a mut Chat, Content, Generation), Error> {
        let settings = &self.chat.settings;
        if !is_valid(&self.message) {
            let message = "must have content; give it a text or parts";
            return Err(Error::invalid("message", message));
        }
        let mut config = self.config.unwrap_or_else(|| settings.config.clone());
        let automatic = config.automatic_function_calling.take();
        let automatic = automatic.map(|config| *config).unwrap_or_default();
        let resume = config.automatic_continuation != Some(false);
        let mut contents = self.chat.history.curated().to_vec();
        contents.push(self.message.clone());
        let options = self.options.as_ref().unwrap_or(&settings.options);
        let call = Box::new(Call {
            options: settings.api.with_usage(options, "chat"),
            api: settings.api.clone(),
            store: settings.store.clone(),
            model: settings.model.clone(),
            request: GenerateContentRequest::from(config).set_contents(contents),
            resume,
        });
        let tools = self.tools.unwrap_or_else(|| settings.tools.clone());
        let generation = Generation::new(call, tools, &automatic).await?;
        Ok((self.chat, self.message, generation))
    }
}

impl fmt::Debug for SendMessage<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SendMessage")
            .field("chat", &self.chat)
            .field("parts", &self.message.parts.len())
            .finish_non_exhaustive()
    }
}

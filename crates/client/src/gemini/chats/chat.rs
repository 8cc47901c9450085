//! A chat and how one is made.

use std::fmt;
use std::sync::Arc;

use gimmal_api::gemini::Gemini;
use gimmal_transport::{CallOptions, Error};
use gimmal_types::gemini::{Content, GenerateContentConfig};

use super::SendMessage;
use super::history::History;
use crate::gemini::{ResponseStore, ToolSet};

/// The group of chats.
#[derive(Clone, Debug)]
pub struct Chats {
    api: Gemini,
    store: Option<Arc<dyn ResponseStore>>,
}

impl Chats {
    pub(in crate::gemini) fn new(api: Gemini, store: Option<Arc<dyn ResponseStore>>) -> Self {
        Self { api, store }
    }

    /// Starts a chat with a model; nothing is sent before the first message.
    pub fn create(&self, model: impl Into<String>) -> CreateChat {
        CreateChat {
            settings: Settings {
                api: self.api.clone(),
                store: self.store.clone(),
                model: model.into(),
                config: GenerateContentConfig::new(),
                tools: ToolSet::new(),
                options: CallOptions::default(),
            },
            history: Vec::new(),
        }
    }
}

/// What holds for every message of a chat.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) api: Gemini,
    pub(super) store: Option<Arc<dyn ResponseStore>>,
    pub(super) model: String,
    pub(super) config: GenerateContentConfig,
    pub(super) tools: ToolSet,
    pub(super) options: CallOptions,
}

/// A chat in the making.
#[derive(Clone)]
#[must_use = "there is no chat before `start`"]
pub struct CreateChat {
    settings: Settings,
    history: Vec<Content>,
}

impl CreateChat {
    /// How replies are generated, unless a message says otherwise.
    pub fn set_config(mut self, config: GenerateContentConfig) -> Self {
        self.settings.config = config;
        self
    }

    /// Turns of an earlier conversation, for example from [`Chat::history`].
    pub fn with_history(mut self, turns: impl IntoIterator<Item = Content>) -> Self {
        self.history = turns.into_iter().collect();
        self
    }

    /// Functions that the model may call; they run when it does.
    pub fn with_functions(mut self, functions: impl Into<ToolSet>) -> Self {
        self.settings.tools = functions.into();
        self
    }

    /// Options of each message. A deadline among them covers all the requests that a message takes.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.settings.options = options;
        self
    }

    /// The chat. Nothing is sent.
    ///
    /// # Errors
    ///
    /// Fails on a turn of the history that is neither the user's nor the model's.
    pub fn start(self) -> Result<Chat, Error> {
        Ok(Chat {
            settings: self.settings,
            history: History::new(self.history)?,
        })
    }
}

impl fmt::Debug for CreateChat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CreateChat")
            .field("settings", &self.settings)
            .field("history", &self.history.len())
            .finish()
    }
}

/// A conversation with a model.
///
/// It remembers what was said, in two forms: everything ([`Chat::history`]), and the turns that
/// are sent with the next message ([`Chat::curated_history`]). A message whose reply has no
/// content is left out of the latter together with it, since the service would refuse it. A
/// message that fails is in neither. Nothing is ever trimmed.
///
/// ```no_run
/// # async fn run(client: gimmal_client::gemini::GeminiClient) -> Result<(), gimmal_client::Error> {
/// let mut chat = client.chats().create("gemini-2.5-flash").start()?;
/// let reply = chat.send_message("Name a river.").send().await?;
/// let reply = chat.send_message("And its length?").send().await?;
/// assert_eq!(chat.history().len(), 4);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Chat {
    pub(super) settings: Settings,
    pub(super) history: History,
}

impl Chat {
    /// Says something: a text, a part, or several parts. End with `send` for a whole reply or
    /// `stream` for chunks.
    pub fn send_message(&mut self, message: impl Into<Content>) -> SendMessage<'_> {
        SendMessage::new(self, message.into())
    }

    /// Everything that was said.
    pub fn history(&self) -> &[Content] {
        self.history.all()
    }

    /// What is sent with the next message.
    pub fn curated_history(&self) -> &[Content] {
        self.history.curated()
    }

    /// The model that answers.
    pub fn model(&self) -> &str {
        &self.settings.model
    }
}

impl fmt::Debug for Chat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Chat")
            .field("settings", &self.settings)
            .field("turns", &self.history.all().len())
            .finish()
    }
}

//! Opening a Live session: the settings of one, and the call that sends them.

use gimmal_api::gemini::Gemini;
use gimmal_transport::ws::WebSocketConfig;
use gimmal_transport::{CallOptions, Error};
use gimmal_types::gemini::{Content, LiveConnectConfig, Modality, SessionResumptionConfig, Tool};

use super::incoming::{Limit, LiveReceiver};
use super::{LiveSender, LiveSession};
use crate::gemini::ToolSet;

/// The group of calls that open Live sessions.
#[derive(Clone, Debug)]
pub struct Live {
    api: Gemini,
}

impl Live {
    pub(in crate::gemini) fn new(api: Gemini) -> Self {
        Self { api }
    }

    /// Opens a session with a model.
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), gimmal_client::Error> {
    /// use gimmal_client::gemini::GeminiClient;
    /// use gimmal_client::types::gemini::Modality;
    ///
    /// let client = GeminiClient::from_env()?;
    /// let call = client.live().connect("gemini-live-2.5-flash-preview");
    /// let mut session = call.set_response_modalities([Modality::Text]).send().await?;
    /// session.send_client_content(["What is a gimmal?"], true).await?;
    /// println!("{}", session.receive().text().await?);
    /// session.close().await;
    /// # Ok(()) }
    /// ```
    pub fn connect(&self, model: impl Into<String>) -> ConnectLive {
        ConnectLive {
            api: self.api.clone(),
            model: model.into(),
            config: LiveConnectConfig::new(),
            functions: ToolSet::new(),
            socket: WebSocketConfig::default(),
            options: CallOptions::default(),
        }
    }
}

/// A `live.connect` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct ConnectLive {
    api: Gemini,
    model: String,
    config: LiveConnectConfig,
    functions: ToolSet,
    socket: WebSocketConfig,
    options: CallOptions,
}

impl ConnectLive {
    /// Replaces the whole configuration.
    pub fn set_config(mut self, config: LiveConnectConfig) -> Self {
        self.config = config;
        self
    }

    /// In which form the model replies; on Vertex it speaks unless this is set.
    pub fn set_response_modalities(mut self, forms: impl IntoIterator<Item = Modality>) -> Self {
        self.config = self.config.set_response_modalities(forms);
        self
    }

    /// Instructions that hold for the whole session.
    pub fn set_system_instruction(mut self, instruction: impl Into<Content>) -> Self {
        self.config = self.config.set_system_instruction(instruction.into());
        self
    }

    /// What the model may use.
    pub fn set_tools(mut self, tools: impl IntoIterator<Item = Tool>) -> Self {
        self.config = self.config.set_tools(tools);
        self
    }

    /// Lets the session go on in another connection: with no handle a new session, with one the
    /// session that the server named by it.
    pub fn set_resumption_handle(mut self, handle: Option<String>) -> Self {
        let mut resumption = self.config.session_resumption.take().unwrap_or_default();
        resumption.handle = handle;
        self.config.session_resumption = Some(resumption);
        self
    }

    /// Functions of yours that the model may call; [`LiveSession::answer`] runs them.
    pub fn with_functions(mut self, functions: impl Into<ToolSet>) -> Self {
        self.functions = functions.into();
        self
    }

    /// Options of the connection: pings, and how much may wait to be read.
    pub fn with_socket(mut self, socket: WebSocketConfig) -> Self {
        self.socket = socket;
        self
    }

    /// Options of this call. The deadline covers the whole session, and the limit on the first byte
    /// covers its beginning.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Connects, and waits until the server says that the session has begun.
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad model name, on fields that the backend does not have, and when
    /// two functions have the same name. Fails with the server's reason when it closes the
    /// connection because of the settings: [`close_code`](Error::close_code) is mostly 1007 for
    /// settings that it does not understand and 1008 for models and callers that it does not
    /// admit. Otherwise as the transport does.
    pub async fn send(self) -> Result<LiveSession, Error> {
        let mut config = self.config.clone();
        let functions = self.functions.resolved().await?.into_owned();
        config.tools = functions.join(config.tools)?;
        let call = self
            .api
            .connect_live(&self.model, &config, &self.socket, &self.options);
        let (handshake, socket) = Box::pin(call).await?.into_parts();
        let (sender, receiver) = socket.split();
        let mut receiver = LiveReceiver::new(receiver);
        let setup = receiver.begin(limit(&self.api, &self.options)).await?;
        let sender = LiveSender::new(self.api.clone(), sender);
        Ok(LiveSession::new(
            self, sender, receiver, functions, setup, handshake,
        ))
    }

    pub(super) fn resumption(&self) -> Option<&SessionResumptionConfig> {
        self.config.session_resumption.as_deref()
    }
}

/// How long the server may take to begin: as long as for the first byte of any stream.
pub(super) fn limit<'a>(api: &'a Gemini, options: &CallOptions) -> Limit<'a> {
    let options = options.or(api.transport().options());
    Limit {
        clock: api.transport().clock(),
        after: options.first_byte_timeout(),
    }
}

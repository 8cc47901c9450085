//! Live music: a session that makes music for as long as it plays; developer API only.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use gimmal_api::gemini::{Gemini, live};
use gimmal_transport::ws::{Message, WebSocketConfig, WebSocketSender};
use gimmal_transport::{CallOptions, CloseCode, Error, ResponseParts};
use gimmal_types::gemini::{
    LiveMusicClientContent, LiveMusicGenerationConfig, LiveMusicPlaybackControl, WeightedPrompt,
};

use super::MusicReceiver;
use super::connect::limit;

/// The group of calls that open sessions of music.
#[derive(Clone, Debug)]
pub struct LiveMusic {
    api: Gemini,
}

impl LiveMusic {
    pub(in crate::gemini) fn new(api: Gemini) -> Self {
        Self { api }
    }

    /// Opens a session with a model.
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), gimmal_client::Error> {
    /// use futures_util::StreamExt as _;
    /// use gimmal_client::gemini::GeminiClient;
    /// use gimmal_client::types::gemini::WeightedPrompt;
    ///
    /// let client = GeminiClient::from_env()?;
    /// let mut music = client.live_music().connect("models/lyria-realtime-exp").send().await?;
    /// let harp = WeightedPrompt::new().set_text("slow harp").set_weight(1.0);
    /// music.set_weighted_prompts([harp]).await?;
    /// music.play().await?;
    /// while let Some(message) = music.next().await {
    ///     let content = message?.server_content.unwrap_or_default();
    ///     println!("{} pieces of sound", content.audio_chunks.len());
    /// }
    /// # Ok(()) }
    /// ```
    pub fn connect(&self, model: impl Into<String>) -> ConnectLiveMusic {
        ConnectLiveMusic {
            api: self.api.clone(),
            model: model.into(),
            socket: WebSocketConfig::default(),
            options: CallOptions::default(),
        }
    }
}

/// A `live.music.connect` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct ConnectLiveMusic {
    api: Gemini,
    model: String,
    socket: WebSocketConfig,
    options: CallOptions,
}

impl ConnectLiveMusic {
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
    /// Fails before sending on Vertex, with an ephemeral token and on a bad model name; with the
    /// server's reason when it closes the connection because of the model; otherwise as the
    /// transport does.
    pub async fn send(self) -> Result<MusicSession, Error> {
        let call = self
            .api
            .connect_live_music(&self.model, &self.socket, &self.options);
        let (handshake, socket) = Box::pin(call).await?.into_parts();
        let (sender, receiver) = socket.split();
        let mut receiver = MusicReceiver::new(receiver);
        receiver.begin(limit(&self.api, &self.options)).await?;
        Ok(MusicSession {
            sender: MusicSender {
                api: self.api,
                socket: sender,
            },
            receiver,
            handshake,
        })
    }
}

/// A session of music: a stream of all messages of the server, and the ways to steer it.
///
/// Dropping it closes the connection.
#[derive(Debug)]
pub struct MusicSession {
    sender: MusicSender,
    receiver: MusicReceiver,
    handshake: ResponseParts,
}

/// The half of a session of music that sends. Clones send over the same connection.
#[derive(Clone)]
pub struct MusicSender {
    api: Gemini,
    socket: WebSocketSender,
}

impl MusicSession {
    /// Status, headers and number of attempts of the request that opened the connection.
    pub fn handshake(&self) -> &ResponseParts {
        &self.handshake
    }

    /// Says what the music is about; see [`MusicSender::set_weighted_prompts`].
    pub async fn set_weighted_prompts(
        &self,
        prompts: impl IntoIterator<Item = WeightedPrompt>,
    ) -> Result<(), Error> {
        self.sender.set_weighted_prompts(prompts).await
    }

    /// Says how the music sounds; see [`MusicSender::set_music_generation_config`].
    pub async fn set_music_generation_config(
        &self,
        config: LiveMusicGenerationConfig,
    ) -> Result<(), Error> {
        self.sender.set_music_generation_config(config).await
    }

    /// Begins or goes on.
    pub async fn play(&self) -> Result<(), Error> {
        self.sender.play().await
    }

    /// Halts, to go on from here.
    pub async fn pause(&self) -> Result<(), Error> {
        self.sender.pause().await
    }

    /// Halts, to begin anew with the same settings.
    pub async fn stop(&self) -> Result<(), Error> {
        self.sender.stop().await
    }

    /// Forgets what was heard so far, and goes on.
    pub async fn reset_context(&self) -> Result<(), Error> {
        self.sender.reset_context().await
    }

    /// Closes the connection, and waits until the server has done so too.
    pub async fn close(self) {
        let Self {
            sender, receiver, ..
        } = self;
        // What nobody will hear must not stand in the way.
        drop(receiver);
        sender.close().await;
    }

    /// The two halves, for tasks of their own.
    pub fn split(self) -> (MusicSender, MusicReceiver) {
        (self.sender, self.receiver)
    }
}

impl MusicSender {
    /// Says what the music is about, in the place of what was said before.
    ///
    /// # Errors
    ///
    /// Fails without a description, and when the connection has ended, with the reason.
    pub async fn set_weighted_prompts(
        &self,
        prompts: impl IntoIterator<Item = WeightedPrompt>,
    ) -> Result<(), Error> {
        let content = LiveMusicClientContent::new().set_weighted_prompts(prompts);
        let message = live::music_weighted_prompts(self.api.endpoint(), &content)?;
        self.send(message).await
    }

    /// Says how the music sounds; what is not set takes its default. A new tempo or scale is heard
    /// only after [`reset_context`](Self::reset_context).
    ///
    /// # Errors
    ///
    /// Fails when the connection has ended, with the reason.
    pub async fn set_music_generation_config(
        &self,
        config: LiveMusicGenerationConfig,
    ) -> Result<(), Error> {
        let message = live::music_generation_config(self.api.endpoint(), &config)?;
        self.send(message).await
    }

    /// Begins or goes on.
    pub async fn play(&self) -> Result<(), Error> {
        self.control(&LiveMusicPlaybackControl::Play).await
    }

    /// Halts, to go on from here.
    pub async fn pause(&self) -> Result<(), Error> {
        self.control(&LiveMusicPlaybackControl::Pause).await
    }

    /// Halts, to begin anew with the same settings.
    pub async fn stop(&self) -> Result<(), Error> {
        self.control(&LiveMusicPlaybackControl::Stop).await
    }

    /// Forgets what was heard so far, and goes on.
    pub async fn reset_context(&self) -> Result<(), Error> {
        self.control(&LiveMusicPlaybackControl::ResetContext).await
    }

    /// Closes the connection, and waits until the server has done so too, for some seconds at
    /// most.
    pub async fn close(&self) {
        self.socket.close(CloseCode::NORMAL, "").await;
    }

    /// True when the connection has ended.
    pub fn is_closed(&self) -> bool {
        self.socket.is_closed()
    }

    async fn control(&self, control: &LiveMusicPlaybackControl) -> Result<(), Error> {
        self.send(live::music_playback(control)?).await
    }

    async fn send(&self, message: Bytes) -> Result<(), Error> {
        self.socket.send(Message::text_of(message)?).await
    }
}

impl Stream for MusicSession {
    type Item = <MusicReceiver as Stream>::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.receiver.poll_next_unpin(cx)
    }
}

impl fmt::Debug for MusicSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MusicSender")
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

//! The calls that open a session: the connection, and the first message on it.

use bytes::Bytes;
use gimmal_transport::ws::{Message, WebSocket, WebSocketConfig};
use gimmal_transport::{CallOptions, Error, Request, Response};
use gimmal_types::gemini::LiveConnectConfig;

use crate::gemini::{Gemini, live};

impl Gemini {
    /// Opens a Live session and says how it is to behave; what the server answers is the first
    /// message to be read.
    ///
    /// Route: GET ws/google.ai.generativelanguage.{version}.GenerativeService.BidiGenerateContent
    ///
    /// # Errors
    ///
    /// Fails before sending on what [`live_setup`](live::live_setup) refuses; otherwise as the
    /// transport does.
    pub async fn connect_live(
        &self,
        model: &str,
        config: &LiveConnectConfig,
        socket: &WebSocketConfig,
        options: &CallOptions,
    ) -> Result<Response<WebSocket>, Error> {
        let setup = live::live_setup(self.endpoint(), model, config)?;
        let request = live::live(self.endpoint());
        self.open_session(request, setup, socket, options).await
    }

    /// Opens a session of music with a model; developer API only.
    ///
    /// Route: GET ws/google.ai.generativelanguage.{version}.GenerativeService.BidiGenerateMusic
    ///
    /// # Errors
    ///
    /// Fails before sending on what [`live_music`](live::live_music) refuses and on a bad model
    /// name; otherwise as the transport does.
    pub async fn connect_live_music(
        &self,
        model: &str,
        socket: &WebSocketConfig,
        options: &CallOptions,
    ) -> Result<Response<WebSocket>, Error> {
        let request = live::live_music(self.endpoint())?;
        let setup = live::music_setup(self.endpoint(), model)?;
        self.open_session(request, setup, socket, options).await
    }

    async fn open_session(
        &self,
        request: Request,
        setup: Bytes,
        socket: &WebSocketConfig,
        options: &CallOptions,
    ) -> Result<Response<WebSocket>, Error> {
        let setup = Message::text_of(setup)?;
        let opening = self.transport().open_websocket(request, socket, options);
        let reply = opening.await?;
        reply.body().send(setup).await?;
        Ok(reply)
    }
}

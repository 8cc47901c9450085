//! A Live session: what the client says and hears, and how it goes on in another connection.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use gimmal_api::gemini::{Gemini, live};
use gimmal_transport::ws::{Message, WebSocketSender};
use gimmal_transport::{CloseCode, Error, ResponseParts};
use gimmal_types::gemini::{
    Blob, Content, FunctionResponse, LiveClientContent, LiveClientContextUpdate,
    LiveClientToolResponse, LiveSendRealtimeInputParameters, LiveServerGoAway,
    LiveServerSetupComplete, LiveServerToolCall,
};

use super::{ConnectLive, LiveReceiver, LiveTurn};
use crate::gemini::ToolSet;

/// A Live session: a stream of all messages of the server, and the ways to speak.
///
/// Dropping it closes the connection. A session that was opened with a resumption configuration
/// can go on in another one, see [`reconnect`](Self::reconnect).
///
/// Text and turns are sent with [`send_client_content`](Self::send_client_content), in order;
/// sound and pictures with [`send_realtime_input`](Self::send_realtime_input), as fast as they
/// come. [`receive`](Self::receive) reads one turn of the model's.
pub struct LiveSession {
    call: ConnectLive,
    sender: LiveSender,
    receiver: LiveReceiver,
    functions: ToolSet,
    setup: LiveServerSetupComplete,
    handshake: ResponseParts,
}

/// The half of a Live session that sends. Clones send over the same connection.
#[derive(Clone)]
pub struct LiveSender {
    api: Gemini,
    socket: WebSocketSender,
}

impl LiveSession {
    pub(super) fn new(
        call: ConnectLive,
        sender: LiveSender,
        receiver: LiveReceiver,
        functions: ToolSet,
        setup: LiveServerSetupComplete,
        handshake: ResponseParts,
    ) -> Self {
        Self {
            call,
            sender,
            receiver,
            functions,
            setup,
            handshake,
        }
    }

    /// The name of the session, where the server gave it one.
    pub fn session_id(&self) -> Option<&str> {
        self.setup.session_id.as_deref()
    }

    /// What the server said when the session began.
    pub fn setup_complete(&self) -> &LiveServerSetupComplete {
        &self.setup
    }

    /// Status, headers and number of attempts of the request that opened the connection.
    pub fn handshake(&self) -> &ResponseParts {
        &self.handshake
    }

    /// Sends turns of the conversation; see [`LiveSender::send_client_content`].
    pub async fn send_client_content<C: Into<Content>>(
        &self,
        turns: impl IntoIterator<Item = C>,
        turn_complete: bool,
    ) -> Result<(), Error> {
        self.sender.send_client_content(turns, turn_complete).await
    }

    /// Sends sound, a picture or text as it comes; see [`LiveSender::send_realtime_input`].
    pub async fn send_realtime_input(
        &self,
        input: LiveSendRealtimeInputParameters,
    ) -> Result<(), Error> {
        self.sender.send_realtime_input(input).await
    }

    /// Sends answers to function calls; see [`LiveSender::send_tool_response`].
    pub async fn send_tool_response(
        &self,
        responses: impl IntoIterator<Item = FunctionResponse>,
    ) -> Result<(), Error> {
        self.sender.send_tool_response(responses).await
    }

    /// Sends new instructions or tools; see [`LiveSender::send_context_update`].
    pub async fn send_context_update(&self, update: LiveClientContextUpdate) -> Result<(), Error> {
        self.sender.send_context_update(update).await
    }

    /// Runs the functions that the model calls, those given to
    /// [`with_functions`](ConnectLive::with_functions), and sends what they give; see
    /// [`LiveSender::answer`].
    pub async fn answer(&self, call: &LiveServerToolCall) -> Result<(), Error> {
        self.sender.answer(call, &self.functions).await
    }

    /// The messages of one turn; see [`LiveReceiver::receive`].
    pub fn receive(&mut self) -> LiveTurn<'_> {
        self.receiver.receive()
    }

    /// By what the session can be resumed in another connection, as the server said last.
    pub fn resumption_handle(&self) -> Option<&str> {
        self.receiver.resumption_handle()
    }

    /// The server's announcement that it will end the connection, once it has been read.
    pub fn going_away(&self) -> Option<&LiveServerGoAway> {
        self.receiver.going_away()
    }

    /// Goes on in another connection from where the server's last handle stands. The settings are
    /// those of the first one.
    ///
    /// The old connection is closed first, because the service refuses to resume a session that
    /// another connection still holds; messages of it that were not read are lost. When this fails
    /// the handle stays, and it can be tried again.
    ///
    /// # Errors
    ///
    /// Fails when there is no handle; otherwise as [`ConnectLive::send`].
    pub async fn reconnect(&mut self) -> Result<(), Error> {
        let Some(handle) = self.resumption_handle().map(str::to_owned) else {
            let fix = if self.call.resumption().is_some() {
                "there is no handle; read until the server has sent one"
            } else {
                "is not set; call `set_resumption_handle(None)` when connecting"
            };
            return Err(Error::invalid("sessionResumption", fix));
        };
        self.sender.close().await;
        let call = self
            .call
            .clone()
            .set_resumption_handle(Some(handle.clone()));
        let mut session = Box::pin(call.send()).await?;
        if session.resumption_handle().is_none() {
            session.receiver.set_resumption_handle(handle);
        }
        *self = session;
        Ok(())
    }

    /// Closes the connection, and waits until the server has done so too.
    pub async fn close(self) {
        let Self {
            sender, receiver, ..
        } = self;
        // What nobody will read must not stand in the way.
        drop(receiver);
        sender.close().await;
    }

    /// The two halves, for tasks of their own.
    pub fn split(self) -> (LiveSender, LiveReceiver) {
        (self.sender, self.receiver)
    }
}

impl LiveSender {
    pub(super) fn new(api: Gemini, socket: WebSocketSender) -> Self {
        Self { api, socket }
    }

    /// Sends turns of the conversation, which are added in order. The model replies when
    /// `turn_complete` is true, and waits for more when it is false.
    ///
    /// # Errors
    ///
    /// Fails on fields that the backend does not have, and when the connection has ended, with
    /// the reason.
    pub async fn send_client_content<C: Into<Content>>(
        &self,
        turns: impl IntoIterator<Item = C>,
        turn_complete: bool,
    ) -> Result<(), Error> {
        let content = LiveClientContent::new()
            .set_turns(turns)
            .set_turn_complete(turn_complete);
        let message = live::live_client_content(self.api.endpoint(), &content)?;
        self.send(message).await
    }

    /// Sends sound, a picture or text as it comes. The server finds out by itself when the user
    /// has ended, unless that was switched off.
    ///
    /// # Errors
    ///
    /// Fails unless exactly one of the fields is set, and on media that are not what their field
    /// is for; otherwise as [`send_client_content`](Self::send_client_content).
    pub async fn send_realtime_input(
        &self,
        input: LiveSendRealtimeInputParameters,
    ) -> Result<(), Error> {
        let message = live::live_realtime_input(self.api.endpoint(), &input)?;
        self.send(message).await
    }

    /// Sends a piece of sound, such as `audio/pcm;rate=16000`.
    ///
    /// # Errors
    ///
    /// As [`send_realtime_input`](Self::send_realtime_input).
    pub async fn send_audio(
        &self,
        sound: impl Into<Bytes>,
        mime_type: impl Into<String>,
    ) -> Result<(), Error> {
        let blob = Blob::new().set_data(sound.into()).set_mime_type(mime_type);
        let input = LiveSendRealtimeInputParameters::new().set_audio(blob);
        self.send_realtime_input(input).await
    }

    /// Sends answers to function calls.
    ///
    /// # Errors
    ///
    /// Fails without an answer, and on the developer API when one does not name its call;
    /// otherwise as [`send_client_content`](Self::send_client_content).
    pub async fn send_tool_response(
        &self,
        responses: impl IntoIterator<Item = FunctionResponse>,
    ) -> Result<(), Error> {
        let response = LiveClientToolResponse::new().set_function_responses(responses);
        let message = live::live_tool_response(self.api.endpoint(), &response)?;
        self.send(message).await
    }

    /// Sends new instructions or tools, in the place of those so far.
    ///
    /// # Errors
    ///
    /// Fails when neither is set; otherwise as
    /// [`send_client_content`](Self::send_client_content).
    pub async fn send_context_update(&self, update: LiveClientContextUpdate) -> Result<(), Error> {
        let message = live::live_context_update(self.api.endpoint(), &update)?;
        self.send(message).await
    }

    /// Runs the functions that the model calls, all at once, and sends their results.
    ///
    /// Calls that the model takes back meanwhile are answered all the same, which the service
    /// ignores.
    ///
    /// # Errors
    ///
    /// Fails as [`ToolSet::answer`] and [`send_tool_response`](Self::send_tool_response).
    pub async fn answer(
        &self,
        call: &LiveServerToolCall,
        functions: &ToolSet,
    ) -> Result<(), Error> {
        let turn = functions.answer(&call.function_calls).await?;
        let responses = turn.parts.into_iter();
        let responses = responses.filter_map(|part| part.function_response);
        self.send_tool_response(responses.map(|response| *response))
            .await
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

    async fn send(&self, message: Bytes) -> Result<(), Error> {
        self.socket.send(Message::text_of(message)?).await
    }
}

impl Stream for LiveSession {
    type Item = <LiveReceiver as Stream>::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.receiver.poll_next_unpin(cx)
    }
}

impl fmt::Debug for LiveSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveSession")
            .field("call", &self.call)
            .field("sender", &self.sender)
            .field("receiver", &self.receiver)
            .field("handshake", &self.handshake)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for LiveSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveSender")
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

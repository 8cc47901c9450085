//! An interaction whose model had to stop, continued until it is whole.
//!
//! A part that stopped carries a token; a request with that token goes on where the part ended.
//! Where the service keeps interactions, the request names the part as the one before and says
//! nothing anew; where it does not, everything is said again.

use futures_util::StreamExt as _;
use gimmal_api::gemini::{Gemini, InteractionStream};
use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::interactions::{
    Interaction, InteractionRequest, InteractionSseEvent, InteractionStatus,
};

use super::ContinuationInterrupted;

/// How often in a row a stream that brings no new token is asked for again.
const FRUITLESS: u32 = 3;

/// What the requests of one interaction need.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) api: Gemini,
    pub(super) request: InteractionRequest,
    /// A deadline among them covers all the requests.
    pub(super) options: CallOptions,
    /// Whether a part that stopped is continued.
    pub(super) resume: bool,
}

impl Call {
    /// The whole interaction; status and headers are those of the last request.
    pub(super) async fn whole(&self) -> Result<Response<Interaction>, Error> {
        let first = self.ask(&self.request).await?;
        if !self.resume {
            return Ok(first);
        }
        let mut reply = first;
        let mut asked = self.request.continuation_token().map(str::to_owned);
        while let Some(token) = reply.body().token_to_continue().map(str::to_owned) {
            // A server that gives the token it was given would be asked for ever.
            if asked.as_ref() == Some(&token) {
                break;
            }
            let owner = reply.body().id.clone().filter(|id| !id.is_empty());
            let mut request = self.request.clone();
            request.set_continuation(token.as_str(), owner.as_deref());
            match self.ask(&request).await {
                Ok(next) => {
                    let (parts, next) = next.into_parts();
                    let mut whole = reply.into_body();
                    whole.append(next);
                    reply = Response::from_parts(parts, whole);
                    asked = Some(token);
                }
                Err(error) => {
                    let partial = reply.into_body();
                    let ids = match partial.continuation_ids.as_slice() {
                        [] => partial.id.clone().into_iter().collect(),
                        ids => ids.to_vec(),
                    };
                    let owner = owner.filter(|_| self.request.is_stored());
                    return Err(ContinuationInterrupted::attach(
                        error,
                        Some(partial),
                        &token,
                        owner.as_deref(),
                        ids,
                    ));
                }
            }
        }
        Ok(reply)
    }

    async fn ask(&self, request: &InteractionRequest) -> Result<Response<Interaction>, Error> {
        self.api.create_interaction(request, &self.options).await
    }

    async fn open(&self, request: &InteractionRequest) -> Result<InteractionStream, Error> {
        self.api.stream_interaction(request, &self.options).await
    }
}

/// The events of an interaction, across the requests that it takes.
#[derive(Debug)]
pub(super) struct Hops {
    call: Call,
    stream: InteractionStream,
    hop: Hop,
    /// The interactions so far, in order.
    ids: Vec<String>,
    fruitless: u32,
    /// What went wrong since the last new token.
    error: Option<Error>,
    ended: bool,
}

/// What came of one request.
#[derive(Debug, Default)]
struct Hop {
    /// The token it began with.
    start: Option<String>,
    /// The newest token, and the interaction that it belongs to.
    token: Option<String>,
    owner: Option<String>,
    interaction_id: Option<String>,
    status: Option<InteractionStatus>,
    /// An error event ended it.
    failed: bool,
    /// Output came since the newest token; going on from there would bring it twice.
    content: bool,
}

impl Hops {
    pub(super) async fn open(call: Call) -> Result<Self, Error> {
        let stream = call.open(&call.request).await?;
        let token = call.request.continuation_token().map(str::to_owned);
        let hop = Hop {
            start: token.clone(),
            token,
            ..Hop::default()
        };
        Ok(Self {
            call,
            stream,
            hop,
            ids: Vec::new(),
            fruitless: 0,
            error: None,
            ended: false,
        })
    }

    pub(super) fn stream(&self) -> &InteractionStream {
        &self.stream
    }

    pub(super) async fn next(&mut self) -> Option<Result<InteractionSseEvent, Error>> {
        while !self.ended {
            let error = match self.stream.next().await {
                Some(Ok(event)) => {
                    self.observe(&event);
                    return Some(Ok(event));
                }
                Some(Err(error)) => Some(error),
                None => None,
            };
            if let Err(error) = self.resume(error).await {
                self.ended = true;
                return Some(Err(error));
            }
        }
        None
    }

    fn observe(&mut self, event: &InteractionSseEvent) {
        let hop = &mut self.hop;
        if let Some(id) = event.interaction_id() {
            hop.interaction_id = Some(id.to_owned());
            if !self.ids.iter().any(|known| known == id) {
                self.ids.push(id.to_owned());
            }
        }
        let present = |token: &Option<String>| token.clone().filter(|token| !token.is_empty());
        let before = hop.token.clone();
        match event {
            InteractionSseEvent::Created(event) => {
                if let Some(told) = &event.interaction {
                    hop.status = told.status.clone().or(hop.status.take());
                    hop.token = present(&told.continuation_token).or(hop.token.take());
                }
            }
            InteractionSseEvent::StatusUpdate(event) => {
                hop.status = event.status.clone().or(hop.status.take());
                if let Some(token) = present(&event.continuation_token) {
                    hop.token = Some(token);
                    hop.content = false;
                }
            }
            // The last word counts: without a token there is none any more.
            InteractionSseEvent::Completed(event) => {
                if let Some(told) = &event.interaction {
                    hop.status = told.status.clone().or(hop.status.take());
                    hop.token = present(&told.continuation_token);
                }
                hop.content = false;
            }
            InteractionSseEvent::Error(_) => {
                hop.failed = true;
                hop.token = None;
            }
            _ => hop.content = true,
        }
        if hop.token.is_some() && hop.token != before {
            hop.owner = hop.interaction_id.clone();
        }
    }

    /// Opens the next request, or ends, with an error when one was the reason.
    async fn resume(&mut self, mut error: Option<Error>) -> Result<(), Error> {
        loop {
            let Some((token, owner)) = self.place(&mut error)? else {
                self.ended = true;
                return Ok(());
            };
            self.hop = Hop {
                start: Some(token.clone()),
                token: Some(token.clone()),
                owner: owner.clone(),
                ..Hop::default()
            };
            let mut request = self.call.request.clone();
            request.set_continuation(token, owner.as_deref());
            match self.call.open(&request).await {
                Ok(stream) => {
                    self.stream = stream;
                    return Ok(());
                }
                // A refusal was retried already as often as that helps.
                Err(refused) if !is_accident(&refused) => return Err(self.give_up(refused)),
                Err(accident) => error = Some(accident),
            }
        }
    }

    /// Where to go on; none when it is whole or cannot go on.
    fn place(
        &mut self,
        error: &mut Option<Error>,
    ) -> Result<Option<(String, Option<String>)>, Error> {
        let stopped = self.hop.status == Some(InteractionStatus::RequiresContinuation);
        let token = self.resumable().filter(|_| !self.hop.content);
        // The token it was given, handed back by a part that came to its end, leads nowhere.
        let token = token.filter(|token| !(stopped && self.hop.start.as_ref() == Some(token)));
        let Some(token) = token else {
            return match error.take() {
                Some(error) => Err(self.give_up(error)),
                None => Ok(None),
            };
        };
        if stopped || self.hop.start.as_ref() != Some(&token) {
            self.fruitless = 0;
            self.error = None;
        } else {
            self.fruitless += 1;
        }
        self.error = error.take().or(self.error.take());
        if self.fruitless > FRUITLESS {
            return match self.error.take() {
                Some(error) => Err(self.give_up(error)),
                None => Ok(None),
            };
        }
        Ok(Some((token, self.hop.owner.clone())))
    }

    /// The token to go on from, unless the interaction came to an end of another kind.
    fn resumable(&self) -> Option<String> {
        let open = !self.hop.failed
            && matches!(
                self.hop.status,
                None | Some(
                    InteractionStatus::InProgress | InteractionStatus::RequiresContinuation
                )
            );
        self.hop.token.clone().filter(|_| open && self.call.resume)
    }

    /// The error, with the place to go on from when this call has come to one.
    fn give_up(&self, error: Error) -> Error {
        let own = self.call.request.continuation_token();
        match self.resumable() {
            Some(token) if Some(token.as_str()) != own => {
                let owner = self.hop.owner.as_deref();
                let owner = owner.filter(|_| self.call.request.is_stored());
                ContinuationInterrupted::attach(error, None, &token, owner, self.ids.clone())
            }
            _ => error,
        }
    }
}

/// Whether the connection failed, rather than that the service refused or the time is over.
fn is_accident(error: &Error) -> bool {
    let failed = error.is_connect() || error.is_timeout();
    failed && error.status().is_none() && !error.is_deadline()
}

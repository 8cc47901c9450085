//! A reply that the service cut, resumed until it is whole.
//!
//! A cut reply carries a token; the same request with that token goes on where the reply ended.

use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::StreamExt as _;
use gimmal_api::gemini::{Gemini, GenerateStream};
use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::Bytes64;
use gimmal_types::gemini::{
    FinishReason, GenerateContentRequest, GenerateContentResponse, UsageMetadata,
};

use crate::gemini::ResponseStore;

/// How often in a row a stream that brings nothing is asked for again.
const FRUITLESS: u32 = 3;

/// What one request of a generation needs.
#[derive(Clone, Debug)]
pub(in crate::gemini) struct Call {
    pub(in crate::gemini) api: Gemini,
    /// Keeps whole replies.
    pub(in crate::gemini) store: Option<Arc<dyn ResponseStore>>,
    pub(in crate::gemini) model: String,
    pub(in crate::gemini) request: GenerateContentRequest,
    /// A deadline among them covers all the requests.
    pub(in crate::gemini) options: CallOptions,
    /// Whether a cut reply is resumed.
    pub(in crate::gemini) resume: bool,
}

impl Call {
    /// Waits for what is done between two requests, as long as the deadline allows.
    pub(super) async fn in_time<F: Future>(&self, future: F) -> Result<F::Output, Error> {
        let transport = self.api.transport();
        transport.within_deadline(&self.options, future).await
    }

    async fn send(&self) -> Result<Response<GenerateContentResponse>, Error> {
        self.api
            .generate_content(&self.model, &self.request, &self.options)
            .await
    }

    /// One whole reply; status and headers are those of the last request.
    pub(super) async fn sent_whole(&self) -> Result<Response<GenerateContentResponse>, Error> {
        let first = self.send().await?;
        if !self.resume || first.body().continuation_token().is_none() {
            return Ok(first);
        }
        let mut next = self.clone();
        let mut reply = first;
        while let Some(token) = reply.body().continuation_token().cloned() {
            // A server that gives the same token and nothing with it would be asked for ever.
            let asked = next.request.continuation_token.replace(token.clone());
            if asked.as_ref() == Some(&token) && reply.body().parts().is_empty() {
                break;
            }
            let (parts, hop) = next.send().await?.into_parts();
            let mut whole = reply.into_body();
            whole.append(hop);
            reply = Response::from_parts(parts, whole);
        }
        Ok(reply)
    }
}

/// The chunks of a reply, across the requests that it takes.
#[derive(Debug)]
pub(super) struct Hops {
    call: Box<Call>,
    stream: GenerateStream,
    hop: Hop,
    /// Tokens used by the requests before this one.
    used: Option<UsageMetadata>,
    first_prompt: Option<i32>,
    fruitless: u32,
    /// What went wrong since something came last.
    error: Option<Error>,
    ended: bool,
}

/// What came of one request.
#[derive(Debug, Default)]
struct Hop {
    /// The token it started with.
    start: Option<Bytes64>,
    /// The newest token it brought.
    token: Option<Bytes64>,
    answered: bool,
    content: bool,
    /// It said how the reply ends, so that nothing is to follow.
    finished: bool,
    usage: Option<Box<UsageMetadata>>,
}

impl Hops {
    pub(super) async fn open(call: Box<Call>) -> Result<Self, Error> {
        let stream = open(&call).await?;
        let start = call.request.continuation_token.clone();
        Ok(Self {
            call,
            stream,
            hop: Hop {
                start,
                ..Hop::default()
            },
            used: None,
            first_prompt: None,
            fruitless: 0,
            error: None,
            ended: false,
        })
    }

    pub(super) fn stream(&self) -> &GenerateStream {
        &self.stream
    }

    /// The next chunk of the present request; after an error or the end, see [`Hops::is_whole`].
    pub(super) fn poll_next(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<GenerateContentResponse, Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        // A chunk is large: it is changed where it is, not handed on from hand to hand.
        let mut next = self.stream.poll_next_unpin(context);
        if let Poll::Ready(Some(Ok(chunk))) = &mut next {
            self.pass(chunk);
        }
        next
    }

    /// Whether a request that ended without an error was the last one.
    pub(super) fn is_whole(&self) -> bool {
        self.ended || self.error.is_none() && (self.hop.finished || !self.call.resume)
    }

    /// Opens the next request, or ends, with an error when one was the reason.
    pub(super) async fn resume(&mut self, error: Option<Error>) -> Result<(), Error> {
        if let Some(error) = error {
            // A refusal of the service's is no accident of the connection.
            if !self.hop.answered && error.rpc_status().is_some() {
                return Err(error);
            }
            self.error = Some(error);
        }
        loop {
            let Some(token) = self.next_token() else {
                self.ended = true;
                return self.error.take().map_or(Ok(()), Err);
            };
            if let Some(usage) = self.hop.usage.take() {
                self.first_prompt = self.first_prompt.or(usage.prompt_token_count);
                self.used.get_or_insert_default().add(*usage);
            }
            self.call.request.continuation_token = Some(token.clone());
            self.hop = Hop {
                start: Some(token),
                ..Hop::default()
            };
            match open(&self.call).await {
                Ok(stream) => {
                    self.stream = stream;
                    return Ok(());
                }
                Err(error) if error.status().is_some() || !is_accident(&error) => {
                    return Err(error);
                }
                Err(error) => self.error = Some(error),
            }
        }
    }

    /// The token to go on with; none when the reply is whole or cannot be resumed.
    fn next_token(&mut self) -> Option<Bytes64> {
        if !self.call.resume || self.hop.finished {
            return None;
        }
        if let Some(token) = self.hop.token.take() {
            self.fruitless = 0;
            return Some(token);
        }
        // What came without a token would come a second time.
        if self.hop.content {
            return None;
        }
        self.fruitless += 1;
        let token = self.hop.start.clone();
        token.filter(|_| self.fruitless <= FRUITLESS)
    }

    /// Takes note of a chunk, and makes it part of the whole.
    fn pass(&mut self, chunk: &mut GenerateContentResponse) {
        self.hop.answered = true;
        if !self.call.resume {
            return;
        }
        if chunk.prompt_feedback.is_some() {
            self.hop.finished = true;
        }
        if let Some(candidate) = chunk.candidates.first_mut() {
            let token = candidate.continuation_token.clone();
            let parts = candidate.content.as_ref();
            let content = parts.is_some_and(|content| !content.parts.is_empty());
            if token.is_some() || content {
                self.error = None;
                self.fruitless = 0;
            }
            self.hop.content |= content;
            self.hop.token = token.or(self.hop.token.take());
            match candidate.finish_reason {
                None => {}
                // The reply goes on, so it has not ended for the caller.
                Some(FinishReason::Continuation) if self.hop.token.is_some() => {
                    candidate.finish_reason = None;
                }
                Some(_) => self.hop.finished = true,
            }
        }
        if let Some(usage) = &mut chunk.usage_metadata {
            // Only what may be resumed has totals to be added to.
            if self.hop.token.is_some() || self.hop.start.is_some() {
                self.hop.usage = Some(usage.clone());
            }
            if let Some(used) = &self.used {
                let mut sum = used.clone();
                sum.add(std::mem::take(&mut **usage));
                **usage = sum;
            }
        }
        if self.used.is_some() {
            chunk.initial_prompt_token_count = self.first_prompt;
        }
    }
}

/// Whether asking again may bring what did not come.
fn is_accident(error: &Error) -> bool {
    error.persistence() != gimmal_transport::Persistence::Permanent && !error.is_deadline()
}

async fn open(call: &Call) -> Result<GenerateStream, Error> {
    call.api
        .stream_generate_content(&call.model, &call.request, &call.options)
        .await
}

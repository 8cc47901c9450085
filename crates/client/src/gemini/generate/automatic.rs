//! Functions that are called without asking the caller: the model calls, the functions run, the
//! model goes on with their results.

use std::borrow::Cow;

use gimmal_api::gemini::Backend;
use gimmal_transport::{Error, Response};
use gimmal_types::gemini::{
    AutomaticFunctionCallingConfig, Content, GenerateContentResponse, Part, Role,
};

use super::hops::{Call, Hops};
use super::stream::{Event, Events};
use crate::gemini::ToolSet;

/// Requests to the model unless the caller says otherwise, as in the reference.
const REQUESTS: i32 = 10;

/// Everything a reply needs: a request, and the functions that may be called on the way.
#[derive(Debug)]
pub(in crate::gemini) struct Generation {
    call: Call,
    tools: ToolSet,
    /// Requests that may still be made.
    left: i32,
    keep_history: bool,
}

/// The turns between the caller's and the reply: calls and results by turns.
pub(in crate::gemini) type Turns = Vec<Content>;

impl Generation {
    /// Puts the functions into the request. They are called automatically unless that is switched
    /// off, or the request declares functions that only the caller can run.
    pub(in crate::gemini) async fn new(
        mut call: Call,
        tools: ToolSet,
        config: &AutomaticFunctionCallingConfig,
    ) -> Result<Self, Error> {
        call.options = call.api.transport().start_deadline(call.options);
        let tools = match call.in_time(tools.resolved()).await.flatten()? {
            Cow::Borrowed(_) => tools,
            Cow::Owned(all) => all,
        };
        let declared = &call.request.tools;
        let by_caller = declared.iter().any(|tool| {
            let served = call.api.endpoint().backend() == Backend::GeminiApi;
            !tool.function_declarations.is_empty() || (served && !tool.mcp_servers.is_empty())
        });
        let requests = config.maximum_remote_calls.unwrap_or(REQUESTS);
        let active = !tools.is_empty() && !by_caller && config.disable != Some(true);
        if active {
            call.options = call.api.with_usage(&call.options, "afc");
        }
        call.request.tools = tools.join(std::mem::take(&mut call.request.tools))?;
        Ok(Self {
            call,
            tools,
            left: if active { requests.max(0) } else { 0 },
            keep_history: config.ignore_call_history != Some(true),
        })
    }

    /// Whether functions run after the next reply.
    fn runs_functions(&self) -> bool {
        self.left > 1
    }

    /// Sends until the model is done; the reply, and the turns that led to it.
    pub(in crate::gemini) async fn send(
        mut self,
    ) -> Result<(Response<GenerateContentResponse>, Turns), Error> {
        let given = self.call.request.contents.len();
        loop {
            let mut reply = self.call.whole().await?;
            let may_run = self.runs_functions();
            self.left -= 1;
            if !may_run || reply.body().function_calls().next().is_none() {
                let contents = &mut self.call.request.contents;
                let turns = contents[given..].to_vec();
                if self.keep_history && !turns.is_empty() {
                    reply.body_mut().automatic_function_calling_history = std::mem::take(contents);
                }
                return Ok((reply, turns));
            }
            let answering = self.tools.answer(reply.body().function_calls());
            let results = self.call.in_time(answering).await.flatten()?;
            let contents = &mut self.call.request.contents;
            contents.push(said(reply.into_body()));
            contents.push(results);
        }
    }

    /// Opens the stream.
    pub(in crate::gemini) async fn stream(self) -> Result<Events, Error> {
        let streams_arguments = self
            .call
            .request
            .tool_config
            .as_ref()
            .is_some_and(|config| {
                let calling = config.function_calling_config.as_ref();
                calling.is_some_and(|calling| calling.stream_function_call_arguments == Some(true))
            });
        if streams_arguments && self.left > 0 {
            return Err(Error::invalid(
                "toolConfig.functionCallingConfig.streamFunctionCallArguments",
                "cannot be set while functions are called automatically; \
                 switch one of the two off",
            ));
        }
        // A copy of the conversation is needed only when it may go on.
        let next = self.runs_functions().then(|| self.call.clone());
        if next.is_none()
            && let Some(store) = self.call.usable_store()
        {
            return self.call.stored_stream(&*store).await;
        }
        let hops = Hops::open(self.call).await?;
        let parts = hops.stream().parts().clone();
        let state = Streaming {
            hops,
            next,
            tools: self.tools,
            left: self.left,
            keep_history: self.keep_history,
            said: GenerateContentResponse::default(),
            results: Vec::new(),
            history: Vec::new(),
            ended: false,
        };
        let events = futures_util::stream::unfold(Box::new(state), |mut state| async {
            let event = state.next().await?;
            Some((event, state))
        });
        Ok(Events::new(parts, Box::pin(events)))
    }
}

/// The model's turn.
fn said(reply: GenerateContentResponse) -> Content {
    let candidate = reply.candidates.into_iter().next();
    let content = candidate.and_then(|candidate| candidate.content);
    let mut content = content.map(|content| *content).unwrap_or_default();
    content.role.get_or_insert(Role::Model);
    content
}

/// A stream on its way.
struct Streaming {
    hops: Hops,
    /// The request that is made when functions ran; absent when none may run any more.
    next: Option<Call>,
    tools: ToolSet,
    left: i32,
    keep_history: bool,
    /// What the model said in this round.
    said: GenerateContentResponse,
    /// What the functions gave in this round.
    results: Vec<Part>,
    /// To be handed out with the next chunk.
    history: Vec<Content>,
    ended: bool,
}

impl Streaming {
    async fn next(&mut self) -> Option<Result<Event, Error>> {
        if self.ended {
            return None;
        }
        let event = match self.hops.next().await {
            Some(Ok(chunk)) => self.chunk(chunk).await.map(Some),
            Some(Err(error)) => Err(error),
            // What is rare is boxed, lest every chunk pay for its size.
            None => Box::pin(self.round()).await,
        };
        self.ended = !matches!(event, Ok(Some(_)));
        event.transpose()
    }

    /// Runs what the chunk calls before it is handed out.
    async fn chunk(&mut self, mut chunk: GenerateContentResponse) -> Result<Event, Error> {
        if let Some(call) = &self.next {
            if chunk.function_calls().next().is_some() {
                let answering = self.tools.answer(chunk.function_calls());
                let results = Box::pin(call.in_time(answering)).await.flatten()?;
                self.results.extend(results.parts);
            }
            self.said.absorb(chunk.clone());
        }
        chunk.automatic_function_calling_history = std::mem::take(&mut self.history);
        Ok(Event::Chunk(chunk))
    }

    /// Asks the model again when functions ran.
    async fn round(&mut self) -> Result<Option<Event>, Error> {
        if self.results.is_empty() {
            return Ok(None);
        }
        let Some(mut call) = self.next.take() else {
            return Ok(None);
        };
        let results = std::mem::take(&mut self.results);
        let results = Content::new().set_role(Role::User).set_parts(results);
        let calls = said(std::mem::take(&mut self.said));
        call.request.contents.push(calls.clone());
        call.request.contents.push(results.clone());
        if self.keep_history {
            self.history.clone_from(&call.request.contents);
        }
        self.left -= 1;
        self.next = (self.left > 1).then(|| call.clone());
        self.hops = Hops::open(call).await?;
        Ok(Some(Event::Round { calls, results }))
    }
}

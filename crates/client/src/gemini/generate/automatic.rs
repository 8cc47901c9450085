//! Functions that are called without asking the caller: the model calls, the functions run, the
//! model goes on with their results.

use std::borrow::Cow;
use std::task::{Context, Poll};

use gimmal_api::gemini::Backend;
use gimmal_transport::{Error, Response, ResponseParts};
use gimmal_types::gemini::{
    AutomaticFunctionCallingConfig, Content, GenerateContentResponse, Part, Role,
};

use super::hops::{Call, Hops};
use super::stream::{Chunks, Round};
use crate::gemini::ToolSet;

/// Requests to the model unless the caller says otherwise, as in the reference.
const REQUESTS: i32 = 10;

/// Everything a reply needs: a request, and the functions that may be called on the way.
#[derive(Debug)]
pub(in crate::gemini) struct Generation {
    call: Box<Call>,
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
        mut call: Box<Call>,
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
    pub(in crate::gemini) async fn stream(self) -> Result<Chunks, Error> {
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
        Ok(Chunks::new(Streaming {
            next,
            tools: self.tools,
            left: self.left,
            keep_history: self.keep_history,
            ..Streaming::plain(Hops::open(self.call).await?)
        }))
    }
}

fn calls_functions(chunk: &GenerateContentResponse) -> bool {
    chunk.function_calls().next().is_some()
}

/// The model's turn.
fn said(reply: GenerateContentResponse) -> Content {
    let candidate = reply.candidates.into_iter().next();
    let content = candidate.and_then(|candidate| candidate.content);
    let mut content = content.map(|content| *content).unwrap_or_default();
    content.role.get_or_insert(Role::Model);
    content
}

/// What a stream waits for besides its chunks.
pub(super) enum Work {
    /// The request ended, perhaps with an error, and the reply may go on in another.
    Resume(Option<Error>),
    /// Functions that a chunk calls.
    Run(Box<GenerateContentResponse>),
    /// The next question to the model, with the results of functions.
    Ask,
}

/// What came of it.
pub(super) enum Done {
    Nothing,
    Chunk(Box<GenerateContentResponse>),
    Round(Round),
}

/// A stream on its way.
pub(super) struct Streaming {
    hops: Hops,
    /// The request that is made when functions ran; absent when none may run any more.
    next: Option<Box<Call>>,
    tools: ToolSet,
    left: i32,
    keep_history: bool,
    /// What the model said in this round.
    said: GenerateContentResponse,
    /// What the functions gave in this round.
    results: Vec<Part>,
    /// To be handed out with the next chunk.
    history: Vec<Content>,
    work: Option<Work>,
}

impl Streaming {
    /// A stream that runs no functions.
    pub(super) fn plain(hops: Hops) -> Self {
        Self {
            hops,
            next: None,
            tools: ToolSet::new(),
            left: 0,
            keep_history: false,
            said: GenerateContentResponse::default(),
            results: Vec::new(),
            history: Vec::new(),
            work: None,
        }
    }

    /// Everything of the first reply but its body.
    pub(super) fn parts(&self) -> &ResponseParts {
        self.hops.stream().parts()
    }

    /// The next chunk; or none, when there is work to do or the stream has ended.
    pub(super) fn poll_next(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<GenerateContentResponse, Error>>> {
        let mut next = self.hops.poll_next(context);
        if let Poll::Ready(Some(Ok(chunk))) = &mut next {
            if self.next.is_none() || !calls_functions(chunk) {
                self.hand_out(chunk);
                return next;
            }
            self.work = Some(Work::Run(Box::new(std::mem::take(chunk))));
            return Poll::Ready(None);
        }
        self.work = match next {
            Poll::Ready(Some(Err(error))) => Some(Work::Resume(Some(error))),
            Poll::Ready(_) if !self.hops.is_whole() => Some(Work::Resume(None)),
            Poll::Ready(_) if !self.results.is_empty() => Some(Work::Ask),
            Poll::Ready(_) => None,
            Poll::Pending => return Poll::Pending,
        };
        Poll::Ready(None)
    }

    pub(super) fn take_work(&mut self) -> Option<Work> {
        self.work.take()
    }

    /// Does what the stream waits for.
    pub(super) async fn work(&mut self, work: Work) -> Result<Done, Error> {
        match work {
            Work::Resume(error) => self.hops.resume(error).await.map(|()| Done::Nothing),
            Work::Run(chunk) => self.run(chunk).await.map(Done::Chunk),
            Work::Ask => self.ask().await,
        }
    }

    fn hand_out(&mut self, chunk: &mut GenerateContentResponse) {
        if self.next.is_some() {
            self.said.absorb(chunk.clone());
        }
        chunk.automatic_function_calling_history = std::mem::take(&mut self.history);
    }

    /// Runs what the chunk calls before it is handed out.
    async fn run(
        &mut self,
        mut chunk: Box<GenerateContentResponse>,
    ) -> Result<Box<GenerateContentResponse>, Error> {
        if let Some(call) = &self.next {
            let answering = self.tools.answer(chunk.function_calls());
            let results = call.in_time(answering).await.flatten()?;
            self.results.extend(results.parts);
        }
        self.hand_out(&mut chunk);
        Ok(chunk)
    }

    /// Asks the model again when functions ran.
    async fn ask(&mut self) -> Result<Done, Error> {
        let results = std::mem::take(&mut self.results);
        let Some(mut call) = self.next.take() else {
            return Ok(Done::Nothing);
        };
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
        Ok(Done::Round(Round { calls, results }))
    }
}

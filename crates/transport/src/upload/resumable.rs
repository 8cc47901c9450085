//! Driving an upload: reads, sends and waits as the machine and the recovery say. The protocol is
//! decided elsewhere.

use std::num::NonZeroU64;

use bytes::Bytes;
use http::{HeaderValue, StatusCode};

use crate::error::Error;
use crate::options::CallOptions;
use crate::request::Request;
use crate::response::Response;
use crate::scope::Origin;
use crate::transfer::{Failure, Listener, Progress, Recovery, Source};
use crate::transport::Transport;
use crate::upload::UploadSession;
use crate::upload::machine::{Machine, Outcome, Step};
use crate::upload::protocol::{
    Answer, Command, Status, command_request, read_start, start_request,
};

/// The size of chunks unless set otherwise: 8 MiB, as in Google's own clients.
const CHUNK_BYTES: u64 = 8 * 1024 * 1024;

/// Uploads content in chunks, and goes on where it stopped after a failure.
///
/// ```
/// use std::sync::Arc;
///
/// use gimmal_transport::testing::{Reply, ScriptedTransport};
/// use gimmal_transport::{Request, ResumableUpload, Source, Transport};
/// use http::{HeaderName, HeaderValue, Method};
/// use url::Url;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // A server that opens an upload and takes the content. Leave `with_http` out to talk to one.
/// let http = ScriptedTransport::new([
///     Reply::status(200).with_header(
///         HeaderName::from_static("x-goog-upload-url"),
///         HeaderValue::from_static("https://api.example.com/upload?upload_id=1"),
///     ),
///     Reply::json(200, r#"{"file": {"name": "files/1"}}"#).with_header(
///         HeaderName::from_static("x-goog-upload-status"),
///         HeaderValue::from_static("final"),
///     ),
/// ]);
/// let transport = Transport::builder().with_http(Arc::new(http)).build()?;
///
/// let upload = ResumableUpload::new(&transport)
///     .with_progress(|progress| println!("{} of {:?} bytes", progress.bytes, progress.total));
/// let start = Request::new(Method::POST, Url::parse("https://api.example.com/upload/files")?)
///     .with_json_body(r#"{"file": {"mime_type": "text/plain"}}"#.into());
/// let source = Source::from("some text");
/// let reply = upload.send(start, &source, &HeaderValue::from_static("text/plain")).await?;
/// assert_eq!(reply.body(), r#"{"file": {"name": "files/1"}}"#);
/// # Ok(())
/// # }
/// ```
///
/// The upload is opened with the credentials of the transport. The chunks go without them, to the
/// address that the server names: its address is the permission. It must have the origin that the
/// upload was opened at or be a host of `googleapis.com`; see [`with_origin`](Self::with_origin).
///
/// After a failure the server is asked how much it has, and the upload goes on from there: as
/// often as the retry policy allows without progress in between, and with its waits. A deadline
/// in the options covers all of it. The source is looked at after each read, and a change ends
/// the upload, so that no mixture of two contents is ever finished.
///
/// To go on after the process has ended, open the upload with [`start`](Self::start), save the
/// session, and call [`resume`](Self::resume). Dropping a future stops the sending and leaves the
/// upload open on the server; [`cancel`](Self::cancel) closes it.
#[derive(Clone, Debug)]
#[must_use]
pub struct ResumableUpload {
    transport: Transport,
    anonymous: Transport,
    options: CallOptions,
    chunk_bytes: Option<NonZeroU64>,
    origin: Option<Origin>,
    listener: Listener,
}

impl ResumableUpload {
    /// Uploads through `transport`.
    pub fn new(transport: &Transport) -> Self {
        Self {
            transport: transport.clone(),
            anonymous: transport.without_credentials(),
            options: CallOptions::default(),
            chunk_bytes: None,
            origin: None,
            listener: Listener::default(),
        }
    }

    /// Sets the options of the calls. Headers among them are sent only when the upload is opened.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets the size of chunks in bytes; 8 MiB by default.
    ///
    /// It must be a multiple of the unit that the server names when the upload is opened, which
    /// is 256 KiB at Google. Each chunk is held in memory while it is sent.
    pub fn with_chunk_bytes(mut self, chunk_bytes: NonZeroU64) -> Self {
        self.chunk_bytes = Some(chunk_bytes);
        self
    }

    /// Sends the content to this origin, whichever one the server names.
    ///
    /// Use it for a server behind a proxy that names itself and not the proxy.
    pub fn with_origin(mut self, origin: Origin) -> Self {
        self.origin = Some(origin);
        self
    }

    /// Calls `tell` whenever the server has taken more, and when it turns out to have less.
    pub fn with_progress(mut self, tell: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.listener = Listener::new(tell);
        self
    }

    /// Opens an upload with the request `start` and sends the content to its end; returns the
    /// server's last answer.
    ///
    /// The request needs no headers of the protocol. The last answer may be empty when the one
    /// that it repeats was lost on the way.
    pub async fn send(
        &self,
        start: Request,
        source: &Source,
        content_type: &HeaderValue,
    ) -> Result<Response<Bytes>, Error> {
        let mut recovery = Recovery::new(self.transport.core(), &self.options);
        let session = self.open(start, source, content_type, &recovery).await?;
        let machine = Machine::new(session.content().bytes(), self.chunk_size(&session)?);
        self.run(&session, source, machine, &mut recovery).await
    }

    /// Opens an upload without sending anything of the content.
    pub async fn start(
        &self,
        start: Request,
        source: &Source,
        content_type: &HeaderValue,
    ) -> Result<UploadSession, Error> {
        let recovery = Recovery::new(self.transport.core(), &self.options);
        let session = self.open(start, source, content_type, &recovery).await?;
        self.chunk_size(&session)?;
        Ok(session)
    }

    /// Goes on with an upload that is open, from wherever the server says, to its end.
    ///
    /// The source must have the content that the upload was opened for, as far as its fingerprint
    /// tells. For an upload that is finished, it returns what the server repeats of its answer.
    pub async fn resume(
        &self,
        session: &UploadSession,
        source: &Source,
    ) -> Result<Response<Bytes>, Error> {
        if source.fingerprint().await? != *session.content() {
            return Err(Error::invalid(
                "source",
                "it is not the content that this upload was opened for; open a new upload",
            ));
        }
        let mut recovery = Recovery::new(self.transport.core(), &self.options);
        let machine = Machine::resume(session.content().bytes(), self.chunk_size(session)?);
        self.run(session, source, machine, &mut recovery).await
    }

    /// Closes an upload and lets the server forget what it has; fine also when it is gone.
    pub async fn cancel(&self, session: &UploadSession) -> Result<(), Error> {
        let recovery = Recovery::new(self.transport.core(), &self.options);
        let request = command_request(session.url().clone(), Command::Cancel, Bytes::new());
        let options = recovery.options().clone();
        let options = options.for_another_address(http::HeaderMap::new());
        match self.anonymous.send(request, &options).await {
            Err(error) if !is_gone(&error) => Err(error),
            _ => Ok(()),
        }
    }

    fn chunk_size(&self, session: &UploadSession) -> Result<u64, Error> {
        session.chunk_bytes(self.chunk_bytes.map(NonZeroU64::get), CHUNK_BYTES)
    }

    async fn open(
        &self,
        start: Request,
        source: &Source,
        content_type: &HeaderValue,
        recovery: &Recovery<'_>,
    ) -> Result<UploadSession, Error> {
        let content = source.fingerprint().await?;
        let url = start.url().clone();
        let request = start_request(start, &content, content_type, source.file_name());
        let method = request.method().clone();
        let reply = self.transport.send(request, recovery.options()).await?;
        let (url, granularity) =
            read_start(reply.headers(), &url, self.origin.as_ref()).map_err(|error| {
                error
                    .with_answer(reply.status(), reply.headers())
                    .with_request(&method, &url)
            })?;
        Ok(UploadSession::new(url, granularity, content))
    }

    async fn run(
        &self,
        session: &UploadSession,
        source: &Source,
        mut machine: Machine,
        recovery: &mut Recovery<'_>,
    ) -> Result<Response<Bytes>, Error> {
        loop {
            let (best, offset) = (machine.best(), machine.offset());
            let result = self.step(session, source, &mut machine, recovery).await;
            if machine.best() > best {
                recovery.progressed();
            }
            if machine.offset() != offset {
                self.listener
                    .tell(machine.offset(), session.content().bytes());
            }
            match result {
                Ok((reply, Outcome::Finished)) => return Ok(reply),
                Ok((_, Outcome::Unfinished)) => {}
                Err(failure) => {
                    machine.lost();
                    recovery.wait(failure).await?;
                }
            }
        }
    }

    /// One exchange with the server.
    async fn step(
        &self,
        session: &UploadSession,
        source: &Source,
        machine: &mut Machine,
        recovery: &Recovery<'_>,
    ) -> Result<(Response<Bytes>, Outcome), Failure> {
        let (command, body) = match machine.step() {
            Step::Query => (Command::Query, Bytes::new()),
            Step::Send { offset, max_bytes } => {
                let body = read(session, source, offset, max_bytes).await;
                let body = body.map_err(Failure::Fatal)?;
                let command = machine.send(body.len() as u64).map_err(Failure::Fatal)?;
                (command, body)
            }
        };
        let request = command_request(session.url().clone(), command, body);
        let options = recovery.once_without_headers();
        let reply = self
            .anonymous
            .send(request, &options)
            .await
            .map_err(judge)?;
        let outcome = machine.answered(Answer::read(reply.headers()));
        match outcome {
            Ok(outcome) => Ok((reply, outcome)),
            Err(Failure::Fatal(error)) => Err(Failure::Fatal(
                error.with_answer(reply.status(), reply.headers()),
            )),
            Err(passing) => Err(passing),
        }
    }
}

/// Reads a chunk of a content that has not changed.
async fn read(
    session: &UploadSession,
    source: &Source,
    offset: u64,
    max_bytes: u64,
) -> Result<Bytes, Error> {
    let max_bytes = usize::try_from(max_bytes)
        .map_err(|_| Error::invalid("chunk_bytes", "a chunk does not fit into memory"))?;
    let chunk = source.read_at(offset, max_bytes).await?;
    // After the read: a change before or during it must not be missed.
    if source.fingerprint().await? != *session.content() {
        return Err(Error::transfer(
            "content changed during the upload; open a new upload",
        ));
    }
    Ok(chunk)
}

/// Whether a refusal ends the upload: it does when the server says that it is over.
fn judge(error: Error) -> Failure {
    let answer = error.headers().map(Answer::read).unwrap_or_default();
    match answer.status {
        Some(Status::Final) => {
            Failure::Fatal(error.with_context("upload", "the server ended it with this answer"))
        }
        Some(Status::Cancelled) => {
            Failure::Fatal(error.with_context("upload", "the server cancelled it"))
        }
        _ if is_gone(&error) => Failure::Fatal(error.with_context(
            "upload",
            "the server does not know it, or no longer; open a new one",
        )),
        _ => Failure::Passing(error),
    }
}

fn is_gone(error: &Error) -> bool {
    matches!(
        error.status(),
        Some(StatusCode::NOT_FOUND | StatusCode::GONE)
    )
}

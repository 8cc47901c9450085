//! Driving a download: asks, writes and waits, as the answers and the recovery say. What an answer
//! means and how bytes are kept is decided elsewhere.

use std::error::Error as _;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::StreamExt;
use http::header::{ACCEPT_ENCODING, RANGE};
use http::{HeaderValue, StatusCode};

use crate::body::ByteStream;
use crate::download::Digest;
use crate::download::partial::Partial;
use crate::download::reply::{Verdict, is_whole, judge};
use crate::download::state::State;
use crate::error::{Error, ErrorKind, Persistence};
use crate::options::CallOptions;
use crate::request::Request;
use crate::response::Response;
use crate::transfer::{Failure, Listener, Progress, Recovery};
use crate::transport::Transport;

/// How often, and how long each time, a file that is being written is waited for: a quarter of a
/// second in all.
const BUSY_WAITS: u32 = 5;
const BUSY_WAIT: Duration = Duration::from_millis(50);

/// Downloads a file and goes on where it stopped after a failure.
///
/// ```
/// use std::sync::Arc;
///
/// use gimmal_transport::download::Digest;
/// use gimmal_transport::testing::{Reply, ScriptedTransport};
/// use gimmal_transport::{Download, Request, Transport};
/// use http::Method;
/// use url::Url;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let target = folder.path().join("weights.bin");
/// // A server with the file. Leave `with_http` out to talk to a real one.
/// let http = ScriptedTransport::new([Reply::status(200).with_chunk("abc")]);
/// let transport = Transport::builder().with_http(Arc::new(http)).build()?;
///
/// let request = Request::new(Method::GET, Url::parse("https://files.example.com/weights.bin")?);
/// let file = Download::new(&transport, request, &target)
///     .with_expected_digest(Digest::of_md5(b"abc"))
///     .with_progress(|progress| println!("{} of {:?} bytes", progress.bytes, progress.total))
///     .send()
///     .await?;
/// assert_eq!(file.bytes, 3);
/// assert_eq!(std::fs::read(&target)?, b"abc");
/// # Ok(())
/// # }
/// ```
///
/// The bytes are written to `<target>.part` and described in `<target>.part.json`. When all of
/// them are here and right, the file is brought to the disk and gets its name in one step. After
/// a failure the rest is asked for (`Range` with `If-Range`), as often as the retry policy allows
/// without progress in between, and with its waits; a deadline in the options covers all of it.
/// When the download fails for good, or its future is dropped, the two files stay for the next
/// one, in this process or another. They are removed when size or digest turn out wrong.
///
/// The rest is asked for only when that is safe: when the server names the version of the file
/// (a strong `ETag`, or a `Last-Modified` of some age), or when there is a digest to check the
/// result against. Otherwise, and when the file has changed or the server cannot send parts, the
/// download begins again.
///
/// Sizes that the server announces are checked, and so are the digests in `x-goog-hash`.
///
/// The request carries the credentials of the transport. For a signed address use
/// [`Transport::without_credentials`]. A redirect to another host carries none in any case.
#[derive(Clone, Debug)]
#[must_use]
pub struct Download {
    transport: Transport,
    request: Request,
    target: PathBuf,
    options: CallOptions,
    expected_bytes: Option<u64>,
    expected_digests: Vec<Digest>,
    overwrite: bool,
    listener: Listener,
}

/// A file that was downloaded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Downloaded {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// How many of its bytes an earlier download had left.
    pub resumed_bytes: u64,
}

impl Download {
    /// Downloads what `request` asks for to the file `target`, whose folder must exist.
    pub fn new(transport: &Transport, request: Request, target: impl Into<PathBuf>) -> Self {
        Self {
            transport: transport.clone(),
            request,
            target: target.into(),
            options: CallOptions::default(),
            expected_bytes: None,
            expected_digests: Vec::new(),
            overwrite: false,
            listener: Listener::default(),
        }
    }

    /// Sets the options of the calls.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Fails unless the file has this size. What the server announces is checked before anything
    /// is fetched.
    pub fn with_expected_bytes(mut self, bytes: u64) -> Self {
        self.expected_bytes = Some(bytes);
        self
    }

    /// Fails unless the file has this digest; may be called for several.
    pub fn with_expected_digest(mut self, digest: Digest) -> Self {
        self.expected_digests.push(digest);
        self
    }

    /// Replaces a file that is there; without this, such a file is an error and nothing is sent.
    pub fn with_overwrite(mut self) -> Self {
        self.overwrite = true;
        self
    }

    /// Calls `tell` whenever bytes were written, and when the download begins or goes on.
    pub fn with_progress(mut self, tell: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.listener = Listener::new(tell);
        self
    }

    /// Downloads the file.
    pub async fn send(&self) -> Result<Downloaded, Error> {
        if self.request.headers().contains_key(RANGE) {
            return Err(Error::invalid(
                "request",
                "a download asks for ranges itself; remove the `range` header",
            ));
        }
        self.refuse_existing().await?;
        let mut partial = self.open().await?;
        let received = match self.receive(&mut partial).await {
            Ok(()) => self.check(&partial).await,
            Err(error) => Err(error),
        };
        match received {
            Ok(()) => {
                let downloaded = Downloaded {
                    path: self.target.clone(),
                    bytes: partial.len(),
                    resumed_bytes: partial.resumed(),
                };
                partial.finish(self.overwrite).await?;
                Ok(downloaded)
            }
            Err(error) if error.kind() == ErrorKind::Integrity => {
                // The first error tells more than one of the cleaning up.
                let _: Result<(), Error> = partial.remove().await;
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    /// A look before anything is sent; the renaming at the end makes sure.
    async fn refuse_existing(&self) -> Result<(), Error> {
        if self.overwrite {
            return Ok(());
        }
        let exists = match tokio::fs::try_exists(&self.target).await {
            Ok(false) => return Ok(()),
            Ok(true) => io::Error::from(io::ErrorKind::AlreadyExists),
            Err(error) => error,
        };
        Err(Error::file("create", &self.target, exists))
    }

    /// Opens the partial file; one that is being written is waited for, but not for long, because a
    /// download whose future was dropped just now may have a last write on its way.
    async fn open(&self) -> Result<Partial, Error> {
        let mut waits = 0..BUSY_WAITS;
        loop {
            match Partial::open(&self.target, self.request.url()).await {
                Err(error) if is_busy(&error) && waits.next().is_some() => {
                    self.transport.clock().sleep(BUSY_WAIT).await;
                }
                opened => return opened,
            }
        }
    }

    async fn receive(&self, partial: &mut Partial) -> Result<(), Error> {
        let mut recovery = Recovery::new(self.transport.core(), &self.options);
        let mut best = partial.len();
        loop {
            let Err(failure) = self.fetch(partial, &recovery).await else {
                return Ok(());
            };
            if partial.len() > best {
                best = partial.len();
                recovery.progressed();
            }
            recovery.wait(failure).await?;
        }
    }

    /// Asks once for what is missing and writes what comes.
    async fn fetch(&self, partial: &mut Partial, recovery: &Recovery<'_>) -> Result<(), Failure> {
        let have = partial.len();
        let identity = HeaderValue::from_static("identity");
        let mut request = self.request.clone().with_header(ACCEPT_ENCODING, identity);
        if let Some(state) = partial.state() {
            request = state.ask_for_rest(request, have, !self.expected_digests.is_empty());
        }
        let asked = partial
            .state()
            .filter(|_| request.headers().contains_key(RANGE));
        match (
            self.transport.open_bytes(request, &recovery.once()).await,
            asked,
        ) {
            (Ok(reply), asked) => {
                let verdict = judge(reply.status(), reply.headers(), have, asked);
                self.obey(verdict, reply, partial).await
            }
            (Err(error), Some(state)) if is_unsatisfied(&error) => {
                if error.headers().is_some_and(|it| is_whole(it, have, state)) {
                    return Ok(());
                }
                partial.discard().await.map_err(Failure::Fatal)?;
                Err(passing(
                    "file at the server is not the one that is partly here",
                ))
            }
            (Err(error), _) => Err(error.into()),
        }
    }

    async fn obey(
        &self,
        verdict: Verdict,
        reply: Response<ByteStream>,
        partial: &mut Partial,
    ) -> Result<(), Failure> {
        let total = match verdict {
            Verdict::Append { total } => total,
            Verdict::Restart { total } => {
                self.check_announced(total).map_err(Failure::Fatal)?;
                let state = State::of(self.request.url(), reply.headers(), total);
                partial.restart(state).await.map_err(Failure::Fatal)?;
                total
            }
            Verdict::Discard(error) => {
                partial.discard().await.map_err(Failure::Fatal)?;
                return Err(Failure::Passing(error));
            }
            Verdict::Refuse(error) => return Err(Failure::Fatal(error)),
        };
        self.write(reply.into_body(), total, partial).await
    }

    async fn write(
        &self,
        mut body: ByteStream,
        total: Option<u64>,
        partial: &mut Partial,
    ) -> Result<(), Failure> {
        self.listener.tell(partial.len(), total);
        while let Some(chunk) = body.next().await {
            let chunk = match chunk {
                Ok(chunk) => chunk,
                Err(error) => {
                    partial.flush().await.map_err(Failure::Fatal)?;
                    return Err(Failure::Passing(error));
                }
            };
            if total.is_some_and(|total| partial.len() + chunk.len() as u64 > total) {
                partial.discard().await.map_err(Failure::Fatal)?;
                return Err(passing("server sent more of the file than it announced"));
            }
            partial.append(&chunk).await.map_err(Failure::Fatal)?;
            self.listener.tell(partial.len(), total);
        }
        partial.flush().await.map_err(Failure::Fatal)?;
        match total {
            Some(total) if partial.len() < total => Err(passing(format!(
                "server stopped after {} of {total} bytes of the file",
                partial.len()
            ))),
            _ => Ok(()),
        }
    }

    fn check_announced(&self, total: Option<u64>) -> Result<(), Error> {
        match (total, self.expected_bytes) {
            (Some(total), Some(expected)) if total != expected => Err(Error::integrity(format!(
                "file has {total} bytes at the server, and should have {expected}"
            ))),
            _ => Ok(()),
        }
    }

    async fn check(&self, partial: &Partial) -> Result<(), Error> {
        if let Some(expected) = self.expected_bytes
            && expected != partial.len()
        {
            return Err(Error::integrity(format!(
                "file has {} bytes, and should have {expected}",
                partial.len()
            )));
        }
        let mut expected = self.expected_digests.clone();
        expected.extend(partial.state().iter().flat_map(|state| &state.digests));
        match partial.mismatch(expected).await? {
            Some((expected, actual)) => Err(Error::integrity(format!(
                "file has the digest {actual}, and should have {expected}"
            ))
            // Fetched afresh, it may be right.
            .with_persistence(Persistence::Temporary)),
            None => Ok(()),
        }
    }
}

fn is_busy(error: &Error) -> bool {
    error
        .source()
        .and_then(|source| source.downcast_ref::<io::Error>())
        .is_some_and(|source| source.kind() == io::ErrorKind::ResourceBusy)
}

fn is_unsatisfied(error: &Error) -> bool {
    error.status() == Some(StatusCode::RANGE_NOT_SATISFIABLE)
}

fn passing(message: impl Into<String>) -> Failure {
    Failure::Passing(Error::transfer(message).with_persistence(Persistence::Temporary))
}

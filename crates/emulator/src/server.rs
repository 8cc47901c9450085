//! A running emulator: its address, its controls, and its end.

use std::{fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, serve::Listener as _};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    app::{self, App},
    builder::EmulatorBuilder,
    chaos::Chaos,
    connection::{KillSwitch, LoopbackListener},
    gemini::{
        meter::Metered,
        resources::{self, WebhookMessage},
    },
    journal::Journal,
    script::Script,
    storage::Storage,
    tinker::TinkerControl,
};

/// How long a shutdown waits for answers under way.
const GRACE: Duration = Duration::from_secs(5);

/// A server on loopback that speaks the Gemini wire.
///
/// ```
/// use gimmal_emulator::Emulator;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let emulator = Emulator::builder().start().await?;
/// assert!(emulator.base_url().starts_with("http://127.0.0.1:"));
/// emulator.shutdown().await;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Dropping it stops the server too, without waiting for answers under way. Everything it holds
/// is in memory and gone afterwards.
pub struct Emulator {
    base_url: String,
    #[cfg(feature = "tls")]
    authority: Option<String>,
    address: SocketAddr,
    app: Arc<App>,
    stopping: CancellationToken,
    server: JoinHandle<()>,
}

/// Why an emulator did not start.
#[derive(Debug, thiserror::Error)]
#[error("{problem}")]
pub struct StartError {
    problem: String,
    #[source]
    source: Option<io::Error>,
}

impl StartError {
    /// Whether the address was refused because other machines could reach it.
    #[must_use]
    pub fn is_not_loopback(&self) -> bool {
        self.source.is_none()
    }

    pub(crate) fn not_loopback(address: SocketAddr) -> Self {
        Self {
            problem: format!(
                "bind address {address} is not a loopback address; use 127.0.0.1 or [::1]"
            ),
            source: None,
        }
    }

    #[cfg(feature = "tls")]
    pub(crate) fn certificate(source: io::Error) -> Self {
        Self {
            problem: "could not make a certificate".to_owned(),
            source: Some(source),
        }
    }

    pub(crate) fn folder(source: io::Error) -> Self {
        Self {
            problem: "could not use the folder for checkpoints".to_owned(),
            source: Some(source),
        }
    }

    pub(crate) fn bind(address: &str, source: io::Error) -> Self {
        Self {
            problem: format!("could not listen on {address}"),
            source: Some(source),
        }
    }
}

impl Emulator {
    /// An emulator to be set up. Without further settings: any free port of 127.0.0.1, any
    /// non-empty key, the system clock, no faults.
    pub fn builder() -> EmulatorBuilder {
        EmulatorBuilder::default()
    }

    /// Where it listens, as `http://127.0.0.1:PORT/`, or `https` with
    #[cfg_attr(feature = "tls", doc = "[TLS](EmulatorBuilder::with_tls).")]
    #[cfg_attr(not(feature = "tls"), doc = "TLS (feature `tls`).")]
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The socket address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate of the authority that vouches for this server, in PEM, when it serves over
    /// TLS. It is of no use after the run: its key is thrown away at once.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn certificate_authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    /// The record of requests.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.app.journal
    }

    /// The queue of scripted replies.
    #[must_use]
    pub fn script(&self) -> &Script {
        &self.app.script
    }

    /// The fault rules.
    #[must_use]
    pub fn chaos(&self) -> &Chaos {
        &self.app.chaos
    }

    /// What jobs on Vertex read and write, with all that those have written that have ended by now
    /// on the emulator's clock.
    #[must_use]
    pub fn storage(&self) -> &Storage {
        self.app.gemini.settle(self.app.clock.now());
        &self.app.gemini.storage
    }

    /// What the service would bill for a model by now on the emulator's clock: the answers to
    /// `generateContent` and its stream, and context caches. The name is without its collection,
    /// such as `gemini-2.5-flash`.
    #[must_use]
    pub fn metered(&self, model: &str) -> Metered {
        self.app.gemini.metered(model, self.app.clock.now())
    }

    /// The messages that the service would have sent to webhooks by now on the emulator's clock, the
    /// oldest first. The emulator opens no connections, so that handing them on is up to you.
    #[must_use]
    pub fn webhook_messages(&self) -> Vec<WebhookMessage> {
        resources::settle(&self.app.gemini, self.app.clock.now());
        self.app.gemini.resources.webhooks.messages()
    }

    /// The Tinker side.
    #[must_use]
    pub fn tinker(&self) -> TinkerControl {
        TinkerControl::new(Arc::clone(&self.app.tinker))
    }

    /// Stops accepting, lets answers under way finish for up to five seconds, and ends. Delays
    /// that are still being waited out end at once.
    pub async fn shutdown(mut self) {
        self.stopping.cancel();
        if tokio::time::timeout(GRACE, &mut self.server).await.is_err() {
            tracing::warn!("answers were still under way after {GRACE:?}");
        }
    }

    pub(crate) async fn start(listener: LoopbackListener, app: App) -> Result<Self, io::Error> {
        let address = listener.local_addr()?;
        let scheme = listener.scheme();
        #[cfg(feature = "tls")]
        let authority = listener.authority().map(str::to_owned);
        let stopping = app.stopping.clone();
        let app = Arc::new(app);
        let service = Router::new()
            .fallback(app::handle)
            .with_state(Arc::clone(&app))
            .into_make_service_with_connect_info::<KillSwitch>();
        let stopped = stopping.clone().cancelled_owned();
        let serve = axum::serve(listener, service);
        let serve = serve.with_graceful_shutdown(stopped);
        let server = tokio::spawn(async move {
            if let Err(error) = serve.await {
                tracing::error!(%error, "the emulator stopped");
            }
        });
        Ok(Self {
            base_url: format!("{scheme}://{address}/"),
            #[cfg(feature = "tls")]
            authority,
            address,
            app,
            stopping,
            server,
        })
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // The connections are tasks of their own; the token reaches them, the abort only the
        // task that accepts new ones.
        self.stopping.cancel();
        self.server.abort();
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator")
            .field("base_url", &self.base_url)
            .field("journal", &self.app.journal)
            .finish_non_exhaustive()
    }
}

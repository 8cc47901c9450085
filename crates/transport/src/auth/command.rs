//! A command of the user's whose output is the secret, such as that of a password manager. What it
//! writes is read up to a limit and shown nowhere.

use std::fmt;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

use crate::auth::secret::SECRET_LIMIT;
use crate::auth::{AccessToken, JwtClaims, TokenSource};
use crate::error::{Error, Persistence};
use crate::time::{Clock, Elapsed, TokioClock, within};

/// How long a command may take unless set otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How long a secret that does not say when it runs out is used unless set otherwise.
const LIFETIME: Duration = Duration::from_secs(300);

/// How much a command may write: a secret with white space around it.
const OUTPUT_LIMIT: usize = 2 * SECRET_LIMIT;

/// The source that runs a command in the shell and takes what it prints as the secret.
///
/// ```
/// use gimmal_transport::auth::{CredentialCommand, TokenSource};
/// use secrecy::ExposeSecret;
///
/// # #[cfg(unix)]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), gimmal_transport::Error> {
/// let command = CredentialCommand::new("echo secret");
/// assert_eq!(command.fetch().await?.secret().expose_secret(), "secret");
/// # Ok(())
/// # }
/// # #[cfg(not(unix))]
/// # fn main() {}
/// ```
///
/// The command gets no input, and what it writes to its standard error is discarded. White space
/// around its output is removed. It fails the call when it takes longer than 30 s, ends with a
/// status other than 0, or prints nothing or more than 32 KiB.
///
/// A JSON web token is used until the time in its claim `exp`; one that has expired is an error.
/// Any other output is used for five minutes.
#[derive(Clone)]
pub struct CredentialCommand {
    command: String,
    timeout: Duration,
    lifetime: Duration,
    clock: Arc<dyn Clock>,
}

impl CredentialCommand {
    /// Runs `command` in `sh`, on Windows in `cmd`.
    pub fn new(command: impl Into<String>) -> Self {
        Self {
            command: command.into(),
            timeout: TIMEOUT,
            lifetime: LIFETIME,
            clock: Arc::new(TokioClock),
        }
    }

    /// Sets how long the command may take.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how long an output is used that does not say itself when it runs out.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Takes time from `clock`.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    async fn run(&self) -> Result<AccessToken, Error> {
        let output = within(&*self.clock, Some(self.timeout), self.output()).await;
        let output = output.unwrap_or_else(|Elapsed| {
            let limit = self.timeout;
            Err(failed(format!("took longer than {limit:?}"))
                .with_persistence(Persistence::Temporary))
        })?;
        let text = std::str::from_utf8(&output).map_err(|_| failed("printed no UTF-8"))?;
        let text = text.trim();
        if text.is_empty() {
            return Err(failed("printed nothing"));
        }
        let secret = SecretString::from(text);
        let lifetime = self.lifetime_of(&secret)?;
        Ok(AccessToken::new(secret).with_lifetime(lifetime))
    }

    async fn output(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut child = self.spawn()?;
        // With room for all that may come, the buffer leaves no copies behind by growing.
        let mut output = Zeroizing::new(Vec::with_capacity(OUTPUT_LIMIT + 1));
        if let Some(stdout) = child.stdout.take() {
            let mut stdout = stdout.take(OUTPUT_LIMIT as u64 + 1);
            let read = stdout.read_to_end(&mut output).await;
            read.map_err(|source| failed("could not be read from").with_source(source))?;
        }
        if output.len() > OUTPUT_LIMIT {
            return Err(failed("printed more than 32 KiB"));
        }
        let status = child.wait().await;
        let status = status.map_err(|source| failed("was lost").with_source(source))?;
        if !status.success() {
            return Err(failed(format!("ended with {status}")));
        }
        Ok(output)
    }

    /// Dropping the child, as happens when time is up, kills it.
    fn spawn(&self) -> Result<Child, Error> {
        let (shell, flag) = if cfg!(windows) {
            ("cmd", "/C")
        } else {
            ("sh", "-c")
        };
        Command::new(shell)
            .arg(flag)
            .arg(&self.command)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| failed("could not be started").with_source(source))
    }

    fn lifetime_of(&self, secret: &SecretString) -> Result<Duration, Error> {
        let claims = JwtClaims::decode(secret).ok();
        let Some(expires_at) = claims.and_then(|claims| claims.expires_at()) else {
            return Ok(self.lifetime);
        };
        let left = expires_at.duration_since(self.clock.system_now());
        left.ok()
            .filter(|left: &Duration| !left.is_zero())
            .ok_or_else(|| failed("printed a token that has expired"))
    }
}

impl TokenSource for CredentialCommand {
    fn fetch(&self) -> BoxFuture<'_, Result<AccessToken, Error>> {
        self.run().boxed()
    }
}

/// Shows no command: some hold a password among their arguments.
impl fmt::Debug for CredentialCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialCommand")
            .field("timeout", &self.timeout)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

fn failed(how: impl fmt::Display) -> Error {
    Error::authentication(format!(
        "the credential command {how}; run it by hand to see why"
    ))
    .with_field("credential_command")
}

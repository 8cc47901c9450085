//! Connections apart by purpose, so that a burst of one kind of call does not stand in the way of
//! another. Names and settings only; the connections are the client's.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use crate::error::Error;
use crate::options::Timeout;
use crate::scope::Origin;

/// Idle connections are kept this long unless set otherwise.
///
/// Shorter than the minutes after which load balancers drop a connection without a word.
const IDLE_TIMEOUT: Duration = Duration::from_secs(90);

/// What the connections of a pool are for.
///
/// ```
/// use gimmal_transport::PoolPurpose;
///
/// const REPORTS: PoolPurpose = PoolPurpose::from_static("reports");
/// assert_eq!(REPORTS.as_str(), "reports");
/// assert_eq!(PoolPurpose::default(), PoolPurpose::DEFAULT);
/// ```
///
/// Any name will do; the constants are those of services that train and sample models.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PoolPurpose(Cow<'static, str>);

impl PoolPurpose {
    /// Everything that has no purpose of its own.
    pub const DEFAULT: Self = Self::from_static("default");
    /// Keeping sessions alive: small calls that must not be late.
    pub const SESSION: Self = Self::from_static("session");
    /// Training: few calls with large bodies.
    pub const TRAINING: Self = Self::from_static("training");
    /// Sampling: many calls at once.
    pub const SAMPLING: Self = Self::from_static("sampling");
    /// Asking for results: long polls.
    pub const FUTURES: Self = Self::from_static("futures");
    /// Reports that may be late.
    pub const TELEMETRY: Self = Self::from_static("telemetry");

    /// Connections that leave HTTP to become a WebSocket; always made with HTTP/1.1.
    pub const WEBSOCKET: Self = Self::from_static("websocket");

    /// A purpose by a name that is known when compiling.
    pub const fn from_static(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// A purpose by its name.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for PoolPurpose {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl fmt::Display for PoolPurpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A server and the purpose of the connections to it.
///
/// ```
/// use gimmal_transport::{PoolKey, PoolPurpose};
///
/// # fn main() -> Result<(), gimmal_transport::Error> {
/// let key = PoolKey::parse("https://API.Example.com:443/v1", PoolPurpose::SAMPLING)?;
/// assert_eq!(key.to_string(), "https://api.example.com#sampling");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PoolKey {
    origin: Origin,
    purpose: PoolPurpose,
}

impl PoolKey {
    /// The key of a server and a purpose.
    pub fn new(origin: Origin, purpose: PoolPurpose) -> Self {
        Self { origin, purpose }
    }

    /// The key of the server of an address.
    pub fn parse(address: &str, purpose: PoolPurpose) -> Result<Self, Error> {
        Ok(Self::new(Origin::parse(address)?, purpose))
    }

    /// The text of a key, given that of the origin.
    pub(crate) fn name<'a>(origin: &'a str, purpose: &PoolPurpose) -> Cow<'a, str> {
        if *purpose == PoolPurpose::DEFAULT {
            Cow::Borrowed(origin)
        } else {
            Cow::Owned(format!("{origin}#{purpose}"))
        }
    }

    /// The server.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// What the connections are for.
    pub fn purpose(&self) -> &PoolPurpose {
        &self.purpose
    }
}

/// The server alone where the purpose is the default one, `server#purpose` otherwise.
impl fmt::Display for PoolKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Self::name(self.origin.as_str(), &self.purpose))
    }
}

/// How many connections a pool keeps, and for how long.
///
/// ```
/// use std::num::NonZeroU32;
/// use gimmal_transport::PoolConfig;
///
/// let few = PoolConfig::default()
///     .with_max_idle_per_host(2)
///     .with_max_in_flight(NonZeroU32::new(8).unwrap());
/// # let _ = few;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct PoolConfig {
    idle_timeout: Timeout,
    max_idle_per_host: Option<usize>,
    max_in_flight: Option<NonZeroU32>,
}

impl PoolConfig {
    /// Closes a connection that was not used for this long; 90 s by default.
    pub fn with_idle_timeout(mut self, timeout: Timeout) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Keeps at most this many unused connections to one host; no limit by default.
    pub fn with_max_idle_per_host(mut self, limit: usize) -> Self {
        self.max_idle_per_host = Some(limit);
        self
    }

    /// Lets at most this many exchanges with one server be under way; no limit by default.
    ///
    /// Over HTTP/1.1 that is the number of connections. An exchange is under way until its reply
    /// is read to the end or dropped. Who waits for a turn waits within the limits on the attempt.
    pub fn with_max_in_flight(mut self, limit: NonZeroU32) -> Self {
        self.max_in_flight = Some(limit);
        self
    }

    pub(super) fn idle_timeout(&self) -> Option<Duration> {
        self.idle_timeout.resolve(Some(IDLE_TIMEOUT))
    }

    pub(super) fn max_idle_per_host(&self) -> usize {
        self.max_idle_per_host.unwrap_or(usize::MAX)
    }

    pub(super) fn max_in_flight(&self) -> Option<NonZeroU32> {
        self.max_in_flight
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use test_case::test_case;

    use super::*;

    #[test_case("https://API.Example.com:443/x", "https://api.example.com")]
    #[test_case("http://h:8080", "http://h:8080")]
    #[test_case("http://h:80/a?q#f", "http://h"; "default port")]
    fn chk_pk_1_one_key_per_server(address: &str, expected: &str) {
        let key = PoolKey::parse(address, PoolPurpose::DEFAULT).unwrap();
        assert_eq!(key.origin().as_str(), expected);
        assert_eq!(key.to_string(), expected);
        assert_eq!(
            key,
            PoolKey::parse(expected, PoolPurpose::default()).unwrap()
        );
    }

    #[test_case("api.example.com")]
    #[test_case("not a url")]
    fn chk_pk_1_an_address_without_scheme_is_refused(address: &str) {
        let error = PoolKey::parse(address, PoolPurpose::DEFAULT).unwrap_err();
        assert_eq!(error.field(), Some("base_url"));
    }

    #[test]
    fn chk_pk_1_purposes_are_apart() {
        let key = |purpose| PoolKey::parse("https://h", purpose).unwrap();
        let names: HashSet<_> = [
            PoolPurpose::DEFAULT,
            PoolPurpose::SESSION,
            PoolPurpose::TRAINING,
            PoolPurpose::SAMPLING,
            PoolPurpose::FUTURES,
            PoolPurpose::TELEMETRY,
            PoolPurpose::new(String::from("own")),
        ]
        .map(|purpose| key(purpose).to_string())
        .into();
        assert_eq!(names.len(), 7);
        assert!(names.contains("https://h") && names.contains("https://h#own"));
        assert_eq!(
            key(PoolPurpose::new("training")),
            key(PoolPurpose::TRAINING)
        );
    }
}

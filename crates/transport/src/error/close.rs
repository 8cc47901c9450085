//! Why a connection was closed, as the number that goes over the wire.

use std::fmt;

/// A close code of RFC 6455, section 7.4, or one of the service's own.
///
/// ```
/// use gimmal_transport::CloseCode;
///
/// assert_eq!(CloseCode::POLICY.to_string(), "1008 policy violation");
/// assert!(CloseCode::new(1012).is_temporary());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CloseCode(u16);

impl CloseCode {
    /// All is done.
    pub const NORMAL: Self = Self(1000);
    /// The server or the page goes away.
    pub const AWAY: Self = Self(1001);
    /// The other side broke the rules of the protocol.
    pub const PROTOCOL: Self = Self(1002);
    /// A kind of data that is not taken here.
    pub const UNSUPPORTED: Self = Self(1003);
    /// A close frame that names no code; never sent.
    pub const NO_STATUS: Self = Self(1005);
    /// The connection ended without a close frame; never sent.
    pub const ABNORMAL: Self = Self(1006);
    /// Data that does not fit its type; services close so on requests they do not understand.
    pub const INVALID: Self = Self(1007);
    /// Against the rules of the service: who is asking, or for what.
    pub const POLICY: Self = Self(1008);
    /// A message that is too large.
    pub const TOO_LARGE: Self = Self(1009);
    /// The server failed.
    pub const INTERNAL: Self = Self(1011);

    /// A code by its number.
    pub const fn new(code: u16) -> Self {
        Self(code)
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// True when the same may work later: the server went away, failed, restarts or is busy, or
    /// the connection was lost.
    pub const fn is_temporary(self) -> bool {
        matches!(self.0, 1001 | 1006 | 1011..=1014)
    }

    /// The meaning of a code that has a common one.
    fn meaning(self) -> Option<&'static str> {
        Some(match self.0 {
            1000 => "normal closure",
            1001 => "going away",
            1002 => "protocol error",
            1003 => "unsupported data",
            1005 => "no code given",
            1006 => "lost without a close frame",
            1007 => "invalid payload",
            1008 => "policy violation",
            1009 => "message too large",
            1010 => "extension missing",
            1011 => "internal error",
            1012 => "service restart",
            1013 => "try again later",
            1014 => "bad gateway",
            1015 => "bad TLS handshake",
            _ => return None,
        })
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.meaning() {
            Some(meaning) => write!(f, "{} {meaning}", self.0),
            None => self.0.fmt(f),
        }
    }
}

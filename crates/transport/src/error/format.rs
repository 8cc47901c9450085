//! The text of an error: `Display` for people, `Debug` for reports. Neither shows a secret, a
//! query or a body; the server's own message is shown because it is the reason of the failure.

use std::fmt;

use gimmal_types::rpc::Status;

use crate::error::{Error, ErrorKind};

/// How many characters of the server's message are shown.
const MESSAGE_LIMIT: usize = 1_000;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        match inner.kind {
            ErrorKind::Invalid => match &inner.field {
                Some(field) => {
                    write!(
                        f,
                        "invalid `{}`: {}",
                        OneLine(field),
                        OneLine(&inner.message)
                    )?;
                }
                None => write!(f, "invalid argument: {}", OneLine(&inner.message))?,
            },
            ErrorKind::Config => write!(f, "bad configuration: {}", OneLine(&inner.message))?,
            ErrorKind::Cancelled => write!(f, "cancelled: {}", OneLine(&inner.message))?,
            ErrorKind::OperationFailed => {
                f.write_str("operation failed")?;
                let status = inner.rpc_status.as_ref();
                let name = status.and_then(Status::name);
                let message = status.and_then(|status| status.message.as_deref());
                for said in [name, message].into_iter().flatten() {
                    write!(f, ": {}", OneLine(said))?;
                }
            }
            ErrorKind::Authentication if inner.status.is_none() => {
                write!(f, "no usable credentials: {}", OneLine(&inner.message))?;
            }
            ErrorKind::Decode => {
                f.write_str(&inner.message)?;
                if let Some(field) = &inner.field {
                    write!(f, " at `{}`", OneLine(field))?;
                }
                if let Some(source) = &inner.source {
                    write!(f, ": {}", OneLine(&source.to_string()))?;
                }
            }
            ErrorKind::RetryDelayTooLong => {
                let delay = inner.retry_after.unwrap_or_default();
                write!(f, "server asks to wait {delay:?}, longer than allowed: ")?;
                self.answer(f)?;
            }
            _ if inner.message.is_empty() => self.answer(f)?,
            _ => {
                f.write_str(&inner.message)?;
                if let Some((code, reason)) = &inner.close {
                    write!(f, ": {code}")?;
                    if !reason.is_empty() {
                        write!(f, ": {}", OneLine(reason))?;
                    }
                }
                if let Some(source) = &inner.source {
                    write!(f, ": {}", OneLine(&root_cause(source.as_ref()).to_string()))?;
                }
            }
        }
        match inner.attempts.len() {
            0 | 1 => Ok(()),
            count => write!(f, " (after {count} attempts)"),
        }
    }
}

impl Error {
    /// `http 429 RESOURCE_EXHAUSTED: message`, or the standard phrase where the body says nothing.
    fn answer(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(status) = self.0.status else {
            return f.write_str("no answer");
        };
        let rpc = self.0.rpc_status.as_ref();
        write!(f, "http {}", status.as_u16())?;
        match rpc.and_then(|rpc| rpc.status.as_deref()) {
            Some(name) => write!(f, " {}", OneLine(name))?,
            None => {
                if let Some(phrase) = status.canonical_reason() {
                    write!(f, " {}", phrase.to_lowercase())?;
                }
            }
        }
        match rpc.and_then(|rpc| rpc.message.as_deref()) {
            Some(message) if !message.trim().is_empty() => write!(f, ": {}", OneLine(message)),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        let mut out = f.debug_struct("Error");
        out.field("kind", &inner.kind)
            .field("display", &format_args!("{self}"))
            .field("persistence", &inner.persistence)
            .field("delivery", &inner.delivery);
        if let Some((method, url)) = &inner.request {
            out.field("request", &format_args!("{method} {url}"));
        }
        if let Some(delay) = &inner.retry_after {
            out.field("retry_after", delay);
        }
        if let Some(id) = self.request_id() {
            out.field("request_id", &id);
        }
        if let Some(payload) = &inner.payload {
            out.field("payload", &format_args!("{} bytes", payload.len()));
        }
        if !inner.attempts.is_empty() {
            out.field("attempts", &inner.attempts);
        }
        for (key, value) in &inner.context {
            out.field(key, value);
        }
        if let Some(source) = &inner.source {
            out.field("source", source);
        }
        out.finish()
    }
}

/// The end of the chain: HTTP clients wrap "connection refused" in layers that say less.
///
/// An error of ours on the way there already names its own cause.
fn root_cause<'a>(error: &'a (dyn std::error::Error + 'static)) -> &'a dyn std::error::Error {
    let mut cause = error;
    while let Some(next) = cause.source()
        && !cause.is::<Error>()
    {
        cause = next;
    }
    cause
}

/// Text with every run of whitespace and control characters shown as one space, cut at
/// [`MESSAGE_LIMIT`]. Control characters of a server could otherwise drive the user's terminal.
struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = MESSAGE_LIMIT;
        let gap = |letter: char| letter.is_whitespace() || letter.is_control();
        let words = self.0.split(gap).filter(|word| !word.is_empty());
        for (index, word) in words.enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            match word.char_indices().nth(left) {
                Some((cut, _)) => return write!(f, "{}…", &word[..cut]),
                None => f.write_str(word)?,
            }
            left = left.saturating_sub(word.chars().count() + 1);
        }
        Ok(())
    }
}

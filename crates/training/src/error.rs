//! What goes wrong where a loss is computed. Errors of the service stay those of the client.

use std::fmt;

use candle_core as candle;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a loss, a regularizer or a run gave no result.
///
/// ```
/// use gimmal_training::{Error, ErrorKind};
///
/// let error = Error::invalid("lambda", "is NaN; give a finite number");
/// assert_eq!(error.kind(), ErrorKind::Invalid);
/// assert_eq!(error.to_string(), "lambda is NaN; give a finite number");
/// ```
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    field: Option<String>,
    regularizer: Option<String>,
    message: String,
    source: Option<BoxError>,
}

/// What kind of failure an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument cannot be used, or shapes do not match.
    Invalid,
    /// A loss or a gradient is not a finite number.
    NotFinite,
    /// The tensor library refused an operation.
    Tensor,
    /// The function of the program failed.
    Failed,
    /// A regularizer took longer than it may.
    TimedOut,
    /// A function of the program panicked.
    Panicked,
    /// A file could not be read or written.
    File,
    /// The service, or the way to it, failed.
    Service,
}

impl Error {
    fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            field: None,
            regularizer: None,
            message: message.into(),
            source: None,
        }))
    }

    /// A field that cannot be used, with what to do about it.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        let mut error = Self::new(ErrorKind::Invalid, message);
        error.0.field = Some(field.into());
        error
    }

    /// A failure of the program's own code, to be handed through.
    pub fn failed(source: impl Into<BoxError>) -> Self {
        let source = source.into();
        let mut error = Self::new(ErrorKind::Failed, source.to_string());
        error.0.source = Some(source);
        error
    }

    pub(crate) fn not_finite(field: impl Into<String>, message: impl Into<String>) -> Self {
        let mut error = Self::new(ErrorKind::NotFinite, message);
        error.0.field = Some(field.into());
        error
    }

    pub(crate) fn timed_out(after: std::time::Duration) -> Self {
        Self::new(ErrorKind::TimedOut, format!("took longer than {after:?}"))
    }

    /// What was thrown becomes part of the message where it is text.
    pub(crate) fn panicked(thrown: &(dyn std::any::Any + Send)) -> Self {
        let text = thrown
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| thrown.downcast_ref::<String>().map(String::as_str));
        let message =
            text.map_or_else(|| "panicked".to_owned(), |text| format!("panicked: {text}"));
        Self::new(ErrorKind::Panicked, message)
    }

    pub(crate) fn file(what: &str, path: &std::path::Path, source: impl Into<BoxError>) -> Self {
        let mut error = Self::new(ErrorKind::File, format!("{what} {}", path.display()));
        error.0.source = Some(source.into());
        error
    }

    /// Names the regularizer that failed, unless one is named.
    pub(crate) fn of_regularizer(mut self, name: &str) -> Self {
        self.0.regularizer.get_or_insert_with(|| name.to_owned());
        self
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The field at fault, such as `data[3]` or `lambda`.
    pub fn field(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    /// The name of the regularizer that failed.
    pub fn regularizer(&self) -> Option<&str> {
        self.0.regularizer.as_deref()
    }

    /// The error of the service, when that is where it comes from.
    pub fn as_client_error(&self) -> Option<&gimmal_client::Error> {
        self.0.source.as_ref()?.downcast_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.0.regularizer {
            write!(f, "regularizer `{name}`: ")?;
        }
        if let Some(field) = &self.0.field {
            write!(f, "{field} ")?;
        }
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let source = self.0.source.as_deref()?;
        // The text of these is the message already, so the chain goes on below them.
        match self.0.kind {
            ErrorKind::Failed | ErrorKind::Tensor | ErrorKind::Service => source.source(),
            _ => Some(source),
        }
    }
}

impl From<candle::Error> for Error {
    fn from(source: candle::Error) -> Self {
        // A backtrace, where there is one, is in Debug.
        let message = source.to_string();
        let line = message.lines().next().unwrap_or_default();
        let mut error = Self::new(ErrorKind::Tensor, line);
        error.0.source = Some(source.into());
        error
    }
}

impl From<gimmal_client::Error> for Error {
    fn from(source: gimmal_client::Error) -> Self {
        let mut error = Self::new(ErrorKind::Service, source.to_string());
        error.0.source = Some(source.into());
        error
    }
}

impl From<Error> for gimmal_client::Error {
    fn from(error: Error) -> Self {
        let field = error.field().or(error.regularizer()).unwrap_or("loss");
        let message = match error.field() {
            Some(_) => error.0.message.clone(),
            None => error.to_string(),
        };
        Self::invalid(field.to_owned(), message).with_source(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_says_who_and_what() {
        let error = Error::not_finite("data[3]", "has a loss that is NaN").of_regularizer("l1");
        assert_eq!(
            error.to_string(),
            "regularizer `l1`: data[3] has a loss that is NaN"
        );
        assert_eq!(error.of_regularizer("l2").regularizer(), Some("l1"));
    }

    #[test]
    fn as_an_error_of_the_client_it_keeps_its_field() {
        let error = gimmal_client::Error::from(Error::invalid("data[1]", "has no weights"));
        assert_eq!(error.field(), Some("data[1]"));
        let thrown: Box<dyn std::any::Any + Send> = Box::new("boom");
        let panicked = Error::panicked(&*thrown).of_regularizer("mine");
        assert_eq!(gimmal_client::Error::from(panicked).field(), Some("mine"));
    }
}

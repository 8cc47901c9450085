//! Exit codes, in one place.

use std::fmt;
use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;

use gimmal_client::Error as ClientError;

/// Some items failed.
pub(crate) const ITEMS_FAILED: u8 = 1;
/// The command line or an input file is wrong; nothing was sent.
pub(crate) const USAGE: u8 = 2;
/// The service refused the call or could not be reached, or a limit was reached, so the run stopped.
pub(crate) const SERVICE: u8 = 3;
/// A file could not be written.
pub(crate) const OUTPUT: u8 = 4;
/// Stopped by Ctrl-C.
pub(crate) const INTERRUPTED: u8 = 130;

/// What `--help` says about exit codes.
pub(crate) const HELP: &str = "Exit codes:
  0    all good
  1    some items failed, or invalid lines were passed over
  2    the command line or an input file is wrong; nothing was sent
  3    the service refused the call or could not be reached, or a limit of the run was reached
  4    an output file or a journal could not be written while the command ran
  130  stopped by Ctrl-C

Environment:
  GEMINI_API_KEY, GOOGLE_API_KEY  the key for the live API; without one and without --base-url,
                                  an emulator inside the command answers
  TINKER_API_KEY                  the key for Tinker, if `gimmal tinker auth login` stored none;
                                  without one likewise
  GIMMAL_LOG                      what to log, such as `debug` or `gimmal_client=debug`";

/// An error with its exit code, for a person and without a backtrace.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>) -> anyhow::Error {
        Self {
            code: USAGE,
            message: message.into(),
        }
        .into()
    }

    pub(crate) fn service(message: impl Into<String>) -> anyhow::Error {
        Self {
            code: SERVICE,
            message: message.into(),
        }
        .into()
    }

    pub(crate) fn output(message: impl Into<String>) -> anyhow::Error {
        Self {
            code: OUTPUT,
            message: message.into(),
        }
        .into()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Tells the error on standard error and gives its exit code.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    let code = code_of(error);
    // A reader that has gone away, as with `| head`, is not worth a word.
    let quiet = error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == ErrorKind::BrokenPipe);
    if !quiet {
        let _ = writeln!(std::io::stderr(), "error: {error:#}");
    }
    ExitCode::from(code)
}

/// The exit code that an error stands for.
pub(crate) fn code_of(error: &anyhow::Error) -> u8 {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return failure.code;
    }
    if let Some(error) = error.downcast_ref::<ClientError>() {
        // An argument that was refused before anything was sent is the caller's to mend.
        return if error.field().is_some() && error.status().is_none() {
            USAGE
        } else {
            SERVICE
        };
    }
    if error.downcast_ref::<std::io::Error>().is_some() {
        OUTPUT
    } else {
        SERVICE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_their_codes() {
        assert_eq!(code_of(&Failure::usage("x")), USAGE);
        assert_eq!(
            code_of(&ClientError::invalid("model", "must not be empty").into()),
            USAGE
        );
        assert_eq!(code_of(&std::io::Error::other("disk").into()), OUTPUT);
        assert_eq!(code_of(&Failure::service("x")), SERVICE);
    }
}

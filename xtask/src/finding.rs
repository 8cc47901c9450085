//! What a chore reports: one place in one file and what is wrong there.
//!
//! A finding is only data and its one-line rendering; it never decides about exit codes.

use std::fmt;

/// Whether a finding fails the chore.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// Fails the chore.
    Error,
    /// Printed, but does not fail the chore.
    Warning,
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// Path from the root of the repository, with forward slashes.
    pub(crate) file: String,
    /// Line number, counted from 1; 1 when the whole file is meant.
    pub(crate) line: usize,
    /// What is wrong and, where it is not obvious, what to do.
    pub(crate) message: String,
    /// Whether the chore fails.
    pub(crate) severity: Severity,
}

impl Finding {
    /// A finding that fails the chore.
    pub(crate) fn error(file: impl Into<String>, line: usize, message: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line,
            message: message.into(),
            severity: Severity::Error,
        }
    }

    /// A finding that is only printed.
    pub(crate) fn warning(
        file: impl Into<String>,
        line: usize,
        message: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(file, line, message)
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = match self.severity {
            Severity::Error => "",
            Severity::Warning => "warning: ",
        };
        write!(f, "{}:{}: {prefix}{}", self.file, self.line, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders_as_file_line_message() {
        assert_eq!(
            Finding::error("a/b.rs", 3, "bad").to_string(),
            "a/b.rs:3: bad"
        );
        assert_eq!(
            Finding::warning("a/b.rs", 3, "long").to_string(),
            "a/b.rs:3: warning: long"
        );
    }
}

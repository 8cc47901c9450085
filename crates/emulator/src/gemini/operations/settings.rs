//! How long operations take and which ones fail: what a test may change about them.

use std::time::Duration;

/// What is set about operations.
#[derive(Clone, Debug)]
pub(crate) struct OperationSettings {
    /// How long each operation takes.
    pub(crate) takes: Duration,
    /// Operations about something that contains one of these end in an error.
    pub(crate) failing: Vec<String>,
}

impl OperationSettings {
    pub(crate) fn fails(&self, about: &str) -> bool {
        self.failing
            .iter()
            .any(|part| about.contains(part.as_str()))
    }
}

impl Default for OperationSettings {
    fn default() -> Self {
        Self {
            takes: Duration::from_secs(2),
            failing: Vec::new(),
        }
    }
}

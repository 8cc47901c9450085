//! How files behave: what a test may change about them.

use std::time::Duration;

/// From more than these bytes on a file is kept on the disk.
const IN_MEMORY: usize = 1 << 20;
/// The service's unit of chunk sizes.
const GRANULARITY: u64 = 8 << 20;
/// How long the processing of a film takes.
const FILM_PROCESSING: Duration = Duration::from_secs(2);

/// What is set about files.
#[derive(Clone, Debug)]
pub(crate) struct FileSettings {
    /// What every chunk but the last is a multiple of, in bytes.
    pub(crate) granularity: u64,
    /// How long a file is processed; films alone, and for two seconds, when nothing is set.
    pub(crate) processing: Option<Duration>,
    /// Files whose name or display name contains one of these fail in processing.
    pub(crate) failing: Vec<String>,
    /// Whether what was uploaded can be downloaded, which the service does not allow.
    pub(crate) uploads_downloadable: bool,
    pub(crate) in_memory: usize,
}

impl FileSettings {
    /// How long a file of this type is processed.
    pub(crate) fn processing_of(&self, mime: &str) -> Duration {
        let film = if mime.starts_with("video/") {
            FILM_PROCESSING
        } else {
            Duration::ZERO
        };
        self.processing.unwrap_or(film)
    }

    /// Whether the processing of a file with one of these names fails.
    pub(crate) fn fails(&self, names: [&str; 2]) -> bool {
        let mut failing = self.failing.iter();
        failing.any(|part| names.iter().any(|name| name.contains(part.as_str())))
    }
}

impl Default for FileSettings {
    fn default() -> Self {
        Self {
            granularity: GRANULARITY,
            processing: None,
            failing: Vec::new(),
            uploads_downloadable: false,
            in_memory: IN_MEMORY,
        }
    }
}

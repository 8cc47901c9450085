//! The file in which the outcome of a whole run is kept, for those who write it and those who read it.
//!
//! ```json
//! {"package": "google-genai==3.4.0",
//!  "cases": [{"case": "caches.create/ttl:a day", "backend": "mldev",
//!             "python": "passed", "ours": "passed"}]}
//! ```
//!
//! What stands before the slash is an area and a method.

use serde::{Deserialize, Serialize};

use crate::pins::{self, Pin};

/// All cases of a package.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct File {
    /// The package and its version.
    pub(crate) package: String,
    /// The cases, by name and back end.
    pub(crate) cases: Vec<Line>,
}

/// One case on one back end.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
pub(crate) struct Line {
    /// Its name.
    pub(crate) case: String,
    /// The service that it spoke to.
    pub(crate) backend: String,
    /// How it ended with the SDK.
    pub(crate) python: Word,
    /// How it ended with our client.
    pub(crate) ours: Word,
}

/// How one side of a case ended.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Word {
    Passed,
    Failed,
    Missing,
}

/// Where the outcome of a whole run is kept, from the root of the repository.
pub(crate) fn files() -> [(Pin, &'static str); 2] {
    [
        (pins::GEMINI, "conformance/sdk-results.json"),
        (pins::TINKER, "conformance/sdk-results-tinker.json"),
    ]
}

impl File {
    /// The text of the file: one case a line, so that changes can be read.
    pub(crate) fn text(&self) -> serde_json::Result<String> {
        let lines: Vec<String> = self
            .cases
            .iter()
            .map(|line| Ok(format!("    {}", serde_json::to_string(line)?)))
            .collect::<serde_json::Result<_>>()?;
        let package = serde_json::to_string(&self.package)?;
        let lines = lines.join(",\n");
        Ok(format!(
            "{{\n  \"package\": {package},\n  \"cases\": [\n{lines}\n  ]\n}}\n"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_file_is_read_and_written_alike() {
        for (pin, file) in files() {
            let path = crate::workspace::root().join(file);
            let text = std::fs::read_to_string(path).unwrap();
            let read: File = serde_json::from_str(&text).unwrap();
            assert_eq!(read.package, pin.requirement());
            assert!(!read.cases.is_empty());
            assert_eq!(read.text().unwrap(), text);
        }
    }
}

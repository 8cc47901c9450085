//! The two services that speak the Gemini API.

use std::fmt;

/// Which service answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// The developer API at `generativelanguage.googleapis.com`, with an API key.
    GeminiApi,
    /// Vertex AI at `aiplatform.googleapis.com`, within a project and a location.
    Vertex,
}

impl fmt::Display for Backend {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::GeminiApi => "the Gemini developer API",
            Self::Vertex => "Vertex AI",
        })
    }
}

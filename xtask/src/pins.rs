//! Versions of the reference packages: the one place where they are named.

/// A package of the Python index in one version.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pin {
    /// Its name in the index.
    pub(crate) name: &'static str,
    /// The version everything here is measured against.
    pub(crate) version: &'static str,
}

/// The SDK of the Gemini API.
pub(crate) const GEMINI: Pin = Pin {
    name: "google-genai",
    version: "3.4.0",
};

/// The SDK of the Tinker API.
pub(crate) const TINKER: Pin = Pin {
    name: "tinker",
    version: "0.38.0",
};

/// The package for many prompts at once.
pub(crate) const BATCH: Pin = Pin {
    name: "async-batch-llm",
    version: "0.28.0",
};

impl Pin {
    /// What `pip install` takes.
    pub(crate) fn requirement(self) -> String {
        format!("{}=={}", self.name, self.version)
    }
}

//! Why a JSON Schema has no form in the service's subset.

/// A JSON Schema says something that the service's subset cannot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct SchemaError {
    path: String,
    message: String,
}

impl SchemaError {
    pub(super) fn new(path: &[String], message: impl Into<String>) -> Self {
        let path = if path.is_empty() {
            "schema".to_owned()
        } else {
            path.join(".")
        };
        Self {
            path,
            message: message.into(),
        }
    }

    /// Where in the schema: `properties.age.const`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong there, without the path.
    pub fn message(&self) -> &str {
        &self.message
    }
}

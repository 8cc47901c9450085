//! What made the results of a store: results of another model, prompt or version do not stand for
//! this one's.

use serde_json::{Map, Value, json};

use super::{canonical, redact};

/// What decides the answers besides the prompts.
///
/// ```
/// use gimmal_batch::artifacts::ArtifactIdentity;
///
/// let identity = ArtifactIdentity::new("gemini", "gemini-2.5-flash").with_prompt_version("3");
/// assert_eq!(identity.fingerprint().len(), 64);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ArtifactIdentity {
    /// Who answers.
    pub provider: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// The version of the prompts.
    pub prompt_version: Option<String>,
    /// The version of what reads the answers.
    pub parser_version: Option<String>,
    /// The version of the program.
    pub application_version: Option<String>,
    /// Whatever else decides them, such as a digest of the settings.
    pub extra: Map<String, Value>,
}

impl ArtifactIdentity {
    /// A model of a provider.
    pub fn new(provider: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            provider: Some(provider.into()),
            model: Some(model.into()),
            ..Self::default()
        }
    }

    /// The version of the prompts.
    #[must_use]
    pub fn with_prompt_version(mut self, version: impl Into<String>) -> Self {
        self.prompt_version = Some(version.into());
        self
    }

    /// Something else that decides the answers.
    #[must_use]
    pub fn with_extra(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.insert(name.into(), value.into());
        self
    }

    /// The SHA-256 of all of it, secrets included.
    pub fn fingerprint(&self) -> String {
        canonical::fingerprint(&self.value(self.extra.clone().into()))
    }

    /// What is kept of it.
    pub(super) fn stored(&self) -> Value {
        self.value(redact::value(&self.extra.clone().into()))
    }

    fn value(&self, extra: Value) -> Value {
        json!({
            "application_version": self.application_version,
            "extra": extra,
            "model": self.model,
            "parser_version": self.parser_version,
            "prompt_version": self.prompt_version,
            "provider": self.provider,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_is_part_of_it() {
        let plain = ArtifactIdentity::new("p", "m");
        let version = || Some("2".to_owned());
        let others = [
            ArtifactIdentity {
                parser_version: version(),
                ..plain.clone()
            },
            ArtifactIdentity {
                application_version: version(),
                ..plain.clone()
            },
            plain.clone().with_prompt_version("2"),
            plain.clone().with_extra("temperature", 0.5),
        ];
        assert_eq!(others[3].extra["temperature"], 0.5);
        let mut prints: Vec<String> = others.iter().map(ArtifactIdentity::fingerprint).collect();
        prints.push(plain.fingerprint());
        prints.sort();
        prints.dedup();
        assert_eq!(prints.len(), 5);
    }

    #[test]
    fn fingerprints_are_those_of_the_other_package() {
        let fixture = ArtifactIdentity::new("fixture", "fixture-model").with_prompt_version("1");
        assert_eq!(
            fixture.fingerprint(),
            "a665f23d2ee61d52623deef89c5972477f0b398bf222eebfe595975681a75c7f"
        );
        assert_eq!(
            ArtifactIdentity::default().fingerprint(),
            "f8796c23804233c376432e413cd64cd614414bcf8959590b5ec589d356fe5139"
        );
        let mut keyed = ArtifactIdentity::default()
            .with_extra("api_key", "sk-1")
            .with_extra("n", 1.0);
        keyed.provider = Some("p".to_owned());
        assert_eq!(
            keyed.fingerprint(),
            "16a2fdb316327135cc7baebd50697959b91a4fa959c885f170ff7e961d51c070"
        );
        assert_eq!(keyed.stored()["extra"]["api_key"], "[REDACTED]");
    }
}

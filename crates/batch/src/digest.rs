//! Short digests that tell whether an answer belongs to a prompt and a run.

use sha2::{Digest as _, Sha256};

/// The first eight bytes of a prompt's SHA-256: all that is remembered of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PromptHash([u8; 8]);

impl PromptHash {
    pub(crate) fn of(prompt: &str) -> Self {
        let mut first = [0; 8];
        first.copy_from_slice(&Sha256::digest(prompt)[..8]);
        Self(first)
    }

    /// The digest of the prompt in a run: 16 hexadecimal digits.
    pub(crate) fn digest(self, run: &str) -> String {
        short_hex([run.as_bytes(), &self.0])
    }
}

/// The first 16 hexadecimal digits of a SHA-256 over parts, each framed by its length.
pub(crate) fn short_hex<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompt_and_run_both_count() {
        let digest = |prompt: &str, run: &str| PromptHash::of(prompt).digest(run);
        assert_eq!(digest("p", "r"), digest("p", "r"));
        assert_eq!(digest("p", "r").len(), 16);
        assert_ne!(digest("p", "r"), digest("q", "r"));
        assert_ne!(digest("p", "r"), digest("p", "s"));
        assert_ne!(short_hex([&b"ab"[..], b"c"]), short_hex([&b"a"[..], b"bc"]));
    }
}

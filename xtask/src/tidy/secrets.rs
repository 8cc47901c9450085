//! No file holds something that looks like a live credential.
//!
//! It recognises shapes, not entropy, so a test double must be shorter than the real thing. The
//! prefixes are assembled from pieces so that this file does not contain what it looks for.

use crate::finding::Finding;
use crate::sources::SourceFile;

struct Shape {
    what: &'static str,
    prefix: &'static str,
    least_tail: usize,
    extra: &'static [char],
}

const SHAPES: &[Shape] = &[
    Shape {
        what: "a Google API key",
        prefix: concat!("AI", "za"),
        least_tail: 35,
        extra: &['_', '-'],
    },
    Shape {
        what: "a Google access token",
        prefix: concat!("ya", "29."),
        least_tail: 20,
        extra: &['_', '-', '.'],
    },
    Shape {
        what: "a Tinker API key",
        prefix: concat!("tm", "l-"),
        least_tail: 32,
        extra: &['_', '-'],
    },
    Shape {
        what: "a GitHub token",
        prefix: concat!("gh", "p_"),
        least_tail: 36,
        extra: &[],
    },
    Shape {
        what: "a GitHub token",
        prefix: concat!("github", "_pat_"),
        least_tail: 30,
        extra: &['_'],
    },
    Shape {
        what: "an AWS access key",
        prefix: concat!("AK", "IA"),
        least_tail: 16,
        extra: &[],
    },
];

const KEY_BLOCK: (&str, &str) = ("-----BEGIN ", concat!("PRIVATE ", "KEY-----"));

/// Checks every line of every file.
pub(crate) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        for (number, line) in file.lines() {
            if let Some(what) = secret(line) {
                // The line itself stays out of the message: it would leak into logs.
                let message = format!("the line looks like it holds {what}");
                findings.push(Finding::error(&file.path, number, message));
            }
        }
    }
    findings
}

fn secret(line: &str) -> Option<&'static str> {
    if line.contains(KEY_BLOCK.0) && line.contains(KEY_BLOCK.1) {
        return Some("a private key");
    }
    SHAPES.iter().find_map(|shape| {
        line.match_indices(shape.prefix)
            .any(|(at, _)| {
                let tail = line[at + shape.prefix.len()..]
                    .chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || shape.extra.contains(c))
                    .count();
                tail >= shape.least_tail
            })
            .then_some(shape.what)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_length_key_is_found() {
        let key = format!("{}{}", concat!("AI", "za"), "aB3-_".repeat(7));
        assert_eq!(
            secret(&format!("let key = \"{key}\";")),
            Some("a Google API key")
        );
    }

    #[test]
    fn a_shorter_test_double_is_not() {
        let key = format!("{}{}", concat!("AI", "za"), "a".repeat(34));
        assert_eq!(secret(&key), None);
        assert_eq!(secret(concat!("tm", "l-test-key")), None);
    }

    #[test]
    fn a_private_key_block_is_found() {
        let line = format!("{}RSA {}", KEY_BLOCK.0, KEY_BLOCK.1);
        assert_eq!(secret(&line), Some("a private key"));
    }

    #[test]
    fn the_message_does_not_repeat_the_secret() {
        let key = format!("{}{}", concat!("gh", "p_"), "z".repeat(36));
        let findings = check(&[SourceFile::new("a.txt", format!("x\n{key}\n"))]);
        assert_eq!(findings.len(), 1);
        assert!(!findings[0].message.contains("zzz"));
    }
}

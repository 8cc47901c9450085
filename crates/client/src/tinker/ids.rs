//! Random identifiers, from the randomness that is injected.

use gimmal_transport::Jitter;

/// A random UUID (version 4, RFC 9562) as text.
pub(crate) fn uuid(jitter: &dyn Jitter) -> String {
    let mut bits: u128 = 0;
    for _ in 0..4 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a fraction of 2^32 is below it"
        )]
        let word = (jitter.fraction() * 2.0_f64.powi(32)) as u32;
        bits = bits << 32 | u128::from(word);
    }
    // Four bits say "version 4", two say "variant 1".
    bits = bits & !(0xf << 76) | 4 << 76;
    bits = bits & !(0b11 << 62) | 0b10 << 62;
    let hex = format!("{bits:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    let parts = [
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32),
    ];
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use gimmal_transport::{FixedJitter, ThreadRngJitter};

    use super::*;

    #[test]
    fn a_uuid_names_its_version() {
        assert_eq!(
            uuid(&FixedJitter::new(0.0)),
            "00000000-0000-4000-8000-000000000000"
        );
        assert_eq!(
            uuid(&FixedJitter::new(1.0)),
            "ffffffff-ffff-4fff-bfff-ffffffffffff"
        );
        assert_ne!(uuid(&ThreadRngJitter), uuid(&ThreadRngJitter));
    }
}

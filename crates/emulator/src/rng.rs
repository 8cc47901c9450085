//! The emulator's only source of variation: a small seeded generator (SplitMix64). It serves fault
//! ratios and identifiers, never anything secret.

/// A deterministic stream of numbers.
#[derive(Clone, Debug)]
pub(crate) struct Rng {
    state: u64,
}

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    pub(crate) fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.state)
    }

    /// A number in `[0, 1)`.
    pub(crate) fn fraction(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The `n`th identifier of a family: `len` characters of `alphabet`, different for every `n`.
pub(crate) fn identifier(seed: u64, family: u64, n: u64, alphabet: &[u8], len: usize) -> String {
    let mut rng = Rng::new(mix(seed ^ mix(family)) ^ mix(n));
    (0..len)
        .map(|_| alphabet[(rng.next_u64() % alphabet.len() as u64) as usize] as char)
        .collect()
}

/// A number that stands for a text.
pub(crate) fn digest(text: &str) -> u64 {
    digest_of(text.as_bytes())
}

/// A number that stands for bytes.
pub(crate) fn digest_of(bytes: &[u8]) -> u64 {
    bytes.iter().fold(mix(bytes.len() as u64), |sum, byte| {
        mix(sum ^ u64::from(*byte))
    })
}

/// A number with the bits of `z` stirred.
pub(crate) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_stream() {
        let (mut a, mut b) = (Rng::new(7), Rng::new(7));
        for _ in 0..100 {
            let (x, y) = (a.fraction(), b.fraction());
            assert!((0.0..1.0).contains(&x));
            assert_eq!(x.to_bits(), y.to_bits());
        }
    }

    #[test]
    fn identifiers_differ_by_number_and_by_family() {
        let id = |family, n| identifier(1, family, n, b"abcdefghijklmnopqrstuvwxyz0123456789", 16);
        assert_eq!(id(0, 1), id(0, 1));
        assert_ne!(id(0, 1), id(0, 2));
        assert_ne!(id(0, 1), id(1, 1));
    }
}

//! Speech as a row of tones: linear PCM made from words, deterministic, valid and short. Nobody
//! would take it for a voice.

use crate::{
    engine::tokenizer,
    rng::{Rng, digest},
};

/// Samples in a second.
pub(crate) const SAMPLE_RATE: u32 = 24_000;
/// The time a token is spoken for, in milliseconds.
const TOKEN_MILLIS: u32 = 40;
/// The most tokens that are spoken: two seconds.
const MOST_TOKENS: usize = 50;

/// Signed 16-bit little-endian samples of one channel for `text`, in the given voice.
pub(crate) fn speak(text: &str, voice: &str) -> Vec<u8> {
    let samples = SAMPLE_RATE * TOKEN_MILLIS / 1000;
    let mut out = Vec::new();
    for token in tokenizer::pieces(text).take(MOST_TOKENS) {
        let seed = digest(voice) ^ digest(token);
        let pitch = 120.0 + 300.0 * Rng::new(seed).fraction();
        for n in 0..samples {
            let at = f64::from(n) / f64::from(SAMPLE_RATE);
            let swell = (std::f64::consts::PI * f64::from(n) / f64::from(samples)).sin();
            let value = (std::f64::consts::TAU * pitch * at).sin() * swell;
            out.extend_from_slice(&((value * 9_000.0) as i16).to_le_bytes());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_texts_sound_longer_up_to_a_limit() {
        let one = speak("hello", "Kore");
        assert_eq!(one.len(), 24_000 * 40 / 1000 * 2);
        assert_eq!(speak("hello there", "Kore").len(), 2 * one.len());
        assert_eq!(speak(&"word ".repeat(500), "Kore").len(), 50 * one.len());
        assert_eq!(speak("", "Kore"), Vec::<u8>::new());
        assert_ne!(one, speak("hello", "Puck"));
        assert!(one.chunks(2).any(|sample| sample != [0, 0]));
    }
}

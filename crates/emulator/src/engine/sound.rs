//! Speech as a row of tones: linear PCM made from words, deterministic, valid and short. Nobody
//! would take it for a voice.

use crate::{
    engine::tokenizer,
    rng::{Rng, mix},
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
        let letters = voice.bytes().chain(token.bytes());
        let hash = letters.fold(1, |hash, byte| mix(hash ^ u64::from(byte)));
        let pitch = 120.0 + 300.0 * Rng::new(hash).fraction();
        for n in 0..samples {
            let at = f64::from(n) / f64::from(SAMPLE_RATE);
            let swell = (std::f64::consts::PI * f64::from(n) / f64::from(samples)).sin();
            let value = (std::f64::consts::TAU * pitch * at).sin() * swell;
            out.extend_from_slice(&((value * 9_000.0) as i16).to_le_bytes());
        }
    }
    out
}

/// The samples in a WAV file.
pub(crate) fn to_wav(samples: &[u8]) -> Vec<u8> {
    const BLOCK: u32 = 2;
    let size = u32::try_from(samples.len()).unwrap_or(u32::MAX);
    let mut out = Vec::with_capacity(44 + samples.len());
    out.extend_from_slice(b"RIFF");
    out.extend_from_slice(&size.saturating_add(36).to_le_bytes());
    out.extend_from_slice(b"WAVEfmt ");
    out.extend_from_slice(&16_u32.to_le_bytes());
    // Linear samples of one channel.
    out.extend_from_slice(&1_u16.to_le_bytes());
    out.extend_from_slice(&1_u16.to_le_bytes());
    out.extend_from_slice(&SAMPLE_RATE.to_le_bytes());
    out.extend_from_slice(&(SAMPLE_RATE * BLOCK).to_le_bytes());
    out.extend_from_slice(&(BLOCK as u16).to_le_bytes());
    out.extend_from_slice(&16_u16.to_le_bytes());
    out.extend_from_slice(b"data");
    out.extend_from_slice(&size.to_le_bytes());
    out.extend_from_slice(samples);
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

    #[test]
    fn a_wav_file_says_what_it_holds() {
        let samples = speak("hi", "Kore");
        let file = to_wav(&samples);
        assert_eq!(&file[..4], b"RIFF");
        assert_eq!(&file[8..16], b"WAVEfmt ");
        assert_eq!(file[24..28], SAMPLE_RATE.to_le_bytes());
        assert_eq!(file[40..44], (samples.len() as u32).to_le_bytes());
        assert_eq!(file.len(), 44 + samples.len());
    }
}

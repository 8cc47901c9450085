//! Sound without a voice: a tone for every word, as raw samples, and how long such samples last.

use std::time::Duration;

/// Samples of speech in a second.
pub(super) const RATE: u32 = 24_000;
/// The media type of speech.
pub(super) const SPEECH: &str = "audio/pcm;rate=24000";

/// Samples of a word, and of the gap after it.
const WORD: u32 = RATE / 25;
const GAP: u32 = RATE / 100;

/// A sample that is louder than this is no silence.
const SILENCE: u16 = 300;

/// The text as 16-bit samples, the low byte first: a short tone for every word, whose pitch is the
/// word's own.
pub(super) fn speak(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for word in text.split_whitespace() {
        let pitch = 160.0 + f64::from(hash(word.as_bytes()) % 240);
        for n in 0..WORD {
            let time = f64::from(n) / f64::from(RATE);
            // Louder in the middle, so that it begins and ends without a click.
            let swell = (std::f64::consts::PI * f64::from(n) / f64::from(WORD)).sin();
            let wave = (std::f64::consts::TAU * pitch * time).sin();
            let sample = (wave * swell * 8_000.0) as i16;
            out.extend(sample.to_le_bytes());
        }
        out.extend((0..GAP * 2).map(|_| 0));
    }
    out
}

/// A number for a text, always the same one (FNV-1a).
pub(super) fn hash(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

/// A piece of sound that was sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sound {
    pub(super) lasts: Duration,
    pub(super) is_silent: bool,
}

/// What is in these bytes: raw samples can be listened to, anything else is taken for a second of
/// speech.
pub(super) fn listen(mime: &str, bytes: &[u8]) -> Sound {
    let mut parameters = mime.split(';').map(str::trim);
    if !matches!(parameters.next(), Some("audio/pcm" | "audio/l16")) {
        return Sound {
            lasts: Duration::from_secs(1),
            is_silent: bytes.is_empty(),
        };
    }
    let rate = parameters.find_map(|parameter| parameter.strip_prefix("rate="));
    let rate = rate.and_then(|rate| rate.parse().ok());
    let rate: u32 = rate.filter(|rate| *rate > 0).unwrap_or(16_000);
    let samples = bytes.as_chunks::<2>().0;
    let loud = samples
        .iter()
        .any(|sample| i16::from_le_bytes(*sample).unsigned_abs() > SILENCE);
    Sound {
        lasts: Duration::from_secs_f64(samples.len() as f64 / f64::from(rate)),
        is_silent: !loud,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_tones_of_their_own() {
        let hello = speak("hello");
        assert_eq!(hello.len() as u32, (WORD + GAP) * 2);
        assert_eq!(speak("hello hello").len(), hello.len() * 2);
        assert_ne!(speak("hello"), speak("world"));
        assert!(speak("").is_empty());
        let heard = listen(SPEECH, &hello);
        assert_eq!(heard.lasts, Duration::from_millis(50));
        assert!(!heard.is_silent);
    }

    #[test]
    fn silence_is_heard_as_such() {
        let silence = listen("audio/pcm;rate=16000", &[0; 32_000]);
        assert_eq!(silence.lasts, Duration::from_secs(1));
        assert!(silence.is_silent);
        assert!(!listen("audio/mp3", b"ID3").is_silent);
        let odd = listen("audio/pcm; rate=0", &[1, 2, 3]);
        assert_eq!(odd.lasts, Duration::from_secs_f64(1.0 / 16_000.0));
    }
}

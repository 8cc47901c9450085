//! What the server hears of the user: sound that begins and ends, and the last picture. It decides
//! when the user has spoken, not what is answered.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::{
    gemini::{
        errors::ApiError,
        fields::{integer, object, string},
    },
    live::speech::Sound,
};

/// Silence after which the user has ended, unless set otherwise.
const SILENCE: Duration = Duration::from_millis(500);

/// How speech is noticed, as the setup has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Detection {
    /// False when the client says itself when the user begins and ends.
    pub(super) automatic: bool,
    silence: Duration,
    /// Whether the user interrupts the model.
    pub(super) interrupts: bool,
}

impl Detection {
    /// Reads `realtimeInputConfig` of a setup.
    pub(super) fn read(setup: &Map<String, Value>) -> Result<Self, ApiError> {
        const AT: &str = "setup.realtime_input_config";
        let empty = Map::new();
        let config = object(setup, "realtimeInputConfig", "setup")?.unwrap_or(&empty);
        let detection = object(config, "automaticActivityDetection", AT)?.unwrap_or(&empty);
        let at = format!("{AT}.automatic_activity_detection");
        let silence = match integer(detection, "silenceDurationMs", &at)? {
            None | Some(0) => SILENCE,
            Some(milliseconds) => Duration::from_millis(milliseconds.unsigned_abs()),
        };
        let handling = string(config, "activityHandling", AT)?.unwrap_or_default();
        Ok(Self {
            automatic: detection.get("disabled").and_then(Value::as_bool) != Some(true),
            silence,
            interrupts: handling != "NO_INTERRUPTION",
        })
    }
}

/// What was noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noticed {
    Nothing,
    /// The user begins to speak.
    Beginning,
    /// The user has spoken.
    End,
}

/// What was heard since the user last ended.
#[derive(Debug, Default)]
pub(super) struct Hearing {
    /// Whether the user speaks.
    speaking: bool,
    /// All of the sound, and the silence at its end.
    heard: Duration,
    silent: Duration,
    picture: Option<Value>,
}

impl Hearing {
    /// Some sound has come.
    pub(super) fn sound(&mut self, sound: Sound, detection: Detection) -> Noticed {
        self.heard += sound.lasts;
        if !detection.automatic {
            return Noticed::Nothing;
        }
        if !sound.is_silent {
            self.silent = Duration::ZERO;
            let begins = !std::mem::replace(&mut self.speaking, true);
            if !begins {
                return Noticed::Nothing;
            }
            // What was silent before belongs to nothing.
            self.heard = sound.lasts;
            return Noticed::Beginning;
        }
        self.silent += sound.lasts;
        if self.speaking && self.silent >= detection.silence {
            return Noticed::End;
        }
        Noticed::Nothing
    }

    /// The client says that the user begins.
    pub(super) fn begin(&mut self) {
        *self = Self {
            speaking: true,
            picture: self.picture.take(),
            ..Self::default()
        };
    }

    /// A picture has come; the last one counts.
    pub(super) fn see(&mut self, picture: Value) {
        self.picture = Some(picture);
    }

    /// True when something was heard that was not answered.
    pub(super) fn has_heard(&self) -> bool {
        self.speaking || !self.heard.is_zero()
    }

    /// What the user said, in words, with the picture; all is forgotten.
    pub(super) fn take(&mut self) -> (String, Option<Value>) {
        let heard = std::mem::take(self);
        let spoken = heard.heard.saturating_sub(heard.silent);
        let lasts = if spoken.is_zero() {
            heard.heard
        } else {
            spoken
        };
        let words = format!("a sound of {:.1} seconds", lasts.as_secs_f64());
        (words, heard.picture)
    }

    /// The last picture, as a part.
    pub(super) fn take_picture(&mut self) -> Option<Value> {
        self.picture.take()
    }
}

/// A blob as a part.
pub(super) fn part(blob: &Value) -> Value {
    json!({ "inlineData": blob })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detection(config: Value) -> Detection {
        let setup = json!({ "realtimeInputConfig": config });
        Detection::read(setup.as_object().expect("an object")).expect("read")
    }

    fn sound(milliseconds: u64, is_silent: bool) -> Sound {
        Sound {
            lasts: Duration::from_millis(milliseconds),
            is_silent,
        }
    }

    #[test]
    fn speech_begins_with_sound_and_ends_with_silence() {
        let detection = detection(json!({}));
        let mut hearing = Hearing::default();
        let mut hear = |milliseconds, silent| hearing.sound(sound(milliseconds, silent), detection);
        assert_eq!(hear(1000, true), Noticed::Nothing);
        assert_eq!(hear(100, false), Noticed::Beginning);
        assert_eq!(hear(1100, false), Noticed::Nothing);
        assert_eq!(hear(400, true), Noticed::Nothing);
        assert_eq!(hear(100, true), Noticed::End);
        let (words, picture) = hearing.take();
        assert_eq!((words.as_str(), picture), ("a sound of 1.2 seconds", None));
        assert!(!hearing.has_heard());
    }

    #[test]
    fn settings_say_who_notices_what() {
        let manual = detection(json!({"automaticActivityDetection": {"disabled": true},
            "activityHandling": "NO_INTERRUPTION"}));
        assert!(!manual.automatic && !manual.interrupts);
        let mut hearing = Hearing::default();
        assert_eq!(hearing.sound(sound(9, false), manual), Noticed::Nothing);
        let patient = detection(json!({"automaticActivityDetection": {"silenceDurationMs": 2000}}));
        hearing = Hearing::default();
        hearing.sound(sound(9, false), patient);
        assert_eq!(hearing.sound(sound(1999, true), patient), Noticed::Nothing);
        assert_eq!(hearing.sound(sound(1, true), patient), Noticed::End);
    }
}

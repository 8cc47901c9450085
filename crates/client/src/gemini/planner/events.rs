//! What happened to caches, newest last: a bounded list for people and tests. It decides nothing.

use std::collections::VecDeque;
use std::time::SystemTime;

use serde::Serialize;

use super::CreateFailure;

/// Events remembered at most; the oldest are forgotten first.
const MOST_EVENTS: usize = 1_000;

/// Something that happened to a cache.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PlannerEvent {
    /// When it was noticed, on the local clock.
    pub at: SystemTime,
    /// What happened.
    #[serde(flatten)]
    pub what: Happening,
}

/// What can happen to a cache.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Happening {
    /// It was created.
    Created {
        /// Its name.
        name: String,
        /// Its size, as the service counted it.
        tokens: u32,
        /// When the service deletes it.
        expires_at: SystemTime,
    },
    /// It was found on the service or taken over from another process.
    Adopted {
        /// Its name.
        name: String,
    },
    /// Its expiry was moved.
    Extended {
        /// Its name.
        name: String,
        /// When the service deletes it now.
        expires_at: SystemTime,
    },
    /// The planner deleted it.
    Retired {
        /// Its name.
        name: String,
    },
    /// It vanished while in use.
    Lost {
        /// Its name.
        name: String,
    },
    /// It expired.
    Expired {
        /// Its name.
        name: String,
        /// True when nothing ever read it.
        unread: bool,
    },
    /// It could not be created.
    CreateFailed {
        /// The class of the failure, as in the statistics.
        class: &'static str,
        /// What the service said.
        message: String,
    },
    /// The service told its minimum for a model.
    LearntMinimum {
        /// The model.
        model: String,
        /// Fewest tokens of a cache.
        tokens: u32,
    },
}

/// The newest events.
#[derive(Debug, Default)]
pub(super) struct Events(VecDeque<PlannerEvent>);

impl Events {
    pub(super) fn note(&mut self, at: SystemTime, what: Happening) {
        if self.0.len() == MOST_EVENTS {
            self.0.pop_front();
        }
        self.0.push_back(PlannerEvent { at, what });
    }

    pub(super) fn note_failure(&mut self, at: SystemTime, class: CreateFailure, text: &str) {
        let message = text.to_owned();
        let class = class.as_str();
        self.note(at, Happening::CreateFailed { class, message });
    }

    pub(super) fn to_vec(&self) -> Vec<PlannerEvent> {
        self.0.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_thousand_are_kept() {
        let mut events = Events::default();
        let lost = |number: usize| Happening::Lost {
            name: number.to_string(),
        };
        for number in 0..MOST_EVENTS + 5 {
            events.note(SystemTime::UNIX_EPOCH, lost(number));
        }
        let kept = events.to_vec();
        assert_eq!(kept.len(), MOST_EVENTS);
        assert_eq!(kept[0].what, lost(5));
        let json = serde_json::to_value(&kept[0]).unwrap();
        assert_eq!(
            (&json["event"], &json["name"]),
            (&"lost".into(), &"5".into())
        );
    }
}

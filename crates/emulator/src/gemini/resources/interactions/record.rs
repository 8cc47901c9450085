//! One interaction as it is kept: what was asked, what comes of it, and how it stands at a time.

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};

use super::answer::Outcome;
use crate::gemini::caches::format_time;

/// Fields of a request that are told again when an interaction is described.
const TOLD: &[&str] = &[
    "agent",
    "agent_config",
    "cached_content",
    "generation_config",
    "labels",
    "model",
    "previous_interaction_id",
    "response_format",
    "response_mime_type",
    "response_modalities",
    "safety_settings",
    "service_tier",
    "system_instruction",
    "tools",
    "webhook_config",
];

#[derive(Clone, Debug)]
pub(in crate::gemini) struct Record {
    /// Empty when it is not kept.
    pub(super) id: String,
    pub(super) request: Map<String, Value>,
    /// What was said, as steps.
    pub(super) said: Vec<Value>,
    pub(super) outcome: Outcome,
    pub(super) token: Option<String>,
    pub(super) environment: Option<String>,
    pub(super) began: SystemTime,
    /// When the outcome is there; at once, unless it works in the background.
    pub(super) due: SystemTime,
    pub(super) cancelled: Option<SystemTime>,
    pub(super) background: bool,
    /// Whether those who want to know of its end were told.
    pub(super) told: bool,
}

impl Record {
    /// The status at a time.
    pub(super) fn status(&self, now: SystemTime) -> &'static str {
        if self.cancelled.is_some_and(|at| at <= now) {
            return "cancelled";
        }
        if now >= self.due {
            return self.outcome.status;
        }
        // The first quarter of the time it waits for its turn.
        let takes = self.due.duration_since(self.began).unwrap_or_default();
        if now < self.began + takes / 4 {
            "queued"
        } else {
            "in_progress"
        }
    }

    pub(super) fn is_running(&self, now: SystemTime) -> bool {
        matches!(self.status(now), "queued" | "in_progress")
    }

    /// Whether it came to its own end.
    pub(super) fn is_done(&self, now: SystemTime) -> bool {
        self.cancelled.is_none() && now >= self.due
    }

    /// How long its outcome takes.
    pub(super) fn takes(&self) -> Duration {
        self.due.duration_since(self.began).unwrap_or_default()
    }

    pub(super) fn model(&self) -> Option<&str> {
        self.request.get("model").and_then(Value::as_str)
    }

    pub(super) fn agent(&self) -> Option<&str> {
        self.request.get("agent").and_then(Value::as_str)
    }

    /// Its name and that of its environment.
    pub(in crate::gemini) fn names(self) -> (String, Option<String>) {
        (self.id, self.environment)
    }

    /// The interaction as it is described.
    pub(super) fn to_json(&self, include_input: bool, now: SystemTime) -> Value {
        let mut shown = self.head(now);
        for name in TOLD {
            if let Some(value) = self.request.get(*name) {
                shown[*name] = value.clone();
            }
        }
        if include_input {
            shown["input"] = self.said.clone().into();
        }
        if let Some(id) = &self.environment {
            shown["environment_id"] = id.as_str().into();
        }
        let done = self.is_done(now);
        shown["steps"] = match done {
            true => self.outcome.steps.clone().into(),
            false => json!([]),
        };
        if done && !self.outcome.errors.is_empty() {
            shown["errors"] = self.outcome.errors.clone().into();
        }
        shown
    }

    /// What events tell of the interaction itself.
    pub(super) fn head(&self, now: SystemTime) -> Value {
        let done = self.is_done(now);
        let updated = match (self.cancelled, done) {
            (Some(at), _) => at,
            (None, true) => self.due,
            (None, false) => self.began,
        };
        let mut head = json!({
            "id": self.id,
            "object": "interaction",
            "status": self.status(now),
            "created": format_time(self.began),
            "updated": format_time(updated),
        });
        for name in ["model", "agent"] {
            if let Some(value) = self.request.get(name) {
                head[name] = value.clone();
            }
        }
        if done {
            head["usage"] = self.outcome.usage.clone();
            if let Some(token) = &self.token {
                head["continuation_token"] = token.as_str().into();
            }
        }
        head
    }
}

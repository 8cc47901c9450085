//! The Tinker side of an emulator on behalf of the cases: its settings, and what a driver may order.

use std::time::Duration;

use anyhow::Context as _;
use gimmal_emulator::{Emulator, EmulatorBuilder, QueueState};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// How its Tinker side differs from the usual one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::conformance::sdk) struct Settings {
    /// Results above so many bytes are announced first.
    pub(super) announced_over: Option<usize>,
    /// Flags for clients.
    pub(super) config: Map<String, Value>,
    /// Flags that clients ask for again and again.
    pub(super) dynamic_config: Map<String, Value>,
    /// How long a poll is held.
    pub(super) hold_seconds: Option<f64>,
}

impl Settings {
    pub(in crate::conformance::sdk) fn apply(
        &self,
        mut builder: EmulatorBuilder,
    ) -> EmulatorBuilder {
        builder = builder
            .with_tinker_config(self.config.clone())
            .with_tinker_dynamic_config(self.dynamic_config.clone());
        if let Some(bytes) = self.announced_over {
            builder = builder.with_tinker_announced_over(bytes);
        }
        let hold = self.hold_seconds.map(Duration::try_from_secs_f64);
        if let Some(Ok(hold)) = hold {
            builder = builder.with_tinker_hold(hold);
        }
        builder
    }
}

/// Does what a driver orders of the Tinker side, and answers it.
pub(in crate::conformance::sdk) fn obey(
    emulator: &Emulator,
    order: &Value,
) -> anyhow::Result<Value> {
    let tinker = emulator.tinker();
    match order["do"].as_str().unwrap_or_default() {
        "applied" => {
            let applied = tinker.applied();
            let applied = applied.iter().map(|request| {
                json!({
                    "model_id": request.model_id, "seq_id": request.seq_id,
                    "call": request.call, "failed": request.failed,
                })
            });
            Ok(json!({"applied": applied.collect::<Vec<_>>()}))
        }
        "hold" => {
            let state = match order["state"].as_str() {
                Some("active") => QueueState::Active,
                Some("paused_capacity") => QueueState::PausedCapacity,
                Some("paused_rate_limit") => QueueState::PausedRateLimit,
                _ => anyhow::bail!("`state` is no state of a queue"),
            };
            tinker.hold(state, order["reason"].as_str());
            Ok(json!({}))
        }
        "lose_session" => {
            let session = order["session_id"].as_str();
            tinker.lose_session(session.context("`session_id` is no text")?);
            Ok(json!({}))
        }
        "telemetry" => Ok(json!({ "telemetry": tinker.telemetry() })),
        other => anyhow::bail!("an emulator cannot `{other}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn orders_are_obeyed_or_refused_by_name() {
        let emulator = Emulator::builder().start().await.unwrap();
        let obeyed = |order: Value| obey(&emulator, &order);
        let applied = obeyed(json!({"do": "applied"})).unwrap();
        assert_eq!(applied, json!({"applied": []}));
        let held = json!({"do": "hold", "state": "paused_capacity", "reason": "full"});
        assert_eq!(obeyed(held).unwrap(), json!({}));
        let wrong = obeyed(json!({"do": "hold", "state": "asleep"})).unwrap_err();
        assert_eq!(wrong.to_string(), "`state` is no state of a queue");
    }
}

//! Emulators on behalf of the cases: what a driver may ask for, as JSON.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use gimmal_emulator::{
    Emulator, EmulatorBuilder, Fault, FaultRule, ManualClock, ModelCard, RouteMatcher,
    ScriptedReply,
};
use http::{HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tempfile::NamedTempFile;

use crate::conformance::sdk::tinker;

/// How an emulator differs from the usual one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Settings {
    /// Keys that are good; any is when none is named.
    pub(super) api_keys: Vec<String>,
    /// Texts that block a prompt.
    pub(super) blocked_phrases: Vec<String>,
    /// Most tokens a key may keep cached.
    pub(super) cache_storage_limit: Option<u64>,
    /// Whether its time passes only when told to.
    pub(super) manual_clock: bool,
    /// Fewest tokens of a cached content.
    pub(super) min_cache_tokens: Option<u64>,
    /// Models beside the usual ones: the name and the most tokens it takes.
    pub(super) models: Vec<(String, u64)>,
    /// Most generate calls in a minute.
    pub(super) requests_per_minute: Option<usize>,
    /// Whether it speaks TLS, with a certificate made for the run.
    pub(super) tls: bool,
    /// What concerns the Tinker API.
    pub(super) tinker: tinker::Settings,
}

/// Which answers are spoiled, and how.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FaultOrder {
    kind: String,
    /// Seconds of a delay.
    seconds: f64,
    /// Bytes before a cut.
    bytes: usize,
    path: Option<String>,
    at_most: Option<u64>,
    after: u64,
    every: Option<u64>,
}

/// A reply given in place of the emulator's own.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ReplyOrder {
    path: Option<String>,
    status: Option<u16>,
    json: Option<Value>,
    text: Option<String>,
    events: Option<Vec<String>>,
    headers: Map<String, Value>,
    /// How many requests get it; one when absent.
    times: Option<usize>,
}

/// An emulator with the clock it may stand on.
#[derive(Clone, Debug)]
pub(super) struct Running {
    pub(super) emulator: Arc<Emulator>,
    pub(super) clock: ManualClock,
    /// The certificate of who vouches for it, in a file, when it speaks TLS.
    pub(super) authority: Option<Arc<NamedTempFile>>,
}

impl Settings {
    /// Those of an emulator whose time passes only when told to.
    pub(super) fn standing() -> Self {
        Self {
            manual_clock: true,
            ..Self::default()
        }
    }

    fn builder(&self, clock: &ManualClock) -> EmulatorBuilder {
        let mut builder = Emulator::builder();
        for key in &self.api_keys {
            builder = builder.with_api_key(key);
        }
        for phrase in &self.blocked_phrases {
            builder = builder.with_blocked_phrase(phrase.clone());
        }
        for (name, limit) in &self.models {
            let card = ModelCard::new(name.clone()).with_input_token_limit(*limit);
            builder = builder.with_model(card);
        }
        if let Some(tokens) = self.cache_storage_limit {
            builder = builder.with_cache_storage_limit(tokens);
        }
        if let Some(tokens) = self.min_cache_tokens {
            builder = builder.with_min_cache_tokens(tokens);
        }
        if let Some(requests) = self.requests_per_minute {
            builder = builder.with_requests_per_minute(requests);
        }
        if self.tls {
            builder = builder.with_tls();
        }
        builder = self.tinker.apply(builder);
        if self.manual_clock {
            builder = builder.with_clock(Arc::new(clock.clone()));
        }
        builder
    }

    /// Starts an emulator with these settings.
    pub(super) async fn start(&self) -> anyhow::Result<Running> {
        let clock = ManualClock::new();
        let emulator = self.builder(&clock).start().await?;
        let authority = match emulator.certificate_authority() {
            Some(certificate) => {
                let file = NamedTempFile::new().context("no file for a certificate")?;
                std::fs::write(file.path(), certificate).context("no certificate was written")?;
                Some(Arc::new(file))
            }
            None => None,
        };
        Ok(Running {
            emulator: Arc::new(emulator),
            clock,
            authority,
        })
    }
}

impl Running {
    /// What a driver has to know to reach it.
    pub(super) fn address(&self) -> Value {
        let authority = self.authority.as_ref().map(|file| file.path().to_owned());
        json!({"base_url": self.emulator.base_url(), "authority": authority})
    }

    /// Does what a driver asks, and answers it.
    pub(super) fn obey(&self, order: &Value) -> anyhow::Result<Value> {
        match order["do"].as_str().unwrap_or_default() {
            "requests" => Ok(json!({ "requests": self.requests() })),
            "advance" => {
                let seconds = order["seconds"]
                    .as_f64()
                    .context("`seconds` is no number")?;
                self.clock.advance(duration(seconds)?);
                Ok(json!({}))
            }
            "fault" => {
                let fault = FaultOrder::deserialize(&order["fault"]).context("no such fault")?;
                self.emulator.chaos().add(fault.rule()?);
                Ok(json!({}))
            }
            "script" => {
                let reply = ReplyOrder::deserialize(&order["reply"]).context("no such reply")?;
                self.script(&reply)?;
                Ok(json!({}))
            }
            _ => tinker::obey(&self.emulator, order),
        }
    }

    fn requests(&self) -> Vec<Value> {
        let recorded = self.emulator.journal().requests(RouteMatcher::any());
        let one = |request: &gimmal_emulator::RecordedRequest| {
            let headers: Map<String, Value> = request
                .headers()
                .iter()
                .map(|(name, value)| {
                    let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                    (name.as_str().to_owned(), value.into())
                })
                .collect();
            json!({
                "method": request.method().as_str(), "path": request.path(),
                "query": request.query(), "headers": headers, "body": request.body(),
                "status": request.status(), "key": request.key_fingerprint(),
            })
        };
        recorded.iter().map(one).collect()
    }

    fn script(&self, order: &ReplyOrder) -> anyhow::Result<()> {
        let status = order.status.unwrap_or(200);
        let mut reply = match (&order.json, &order.text, &order.events) {
            (Some(body), None, None) => ScriptedReply::json(status, body),
            (None, Some(text), None) => ScriptedReply::text(status, text.clone()),
            (None, None, Some(events)) => ScriptedReply::events(events).with_status(status),
            _ => anyhow::bail!("a reply has one of `json`, `text` and `events`"),
        };
        for (name, value) in &order.headers {
            let name = HeaderName::try_from(name.as_str())?;
            let value = HeaderValue::try_from(value.as_str().unwrap_or_default())?;
            reply = reply.with_header(name, value);
        }
        let times = order.times.unwrap_or(1);
        let script = self.emulator.script();
        script.push_times(matcher(order.path.as_deref()), reply, times);
        Ok(())
    }
}

impl FaultOrder {
    fn rule(&self) -> anyhow::Result<FaultRule> {
        let delay = duration(self.seconds)?;
        let fault = match self.kind.as_str() {
            "cut_stream" => Fault::cut_stream(self.bytes),
            "daily_quota" => Fault::daily_quota(),
            "delay" => Fault::delay(delay),
            "malformed_chunk" => Fault::malformed_chunk(),
            "rate_limited" => Fault::rate_limited(delay),
            "repeat" => Fault::repeat(),
            "reset" => Fault::reset(),
            "unavailable" => Fault::unavailable(),
            other => anyhow::bail!("there is no fault `{other}`"),
        };
        let mut rule = FaultRule::new(fault)
            .on(matcher(self.path.as_deref()))
            .after(self.after);
        if let Some(every) = self.every {
            rule = rule.every(every);
        }
        if let Some(most) = self.at_most {
            rule = rule.at_most(most);
        }
        Ok(rule)
    }
}

fn matcher(path: Option<&str>) -> RouteMatcher {
    match path {
        Some(path) => RouteMatcher::any().with_path_part(path),
        None => RouteMatcher::any(),
    }
}

fn duration(seconds: f64) -> anyhow::Result<Duration> {
    Duration::try_from_secs_f64(seconds).context("`seconds` is no time span")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn orders_are_obeyed_or_refused_by_name() {
        let settings: Settings = serde_json::from_value(json!({
            "manual_clock": true, "api_keys": ["k"], "models": [["gemini-tiny", 10]]
        }))
        .unwrap();
        let running = settings.start().await.unwrap();
        for order in [
            json!({"do": "advance", "seconds": 60}),
            json!({"do": "fault", "fault": {"kind": "unavailable", "path": "models", "at_most": 1}}),
            json!({"do": "script", "reply": {"status": 404, "json": {}, "times": 2}}),
        ] {
            assert_eq!(running.obey(&order).unwrap(), json!({}));
        }
        assert_eq!(running.emulator.script().pending(), 2);
        assert_eq!(
            running.obey(&json!({"do": "requests"})).unwrap(),
            json!({"requests": []})
        );
        for (order, why) in [
            (json!({"do": "dance"}), "an emulator cannot `dance`"),
            (
                json!({"do": "fault", "fault": {"kind": "flood"}}),
                "there is no fault `flood`",
            ),
            (
                json!({"do": "script", "reply": {"status": 200}}),
                "a reply has one of `json`, `text` and `events`",
            ),
            (
                json!({"do": "advance", "seconds": -1}),
                "`seconds` is no time span",
            ),
        ] {
            assert_eq!(running.obey(&order).unwrap_err().to_string(), why);
        }
        let unknown: Result<Settings, _> = serde_json::from_value(json!({"colour": "red"}));
        assert!(unknown.unwrap_err().to_string().contains("colour"));
    }
}

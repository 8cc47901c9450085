//! Webhooks: who is told of what, their secrets, and the messages that would go out.
//!
//! The emulator opens no connections of its own: messages are kept for whoever runs it, signed as
//! the service signs them.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::{
    gemini::{
        caches::{Scope, format_time},
        errors::ApiError,
        resources::{
            read,
            shelf::{self, Shelf},
        },
        service::Call,
    },
    reply::Reply,
    rng::identifier,
};

const EVENTS: &[&str] = &[
    "batch.succeeded",
    "batch.expired",
    "batch.failed",
    "interaction.requires_action",
    "interaction.completed",
    "interaction.failed",
    "video.generated",
];
const STATES: &[&str] = &["enabled", "disabled", "disabled_due_to_failed_deliveries"];
const FIELDS: &[&str] = &["name", "state", "subscribed_events", "uri"];
const FAMILY: u64 = 41;
const DIGITS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// How long a replaced secret is used beside the new one, unless it is revoked at once.
const GRACE: Duration = Duration::from_secs(24 * 3600);

#[derive(Clone, Debug)]
struct Webhook {
    id: String,
    name: Option<String>,
    uri: String,
    events: Vec<String>,
    state: String,
    /// The newest last; all but that one expire.
    secrets: Vec<Secret>,
    created: SystemTime,
    updated: SystemTime,
}

#[derive(Clone)]
struct Secret {
    text: String,
    expires: Option<SystemTime>,
}

/// A message that the service would send to a webhook now.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WebhookMessage {
    /// The address.
    pub uri: String,
    /// The headers, those of the signature among them.
    pub headers: HeaderMap,
    /// The body, which is JSON.
    pub body: String,
}

/// The webhooks of an emulator.
#[derive(Debug)]
pub(crate) struct Webhooks {
    shelf: Shelf<Webhook>,
    outbox: Mutex<Outbox>,
}

#[derive(Debug, Default)]
struct Outbox {
    messages: Vec<WebhookMessage>,
    sent: u64,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self {
            shelf: Shelf::new("webhook"),
            outbox: Mutex::default(),
        }
    }
}

impl Webhooks {
    pub(super) fn create(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let fields = call.body()?;
        read::only(fields, &["name", "subscribed_events", "uri"], "")?;
        let number = self.shelf.number();
        let secret = Secret::new(call.seed(), number, 0);
        let mut webhook = Webhook {
            id: identifier(call.seed(), FAMILY, number, DIGITS, 16),
            name: None,
            uri: String::new(),
            events: Vec::new(),
            state: "enabled".to_owned(),
            secrets: vec![secret.clone()],
            created: call.now,
            updated: call.now,
        };
        read::required(fields, "uri")?;
        webhook.set(fields, FIELDS)?;
        if webhook.events.is_empty() {
            return Err(read::missing("subscribed_events"));
        }
        let mut shown = webhook.to_json();
        shown["new_signing_secret"] = secret.text.into();
        self.shelf
            .insert(&call.owner(), &webhook.id.clone(), webhook)?;
        Ok(Reply::json(StatusCode::OK, &shown))
    }

    pub(super) fn get(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let webhook = self.shelf.get(&call.owner(), &call.target.resource)?;
        Ok(Reply::json(StatusCode::OK, &webhook.to_json()))
    }

    pub(super) fn list(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let all = self.shelf.all(&call.owner()).into_iter();
        let shown = all.map(|(number, webhook)| (number, webhook.to_json()));
        shelf::page(call, "webhooks", shown.collect())
    }

    pub(super) fn update(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let fields = call.body()?;
        read::only(fields, FIELDS, "")?;
        let mask = call.query.iter().find(|(name, _)| name == "update_mask");
        let mask: Vec<&str> = match mask {
            Some((_, mask)) => mask.split(',').map(str::trim).collect(),
            None => fields.keys().map(String::as_str).collect(),
        };
        if let Some(bad) = mask.iter().find(|name| !FIELDS.contains(name)) {
            return Err(read::invalid(
                "update_mask",
                &format!("{bad} cannot be changed"),
            ));
        }
        let shown = self
            .shelf
            .change(&call.owner(), &call.target.resource, |webhook| {
                let mut changed = webhook.clone();
                changed.set(fields, &mask)?;
                changed.updated = call.now;
                *webhook = changed;
                Ok(webhook.to_json())
            })?;
        Ok(Reply::json(StatusCode::OK, &shown))
    }

    pub(super) fn delete(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        self.shelf.remove(&call.owner(), &call.target.resource)?;
        Ok(Reply::json(StatusCode::OK, &json!({})))
    }

    pub(super) fn ping(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let webhook = self.shelf.get(&call.owner(), &call.target.resource)?;
        let data = json!({ "webhook_id": webhook.id });
        self.send(&webhook, "webhook.ping", &data, call.now);
        Ok(Reply::json(StatusCode::OK, &json!({})))
    }

    pub(super) fn rotate(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let fields = call.body()?;
        read::only(fields, &["revocation_behavior"], "")?;
        let behavior = read::text(fields, "revocation_behavior")?;
        let grace = match behavior {
            None | Some("revoke_previous_secrets_after_h24") => GRACE,
            Some("revoke_previous_secrets_immediately") => Duration::ZERO,
            Some(_) => return Err(read::invalid("revocation_behavior", "it is not known")),
        };
        let (seed, number) = (call.seed(), self.shelf.number());
        let secret = self
            .shelf
            .change(&call.owner(), &call.target.resource, |webhook| {
                let secret = Secret::new(seed, number, webhook.secrets.len() as u64);
                for old in &mut webhook.secrets {
                    let end = call.now + grace;
                    old.expires = Some(old.expires.map_or(end, |sooner| sooner.min(end)));
                }
                webhook.secrets.retain(|old| old.is_used(call.now));
                webhook.secrets.push(secret.clone());
                webhook.updated = call.now;
                Ok(secret)
            })?;
        Ok(Reply::json(
            StatusCode::OK,
            &json!({ "secret": secret.text }),
        ))
    }

    /// Tells all webhooks of an owner that listen.
    pub(super) fn tell(&self, owner: &Scope, event: &str, data: &Value, now: SystemTime) {
        for (_, webhook) in self.shelf.all(owner) {
            let listens = webhook.events.iter().any(|subscribed| subscribed == event);
            if listens && webhook.state == "enabled" {
                self.send(&webhook, event, data, now);
            }
        }
    }

    /// Tells an address that a request named for itself. The service signs these with a key of its
    /// own, which nobody else has.
    pub(super) fn tell_address(&self, uri: &str, event: &str, data: &Value, now: SystemTime) {
        self.post(uri, event, data, now, |_| None);
    }

    /// The messages so far, the oldest first.
    pub(crate) fn messages(&self) -> Vec<WebhookMessage> {
        let outbox = self.outbox.lock();
        outbox
            .unwrap_or_else(PoisonError::into_inner)
            .messages
            .clone()
    }

    fn send(&self, webhook: &Webhook, event: &str, data: &Value, now: SystemTime) {
        self.post(&webhook.uri, event, data, now, |signed| {
            let used = webhook.secrets.iter().filter(|secret| secret.is_used(now));
            let signatures: Vec<String> = used.map(|secret| secret.sign(signed)).collect();
            Some(signatures.join(" "))
        });
    }

    fn post(
        &self,
        uri: &str,
        event: &str,
        data: &Value,
        now: SystemTime,
        sign: impl FnOnce(&str) -> Option<String>,
    ) {
        let mut outbox = self.outbox.lock().unwrap_or_else(PoisonError::into_inner);
        outbox.sent += 1;
        let id = format!("msg_{:08}", outbox.sent);
        let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let body = json!({
            "type": event,
            "version": "v1",
            "timestamp": format_time(now),
            "data": data,
        })
        .to_string();
        let signature = sign(&format!("{id}.{seconds}.{body}"));
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("content-type", Some("application/json".to_owned())),
            ("webhook-id", Some(id)),
            ("webhook-timestamp", Some(seconds.to_string())),
            ("webhook-signature", signature),
        ] {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        outbox.messages.push(WebhookMessage {
            uri: uri.to_owned(),
            headers,
            body,
        });
    }
}

impl Webhook {
    /// Sets the fields that are named.
    fn set(&mut self, fields: &Map<String, Value>, names: &[&str]) -> Result<(), ApiError> {
        let is = |name: &str| names.contains(&name) && fields.contains_key(name);
        if is("name") {
            self.name = read::text(fields, "name")?.map(str::to_owned);
        }
        if is("uri") {
            let uri = read::required(fields, "uri")?;
            let url = url::Url::parse(uri).ok();
            if !url.is_some_and(|url| matches!(url.scheme(), "https" | "http")) {
                return Err(read::invalid(
                    "uri",
                    "it must be an address such as https://example.com",
                ));
            }
            self.uri = uri.to_owned();
        }
        if is("subscribed_events") {
            let mut events = Vec::new();
            for event in read::list(fields, "subscribed_events")? {
                match event.as_str().filter(|event| EVENTS.contains(event)) {
                    Some(event) => events.push(event.to_owned()),
                    None => return Err(read::invalid("subscribed_events", "it is no event")),
                }
            }
            self.events = events;
        }
        if is("state") {
            let state = read::required(fields, "state")?;
            if !STATES.contains(&state) {
                return Err(read::invalid("state", "it is no state"));
            }
            self.state = state.to_owned();
        }
        Ok(())
    }

    fn to_json(&self) -> Value {
        let mut shown = json!({
            "id": self.id,
            "uri": self.uri,
            "subscribed_events": self.events,
            "state": self.state,
            "signing_secrets": self.secrets.iter().map(Secret::to_json).collect::<Vec<_>>(),
            "create_time": format_time(self.created),
            "update_time": format_time(self.updated),
        });
        if let Some(name) = &self.name {
            shown["name"] = name.as_str().into();
        }
        shown
    }
}

impl Secret {
    fn new(seed: u64, number: u64, generation: u64) -> Self {
        let digest = Sha256::digest(format!("{seed}.{number}.{generation}"));
        Self {
            text: format!("whsec_{}", STANDARD.encode(digest)),
            expires: None,
        }
    }

    fn is_used(&self, now: SystemTime) -> bool {
        self.expires.is_none_or(|expires| expires > now)
    }

    fn sign(&self, signed: &str) -> String {
        let key = self.text.trim_start_matches("whsec_");
        let key = STANDARD.decode(key).unwrap_or_default();
        // HMAC takes keys of any length.
        let signature = Hmac::<Sha256>::new_from_slice(&key).map(|mut mac| {
            mac.update(signed.as_bytes());
            STANDARD.encode(mac.finalize().into_bytes())
        });
        format!("v1,{}", signature.unwrap_or_default())
    }

    fn to_json(&self) -> Value {
        let end = self.text.get(self.text.len().saturating_sub(4)..);
        let mut shown = json!({ "truncated_secret": format!("…{}", end.unwrap_or_default()) });
        if let Some(expires) = self.expires {
            shown["expire_time"] = format_time(expires).into();
        }
        shown
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secret")
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

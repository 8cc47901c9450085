//! `auth_tokens.create`. The service offers it in `v1alpha`; the emulator does in any version.

use std::time::{Duration, SystemTime};

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{
    gemini::{
        auth_tokens::{AuthTokens, grant::Grant, store::Token},
        caches::format_time,
        errors::ApiError,
        fields::{AUTH_TOKEN, LIVE_SETUP, integer, object, string},
        keys::to_camel,
        service::Call,
    },
    reply::Reply,
    rng::identifier,
    route::Backend,
};

const SETUP_AT: &str = "auth_token.bidi_generate_content_setup";
const AT: &str = "auth_token";

/// How long sessions can go on, and how long they can be opened, when nothing is asked for.
const LIFETIME: Duration = Duration::from_secs(30 * 60);
const OPENS_FOR: Duration = Duration::from_secs(60);
/// The longest a token can be good for.
const LONGEST: Duration = Duration::from_secs(20 * 3600);
/// The family of identifiers that those of tokens are drawn from.
const FAMILY: u64 = 21;

impl AuthTokens {
    /// `POST auth_tokens`.
    pub(crate) fn create(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let fields = call.body()?;
        AUTH_TOKEN.check(fields, AT, call.target.backend)?;
        let expires = time(fields, "expireTime", LIFETIME, call.now)?;
        let opens_until = time(fields, "newSessionExpireTime", OPENS_FOR, call.now)?;
        let uses = match integer(fields, "uses", AT)? {
            None => Some(1),
            // Zero is the way to ask for no limit.
            Some(0) => None,
            Some(uses) => Some(u64::try_from(uses).map_err(|_| {
                ApiError::bad_request("auth_token.uses", "uses must not be negative.")
            })?),
        };
        let setup = object(fields, "bidiGenerateContentSetup", AT)?;
        let mask = mask(fields, setup.is_some())?;
        if let Some(setup) = setup {
            check_setup(setup, call.target.backend)?;
        }
        let number = call.number();
        let id = identifier(call.seed(), FAMILY, number, b"0123456789abcdef", 64);
        let name = format!("auth_tokens/{id}");
        let mut shown = json!({
            "name": name,
            "expireTime": format_time(expires),
            "newSessionExpireTime": format_time(opens_until),
        });
        if let Some(uses) = uses {
            shown["uses"] = uses.into();
        }
        let token = Token {
            expires,
            opens_until,
            uses,
            grant: Grant {
                setup: setup.cloned(),
                mask,
            },
        };
        self.insert(name, token, call.now);
        Ok(Reply::json(StatusCode::OK, &shown))
    }
}

/// The time at `field`, or `default` from now.
fn time(
    fields: &Map<String, Value>,
    field: &str,
    default: Duration,
    now: SystemTime,
) -> Result<SystemTime, ApiError> {
    let place = crate::gemini::fields::join(AT, field);
    let refused = |problem: &str| Err(ApiError::bad_request(&place, problem));
    let Some(text) = string(fields, field, AT)? else {
        return Ok(now + default);
    };
    let Ok(time) = text.parse::<Timestamp>() else {
        return Err(ApiError::invalid_value(
            &place,
            "type.googleapis.com/google.protobuf.Timestamp",
            &fields[field],
        ));
    };
    let time = SystemTime::from(time);
    if time <= now {
        return refused("The time must be in the future.");
    }
    if time > now + LONGEST {
        return refused("The time must be less than 20 hours in the future.");
    }
    Ok(time)
}

/// The paths of `fieldMask`, in camelCase.
fn mask(fields: &Map<String, Value>, has_setup: bool) -> Result<Vec<String>, ApiError> {
    const PLACE: &str = "auth_token.field_mask";
    let text = string(fields, "fieldMask", AT)?.unwrap_or_default();
    let paths: Vec<String> = text
        .split(',')
        .map(str::trim)
        .filter(|path| !path.is_empty())
        .map(|path| path.split('.').map(to_camel).collect::<Vec<_>>().join("."))
        .collect();
    if !paths.is_empty() && !has_setup {
        return Err(ApiError::bad_request(
            PLACE,
            "field_mask can only be given together with bidi_generate_content_setup.",
        ));
    }
    for path in &paths {
        let first = path.split('.').next().unwrap_or_default();
        if !LIVE_SETUP.has(first) {
            return Err(ApiError::bad_request(
                PLACE,
                format!("Invalid field mask: the setup has no field {path}."),
            ));
        }
    }
    Ok(paths)
}

fn check_setup(setup: &Map<String, Value>, backend: Backend) -> Result<(), ApiError> {
    LIVE_SETUP.check(setup, SETUP_AT, backend)?;
    match string(setup, "model", SETUP_AT)? {
        Some(model) if !model.starts_with("models/") => Err(ApiError::invalid_argument(format!(
            "* BidiGenerateContentSetup.model: unexpected model name format: {model}\n"
        ))),
        _ => Ok(()),
    }
}

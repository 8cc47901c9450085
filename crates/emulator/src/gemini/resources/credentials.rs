//! Credentials: what kind each secret is and when it changed. The secrets themselves are not kept.

use std::time::SystemTime;

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::{
    gemini::{
        caches::format_time,
        errors::ApiError,
        resources::{
            read,
            shelf::{self, Shelf},
        },
        service::Call,
    },
    reply::Reply,
};

/// What each kind is made of: its fields, and which of them must be there.
const KINDS: &[(&str, &[&str], &[&str])] = &[
    (
        "bearer_token",
        &["header_name", "id", "prefix", "token", "type"],
        &["id", "token"],
    ),
    (
        "oauth2",
        &[
            "client_id",
            "client_secret",
            "id",
            "refresh_token",
            "scopes",
            "token_url",
            "type",
        ],
        &[
            "id",
            "client_id",
            "client_secret",
            "refresh_token",
            "token_url",
        ],
    ),
    (
        "environment_variable",
        &[
            "id",
            "injection_location",
            "trusted_domains",
            "type",
            "value",
        ],
        &["id", "value"],
    ),
];

const PLACES: &[&str] = &["header", "query", "body"];

#[derive(Clone, Debug)]
struct Credential {
    id: String,
    kind: &'static str,
    created: SystemTime,
    updated: SystemTime,
}

/// The credentials of an emulator.
#[derive(Debug)]
pub(crate) struct Credentials(Shelf<Credential>);

impl Default for Credentials {
    fn default() -> Self {
        Self(Shelf::new("credential"))
    }
}

impl Credentials {
    pub(super) fn create(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let fields = call.body()?;
        let (kind, needed) = kind_of(fields)?;
        for name in needed {
            read::required(fields, name)?;
        }
        if kind == "environment_variable" && !fields.contains_key("injection_location") {
            return Err(read::missing("injection_location"));
        }
        check_places(fields)?;
        let credential = Credential {
            id: read::required(fields, "id")?.to_owned(),
            kind,
            created: call.now,
            updated: call.now,
        };
        let shown = credential.to_json();
        self.0
            .insert(&call.owner(), &credential.id.clone(), credential)?;
        Ok(Reply::json(StatusCode::OK, &shown))
    }

    pub(super) fn get(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let credential = self.0.get(&call.owner(), &call.target.resource)?;
        Ok(Reply::json(StatusCode::OK, &credential.to_json()))
    }

    pub(super) fn list(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let all = self.0.all(&call.owner()).into_iter();
        let shown = all.map(|(number, credential)| (number, credential.to_json()));
        shelf::page(call, "credentials", shown.collect())
    }

    pub(super) fn update(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let fields = call.body()?;
        let (kind, _) = kind_of(fields)?;
        if fields.contains_key("id") {
            return Err(ApiError::unknown_field("id", ""));
        }
        check_places(fields)?;
        let shown = self
            .0
            .change(&call.owner(), &call.target.resource, |credential| {
                if credential.kind != kind {
                    let why = format!("the credential is of the type {}", credential.kind);
                    return Err(read::invalid("type", &why));
                }
                credential.updated = call.now;
                Ok(credential.to_json())
            })?;
        Ok(Reply::json(StatusCode::OK, &shown))
    }

    pub(super) fn delete(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        self.0.remove(&call.owner(), &call.target.resource)?;
        Ok(Reply::json(StatusCode::OK, &json!({})))
    }
}

/// The kind of a secret and the fields it needs; refuses fields it does not have.
fn kind_of(
    fields: &Map<String, Value>,
) -> Result<(&'static str, &'static [&'static str]), ApiError> {
    let named = read::required(fields, "type")?;
    let found = KINDS.iter().find(|(kind, _, _)| *kind == named);
    let Some((kind, known, needed)) = found else {
        return Err(read::invalid("type", "it is no type of credential"));
    };
    read::only(fields, known, "")?;
    Ok((kind, needed))
}

fn check_places(fields: &Map<String, Value>) -> Result<(), ApiError> {
    let known = |place: &Value| place.as_str().is_some_and(|place| PLACES.contains(&place));
    let fine = match fields.get("injection_location") {
        None => true,
        Some(Value::Array(places)) => !places.is_empty() && places.iter().all(known),
        Some(place) => known(place),
    };
    if fine {
        return Ok(());
    }
    Err(read::invalid(
        "injection_location",
        "it must be header, query or body",
    ))
}

impl Credential {
    fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "type": self.kind,
            "status": "active",
            "create_time": format_time(self.created),
            "update_time": format_time(self.updated),
        })
    }
}

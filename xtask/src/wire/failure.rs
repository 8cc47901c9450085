//! Why a call failed, in the terms of the protocol: kind, field, message.

use gimmal_client::{Error, ErrorKind};
use serde_json::{Map, Value, json};

/// A failure of a call, told apart by who refused it.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The record asks for something that no call takes.
    Refused { field: String, message: String },
    /// The call exists in the reference and not here.
    Unimplemented { what: String },
    /// The client or the server refused it.
    Call(Box<Error>),
}

impl Failure {
    /// The record is at fault.
    pub(crate) fn refused(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Refused {
            field: field.into(),
            message: message.into(),
        }
    }

    /// Nothing here does that.
    pub(crate) fn unimplemented(what: impl Into<String>) -> Self {
        Self::Unimplemented { what: what.into() }
    }

    /// `{kind, field, message}`, and what the server said where it did.
    pub(crate) fn into_json(self) -> Value {
        match self {
            Self::Refused { field, message } => {
                json!({"kind": "refused", "field": field, "message": message})
            }
            Self::Unimplemented { what } => json!({
                "kind": "unimplemented", "field": null, "message": format!("{what} is not built"),
            }),
            Self::Call(error) => call_failure(&error),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Call(Box::new(error))
    }
}

fn call_failure(error: &Error) -> Value {
    let message = error.to_string();
    let rpc = error.rpc_status();
    let http = error.status();
    let status = match rpc {
        Some(rpc) => rpc.status.clone(),
        // A body that is no JSON says nothing; the status line does.
        None if error.payload().is_some_and(|body| is_object(body)) => None,
        None => http.and_then(|http| http.canonical_reason().map(str::to_owned)),
    };
    json!({
        "kind": kind(error.kind(), http.is_some()),
        "field": error.field(),
        "message": message,
        "code": http.map(|status| status.as_u16()),
        "status": status,
        "server_message": rpc.and_then(|rpc| rpc.message.clone()),
    })
}

fn is_object(body: &[u8]) -> bool {
    serde_json::from_slice::<Map<String, Value>>(body).is_ok_and(|object| !object.is_empty())
}

fn kind(kind: ErrorKind, answered: bool) -> &'static str {
    match kind {
        ErrorKind::Invalid | ErrorKind::Config => "invalid",
        ErrorKind::Authentication | ErrorKind::File if !answered => "invalid",
        ErrorKind::Transfer | ErrorKind::Integrity => "transfer",
        ErrorKind::Decode => "decode",
        ErrorKind::StreamInterrupted => "stream",
        ErrorKind::Connect | ErrorKind::Io | ErrorKind::Timeout => "network",
        _ if answered => "status",
        _ => "call",
    }
}

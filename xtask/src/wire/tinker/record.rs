//! One call of a record of Tinker, with what is known of the client that makes it.

use serde_json::{Map, Value};

use super::data::in_snake_case;
use super::stage::content_of;
use crate::wire::answer::Answer;

/// A call to make.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) id: Value,
    /// `TrainingClient.forward`, `POST /api/v1/asample`.
    pub(super) method: String,
    pub(super) arguments: Map<String, Value>,
    pub(super) exchanges: Vec<Value>,
    pub(super) client: Client,
    /// The session that the call belongs to, and its place in it, from 1.
    pub(super) place: Option<(String, u64)>,
}

/// What the client was told, and what its server is like.
#[derive(Debug)]
pub(super) struct Client {
    /// What the session is called.
    pub(super) session: String,
    /// The server's settings.
    pub(super) config: Value,
    /// Those that it may change.
    pub(super) dynamic: Value,
    /// Arguments of the reference's client.
    pub(super) given: Map<String, Value>,
    /// Tags of the session, which the reference takes from the environment.
    pub(super) tags: Vec<String>,
    /// Headers of all requests.
    pub(super) headers: Vec<(String, String)>,
}

/// Starts of the names of headers that every client sends.
const USUAL_HEADERS: [&str; 10] = [
    "accept",
    "connection",
    "content-",
    "host",
    "user-agent",
    "x-api-key",
    "x-idempotency-key",
    "x-sdk-",
    "x-stainless-",
    "x-tinker-",
];

impl Call {
    /// Reads a record; what is wrong with it is the answer.
    pub(super) fn read(record: Value) -> Result<Self, Box<Answer>> {
        let id = record.get("id").cloned().unwrap_or_default();
        let refuse = |field: &str, why: &str| Box::new(Answer::refused(id.clone(), field, why));
        let object = |field: &str| match record.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object.clone())),
            Some(_) => Err(refuse(field, "must be an object")),
        };
        let Some(method) = record["method"].as_str() else {
            return Err(refuse(
                "method",
                "must be a text such as `TrainingClient.forward`",
            ));
        };
        let arguments = match (
            object("parameters")?,
            object("arguments")?,
            object("canonical")?,
        ) {
            (Some(given), ..) | (None, Some(given), _) | (None, None, Some(given)) => given,
            (None, None, None) => return Err(refuse("arguments", "is missing")),
        };
        let exchanges = match record.get("exchanges") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(exchanges)) => exchanges.clone(),
            Some(_) => return Err(refuse("exchanges", "must be a list")),
        };
        let flow = record.get("flow").and_then(Value::as_str);
        let place = flow.zip(record.get("n").and_then(Value::as_u64));
        let mut client = Client {
            session: session_of(&exchanges),
            config: object("client_config")?.unwrap_or_default().into(),
            dynamic: object("dynamic_config")?.unwrap_or_default().into(),
            given: in_snake_case(
                object("service_args")?
                    .or(object("client")?)
                    .unwrap_or_default(),
            ),
            tags: Vec::new(),
            headers: Vec::new(),
        };
        client.infer(&exchanges);
        Ok(Self {
            method: method.to_owned(),
            arguments,
            exchanges,
            client,
            place: place.map(|(flow, n)| (flow.to_owned(), n)),
            id,
        })
    }

    /// The contents of the recorded requests with this path, without its `/api/v1/`.
    pub(super) fn recorded(&self, path: &str) -> impl Iterator<Item = Value> {
        recorded(&self.exchanges, path)
    }
}

/// The session that the identifiers in recorded requests name.
fn session_of(exchanges: &[Value]) -> String {
    let bodies = exchanges
        .iter()
        .map(|exchange| content_of(&exchange["request"]["body"]));
    let session = |body: Value| {
        let name = |field: &str| body[field].as_str();
        let id = name("session_id")
            .or(name("model_id"))
            .or(name("sampling_session_id"))?;
        Some(id.split(':').next().unwrap_or(id).to_owned())
    };
    bodies
        .filter_map(session)
        .next()
        .unwrap_or_else(|| "session-1".to_owned())
}

/// The contents of the requests with this path, without its `/api/v1/`.
pub(super) fn recorded(exchanges: &[Value], path: &str) -> impl Iterator<Item = Value> {
    let path = format!("/api/v1/{path}");
    exchanges
        .iter()
        .map(|exchange| &exchange["request"])
        .filter(move |request| request["path"] == path.as_str())
        .map(|request| content_of(&request["body"]))
}

impl Client {
    /// Takes from recorded requests what the record says nowhere else: the key, headers of one's
    /// own, and what the session was opened with.
    pub(super) fn infer(&mut self, exchanges: &[Value]) {
        let headers = exchanges
            .iter()
            .filter_map(|exchange| exchange.pointer("/request/headers"));
        let mut keys = headers
            .clone()
            .filter_map(|headers| headers["x-api-key"].as_str());
        if let Some(key) = keys.find(|key| !key.contains('{')) {
            self.given.entry("api_key").or_insert_with(|| key.into());
        }
        let first = headers.clone().next().and_then(Value::as_object);
        for (name, value) in first.into_iter().flatten() {
            let Some(value) = value.as_str() else {
                continue;
            };
            if !USUAL_HEADERS.iter().any(|usual| name.starts_with(usual)) {
                self.headers.push((name.clone(), value.to_owned()));
            }
        }
        let session = recorded(exchanges, "create_session")
            .next()
            .unwrap_or_default();
        for name in ["user_metadata", "project_id", "display_name"] {
            if let Some(value) = session.get(name) {
                self.given.entry(name).or_insert_with(|| value.clone());
            }
        }
        let tags = session["tags"].as_array().into_iter().flatten();
        self.tags
            .extend(tags.filter_map(|tag| Some(tag.as_str()?.to_owned())));
        let copy = recorded(exchanges, "copy_weights")
            .next()
            .unwrap_or_default();
        if let Some(project) = copy.get("destination_project_id") {
            self.given
                .entry("project_id")
                .or_insert_with(|| project.clone());
        }
        if recorded(exchanges, "cancel_future").next().is_some()
            && let Some(dynamic) = self.dynamic.as_object_mut()
        {
            dynamic.insert("sample_cancel_enabled".to_owned(), true.into());
        }
    }
}

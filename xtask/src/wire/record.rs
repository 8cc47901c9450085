//! One line of input: which call, with what, and what the server says.

use serde_json::{Map, Value};

use crate::wire::answer::Answer;
use crate::wire::functions::Functions;
use crate::wire::replies;

/// A call to make.
pub(crate) struct Record {
    pub(crate) id: Value,
    /// `caches.create`, `TrainingClient.forward`, `transform.t_model`.
    pub(crate) method: String,
    pub(crate) backend: String,
    /// Settings of the client, as the reference takes them.
    pub(crate) client: Map<String, Value>,
    /// What the call is given: the resolved form when there is one, else the public one.
    pub(crate) arguments: Map<String, Value>,
    /// What the call is given in its public form, when there is one.
    pub(crate) public: Map<String, Value>,
    /// Bytes that the reference sent: what a file of the recorder's held.
    pub(crate) sent: Vec<u8>,
    /// Replies to play, in order; `None` lets every request be answered with an empty object.
    pub(crate) replies: Option<Vec<Value>>,
    /// The object whose method is called: model, config and history of a chat.
    pub(crate) receiver: Map<String, Value>,
    /// Functions of the caller's.
    pub(crate) functions: Functions,
    /// The session that the call belongs to, and its place in it.
    pub(crate) flow: Option<(String, u64)>,
}

impl Record {
    /// Reads a record; what is wrong with it is the answer.
    pub(crate) fn read(record: Value) -> Result<Self, Box<Answer>> {
        let Value::Object(mut record) = record else {
            let answer = Answer::refused(Value::Null, "", "must be an object");
            return Err(Box::new(answer));
        };
        let id = record.remove("id").unwrap_or_default();
        let refuse = |field: &str, why: &str| Box::new(Answer::refused(id.clone(), field, why));

        let method = match (record.remove("method"), record.remove("function")) {
            (Some(Value::String(method)), _) => method,
            (None, Some(Value::String(function))) => format!("transform.{function}"),
            (None, None) => return Err(refuse("method", "is missing; name a call")),
            _ => return Err(refuse("method", "must be a text such as `caches.create`")),
        };
        let backend = match record.remove("backend") {
            None | Some(Value::Null) => "mldev".to_owned(),
            Some(Value::String(backend)) => backend,
            Some(_) => return Err(refuse("backend", "must be mldev, vertex or vertex_express")),
        };
        let functions = Functions::read(&record);
        let flow = record.get("flow").and_then(Value::as_str);
        let flow = flow.zip(record.get("n").and_then(Value::as_u64));
        let flow = flow.map(|(flow, n)| (flow.to_owned(), n));
        let mut object = |field: &str| match record.remove(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object)),
            Some(_) => Err(refuse(field, "must be an object")),
        };
        let client = object("client")?.unwrap_or_default();
        let receiver = object("receiver")?.unwrap_or_default();
        let public = object("parameters")?.or(object("arguments")?);
        let kept = public.clone().unwrap_or_default();
        let arguments = match record.remove("canonical") {
            // The resolved form of a message is that of the whole conversation.
            _ if method.starts_with("chats.") => public,
            None | Some(Value::Null) => public,
            Some(canonical) => Some(resolved(canonical).map_err(|why| refuse("canonical", why))?)
                .flatten()
                .or(public),
        };
        let Some(arguments) = arguments else {
            return Err(refuse("parameters", "is missing; give it or canonical"));
        };
        let replies = match record.remove("exchanges") {
            None | Some(Value::Null) => None,
            Some(Value::Array(exchanges)) => Some(exchanges),
            Some(_) => return Err(refuse("exchanges", "must be a list")),
        };
        let sent = replies.iter().flatten().filter_map(|exchange| {
            replies::bytes_of(exchange.get("request")?.get("body")?.get("bytes")?)
        });
        let sent = sent.flatten().collect();
        let replies = replies.map(|exchanges| {
            let replies = exchanges.into_iter().filter_map(|mut exchange| {
                let reply = exchange.get_mut("response").map(Value::take);
                reply.filter(|reply| !reply.is_null())
            });
            replies.collect::<Vec<_>>()
        });
        Ok(Self {
            method,
            backend,
            client,
            arguments,
            public: kept,
            sent,
            replies: replies.filter(|replies| !replies.is_empty()),
            receiver,
            functions,
            flow,
            id,
        })
    }
}

/// The resolved arguments: the value itself, or that of the first exchange of a list.
fn resolved(canonical: Value) -> Result<Option<Map<String, Value>>, &'static str> {
    const SHAPE: &str = "must be an object, or a list of {type, for_exchange, value}";
    match canonical {
        Value::Object(value) => Ok(Some(value)),
        Value::Array(list) => match list.into_iter().next() {
            None => Ok(None),
            Some(Value::Object(mut first)) => match first.remove("value") {
                Some(Value::Object(value)) => Ok(Some(value)),
                _ => Err(SHAPE),
            },
            Some(_) => Err(SHAPE),
        },
        _ => Err(SHAPE),
    }
}

//! The storage from outside: the calls by which other programs put in what jobs are to read and
//! fetch what they wrote, in the JSON forms of Cloud Storage and BigQuery. Only what that takes is
//! served: whole objects in one request, and rows.

use http::{HeaderValue, StatusCode, header::CONTENT_TYPE};
use serde_json::{Value, json};

use crate::{
    gemini::{
        errors::ApiError,
        fields::list,
        service::{Call, Gemini, Incoming},
    },
    inflow::{Inflow, Interrupted},
    reply::Reply,
};

/// The largest object that is taken.
const MOST_BYTES: usize = 100 << 20;

impl Gemini {
    /// `POST upload/storage/v1/b/{bucket}/o?uploadType=media&name=…`.
    pub(crate) async fn receive_object(
        &self,
        incoming: &Incoming<'_>,
        body: &mut Inflow,
    ) -> Result<Reply, Interrupted> {
        let value = |name: &str| {
            let pair = incoming.query.iter().find(|(other, _)| other == name);
            pair.map_or("", |(_, value)| value.as_str())
        };
        let mut bytes = Vec::new();
        while let Some(piece) = body.next().await {
            bytes.extend_from_slice(&piece?);
            if bytes.len() > MOST_BYTES {
                return Ok(refused(&format!(
                    "The object has more than {MOST_BYTES} bytes."
                )));
            }
        }
        if value("uploadType") != "media" || value("name").is_empty() {
            return Ok(refused(
                "An object is put with uploadType=media and its name in the query.",
            ));
        }
        let uri = format!("{}{}", incoming.target.resource, value("name"));
        let size = bytes.len();
        self.storage.put_object(uri.clone(), bytes);
        Ok(Reply::json(StatusCode::OK, &object(&uri, size)))
    }
}

/// `GET storage/v1/b/{bucket}/o/{object}`; its bytes with `alt=media`.
pub(crate) fn get(call: &Call<'_>) -> Result<Reply, ApiError> {
    let uri = &call.target.resource;
    let bytes = call
        .storage()
        .object(uri)
        .ok_or_else(|| ApiError::not_found(format!("No such object: {uri}")))?;
    let media = call
        .query
        .iter()
        .any(|(name, value)| name == "alt" && value == "media");
    if !media {
        return Ok(Reply::json(StatusCode::OK, &object(uri, bytes.len())));
    }
    let mut reply = Reply::text(StatusCode::OK, bytes);
    let kind = HeaderValue::from_static("application/octet-stream");
    reply.headers.insert(CONTENT_TYPE, kind);
    Ok(reply)
}

/// `GET storage/v1/b/{bucket}/o?prefix=…`.
pub(crate) fn list_objects(call: &Call<'_>) -> Reply {
    let prefix = call.query.iter().find(|(name, _)| name == "prefix");
    let prefix = prefix.map_or("", |(_, prefix)| prefix.as_str());
    let found = call
        .storage()
        .objects(&format!("{}{prefix}", call.target.resource));
    let items: Vec<Value> = found
        .iter()
        .map(|uri| object(uri, call.storage().object(uri).map_or(0, |it| it.len())))
        .collect();
    let mut body = json!({ "kind": "storage#objects" });
    if !items.is_empty() {
        body["items"] = items.into();
    }
    Reply::json(StatusCode::OK, &body)
}

/// `POST bigquery/v2/projects/{p}/datasets/{d}/tables/{t}/insertAll`.
pub(crate) fn insert_rows(call: &Call<'_>) -> Result<Reply, ApiError> {
    let uri = &call.target.resource;
    let mut rows = call.storage().rows(uri).unwrap_or_default();
    for row in list(call.body()?, "rows") {
        match row.get("json") {
            Some(columns) if columns.is_object() => rows.push(columns.clone()),
            _ => return Err(ApiError::invalid_argument("Every row must have json.")),
        }
    }
    call.storage().put_rows(uri.clone(), rows);
    let body = json!({ "kind": "bigquery#tableDataInsertAllResponse" });
    Ok(Reply::json(StatusCode::OK, &body))
}

/// `GET bigquery/v2/projects/{p}/datasets/{d}/tables/{t}/data`, with the columns in the order of
/// their names.
pub(crate) fn list_rows(call: &Call<'_>) -> Result<Reply, ApiError> {
    let uri = &call.target.resource;
    let rows = call
        .storage()
        .rows(uri)
        .ok_or_else(|| ApiError::not_found(format!("Not found: Table {uri}")))?;
    let cells = |row: &Value| {
        let columns = row.as_object().into_iter().flatten();
        let cells: Vec<Value> = columns.map(|(_, value)| json!({ "v": value })).collect();
        json!({ "f": cells })
    };
    let body = json!({
        "kind": "bigquery#tableDataList",
        "totalRows": rows.len().to_string(),
        "rows": rows.iter().map(cells).collect::<Vec<_>>(),
    });
    Ok(Reply::json(StatusCode::OK, &body))
}

fn object(uri: &str, size: usize) -> Value {
    let path = uri.trim_start_matches("gs://");
    let (bucket, name) = path.split_once('/').unwrap_or((path, ""));
    json!({
        "kind": "storage#object",
        "bucket": bucket,
        "name": name,
        "size": size.to_string(),
    })
}

fn refused(problem: &str) -> Reply {
    ApiError::invalid_argument(problem).to_reply()
}

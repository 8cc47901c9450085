//! Brings the content of large files to where a hub wants it: whole or in parts, by the addresses that
//! it gives. No credential goes there, nor to another host than the hub's.

use std::io::{Read as _, Seek as _, SeekFrom};

use bytes::Bytes;
use gimmal_transport::{CallOptions, Error, Request, Response, Transport};
use http::header::{ETAG, HeaderName};
use http::{HeaderValue, Method};
use serde_json::{Map, Value, json};
use url::Url;

use super::adapter::{AdapterFile, blocking};
use super::api::{LargeFile, Repository};

/// Uploads what the hub does not have yet.
pub(super) async fn upload(
    repository: &Repository<'_>,
    files: Vec<AdapterFile>,
) -> Result<Vec<LargeFile>, Error> {
    let mut large = Vec::with_capacity(files.len());
    for file in files {
        let digest = file.digest().await?;
        large.push(LargeFile { file, digest });
    }
    if large.is_empty() {
        return Ok(large);
    }
    let places = repository.places(&large).await?;
    for file in &large {
        let mut objects = places["objects"].as_array().into_iter().flatten();
        let object = objects.find(|object| object["oid"] == file.digest.as_str());
        let object = object.ok_or_else(|| odd("objects", "a file has no place"))?;
        if let Some(message) = object["error"]["message"].as_str() {
            return Err(Error::invalid(file.file.path.clone(), message));
        }
        // What the hub has already needs nothing.
        if let Some(action) = object["actions"].get("upload") {
            send(repository, file, action).await?;
        }
        if let Some(action) = object["actions"].get("verify") {
            let known = json!({"oid": file.digest, "size": file.file.bytes});
            let request = Request::new(Method::POST, href(action)?).with_json(&known)?;
            post(repository, request).await?;
        }
    }
    Ok(large)
}

async fn send(repository: &Repository<'_>, file: &LargeFile, action: &Value) -> Result<(), Error> {
    let empty = Map::new();
    let headers = action["header"].as_object().unwrap_or(&empty);
    let Some(part_bytes) = headers.get("chunk_size").and_then(number) else {
        let mut request = Request::new(Method::PUT, href(action)?);
        for (name, value) in headers {
            let value = value
                .as_str()
                .and_then(|text| HeaderValue::from_str(text).ok());
            if let (Ok(name), Some(value)) = (name.parse::<HeaderName>(), value) {
                request = request.with_header(name, value);
            }
        }
        let request = request.with_body(part(&file.file, 0, file.file.bytes).await?);
        put(repository, request).await?;
        return Ok(());
    };
    if part_bytes == 0 {
        return Err(odd("chunk_size", "is zero"));
    }
    let mut parts = Vec::new();
    for (index, start) in (0..file.file.bytes)
        .step_by(part_step(part_bytes)?)
        .enumerate()
    {
        let number = index + 1;
        // Parts are numbered with as many digits as the hub likes.
        let named = |(name, _): &(&String, &Value)| name.parse() == Ok(number);
        let url = headers.iter().find(named).and_then(|(_, url)| url.as_str());
        let url = url.ok_or_else(|| odd("header", "a part has no address"))?;
        let body = part(&file.file, start, part_bytes).await?;
        let request = Request::new(Method::PUT, address(url)?).with_body(body);
        let answer = put(repository, request).await?;
        let tag = answer.headers().get(ETAG).and_then(|tag| tag.to_str().ok());
        let tag = tag.ok_or_else(|| odd("etag", "a part was taken without one"))?;
        parts.push(json!({"partNumber": number, "etag": tag}));
    }
    let done = json!({"oid": file.digest, "parts": parts});
    let request = Request::new(Method::POST, href(action)?).with_json(&done)?;
    post(repository, request).await
}

fn part_step(bytes: u64) -> Result<usize, Error> {
    usize::try_from(bytes).map_err(|_| odd("chunk_size", "is too large"))
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// So many bytes of a file, or what is left of it.
async fn part(file: &AdapterFile, start: u64, bytes: u64) -> Result<Bytes, Error> {
    let place = file.place.clone();
    blocking(move || {
        let read = std::fs::File::open(&place).and_then(|mut file| {
            file.seek(SeekFrom::Start(start))?;
            let mut part = Vec::new();
            file.take(bytes).read_to_end(&mut part)?;
            Ok(part)
        });
        let part = read.map_err(|error| Error::file("read", &place, error))?;
        Ok(part.into())
    })
    .await
}

async fn put(repository: &Repository<'_>, request: Request) -> Result<Response<Bytes>, Error> {
    // The address itself lets in whoever has it.
    let transport = repository.hub.transport.without_credentials();
    transport.send(request, &CallOptions::new()).await
}

async fn post(repository: &Repository<'_>, request: Request) -> Result<(), Error> {
    let transport = transport(repository, request.url());
    transport.send(request, &CallOptions::new()).await.map(drop)
}

/// With the token for the hub, without it for others.
fn transport(repository: &Repository<'_>, url: &Url) -> Transport {
    let hub = repository.hub;
    match url.origin() == hub.endpoint.origin() {
        true => hub.transport.clone(),
        false => hub.transport.without_credentials(),
    }
}

fn href(action: &Value) -> Result<Url, Error> {
    address(action["href"].as_str().unwrap_or_default())
}

fn address(text: &str) -> Result<Url, Error> {
    Url::parse(text).map_err(|error| odd("href", "is no address").with_source(error))
}

fn odd(field: &'static str, what: &'static str) -> Error {
    Error::decode(what, Bytes::new()).with_field(field)
}

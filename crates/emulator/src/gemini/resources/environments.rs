//! Environments: sandboxes with files. Nothing runs in them; what is put in can be listed and read.

use std::time::SystemTime;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

use crate::{
    gemini::{
        caches::{Scope, format_time},
        errors::ApiError,
        page,
        resources::{
            archive,
            files::{Files, plain},
            read::{self, kind},
            shelf::{self, Shelf},
        },
        service::Call,
    },
    reply::Reply,
    rng::identifier,
    storage::Storage,
};

const FAMILY: u64 = 48;
const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
const SOURCES: &[&str] = &["gcs", "inline", "repository", "skill_registry"];
const DEFAULT_PAGE: usize = 100;

#[derive(Clone, Debug)]
struct Environment {
    id: String,
    network: Option<Value>,
    sources: Vec<Value>,
    created: SystemTime,
    updated: SystemTime,
    accessed: SystemTime,
    files: Files,
}

/// Where an upload goes.
#[derive(Clone, Debug)]
pub(crate) struct Destination {
    pub(crate) environment: String,
    pub(crate) path: String,
    pub(crate) extract: bool,
}

/// The environments of an emulator.
#[derive(Debug)]
pub(crate) struct Environments(Shelf<Environment>);

impl Default for Environments {
    fn default() -> Self {
        Self(Shelf::new("environment"))
    }
}

impl Environments {
    pub(super) fn create(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let fields = call.body()?;
        read::only(fields, &["from_environment", "network", "sources"], "")?;
        let environment = self.make(call, fields)?;
        Ok(Reply::json(StatusCode::OK, &environment.to_json()))
    }

    fn make(&self, call: &Call<'_>, fields: &Map<String, Value>) -> Result<Environment, ApiError> {
        let owner = call.owner();
        let id = identifier(call.seed(), FAMILY, self.0.number(), ALPHABET, 16);
        let mut environment = match read::text(fields, "from_environment")? {
            Some(_) if fields.contains_key("sources") => {
                return Err(read::invalid(
                    "sources",
                    "a copy has the files of its original",
                ));
            }
            Some(original) => {
                let original = original.strip_prefix("environments/").unwrap_or(original);
                self.0.get(&owner, original)?
            }
            None => Environment {
                id: String::new(),
                network: None,
                sources: Vec::new(),
                created: call.now,
                updated: call.now,
                accessed: call.now,
                files: Files::default(),
            },
        };
        environment.id.clone_from(&id);
        environment.created = call.now;
        environment.change(fields, call.storage(), call.now)?;
        self.0.insert(&owner, &id, environment.clone())?;
        Ok(environment)
    }

    /// The environment that an interaction asks for: one that is there, or a new one.
    pub(super) fn of_interaction(
        &self,
        call: &Call<'_>,
        wanted: &Value,
    ) -> Result<Option<String>, ApiError> {
        let owner = call.owner();
        match wanted {
            Value::Null => Ok(None),
            Value::String(id) => {
                let id = id.strip_prefix("environments/").unwrap_or(id);
                self.0.change(&owner, id, |environment| {
                    environment.accessed = call.now;
                    Ok(Some(environment.id.clone()))
                })
            }
            Value::Object(fields) => {
                let known = ["env", "environment_id", "network", "sources", "type"];
                read::only(fields, &known, "environment")?;
                if kind(wanted) != "remote" {
                    return Err(read::invalid("environment.type", "it must be remote"));
                }
                match read::text(fields, "environment_id")? {
                    Some(id) => self.0.change(&owner, id, |environment| {
                        environment.change(fields, call.storage(), call.now)?;
                        Ok(Some(environment.id.clone()))
                    }),
                    None => Ok(Some(self.make(call, fields)?.id)),
                }
            }
            other => Err(ApiError::invalid_value(
                "environment",
                "an object or a text",
                other,
            )),
        }
    }

    pub(super) fn get(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let environment = self.0.get(&call.owner(), &call.target.resource)?;
        Ok(Reply::json(StatusCode::OK, &environment.to_json()))
    }

    pub(super) fn list(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let all = self.0.all(&call.owner()).into_iter();
        let shown = all.map(|(number, environment)| (number, environment.to_json()));
        shelf::page(call, "environments", shown.collect())
    }

    pub(super) fn delete(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        self.0.remove(&call.owner(), &call.target.resource)?;
        Ok(Reply::json(StatusCode::OK, &json!({})))
    }

    /// `GET environments/{id}/files/{path}`: what is there, or with `alt=media` its content.
    pub(super) fn files(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let (id, path) = call.target.resource.split_once('/').unwrap_or_default();
        let files = self.0.change(&call.owner(), id, |environment| {
            environment.accessed = call.now;
            Ok(environment.files.clone())
        })?;
        let asks =
            |name: &str, value: &str| call.query.iter().any(|it| it.0 == name && it.1 == value);
        let missing =
            || ApiError::not_found(format!("There is no file {path} in the environment {id}."));
        if asks("alt", "media") {
            let file = files.get(path).ok_or_else(missing)?;
            let mut reply = Reply::text(StatusCode::OK, file.content.clone());
            if let Ok(mime) = HeaderValue::from_str(&file.mime) {
                reply.headers.insert(header::CONTENT_TYPE, mime);
            }
            return Ok(reply);
        }
        let shown = files
            .list(path, asks("recursive", "true"))
            .ok_or_else(missing)?;
        let page = page::Request::read(call.query, DEFAULT_PAGE)?;
        let from = page
            .after
            .and_then(|after| usize::try_from(after).ok())
            .unwrap_or(0);
        let total = shown.len();
        let shown: Vec<Value> = shown.into_iter().skip(from).take(page.size).collect();
        let end = from + shown.len();
        let mut body = json!({});
        if !shown.is_empty() {
            body["files"] = shown.into();
        }
        if end < total {
            body["next_page_token"] = page::token(end as u64).into();
        }
        Ok(Reply::json(StatusCode::OK, &body))
    }

    /// Where an upload may go.
    pub(crate) fn destination(
        &self,
        owner: &Scope,
        about: &str,
        query: &[(String, String)],
    ) -> Result<Destination, ApiError> {
        let (id, path) = about.split_once('/').unwrap_or_default();
        let asks = |name: &str| {
            query
                .iter()
                .any(|it| it.0 == name && it.1.eq_ignore_ascii_case("true"))
        };
        let path = plain(path)?;
        let environment = self.0.get(owner, id)?;
        let extract = asks("extract");
        if !extract && !asks("overwrite") && environment.files.get(&path).is_some() {
            return Err(ApiError::new(
                StatusCode::CONFLICT,
                "ALREADY_EXISTS",
                format!("The file {path} already exists."),
            ));
        }
        Ok(Destination {
            environment: id.to_owned(),
            path,
            extract,
        })
    }

    /// Takes what an upload brought.
    pub(crate) fn receive(
        &self,
        owner: &Scope,
        destination: &Destination,
        mime: &str,
        content: Bytes,
        now: SystemTime,
    ) -> Result<Value, ApiError> {
        let Destination {
            environment,
            path,
            extract,
        } = destination;
        let new = match extract {
            false => vec![(path.clone(), mime.to_owned(), content)],
            true => archive::unpack(&content)?
                .into_iter()
                .map(|(name, content)| {
                    let path = plain(&format!("{path}/{name}"))?;
                    let mime = mime_guess::from_path(&path).first_or_octet_stream();
                    Ok((path, mime.essence_str().to_owned(), content))
                })
                .collect::<Result<_, ApiError>>()?,
        };
        self.0.change(owner, environment, |environment| {
            let mut shown = Vec::new();
            for (path, mime, content) in new {
                environment.files.put(&path, &mime, content, now);
                shown.extend(environment.files.list(&path, false).into_iter().flatten());
            }
            environment.updated = now;
            Ok(json!({ "files": shown }))
        })
    }
}

impl Environment {
    fn change(
        &mut self,
        fields: &Map<String, Value>,
        storage: &Storage,
        now: SystemTime,
    ) -> Result<(), ApiError> {
        match fields.get("network") {
            None | Some(Value::Null) => {}
            Some(network @ (Value::Object(_) | Value::String(_))) => {
                if network
                    .as_str()
                    .is_some_and(|network| network != "disabled")
                {
                    return Err(read::invalid("network", "by name it can only be disabled"));
                }
                self.network = Some(network.clone());
            }
            Some(other) => return Err(ApiError::invalid_value("network", "an object", other)),
        }
        for source in read::list(fields, "sources")? {
            let Some(object) = source.as_object() else {
                return Err(ApiError::invalid_value("sources", "an object", source));
            };
            if !SOURCES.contains(&kind(source)) {
                return Err(read::invalid("sources.type", "it is no type of source"));
            }
            self.mount(object, storage, now)?;
            self.sources.push(source.clone());
        }
        self.updated = now;
        Ok(())
    }

    /// Puts what a source holds where it is wanted. Repositories and skills are somewhere else, and
    /// stay there.
    fn mount(
        &mut self,
        source: &Map<String, Value>,
        storage: &Storage,
        now: SystemTime,
    ) -> Result<(), ApiError> {
        let target = read::text(source, "target")?.unwrap_or_default();
        let mut put = |path: &str, content: Bytes| {
            let path = plain(path)?;
            let mime = mime_guess::from_path(&path).first_or_octet_stream();
            self.files.put(&path, mime.essence_str(), content, now);
            Ok(())
        };
        match read::text(source, "type")?.unwrap_or_default() {
            "inline" => {
                let text = read::text(source, "content")?.unwrap_or_default();
                let content = match read::text(source, "encoding")? {
                    Some("base64") => STANDARD
                        .decode(text)
                        .map_err(|_| read::invalid("sources.content", "it is no base64"))?,
                    _ => text.as_bytes().to_vec(),
                };
                put(target, content.into())
            }
            "gcs" => {
                let uri = read::required(source, "source")?.trim_end_matches('/');
                if let Some(content) = storage.object(uri) {
                    let name = uri.rsplit('/').next().unwrap_or_default();
                    return put(&format!("{target}/{name}"), content);
                }
                let objects = storage.matching(&format!("{uri}/*"));
                if objects.is_empty() {
                    return Err(ApiError::not_found(format!("There is nothing at {uri}.")));
                }
                for (object, content) in objects {
                    let name = object.strip_prefix(uri).unwrap_or(&object);
                    put(&format!("{target}/{name}"), content)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn to_json(&self) -> Value {
        let mut shown = json!({
            "id": self.id,
            "status": "active",
            "created": format_time(self.created),
            "updated": format_time(self.updated),
            "last_accessed": format_time(self.accessed),
            // The service writes numbers of 64 bits as texts.
            "file_count": self.files.count().to_string(),
            "size_bytes": self.files.bytes().to_string(),
        });
        if let Some(network) = &self.network {
            shown["network"] = network.clone();
        }
        if !self.sources.is_empty() {
            shown["sources"] = self.sources.clone().into();
        }
        shown
    }
}

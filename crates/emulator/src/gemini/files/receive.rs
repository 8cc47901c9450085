//! Requests that bring content: opening an upload, its chunks, and uploads of one request. What
//! comes of the content is decided by whoever the upload is for.

use http::{HeaderMap, HeaderValue, StatusCode, header};
use percent_encoding::{AsciiSet, CONTROLS};
use serde_json::{Map, Value, json};

use crate::{
    gemini::{
        errors::ApiError,
        fields::{self, object, string},
        file_search::DocumentDraft,
        files::{
            multipart::Related,
            names,
            protocol::{self, Command, Protocol, Status},
            sessions::{End, MOST_BYTES, Opened, Purpose, Refusal, Session},
        },
        keys,
        service::{Gemini, Incoming},
    },
    inflow::{Inflow, Interrupted},
    reply::Reply,
    route::Route,
};

/// What must not stand in a path as it is.
const IN_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}');

/// Why content was not taken.
enum Problem {
    Refused(Refusal),
    Interrupted,
}

impl Gemini {
    /// Takes a request whose body is not JSON. One that breaks off has nobody to answer.
    pub(crate) async fn receive(
        &self,
        incoming: &Incoming<'_>,
        mut body: Inflow,
    ) -> Result<Reply, Interrupted> {
        self.settle(incoming.now);
        if incoming.target.route == Route::PutObject {
            return self.receive_object(incoming, &mut body).await;
        }
        let result = if incoming.target.route == Route::UploadContent {
            self.receive_command(incoming, &mut body).await
        } else {
            self.receive_whole(incoming, &mut body).await
        };
        match result {
            Ok(reply) => Ok(reply),
            Err(Problem::Interrupted) => Err(Interrupted),
            Err(Problem::Refused(refusal)) => {
                body.drain().await;
                let mut reply = refusal.error.to_reply();
                protocol::mark(&mut reply, refusal.status, refusal.received);
                Ok(reply)
            }
        }
    }

    /// Opens an upload whose content comes in requests of its own.
    pub(crate) fn open_upload(&self, incoming: &Incoming<'_>) -> Result<Reply, ApiError> {
        Protocol::read(incoming.headers, incoming.query)?;
        let metadata = match incoming.body.as_ref().map_err(Clone::clone)? {
            Some(value) => Value::clone(value),
            None => json!({}),
        };
        let opened = self.opened(incoming, &metadata, None)?;
        let id = self.uploads.open(opened, self.files.settings().in_memory);
        let path = percent_encoding::utf8_percent_encode(&incoming.target.path, IN_PATH);
        let host = incoming.headers.get(header::HOST);
        let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
        let url = format!("http://{host}{path}?upload_id={id}&upload_protocol=resumable");
        let url = HeaderValue::from_str(&url)
            .map_err(|_| ApiError::invalid_argument("The path holds what no address may."))?;
        let mut reply = Reply::text(StatusCode::OK, "");
        protocol::mark_opened(&mut reply, &url, self.files.settings().granularity);
        Ok(reply)
    }

    /// A command to an upload that is open. The address is the permission.
    async fn receive_command(
        &self,
        incoming: &Incoming<'_>,
        body: &mut Inflow,
    ) -> Result<Reply, Problem> {
        let id = incoming.query.iter().find(|(name, _)| name == "upload_id");
        let id = id.map_or("", |(_, id)| id.as_str());
        let session = self.uploads.get(id)?;
        let command = Command::read(incoming.headers);
        match command.map_err(|error| session.refusal(error))? {
            Command::Query => {
                let (received, end) = session.query();
                Ok(report(end, Some(received)))
            }
            Command::Cancel => {
                session.cancel();
                Ok(report(session.query().1, None))
            }
            Command::Upload { offset, last } => {
                let granularity = self.files.settings().granularity;
                if !last {
                    check_length(incoming.headers, granularity)
                        .map_err(|error| session.refusal(error))?;
                }
                let writer = session.begin(offset)?;
                take(&session, writer, body).await?;
                if !last {
                    return Ok(report(None, None));
                }
                let end = session.finish(writer, |finished| self.make(finished, incoming))?;
                Ok(report(Some(end), None))
            }
        }
    }

    /// An upload of a single request.
    async fn receive_whole(
        &self,
        incoming: &Incoming<'_>,
        body: &mut Inflow,
    ) -> Result<Reply, Problem> {
        let in_memory = self.files.settings().in_memory;
        let session = match Protocol::read(incoming.headers, incoming.query)? {
            Protocol::Multipart => {
                let mut related = Related::new(incoming.headers, body)?;
                let metadata = related.metadata().await?;
                let metadata = keys::normalise(&metadata.into());
                let media = related.media().await?;
                let opened = self.opened(incoming, &metadata, media.mime.as_deref())?;
                let session = Session::new(opened, in_memory);
                media.into_session(&session, session.begin(0)?).await?;
                session
            }
            Protocol::Raw | Protocol::Resumable => {
                let mime = incoming.headers.get(header::CONTENT_TYPE);
                let mime = mime.and_then(|mime| mime.to_str().ok());
                let opened = self.opened(incoming, &json!({}), mime)?;
                let session = Session::new(opened, in_memory);
                take(&session, session.begin(0)?, body).await?;
                session
            }
        };
        let writer = session.begin(u64::MAX)?;
        let end = session.finish(writer, |finished| self.make(finished, incoming))?;
        Ok(report(Some(end), None))
    }

    /// What is known of an upload from the request that opens it; `sent_as` is the media type that
    /// came along with the content.
    fn opened(
        &self,
        incoming: &Incoming<'_>,
        metadata: &Value,
        sent_as: Option<&str>,
    ) -> Result<Opened, ApiError> {
        if let Route::Resource(_) = incoming.target.route {
            return self.opened_in_environment(incoming);
        }
        let Some(request) = metadata.as_object() else {
            return Err(ApiError::invalid_value("", "an object", metadata));
        };
        let total = protocol::announced_length(incoming.headers)?;
        if let Some(total) = total.filter(|total| *total > MOST_BYTES) {
            return Err(ApiError::invalid_argument(format!(
                "The file has {total} bytes; files may have at most {MOST_BYTES}."
            )));
        }
        let (purpose, mime) = if incoming.target.route == Route::UploadToFileSearchStore {
            let store = &incoming.target.resource;
            self.file_search.get(&incoming.owner(), store)?;
            let draft = DocumentDraft::of_upload(store, request)?;
            let mime = draft.mime.clone();
            (Purpose::Document(draft), mime)
        } else {
            self.file_to_be(incoming, request)?
        };
        let said = protocol::announced_type(incoming.headers).or(sent_as);
        Ok(Opened {
            owner: incoming.owner(),
            purpose,
            mime: media_type(mime.as_deref().or(said))?,
            file_name: protocol::file_name(incoming.headers).map(str::to_owned),
            total,
        })
    }

    /// What a file is to be, and its media type if the request says so.
    fn file_to_be(
        &self,
        incoming: &Incoming<'_>,
        request: &Map<String, Value>,
    ) -> Result<(Purpose, Option<String>), ApiError> {
        const AT: &str = "file";
        fields::UPLOAD_REQUEST.check(request, "", incoming.target.backend)?;
        let empty = Map::new();
        let file = object(request, "file", "")?.unwrap_or(&empty);
        fields::FILE.check(file, AT, incoming.target.backend)?;
        let id = match string(file, "name", AT)?.filter(|name| !name.is_empty()) {
            Some(name) => Some(names::chosen(name)?.to_owned()),
            None => None,
        };
        if let Some(id) = &id {
            self.files.check_free(&incoming.owner(), id, incoming.now)?;
        }
        let purpose = Purpose::File {
            id,
            display_name: string(file, "displayName", AT)?.map(str::to_owned),
        };
        let mime = string(file, "mimeType", AT)?;
        Ok((purpose, mime.map(str::to_owned)))
    }
}

impl Gemini {
    /// What is known of an upload into an environment.
    fn opened_in_environment(&self, incoming: &Incoming<'_>) -> Result<Opened, ApiError> {
        let owner = incoming.owner();
        let environments = &self.resources.environments;
        let target = incoming.target;
        let destination = environments.destination(&owner, &target.resource, incoming.query)?;
        Ok(Opened {
            owner,
            purpose: Purpose::Environment(destination),
            mime: media_type(protocol::announced_type(incoming.headers))?,
            file_name: protocol::file_name(incoming.headers).map(str::to_owned),
            total: protocol::announced_length(incoming.headers)?,
        })
    }
}

/// Reads the body into the upload.
async fn take(session: &Session, writer: u64, body: &mut Inflow) -> Result<(), Problem> {
    while let Some(piece) = body.next().await {
        session.append(writer, &piece?)?;
    }
    Ok(())
}

/// The media type in the form it is kept in.
fn media_type(mime: Option<&str>) -> Result<String, ApiError> {
    let essence = |mime: &str| mime.split(';').next().unwrap_or_default().trim().to_owned();
    let mime = mime.map(essence).filter(|mime| !mime.is_empty());
    let Some(mime) = mime else {
        return Ok("application/octet-stream".to_owned());
    };
    let token = |text: &str| {
        let special = |c: char| "!#$&^_.+-".contains(c);
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || special(c))
    };
    match mime.split_once('/') {
        Some((kind, sub)) if token(kind) && token(sub) => Ok(mime.to_ascii_lowercase()),
        _ => Err(ApiError::invalid_argument(format!(
            "* CreateFileRequest.file.mime_type: \"{mime}\" is no media type.\n"
        ))),
    }
}

fn check_length(headers: &HeaderMap, granularity: u64) -> Result<(), ApiError> {
    match protocol::body_length(headers) {
        Some(length) if !length.is_multiple_of(granularity) => {
            Err(ApiError::invalid_argument(format!(
                "A chunk of {length} bytes is no multiple of {granularity}, which every chunk but \
                 the last must be."
            )))
        }
        _ => Ok(()),
    }
}

/// The answer about an upload that goes on or ended so.
fn report(end: Option<End>, received: Option<u64>) -> Reply {
    let (mut reply, status) = match end {
        None => (Reply::text(StatusCode::OK, ""), Status::Active),
        Some(End::Cancelled) => (Reply::text(StatusCode::OK, ""), Status::Cancelled),
        Some(End::Answer(Ok(body))) => (Reply::json(StatusCode::OK, &body), Status::Final),
        Some(End::Answer(Err(error))) => (error.to_reply(), Status::Final),
    };
    protocol::mark(&mut reply, status, received);
    reply
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<ApiError> for Problem {
    fn from(error: ApiError) -> Self {
        Self::Refused(Refusal {
            error,
            status: Status::Final,
            received: None,
        })
    }
}

impl From<Interrupted> for Problem {
    fn from(Interrupted: Interrupted) -> Self {
        Self::Interrupted
    }
}

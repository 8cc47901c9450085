//! What is known of one file, its state at a moment, and the wire form of both.

use std::{
    fmt::Write as _,
    io,
    time::{Duration, SystemTime},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    content::Content,
    gemini::{
        caches::{Scope, format_time},
        files::names,
        media,
    },
};

/// How long a file is kept.
pub(crate) const LIFETIME: Duration = Duration::from_secs(48 * 3600);

/// The largest text that is read.
const MOST_TEXT: u64 = 64 << 20;
/// Media types of texts whose names do not say so.
const TEXTS: [&str; 6] = [
    "application/json",
    "application/jsonl",
    "application/x-javascript",
    "application/x-python-code",
    "application/xml",
    "application/yaml",
];

/// Where a file comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A caller sent it.
    Uploaded,
    /// The service made it; its bytes can be had.
    Generated,
    /// It lies in Cloud Storage.
    Registered,
}

/// A file to be kept.
#[derive(Debug)]
pub(crate) struct NewFile {
    pub(crate) owner: Scope,
    /// The identifier, when the caller has chosen one.
    pub(crate) id: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) mime: String,
    pub(crate) content: Content,
    /// Worked out when it is not known yet.
    pub(crate) sha256: Option<[u8; 32]>,
    pub(crate) origin: Origin,
}

/// A file that is kept.
#[derive(Debug)]
pub(crate) struct FileRecord {
    /// The position in the list.
    pub(crate) number: u64,
    pub(crate) id: String,
    pub(crate) owner: Scope,
    pub(crate) display_name: Option<String>,
    pub(crate) mime: String,
    pub(crate) content: Content,
    pub(crate) sha256: [u8; 32],
    pub(crate) origin: Origin,
    pub(crate) created: SystemTime,
    /// When its processing is over.
    pub(crate) processed: SystemTime,
    /// Whether its processing ends badly.
    pub(crate) fails: bool,
    /// How long the film or the sound lasts.
    pub(crate) duration: Option<Duration>,
    pub(crate) downloadable: bool,
}

/// How a file stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Processing,
    Active,
    Failed,
}

impl FileRecord {
    /// `files/{id}`.
    pub(crate) fn name(&self) -> String {
        format!("files/{}", self.id)
    }

    pub(crate) fn state(&self, now: SystemTime) -> State {
        if now < self.processed {
            State::Processing
        } else if self.fails {
            State::Failed
        } else {
            State::Active
        }
    }

    pub(crate) fn expires(&self) -> SystemTime {
        self.created + LIFETIME
    }

    /// The text of the file, read as a file of type `mime`, if it is text of a size that anybody
    /// could make sense of.
    pub(crate) fn text(&self, mime: &str) -> io::Result<Option<String>> {
        let readable = mime.starts_with("text/") || TEXTS.contains(&mime);
        if !readable || self.content.len() > MOST_TEXT {
            return Ok(None);
        }
        Ok(String::from_utf8(self.content.read()?.into()).ok())
    }

    /// An entity tag: the same bytes have the same.
    pub(crate) fn etag(&self) -> String {
        format!("\"{}\"", hex(&self.sha256[..16]))
    }

    /// The wire form.
    pub(crate) fn to_json(&self, now: SystemTime) -> Value {
        let state = self.state(now);
        let updated = if state == State::Processing {
            self.created
        } else {
            self.processed
        };
        let mut file = json!({
            "name": self.name(),
            "mimeType": self.mime,
            "createTime": format_time(self.created),
            "updateTime": format_time(updated),
            "expirationTime": format_time(self.expires()),
            "uri": names::uri(&self.id),
            "state": match state {
                State::Processing => "PROCESSING",
                State::Active => "ACTIVE",
                State::Failed => "FAILED",
            },
            "source": match self.origin {
                Origin::Uploaded => "UPLOADED",
                Origin::Generated => "GENERATED",
                Origin::Registered => "REGISTERED",
            },
        });
        if !matches!(self.origin, Origin::Registered) {
            file["sizeBytes"] = self.content.len().to_string().into();
            // The service encodes the hexadecimal digest and not the digest itself.
            file["sha256Hash"] = STANDARD.encode(hex(&self.sha256)).into();
        }
        if let Some(name) = &self.display_name {
            file["displayName"] = name.as_str().into();
        }
        if self.downloadable {
            file["downloadUri"] = names::download_uri(&self.id).into();
        }
        if let Some(duration) = self.duration.filter(|_| state == State::Active) {
            file["videoMetadata"] = json!({ "videoDuration": media::seconds(duration) });
        }
        if state == State::Failed {
            file["error"] = json!({
                "code": 3,
                "message": format!("The file {} could not be processed.", self.name()),
            });
        }
        file
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

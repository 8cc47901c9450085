//! An upload of one request in two parts: what is said about the file as JSON, then its bytes
//! (`multipart/related`, RFC 2387).

use http::{HeaderMap, header::CONTENT_TYPE};
use serde_json::Value;

use crate::{
    gemini::{
        errors::ApiError,
        files::sessions::{Refusal, Session},
    },
    inflow::Inflow,
};

/// The most that is said about a file, in bytes.
const MOST_METADATA: usize = 1 << 20;

/// The parts of a body that is arriving.
pub(super) struct Related<'a> {
    parts: multer::Multipart<'a>,
}

/// The part with the bytes.
pub(super) struct Media<'a> {
    field: multer::Field<'a>,
    pub(super) mime: Option<String>,
}

impl<'a> Related<'a> {
    pub(super) fn new(headers: &HeaderMap, body: &'a mut Inflow) -> Result<Self, ApiError> {
        let kind = headers
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok());
        let boundary = kind.and_then(boundary).ok_or_else(|| {
            ApiError::invalid_argument("Content-Type of a multipart upload lacks the boundary.")
        })?;
        Ok(Self {
            parts: multer::Multipart::new(body.stream(), boundary),
        })
    }

    /// What is said about the file.
    pub(super) async fn metadata(&mut self) -> Result<Value, ApiError> {
        let mut field = self.next().await?;
        let mut text = Vec::new();
        while let Some(piece) = field.chunk().await.map_err(broken)? {
            if text.len() + piece.len() > MOST_METADATA {
                return Err(ApiError::invalid_argument("The metadata is too large."));
            }
            text.extend_from_slice(&piece);
        }
        serde_json::from_slice(&text).map_err(|error| {
            ApiError::invalid_argument(format!("Invalid JSON payload received. {error}"))
        })
    }

    /// The part with the bytes.
    pub(super) async fn media(&mut self) -> Result<Media<'a>, ApiError> {
        let field = self.next().await?;
        let mime = field.headers().get(CONTENT_TYPE);
        let mime = mime.and_then(|kind| kind.to_str().ok()).map(str::to_owned);
        Ok(Media { field, mime })
    }

    async fn next(&mut self) -> Result<multer::Field<'a>, ApiError> {
        let field = self.parts.next_field().await.map_err(broken)?;
        field.ok_or_else(|| {
            ApiError::invalid_argument("A multipart upload has two parts: metadata and media.")
        })
    }
}

impl Media<'_> {
    /// Hands the bytes over to an upload.
    pub(super) async fn into_session(
        mut self,
        session: &Session,
        writer: u64,
    ) -> Result<(), Refusal> {
        loop {
            let piece = self.field.chunk().await;
            match piece.map_err(|error| session.refusal(broken(error)))? {
                Some(piece) => session.append(writer, &piece)?,
                None => return Ok(()),
            }
        }
    }
}

fn broken(error: multer::Error) -> ApiError {
    ApiError::invalid_argument(format!("The multipart body could not be read: {error}."))
}

fn boundary(content_type: &str) -> Option<&str> {
    let mut parameters = content_type.split(';').skip(1);
    parameters.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"');
        (name.trim().eq_ignore_ascii_case("boundary") && !value.is_empty()).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries_with_and_without_quotes() {
        assert_eq!(boundary("multipart/related; boundary=a b"), Some("a b"));
        assert_eq!(
            boundary("multipart/related; type=x; Boundary=\"b-1\""),
            Some("b-1")
        );
        assert_eq!(boundary("multipart/related"), None);
        assert_eq!(boundary("multipart/related; boundary="), None);
    }
}

//! A document to be: what a request says of it before its content is there.

use serde_json::{Map, Value};

use crate::{
    gemini::{
        errors::ApiError,
        fields::{self, string},
        file_search::{chunks::Chunking, metadata::Metadata},
    },
    route::Backend,
};

/// The longest name for people, in characters.
const LONGEST_DISPLAY_NAME: usize = 512;

/// What is asked for a document.
#[derive(Clone, Debug)]
pub(crate) struct DocumentDraft {
    /// The identifier of its store.
    pub(super) store: String,
    pub(super) display_name: Option<String>,
    /// Its media type, when the request says so.
    pub(crate) mime: Option<String>,
    pub(super) metadata: Metadata,
    pub(super) chunking: Chunking,
}

impl DocumentDraft {
    /// Reads the request that opens an upload into a store.
    pub(crate) fn of_upload(store: &str, request: &Map<String, Value>) -> Result<Self, ApiError> {
        fields::UPLOAD_TO_FILE_SEARCH_STORE_REQUEST.check(request, "", Backend::Developer)?;
        Self::decode(store, request)
    }

    /// Reads the request that imports a file, and the name of the file.
    pub(super) fn of_import<'a>(
        store: &str,
        request: &'a Map<String, Value>,
    ) -> Result<(Self, &'a str), ApiError> {
        fields::IMPORT_FILE_REQUEST.check(request, "", Backend::Developer)?;
        let file = string(request, "fileName", "")?.unwrap_or_default();
        if !file.starts_with("files/") {
            return Err(ApiError::bad_request(
                "file_name",
                "* ImportFileRequest.file_name: it must be the name of a file, as files/abc-123.\n",
            ));
        }
        Ok((Self::decode(store, request)?, file))
    }

    fn decode(store: &str, request: &Map<String, Value>) -> Result<Self, ApiError> {
        let display_name = string(request, "displayName", "")?;
        check_display_name(display_name)?;
        Ok(Self {
            store: store.to_owned(),
            display_name: display_name.map(str::to_owned),
            mime: string(request, "mimeType", "")?.map(str::to_owned),
            metadata: Metadata::decode(request)?,
            chunking: Chunking::decode(request)?,
        })
    }
}

pub(super) fn check_display_name(name: Option<&str>) -> Result<(), ApiError> {
    match name {
        Some(name) if name.chars().count() > LONGEST_DISPLAY_NAME => {
            let most = LONGEST_DISPLAY_NAME;
            let problem = format!("display_name must have at most {most} characters.");
            Err(ApiError::bad_request("display_name", problem))
        }
        _ => Ok(()),
    }
}

//! What a document has in it to be found: the chunks of its text, or itself when it is a picture.

use crate::{
    content::Content,
    gemini::{errors::ApiError, file_search::chunks::Chunking},
};

/// The largest document that is read, in bytes.
const MOST_BYTES: u64 = 100 << 20;

/// What was found in a document.
#[derive(Debug)]
pub(super) struct Ingested {
    pub(super) chunks: Vec<String>,
    /// Whether it is something to look at.
    pub(super) is_media: bool,
}

/// Reads a document. A picture is found by its name; everything else must be text.
pub(super) fn ingest(
    content: &Content,
    mime: &str,
    display_name: &str,
    chunking: Chunking,
) -> Result<Ingested, ApiError> {
    if mime.starts_with("image/") {
        return Ok(Ingested {
            chunks: vec![display_name.to_owned()],
            is_media: true,
        });
    }
    let refused = |problem: &str| {
        ApiError::invalid_argument(format!("The document \"{display_name}\" {problem}."))
    };
    if content.len() > MOST_BYTES {
        return Err(refused("is larger than the 100 MB a document may have"));
    }
    let bytes = content
        .read()
        .map_err(|_| ApiError::internal("The content of the document could not be read."))?;
    let text = std::str::from_utf8(&bytes).ok();
    let text = text.filter(|text| !text.contains('\0'));
    let text = text.ok_or_else(|| refused("has no text that could be read"))?;
    let chunks = chunking.split(text).into_iter();
    let chunks: Vec<String> = chunks.map(|range| text[range].to_owned()).collect();
    if chunks.is_empty() {
        return Err(refused("is empty"));
    }
    Ok(Ingested {
        chunks,
        is_media: false,
    })
}

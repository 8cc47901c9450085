//! One part of a body: its headers and where its content comes from.

use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::transfer::Source;

/// One part of a [`Multipart`](crate::multipart::Multipart) body.
///
/// ```
/// use gimmal_transport::multipart::Part;
/// use http::HeaderValue;
///
/// let part = Part::new(vec![0xff, 0xd8])
///     .with_file_name("photo.jpg")
///     .with_content_type(HeaderValue::from_static("image/jpeg"));
/// # let _ = part;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Part {
    file_name: Option<String>,
    headers: HeaderMap,
    source: Source,
}

impl Part {
    /// A part with this content: text, bytes, or any [`Source`].
    ///
    /// A source that is a file gives the part its file name.
    pub fn new(content: impl Into<Source>) -> Self {
        let source = content.into();
        Self {
            file_name: source.file_name().map(str::to_owned),
            headers: HeaderMap::new(),
            source,
        }
    }

    /// Sets the name of the file; a part that has one is a file to the receiver.
    pub fn with_file_name(mut self, name: impl Into<String>) -> Self {
        self.file_name = Some(name.into());
        self
    }

    /// Sets the content type; without one, a file is `application/octet-stream` and a field has
    /// none.
    pub fn with_content_type(self, value: HeaderValue) -> Self {
        self.with_header(CONTENT_TYPE, value)
    }

    /// Sets a header of the part. `content-disposition` is written by the body and not taken.
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    pub(super) fn source(&self) -> &Source {
        &self.source
    }

    pub(super) fn content_type(&self) -> Option<&HeaderValue> {
        self.headers.get(CONTENT_TYPE)
    }

    /// Writes the headers and the empty line after them; a part of a form has a name.
    pub(super) fn write_head(&self, name: Option<&str>, out: &mut Vec<u8>) {
        if let Some(name) = name {
            out.extend_from_slice(b"Content-Disposition: form-data; name=\"");
            write_quoted(name, out);
            if let Some(file_name) = &self.file_name {
                out.extend_from_slice(b"\"; filename=\"");
                write_quoted(file_name, out);
            }
            out.extend_from_slice(b"\"\r\n");
        }
        let is_file = name.is_some() && self.file_name.is_some();
        if let Some(value) = self.content_type() {
            write_header("Content-Type", value, out);
        } else if is_file {
            out.extend_from_slice(b"Content-Type: application/octet-stream\r\n");
        }
        for (header, value) in &self.headers {
            if header != CONTENT_TYPE && header != CONTENT_DISPOSITION {
                write_header(header.as_str(), value, out);
            }
        }
        out.extend_from_slice(b"\r\n");
    }
}

fn write_header(name: &str, value: &HeaderValue, out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Names go out as UTF-8 with the three characters escaped that would end them, as browsers do
/// (the form-data encoding of the WHATWG HTML standard; RFC 7578 leaves it open).
fn write_quoted(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"%22"),
            b'\r' => out.extend_from_slice(b"%0D"),
            b'\n' => out.extend_from_slice(b"%0A"),
            other => out.push(other),
        }
    }
}

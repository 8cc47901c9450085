//! Joining parts into one body. The contents are read once, into memory, and no part is changed
//! on the way.

use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use serde_json::Value;

use crate::error::Error;
use crate::multipart::{Part, boundary, fields};
use crate::request::Request;
use crate::time::{Jitter, ThreadRngJitter};

/// A body of several parts, in the order in which they are added.
///
/// ```
/// use gimmal_transport::multipart::{Multipart, Part};
/// use gimmal_transport::{FixedJitter, Request};
/// use http::Method;
/// use url::Url;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let form = Multipart::form_data()
///     .with_text("purpose", "batch")
///     .with_part("file", Part::new("{}\n").with_file_name("questions.jsonl"));
/// let body = form.encode().await?;
/// let request = body.into_request(Request::new(Method::POST, Url::parse("https://h/v1/files")?));
/// assert!(request.headers()["content-type"].to_str()?.starts_with("multipart/form-data; "));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Multipart {
    kind: Kind,
    /// Parts with their names in a form.
    parts: Vec<(Option<String>, Part)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    FormData,
    Related,
}

impl Multipart {
    /// A form, with and without files: `multipart/form-data` of RFC 7578.
    pub fn form_data() -> Self {
        Self {
            kind: Kind::FormData,
            parts: Vec::new(),
        }
    }

    /// A whole made of parts that refer to each other, such as metadata and then the content it
    /// describes: `multipart/related` of RFC 2387. The parts have no names.
    pub fn related() -> Self {
        Self {
            kind: Kind::Related,
            parts: Vec::new(),
        }
    }

    /// Adds a part. The name is that of the form's field; a related body has no use for it.
    pub fn with_part(mut self, name: impl Into<String>, part: Part) -> Self {
        let name = (self.kind == Kind::FormData).then(|| name.into());
        self.parts.push((name, part));
        self
    }

    /// Adds a field with a text.
    pub fn with_text(self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.with_part(name, Part::new(text.into()))
    }

    /// Adds the members of a JSON object as fields.
    ///
    /// Inner objects are spelled `user[name]`, lists `tags[]` with one field per item, lists of
    /// objects `users[][name]`; null is the empty text.
    pub fn with_fields(self, object: &Value) -> Result<Self, Error> {
        let fields = fields::flatten(object)?;
        Ok(fields
            .into_iter()
            .fold(self, |form, (name, text)| form.with_text(name, text)))
    }

    /// Reads all contents and joins them, with a boundary that occurs in none of them.
    pub async fn encode(&self) -> Result<Encoded, Error> {
        self.encode_with(&ThreadRngJitter).await
    }

    /// The same with a boundary made from this randomness.
    pub async fn encode_with(&self, jitter: &dyn Jitter) -> Result<Encoded, Error> {
        let mut contents = Vec::with_capacity(self.parts.len());
        for (_, part) in &self.parts {
            contents.push(part.source().read_all().await?);
        }
        let boundary = boundary::choose(jitter, &contents);
        Ok(Encoded {
            content_type: self.content_type(&boundary),
            body: self.join(&boundary, &contents),
        })
    }

    fn join(&self, boundary: &str, contents: &[Bytes]) -> Bytes {
        let size: usize = contents.iter().map(Bytes::len).sum();
        let mut body = Vec::with_capacity(size + 256 * (contents.len() + 1));
        for ((name, part), content) in self.parts.iter().zip(contents) {
            body.extend_from_slice(b"--");
            body.extend_from_slice(boundary.as_bytes());
            body.extend_from_slice(b"\r\n");
            part.write_head(name.as_deref(), &mut body);
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--");
        body.extend_from_slice(boundary.as_bytes());
        body.extend_from_slice(b"--\r\n");
        body.into()
    }

    fn content_type(&self, boundary: &str) -> HeaderValue {
        let mut value = match self.kind {
            Kind::FormData => b"multipart/form-data".to_vec(),
            Kind::Related => b"multipart/related".to_vec(),
        };
        if let Some(root) = self.root_type() {
            value.extend_from_slice(b"; type=\"");
            value.extend_from_slice(root);
            value.push(b'"');
        }
        value.extend_from_slice(b"; boundary=");
        value.extend_from_slice(boundary.as_bytes());
        HeaderValue::from_bytes(&value)
            .unwrap_or_else(|_| unreachable!("made of a header's value and of plain text"))
    }

    /// The type of a related body's first part, without parameters.
    fn root_type(&self) -> Option<&[u8]> {
        if self.kind == Kind::FormData {
            return None;
        }
        let value = self.parts.first()?.1.content_type()?.as_bytes();
        let end = memchr::memchr(b';', value).unwrap_or(value.len());
        let root = value[..end].trim_ascii();
        // A quote or a backslash would need an escape, and no media type has one.
        (!root.iter().any(|byte| matches!(byte, b'"' | b'\\'))).then_some(root)
    }
}

/// A body that is ready to be sent, with its content type.
#[derive(Clone)]
pub struct Encoded {
    content_type: HeaderValue,
    body: Bytes,
}

impl Encoded {
    /// The content type, which names the boundary.
    pub fn content_type(&self) -> &HeaderValue {
        &self.content_type
    }

    /// The body.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The request with this body and its content type.
    pub fn into_request(self, request: Request) -> Request {
        request
            .with_header(CONTENT_TYPE, self.content_type)
            .with_body(self.body)
    }
}

/// Shows no content.
impl std::fmt::Debug for Encoded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoded")
            .field("content_type", &self.content_type)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use http::HeaderName;
    use serde_json::json;

    use super::*;
    use crate::multipart::read;
    use crate::time::FixedJitter;
    use crate::transfer::Source;

    /// Parts in memory are ready at once.
    fn encode(form: &Multipart) -> Encoded {
        let encoded = form.encode_with(&FixedJitter::new(0.0)).now_or_never();
        encoded.expect("nothing to wait for").unwrap()
    }

    #[test]
    fn chk_mp_1_golden_body() {
        let form = Multipart::form_data()
            .with_text("note", "hello")
            .with_part(
                "file",
                Part::new("a,b")
                    .with_file_name("data.csv")
                    .with_content_type(HeaderValue::from_static("text/csv"))
                    .with_header(
                        HeaderName::from_static("x-part"),
                        HeaderValue::from_static("1"),
                    ),
            )
            .with_part("raw", Part::new("x").with_file_name("raw.bin"));
        let encoded = encode(&form);
        let boundary = "0".repeat(32);
        assert_eq!(
            encoded.content_type(),
            format!("multipart/form-data; boundary={boundary}").as_str()
        );
        let expected = [
            "--B",
            "Content-Disposition: form-data; name=\"note\"",
            "",
            "hello",
            "--B",
            "Content-Disposition: form-data; name=\"file\"; filename=\"data.csv\"",
            "Content-Type: text/csv",
            "x-part: 1",
            "",
            "a,b",
            "--B",
            "Content-Disposition: form-data; name=\"raw\"; filename=\"raw.bin\"",
            "Content-Type: application/octet-stream",
            "",
            "x",
            "--B--",
            "",
        ];
        let expected = expected
            .join("\r\n")
            .replace("--B", &format!("--{boundary}"));
        assert_eq!(std::str::from_utf8(encoded.body()).unwrap(), expected);
    }

    #[test]
    fn chk_mp_1_all_bytes_survive() {
        let content: Vec<u8> = (0..=255).collect();
        let form = Multipart::form_data().with_part("f", Part::new(content.clone()));
        let encoded = encode(&form);
        let parts = read(encoded.content_type(), encoded.body()).unwrap();
        assert_eq!(parts[0].body(), &content);
    }

    #[test]
    fn chk_mp_1_fields_of_an_object() {
        let form = Multipart::form_data()
            .with_fields(&json!({"tags": ["a", "b"], "user": {"name": "n", "age": 30}}))
            .unwrap();
        let encoded = encode(&form);
        let parts = read(encoded.content_type(), encoded.body()).unwrap();
        let mut fields: Vec<_> = parts
            .iter()
            .map(|part| {
                let text = std::str::from_utf8(part.body()).unwrap();
                (part.name().unwrap(), text)
            })
            .collect();
        fields.sort_unstable();
        assert_eq!(
            fields,
            [
                ("tags[]", "a"),
                ("tags[]", "b"),
                ("user[age]", "30"),
                ("user[name]", "n")
            ]
        );
    }

    #[test]
    fn chk_mp_1_names_cannot_break_out_of_their_quotes() {
        let evil = "a\"; filename=\"x\r\nX-Evil: 1\r\n\r\n";
        let part = Part::new("c").with_file_name(evil);
        let encoded = encode(&Multipart::form_data().with_part(evil, part));
        let parts = read(encoded.content_type(), encoded.body()).unwrap();
        assert_eq!(parts.len(), 1);
        assert_eq!(parts[0].headers().len(), 2);
        assert_eq!(parts[0].name(), Some(evil));
        assert_eq!(parts[0].file_name(), Some(evil));
        assert_eq!(parts[0].body(), "c");
    }

    #[tokio::test]
    async fn chk_mp_1_a_file_gives_its_name_and_a_missing_one_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("größe.txt");
        std::fs::write(&path, "content").unwrap();
        let part = Part::new(Source::open(&path).await.unwrap());
        let form = Multipart::form_data().with_part("f", part);
        let encoded = form.encode().await.unwrap();
        let parts = read(encoded.content_type(), encoded.body()).unwrap();
        assert_eq!(parts[0].file_name(), Some("größe.txt"));
        assert_eq!(parts[0].body(), "content");
        drop(folder);
        let missing = Source::open(&path).await.unwrap_err();
        assert_eq!(missing.kind(), crate::error::ErrorKind::File);
    }

    #[test]
    fn a_related_body_names_the_type_of_its_first_part() {
        let json = HeaderValue::from_static("application/json; charset=UTF-8");
        let form = Multipart::related()
            .with_part("", Part::new("{}").with_content_type(json))
            .with_part("", Part::new("bytes"));
        let encoded = encode(&form);
        let content_type = encoded.content_type().to_str().unwrap();
        assert!(
            content_type.starts_with("multipart/related; type=\"application/json\"; boundary="),
            "{content_type}"
        );
        let parts = read(encoded.content_type(), encoded.body()).unwrap();
        assert_eq!(parts[0].name(), None);
        assert_eq!(
            parts[0].headers()["content-type"],
            "application/json; charset=UTF-8"
        );
        assert!(parts[1].headers().is_empty());
    }

    #[test]
    fn a_request_takes_body_and_type() {
        let url = url::Url::parse("http://localhost/").unwrap();
        let encoded = encode(&Multipart::form_data().with_text("a", "SECRET"));
        assert!(!format!("{encoded:?}").contains("SECRET"));
        let body = encoded.body().clone();
        let request = encoded.into_request(Request::new(http::Method::POST, url));
        assert_eq!(request.body(), &body);
        assert!(request.headers().contains_key(CONTENT_TYPE));
    }
}

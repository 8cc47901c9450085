//! Taking a body apart again, for servers in tests and for checking what was built. The whole body
//! is there already; parts are slices of it.

use bytes::Bytes;
use http::header::{CONTENT_DISPOSITION, HeaderMap};
use http::{HeaderName, HeaderValue};
use memchr::memmem;

use crate::error::Error;

/// How many headers a part may have.
const MAX_HEADERS: usize = 32;

/// The longest boundary that RFC 2046 allows.
const MAX_BOUNDARY: usize = 70;

/// A part of a body that was received.
#[derive(Clone)]
pub struct ReceivedPart {
    headers: HeaderMap,
    name: Option<String>,
    file_name: Option<String>,
    body: Bytes,
}

impl ReceivedPart {
    /// The headers of the part.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The name of the form's field.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The name of the file.
    ///
    /// It is what the sender wrote, with any path in it: do not open it.
    pub fn file_name(&self) -> Option<&str> {
        self.file_name.as_deref()
    }

    /// The content.
    pub fn body(&self) -> &Bytes {
        &self.body
    }
}

/// Shows no content.
impl std::fmt::Debug for ReceivedPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReceivedPart")
            .field("name", &self.name)
            .field("file_name", &self.file_name)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish_non_exhaustive()
    }
}

/// Takes a body apart whose content type is `content_type`.
///
/// ```
/// use bytes::Bytes;
/// use gimmal_transport::multipart;
/// use http::HeaderValue;
///
/// let content_type = HeaderValue::from_static("multipart/form-data; boundary=b");
/// let body = Bytes::from("--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b--\r\n");
/// let parts = multipart::read(&content_type, &body)?;
/// assert_eq!((parts[0].name(), &parts[0].body()[..]), (Some("a"), &b"1"[..]));
/// # Ok::<(), gimmal_transport::Error>(())
/// ```
///
/// The errors are of the kind [`Decode`](crate::ErrorKind::Decode).
pub fn read(content_type: &HeaderValue, body: &Bytes) -> Result<Vec<ReceivedPart>, Error> {
    let wrong = |what: &'static str| Error::decode(what, body.clone());
    let boundary =
        boundary(content_type).ok_or_else(|| wrong("no boundary in the content type"))?;
    let delimiter = [b"\r\n--", boundary.as_bytes()].concat();
    let delimiters = Delimiters::new(&delimiter, body);

    // Whatever comes before the first delimiter is not ours to read.
    let mut at = delimiters
        .first()
        .ok_or_else(|| wrong("no boundary in the body"))?;
    let mut parts = Vec::new();
    while let After::Part { start } = at {
        let (headers, length) =
            read_headers(&body[start..]).ok_or_else(|| wrong("a part's headers are malformed"))?;
        let start = start + length;
        let (end, next) = delimiters
            .next(start)
            .ok_or_else(|| wrong("a part has no end"))?;
        let disposition = headers.get(CONTENT_DISPOSITION).map(HeaderValue::as_bytes);
        let parameter = |name| unescape(&parameter(disposition?, name)?);
        parts.push(ReceivedPart {
            name: parameter("name"),
            file_name: parameter("filename"),
            headers,
            body: body.slice(start..end),
        });
        at = next;
    }
    Ok(parts)
}

/// What follows a delimiter.
#[derive(Clone, Copy, Debug)]
enum After {
    Part { start: usize },
    End,
}

/// The places in a body where a part ends.
struct Delimiters<'a> {
    finder: memmem::Finder<'a>,
    body: &'a [u8],
}

impl<'a> Delimiters<'a> {
    fn new(delimiter: &'a [u8], body: &'a [u8]) -> Self {
        Self {
            finder: memmem::Finder::new(delimiter),
            body,
        }
    }

    /// The first delimiter, which needs no line break before it where the body begins with it.
    fn first(&self) -> Option<After> {
        let bare = &self.finder.needle()[2..];
        if self.body.starts_with(bare)
            && let Some(after) = self.after(bare.len())
        {
            return Some(after);
        }
        self.next(0).map(|(_, after)| after)
    }

    /// The next delimiter from `from` on: where it begins, and what follows it.
    fn next(&self, from: usize) -> Option<(usize, After)> {
        let found = self.finder.find_iter(&self.body[from..]);
        found.map(|offset| from + offset).find_map(|start| {
            // Text that only begins like the boundary belongs to the part.
            let after = self.after(start + self.finder.needle().len())?;
            Some((start, after))
        })
    }

    fn after(&self, end: usize) -> Option<After> {
        let rest = &self.body[end..];
        if rest.starts_with(b"--") {
            return Some(After::End);
        }
        let padding = rest
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        rest[padding..].starts_with(b"\r\n").then_some(After::Part {
            start: end + padding + 2,
        })
    }
}

/// The headers at the start of `text`, and their length with the empty line.
fn read_headers(text: &[u8]) -> Option<(HeaderMap, usize)> {
    let mut slots = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let Ok(httparse::Status::Complete((length, read))) = httparse::parse_headers(text, &mut slots)
    else {
        return None;
    };
    let mut headers = HeaderMap::new();
    for header in read {
        let name = HeaderName::from_bytes(header.name.as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_bytes(header.value).ok()?);
    }
    Some((headers, length))
}

fn boundary(content_type: &HeaderValue) -> Option<String> {
    let value = content_type.as_bytes();
    let multipart = value
        .get(..10)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"multipart/"));
    if !multipart {
        return None;
    }
    let boundary = String::from_utf8(parameter(value, "boundary")?).ok()?;
    (1..=MAX_BOUNDARY)
        .contains(&boundary.len())
        .then_some(boundary)
}

/// A parameter of a header: `name=token` or `name="text"`, after a semicolon.
///
/// The text ends at the first quote: who wrote the names escaped their quotes.
fn parameter(header: &[u8], wanted: &str) -> Option<Vec<u8>> {
    let mut rest = &header[memchr::memchr(b';', header)? + 1..];
    loop {
        let equals = memchr::memchr(b'=', rest)?;
        let name = rest[..equals].trim_ascii();
        let value = rest[equals + 1..].trim_ascii_start();
        let (value, after) = match value.strip_prefix(b"\"") {
            Some(quoted) => {
                let end = memchr::memchr(b'"', quoted)?;
                (&quoted[..end], &quoted[end + 1..])
            }
            None => {
                let end = memchr::memchr(b';', value).unwrap_or(value.len());
                (value[..end].trim_ascii_end(), &value[end..])
            }
        };
        if name.eq_ignore_ascii_case(wanted.as_bytes()) {
            return Some(value.to_vec());
        }
        rest = &after[memchr::memchr(b';', after)? + 1..];
    }
}

/// Turns the three escapes of names back.
fn unescape(name: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(name).ok()?;
    let name = name.replace("%22", "\"");
    Some(name.replace("%0D", "\r").replace("%0A", "\n"))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;
    use crate::error::ErrorKind;
    use crate::multipart::{Multipart, Part};
    use crate::time::FixedJitter;

    fn parts(content_type: &str, body: &str) -> Result<Vec<String>, Error> {
        let content_type = HeaderValue::from_str(content_type).unwrap();
        let parts = read(&content_type, &Bytes::copy_from_slice(body.as_bytes()))?;
        Ok(parts
            .iter()
            .map(|part| String::from_utf8(part.body().to_vec()).unwrap())
            .collect())
    }

    const TYPE: &str = "multipart/form-data; boundary=b";

    #[test_case("--b--", &[]; "no parts")]
    #[test_case("--b\r\n\r\n\r\n--b--", &[""]; "empty part")]
    #[test_case("hi\r\n--b\r\n\r\n1\r\n--b--\r\nbye", &["1"]; "prologue and epilogue")]
    #[test_case("--b \t\r\n\r\n1\r\n--b\r\n\r\n2\r\n--b--", &["1", "2"]; "padding")]
    #[test_case("--b\r\n\r\n1\r\n--bc\r\n--b--", &["1\r\n--bc"]; "longer boundary")]
    #[test_case("--b\r\n\r\n--b\r\n\r\n--b--", &["--b\r\n"]; "no line break before it")]
    fn what_is_a_part(body: &str, expected: &[&str]) {
        assert_eq!(parts(TYPE, body).unwrap(), expected);
    }

    #[test_case(TYPE, ""; "empty")]
    #[test_case(TYPE, "--b"; "cut after the boundary")]
    #[test_case(TYPE, "--b\r\n\r\n1"; "no end")]
    #[test_case(TYPE, "--b\r\n1\r\n--b--"; "no headers")]
    #[test_case("multipart/form-data", "--b--"; "no boundary")]
    #[test_case("text/plain; boundary=b", "--b--"; "another type")]
    #[test_case("multipart/form-data; boundary=\"\"", "--b--"; "empty boundary")]
    fn what_is_none(content_type: &str, body: &str) {
        let error = parts(content_type, body).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
    }

    #[test_case("multipart/mixed; charset=x; boundary=\"b\""; "quoted")]
    #[test_case("Multipart/Mixed; a=\";\"; BOUNDARY = b ; c=d"; "others around it")]
    fn where_the_boundary_is(content_type: &str) {
        assert_eq!(parts(content_type, "--b\r\n\r\n1\r\n--b--").unwrap(), ["1"]);
    }

    proptest! {
        #[test]
        fn no_input_panics(
            content_type in "(multipart/x; ?boundary=)?[b\" ;=]{0,8}",
            body in "(--b|\r\n|-|b|:|;|\"|name=|x| ){0,24}",
        ) {
            let content_type = HeaderValue::from_str(&content_type).unwrap();
            let _ = read(&content_type, &Bytes::from(body));
        }

        #[test]
        fn what_was_built_reads_the_same_here_and_in_multer(
            fields in proptest::collection::vec(
                // A percent sign in a name may be taken for an escape.
                ("[^%\\p{C}]{1,8}[\r\n\"]?", proptest::option::of("[^%\\p{C}\\\\]{0,8}"),
                 proptest::collection::vec(any::<u8>(), 0..60)),
                1..6),
        ) {
            let form = fields.iter().fold(Multipart::form_data(), |form, (name, file, content)| {
                let part = Part::new(content.clone());
                let part = match file {
                    Some(file) => part.with_file_name(file),
                    None => part,
                };
                form.with_part(name, part)
            });
            let encoded = form.encode_with(&FixedJitter::new(0.3)).now_or_never();
            let encoded = encoded.expect("nothing to wait for").unwrap();

            let parts = read(encoded.content_type(), encoded.body()).unwrap();
            let read_here: Vec<_> = parts
                .iter()
                .map(|part| (
                    part.name().unwrap().to_owned(),
                    part.file_name().map(str::to_owned),
                    part.body().to_vec(),
                ))
                .collect();
            prop_assert_eq!(&read_here, &fields);
            prop_assert_eq!(read_by_multer(&encoded), fields.iter().map(|it| it.2.clone()).collect::<Vec<_>>());
        }
    }

    /// The contents as an independent reader sees them.
    fn read_by_multer(encoded: &crate::multipart::Encoded) -> Vec<Vec<u8>> {
        let content_type = encoded.content_type().to_str().unwrap();
        let boundary = multer::parse_boundary(content_type).unwrap();
        let body = encoded.body().clone();
        let stream = futures_util::stream::iter([Ok::<_, std::convert::Infallible>(body)]);
        let mut reader = multer::Multipart::new(stream, boundary);
        let mut contents = Vec::new();
        while let Some(field) = reader.next_field().now_or_never().unwrap().unwrap() {
            contents.push(field.bytes().now_or_never().unwrap().unwrap().to_vec());
        }
        contents
    }
}

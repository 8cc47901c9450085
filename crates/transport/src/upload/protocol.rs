//! The headers of the protocol: writing commands, reading answers, and which addresses may be
//! given as the place to send the content to. Nothing here sends.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use url::Url;

use crate::error::Error;
use crate::request::{Idempotency, Request};
use crate::scope::Origin;
use crate::transfer::Fingerprint;

const PROTOCOL: HeaderName = HeaderName::from_static("x-goog-upload-protocol");
const COMMAND: HeaderName = HeaderName::from_static("x-goog-upload-command");
const OFFSET: HeaderName = HeaderName::from_static("x-goog-upload-offset");
const CONTENT_LENGTH: HeaderName = HeaderName::from_static("x-goog-upload-header-content-length");
const CONTENT_KIND: HeaderName = HeaderName::from_static("x-goog-upload-header-content-type");
const FILE_NAME: HeaderName = HeaderName::from_static("x-goog-upload-file-name");

const URL: &str = "x-goog-upload-url";
const STATUS: &str = "x-goog-upload-status";
const RECEIVED: &str = "x-goog-upload-size-received";
const GRANULARITY: &str = "x-goog-upload-chunk-granularity";

/// Escaped in a file name that no header can carry as it is.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');

/// What is asked of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Take these bytes, of which the first has this offset.
    Upload(u64),
    /// Take these bytes and finish.
    UploadAndFinalize(u64),
    /// Say how much you have.
    Query,
    /// Forget the upload.
    Cancel,
}

/// The state of an upload as the server sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// It waits for more.
    Active,
    /// It is over, well or not.
    Final,
    /// It was given up.
    Cancelled,
    /// A word that we do not know.
    Unknown,
}

/// What an answer says about the upload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: Option<Status>,
    /// How many bytes the server has, in all.
    pub(super) received: Option<u64>,
}

impl Answer {
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let status = text(headers, STATUS).map(|status| match status {
            "active" => Status::Active,
            "final" => Status::Final,
            "cancelled" => Status::Cancelled,
            _ => Status::Unknown,
        });
        Self {
            status,
            received: number(headers, RECEIVED),
        }
    }
}

/// Makes a request that opens an upload out of the caller's.
///
/// An upload that was opened twice costs nothing: the server forgets the one that gets no content.
pub(super) fn start_request(
    request: Request,
    fingerprint: &Fingerprint,
    content_type: &HeaderValue,
    file_name: Option<&str>,
) -> Request {
    let mut request = request
        .with_header(PROTOCOL, HeaderValue::from_static("resumable"))
        .with_header(COMMAND, HeaderValue::from_static("start"))
        .with_header(CONTENT_KIND, content_type.clone())
        .with_idempotency(Idempotency::Idempotent);
    if let Some(size) = fingerprint.bytes() {
        request = request.with_header(CONTENT_LENGTH, HeaderValue::from(size));
    }
    match file_name.map(file_name_value) {
        Some(name) => request.with_header(FILE_NAME, name),
        None => request,
    }
}

/// The request of a command; it goes without credentials, for the address is one itself.
pub(super) fn command_request(url: Url, command: Command, body: bytes::Bytes) -> Request {
    let (word, offset) = match command {
        Command::Upload(offset) => ("upload", Some(offset)),
        Command::UploadAndFinalize(offset) => ("upload, finalize", Some(offset)),
        Command::Query => ("query", None),
        Command::Cancel => ("cancel", None),
    };
    let request = Request::new(Method::POST, url)
        .with_header(COMMAND, HeaderValue::from_static(word))
        .with_body(body);
    match offset {
        // A body without a type makes some proxies guess one.
        Some(offset) => request
            .with_header(OFFSET, HeaderValue::from(offset))
            .with_header(
                CONTENT_TYPE,
                HeaderValue::from_static("application/octet-stream"),
            ),
        // Asking twice, or giving up twice, does what doing it once does.
        None => request.with_idempotency(Idempotency::Idempotent),
    }
}

/// The address that the server names for the content, and the unit of its chunk sizes.
///
/// The address must have the origin of the request that opened the upload, or be one of Google's
/// over https: a file is worth protecting even where no credentials go along. With `origin`, what
/// the server names is moved there, for servers behind a proxy that do not know their own name.
pub(super) fn read_start(
    headers: &HeaderMap,
    start: &Url,
    origin: Option<&Origin>,
) -> Result<(Url, u64), Error> {
    let Some(address) = text(headers, URL) else {
        return Err(Error::transfer(format!(
            "server opened no upload: its answer lacks `{URL}`"
        )));
    };
    let url = start.join(address).map_err(|_| {
        Error::transfer(format!(
            "server opened no upload: `{URL}` is not an address"
        ))
    })?;
    let url = match origin {
        Some(origin) => moved(&url, origin)?,
        None if may_receive(start, &url) => url,
        None => {
            return Err(Error::transfer(format!(
                "server wants the content at {}, which is neither where the upload was opened \
                 nor a host of googleapis.com; allow it with `with_origin`",
                Origin::of(&url)?
            )));
        }
    };
    Ok((url, number(headers, GRANULARITY).unwrap_or(1).max(1)))
}

fn may_receive(start: &Url, target: &Url) -> bool {
    let google = target.scheme() == "https"
        && target.port().is_none()
        && target
            .host_str()
            .is_some_and(|host| host.ends_with(".googleapis.com"));
    google || start.origin() == target.origin()
}

/// Path and query of an address at another origin.
fn moved(url: &Url, origin: &Origin) -> Result<Url, Error> {
    let mut moved = Url::parse(origin.as_str())
        .map_err(|source| Error::invalid("origin", "it is no address").with_source(source))?;
    moved.set_path(url.path());
    moved.set_query(url.query());
    Ok(moved)
}

fn file_name_value(name: &str) -> HeaderValue {
    let plain = name.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    let escaped = if plain {
        name.to_owned()
    } else {
        utf8_percent_encode(name, ESCAPED).to_string()
    };
    HeaderValue::from_str(&escaped).unwrap_or_else(|_| unreachable!("only printable ASCII is left"))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    text(headers, name)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use test_case::test_case;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn a_start_tells_size_type_and_name() {
        let request = Request::new(Method::POST, url("https://h/upload/v1/files"));
        let fingerprint = Fingerprint::new(Some(12), "");
        let kind = HeaderValue::from_static("text/plain");
        let start = start_request(request.clone(), &fingerprint, &kind, Some("a b.txt"));
        let expected = headers(&[
            ("x-goog-upload-protocol", "resumable"),
            ("x-goog-upload-command", "start"),
            ("x-goog-upload-header-content-type", "text/plain"),
            ("x-goog-upload-header-content-length", "12"),
            ("x-goog-upload-file-name", "a b.txt"),
        ]);
        assert_eq!(start.headers(), &expected);

        let start = start_request(request, &Fingerprint::new(None, ""), &kind, None);
        assert_eq!(start.headers().len(), 3, "what is not known is not told");
    }

    #[test_case("plain 100%.txt", "plain 100%.txt")]
    #[test_case("é%.txt", "%C3%A9%25.txt")]
    #[test_case("a\r\nb: c", "a%0D%0Ab: c")]
    #[test_case("", "")]
    fn any_file_name_fits_into_a_header(name: &str, expected: &str) {
        assert_eq!(file_name_value(name), expected);
    }

    #[test]
    fn commands() {
        let of = |command| command_request(url("https://h/u?upload_id=x"), command, Bytes::new());
        let last = of(Command::UploadAndFinalize(7));
        assert_eq!(last.headers()["x-goog-upload-command"], "upload, finalize");
        assert_eq!(last.headers()["x-goog-upload-offset"], "7");
        assert_eq!(last.idempotency(), Idempotency::NotIdempotent);
        let query = of(Command::Query);
        assert_eq!(
            query.headers(),
            &headers(&[("x-goog-upload-command", "query")])
        );
        assert_eq!(query.idempotency(), Idempotency::Idempotent);
    }

    #[test_case("https://g.example/upload?id=1", true)]
    #[test_case("/upload?id=1", true; "relative")]
    #[test_case("https://upload.googleapis.com/x", true)]
    #[test_case("http://upload.googleapis.com/x", false; "in the clear")]
    #[test_case("https://upload.googleapis.com:8443/x", false; "port")]
    #[test_case("https://googleapis.com.evil.example/x", false; "suffix")]
    #[test_case("https://evilgoogleapis.com/x", false; "no dot")]
    #[test_case("https://g.example:8443/", false; "port of the start")]
    #[test_case("http://g.example/", false; "scheme of the start")]
    fn content_goes_only_where_it_may(address: &str, allowed: bool) {
        let start = url("https://g.example/upload/v1/files?key=KEY");
        let answer = headers(&[("x-goog-upload-url", address)]);
        let read = read_start(&answer, &start, None);
        assert_eq!(read.is_ok(), allowed, "{read:?}");
        if let Err(error) = read {
            assert!(!error.to_string().contains("/x"), "{error}");
        }
    }

    #[test]
    fn an_address_is_moved_behind_a_proxy() {
        let start = url("https://proxy.example:8443/g/upload");
        let answer = headers(&[
            ("x-goog-upload-url", "https://real.example/up?id=1"),
            ("x-goog-upload-chunk-granularity", "262144"),
        ]);
        let origin = Origin::of(&start).unwrap();
        let (target, granularity) = read_start(&answer, &start, Some(&origin)).unwrap();
        assert_eq!(target.as_str(), "https://proxy.example:8443/up?id=1");
        assert_eq!(granularity, 262_144);
    }

    #[test]
    fn answers_are_read_and_nonsense_is_nothing() {
        let answer = Answer::read(&headers(&[
            ("x-goog-upload-status", "active"),
            ("x-goog-upload-size-received", "9"),
        ]));
        assert_eq!(
            (answer.status, answer.received),
            (Some(Status::Active), Some(9))
        );
        let odd = Answer::read(&headers(&[
            ("x-goog-upload-status", "Aktiv"),
            ("x-goog-upload-size-received", "-1"),
        ]));
        assert_eq!((odd.status, odd.received), (Some(Status::Unknown), None));
        assert_eq!(Answer::read(&HeaderMap::new()), Answer::default());
    }
}

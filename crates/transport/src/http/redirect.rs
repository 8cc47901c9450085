//! Where a redirect leads and what goes along. Pure: no request is sent here.
//!
//! HTTP clients drop `authorization` when a redirect leaves the host, but know nothing of key
//! headers such as `x-api-key`. So this module keeps only headers known to be harmless, and a body
//! goes to nobody but the server it was meant for.

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CONTENT_ENCODING, CONTENT_TYPE, IF_RANGE, LOCATION,
    RANGE, USER_AGENT,
};
use http::{HeaderMap, HeaderName, Method, StatusCode, Uri};
use url::Url;

use crate::error::Error;

/// How many redirects one exchange may follow.
pub(super) const MAX_REDIRECTS: usize = 10;

/// What may be told to another host.
const HARMLESS: [HeaderName; 8] = [
    ACCEPT,
    ACCEPT_ENCODING,
    ACCEPT_LANGUAGE,
    CONTENT_TYPE,
    IF_RANGE,
    RANGE,
    USER_AGENT,
    HeaderName::from_static("x-goog-api-client"),
];

/// On a request: its redirects are for the caller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeepRedirects;

/// The request that a reply redirects to; `None` when the reply is final.
pub(super) fn follow(
    request: &http::Request<Bytes>,
    status: StatusCode,
    reply: &HeaderMap,
) -> Result<Option<http::Request<Bytes>>, Error> {
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = reply.get(LOCATION).and_then(|value| value.to_str().ok()) else {
        return Ok(None);
    };
    let from = Url::parse(&request.uri().to_string()).map_err(refuse("address is not a URL"))?;
    let mut to = from
        .join(location)
        .map_err(refuse("redirect leads to something that is not a URL"))?;
    to.set_fragment(None);
    if !matches!(to.scheme(), "http" | "https")
        || (from.scheme() == "https" && to.scheme() == "http")
    {
        return Err(Error::redirect("redirect leads to an unsafe scheme")
            .with_context("redirect_scheme", to.scheme()));
    }

    let mut next = request.clone();
    *next.uri_mut() = Uri::try_from(to.as_str()).map_err(refuse("redirect cannot be sent"))?;
    if becomes_get(status, request.method()) {
        *next.method_mut() = Method::GET;
        *next.body_mut() = Bytes::new();
        next.headers_mut().remove(CONTENT_TYPE);
        next.headers_mut().remove(CONTENT_ENCODING);
    }
    if from.origin() != to.origin() {
        if !next.body().is_empty() {
            return Err(Error::redirect(
                "redirect would take the body of the request to another server",
            )
            .with_context("redirect_host", to.host_str().unwrap_or_default()));
        }
        *next.headers_mut() = harmless(next.headers());
    }
    Ok(Some(next))
}

/// The conversion to GET that browsers do; 307 and 308 exist to avoid it.
fn becomes_get(status: StatusCode, method: &Method) -> bool {
    match status.as_u16() {
        303 => *method != Method::HEAD,
        301 | 302 => *method == Method::POST,
        _ => false,
    }
}

/// The headers that may be told to a stranger.
pub(crate) fn harmless(headers: &HeaderMap) -> HeaderMap {
    headers
        .iter()
        .filter(|(name, value)| HARMLESS.contains(name) && !value.is_sensitive())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn refuse<E>(message: &'static str) -> impl Fn(E) -> Error {
    move |_| Error::redirect(message)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use test_case::test_case;

    use super::*;
    use crate::error::{ErrorKind, Persistence};

    fn request(method: Method) -> http::Request<Bytes> {
        let mut marked = HeaderValue::from_static("SECRET");
        marked.set_sensitive(true);
        http::Request::builder()
            .method(method)
            .uri("https://a.example/v1/x?q=1")
            .header("x-goog-api-key", "SECRET")
            .header("authorization", "SECRET")
            .header("cookie", "SECRET")
            .header("accept", marked)
            .header("user-agent", "ua")
            .header("content-type", "application/json")
            .body(Bytes::from("body"))
            .unwrap()
    }

    fn next(
        method: Method,
        status: u16,
        location: &str,
    ) -> Result<Option<http::Request<Bytes>>, Error> {
        let headers = HeaderMap::from_iter([(LOCATION, location.parse().unwrap())]);
        follow(
            &request(method),
            StatusCode::from_u16(status).unwrap(),
            &headers,
        )
    }

    #[test_case("https://b.example/"; "host")]
    #[test_case("https://a.example:8443/"; "port")]
    #[test_case("//b.example/"; "relative to the scheme")]
    fn another_origin_learns_no_secret(location: &str) {
        let next = next(Method::POST, 302, location).unwrap().unwrap();
        let names: Vec<_> = next.headers().keys().map(HeaderName::as_str).collect();
        assert_eq!(names, ["user-agent"]);
        assert_eq!(next.method(), Method::GET);
        assert!(next.body().is_empty());
    }

    #[test_case(Method::POST, 307)]
    #[test_case(Method::POST, 308)]
    #[test_case(Method::PUT, 302; "a method that stays")]
    fn a_body_goes_to_no_other_origin(method: Method, status: u16) {
        for location in ["https://b.example/", "https://a.example:8443/"] {
            let error = next(method.clone(), status, location).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Status);
            assert_eq!(error.persistence(), Persistence::Permanent);
            assert_eq!(
                error.to_string(),
                "redirect would take the body of the request to another server"
            );
        }
    }

    #[test]
    fn the_same_origin_keeps_everything() {
        let next = next(Method::POST, 308, "/v2/y#fragment").unwrap().unwrap();
        assert_eq!(next.uri(), "https://a.example/v2/y");
        assert_eq!(next.headers().len(), 6);
        assert_eq!(next.method(), Method::POST);
    }

    #[test_case(Method::POST, 301, Method::GET)]
    #[test_case(Method::POST, 302, Method::GET)]
    #[test_case(Method::PUT, 303, Method::GET)]
    #[test_case(Method::PUT, 302, Method::PUT)]
    #[test_case(Method::HEAD, 303, Method::HEAD)]
    #[test_case(Method::POST, 307, Method::POST)]
    fn the_method_follows_the_status(method: Method, status: u16, expected: Method) {
        let next = next(method.clone(), status, "/y").unwrap().unwrap();
        assert_eq!(next.method(), expected);
        assert_eq!(next.body().is_empty(), expected != method);
    }

    #[test_case("http://a.example/"; "downgrade")]
    #[test_case("file:///etc/passwd"; "scheme")]
    #[test_case("https://"; "no host")]
    fn unsafe_targets_are_refused(location: &str) {
        let error = next(Method::GET, 302, location).unwrap_err();
        assert_eq!(error.persistence(), Persistence::Permanent);
    }

    #[test]
    fn other_replies_are_final() {
        assert!(next(Method::GET, 304, "/y").unwrap().is_none());
        assert!(next(Method::GET, 200, "/y").unwrap().is_none());
        let bare = follow(&request(Method::GET), StatusCode::FOUND, &HeaderMap::new());
        assert!(bare.unwrap().is_none());
    }
}

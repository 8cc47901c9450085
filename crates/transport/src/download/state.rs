//! What is remembered of a file that is partly here: which version of it, how large it is and
//! what its digests are. It decides whether the rest may be asked for.

use std::time::Duration;

use http::header::{DATE, ETAG, IF_RANGE, LAST_MODIFIED, RANGE};
use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::download::Digest;
use crate::request::Request;

/// How much older than the answer a time of modification must be to name one version (RFC 9110
/// section 8.8.2.2): within the same second, the file may change again.
const DATE_MARGIN: Duration = Duration::from_secs(1);

/// A version of a file at a server, as its first answer described it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    /// A fingerprint of where the file comes from.
    resource: String,
    /// The strong entity tag, or else a time of modification that is old enough.
    validator: Option<String>,
    pub(super) total: Option<u64>,
    pub(super) digests: Vec<Digest>,
}

impl State {
    /// Describes the file of a complete answer.
    pub(super) fn of(url: &Url, headers: &HeaderMap, total: Option<u64>) -> Self {
        Self {
            resource: resource(url),
            validator: strong_etag(headers).or_else(|| settled_date(headers)),
            total,
            digests: Digest::from_goog_hash(headers),
        }
    }

    /// Whether this may be a part of what is at `url` now.
    pub(super) fn is_of(&self, url: &Url) -> bool {
        self.resource == resource(url)
    }

    /// Whether a partial answer with these headers is of the same version.
    ///
    /// An answer to a request with `If-Range` need not repeat the validator.
    pub(super) fn matches(&self, headers: &HeaderMap) -> bool {
        match (&self.validator, headers.get(ETAG)) {
            (Some(validator), Some(tag)) if validator.starts_with('"') => {
                tag.as_bytes() == validator.as_bytes()
            }
            _ => true,
        }
    }

    /// Makes a request for everything from `have` on, or leaves it as it is when joining two
    /// answers would be unsafe: nothing names the version, and no digest checks the result.
    pub(super) fn ask_for_rest(&self, request: Request, have: u64, checked: bool) -> Request {
        let validator = self.validator.as_deref();
        let validator = validator.and_then(|text| HeaderValue::from_str(text).ok());
        if have == 0 || (validator.is_none() && !checked && self.digests.is_empty()) {
            return request;
        }
        let range = HeaderValue::try_from(format!("bytes={have}-"))
            .unwrap_or_else(|_| unreachable!("plain ASCII"));
        let request = request.with_header(RANGE, range);
        match validator {
            Some(validator) => request.with_header(IF_RANGE, validator),
            None => request,
        }
    }
}

/// The address without its query, which is new each time an address is signed, as a digest that
/// can be written to a disk.
fn resource(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    Digest::Sha256(Sha256::digest(url.as_str()).into()).to_string()
}

/// A weak tag names equivalent versions, whose bytes may differ.
fn strong_etag(headers: &HeaderMap) -> Option<String> {
    let tag = headers.get(ETAG)?.to_str().ok()?;
    let strong = tag.len() >= 2 && tag.starts_with('"') && tag.ends_with('"');
    strong.then(|| tag.to_owned())
}

fn settled_date(headers: &HeaderMap) -> Option<String> {
    let date = |name| {
        let text = headers.get(name)?.to_str().ok()?;
        Some((httpdate::parse_http_date(text).ok()?, text))
    };
    let (modified, text) = date(LAST_MODIFIED)?;
    let (answered, _) = date(DATE)?;
    let age = answered.duration_since(modified).ok()?;
    (age >= DATE_MARGIN).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, Method};
    use test_case::test_case;

    use super::*;

    const OLD: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const NEW: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

    fn state(pairs: &[(&'static str, &'static str)]) -> State {
        let headers = headers(pairs);
        State::of(&url("https://h/f?sig=1"), &headers, Some(10))
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                let name = HeaderName::from_static(name);
                (name, HeaderValue::from_static(value))
            })
            .collect()
    }

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn asked(state: &State, have: u64, checked: bool) -> (Option<String>, Option<String>) {
        let request = Request::new(Method::GET, url("https://h/f"));
        let request = state.ask_for_rest(request, have, checked);
        let header = |name| {
            let value: &HeaderValue = request.headers().get(name)?;
            Some(value.to_str().unwrap().to_owned())
        };
        (header(RANGE), header(IF_RANGE))
    }

    #[test_case(&[("etag", "\"a\"")], Some("\"a\""); "a strong tag")]
    #[test_case(&[("etag", "\"a\""), ("last-modified", OLD), ("date", NEW)], Some("\"a\""); "before a date")]
    #[test_case(&[("etag", "W/\"a\""), ("last-modified", OLD), ("date", NEW)], Some(OLD); "a weak tag is no help")]
    #[test_case(&[("last-modified", NEW), ("date", NEW)], None; "modified just now")]
    #[test_case(&[("last-modified", OLD)], None; "an answer without a date")]
    #[test_case(&[("etag", "a")], None; "a tag without quotes")]
    #[test_case(&[], None; "nothing")]
    fn what_names_a_version(pairs: &[(&'static str, &'static str)], validator: Option<&str>) {
        let (range, if_range) = asked(&state(pairs), 5, false);
        assert_eq!(if_range.as_deref(), validator);
        assert_eq!(range.is_some(), validator.is_some());
    }

    #[test]
    fn without_a_validator_a_digest_allows_joining() {
        assert_eq!(asked(&state(&[]), 5, true), (Some("bytes=5-".into()), None));
        let hashed = state(&[("x-goog-hash", "crc32c=Nks/tw==")]);
        assert_eq!(asked(&hashed, 5, false), (Some("bytes=5-".into()), None));
    }

    #[test]
    fn nothing_here_means_nothing_to_join() {
        assert_eq!(asked(&state(&[("etag", "\"a\"")]), 0, true), (None, None));
    }

    #[test]
    fn another_signature_is_the_same_resource() {
        let state = state(&[]);
        assert!(state.is_of(&url("https://h/f?sig=2")));
        assert!(!state.is_of(&url("https://h/g?sig=1")));
        let saved = serde_json::to_string(&state).unwrap();
        assert!(!saved.contains("sig"), "{saved}");
        assert_eq!(serde_json::from_str::<State>(&saved).unwrap(), state);
    }

    #[test]
    fn another_tag_is_another_version() {
        let state = state(&[("etag", "\"a\"")]);
        assert!(state.matches(&headers(&[("etag", "\"a\"")])));
        assert!(state.matches(&headers(&[])));
        assert!(!state.matches(&headers(&[("etag", "\"b\"")])));
    }
}

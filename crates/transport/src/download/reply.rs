//! What an answer means for a file that is partly here: append, begin again, or neither.
//! Pure: nothing is read or written.

use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};

use crate::download::ContentRange;
use crate::download::state::State;
use crate::error::{Error, Persistence};

/// What to do with an answer.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The body goes on where the file ends; the file has this size in the end.
    Append { total: Option<u64> },
    /// The body is the whole file, of this size.
    Restart { total: Option<u64> },
    /// What is here does not fit to the answer; without it, asking again helps.
    Discard(Error),
    /// The answer is of no use.
    Refuse(Error),
}

/// Judges the head of a successful answer, for a file of which `have` bytes are here; `state`
/// describes them when the rest was asked for.
pub(super) fn judge(
    status: StatusCode,
    headers: &HeaderMap,
    have: u64,
    state: Option<&State>,
) -> Verdict {
    let encoded = headers
        .get(CONTENT_ENCODING)
        .is_some_and(|encoding| encoding != "identity");
    if encoded {
        return Verdict::Refuse(Error::transfer(
            "server packs the file on the way although it was asked not to",
        ));
    }
    match (status, state) {
        (StatusCode::PARTIAL_CONTENT, Some(state)) => judge_part(headers, have, state),
        (StatusCode::OK | StatusCode::NON_AUTHORITATIVE_INFORMATION, _) => Verdict::Restart {
            total: content_length(headers),
        },
        _ => Verdict::Refuse(Error::transfer(format!(
            "server answered {} to a request for a file",
            status.as_u16()
        ))),
    }
}

fn judge_part(headers: &HeaderMap, have: u64, state: &State) -> Verdict {
    if is_multipart(headers) {
        return discard("server sent several ranges where one was asked for");
    }
    let (first, last, total) = match ContentRange::from_headers(headers) {
        Some(Ok(ContentRange::Bytes { first, last, total })) => (first, last, total),
        Some(Ok(ContentRange::Unsatisfied { .. })) | None => {
            return discard("server sent a part without saying which");
        }
        Some(Err(error)) => {
            return Verdict::Discard(error.with_persistence(Persistence::Temporary));
        }
    };
    let length = content_length(headers);
    if first != have {
        return discard("server sent another part than was asked for");
    }
    if length.is_some_and(|length| length != last - first + 1) {
        return discard("server sent a part of another length than its range");
    }
    let same_total = match (total, state.total) {
        (Some(now), Some(then)) => now == then,
        _ => true,
    };
    if !same_total || !state.matches(headers) {
        return discard("file changed at the server");
    }
    Verdict::Append {
        total: total.or(state.total),
    }
}

/// Whether "range not satisfiable" (416) means that all of the file is here already.
pub(super) fn is_whole(headers: &HeaderMap, have: u64, state: &State) -> bool {
    match ContentRange::from_headers(headers) {
        Some(Ok(ContentRange::Unsatisfied { total })) => {
            total == have && state.total.is_none_or(|then| then == total) && state.matches(headers)
        }
        _ => false,
    }
}

fn is_multipart(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"multipart/byteranges"))
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn discard(message: &'static str) -> Verdict {
    Verdict::Discard(Error::transfer(message).with_persistence(Persistence::Temporary))
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use test_case::test_case;
    use url::Url;

    use super::*;

    type Pairs = &'static [(&'static str, &'static str)];

    fn headers(pairs: Pairs) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                let name = HeaderName::from_static(name);
                (name, HeaderValue::from_static(value))
            })
            .collect()
    }

    /// Four of ten bytes are here, of the version `a`.
    fn state() -> State {
        let url = Url::parse("https://h/f").unwrap();
        State::of(&url, &headers(&[("etag", "\"a\"")]), Some(10))
    }

    fn name(verdict: &Verdict) -> &'static str {
        match verdict {
            Verdict::Append { .. } => "append",
            Verdict::Restart { .. } => "restart",
            Verdict::Discard(_) => "discard",
            Verdict::Refuse(_) => "refuse",
        }
    }

    #[test_case(206, &[("content-range", "bytes 4-9/10"), ("content-length", "6")], "append")]
    #[test_case(206, &[("content-range", "bytes 4-9/*")], "append"; "total unknown")]
    #[test_case(206, &[("content-range", "bytes 4-6/10")], "append"; "a piece of the rest")]
    #[test_case(206, &[("content-range", "bytes 3-9/10")], "discard"; "another start")]
    #[test_case(206, &[("content-range", "bytes 4-10/11")], "discard"; "another total")]
    #[test_case(206, &[("content-range", "bytes 4-9/10"), ("etag", "\"b\"")], "discard"; "another version")]
    #[test_case(206, &[("content-range", "bytes 4-9/10"), ("content-length", "5")], "discard"; "another length")]
    #[test_case(206, &[("content-range", "bytes 4-9")], "discard"; "malformed")]
    #[test_case(206, &[], "discard"; "no range")]
    #[test_case(206, &[("content-type", "multipart/byteranges; boundary=x"), ("content-range", "bytes 4-9/10")], "discard"; "several ranges")]
    #[test_case(200, &[("content-length", "10")], "restart"; "range ignored")]
    #[test_case(200, &[("content-encoding", "gzip")], "refuse"; "packed")]
    #[test_case(204, &[], "refuse"; "no content")]
    fn with_a_part_here(status: u16, pairs: Pairs, expected: &str) {
        let status = StatusCode::from_u16(status).unwrap();
        let verdict = judge(status, &headers(pairs), 4, Some(&state()));
        assert_eq!(name(&verdict), expected, "{verdict:?}");
    }

    #[test]
    fn a_part_that_nobody_asked_for_is_refused() {
        let headers = headers(&[("content-range", "bytes 0-9/10")]);
        let verdict = judge(StatusCode::PARTIAL_CONTENT, &headers, 0, None);
        assert_eq!(name(&verdict), "refuse");
    }

    #[test_case(10, &[("content-range", "bytes */10")], true)]
    #[test_case(9, &[("content-range", "bytes */9")], false; "another total")]
    #[test_case(10, &[("content-range", "bytes */10"), ("etag", "\"b\"")], false; "another version")]
    #[test_case(10, &[], false; "nothing said")]
    fn unsatisfied(have: u64, pairs: Pairs, expected: bool) {
        assert_eq!(is_whole(&headers(pairs), have, &state()), expected);
    }
}

//! Paging: `pageSize` and `pageToken` in, an opaque token out. The token holds the position after
//! which the next page starts, so that a deletion between pages neither skips nor repeats.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::gemini::errors::ApiError;

/// The largest page the service gives.
const MOST: usize = 1000;

/// The page that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) size: usize,
    /// The position of the last item already given.
    pub(crate) after: Option<u64>,
}

impl Request {
    pub(crate) fn read(query: &[(String, String)], default: usize) -> Result<Self, ApiError> {
        let value = |names: [&str; 2]| {
            let pair = query
                .iter()
                .find(|(name, _)| names.contains(&name.as_str()));
            pair.map(|(_, value)| value.as_str())
                .filter(|value| !value.is_empty())
        };
        let size = match value(["pageSize", "page_size"]) {
            None => default,
            Some(text) => match text.parse::<i32>() {
                Ok(0) => default,
                Ok(size) if size > 0 => (size as usize).min(MOST),
                _ => {
                    return Err(ApiError::bad_request(
                        "page_size",
                        format!("Invalid value at 'page_size' (TYPE_INT32), \"{text}\""),
                    ));
                }
            },
        };
        let after = match value(["pageToken", "page_token"]) {
            None => None,
            Some(token) => Some(
                read_token(token)
                    .ok_or_else(|| ApiError::bad_request("page_token", "Invalid page token."))?,
            ),
        };
        Ok(Self { size, after })
    }
}

/// The token for the page after `position`.
pub(crate) fn token(position: u64) -> String {
    URL_SAFE_NO_PAD.encode(format!("after:{position}"))
}

fn read_token(token: &str) -> Option<u64> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    std::str::from_utf8(&bytes)
        .ok()?
        .strip_prefix("after:")?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Request, ApiError> {
        let query: Vec<_> = pairs
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect();
        Request::read(&query, 50)
    }

    #[test]
    fn sizes_are_bounded_and_tokens_round_trip() {
        assert_eq!(read(&[]).map(|p| p.size), Ok(50));
        assert_eq!(read(&[("page_size", "5000")]).map(|p| p.size), Ok(1000));
        let token = token(7);
        assert_eq!(read(&[("pageToken", &token)]).map(|p| p.after), Ok(Some(7)));
    }

    #[test]
    fn nonsense_is_refused() {
        for pair in [
            ("pageSize", "-1"),
            ("pageSize", "x"),
            ("pageToken", "x"),
            ("pageToken", "é"),
        ] {
            assert_eq!(read(&[pair]).expect_err("refused").code(), 400);
        }
    }
}

//! An upload that was opened, in a form that can be saved: where it goes, and which content it
//! is for. Whoever has the address can write to the upload, so it shows nowhere but when saved.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

use crate::error::Error;
use crate::transfer::Fingerprint;

/// The largest unit of chunk sizes that is taken from a server: 256 MiB.
const MAX_GRANULARITY: u64 = 256 * 1024 * 1024;

/// An open upload, to go on with in this process or in another.
///
/// It can be saved as JSON or in any other format of serde. What is saved holds the upload's
/// address, and whoever reads that can write to the upload until it is finished: keep it like a
/// password. `Debug` does not show it.
///
/// How long an open upload is kept is the server's affair; Cloud Storage keeps one for a week.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UploadSession {
    #[serde(serialize_with = "write_url", deserialize_with = "read_url")]
    url: Url,
    granularity_bytes: u64,
    content: Fingerprint,
}

impl UploadSession {
    pub(super) fn new(url: Url, granularity_bytes: u64, content: Fingerprint) -> Self {
        Self {
            url,
            granularity_bytes,
            content,
        }
    }

    /// Size and identity of the content the upload was opened for.
    pub fn content(&self) -> &Fingerprint {
        &self.content
    }

    /// What the size of every chunk but the last must be a multiple of, in bytes.
    pub fn granularity_bytes(&self) -> u64 {
        self.granularity_bytes
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// The size of chunks: the one wished for, or else the smallest that fits and is not below
    /// `default`.
    pub(super) fn chunk_bytes(&self, wish: Option<u64>, default: u64) -> Result<u64, Error> {
        let unit = self.granularity_bytes.max(1);
        if unit > MAX_GRANULARITY {
            return Err(Error::transfer(format!(
                "server wants chunks of {unit} bytes, more than {MAX_GRANULARITY}"
            )));
        }
        match wish {
            Some(wish) if wish == 0 || !wish.is_multiple_of(unit) => {
                let fitting = wish
                    .checked_next_multiple_of(unit)
                    .unwrap_or(unit)
                    .max(unit);
                Err(Error::invalid(
                    "chunk_bytes",
                    format!(
                        "{wish} is no multiple of the server's unit of {unit} bytes; use {fitting}"
                    ),
                ))
            }
            Some(wish) => Ok(wish),
            None => Ok(default.next_multiple_of(unit)),
        }
    }
}

/// Shows host and content only.
impl fmt::Debug for UploadSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadSession")
            .field("host", &self.url.host_str())
            .field("granularity_bytes", &self.granularity_bytes)
            .field("content", &self.content)
            .finish_non_exhaustive()
    }
}

fn write_url<S: Serializer>(url: &Url, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(url.as_str())
}

fn read_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    let text = String::deserialize(deserializer)?;
    // The text must not show in the error.
    Url::parse(&text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .ok_or_else(|| serde::de::Error::custom("`url` is not an http or https address"))
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    fn session(granularity: u64) -> UploadSession {
        let url = Url::parse("https://h.example/SECRET?upload_id=SECRET").unwrap();
        UploadSession::new(url, granularity, Fingerprint::new(Some(5), "m"))
    }

    #[test]
    fn it_survives_saving_and_shows_no_address() {
        let session = session(256);
        let saved = serde_json::to_string(&session).unwrap();
        assert_eq!(
            serde_json::from_str::<UploadSession>(&saved).unwrap(),
            session
        );
        let debug = format!("{session:?}");
        assert!(!debug.contains("SECRET"), "{debug}");
        assert!(debug.contains("h.example"), "{debug}");
    }

    #[test]
    fn a_spoilt_address_is_refused_and_not_repeated() {
        let saved = serde_json::to_string(&session(1)).unwrap();
        let spoilt = saved.replace("https://h.example", "file://SECRET");
        let error = serde_json::from_str::<UploadSession>(&spoilt).unwrap_err();
        assert!(!error.to_string().contains("SECRET"), "{error}");
    }

    #[test_case(1, None, 8; "nothing wished for")]
    #[test_case(3, None, 9; "rounded up")]
    #[test_case(4, Some(12), 12)]
    fn chunk_sizes(unit: u64, wish: Option<u64>, expected: u64) {
        assert_eq!(session(unit).chunk_bytes(wish, 8).unwrap(), expected);
    }

    #[test_case(4, 10, "use 12")]
    #[test_case(4, 0, "use 4")]
    #[test_case(4, u64::MAX, "use 4"; "no overflow")]
    fn a_chunk_size_that_does_not_fit_is_named_with_one_that_does(unit: u64, wish: u64, fix: &str) {
        let error = session(unit).chunk_bytes(Some(wish), 8).unwrap_err();
        assert_eq!(error.field(), Some("chunk_bytes"));
        assert!(error.to_string().ends_with(fix), "{error}");
    }

    #[test]
    fn a_server_cannot_make_us_use_up_all_memory() {
        assert!(session(u64::MAX).chunk_bytes(None, 8).is_err());
    }
}

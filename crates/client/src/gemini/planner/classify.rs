//! What an error says about a context cache. Pure.

use std::time::Duration;

use gimmal_transport::Error;

/// Why a cache could not be created, as far as it changes what happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CreateFailure {
    /// The prefix is smaller than the service's minimum, which the error states.
    TooSmall {
        /// The service's count of the prefix.
        total: u32,
        /// The service's minimum.
        min: u32,
    },
    /// The account has no room for caches of this model.
    NoStorage,
    /// Too many requests; creating may work later.
    RateLimited(Option<Duration>),
    /// The backend has no such resource.
    BackendUnsupported,
    /// The key is wrong: generating would fail too.
    Unauthenticated,
    /// The service refuses this content; trying again will not help.
    Rejected,
    /// The service failed or did not answer.
    Unavailable,
}

impl CreateFailure {
    /// Reads an error of `cachedContents.create`.
    pub fn of(error: &Error) -> Self {
        let message = message(error);
        let status = error.status().map_or(0, |status| status.as_u16());
        if error.is_authentication() {
            return Self::Unauthenticated;
        }
        match status {
            400 => match minimum(&message) {
                Some((total, min)) => Self::TooSmall { total, min },
                None => Self::Rejected,
            },
            429 if message.contains("CachedContentStorageTokens") => Self::NoStorage,
            429 => Self::RateLimited(error.retry_after()),
            404 if names_resource(&message) => Self::Rejected,
            404 => Self::BackendUnsupported,
            // The service gave up waiting, or gave up the work: nothing is known of the outcome.
            408 | 409 | 499 => Self::Unavailable,
            401..500 => Self::Rejected,
            _ if status == 0 && error.field().is_some() => Self::Rejected,
            _ => Self::Unavailable,
        }
    }

    /// True when a second attempt might bill a second cache: the first may have succeeded.
    pub fn is_ambiguous(self) -> bool {
        self == Self::Unavailable
    }

    /// How long not to try again, after so many failures in a row.
    pub(super) fn pause(self, failures: u32) -> Duration {
        const MINUTE: Duration = Duration::from_secs(60);
        match self {
            Self::TooSmall { .. } | Self::Rejected | Self::NoStorage => 60 * MINUTE,
            Self::BackendUnsupported => 10 * MINUTE,
            Self::RateLimited(hint) => hint.unwrap_or(MINUTE / 2).min(60 * MINUTE),
            Self::Unauthenticated => Duration::ZERO,
            Self::Unavailable => (MINUTE / 2
                * 2_u32.saturating_pow(failures.saturating_sub(1).min(10)))
            .min(10 * MINUTE),
        }
    }

    /// A stable name for statistics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooSmall { .. } => "too_small",
            Self::NoStorage => "no_storage",
            Self::RateLimited(_) => "rate_limited",
            Self::BackendUnsupported => "backend_unsupported",
            Self::Unauthenticated => "unauthenticated",
            Self::Rejected => "rejected",
            Self::Unavailable => "unavailable",
        }
    }
}

/// True when an error of a request that read from a cache says that the cache is gone.
///
/// A missing model or file, or a request that mixes a cache with instructions, is not that.
pub fn is_cache_lost(error: &Error) -> bool {
    let text: String = message(error).to_ascii_lowercase();
    let squeezed: String = text
        .chars()
        .filter(|letter| !letter.is_whitespace())
        .collect();
    let of_cache = squeezed.contains("cachedcontent") || squeezed.contains("cachecontent");
    let of_mix = squeezed.contains("systeminstruction") || squeezed.contains("system_instruction");
    match error.status().map(|status| status.as_u16()) {
        Some(403 | 404) => of_cache && !of_mix,
        Some(400) => {
            let gone = squeezed.contains("expired") || squeezed.contains("notfound");
            of_cache && !of_mix && gone
        }
        _ => false,
    }
}

/// True when a 404 is about something the request mentions and not about the call itself.
fn names_resource(message: &str) -> bool {
    let text = message.to_ascii_lowercase();
    text.contains("file") || text.contains("model")
}

fn message(error: &Error) -> String {
    error
        .rpc_status()
        .and_then(|status| status.message.clone())
        .unwrap_or_default()
}

/// The service's count and minimum in the texts of the developer API and of Vertex.
fn minimum(message: &str) -> Option<(u32, u32)> {
    let number_after = |mark: &str| -> Option<u32> {
        let rest = message[message.find(mark)? + mark.len()..].trim_start();
        let digits = rest
            .find(|letter: char| !letter.is_ascii_digit())
            .unwrap_or(rest.len());
        rest[..digits].parse().ok()
    };
    let developer = || {
        Some((
            number_after("total_token_count=")?,
            number_after("min_total_token_count=")?,
        ))
    };
    let vertex = || {
        let total = number_after("cached content is of ")?;
        Some((
            total,
            number_after("minimum token count to start caching is ")?,
        ))
    };
    developer().or_else(vertex)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};

    use super::*;

    fn error(status: u16, message: &str) -> Error {
        let body = serde_json::json!({"error": {"code": status, "message": message}}).to_string();
        Error::from_response(
            StatusCode::from_u16(status).unwrap(),
            HeaderMap::new(),
            Bytes::from(body),
        )
    }

    #[test]
    fn the_minimum_is_learnt_from_both_texts() {
        let developer = error(
            400,
            "Cached content is too small. total_token_count=1221, min_total_token_count=2048",
        );
        assert_eq!(
            CreateFailure::of(&developer),
            CreateFailure::TooSmall {
                total: 1221,
                min: 2048
            }
        );
        let vertex = error(
            400,
            "The cached content is of 151 tokens. The minimum token count to start caching is 1024.",
        );
        assert_eq!(
            CreateFailure::of(&vertex),
            CreateFailure::TooSmall {
                total: 151,
                min: 1024
            }
        );
    }

    #[test]
    fn failures_are_told_apart() {
        let free_tier = "TotalCachedContentStorageTokensPerModelFreeTier limit exceeded for model \
            gemini-2.5-flash: limit=0, requested=10158";
        for (status, message, class) in [
            (429, free_tier, CreateFailure::NoStorage),
            (
                429,
                "Resource has been exhausted",
                CreateFailure::RateLimited(None),
            ),
            (
                404,
                "Requested entity was not found.",
                CreateFailure::BackendUnsupported,
            ),
            (404, "File abc not found", CreateFailure::Rejected),
            (
                404,
                "models/x is not found for API version v1",
                CreateFailure::Rejected,
            ),
            (408, "", CreateFailure::Unavailable),
            (401, "who are you", CreateFailure::Unauthenticated),
            (
                400,
                "Requests ending with a model turn are not supported",
                CreateFailure::Rejected,
            ),
            (503, "busy", CreateFailure::Unavailable),
        ] {
            assert_eq!(
                CreateFailure::of(&error(status, message)),
                class,
                "{message}"
            );
        }
    }

    #[test]
    fn a_lost_cache_is_recognised_and_nothing_else() {
        for (status, message) in [
            (403, "CachedContent not found (or permission denied)"),
            (404, "Not found: cached content metadata for 12."),
            (400, "Cache content 12 is expired"),
        ] {
            assert!(is_cache_lost(&error(status, message)), "{message}");
        }
        for (status, message) in [
            (404, "models/x is not found for API version v1"),
            (403, "You do not have permission to access the File abc"),
            (
                400,
                "CachedContent can not be used with GenerateContent request setting system_instruction",
            ),
            (
                400,
                "Model used by GenerateContent request and CachedContent has to be the same.",
            ),
            (500, "CachedContent not found"),
        ] {
            assert!(!is_cache_lost(&error(status, message)), "{message}");
        }
    }

    #[test]
    fn no_hint_of_the_server_silences_a_key_for_ever() {
        let absurd = CreateFailure::RateLimited(Some(Duration::MAX));
        assert_eq!(absurd.pause(1), Duration::from_secs(3600));
    }

    #[test]
    fn pauses_double_up_to_ten_minutes() {
        let pauses: Vec<u64> = (1..8)
            .map(|failures| CreateFailure::Unavailable.pause(failures).as_secs())
            .collect();
        assert_eq!(pauses, [30, 60, 120, 240, 480, 600, 600]);
    }
}

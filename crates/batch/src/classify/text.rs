//! The last resort: what a message says when there is no status. A number counts only as a word of
//! its own, so that "item 4291" is not a 429.

use super::super::Category;

/// True when `pattern` stands in `text`; a pattern of digits only as a word.
fn says(text: &str, pattern: &str) -> bool {
    if !pattern.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.contains(pattern);
    }
    text.split(|c: char| !c.is_alphanumeric())
        .any(|word| word == pattern)
}

fn says_any(text: &str, patterns: &[&str]) -> bool {
    patterns.iter().any(|pattern| says(text, pattern))
}

const RATE_LIMIT: &[&str] = &["429", "resource_exhausted", "quota exceeded", "rate limit"];
const OVERLOAD: &[&str] = &["503", "unavailable", "overloaded", "high demand"];

/// A 429: too many requests, or an account without credit.
pub(super) fn of_429(body: &str) -> Category {
    if body.contains("insufficient_quota") {
        Category::InsufficientBalance
    } else {
        Category::RateLimit
    }
}

/// True when a refusal says that the context cache expired or is not there.
pub(super) fn is_cache_gone(status: Option<u16>, message: &str) -> bool {
    let text = message.to_lowercase();
    let expired = text.contains("cache") && text.contains("expired");
    let missing = || {
        let text: String = text.split_whitespace().collect();
        matches!(status, Some(403 | 404)) && text.contains("cachedcontent")
    };
    (expired && matches!(status, None | Some(400 | 403 | 404))) || missing()
}

/// Any service.
pub(super) fn generic(message: &str) -> Category {
    let text = message.to_lowercase();
    match () {
        () if text.contains("insufficient_quota") => Category::InsufficientBalance,
        () if says_any(&text, RATE_LIMIT) => Category::RateLimit,
        () if says(&text, "timeout") => Category::ApiTimeout,
        () if says(&text, "connection") => Category::ConnectionError,
        () => Category::Unknown,
    }
}

/// Gemini.
pub(super) fn gemini(message: &str) -> Category {
    let text = message.to_lowercase();
    match () {
        () if text.contains("insufficient_quota") => Category::InsufficientBalance,
        () if says_any(&text, RATE_LIMIT) => Category::RateLimit,
        () if says_any(&text, OVERLOAD) => Category::ServerOverload,
        () if says_any(&text, &["timeout", "504", "deadline"]) => Category::ServerTimeout,
        () => Category::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Covers: AC-ER-2
    #[test]
    fn a_number_counts_only_as_a_word() {
        assert_eq!(gemini("order 4291 failed"), Category::Unknown);
        assert_eq!(generic("order 4291 failed"), Category::Unknown);
        assert_eq!(gemini("HTTP 429"), Category::RateLimit);
        assert_eq!(gemini("the model is overloaded"), Category::ServerOverload);
    }

    #[test]
    fn a_cache_is_gone_only_where_the_service_says_so() {
        let expired = "Cache content 42 is expired.";
        for status in [None, Some(400), Some(403), Some(404)] {
            assert!(is_cache_gone(status, expired), "{status:?}");
        }
        assert!(!is_cache_gone(Some(500), expired));
        let missing = "CachedContent not found (or permission denied)";
        assert!(is_cache_gone(Some(403), missing));
        assert!(is_cache_gone(Some(404), "cached Content x not found"));
        assert!(!is_cache_gone(Some(400), missing));
    }
}

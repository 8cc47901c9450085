//! How calls are sent: the record by which the official SDKs set address, headers, limits and
//! retries. It only holds what was said; sending is the transport's.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use super::redacted::has;

wire! {
    /// How calls are sent, for a whole client or for some of its calls.
    ///
    /// What is not set is taken from the next outer layer.
    pub struct HttpOptions {
        /// The address that takes the place of the service's own: a proxy, a gateway, an emulator.
        pub base_url: Option<String>,
        /// What the address stands for; needs `base_url`.
        pub base_url_resource_scope: Option<ResourceScope>,
        /// The version in paths, such as `v1beta`; an empty text leaves it out.
        pub api_version: Option<String>,
        /// Headers for every request.
        pub headers: BTreeMap<String, String>,
        /// How long one attempt may take, in milliseconds; 0 is no limit. Of a stream it limits
        /// each silence. The server is told in the header `x-server-timeout`.
        pub timeout: Option<i64>,
        /// Members to add to the JSON body of every request.
        pub extra_body: Option<Map<String, Value>>,
        /// When and how often to try again.
        pub retry_options: Option<Box<HttpRetryOptions>>,
    }

    /// When and how often a request is tried again.
    ///
    /// Before attempt n + 1 the wait is
    /// `min(initial_delay * exp_base^(n - 1) + U(0, jitter), max_delay)`, or longer where the
    /// server asks for it.
    #[derive(Debug)]
    pub struct HttpRetryOptions {
        /// How often a request is sent at most, the first time included; 5 when absent, and 0 is 1.
        pub attempts: Option<i32>,
        /// The first wait, in seconds; 1 when absent.
        pub initial_delay: Option<f64>,
        /// The longest wait, in seconds; 60 when absent.
        pub max_delay: Option<f64>,
        /// What each wait is multiplied by; 2 when absent.
        pub exp_base: Option<f64>,
        /// The most that chance adds to a wait, in seconds; 1 when absent.
        pub jitter: Option<f64>,
        /// The statuses that are tried again; 408, 429, 500, 502, 503 and 504 when absent.
        pub http_status_codes: Vec<i32>,
    }
}

open_enum! {
    /// What a base URL stands for.
    pub enum ResourceScope {
        /// The place of the collections: neither version nor project is put between the address
        /// and the path of a collection.
        Collection = "COLLECTION",
    }
}

/// Shows names of headers only, and of the extra body no more than that there is one.
impl fmt::Debug for HttpOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("HttpOptions")
            .field("base_url", &has(self.base_url.is_some()))
            .field("base_url_resource_scope", &self.base_url_resource_scope)
            .field("api_version", &self.api_version)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("timeout", &self.timeout)
            .field("extra_body", &has(self.extra_body.is_some()))
            .field("retry_options", &self.retry_options)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_spellings_are_read_and_secrets_do_not_show() {
        let options: HttpOptions = serde_json::from_value(json!({
            "base_url": "https://user:secret@gw/",
            "baseUrlResourceScope": "COLLECTION",
            "headers": {"x-token": "secret"},
            "extra_body": {"prompt": "secret"},
            "retryOptions": {"attempts": 3, "http_status_codes": [429]},
        }))
        .unwrap();
        assert_eq!(
            options.base_url_resource_scope,
            Some(ResourceScope::Collection)
        );
        let retry = options.retry_options.as_deref().unwrap();
        assert_eq!(
            (retry.attempts, &retry.http_status_codes[..]),
            (Some(3), &[429][..])
        );
        let debug = format!("{options:?}");
        assert!(
            debug.contains("x-token") && !debug.contains("secret"),
            "{debug}"
        );
    }
}

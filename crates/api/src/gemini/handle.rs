//! The handle that the endpoint functions hang on: a transport and an address, nothing else.

use std::sync::Arc;

use gimmal_transport::{CallOptions, Transport};
use http::header::USER_AGENT;
use http::{HeaderName, HeaderValue};

use super::Endpoint;

/// Sends the calls of the Gemini API. Clones share the transport.
#[derive(Clone, Debug)]
pub struct Gemini {
    transport: Transport,
    endpoint: Arc<Endpoint>,
}

impl Gemini {
    /// Binds a transport, which holds the credentials, to an address.
    pub fn new(transport: Transport, endpoint: Endpoint) -> Self {
        Self {
            transport,
            endpoint: Arc::new(endpoint),
        }
    }

    /// The same service under another address or with other options; what they leave open stays as
    /// it is. Connections, credentials and limits are shared.
    #[must_use]
    pub fn with(&self, endpoint: Endpoint, options: &CallOptions) -> Self {
        Self::new(self.transport.with_options(options), endpoint)
    }

    /// These options with a note to the service how the library is used, such as `chat`: glued to
    /// the name of the library, `gimmal/0.1.0+chat gl-rust/…`.
    pub fn with_usage(&self, options: &CallOptions, usage: &str) -> CallOptions {
        let given = options.or(self.transport.options());
        let mut noted = options.clone();
        for (name, own) in default_headers() {
            let value = given.headers().get(&name).unwrap_or(&own).to_str();
            let value = value.unwrap_or_default();
            if value.contains(&format!("+{usage}")) {
                continue;
            }
            let value = value.replacen(PRODUCT, &format!("{PRODUCT}+{usage}"), 1);
            if let Ok(value) = HeaderValue::try_from(value) {
                noted = noted.with_header(name, value);
            }
        }
        noted
    }

    /// Where requests go.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// What sends them.
    pub fn transport(&self) -> &Transport {
        &self.transport
    }

    pub(crate) fn shared_endpoint(&self) -> Arc<Endpoint> {
        Arc::clone(&self.endpoint)
    }
}

/// The product, as Google's APIs know a client library.
const PRODUCT: &str = concat!("gimmal/", env!("CARGO_PKG_VERSION"));
const LANGUAGE: &str = concat!("gl-rust/", env!("CARGO_PKG_RUST_VERSION"));
const API_CLIENT: HeaderName = HeaderName::from_static("x-goog-api-client");

/// The headers by which Google's APIs know a client library; set them on the transport.
///
/// The shape follows the official SDKs: `{name}/{version} gl-{language}/{version}`.
pub fn default_headers() -> [(HeaderName, HeaderValue); 2] {
    const LABEL: &str = concat!(
        "gimmal/",
        env!("CARGO_PKG_VERSION"),
        " gl-rust/",
        env!("CARGO_PKG_RUST_VERSION")
    );
    let label = HeaderValue::from_static(LABEL);
    [(USER_AGENT, label.clone()), (API_CLIENT, label)]
}

/// What a header of the caller's becomes that names the client: the library's own name with the
/// caller's behind it. `None` for any other header.
pub fn client_header(name: &HeaderName, value: &str) -> Option<String> {
    if *name != USER_AGENT && *name != API_CLIENT {
        return None;
    }
    Some(if value.contains(PRODUCT) {
        value.to_owned()
    } else {
        format!("{PRODUCT} {LANGUAGE} {value}")
    })
}

#[cfg(test)]
mod tests {
    use gimmal_transport::testing::ScriptedTransport;

    use super::*;

    #[test]
    fn uses_are_glued_to_the_name() {
        let own = HeaderValue::try_from(format!("{PRODUCT} {LANGUAGE} caller/2.0")).unwrap();
        let transport = Transport::builder()
            .with_http(Arc::new(ScriptedTransport::new([])))
            .with_options(CallOptions::new().with_header(USER_AGENT, own))
            .build()
            .unwrap();
        let gemini = Gemini::new(transport, Endpoint::gemini_api().build().unwrap());
        let options = gemini.with_usage(&CallOptions::new(), "chat");
        let options = gemini.with_usage(&gemini.with_usage(&options, "afc"), "chat");
        let shown = |name: &HeaderName| options.headers()[name].to_str().unwrap().to_owned();
        let label = format!("{PRODUCT}+afc+chat {LANGUAGE}");
        assert_eq!(shown(&API_CLIENT), label);
        assert_eq!(shown(&USER_AGENT), format!("{label} caller/2.0"));
        let other = HeaderName::from_static("x-other");
        assert_eq!(client_header(&other, "a"), None);
    }
}

//! The handle that the endpoint functions hang on: a transport and an address, nothing else.

use std::sync::Arc;

use gimmal_transport::Transport;
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
    [
        (http::header::USER_AGENT, label.clone()),
        (HeaderName::from_static("x-goog-api-client"), label),
    ]
}

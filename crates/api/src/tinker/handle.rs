//! The handle that the endpoint functions hang on: a transport and an address, nothing else.

use std::sync::Arc;

use gimmal_transport::{CallOptions, Error, Request, Response, Transport};
use serde::de::DeserializeOwned;

use super::Endpoint;
use super::options::Manner;

/// Sends the calls of the Tinker API. Clones share the transport.
///
/// The transport holds the credentials, in the header [`API_KEY`](super::API_KEY), and should have
/// the options that [`default_options`](super::default_options) gives.
#[derive(Clone, Debug)]
pub struct Tinker {
    transport: Transport,
    endpoint: Arc<Endpoint>,
}

impl Tinker {
    /// Binds a transport to an address.
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

    /// Sends a request and reads the reply as JSON.
    pub(super) async fn read<T: DeserializeOwned + Send>(
        &self,
        request: Request,
        manner: Manner,
        options: &CallOptions,
    ) -> Result<Response<T>, Error> {
        self.transport
            .send_json(request, &manner.options(options))
            .await
    }

    /// Sends a request whose reply says nothing.
    pub(super) async fn tell(
        &self,
        request: Request,
        manner: Manner,
        options: &CallOptions,
    ) -> Result<Response<()>, Error> {
        let reply = self
            .transport
            .send(request, &manner.options(options))
            .await?;
        Ok(reply.map(drop))
    }
}

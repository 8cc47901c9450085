//! One call over the network, by the transport and by the bare HTTP client. Both send the same
//! headers and the same body, and read the reply to its end.

use bytes::Bytes;
use gimmal_transport::{CallOptions, Transport};
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE};
use url::Url;

use crate::full;

/// Who makes the call.
pub(crate) enum Side {
    Ours {
        transport: Transport,
        options: Box<CallOptions>,
        url: String,
        body: Bytes,
    },
    Bare {
        client: reqwest::Client,
        url: String,
        body: Bytes,
    },
}

impl Side {
    /// The transport with everything on, and the bare client.
    pub(crate) fn both(url: &str, body_bytes: usize) -> [Self; 2] {
        let body = Bytes::from("x".repeat(body_bytes));
        let ours = Self::Ours {
            transport: full::builder(url).build().expect("a transport"),
            options: Box::new(full::options()),
            url: url.to_owned(),
            body: body.clone(),
        };
        let bare = Self::Bare {
            client: reqwest::Client::new(),
            url: url.to_owned(),
            body,
        };
        [ours, bare]
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Ours { .. } => "gimmal-transport",
            Self::Bare { .. } => "bare reqwest",
        }
    }

    /// Makes one call.
    pub(crate) async fn call(&self) -> Bytes {
        match self {
            Self::Ours {
                transport,
                options,
                url,
                body,
            } => {
                // The bare client reads the address for each call as well.
                let url = Url::parse(url).expect("an address");
                let request = full::request(url, body.clone());
                let reply = transport.send(request, options).await;
                reply.expect("a reply").into_body()
            }
            Self::Bare { client, url, body } => {
                let request = client
                    .post(url)
                    .header(CONTENT_TYPE, full::JSON)
                    .header(ACCEPT, full::JSON)
                    // The transport asks for what it can unpack.
                    .header(ACCEPT_ENCODING, "gzip, deflate")
                    .header(full::KEY, "secret")
                    .header(full::CLIENT, "gimmal")
                    .header(full::CALL, "1")
                    .header(full::ATTEMPT, "1")
                    .body(body.clone());
                let reply = request.send().await.expect("a reply");
                reply.bytes().await.expect("a body")
            }
        }
    }
}

//! A server on the loopback interface that speaks HTTP/1.1 or HTTP/2, with TLS or without, and
//! tells what it saw.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use gimmal_transport::{HttpConfig, NeverRetry, Transport};
use http::{HeaderMap, Method, Request, Response, Uri, Version};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use url::Url;

pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;
type Answer = Arc<dyn Fn(Seen) -> BoxFuture<'static, Response<Body>> + Send + Sync>;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// The connection it came over, counted from 1.
    pub(crate) connection: u32,
    pub(crate) version: Version,
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What a server offers.
#[derive(Clone, Default)]
pub(crate) struct Offer {
    tls: Option<TlsAcceptor>,
    http2: bool,
}

impl Offer {
    /// HTTP/2 without TLS.
    pub(crate) fn http2() -> Self {
        Self {
            tls: None,
            http2: true,
        }
    }

    /// TLS with these protocols, under a certificate of `authority`.
    pub(crate) fn tls(authority: &Authority, protocols: &[&str]) -> Self {
        let certificate = &authority.certificate;
        let config = ServerConfig::builder_with_provider(Arc::new(
            rustls::crypto::aws_lc_rs::default_provider(),
        ))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.0.clone()],
            PrivateKeyDer::try_from(certificate.1.serialize_der()).unwrap(),
        );
        let mut config = config.unwrap();
        config.alpn_protocols = protocols.iter().map(|it| it.as_bytes().to_vec()).collect();
        Self {
            tls: Some(TlsAcceptor::from(Arc::new(config))),
            http2: false,
        }
    }
}

/// A certificate authority nobody knows, and what it says about 127.0.0.1.
pub(crate) struct Authority {
    pub(crate) pem: String,
    certificate: (rustls::pki_types::CertificateDer<'static>, KeyPair),
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names = vec!["127.0.0.1".to_owned()];
        let certificate = CertificateParams::new(names).unwrap();
        let certificate = certificate.signed_by(&key, &issuer).unwrap();
        Self {
            pem: issuer.pem(),
            certificate: (certificate.der().clone(), key),
        }
    }
}

pub(crate) struct Loopback {
    pub(crate) address: SocketAddr,
    scheme: &'static str,
    seen: UnboundedReceiver<Seen>,
}

impl Loopback {
    /// A server that answers everything with `ok`.
    pub(crate) async fn start(offer: Offer) -> Self {
        Self::answering(offer, |_| async { ok("ok") }.boxed()).await
    }

    pub(crate) async fn answering(
        offer: Offer,
        answer: impl Fn(Seen) -> BoxFuture<'static, Response<Body>> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let scheme = if offer.tls.is_some() { "https" } else { "http" };
        let (sender, seen) = unbounded_channel();
        let answer: Answer = Arc::new(answer);
        tokio::spawn(async move {
            for connection in 1.. {
                let (stream, _) = listener.accept().await.unwrap();
                let (offer, answer) = (offer.clone(), Arc::clone(&answer));
                let sender = sender.clone();
                tokio::spawn(async move {
                    let Some(tls) = offer.tls else {
                        return serve(stream, offer.http2, connection, sender, answer).await;
                    };
                    // A client that does not trust the certificate hangs up here.
                    if let Ok(stream) = tls.accept(stream).await {
                        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                        serve(stream, http2, connection, sender, answer).await;
                    }
                });
            }
        });
        Self {
            address,
            scheme,
            seen,
        }
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        Url::parse(&format!("{}://{}{path}", self.scheme, self.address)).unwrap()
    }

    /// The next request that arrived.
    pub(crate) async fn next(&mut self) -> Seen {
        real_limit(self.seen.recv()).await.unwrap()
    }

    /// True when no request has arrived that was not looked at.
    pub(crate) fn is_quiet(&mut self) -> bool {
        self.seen.try_recv().is_err()
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    http2: bool,
    connection: u32,
    sender: UnboundedSender<Seen>,
    answer: Answer,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let (sender, answer) = (sender.clone(), Arc::clone(&answer));
        async move {
            let (parts, body) = request.into_parts();
            let seen = Seen {
                connection,
                version: parts.version,
                method: parts.method,
                uri: parts.uri,
                headers: parts.headers,
                body: body.collect().await?.to_bytes(),
            };
            // A test that is over looks at nothing any more.
            let _ = sender.send(seen.clone());
            Ok::<_, hyper::Error>(answer(seen).await)
        }
    });
    let stream = TokioIo::new(stream);
    // How a connection ends is the client's business.
    let _ = if http2 {
        let server = http2::Builder::new(TokioExecutor::new());
        server.serve_connection(stream, service).await
    } else {
        let server = http1::Builder::new();
        server.serve_connection(stream, service).await
    };
}

/// A reply with this body.
pub(crate) fn ok(body: impl Into<Bytes>) -> Response<Body> {
    Response::new(Full::new(body.into()).boxed_unsync())
}

/// A transport that takes the straight way and one attempt.
pub(crate) fn direct(config: HttpConfig) -> Transport {
    Transport::builder()
        .with_http_config(config.with_no_proxy())
        .with_retry_policy(NeverRetry)
        .build()
        .unwrap()
}

pub(crate) fn get(url: Url) -> gimmal_transport::Request {
    gimmal_transport::Request::new(Method::GET, url)
}

/// Fails a test on the network that hangs, long before the runner loses patience.
pub(crate) async fn real_limit<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(30), future)
        .await
        .expect("the test hangs")
}

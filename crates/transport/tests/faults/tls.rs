//! TLS with servers that cannot show who they are. Nothing is sent to them, the request least of
//! all.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gimmal_transport::{Delivery, ErrorKind, HttpConfig, Persistence};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use test_case::test_case;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use url::Url;

use crate::harness::{Bench, Role, Tasks, Way, limited, options, plain, request};

/// What is wrong with the server's identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    /// The certificate is for another host.
    WrongName,
    /// Nobody has heard of who signed it.
    UnknownAuthority,
    /// Its time is over.
    Expired,
    /// It speaks no TLS at all.
    Plaintext,
}

struct Server {
    url: Url,
    /// Trusts the authority, unless that is the flaw.
    client: HttpConfig,
    connections: Arc<AtomicUsize>,
    handshakes: Arc<AtomicUsize>,
    running: AbortHandle,
}

impl Server {
    async fn start(flaw: Flaw) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let client = match flaw {
            Flaw::UnknownAuthority => plain(),
            _ => plain().with_only_root_certificates(issuer.pem()),
        };
        let name = match flaw {
            Flaw::WrongName => "api.example.com",
            _ => "127.0.0.1",
        };
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        if flaw == Flaw::Expired {
            params.not_before = date_time_ymd(2000, 1, 1);
            params.not_after = date_time_ymd(2001, 1, 1);
        }
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        let tls = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(tls));

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}/", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let handshakes = Arc::new(AtomicUsize::new(0));
        let (opened, shaken) = (Arc::clone(&connections), Arc::clone(&handshakes));
        let running = tokio::spawn(async move {
            loop {
                let (mut connection, _) = listener.accept().await.unwrap();
                opened.fetch_add(1, Ordering::SeqCst);
                if flaw == Flaw::Plaintext {
                    connection
                        .write_all(b"HTTP/1.1 400 No TLS\r\n\r\n")
                        .await
                        .ok();
                } else if acceptor.accept(connection).await.is_ok() {
                    shaken.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        Self {
            url: Url::parse(&url).unwrap(),
            client,
            connections,
            handshakes,
            running: running.abort_handle(),
        }
    }
}

#[test_case(Flaw::WrongName, Persistence::Permanent, 1)]
#[test_case(Flaw::UnknownAuthority, Persistence::Permanent, 1)]
#[test_case(Flaw::Expired, Persistence::Permanent, 1)]
#[test_case(Flaw::Plaintext, Persistence::Temporary, 5)]
#[tokio::test]
async fn no_connection_is_made(flaw: Flaw, persistence: Persistence, attempts: usize) {
    for way in [Way::Buffered, Way::Streamed] {
        refused(flaw, way, Role::Probe, persistence, 1).await;
        let in_the_end = if attempts > 1 {
            Persistence::Persistent
        } else {
            persistence
        };
        refused(flaw, way, Role::NotIdempotent, in_the_end, attempts).await;
    }
}

/// Makes one call, and asserts that nothing of it was sent.
async fn refused(flaw: Flaw, way: Way, role: Role, persistence: Persistence, attempts: usize) {
    limited(async {
        let tasks = Tasks::now();
        let server = Server::start(flaw).await;
        let bench = Bench::new(&server.url, role, server.client.clone());
        let (request, options) = (request(server.url.clone(), role), options(role));
        let error = match way {
            Way::Buffered => bench.transport.send(request, &options).await.unwrap_err(),
            Way::Streamed => bench
                .transport
                .open_events(request, &options)
                .await
                .unwrap_err(),
        };
        assert_eq!(error.kind(), ErrorKind::Connect, "{error:?}");
        assert_eq!(error.persistence(), persistence, "{error:?}");
        assert_eq!(error.delivery(), Delivery::NotSent);
        assert_eq!(error.attempts().len(), attempts);
        let shown = error.to_string();
        assert!(
            shown.starts_with("connection could not be made: "),
            "{shown}"
        );
        assert_eq!(server.connections.load(Ordering::SeqCst), attempts);
        assert_eq!(server.handshakes.load(Ordering::SeqCst), 0);
        bench.close_at_once();
        server.running.abort();
        tasks.are_gone().await;
    })
    .await;
}

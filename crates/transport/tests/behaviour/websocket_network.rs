//! WebSockets over the loopback interface, against the server half of the library: plain, over
//! TLS, and through a tunnel of a proxy.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use gimmal_transport::ws::{Message, WebSocket, WebSocketConfig};
use gimmal_transport::{
    BearerToken, CallOptions, CloseCode, Error, HttpConfig, HttpVersions, Proxy, Request, Transport,
};
use http::Method;
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request as Opening};
use url::Url;

/// Fails a test that hangs.
async fn limited<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future)
        .await
        .expect("the test hangs")
}

/// Answers with the token of the opening, then says everything back until the client closes.
async fn echo(io: impl AsyncRead + AsyncWrite + Unpin) {
    let mut token = String::new();
    // The shape is the library's.
    #[expect(clippy::result_large_err, reason = "the type of the callback is fixed")]
    let look = |opening: &Opening, answer| -> Result<_, ErrorResponse> {
        let value = opening.headers()["authorization"].to_str();
        token.push_str(value.unwrap_or_default());
        Ok(answer)
    };
    let socket = tokio_tungstenite::accept_hdr_async(io, look).await;
    let Ok(mut socket) = socket else { return };
    let _ = socket.send(token.into()).await;
    while let Some(Ok(message)) = socket.next().await {
        if message.is_text() || message.is_binary() {
            let _ = socket.send(message).await;
        }
    }
}

async fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// A server with a certificate of its own; its port, and the authority that vouches for it.
async fn tls_server() -> (u16, String) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let mut tls = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    // A server that would rather speak HTTP/2, as those of large services do.
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let (listener, port) = listen().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    echo(stream).await;
                }
            });
        }
    });
    (port, issuer.pem())
}

async fn open(config: HttpConfig, url: &str) -> Result<WebSocket, Error> {
    let transport = Transport::builder()
        .with_http_config(config)
        .with_credentials(BearerToken::new("TOKEN".into()))
        .build()?;
    let request = Request::new(Method::GET, Url::parse(url).unwrap());
    let (config, options) = (WebSocketConfig::default(), CallOptions::default());
    let opening = transport.open_websocket(request, &config, &options);
    Ok(limited(opening).await?.into_body())
}

/// Credentials arrive, both kinds of messages come back, and the end is in peace.
async fn exercise(mut socket: WebSocket) {
    let token = limited(socket.next()).await.unwrap().unwrap();
    assert_eq!(token.as_text(), Some("Bearer TOKEN"));
    let large = "é".repeat(1_000_000);
    for message in [Message::text(large), Message::binary(vec![0, 255])] {
        limited(socket.send(message.clone())).await.unwrap();
        assert_eq!(limited(socket.next()).await.unwrap().unwrap(), message);
    }
    let (sender, mut receiver) = socket.split();
    limited(sender.close(CloseCode::NORMAL, "done")).await;
    assert!(limited(receiver.next()).await.is_none());
}

#[tokio::test]
async fn over_plain_tcp() {
    let (listener, port) = listen().await;
    tokio::spawn(async move { echo(listener.accept().await.unwrap().0).await });
    let config = HttpConfig::default().with_no_proxy();
    let socket = open(config, &format!("ws://127.0.0.1:{port}/live")).await;
    exercise(socket.unwrap()).await;
}

#[tokio::test]
async fn over_tls_with_an_authority_of_ones_own_and_never_http2() {
    let (port, authority) = tls_server().await;
    let url = format!("wss://127.0.0.1:{port}/live");
    let config = HttpConfig::default()
        .with_no_proxy()
        .with_versions(HttpVersions::Http2PriorKnowledge)
        .with_only_root_certificates(authority);
    exercise(open(config, &url).await.unwrap()).await;
    let stranger = HttpConfig::default().with_no_proxy();
    let error = open(stranger, &url).await.unwrap_err();
    assert!(error.is_connect(), "{error:?}");
}

#[tokio::test]
async fn through_the_tunnel_of_a_proxy() {
    let (port, authority) = tls_server().await;
    let (proxy, proxy_port) = listen().await;
    let tunnel = tokio::spawn(async move {
        let (mut client, _) = proxy.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(client.read_u8().await.unwrap());
        }
        let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
        String::from_utf8(head).unwrap()
    });
    let config = HttpConfig::default()
        .with_only_root_certificates(authority)
        .with_proxy(Proxy::new(&format!("http://127.0.0.1:{proxy_port}")).unwrap());
    let socket = open(config, &format!("wss://127.0.0.1:{port}/live")).await;
    exercise(socket.unwrap()).await;
    let head = limited(tunnel).await.unwrap();
    assert!(
        head.starts_with(&format!("CONNECT 127.0.0.1:{port} ")),
        "{head}"
    );
    assert!(!head.contains("TOKEN"), "the proxy sees no credentials");
}

//! TLS with an identity made for the run: an authority that signs one certificate for loopback
//! addresses, and whose key is thrown away. Nothing of it is kept.

use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::{
    Accept, TlsAcceptor,
    rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer},
    server::TlsStream,
};

/// The names the certificate is for.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Who the server is.
pub(crate) struct Identity {
    acceptor: TlsAcceptor,
    authority: String,
}

impl Identity {
    /// Makes a new one.
    pub(crate) fn new() -> io::Result<Self> {
        Self::make().map_err(io::Error::other)
    }

    fn make() -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
        let name = "gimmal emulator, for this run alone";
        params.distinguished_name.push(DnType::CommonName, name);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(NAMES.map(str::to_owned))?;
        params.use_authority_key_identifier_extension = true;
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
        params.distinguished_name.push(DnType::CommonName, NAMES[0]);
        let certificate = params.signed_by(&key, &issuer)?;
        let key = PrivateKeyDer::try_from(key.serialize_der())?;
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()?
                .with_no_client_auth()
                .with_single_cert(vec![certificate.der().clone()], key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            authority: issuer.pem(),
        })
    }

    /// The certificate of the authority, in PEM.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// A connection over TLS. The handshake is made when it is first read, so that a client that
    /// is slow at it keeps nobody else waiting.
    pub(crate) fn accept(&self, stream: TcpStream) -> TlsConnection {
        TlsConnection {
            state: State::Greeting(self.acceptor.accept(stream)),
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

/// One connection over TLS.
pub(crate) struct TlsConnection {
    state: State,
}

enum State {
    Greeting(Accept<TcpStream>),
    Open(TlsStream<TcpStream>),
    Failed(io::ErrorKind),
}

impl TlsConnection {
    /// The connection below.
    pub(crate) fn tcp(&self) -> Option<&TcpStream> {
        match &self.state {
            State::Greeting(accept) => accept.get_ref(),
            State::Open(stream) => Some(stream.get_ref().0),
            State::Failed(_) => None,
        }
    }

    /// The stream, once the handshake is done.
    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<&mut TlsStream<TcpStream>>> {
        if let State::Greeting(accept) = &mut self.state {
            self.state = match ready!(Pin::new(accept).poll(cx)) {
                Ok(stream) => State::Open(stream),
                Err(error) => {
                    tracing::debug!(%error, "a TLS handshake failed");
                    State::Failed(error.kind())
                }
            };
        }
        Poll::Ready(match &mut self.state {
            State::Open(stream) => Ok(stream),
            State::Failed(kind) => Err((*kind).into()),
            State::Greeting(_) => Err(io::ErrorKind::NotConnected.into()),
        })
    }
}

impl fmt::Debug for TlsConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConnection").finish_non_exhaustive()
    }
}

impl AsyncRead for TlsConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(ready!(self.poll_open(cx))?).poll_read(cx, buf)
    }
}

impl AsyncWrite for TlsConnection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(ready!(self.poll_open(cx))?).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(ready!(self.poll_open(cx))?).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.state {
            State::Open(stream) => Pin::new(stream).poll_shutdown(cx),
            // There is nobody to say goodbye to.
            State::Greeting(_) | State::Failed(_) => Poll::Ready(Ok(())),
        }
    }
}

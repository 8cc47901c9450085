//! Connections of the server: plain TCP with small writes sent at once, and a switch by which a
//! handler can have its own connection reset.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};

#[cfg(feature = "tls")]
use crate::tls::{Identity, TlsConnection};

/// Ends one connection without a reply.
#[derive(Clone, Debug, Default)]
pub(crate) struct KillSwitch {
    pulled: Arc<AtomicBool>,
}

impl KillSwitch {
    /// From now on nothing is written, and the peer sees a reset.
    pub(crate) fn reset(&self) {
        self.pulled.store(true, Ordering::Release);
    }

    fn check(&self) -> io::Result<()> {
        if self.pulled.load(Ordering::Acquire) {
            Err(io::ErrorKind::ConnectionReset.into())
        } else {
            Ok(())
        }
    }
}

/// Accepts connections for the server.
#[derive(Debug)]
pub(crate) struct LoopbackListener {
    inner: TcpListener,
    #[cfg(feature = "tls")]
    identity: Option<Identity>,
}

impl LoopbackListener {
    pub(crate) fn new(inner: TcpListener) -> Self {
        Self {
            inner,
            #[cfg(feature = "tls")]
            identity: None,
        }
    }

    #[cfg(feature = "tls")]
    pub(crate) fn with_identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    #[cfg(feature = "tls")]
    pub(crate) fn authority(&self) -> Option<&str> {
        self.identity.as_ref().map(Identity::authority)
    }

    pub(crate) fn scheme(&self) -> &'static str {
        #[cfg(feature = "tls")]
        if self.identity.is_some() {
            return "https";
        }
        "http"
    }

    fn secure(&self, stream: TcpStream) -> Stream {
        #[cfg(feature = "tls")]
        if let Some(identity) = &self.identity {
            return Stream::Tls(Box::new(identity.accept(stream)));
        }
        Stream::Plain(stream)
    }
}

impl Listener for LoopbackListener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            match self.inner.accept().await {
                Ok((stream, address)) => {
                    // Without this a stream's small chunks would wait for acknowledgements.
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "could not switch off write delays");
                    }
                    return (
                        Connection {
                            stream: self.secure(stream),
                            switch: KillSwitch::default(),
                        },
                        address,
                    );
                }
                Err(error) => {
                    // Out of descriptors, most likely; they come back as connections close.
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }
}

impl Connected<IncomingStream<'_, LoopbackListener>> for KillSwitch {
    fn connect_info(stream: IncomingStream<'_, LoopbackListener>) -> Self {
        stream.io().switch.clone()
    }
}

/// One connection with its switch.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Stream,
    switch: KillSwitch,
}

/// What a connection is made of.
#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    #[cfg(feature = "tls")]
    Tls(Box<TlsConnection>),
}

/// Does the same with whichever stream it is.
macro_rules! on_stream {
    ($stream:expr, $inner:ident => $do:expr) => {
        match $stream {
            Stream::Plain($inner) => $do,
            #[cfg(feature = "tls")]
            Stream::Tls($inner) => $do,
        }
    };
}

impl Stream {
    /// Closing without lingering is what makes the peer see a reset.
    fn set_zero_linger(&self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.set_zero_linger(),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.tcp().map_or(Ok(()), TcpStream::set_zero_linger),
        }
    }
}

impl Connection {
    fn check(&self) -> io::Result<()> {
        self.switch.check().inspect_err(|_| {
            if let Err(error) = self.stream.set_zero_linger() {
                tracing::debug!(%error, "the connection will close instead of being reset");
            }
        })
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check()?;
        on_stream!(&mut self.stream, stream => Pin::new(stream).poll_read(cx, buf))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        on_stream!(&mut self.stream, stream => Pin::new(stream).poll_write(cx, buf))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        on_stream!(&mut self.stream, stream => Pin::new(stream).poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        on_stream!(&self.stream, stream => stream.is_write_vectored())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_stream!(&mut self.stream, stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        on_stream!(&mut self.stream, stream => Pin::new(stream).poll_shutdown(cx))
    }
}

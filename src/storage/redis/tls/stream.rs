//! A connection by TLS whose failures are told in our words: servers refuse a client's certificate only after the handshake.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::explain::transport;

/// What goes over the wire in secret.
#[derive(Debug)]
pub(in crate::storage::redis) struct SecureStream {
    /// Large, and moved around while a connection is made.
    inner: Box<TlsStream<TcpStream>>,
}

impl SecureStream {
    pub(super) fn new(inner: TlsStream<TcpStream>) -> Self {
        Self { inner: Box::new(inner) }
    }

    fn inner(&mut self) -> Pin<&mut TlsStream<TcpStream>> {
        Pin::new(&mut self.inner)
    }
}

impl AsyncRead for SecureStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.inner().poll_read(context, into).map_err(transport)
    }
}

impl AsyncWrite for SecureStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.inner().poll_write(context, bytes).map_err(transport)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_flush(context).map_err(transport)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_shutdown(context).map_err(transport)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.inner().poll_write_vectored(context, slices).map_err(transport)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

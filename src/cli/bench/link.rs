//! A connection with its socket: bytes go to the session and from it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::http2::session::{Ended, Session, SessionError};
use super::http2::wire::{HEAD_LEN, MAX_FRAME_LEN};

/// Room for the largest frame and a batch of answers; untouched pages of it take no memory.
const INPUT_LEN: usize = 2 * (HEAD_LEN + MAX_FRAME_LEN);

/// A byte stream to a server.
pub trait Transport: AsyncRead + AsyncWrite + Send + Unpin + std::fmt::Debug {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + std::fmt::Debug> Transport for T {}

/// An open connection.
#[derive(Debug)]
pub struct Link {
    /// Its calls.
    pub session: Session,
    transport: Box<dyn Transport>,
    input: Box<[u8]>,
    /// How much of the input has been filled with what is not a whole frame yet.
    filled: usize,
}

/// Why a connection came to its end.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The system's word.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The server's fault.
    #[error(transparent)]
    Session(#[from] SessionError),
}

impl Link {
    /// Waits until the server has shown that it speaks HTTP/2: a client may send at once, so only an answer tells.
    ///
    /// # Errors
    ///
    /// When what comes back is something else, or nothing.
    pub async fn open(transport: Box<dyn Transport>) -> Result<Self, LinkError> {
        let input = vec![0; INPUT_LEN].into_boxed_slice();
        let mut link = Self { session: Session::new(), transport, input, filled: 0 };
        std::future::poll_fn(|context| link.poll_ready(context)).await?;
        Ok(link)
    }

    /// Writes what the session has to say, as far as the socket takes it.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub fn flush(&mut self, context: &mut Context<'_>) -> Result<(), LinkError> {
        while !self.session.output().is_empty() {
            let transport = Pin::new(&mut self.transport);
            match transport.poll_write(context, self.session.output()) {
                Poll::Ready(Ok(0)) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Poll::Ready(written) => self.session.wrote(written?),
                Poll::Pending => return Ok(()),
            }
        }
        Ok(())
    }

    /// Reads once, and adds the calls that ended by it.
    ///
    /// # Errors
    ///
    /// When the connection is gone or the server broke the protocol.
    pub fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        ended: &mut Vec<Ended>,
    ) -> Poll<Result<(), LinkError>> {
        let mut buffer = ReadBuf::new(&mut self.input[self.filled..]);
        ready!(Pin::new(&mut self.transport).poll_read(context, &mut buffer))?;
        let read = buffer.filled().len();
        if read == 0 {
            return Poll::Ready(Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()));
        }
        self.filled += read;
        let taken = self.session.receive(&self.input[..self.filled], ended)?;
        self.input.copy_within(taken..self.filled, 0);
        self.filled -= taken;
        Poll::Ready(Ok(()))
    }

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        while !self.session.is_ready() {
            self.flush(context)?;
            ready!(self.poll_read(context, &mut Vec::new()))?;
        }
        Poll::Ready(Ok(()))
    }
}

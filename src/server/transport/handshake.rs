//! The first 24 bytes of a connection: does the peer speak HTTP/2, and within a deadline?
//!
//! hyper waits for them without one, so they are read here and then replayed to it. A peer that speaks
//! HTTP/1 is told what this port is for; others are closed.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, timeout, timeout_at};

use super::stats::HandshakeFault;
use super::stream::Stream;

/// What every HTTP/2 client says first (RFC 9113, 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What HTTP/1 is told without TLS, and with it.
const HTTP1_ANSWERS: [&[u8]; 2] = [
    b"HTTP/1.1 400 Bad Request\r\n\
    content-type: text/plain; charset=utf-8\r\n\
    content-length: 113\r\n\
    connection: close\r\n\r\n\
    This port speaks gRPC over HTTP/2 without TLS. JSON over HTTP/1 is on the port of listen.http (8080 by default).\n",
    b"HTTP/1.1 400 Bad Request\r\n\
    content-type: text/plain; charset=utf-8\r\n\
    content-length: 124\r\n\
    connection: close\r\n\r\n\
    This port speaks gRPC over HTTP/2 with TLS. JSON over HTTP/1, without TLS, is on the port of listen.http (8080 by default).\n",
];

/// How long a peer that was told so may keep sending before the connection is closed.
const LINGER: Duration = Duration::from_secs(1);

/// A stream from which the preface has been read; reading from this gives it once more.
#[derive(Debug)]
pub(crate) struct Replayed {
    stream: Stream,
    replayed: usize,
}

/// Reads the preface. A peer that speaks HTTP/1 is answered.
pub(crate) async fn shake_hands(mut stream: Stream, until: Instant) -> Result<Replayed, HandshakeFault> {
    match timeout_at(until, read_preface(&mut stream)).await {
        Ok(Ok(())) => Ok(Replayed { stream, replayed: 0 }),
        Ok(Err(HandshakeFault::Http1)) => {
            // The fault is reported either way; whether the peer heard the answer changes nothing.
            let _ = timeout(LINGER, answer_http1(stream)).await;
            Err(HandshakeFault::Http1)
        }
        Ok(Err(fault)) => Err(fault),
        Err(_) => Err(HandshakeFault::TimedOut),
    }
}

async fn read_preface(stream: &mut Stream) -> Result<(), HandshakeFault> {
    let mut heard = [0; PREFACE.len()];
    let mut length = 0;
    while length < PREFACE.len() {
        match stream.read(&mut heard[length..]).await {
            Ok(0) | Err(_) => return Err(HandshakeFault::Closed),
            Ok(read) => length += read,
        }
        if heard[..length] != PREFACE[..length] {
            return Err(judge(&heard[..length]));
        }
    }
    Ok(())
}

/// HTTP/1 starts with a method: capital letters, then a space. PRI is none, so that the two cannot be confused.
fn judge(heard: &[u8]) -> HandshakeFault {
    let method = heard.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    match (&heard[..method], heard.get(method)) {
        (b"" | b"PRI", _) => HandshakeFault::Garbage,
        (_, None | Some(b' ')) => HandshakeFault::Http1,
        _ => HandshakeFault::Garbage,
    }
}

async fn answer_http1(mut stream: Stream) -> io::Result<()> {
    let [plain, secure] = HTTP1_ANSWERS;
    stream.write_all(if matches!(stream, Stream::Plain(_)) { plain } else { secure }).await?;
    stream.shutdown().await?;
    // Closing with unread bytes would reset the connection, and the peer might never see the answer.
    let mut rest = [0; 1024];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}

impl AsyncRead for Replayed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.replayed == PREFACE.len() {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        let rest = &PREFACE[self.replayed..];
        let length = rest.len().min(buf.remaining());
        buf.put_slice(&rest[..length]);
        self.replayed += length;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Replayed {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(heard: &[u8], expected: HandshakeFault) {
        assert_eq!(judge(heard), expected);
    }

    #[test]
    fn first_bytes_are_judged() {
        check(b"GET / HTTP/1.1\r\n", HandshakeFault::Http1);
        check(b"POST /json HTTP/1.1\r\nhos", HandshakeFault::Http1);
        check(b"G", HandshakeFault::Http1);
        check(b"PRI * HTTP/1.1\r\n", HandshakeFault::Garbage);
        check(b"\x16\x03\x01\x02\x00", HandshakeFault::Garbage);
        check(b"GETX/ HTTP\x00", HandshakeFault::Garbage);
        check(b" GET /", HandshakeFault::Garbage);
        check(b"hello", HandshakeFault::Garbage);
    }

    #[test]
    fn the_answers_say_their_length() {
        for answer in HTTP1_ANSWERS {
            let text = str::from_utf8(answer).expect("text");
            let (head, body) = text.split_once("\r\n\r\n").expect("text");
            assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{}", body.len());
        }
    }
}

//! gRPC calls below the level of messages: any bytes as the body, and what came back as it came.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use h2::SendStream;
use h2::client::{ResponseFuture, SendRequest};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::http::Failure;

/// The method that everything here is about.
pub(crate) const SHOULD_RATE_LIMIT: &str = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit";

/// Sends one message of these bytes to a method, and gives the `grpc-status`, or an empty text where there was none.
pub(crate) async fn call(to: SocketAddr, method: &str, message: &[u8]) -> Result<String, Failure> {
    timeout(Duration::from_secs(15), exchange(to, method, frame(message))).await?
}

/// The bytes as one uncompressed gRPC message.
pub(crate) fn frame(message: &[u8]) -> Bytes {
    let mut body = BytesMut::with_capacity(message.len() + 5);
    body.put_u8(0);
    body.put_u32(u32::try_from(message.len()).unwrap());
    body.put_slice(message);
    body.freeze()
}

/// Sends any body, framed or not.
pub(crate) async fn exchange(to: SocketAddr, method: &str, body: Bytes) -> Result<String, Failure> {
    let stream = TcpStream::connect(to).await?;
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let request = Request::post(format!("http://{to}{method}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Full::new(body))?;
    let (head, body) = sender.send_request(request).await?.into_parts();
    let trailers = body.collect().await?.trailers().cloned().unwrap_or_default();
    connection.abort();
    Ok(status(&head.headers).or(status(&trailers)).unwrap_or_default())
}

/// A connection on which calls can be left unfinished.
pub(crate) struct Peer(SendRequest<Bytes>);

impl Peer {
    pub(crate) async fn connect(to: SocketAddr) -> Self {
        let stream = TcpStream::connect(to).await.unwrap();
        let (sender, connection) = h2::client::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    /// Sends a message to [`SHOULD_RATE_LIMIT`], and leaves the call open for more.
    pub(crate) fn begin(&mut self, message: &[u8]) -> (ResponseFuture, SendStream<Bytes>) {
        let request = Request::post(format!("http://test{SHOULD_RATE_LIMIT}"))
            .header("content-type", "application/grpc")
            .body(())
            .unwrap();
        let (answer, mut body) = self.0.send_request(request, false).unwrap();
        body.send_data(frame(message), false).unwrap();
        (answer, body)
    }
}

/// The `grpc-status` of an answer that has no message.
pub(crate) async fn answer(answer: ResponseFuture) -> String {
    let answer = timeout(Duration::from_secs(15), answer).await.unwrap().unwrap();
    status(answer.headers()).unwrap_or_default()
}

fn status(headers: &HeaderMap) -> Option<String> {
    headers.get("grpc-status").map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

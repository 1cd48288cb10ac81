//! A small HTTP/1 client: one connection a request, headers as raw as wanted.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Whatever kept a request from being answered.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Longer than any server here may take, so that a hanging one is a failure and no hanging test.
const LIMIT: Duration = Duration::from_secs(15);

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {:?}", self.text()))
    }

    /// A header's value, or the empty text.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Sends one request on a connection of its own.
pub(crate) async fn send(to: SocketAddr, request: Request<Full<Bytes>>) -> Result<Answer, Failure> {
    timeout(LIMIT, exchange(to, request)).await?
}

async fn exchange(to: SocketAddr, request: Request<Full<Bytes>>) -> Result<Answer, Failure> {
    let stream = TcpStream::connect(to).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let response = sender.send_request(request).await?;
    let (head, body) = response.into_parts();
    let body = body.collect().await?.to_bytes();
    connection.abort();
    Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
}

/// A request for this path.
pub(crate) fn request(method: Method, path: &str, body: &str) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", "test")
        .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
        .unwrap()
}

/// `GET path`.
pub(crate) async fn get(to: SocketAddr, path: &str) -> Result<Answer, Failure> {
    send(to, request(Method::GET, path, "")).await
}

/// `GET /` with these headers, whose values may hold any bytes that HTTP lets pass.
pub(crate) async fn get_with(to: SocketAddr, headers: &[(&'static str, &[u8])]) -> Result<Answer, Failure> {
    let mut request = request(Method::GET, "/", "");
    for (name, value) in headers {
        let value = http::HeaderValue::from_bytes(value)?;
        request.headers_mut().append(*name, value);
    }
    send(to, request).await
}

/// `POST path` with this body.
pub(crate) async fn post(to: SocketAddr, path: &str, body: &str) -> Result<Answer, Failure> {
    send(to, request(Method::POST, path, body)).await
}

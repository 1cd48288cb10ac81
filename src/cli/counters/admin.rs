//! A client of the admin port: one connection a question, each with a deadline.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, bail};
use axum::body::{Body, to_bytes};
use http::header::{CONTENT_TYPE, HOST};
use http::{Method, Request};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

/// How long a question may take: somewhat longer than the server gives itself.
const PATIENCE: Duration = Duration::from_secs(15);

/// The largest answer that is read: some times what a page of the largest size has.
const MOST_BYTES: usize = 16 << 20;

/// Where an admin port is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AdminAddress {
    /// On a host and port.
    Tcp(String),
    /// A socket in the file system.
    Unix(PathBuf),
}

/// A text that is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write HOST:PORT or unix:/path")]
pub(super) struct NoAddress;

/// Asks one server.
#[derive(Debug)]
pub(super) struct Admin<'a> {
    address: &'a AdminAddress,
}

impl<'a> Admin<'a> {
    pub(super) fn new(address: &'a AdminAddress) -> Self {
        Self { address }
    }

    /// Gets what a page says.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &impl Serialize,
    ) -> anyhow::Result<T> {
        let query = serde_urlencoded::to_string(query).context("the question cannot be written")?;
        let request = request(Method::GET, &format!("{path}?{query}")).body(Body::empty())?;
        self.ask(request).await
    }

    /// Sends a question as JSON.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &impl Serialize,
    ) -> anyhow::Result<T> {
        let body = serde_json::to_vec(query).context("the question cannot be written")?;
        let request = request(Method::POST, path).header(CONTENT_TYPE, "application/json");
        self.ask(request.body(Body::from(body))?).await
    }

    async fn ask<T: DeserializeOwned>(&self, request: Request<Body>) -> anyhow::Result<T> {
        let told = timeout(PATIENCE, self.send(request)).await;
        let (status, body) =
            told.unwrap_or_else(|_| bail!("no answer within {PATIENCE:?}")).with_context(|| {
                format!("the admin port {} cannot be asked; --admin names another", self.address)
            })?;
        if !status.is_success() && body.trim_ascii().is_empty() {
            bail!(
                "{} answers {status}; is it the admin port of ratekeeper? --admin names another",
                self.address
            );
        }
        if !status.is_success() {
            bail!("{}", String::from_utf8_lossy(&body).trim_end());
        }
        serde_json::from_slice(&body).context("the answer is none of ratekeeper's; is this its admin port?")
    }

    async fn send(&self, request: Request<Body>) -> anyhow::Result<(http::StatusCode, Vec<u8>)> {
        match self.address {
            AdminAddress::Tcp(address) => exchange(TcpStream::connect(address).await?, request).await,
            AdminAddress::Unix(path) => exchange(UnixStream::connect(path).await?, request).await,
        }
    }
}

async fn exchange<S>(stream: S, request: Request<Body>) -> anyhow::Result<(http::StatusCode, Vec<u8>)>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let answered = async {
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = to_bytes(Body::new(body), MOST_BYTES).await?;
        anyhow::Ok((head.status, body.into()))
    };
    tokio::pin!(answered, connection);
    tokio::select! {
        answer = &mut answered => answer,
        // It may end before what it has read is taken.
        _ = &mut connection => answered.await,
    }
}

fn request(method: Method, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path).header(HOST, "ratekeeper")
}

impl FromStr for AdminAddress {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.is_empty() { Err(NoAddress) } else { Ok(Self::Unix(path.into())) };
        }
        let address = text.strip_prefix("http://").unwrap_or(text).trim_end_matches('/');
        let (host, port) = address.rsplit_once(':').ok_or(NoAddress)?;
        let is_address = !host.is_empty() && port.parse::<u16>().is_ok();
        is_address.then(|| Self::Tcp(address.to_owned())).ok_or(NoAddress)
    }
}

impl fmt::Display for AdminAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => f.write_str(address),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

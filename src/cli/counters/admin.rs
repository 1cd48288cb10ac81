//! A client of the admin port: one connection a question, each with a deadline.

use std::time::Duration;

use anyhow::{Context, bail};
use axum::body::Body;
use http::header::{CONTENT_TYPE, HOST};
use http::{Method, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::cli::peer::{PeerAddress, exchange};

/// How long a question may take: somewhat longer than the server gives itself.
const PATIENCE: Duration = Duration::from_secs(15);

/// The largest answer that is read: some times what a page of the largest size has.
const MOST_BYTES: usize = 16 << 20;

/// Asks one server.
#[derive(Debug)]
pub(super) struct Admin<'a> {
    address: &'a PeerAddress,
}

impl<'a> Admin<'a> {
    pub(super) fn new(address: &'a PeerAddress) -> Self {
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
        exchange(self.address.connect().await?, request, MOST_BYTES).await
    }
}

fn request(method: Method, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path).header(HOST, "ratekeeper")
}

//! A client of the proxy: one host, one path, some headers, again and again.

use std::net::SocketAddr;

use ::http::{HeaderValue, Method};

use crate::harness::http::{self, Answer};

/// More than any limit of the examples.
const ENOUGH: usize = 1_000;

/// What to send.
#[derive(Clone)]
pub(super) struct Client {
    to: SocketAddr,
    host: &'static str,
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
}

impl Client {
    /// Sends `GET /` with this host.
    pub(super) fn of(to: SocketAddr, host: &'static str) -> Self {
        Self { to, host, method: Method::GET, path: "/".into(), headers: Vec::new() }
    }

    pub(super) fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    pub(super) fn path(mut self, path: &str) -> Self {
        self.path = path.into();
        self
    }

    pub(super) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sends it once.
    pub(super) async fn ask(&self) -> Answer {
        let mut request = http::request(self.method.clone(), &self.path, "");
        request.headers_mut().insert("host", HeaderValue::from_static(self.host));
        for (name, value) in &self.headers {
            request.headers_mut().append(*name, HeaderValue::from_str(value).unwrap());
        }
        http::send(self.to, request).await.unwrap()
    }

    pub(super) async fn status(&self) -> u16 {
        self.ask().await.status
    }

    /// How many pass before the first is denied, after which all are.
    pub(super) async fn passed(&self) -> usize {
        let mut passed = 0;
        while passed < ENOUGH {
            match self.status().await {
                200 => passed += 1,
                429 => {
                    assert_eq!(self.status().await, 429, "a limit that lets go again");
                    return passed;
                }
                other => panic!("{other} for {}", self.path),
            }
        }
        panic!("{} was never limited", self.path);
    }

    /// Sends it so many times, and holds that all pass.
    pub(super) async fn pass(&self, times: usize) {
        for time in 0..times {
            assert_eq!(self.status().await, 200, "request {time} of {}", self.path);
        }
    }
}

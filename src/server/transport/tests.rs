//! The transport on real sockets: what peers see, kind, slow and hostile.

use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use hyper::service::{Service, service_fn};
use tokio::sync::Semaphore;

use super::settings::{Http2Settings, Lifetime};
use super::{BindOptions, Http2Server, ListenAddress, Listener, RequestBody};

mod hostile;
mod http1;
mod leaving;
mod listening;
mod peer;
mod receiving;
mod serving;
mod tls;

/// Longer than anything takes here, so that a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// Short, for deadlines that a test waits for.
const SHORT: Duration = Duration::from_millis(100);

/// Holds calls to `/slow` until it is opened.
#[derive(Debug, Clone)]
struct Gate(Arc<Semaphore>);

impl Gate {
    fn closed() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    fn open(&self) {
        self.0.add_permits(1_000);
    }
}

/// Two cores, ages and pings far away: each test brings near what it is about.
fn calm() -> Http2Settings {
    Http2Settings {
        cores: NonZeroUsize::new(2),
        lifetime: Lifetime { max_age: None, grace: PATIENCE },
        keep_alive_interval: None,
        ..Http2Settings::default()
    }
}

fn loopback() -> Listener {
    bind(&ListenAddress::Tcp(([127, 0, 0, 1], 0).into())).expect("a free port")
}

fn bind(address: &ListenAddress) -> Result<Listener, super::ListenError> {
    Listener::bind(address, &BindOptions::default())
}

fn unix(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("socket")
}

fn start(settings: &Http2Settings, gate: &Gate) -> Http2Server {
    start_on(loopback(), settings, gate)
}

fn start_on(listener: Listener, settings: &Http2Settings, gate: &Gate) -> Http2Server {
    let gate = gate.clone();
    Http2Server::start(vec![listener], settings, move |_core| service(gate.clone())).expect("threads")
}

fn service(
    gate: Gate,
) -> impl Service<Request<RequestBody>, Response = Response<Body>, Error = Infallible, Future: Send>
+ Send
+ Sync
+ 'static {
    service_fn(move |request: Request<RequestBody>| answer(request, gate.clone()))
}

async fn answer(request: Request<RequestBody>, gate: Gate) -> Result<Response<Body>, Infallible> {
    match request.uri().path() {
        "/slow" => drop(gate.0.acquire().await),
        "/panic" => unreachable!("a panic that was asked for"),
        _ => {}
    }
    Ok(Response::new(Body::from("done")))
}

/// Waits until `condition` holds.
async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, wait).await.is_ok(), "never came: {what}");
}

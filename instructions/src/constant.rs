//! A constant answer, served as ratekeeper serves, by the service that the benchmarks take as their floor.

#[path = "../../examples/constant_server/service.rs"]
mod service;

use std::net::SocketAddr;
use std::time::Duration;

use ratekeeper::server::transport::{BindOptions, Http2Server, Http2Settings, ListenAddress, Listener};
use tokio::signal::unix::{SignalKind, signal};

/// Serves until SIGTERM.
pub(crate) fn serve(address: SocketAddr) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut told_to_end = signal(SignalKind::terminate())?;
        let listener = Listener::bind(&ListenAddress::Tcp(address), &BindOptions::default())?;
        let settings = Http2Settings::default();
        let server = Http2Server::start(vec![listener], &settings, |_core| service::on_http2())?;
        told_to_end.recv().await;
        server.drain(Duration::from_secs(5)).await;
        Ok(())
    })
}

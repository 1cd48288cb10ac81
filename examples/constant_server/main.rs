//! The floor: a rate limit service that answers a constant, served either by our transport or by tonic's own.
//!
//! What a decision costs is compared with what this costs, and the two ways to serve with each other:
//!
//! ```text
//! cargo run --release --example constant_server -- --serve cores --listen 127.0.0.1:18081
//! cargo run --release -- bench --pid PID … 127.0.0.1:18081
//! ```

mod service;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, ValueEnum};
use mimalloc::MiMalloc;
use ratekeeper::server::transport::{BindOptions, Http2Server, Http2Settings, ListenAddress, Listener};
use tokio::runtime::{Builder, Runtime};

/// As ratekeeper's, so that the floor is no higher than it need be.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Answers OK to every request of the rate limit service, to show what the gRPC call alone costs.
#[derive(Debug, Parser)]
struct Arguments {
    /// How to serve.
    #[arg(long, value_enum, default_value = "cores")]
    serve: Way,
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:18081")]
    listen: SocketAddr,
    /// Threads that serve; as many as there are cores unless given.
    #[arg(long)]
    threads: Option<NonZeroUsize>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Way {
    /// One runtime per core and our accept loop.
    Cores,
    /// tonic's `serve` on the multi-threaded runtime.
    Tonic,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match arguments.serve {
        Way::Cores => {
            Builder::new_current_thread().enable_all().build()?.block_on(serve_on_cores(&arguments))
        }
        Way::Tonic => multi_threaded(&arguments)?.block_on(serve_with_tonic(&arguments)),
    }
}

async fn serve_on_cores(arguments: &Arguments) -> anyhow::Result<()> {
    let listener = Listener::bind(&ListenAddress::Tcp(arguments.listen), &BindOptions::default())?;
    let settings = Http2Settings { cores: arguments.threads, ..Http2Settings::default() };
    let server = Http2Server::start(vec![listener], &settings, |_core| service::on_http2())?;
    tokio::signal::ctrl_c().await?;
    server.drain(Duration::from_secs(5)).await;
    Ok(())
}

async fn serve_with_tonic(arguments: &Arguments) -> anyhow::Result<()> {
    let defaults = Http2Settings::default();
    tonic::transport::Server::builder()
        .tcp_nodelay(true)
        .max_concurrent_streams(defaults.max_concurrent_streams)
        .http2_keepalive_interval(defaults.keep_alive_interval)
        .add_service(service::on_tonic())
        .serve(arguments.listen)
        .await
        .context("tonic cannot serve")
}

fn multi_threaded(arguments: &Arguments) -> std::io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    if let Some(threads) = arguments.threads {
        builder.worker_threads(threads.get());
    }
    builder.enable_all().build()
}

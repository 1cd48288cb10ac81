//! `ratekeeper health`: asks a running server whether it is well, for probes that have neither a shell nor curl.
//!
//! One question, one line, bounded by `--timeout`. Status 0: healthy; 1: not; 2: wrong arguments or settings.

mod grpc;
mod http;
mod question;
mod tls;
mod verdict;

#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use tokio::time::Instant;

use self::question::{How, Question};
use self::verdict::Verdict;
use crate::cli::peer::PeerAddress;
use crate::cli::tell;
use crate::config::settings::read_duration;

/// The status where nothing could be asked.
const NOT_ASKED: u8 = 2;

/// What `--help` ends with.
pub const EXAMPLES: &str = "Examples:
  ratekeeper health
  ratekeeper health --config /etc/ratekeeper/config/ratekeeper.yaml --live
  ratekeeper health --address 127.0.0.1:8080 --timeout 500ms
  ratekeeper health --grpc --address unix:/run/ratekeeper/grpc.sock
  ratekeeper health --grpc --address ratekeeper.mesh:8081 --tls --ca ca.crt --certificate tls.crt --key tls.key";

/// The arguments of `ratekeeper health`. Without an address, settings count as they do for `serve`: file, then environment.
#[derive(Debug, clap::Args)]
pub struct HealthArgs {
    /// The settings file, whose listen.http or listen.grpc is asked
    #[arg(long, value_name = "FILE", env = "RATEKEEPER_CONFIG")]
    config: Option<PathBuf>,

    /// Ask /readyz of the HTTP port, which is what is done without it, too
    #[arg(long, conflicts_with = "grpc")]
    http: bool,

    /// Ask grpc.health.v1 of the gRPC port
    #[arg(long)]
    grpc: bool,

    /// The server's port, as HOST:PORT or unix:/path, instead of that of the settings
    #[arg(long, value_name = "ADDRESS")]
    address: Option<PeerAddress>,

    /// The name to ask grpc.health.v1 about; empty is the whole server
    #[arg(long, value_name = "NAME", requires = "grpc", default_value = "")]
    service: String,

    /// Ask /livez: whether the process answers, whether it is ready or not
    #[arg(long, conflicts_with = "grpc")]
    live: bool,

    /// How long connecting and the answer may take together
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = duration)]
    timeout: Duration,

    #[command(flatten)]
    tls: TlsArgs,
}

/// How to ask a gRPC port that speaks TLS.
#[derive(Debug, clap::Args)]
struct TlsArgs {
    /// Ask by TLS
    #[arg(long, requires = "grpc")]
    tls: bool,

    /// PEM file with the CAs that are trusted; without one, those that the system trusts
    #[arg(long, value_name = "FILE", requires = "tls")]
    ca: Option<PathBuf>,

    /// PEM file with our certificate and its chain, where the server wants one
    #[arg(long, value_name = "FILE", requires_all = ["tls", "key"])]
    certificate: Option<PathBuf>,

    /// PEM file with the private key of our certificate
    #[arg(long, value_name = "FILE", requires_all = ["tls", "certificate"])]
    key: Option<PathBuf>,

    /// The name that the server's certificate must have; without one, the host of the address
    #[arg(long, value_name = "NAME", requires = "tls")]
    server_name: Option<String>,
}

/// Asks, and prints what came.
///
/// # Errors
/// Where no runtime can be started, or the result cannot be printed.
pub fn run(args: &HealthArgs) -> anyhow::Result<ExitCode> {
    let question = match Question::of(args) {
        Ok(question) => question,
        Err(why) => {
            tell(&format!("ratekeeper: {why}"));
            return Ok(ExitCode::from(NOT_ASKED));
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("no runtime can be started")?;
    let verdict = runtime.block_on(question.ask(args.timeout));
    // A name server that does not answer would be waited for.
    runtime.shutdown_background();
    match verdict {
        Verdict::Healthy(what) => writeln!(io::stdout(), "healthy: {what}")?,
        Verdict::NotHealthy { what, help } => {
            tell(&format!("not healthy: {what}; {help}"));
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Question {
    /// Connects and asks, within this time in all.
    async fn ask(&self, patience: Duration) -> Verdict {
        let until = Instant::now() + patience;
        let wire = match tokio::time::timeout_at(until, self.address.connect()).await {
            Ok(Ok(wire)) => wire,
            Ok(Err(error)) => return self.no_connection(&error),
            Err(_) => return self.no_answer("no connection", patience),
        };
        let answer = async {
            match &self.how {
                How::Http { path } => http::ask(self, path, wire).await,
                How::Grpc { service, tls } => grpc::ask(self, service, tls.as_ref(), wire).await,
            }
        };
        let answer = tokio::time::timeout_at(until, answer).await;
        answer.unwrap_or_else(|_| self.no_answer("no answer", patience))
    }

    fn no_connection(&self, error: &io::Error) -> Verdict {
        let help =
            format!("is ratekeeper running, and is this its {}? --address names another", self.setting);
        Verdict::NotHealthy { what: format!("{self} cannot be asked: {error}"), help }
    }

    fn no_answer(&self, what: &str, patience: Duration) -> Verdict {
        Verdict::NotHealthy {
            what: format!("{self}: {what} within {patience:?}"),
            help: "the process may hang or have too little CPU; its log may say why, and --timeout gives it longer".into(),
        }
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration = read_duration(text).filter(|duration| !duration.is_zero());
    duration.ok_or_else(|| "write a number with ms, s or m, such as `500ms`".into())
}

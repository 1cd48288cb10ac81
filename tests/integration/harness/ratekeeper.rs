//! The real binary, on free ports, with rules and settings of the test's own.

mod setup;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

use ratekeeper_proto::rate_limit_service_client::RateLimitServiceClient;
use ratekeeper_proto::{RateLimitRequest, RateLimitResponse};
use rustix::process::Signal;
use tempfile::TempDir;
use tonic::Status;
use tonic::transport::{Channel, Endpoint};

use super::process::Process;
use super::{Ask, http, wait};
pub(crate) use setup::Setup;

/// The path of the binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_ratekeeper");

/// The addresses that one server listens on.
#[derive(Clone, Copy)]
pub(crate) struct Listen {
    pub(crate) grpc: SocketAddr,
    pub(crate) http: SocketAddr,
    pub(crate) metrics: SocketAddr,
    pub(crate) admin: SocketAddr,
}

/// A running server. Its addresses stay the same when it is stopped and started again.
pub(crate) struct Ratekeeper {
    pub(crate) listen: Listen,
    environment: Vec<(String, String)>,
    process: Process,
    folder: TempDir,
}

impl Ratekeeper {
    /// Starts one with this rule file, and waits until it is ready.
    pub(crate) async fn with_rules(text: &str) -> Self {
        Self::setup().rules(text).start().await
    }

    /// Starts with nothing but what is added to it.
    pub(crate) fn setup() -> Setup {
        Setup::default()
    }

    /// The folder that the rule files are in.
    pub(crate) fn rules(&self) -> PathBuf {
        self.folder.path().join("rules")
    }

    /// Replaces a rule file as a careful editor does, by a rename.
    pub(crate) fn write_rules(&self, name: &str, text: &str) {
        let draft = self.rules().join(format!(".{name}.draft"));
        std::fs::write(&draft, text).unwrap();
        std::fs::rename(draft, self.rules().join(name)).unwrap();
    }

    /// Replaces the settings file; it is read at the next start.
    pub(crate) fn write_settings(&self, text: &str) {
        std::fs::write(self.folder.path().join("ratekeeper.yaml"), text).unwrap();
    }

    /// A client on a connection of its own, made when it is first used.
    pub(crate) fn client(&self) -> RateLimitServiceClient<Channel> {
        RateLimitServiceClient::new(self.channel())
    }

    /// A connection of its own to the gRPC port, made when it is first used.
    pub(crate) fn channel(&self) -> Channel {
        Endpoint::from_shared(format!("http://{}", self.listen.grpc)).unwrap().connect_lazy()
    }

    /// Asks once, on a new connection.
    pub(crate) async fn ask(&self, ask: &Ask) -> Result<RateLimitResponse, Status> {
        self.send(ask.request()).await
    }

    /// Sends this request once, on a new connection.
    pub(crate) async fn send(&self, request: RateLimitRequest) -> Result<RateLimitResponse, Status> {
        let mut client = self.client().max_encoding_message_size(usize::MAX);
        client.should_rate_limit(request).await.map(tonic::Response::into_inner)
    }

    /// All that it logged so far.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }

    /// Waits until the log has this text.
    pub(crate) async fn logged(&self, text: &str) {
        wait::until(&format!("`{text}` in the log"), || async { self.log().contains(text) }).await;
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Waits for the end of the process, which something else brings about.
    pub(crate) async fn end(&mut self) -> ExitStatus {
        self.process.end().await
    }

    /// Asks it to end, and waits until it has.
    pub(crate) async fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.end().await
    }

    /// Starts it again after its end, on the same addresses with the same files, and waits until it is ready.
    pub(crate) async fn start_again(&mut self) {
        self.process = launch(&self.folder, &self.environment);
        self.ready().await;
    }

    /// Waits until `/readyz` says yes.
    pub(crate) async fn ready(&mut self) {
        self.answers("/readyz").await;
    }

    /// Waits until the process answers this path of its HTTP port with 200.
    async fn answers(&mut self, path: &str) {
        let end = tokio::time::Instant::now() + wait::PATIENCE;
        loop {
            if http::get(self.listen.http, path).await.is_ok_and(|answer| answer.status == 200) {
                return;
            }
            assert!(self.process.exited().is_none(), "ratekeeper ended instead of answering {path}");
            assert!(tokio::time::Instant::now() < end, "ratekeeper never answered {path} with 200");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
}

/// Starts the binary on the files of `folder`, and with no variables but the given ones.
fn launch(folder: &TempDir, environment: &[(String, String)]) -> Process {
    let mut command = Command::new(BINARY);
    command.env_clear().envs(environment.iter().map(|(name, value)| (name, value)));
    command.arg("serve").arg("--config").arg(folder.path().join("ratekeeper.yaml"));
    command.arg("--rules").arg(folder.path().join("rules"));
    Process::start("ratekeeper", command, folder.path())
}

//! `ratekeeper serve`: settings from a file, the environment and flags, then the service.

use std::path::{Path, PathBuf};

use crate::app;
use crate::config::diagnostic::{Diagnostic, Diagnostics};
use crate::config::settings::{self, Given, Override, Settings};
use crate::config::source::SourceFile;

/// The arguments of `ratekeeper serve`. Each but the file is a setting too, and wins over the environment and the file.
#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    /// The settings file; without one, the defaults
    #[arg(long, value_name = "FILE", env = "RATEKEEPER_CONFIG")]
    config: Option<PathBuf>,

    /// Rule files, and folders of them (rules.paths)
    #[arg(long, value_name = "PATH", num_args = 1..)]
    rules: Vec<String>,

    /// Where to listen for gRPC (listen.grpc)
    #[arg(long, value_name = "ADDRESS")]
    grpc: Option<String>,

    /// Where to listen for JSON and probes (listen.http)
    #[arg(long, value_name = "ADDRESS")]
    http: Option<String>,

    /// Where to listen for Prometheus (listen.metrics)
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<String>,

    /// Where to listen for operators (listen.admin)
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<String>,

    /// What to log: off, error, warn, info, debug, trace (log.level)
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,

    /// How to log: text, json (log.format)
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
}

impl ServeArgs {
    fn overrides(&self) -> Vec<Override> {
        let given = |flag: &str, path: &str, value| Override { flag: flag.into(), path: path.into(), value };
        let one = |flag: &str, path: &str, value: &Option<String>| {
            value.clone().map(|value| given(flag, path, Given::One(value)))
        };
        let rules = (!self.rules.is_empty())
            .then(|| given("--rules", "rules.paths", Given::Many(self.rules.clone())));
        [
            rules,
            one("--grpc", "listen.grpc", &self.grpc),
            one("--http", "listen.http", &self.http),
            one("--metrics", "listen.metrics", &self.metrics),
            one("--admin", "listen.admin", &self.admin),
            one("--log-level", "log.level", &self.log_level),
            one("--log-format", "log.format", &self.log_format),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// Serves until the process is told to end.
///
/// # Errors
/// Where a setting is wrong (every fault at once) or a listener cannot be bound.
pub fn run(args: &ServeArgs) -> anyhow::Result<()> {
    let settings = load_settings(args.config.as_deref(), &args.overrides())
        .map_err(|faults| anyhow::anyhow!("the settings have faults\n{faults}"))?;
    app::run(&settings)
}

/// The settings that a file, the environment and these overrides add up to.
///
/// # Errors
/// Every fault of the file, the variables and the overrides.
pub(super) fn load_settings(file: Option<&Path>, overrides: &[Override]) -> Result<Settings, Diagnostics> {
    let file = file.map(read_file).transpose()?;
    settings::load(file.as_ref(), environment(), overrides)
}

fn read_file(path: &Path) -> Result<SourceFile, Diagnostics> {
    let name = path.display().to_string();
    match std::fs::read(path) {
        Ok(bytes) => SourceFile::from_bytes(name, bytes),
        Err(error) => {
            Err(Diagnostic::of_file(name, format!("the settings file cannot be read: {error}")).into())
        }
    }
}

/// The environment; a variable that is not UTF-8 is shown to the settings with its bad bytes replaced, so that it is
/// refused by name if it is one of ours.
fn environment() -> impl Iterator<Item = (String, String)> {
    let text = |raw: std::ffi::OsString| raw.to_string_lossy().into_owned();
    std::env::vars_os().map(move |(name, value)| (text(name), text(value)))
}

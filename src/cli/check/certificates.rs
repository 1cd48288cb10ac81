//! The files that `grpc.tls` names, read as `serve` reads them before it listens.

use std::path::Path;

use anyhow::Context;

use super::Checked;
use crate::app;
use crate::config::diagnostic::{Diagnostic, Origin};
use crate::config::settings::Settings;

/// What to do where the files are of no use, or are somebody else's.
const HELP: &str = "`serve` would end with this; check as its user, or with --without-certificates where its files are on \
                    another machine";

/// Adds what `serve` would end with, or warn of.
///
/// # Errors
/// Where no runtime can be started.
pub(super) fn check(checked: &mut Checked, settings: &Settings, file: Option<&Path>) -> anyhow::Result<()> {
    let Some(tls) = app::grpc_tls(settings) else { return Ok(()) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let found = runtime.context("no runtime can be started")?.block_on(tls.check());
    let told = |what: String| Diagnostic::new(origin(file), what).with_path("grpc.tls");
    match found {
        Ok(warnings) => {
            warnings.into_iter().for_each(|what| checked.warnings.push(told(what).as_warning()));
        }
        Err(fault) => checked.errors.push(told(fault.to_string()).with_help(HELP)),
    }
    Ok(())
}

fn origin(file: Option<&Path>) -> Origin {
    match file {
        Some(file) => Origin::File { name: file.display().to_string().into(), position: None },
        None => Origin::Variable("RATEKEEPER_GRPC__TLS__CERTIFICATE".into()),
    }
}

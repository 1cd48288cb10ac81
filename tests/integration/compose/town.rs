//! The services of the compose file as processes, in a network and with an `/etc` of their own, so that no file is changed.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::model::model;
use crate::harness::ratekeeper::BINARY;

/// What `compose/town` has seen; nothing without Go or where nobody may make namespaces.
pub(super) async fn seen() -> Option<Value> {
    let model = model()?;
    if let Some(why) = no_namespaces().await {
        assert!(std::env::var_os("CI").is_none(), "the compose file is not run: {why}");
        eprintln!("skipped: the compose file is not run, as that takes namespaces: {why}");
        return None;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = TempDir::with_prefix("compose-").unwrap();
    let plan = folder.path().join("plan.json");
    let programs = json!({"ratekeeper": BINARY, "envoy": root.join(".venv/bin/envoy")});
    std::fs::write(&plan, json!({"model": model, "programs": programs}).to_string()).unwrap();
    let mut command = unshare();
    command.arg("python3").arg(root.join("tests/integration/compose/town")).arg(&plan);
    let output = command.output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    Some(serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}")))
}

/// All that is started within ends with it.
fn unshare() -> tokio::process::Command {
    let mut command = tokio::process::Command::new("unshare");
    command.args(["--net", "--mount", "--pid", "--fork", "--kill-child"]);
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Why there are none, if there are none.
async fn no_namespaces() -> Option<String> {
    match unshare().arg("true").output().await {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(error) => Some(error.to_string()),
    }
}

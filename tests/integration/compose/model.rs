//! The compose file as the specification's own loader understands it: checked against its schema, with anchors resolved.
//!
//! The loader is a Go program, run through the Go module proxy. Without Go these tests say so and check nothing; in CI that fails.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

/// The folder of the compose file.
pub(super) const FOLDER: &str = "deploy/compose";
const LOADER: &str = "github.com/compose-spec/compose-go/v2/cmd@v2.9.1";

/// A file of the project.
pub(super) fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What the loader makes of a file, or why it refuses it; nothing without Go.
pub(super) fn load(file: &Path) -> Option<Result<Value, String>> {
    if Command::new("go").arg("version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "the compose file is not checked: there is no Go");
        eprintln!("skipped: the compose file is not checked, as that takes Go, which is not installed");
        return None;
    }
    let output = Command::new("go")
        .args(["run", LOADER, "--format", "json"])
        .arg(file)
        // Paths within the file start there.
        .current_dir(file.parent().unwrap())
        .output()
        .unwrap();
    if output.status.success() {
        return Some(Ok(serde_json::from_slice(&output.stdout).unwrap()));
    }
    Some(Err(String::from_utf8_lossy(&output.stderr).into_owned()))
}

/// Our compose file; nothing without Go.
pub(super) fn model() -> Option<&'static Value> {
    static MODEL: OnceLock<Option<Value>> = OnceLock::new();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER).join("compose.yaml");
    let loaded = || load(&path).map(|found| found.unwrap_or_else(|why| panic!("{why}")));
    MODEL.get_or_init(loaded).as_ref()
}

/// Calls `look` with every service; with none without Go.
pub(super) fn each_service(look: impl FnMut(&str, &Value)) {
    let Some(model) = model() else { return };
    let services = model["services"].as_object().unwrap();
    assert_eq!(services.len(), 8, "{:?}", services.keys());
    let mut look = look;
    services.iter().for_each(|(name, service)| look(name, service));
}

/// What a service mounts: from where, to where.
pub(super) fn mounts(service: &Value) -> impl Iterator<Item = (&str, &str)> {
    let mounts = service["volumes"].as_array().into_iter().flatten();
    mounts.map(|mount| (mount["source"].as_str().unwrap(), mount["target"].as_str().unwrap()))
}

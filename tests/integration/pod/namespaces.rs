//! The outer half: this test binary again, for each set, in namespaces of its own, where the story is played.
//!
//! The network has nothing but loopback there, so that every port is free, whatever is rendered. All processes and mounts end with
//! the first process, and that one with whoever started it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::harness::ratekeeper::BINARY;

/// Says to the inner half which set it is about.
pub(super) const SET: &str = "RATEKEEPER_TEST_POD_SET";
/// And where the root of the image is.
pub(super) const IMAGE: &str = "RATEKEEPER_TEST_POD_IMAGE";

/// A file of this checkout.
pub(super) fn checkout(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Why namespaces cannot be had here, if so.
pub(super) fn missing() -> Option<String> {
    let probe = command(Path::new("/tmp")).arg("true").stdin(Stdio::null()).output();
    match probe {
        Err(error) => Some(format!("unshare (util-linux) does not start: {error}")),
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(format!(
            "namespaces need root with CAP_SYS_ADMIN: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        )),
    }
}

/// The root of the image, laid out as the image's own build does it.
pub(super) fn image() -> TempDir {
    let folder = TempDir::with_prefix("image-").unwrap();
    let root = folder.path().join("root");
    let layout = Command::new(checkout("deploy/image/layout")).arg(BINARY).arg(root).output().unwrap();
    assert!(layout.status.success(), "{}", String::from_utf8_lossy(&layout.stderr));
    folder
}

/// Plays the story of a set; gives what it printed where it failed.
pub(super) fn play(set: &str, image: &Path) -> Result<(), String> {
    let folder = TempDir::with_prefix("pod-").unwrap();
    let mut inner = command(folder.path());
    inner.arg(std::env::current_exe().unwrap());
    inner.args(["--exact", "pod::inside", "--ignored", "--nocapture", "--test-threads", "1"]);
    inner
        .env("RUST_BACKTRACE", "0")
        .env(SET, set)
        .env(IMAGE, image.join("root"))
        .env("TMPDIR", folder.path());
    let output = inner.stdin(Stdio::null()).output().unwrap();
    let told =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    // A filter that finds no test is a success, too.
    if output.status.success() && told.contains("1 passed") { Ok(()) } else { Err(told) }
}

/// What runs a command in namespaces of its own, with a file system in memory over this folder.
fn command(folder: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--net", "--mount", "--pid", "--mount-proc", "--kill-child", "--"]);
    command.arg(checkout("tests/integration/pod/enter")).arg(folder);
    command
}

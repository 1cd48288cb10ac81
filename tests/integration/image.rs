//! The image, without an engine: the root that `deploy/image/layout` makes, and what `deploy/Dockerfile` says of it.
//!
//! The server is started in that root as a container's is: by entry point, command and user of the Dockerfile, in a mount
//! namespace where everything is read-only, with settings and rules mounted, and without new privileges.

mod container;
mod dns;
mod dockerfile;
mod running;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use container::Container;

/// Everything in a folder, with its kind, permissions, size and time of change.
fn listing(folder: &Path) -> Vec<(PathBuf, u32, u64, i64)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let about = entry.metadata().unwrap();
        found.push((entry.path(), about.mode(), about.len(), about.mtime_nsec()));
        if about.is_dir() {
            found.extend(listing(&entry.path()));
        }
    }
    found.sort();
    found
}

#[test]
fn the_root_holds_what_is_needed_and_nothing_that_its_user_may_write() {
    let container = Container::new();
    let root = container.root();
    let mut writable = Vec::new();
    for (path, mode, ..) in listing(&root) {
        let name = format!("/{}", path.strip_prefix(&root).unwrap().display());
        assert_eq!(mode & 0o6000, 0, "{name} is set-uid or set-gid");
        assert_eq!(mode & 0o170_000 & !0o140_000, 0, "{name} is neither a file nor a folder");
        if mode & 0o022 != 0 {
            writable.push(name);
        }
    }
    assert_eq!(writable, ["/tmp"]);
    assert_eq!(fs::metadata(root.join("tmp")).unwrap().permissions().mode() & 0o7777, 0o1777);
    let file = |name: &str| fs::read_to_string(root.join(name)).unwrap();
    assert!(file("etc/passwd").contains("ratekeeper:x:65532:65532:"));
    assert!(file("etc/group").contains("ratekeeper:x:65532:"));
    assert!(file("etc/ssl/certs/ca-certificates.crt").contains("BEGIN CERTIFICATE"));
    assert!(fs::read_dir(root.join("etc/ratekeeper")).unwrap().next().is_none(), "mounts go here");
    assert!(!root.join("bin").exists(), "there is no shell");
}

#[test]
fn a_layout_that_cannot_be_right_is_refused() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("text"), "no program").unwrap();
    let check = |arguments: &[&str], words: &str| {
        let told = container::layout(arguments);
        assert_eq!(told.as_ref().err().map(|told| told.contains(words)), Some(true), "{told:?}");
    };
    check(&[&path("missing"), &path("root")], "is no file");
    check(&[&path("text"), &path("root")], "for a machine that no image is made for");
    check(&[crate::harness::ratekeeper::BINARY, folder.path().to_str().unwrap()], "is not empty");
    check(&["--at-most", "1", crate::harness::ratekeeper::BINARY, &path("root")], "more than 1 MB");
    check(&[], "usage:");
}

//! The file system of a container: the image's root, what every container has, and the pod's volumes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::super::cluster::{only_known, text_at};
use super::super::namespaces::IMAGE;
use super::super::volumes::Volume;

/// The image's files, which all containers have in common, below a layer of the container's own.
pub(super) fn root_of_image(folder: &Path) -> PathBuf {
    let image = std::env::var(IMAGE).unwrap();
    let [upper, work, root] = ["upper", "work", "root"].map(|name| folder.join(name));
    for folder in [&upper, &work, &root] {
        fs::create_dir(folder).unwrap();
    }
    let layers = format!("lowerdir={image},upperdir={},workdir={}", upper.display(), work.display());
    mount(&["-t", "overlay", "-o", &layers], Some(Path::new("overlay")), &root);
    root
}

/// What every container has: devices, a place for `/proc`, and the files that a kubelet writes.
pub(super) fn mount_system(root: &Path, folder: &Path) {
    for name in ["proc", "dev", "etc"] {
        fs::create_dir_all(root.join(name)).unwrap();
    }
    for device in ["null", "zero", "full", "random", "urandom"] {
        bind(&Path::new("/dev").join(device), &root.join("dev").join(device), &[]);
    }
    // Nobody answers as a DNS server: a name that is not in the hosts file is one that the manifest should not have.
    for (name, text) in [("hosts", "127.0.0.1 localhost\n"), ("resolv.conf", "nameserver 127.0.0.53\n")] {
        let file = folder.join(name);
        fs::write(&file, text).unwrap();
        bind(&file, &root.join("etc").join(name), &[]);
    }
}

pub(super) fn mount_volume(root: &Path, given: &Value, volumes: &[Volume]) {
    only_known("a mount", given, &["name", "mountPath", "readOnly", "subPath"]);
    let name = text_at(given, "/name");
    let volume = volumes.iter().find(|volume| volume.name == name);
    let volume = volume.unwrap_or_else(|| panic!("the pod has no volume {name}"));
    let source = match given["subPath"].as_str() {
        // The file of this moment: later swaps are not seen.
        Some(path) => fs::canonicalize(volume.folder.join(path)).unwrap(),
        None => volume.folder.clone(),
    };
    let read_only = given["readOnly"].as_bool() == Some(true) || !volume.is_writable();
    let target = root.join(text_at(given, "/mountPath").trim_start_matches('/'));
    bind(&source, &target, if read_only { &["-o", "ro"] } else { &[] });
}

/// Shows a file or folder at another place, which is made.
fn bind(source: &Path, target: &Path, options: &[&str]) {
    if source.is_dir() {
        fs::create_dir_all(target).unwrap();
    } else if !target.exists() {
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(target, "").unwrap();
    }
    mount(&[&["--bind"], options].concat(), Some(source), target);
}

pub(super) fn mount(options: &[&str], source: Option<&Path>, target: &Path) {
    let output = Command::new("mount").args(options).args(source).arg(target).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "mount {options:?} {source:?} {}: {told}", target.display());
}

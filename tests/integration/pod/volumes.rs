//! The files of a pod's volumes, laid out and swapped as a kubelet does it.
//!
//! ConfigMaps, Secrets and projections are a folder `..2026_…` with the files, a symlink `..data` to it, and one symlink for each
//! name through `..data`: a change is one rename of `..data`. Files are root's; `fsGroup` gives them to a group that may read.

mod payload;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::cluster::{Cluster, text_at};
use payload::{Payload, payload};

/// A volume of a pod, on disk.
pub(super) struct Volume {
    pub(super) name: String,
    pub(super) folder: PathBuf,
    /// The fields of the manifest.
    source: Value,
    group: Option<u32>,
    versions: u32,
}

impl Volume {
    /// Lays out a volume of the manifest in a folder below `parent`.
    pub(super) fn set_up(
        source: &Value,
        parent: &Path,
        group: Option<u32>,
        cluster: &Cluster,
        pod: &Value,
    ) -> Self {
        let name = text_at(source, "/name").to_owned();
        let folder = parent.join(&name);
        fs::create_dir(&folder).unwrap();
        // Whatever the umask is.
        fs::set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
        let mut volume = Self { name, folder, source: source.clone(), group, versions: 0 };
        volume.sync(cluster, pod);
        volume
    }

    /// Whether containers can write there.
    pub(super) fn is_writable(&self) -> bool {
        self.source.get("emptyDir").is_some()
    }

    /// Puts what the objects hold now in the place of what they held before, as a kubelet does a while after a change.
    pub(super) fn sync(&mut self, cluster: &Cluster, pod: &Value) {
        if self.is_writable() {
            if let Some(group) = self.group {
                give(&self.folder, group, 0o2070);
            }
            return;
        }
        let payload = payload(&self.source, cluster, pod);
        self.publish(&payload);
    }

    fn publish(&mut self, payload: &Payload) {
        self.versions += 1;
        let version = format!("..2026_07_01_12_00_00.{:09}", self.versions);
        let folder = self.folder.join(&version);
        make_folder(&folder);
        for (path, (bytes, mode)) in payload {
            let file = folder.join(path);
            for parent in path.parent().into_iter().flat_map(Path::ancestors).collect::<Vec<_>>().iter().rev()
            {
                if !folder.join(parent).exists() {
                    make_folder(&folder.join(parent));
                }
            }
            fs::write(&file, bytes).unwrap();
            fs::set_permissions(&file, Permissions::from_mode(*mode)).unwrap();
        }
        self.own(&folder);
        let old = fs::read_link(self.folder.join("..data")).ok();
        symlink(&version, self.folder.join("..data_tmp")).unwrap();
        fs::rename(self.folder.join("..data_tmp"), self.folder.join("..data")).unwrap();
        self.name_files(payload);
        if let Some(old) = old {
            fs::remove_dir_all(self.folder.join(old)).unwrap();
        }
    }

    /// A symlink for each first part of a path, and none for what has gone.
    fn name_files(&self, payload: &Payload) {
        let names: Vec<&Path> =
            payload.keys().map(|path| Path::new(path.components().next().unwrap().as_os_str())).collect();
        for name in &names {
            let link = self.folder.join(name);
            if link.symlink_metadata().is_err() {
                symlink(Path::new("..data").join(name), link).unwrap();
            }
        }
        for entry in fs::read_dir(&self.folder).unwrap() {
            let name = entry.unwrap().file_name();
            if !name.to_string_lossy().starts_with("..") && !names.contains(&Path::new(&name)) {
                fs::remove_file(self.folder.join(name)).unwrap();
            }
        }
    }

    /// `fsGroup`: the files' group, which may read.
    fn own(&self, path: &Path) {
        let Some(group) = self.group else { return };
        if path.is_dir() {
            for entry in fs::read_dir(path).unwrap() {
                self.own(&entry.unwrap().path());
            }
        }
        give(path, group, if path.is_dir() { 0o2550 } else { 0o440 });
    }
}

/// Gives a path to a group, with more permissions than it has.
fn give(path: &Path, group: u32, more: u32) {
    chown(path, None, Some(group)).unwrap();
    let mode = fs::metadata(path).unwrap().permissions().mode();
    fs::set_permissions(path, Permissions::from_mode(mode | more)).unwrap();
}

fn make_folder(path: &Path) {
    fs::create_dir(path).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
}

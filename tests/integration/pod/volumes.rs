//! The files of a pod's volumes, laid out and swapped as a kubelet does it.
//!
//! ConfigMaps, Secrets and projections are a folder `..2026_…` with the files, a symlink `..data` to it, and one symlink for each
//! name through `..data`: a change is one rename of `..data`. Files are root's; `fsGroup` gives them to a group that may read.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::cluster::{Cluster, Kind, list, only_known, text_at};

/// A volume of a pod, on disk.
pub(super) struct Volume {
    pub(super) name: String,
    pub(super) folder: PathBuf,
    /// The fields of the manifest.
    source: Value,
    group: Option<u32>,
    versions: u32,
}

/// Files by their path below the volume: what is in them, and who may read them.
type Payload = BTreeMap<PathBuf, (Vec<u8>, u32)>;

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

/// The files that a volume has now.
fn payload(volume: &Value, cluster: &Cluster, pod: &Value) -> Payload {
    only_known("a volume", volume, &["name", "configMap", "secret", "projected", "downwardAPI"]);
    if let Some(source) = volume.get("configMap") {
        return of_object(Kind::ConfigMap, source, text_at(source, "/name"), mode(source), cluster);
    }
    if let Some(source) = volume.get("secret") {
        return of_object(Kind::Secret, source, text_at(source, "/secretName"), mode(source), cluster);
    }
    if let Some(source) = volume.get("downwardAPI") {
        return of_pod(source, mode(source), pod);
    }
    let projected = volume.get("projected").unwrap_or_else(|| panic!("a volume of nothing: {volume}"));
    let mut all = Payload::new();
    for source in list(projected, "sources") {
        only_known("a projection", source, &["configMap", "secret", "downwardAPI"]);
        for (field, kind) in [("configMap", Kind::ConfigMap), ("secret", Kind::Secret)] {
            if let Some(source) = source.get(field) {
                all.extend(of_object(kind, source, text_at(source, "/name"), mode(projected), cluster));
            }
        }
        if let Some(source) = source.get("downwardAPI") {
            all.extend(of_pod(source, mode(projected), pod));
        }
    }
    all
}

fn mode(source: &Value) -> u32 {
    only_known(
        "a volume's source",
        source,
        &["name", "secretName", "items", "defaultMode", "optional", "sources"],
    );
    source["defaultMode"].as_u64().map_or(0o644, |mode| u32::try_from(mode).unwrap())
}

fn of_object(kind: Kind, source: &Value, name: &str, mode: u32, cluster: &Cluster) -> Payload {
    let optional = source["optional"].as_bool() == Some(true);
    let Some(data) = cluster.data(kind, name) else {
        assert!(optional, "MountVolume.SetUp failed: {kind:?} {name} is not there");
        return Payload::new();
    };
    let whole: Vec<Value> = data.keys().map(|key| json!({"key": key, "path": key})).collect();
    let items = source["items"].as_array().unwrap_or(&whole);
    let mut payload = Payload::new();
    for item in items {
        let (key, path) = (text_at(item, "/key"), text_at(item, "/path"));
        let own = item["mode"].as_u64().map_or(mode, |mode| u32::try_from(mode).unwrap());
        match data.get(key) {
            Some(bytes) => drop(payload.insert(path.into(), (bytes.clone(), own))),
            None => assert!(optional, "MountVolume.SetUp failed: {kind:?} {name} has no key {key}"),
        }
    }
    payload
}

fn of_pod(source: &Value, mode: u32, pod: &Value) -> Payload {
    let file = |item: &Value| {
        let field = super::environment::field(text_at(item, "/fieldRef/fieldPath"), pod);
        (PathBuf::from(text_at(item, "/path")), (field.into_bytes(), mode))
    };
    list(source, "items").iter().map(file).collect()
}

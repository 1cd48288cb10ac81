//! What is in a volume: files of ConfigMaps, Secrets, projections of both, and fields of the pod.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::cluster::{Cluster, Kind, list, only_known, text_at};
use super::super::environment::field;

/// Files by their path below the volume: what is in them, and who may read them.
pub(super) type Payload = BTreeMap<PathBuf, (Vec<u8>, u32)>;

/// The files that a volume has now.
pub(super) fn payload(volume: &Value, cluster: &Cluster, pod: &Value) -> Payload {
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
        let field = field(text_at(item, "/fieldRef/fieldPath"), pod);
        (PathBuf::from(text_at(item, "/path")), (field.into_bytes(), mode))
    };
    list(source, "items").iter().map(file).collect()
}

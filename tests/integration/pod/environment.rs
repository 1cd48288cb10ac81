//! The variables of a container: the image's, those of Services, and the rendered ones in their order.

mod resources;

use std::collections::BTreeMap;

use serde_json::Value;

use super::cluster::{Cluster, Kind, list, only_known, text_at};
use resources::resource;

/// Variables by name.
pub(super) type Environment = BTreeMap<String, String>;

/// All that a container's process gets.
pub(super) fn of(container: &Value, pod: &Value, cluster: &Cluster) -> Environment {
    let mut all = Environment::new();
    all.insert("PATH".into(), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into());
    all.insert("HOSTNAME".into(), text_at(pod, "/metadata/name").into());
    all.extend(services(cluster, pod));
    for source in list(container, "envFrom") {
        all.extend(many(source, cluster));
    }
    // Later ones may name earlier ones.
    for variable in list(container, "env") {
        only_known("a variable", variable, &["name", "value", "valueFrom"]);
        let value = match variable.get("valueFrom") {
            Some(source) => referred(source, container, pod, cluster),
            None => Some(expand(variable["value"].as_str().unwrap_or_default(), &all)),
        };
        if let Some(value) = value {
            all.insert(text_at(variable, "/name").into(), value);
        }
    }
    all
}

/// `$(NAME)` replaced by the variable where there is one; `$$` is a dollar sign.
pub(super) fn expand(text: &str, environment: &Environment) -> String {
    let (mut expanded, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        rest = after;
        let name = after.strip_prefix('(').and_then(|after| after.split_once(')'));
        if let Some(after) = after.strip_prefix('$') {
            expanded.push('$');
            rest = after;
        } else if let Some((value, after)) =
            name.and_then(|(name, after)| Some((environment.get(name)?, after)))
        {
            expanded.push_str(value);
            rest = after;
        } else {
            expanded.push('$');
        }
    }
    expanded + rest
}

/// A field of the pod, as `metadata.name` or `metadata.labels['a/b']`.
pub(super) fn field(path: &str, pod: &Value) -> String {
    let (path, key) = match path.split_once("['") {
        Some((path, key)) => (path, Some(key.trim_end_matches("']"))),
        None => (path, None),
    };
    let mut found = pod.pointer(&format!("/{}", path.replace('.', "/")));
    if let Some(key) = key {
        return found.and_then(|all| all[key].as_str()).unwrap_or_default().to_owned();
    }
    found = found.filter(|found| found.is_string());
    found.and_then(Value::as_str).unwrap_or_else(|| panic!("no field {path} of a pod")).to_owned()
}

/// What Kubernetes tells every container of a namespace about its Services, as Docker's links once did.
fn services(cluster: &Cluster, pod: &Value) -> Environment {
    let mut all = Environment::new();
    all.insert("KUBERNETES_SERVICE_HOST".into(), "10.96.0.1".into());
    all.insert("KUBERNETES_SERVICE_PORT".into(), "443".into());
    if pod["spec"]["enableServiceLinks"].as_bool() == Some(false) {
        return all;
    }
    for service in
        cluster.all("Service").filter(|service| service["spec"]["clusterIP"].as_str() != Some("None"))
    {
        let name = text_at(service, "/metadata/name").to_uppercase().replace('-', "_");
        let address = "10.96.0.17";
        all.insert(format!("{name}_SERVICE_HOST"), address.into());
        for (index, port) in list(&service["spec"], "ports").iter().enumerate() {
            let number = &port["port"];
            if index == 0 {
                all.insert(format!("{name}_SERVICE_PORT"), number.to_string());
                all.insert(format!("{name}_PORT"), format!("tcp://{address}:{number}"));
            }
            if let Some(port) = port["name"].as_str() {
                let port = port.to_uppercase().replace('-', "_");
                all.insert(format!("{name}_SERVICE_PORT_{port}"), number.to_string());
            }
            let link = format!("{name}_PORT_{number}_TCP");
            all.insert(format!("{link}_PROTO"), "tcp".into());
            all.insert(format!("{link}_PORT"), number.to_string());
            all.insert(format!("{link}_ADDR"), address.into());
            all.insert(link, format!("tcp://{address}:{number}"));
        }
    }
    all
}

/// All keys of an object.
fn many(source: &Value, cluster: &Cluster) -> Environment {
    only_known("a source of variables", source, &["prefix", "configMapRef", "secretRef"]);
    let prefix = source["prefix"].as_str().unwrap_or_default();
    let (kind, reference) = match source.get("configMapRef") {
        Some(reference) => (Kind::ConfigMap, reference),
        None => (Kind::Secret, &source["secretRef"]),
    };
    let name = text_at(reference, "/name");
    let data = cluster.data(kind, name);
    assert!(
        data.is_some() || reference["optional"].as_bool() == Some(true),
        "CreateContainerConfigError: {kind:?} {name} is not there"
    );
    let text = |bytes: &Vec<u8>| String::from_utf8(bytes.clone()).unwrap();
    data.into_iter().flatten().map(|(key, value)| (format!("{prefix}{key}"), text(value))).collect()
}

fn referred(source: &Value, container: &Value, pod: &Value, cluster: &Cluster) -> Option<String> {
    let (kind, reference) = match source.as_object().and_then(|source| source.iter().next()) {
        Some((kind, reference)) => (kind.as_str(), reference),
        None => panic!("a variable from nothing: {source}"),
    };
    match kind {
        "fieldRef" => Some(field(text_at(reference, "/fieldPath"), pod)),
        "resourceFieldRef" => Some(resource(reference, container)),
        "configMapKeyRef" => key(Kind::ConfigMap, reference, cluster),
        "secretKeyRef" => key(Kind::Secret, reference, cluster),
        _ => panic!("the kubelet of these tests does not know {kind}"),
    }
}

fn key(kind: Kind, reference: &Value, cluster: &Cluster) -> Option<String> {
    let (name, key) = (text_at(reference, "/name"), text_at(reference, "/key"));
    let found = cluster.data(kind, name).and_then(|data| data.get(key));
    assert!(
        found.is_some() || reference["optional"].as_bool() == Some(true),
        "CreateContainerConfigError: {kind:?} {name} has no key {key}"
    );
    found.map(|bytes| String::from_utf8(bytes.clone()).unwrap())
}

#[test]
fn variables_in_text() {
    let environment = Environment::from([("A".into(), "1".into())]);
    for (text, expanded) in [("a", "a"), ("$(A)b$(A)", "1b1"), ("$$(A)", "$(A)"), ("$(B)$", "$(B)$")] {
        assert_eq!(expand(text, &environment), expanded, "{text}");
    }
}

//! What an operator has made before the chart is installed: the Secrets and ConfigMaps that it refers to by name.
//!
//! A file gets its content by the place where the container has it, so that a Secret that is mounted elsewhere is found out.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::cluster::{Cluster, Data, Kind, list, text_at};
use crate::harness::Authority;
use crate::harness::authority::Issued;

/// Who we are to every Redis that wants to know.
pub(super) const USER: &str = "ratekeeper";
/// By which password at first.
pub(super) const PASSWORD: &str = "first-password";

/// Vouches for everybody, and knows all secrets.
pub(super) struct Operator {
    /// For Redis and who asks it.
    pub(super) redis: Authority,
    /// For the server under test.
    pub(super) servers: Authority,
    /// For those who ask it.
    pub(super) clients: Authority,
    /// What the server shows at first.
    pub(super) server: Issued,
    /// The names by which the server is asked.
    names: Vec<String>,
    /// The Secret that cert-manager fills, where it does.
    filled: Option<String>,
    /// `redis` of the rendered settings.
    redis_settings: Value,
}

impl Operator {
    /// Knows what the Services and certificates of a cluster are called.
    pub(super) fn of(cluster: &Cluster) -> Self {
        let mut names: Vec<String> = cluster.all("Service").flat_map(names_of).collect();
        let mut filled = None;
        // With cert-manager it is the manifest that says them.
        for certificate in cluster.all("Certificate") {
            let given = list(&certificate["spec"], "dnsNames").iter().filter_map(Value::as_str);
            names = given.map(ToOwned::to_owned).collect();
            filled = Some(text_at(certificate, "/spec/secretName").to_owned());
        }
        let (redis, servers, clients) = (Authority::new(), Authority::new(), Authority::new());
        let server = issue(&servers, &names);
        let redis_settings = cluster.settings()["redis"].clone();
        Self { redis, servers, clients, server, names, filled, redis_settings }
    }

    /// Another certificate for the server under test.
    pub(super) fn renewed(&self) -> Issued {
        issue(&self.servers, &self.names)
    }

    /// Makes what the pod needs and the chart does not have.
    pub(super) fn make_what_is_missing(&self, cluster: &mut Cluster, pod: &Value, container: &Value) {
        let mut made: BTreeMap<(Kind, String), Data> = BTreeMap::new();
        for volume in list(&pod["spec"], "volumes") {
            for (kind, name, source) in sources(volume) {
                let mounts = list(container, "volumeMounts").iter();
                let mounts = mounts.filter(|mount| mount["name"] == volume["name"]);
                let folders: Vec<&str> = mounts.map(|mount| text_at(mount, "/mountPath")).collect();
                if cluster.data(kind, &name).is_none() {
                    let files = self.files(&name, &source, &folders);
                    made.entry((kind, name)).or_default().extend(files);
                }
            }
        }
        for variable in list(container, "env") {
            for (field, kind) in [("secretKeyRef", Kind::Secret), ("configMapKeyRef", Kind::ConfigMap)] {
                let Some(reference) = variable["valueFrom"].get(field) else { continue };
                let name = text_at(reference, "/name");
                if cluster.data(kind, name).is_none() {
                    let value = self.variable(text_at(variable, "/name"));
                    let data = made.entry((kind, name.to_owned())).or_default();
                    data.insert(text_at(reference, "/key").to_owned(), value);
                }
            }
        }
        for source in list(container, "envFrom") {
            for (field, kind) in [("secretRef", Kind::Secret), ("configMapRef", Kind::ConfigMap)] {
                let Some(name) = source[field]["name"].as_str() else { continue };
                let data = made.entry((kind, name.to_owned())).or_default();
                data.insert("SOMETHING_ELSE".into(), "of no matter".into());
            }
        }
        made.into_iter().for_each(|((kind, name), data)| cluster.apply(kind, &name, data));
    }

    /// The keys that a source must have for these places.
    fn files(&self, object: &str, source: &Value, folders: &[&str]) -> Data {
        let mut data = Data::new();
        for folder in folders {
            let known = self.known_files(object, folder);
            assert!(!known.is_empty(), "nobody looks for files of an operator in {folder}: {source}");
            let whole: Vec<Value> =
                known.iter().map(|(name, _)| json!({"key": name, "path": name})).collect();
            for item in source["items"].as_array().unwrap_or(&whole) {
                let (key, path) = (text_at(item, "/key"), text_at(item, "/path"));
                let file = known.iter().find(|(name, _)| name == path);
                let (_, content) = file.unwrap_or_else(|| panic!("nobody looks for {path} in {folder}"));
                data.insert(key.to_owned(), content.clone().into_bytes());
            }
        }
        data
    }

    /// The files that the server is told to look for in a folder.
    fn known_files(&self, object: &str, folder: &str) -> Vec<(String, String)> {
        let read = |path: &str| std::fs::read_to_string(self.redis.path(path)).unwrap();
        let Issued { certificate, key } = &self.server;
        let files: Vec<(&str, String)> = match folder.strip_prefix("/etc/ratekeeper/").unwrap_or_default() {
            "rules" => return vec![(format!("{object}.yaml"), rules_of(object))],
            "redis" | "redis-per-second" => vec![("username", USER.into()), ("password", PASSWORD.into())],
            "redis-tls" | "redis-per-second-tls" => vec![
                ("ca.crt", self.redis.pem()),
                ("tls.crt", read("client/cert.pem")),
                ("tls.key", read("client/key.pem")),
            ],
            "grpc-tls" => vec![
                ("ca.crt", self.servers.pem()),
                ("tls.crt", certificate.clone()),
                ("tls.key", key.clone()),
            ],
            // The same Secret for both: the CA of our own certificate.
            "grpc-client-ca" if self.filled.as_deref() == Some(object) => {
                vec![("ca.crt", self.servers.pem())]
            }
            "grpc-client-ca" => vec![("ca.crt", self.clients.pem())],
            _ => Vec::new(),
        };
        files.into_iter().map(|(name, text)| (name.to_owned(), text)).collect()
    }

    fn variable(&self, name: &str) -> Vec<u8> {
        let value = match name {
            "RATEKEEPER_REDIS__URLS" if self.redis_settings["topology"] == "sentinel" => SENTINELS,
            "RATEKEEPER_REDIS__URLS" => "rediss://redis.databases.svc:6379",
            "RATEKEEPER_REDIS__USERNAME" | "RATEKEEPER_REDIS_PER_SECOND__USERNAME" => USER,
            "RATEKEEPER_REDIS__PASSWORD" | "RATEKEEPER_REDIS_PER_SECOND__PASSWORD" => PASSWORD,
            "RATEKEEPER_DECISION_LOG__HASH_SECRET" => "a secret of thirty-two characters",
            _ => panic!("nobody knows what {name} may be"),
        };
        value.into()
    }
}

fn issue(authority: &Authority, names: &[String]) -> Issued {
    authority.issue(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

/// URLs that are secrets, as they have a password in them.
const SENTINELS: &str =
    "rediss://:sentinels@sentinel-0.databases.svc:26379,rediss://:sentinels@sentinel-1.databases.svc:26379";

/// The objects that a volume is made of: kind, name, and the place in the manifest.
fn sources(volume: &Value) -> Vec<(Kind, String, Value)> {
    let mut found = Vec::new();
    let projected = volume.get("projected").map_or(&[][..], |projected| list(projected, "sources"));
    for source in std::iter::once(volume).chain(projected) {
        for (field, kind) in [("configMap", Kind::ConfigMap), ("secret", Kind::Secret)] {
            if let Some(object) = source.get(field) {
                let name = object["name"].as_str().or(object["secretName"].as_str());
                found.push((kind, name.expect("a name").to_owned(), object.clone()));
            }
        }
    }
    found
}

/// The names by which a Service is asked, the one that all clusters know last.
pub(super) fn names_of(service: &Value) -> Vec<String> {
    let name = text_at(service, "/metadata/name");
    let namespace = service["metadata"]["namespace"].as_str().unwrap_or("default");
    vec![name.to_owned(), format!("{name}.{namespace}"), format!("{name}.{namespace}.svc")]
}

/// Rules that are not the chart's.
fn rules_of(domain: &str) -> String {
    format!(
        "domain: {domain}\ndescriptors:\n  - {{key: user, rate_limit: {{unit: hour, requests_per_unit: 20}}}}\n"
    )
}

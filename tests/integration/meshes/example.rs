//! An Envoy configuration of an example, made fit for one machine: loopback addresses, free ports, and patience.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::ratekeeper::Setup;
use crate::harness::{Envoy, Ratekeeper, yaml};

/// A file of this project.
pub(super) fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A server with these rule files, whose windows are years: none of them ends in the middle of a test.
pub(super) async fn ratekeeper(rules: &[&str]) -> Ratekeeper {
    with_rules(rules).start().await
}

/// The same before its start.
pub(super) fn with_rules(rules: &[&str]) -> Setup {
    rules.iter().fold(Ratekeeper::setup(), |setup, path| setup.rules(&yearly(&read(path))))
}

fn yearly(rules: &str) -> String {
    ["second", "minute", "hour", "day"]
        .iter()
        .fold(rules.to_owned(), |rules, unit| rules.replace(&format!("unit: {unit}"), "unit: year"))
}

/// A whole configuration of an Envoy.
#[derive(Clone)]
pub(super) struct Example(pub(super) Value);

impl Example {
    /// That of a file, which Envoy must take as it is.
    pub(super) fn of_file(path: &str) -> Self {
        let text = read(path);
        assert_taken(&text);
        Self(yaml::document(&text)).on_loopback()
    }

    /// Listeners, clusters and an admin page.
    pub(super) fn of_parts(listeners: &[Value], clusters: &[Value]) -> Self {
        let admin = json!({"address": {"socket_address": {"address": "127.0.0.1", "port_value": 9901}}});
        let parts = json!({"listeners": listeners, "clusters": clusters});
        Self(json!({"admin": admin, "static_resources": parts})).on_loopback()
    }

    /// Every listener gets a free port.
    pub(super) fn on_loopback(mut self) -> Self {
        let free = json!({"socket_address": {"address": "127.0.0.1", "port_value": 0}});
        self.0["admin"]["address"] = free.clone();
        for listener in self.0["static_resources"]["listeners"].as_array_mut().unwrap() {
            listener["address"] = free.clone();
        }
        self
    }

    pub(super) fn cluster_mut(&mut self, name: &str) -> &mut Value {
        let clusters = self.0["static_resources"]["clusters"].as_array_mut().unwrap();
        clusters.iter_mut().find(|cluster| cluster["name"] == name).unwrap_or_else(|| panic!("no {name}"))
    }

    /// Puts these addresses in the place of what a cluster finds by DNS or is told by a control plane.
    pub(super) fn cluster_at(mut self, name: &str, addresses: &[SocketAddr]) -> Self {
        let endpoints: Vec<Value> = addresses.iter().map(endpoint).collect();
        let cluster = self.cluster_mut(name);
        cluster["type"] = "STATIC".into();
        cluster.as_object_mut().unwrap().remove("eds_cluster_config");
        cluster["load_assignment"] =
            json!({"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]});
        self
    }

    /// Gives every rate limit filter seconds where milliseconds are short, because all tests run at once.
    pub(super) fn patient(mut self) -> Self {
        let changed = lengthen(&mut self.0);
        assert!(changed > 0, "no filter has a time-out of its own");
        self
    }

    /// Starts an Envoy, whose `entrance` is this listener, and which must have nothing to say against the configuration.
    pub(super) async fn start(self, entrance: &str) -> Envoy {
        let text = self.0.to_string();
        assert_taken(&text);
        Envoy::start_at(entrance, &text).await
    }
}

/// A field that is about to be removed from Envoy is no example to follow.
fn assert_taken(configuration: &str) {
    let (taken, said) = Envoy::validate(configuration);
    assert!(taken, "Envoy refuses it: {said}");
    assert!(!said.contains("eprecated"), "{said}");
}

fn endpoint(address: &SocketAddr) -> Value {
    let address = json!({"address": address.ip().to_string(), "port_value": address.port()});
    json!({"endpoint": {"address": {"socket_address": address}}})
}

fn lengthen(value: &mut Value) -> usize {
    let is_filter = value["@type"].as_str().is_some_and(|name| name.ends_with("ratelimit.v3.RateLimit"));
    let mut changed = 0;
    if is_filter && value["timeout"].is_string() {
        value["timeout"] = "5s".into();
        changed += 1;
    }
    match value {
        Value::Array(items) => changed + items.iter_mut().map(lengthen).sum::<usize>(),
        Value::Object(fields) => changed + fields.values_mut().map(lengthen).sum::<usize>(),
        _ => changed,
    }
}

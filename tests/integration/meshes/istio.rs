//! `deploy/istio/`: EnvoyFilters and DestinationRules, applied to what Istio generates as Istio applies them.

mod base;
mod destination_rule;
mod gateway;
mod patch;
mod proxy;
mod sidecar;
mod tls;

use serde_json::Value;

use super::example::read;
use crate::harness::yaml;

/// The resource of this kind and name in a file of `deploy/istio/`.
fn resource(file: &str, kind: &str, name: &str) -> Value {
    let resources = yaml::documents(&read(&format!("deploy/istio/{file}")));
    let found = resources.into_iter().find(|one| one["kind"] == kind && one["metadata"]["name"] == name);
    found.unwrap_or_else(|| panic!("{file} has no {kind} {name}"))
}

#[test]
fn the_values_for_the_chart_are_the_same_rules() {
    let values = yaml::document(&read("deploy/istio/values.yaml"));
    assert_eq!(values["rules"]["files"]["mesh.yaml"], yaml::document(&read("deploy/istio/rules.yaml")));
}

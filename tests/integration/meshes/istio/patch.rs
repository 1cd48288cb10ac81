//! Applies the patches of an EnvoyFilter as istiod does: who is selected, what matches, and how a value is merged.
//!
//! Knows the operations that the examples use, and nothing more: a field that it does not know ends the test, because a condition
//! that is overlooked here would patch more there.

use serde_json::{Map, Value};

use super::proxy::Proxy;

const MANAGER: &str = "envoy.filters.network.http_connection_manager";

/// Applies all patches, each of which must find something to patch.
pub(super) fn apply(filter: &Value, proxy: &mut Proxy) {
    assert!(proxy.is_selected_by(filter), "the filter selects another workload");
    for patch in filter["spec"]["configPatches"].as_array().unwrap() {
        assert_eq!(patch["match"]["context"], proxy.context);
        let places = match patch["applyTo"].as_str().unwrap() {
            "HTTP_FILTER" => http_filter(patch, proxy),
            "NETWORK_FILTER" => network_filter(patch, proxy),
            "VIRTUAL_HOST" => virtual_hosts(patch, proxy),
            "HTTP_ROUTE" => routes(patch, proxy),
            "CLUSTER" => clusters(patch, proxy),
            other => panic!("{other} is not known here"),
        };
        assert!(places > 0, "nothing matches {}", patch["match"]);
    }
}

fn value(patch: &Value, operation: &str) -> Value {
    assert_eq!(patch["patch"]["operation"], operation);
    patch["patch"]["value"].clone()
}

fn http_filter(patch: &Value, proxy: &mut Proxy) -> usize {
    let wanted = &patch["match"]["listener"]["filterChain"]["filter"];
    assert_eq!(wanted["name"], MANAGER);
    let value = value(patch, "INSERT_BEFORE");
    let mut places = 0;
    for chain in chains(patch, proxy) {
        for filter in chain["filters"].as_array_mut().unwrap() {
            if filter["name"] == MANAGER {
                let filters = filter["typed_config"]["http_filters"].as_array_mut().unwrap();
                places += insert_before(filters, &wanted["subFilter"]["name"], &value);
            }
        }
    }
    places
}

fn network_filter(patch: &Value, proxy: &mut Proxy) -> usize {
    let wanted = patch["match"]["listener"]["filterChain"]["filter"]["name"].clone();
    let value = value(patch, "INSERT_BEFORE");
    chains(patch, proxy)
        .into_iter()
        .map(|chain| insert_before(chain["filters"].as_array_mut().unwrap(), &wanted, &value))
        .sum()
}

fn insert_before(filters: &mut Vec<Value>, name: &Value, value: &Value) -> usize {
    let Some(place) = filters.iter().position(|filter| filter["name"] == *name) else { return 0 };
    filters.insert(place, value.clone());
    1
}

/// The filter chains of the listeners that match. The inbound listener has a chain for each port.
fn chains<'p>(patch: &Value, proxy: &'p mut Proxy) -> Vec<&'p mut Value> {
    let wanted = &patch["match"]["listener"];
    knows(wanted, &["portNumber", "filterChain"]);
    knows(&wanted["filterChain"], &["filter"]);
    let port = &wanted["portNumber"];
    let mut chains = Vec::new();
    for listener in &mut proxy.listeners {
        let is_inbound = listener["name"] == "virtualInbound";
        let listens = port.is_null() || listener["address"]["socket_address"]["port_value"] == *port;
        for chain in listener["filter_chains"].as_array_mut().unwrap() {
            let serves = port.is_null() || chain["filter_chain_match"]["destination_port"] == *port;
            if if is_inbound { serves } else { listens } {
                chains.push(chain);
            }
        }
    }
    chains
}

fn virtual_hosts(patch: &Value, proxy: &mut Proxy) -> usize {
    let value = value(patch, "MERGE");
    let hosts = matching_hosts(patch, proxy);
    hosts.into_iter().map(|host| merge(host, &value)).count()
}

fn routes(patch: &Value, proxy: &mut Proxy) -> usize {
    let value = value(patch, "MERGE");
    let wanted = patch["match"]["routeConfiguration"]["vhost"]["route"].clone();
    knows(&wanted, &["name", "action"]);
    assert_eq!(wanted["action"], "ROUTE");
    let mut places = 0;
    for host in matching_hosts(patch, proxy) {
        for route in host["routes"].as_array_mut().unwrap() {
            if route["route"].is_object() && is_or_any(&wanted["name"], &route["name"]) {
                merge(route, &value);
                places += 1;
            }
        }
    }
    places
}

fn matching_hosts<'p>(patch: &Value, proxy: &'p mut Proxy) -> Vec<&'p mut Value> {
    let wanted = &patch["match"]["routeConfiguration"];
    knows(wanted, &["name", "vhost"]);
    knows(&wanted["vhost"], &["name", "route"]);
    let mut hosts = Vec::new();
    for routes in &mut proxy.routes {
        if is_or_any(&wanted["name"], &routes["name"]) {
            let all = routes["virtual_hosts"].as_array_mut().unwrap().iter_mut();
            hosts.extend(all.filter(|host| is_or_any(&wanted["vhost"]["name"], &host["name"])));
        }
    }
    hosts
}

fn clusters(patch: &Value, proxy: &mut Proxy) -> usize {
    let value = value(patch, "MERGE");
    let wanted = &patch["match"]["cluster"];
    knows(wanted, &["service", "portNumber"]);
    let name = format!("outbound|{}||{}", wanted["portNumber"], wanted["service"].as_str().unwrap());
    let found = proxy.clusters.iter_mut().filter(|cluster| cluster["name"] == name.as_str());
    found.map(|cluster| merge(cluster, &value)).count()
}

fn is_or_any(wanted: &Value, name: &Value) -> bool {
    wanted.is_null() || wanted == name
}

fn knows(condition: &Value, fields: &[&str]) {
    let none = Map::new();
    for field in condition.as_object().unwrap_or(&none).keys() {
        assert!(fields.contains(&field.as_str()), "the condition `{field}` is not known here");
    }
}

/// Protobuf's merge: messages by field, lists one behind the other, everything else replaced; also what is packed.
pub(super) fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) if !from.contains_key("@type") => {
            for (name, value) in from {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (Value::Array(into), Value::Array(from)) => into.extend(from.iter().cloned()),
        (into, from) => *into = from.clone(),
    }
}

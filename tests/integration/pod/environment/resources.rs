//! `resourceFieldRef`: what a container asks for and may have, as numbers.

use serde_json::{Value, json};

use super::super::cluster::text_at;

/// A request or limit of the container, rounded up in units of the divisor.
pub(super) fn resource(reference: &Value, container: &Value) -> String {
    let path = text_at(reference, "/resource");
    let (kind, name) = path.split_once('.').unwrap_or_else(|| panic!("no resource: {path}"));
    let resources = &container["resources"];
    // Without a limit it is what the node has.
    let given =
        [&resources[kind][name], &resources["limits"][name]].into_iter().find(|value| !value.is_null());
    let amount = given.map_or(if name == "cpu" { 2.0 } else { 8.0 * 1_073_741_824.0 }, quantity);
    let divisor = reference.get("divisor").map_or(1.0, quantity);
    format!("{:.0}", (amount / if divisor == 0.0 { 1.0 } else { divisor }).ceil())
}

/// A quantity of Kubernetes, such as `250m` or `64Mi`.
fn quantity(value: &Value) -> f64 {
    let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    let end = text.find(|digit: char| !digit.is_ascii_digit() && digit != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor = match unit {
        "" => 1.0,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "Ki" => 1024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        _ => panic!("no quantity: {text}"),
    };
    number.parse::<f64>().unwrap() * factor
}

#[test]
fn amounts() {
    let container = json!({"resources": {"limits": {"memory": "64Mi"}, "requests": {"cpu": "250m"}}});
    for (reference, amount) in [
        (json!({"resource": "limits.memory"}), "67108864"),
        (json!({"resource": "limits.memory", "divisor": "1Mi"}), "64"),
        (json!({"resource": "requests.cpu"}), "1"),
        (json!({"resource": "requests.cpu", "divisor": "1m"}), "250"),
        (json!({"resource": "limits.cpu"}), "2"),
    ] {
        assert_eq!(resource(&reference, &container), amount, "{reference}");
    }
}

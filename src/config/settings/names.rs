//! The names of all settings, taken from the settings themselves so that no list can fall behind.

use serde_json::Value;

use super::Settings;

/// The names right under a section, `""` being the top.
pub(super) fn below(section: &str) -> Vec<String> {
    let settings = serde_json::to_value(Settings::default()).unwrap_or_default();
    let found =
        section.split('.').filter(|name| !name.is_empty()).try_fold(&settings, |value, name| value.get(name));
    let names = found.and_then(Value::as_object).map(|fields| fields.keys().cloned().collect());
    names.unwrap_or_default()
}

/// The path of each setting, sections included, in the order of the documented file.
pub(super) fn paths() -> Vec<String> {
    let mut paths = Vec::new();
    collect("", &mut paths);
    paths
}

fn collect(section: &str, paths: &mut Vec<String>) {
    for name in below(section) {
        let path = if section.is_empty() { name } else { format!("{section}.{name}") };
        paths.push(path.clone());
        collect(&path, paths);
    }
}

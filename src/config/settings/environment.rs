//! Settings in environment variables: `RATEKEEPER_` and the path in capitals, `__` between its levels.

use super::overlay::apply_variable;
use super::{Settings, names};
use crate::config::decode::closest;
use crate::config::diagnostic::{Diagnostic, Diagnostics, Origin, quote};

/// What the names of our variables begin with.
const PREFIX: &str = "RATEKEEPER_";

/// Writes the settings that variables give, in the order of their names.
pub(super) fn read(
    environment: impl IntoIterator<Item = (String, String)>,
    settings: &mut Settings,
    faults: &mut Diagnostics,
) {
    let ours = |(name, _): &(String, String)| name.starts_with(PREFIX) && !is_no_setting(name);
    let mut variables: Vec<(String, String)> = environment.into_iter().filter(ours).collect();
    // A section comes before its settings, so that the closer word wins.
    variables.sort();
    let paths = names::paths();
    for (name, value) in &variables {
        match paths.iter().find(|path| variable(path) == *name) {
            Some(path) => apply_variable(name, path, value, settings, faults),
            None => faults.push(unknown(name, &paths)),
        }
    }
}

/// The variable of a setting.
fn variable(path: &str) -> String {
    format!("{PREFIX}{}", path.to_ascii_uppercase().replace('.', "__"))
}

/// The file of settings, what tests need, and what Kubernetes gives every pod beside a Service whose name begins with
/// ours: `RATEKEEPER_SERVICE_HOST`, `RATEKEEPER_PORT_8081_TCP_ADDR` and so on.
fn is_no_setting(name: &str) -> bool {
    let rest = &name[PREFIX.len()..];
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let port_details = || {
        let (_, details) = name.split_once("_PORT_")?;
        let (port, protocol) = details.split_once('_')?;
        Some(number(port) && ["TCP", "UDP", "SCTP"].iter().any(|known| protocol.starts_with(known)))
    };
    rest == "CONFIG"
        || rest.starts_with("TEST_")
        || name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.ends_with("_PORT")
        || port_details().unwrap_or(false)
}

fn unknown(name: &str, paths: &[String]) -> Diagnostic {
    let known: Vec<String> = paths.iter().map(|path| variable(path)).collect();
    // Compared without the prefix, which would make everything look alike.
    let known: Vec<&str> = known.iter().map(|name| &name[PREFIX.len()..]).collect();
    let help = match closest(&name[PREFIX.len()..], &known) {
        Some(meant) => format!("did you mean {PREFIX}{meant}?"),
        None => "write the setting's path in capitals with `__` between its levels, such as RATEKEEPER_LISTEN__GRPC".into(),
    };
    let origin = Origin::Variable(name.to_owned());
    Diagnostic::new(origin, format!("no setting belongs to the variable {}", quote(name))).with_help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubernetes_sets_is_left_alone() {
        for name in [
            "RATEKEEPER_SERVICE_HOST",
            "RATEKEEPER_SERVICE_PORT",
            "RATEKEEPER_SERVICE_PORT_GRPC",
            "RATEKEEPER_PORT",
            "RATEKEEPER_PORT_8081_TCP",
            "RATEKEEPER_PORT_8081_TCP_PROTO",
            "RATEKEEPER_PORT_8081_TCP_ADDR",
            "RATEKEEPER_ADMIN_SERVICE_HOST",
            "RATEKEEPER_ADMIN_PORT_6070_TCP",
        ] {
            assert!(is_no_setting(name), "{name}");
        }
    }

    #[test]
    fn no_setting_is_taken_for_something_else() {
        for path in names::paths() {
            assert!(!is_no_setting(&variable(&path)), "{path}");
        }
    }
}

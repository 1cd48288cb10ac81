//! The compose file and what it mounts: as the specification has it, confined, of one piece, and at work without an engine.

mod model;
mod town;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use ratekeeper::config::settings::Settings;
use serde_json::{Value, json};

use crate::harness::ratekeeper::BINARY;
use model::{FOLDER, each_service, model, read};

#[test]
fn what_is_no_compose_file_is_refused() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("compose.yaml");
    for (wrong, why) in [
        ("services: {a: {image: b, ports: 1}}", "services.a.ports"),
        ("services: {a: {image: b, heathcheck: {}}}", "heathcheck"),
        ("services: {a: {image: b, read_only: perhaps}}", "invalid boolean"),
    ] {
        std::fs::write(&file, wrong).unwrap();
        let Some(said) = model::load(&file) else { return };
        let refusal = said.expect_err(wrong);
        assert!(refusal.contains(why), "{wrong}: {refusal}");
    }
}

#[test]
fn what_is_mounted_is_there_and_not_written_to() {
    let mut count = 0;
    each_service(|name, service| {
        for mount in service["volumes"].as_array().into_iter().flatten() {
            let source = mount["source"].as_str().unwrap();
            assert!(Path::new(source).exists(), "{name} mounts {source}");
            assert_eq!(mount["read_only"], true, "{name}: {source}");
            count += 1;
        }
    });
    assert!(count > 8 || model().is_none(), "{count} mounts");
}

#[test]
fn services_are_confined_and_on_loopback_alone() {
    each_service(|name, service| {
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(service["cap_drop"], json!(["ALL"]), "{name}");
        assert_eq!(service["security_opt"], json!(["no-new-privileges:true"]), "{name}");
        for bound in ["mem_limit", "cpus", "pids_limit"] {
            assert!(!service[bound].is_null(), "{name} has no {bound}");
        }
        for port in service["ports"].as_array().into_iter().flatten() {
            assert_eq!(port["host_ip"], "127.0.0.1", "{name}: {port}");
        }
    });
}

/// A version of its own, and the same that is used elsewhere in this project.
#[test]
fn images_are_pinned() {
    let setup = read("scripts/test-setup");
    let envoy = setup.lines().find_map(|line| line.strip_prefix("envoy_version=")).unwrap();
    each_service(|name, service| {
        let (_, tag) = service["image"].as_str().unwrap().rsplit_once(':').expect(name);
        assert!(
            tag.trim_start_matches('v').split('.').count() >= 3,
            "{name}: {tag} may become another image"
        );
        match name {
            "envoy" => assert_eq!(tag, format!("v{envoy}")),
            "ratekeeper-0" | "ratekeeper-1" => assert_eq!(tag, env!("CARGO_PKG_VERSION")),
            _ => {}
        }
    });
}

#[test]
fn who_is_waited_for_has_a_health_check() {
    let Some(model) = model() else { return };
    each_service(|name, service| {
        for (other, wait) in service["depends_on"].as_object().into_iter().flatten() {
            assert!(!model["services"][other].is_null(), "{name} waits for {other}, which nobody is");
            let checked = !model["services"][other]["healthcheck"].is_null();
            let expected = if checked { "service_healthy" } else { "service_started" };
            assert_eq!(wait["condition"], expected, "{name} waits for {other}");
        }
    });
}

#[test]
fn replicas_read_what_is_mounted_and_are_given_time_to_drain() {
    let drain = Settings::default().drain;
    let least = drain.pause + drain.deadline;
    let settings = read(&format!("{FOLDER}/ratekeeper.yaml"));
    assert!(!settings.contains("drain:"), "compare with what it says");
    each_service(|name, service| {
        if name.starts_with("ratekeeper-") {
            let targets: Vec<&str> = model::mounts(service).map(|(_, target)| target).collect();
            let file = service["environment"]["RATEKEEPER_CONFIG"].as_str().unwrap();
            assert!(targets.contains(&file), "{file} is none of {targets:?}");
            let rules = targets.iter().find(|target| settings.contains(&format!("paths: [{target}]")));
            assert!(rules.is_some(), "the rules of ratekeeper.yaml are none of {targets:?}");
            let grace = service["stop_grace_period"].as_str().unwrap().trim_end_matches('s');
            assert!(grace.parse::<u64>().unwrap() > least.as_secs(), "{grace} s are not more than {least:?}");
            assert_eq!(service["healthcheck"]["test"], json!(["CMD", "/usr/bin/ratekeeper", "health"]));
            let build = &service["build"];
            let file =
                Path::new(build["context"].as_str().unwrap()).join(build["dockerfile"].as_str().unwrap());
            assert!(file.exists(), "{name} is built by {}", file.display());
        }
    });
}

/// Every `name:port` that a file asks for, by the service that must listen there.
#[test]
fn files_name_services_and_their_ports() {
    let Some(model) = model() else { return };
    let listens: BTreeMap<&str, Vec<u16>> = BTreeMap::from([
        ("ratekeeper-0", vec![8080, 8081, 9090]),
        ("ratekeeper-1", vec![8080, 8081, 9090]),
        ("redis", vec![6379]),
        ("echo", vec![8000]),
        ("prometheus", vec![9090]),
        ("otel-collector", vec![4317, 4318]),
    ]);
    assert_eq!(model["services"]["echo"]["command"], json!(["--port=8000"]));
    let collector = read(&format!("{FOLDER}/otel-collector.yaml"));
    assert!(collector.contains("      grpc:\n        endpoint: 0.0.0.0:4317\n"), "{collector}");
    let envoy = read(&format!("{FOLDER}/envoy.yaml")).replace(", port_value: ", ":");
    for (file, text, count) in [
        ("envoy.yaml", envoy, 3),
        ("ratekeeper.yaml", read(&format!("{FOLDER}/ratekeeper.yaml")), 2),
        ("datasources.yaml", read(&format!("{FOLDER}/grafana/datasources.yaml")), 1),
        ("prometheus.yaml", read("deploy/prometheus/prometheus.yaml"), 2),
    ] {
        let places = text.lines().filter(|line| !line.trim_start().starts_with('#')).flat_map(places);
        let places: Vec<(&str, u16)> = places.filter(|(host, _)| *host != "0.0.0.0").collect();
        assert_eq!(places.len(), count, "{file}: {places:?}");
        for (host, port) in places {
            assert!(!model["services"][host].is_null(), "{file}: no service is called {host}");
            assert!(listens[host].contains(&port), "{file}: {host} does not listen on {port}");
        }
    }
}

/// Every `name:port` of a line.
fn places(line: &str) -> impl Iterator<Item = (&str, u16)> {
    let is_of_name = |byte: char| byte.is_ascii_alphanumeric() || "-.:".contains(byte);
    line.split(move |byte| !is_of_name(byte)).filter_map(|word| {
        let (host, port) = word.rsplit_once(':')?;
        Some((host, port.parse().ok()?))
    })
}

#[test]
fn grafana_has_the_dashboards_and_their_source() {
    let Some(model) = model() else { return };
    let source = read(&format!("{FOLDER}/grafana/datasources.yaml"));
    assert!(source.contains("type: prometheus\n") && source.contains("isDefault: true\n"), "{source}");
    let provider = read(&format!("{FOLDER}/grafana/dashboards.yaml"));
    let grafana = &model["services"]["grafana"];
    let (folder, target) =
        model::mounts(grafana).find(|(source, _)| source.ends_with("deploy/grafana")).unwrap();
    assert!(provider.contains(&format!("path: {target}\n")), "{target} is not in {provider}");
    for board in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(board.unwrap().path()).unwrap();
        let board: Value = serde_json::from_str(&text).unwrap();
        // A variable without a value of its own is the default source of that type.
        let variable = &board["templating"]["list"][0];
        assert_eq!((&variable["type"], &variable["query"]), (&json!("datasource"), &json!("prometheus")));
        assert_eq!(variable["current"], json!({}));
    }
    let home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"].as_str().unwrap();
    let home = Path::new(folder).join(Path::new(home).strip_prefix(target).unwrap());
    assert!(home.exists(), "{}", home.display());
}

#[test]
fn settings_and_rules_have_no_faults() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER);
    let mut command = Command::new(BINARY);
    command.env_clear().env("RATEKEEPER_RULES__PATHS", folder.join("rules")).arg("check");
    let output = command.arg("--config").arg(folder.join("ratekeeper.yaml")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The services as processes with the very files, names, ports, variables and health checks of the compose file.
#[tokio::test]
async fn the_services_find_each_other() {
    let Some(seen) = town::seen().await else { return };
    let health = seen["health"].as_object().unwrap();
    let expected = ["redis", "ratekeeper-0", "ratekeeper-1", "envoy", "prometheus"];
    assert!(expected.iter().all(|name| health[*name] == 0), "{seen}");
    let answers = seen["answers"].as_array().unwrap();
    assert_eq!(
        (&answers[0]["status"], &answers[0]["body"]),
        (&json!(200), &json!("echo of alice")),
        "{seen}"
    );
    // 25 requests are more than two windows have, should a minute end among them. Few may go undecided on a busy machine.
    let denied = answers.iter().find(|answer| answer["status"] == 429).unwrap_or_else(|| panic!("{seen}"));
    assert_eq!(denied["limit"], "10, 10;w=60, 600;w=60", "both descriptors have their rule: {seen}");
    assert_eq!(seen["up"], 2, "{seen}");
    assert_eq!(seen["shared"], 2, "both replicas count in the one Redis: {seen}");
}

//! Holds the picture of `src/lib.rs`: imports go one way, and each library is named by its layer alone.

mod allowed;
mod mentions;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use allowed::{may_import, may_name};
use mentions::{Mention, Target, mentions};

/// What a file names and must not, each with its line.
fn faults(file: &str, source: &str, libraries: &BTreeSet<String>) -> Vec<String> {
    let fault = |Mention { target, line }| match target {
        Target::Layer(layer) if !may_import(file, &layer) => Some(format!("{file}:{line} imports {layer}")),
        Target::Library(library) if !may_name(file, &library) => {
            Some(format!("{file}:{line} names {library}"))
        }
        _ => None,
    };
    mentions(file, source, libraries).into_iter().filter_map(fault).collect()
}

fn text(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The dependencies in a section of a manifest, by their names there.
fn dependencies(manifest: &str, section: &str) -> BTreeSet<String> {
    let manifest = text(manifest);
    let Some((_, dependencies)) = manifest.split_once(&format!("\n[{section}]\n")) else {
        return BTreeSet::new();
    };
    let dependencies = dependencies.split("\n[").next().unwrap();
    let name = |line: &str| line.split(['=', '.']).next().unwrap().trim().to_owned();
    dependencies.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).map(name).collect()
}

/// The names of the program's dependencies, as code writes them.
fn libraries() -> BTreeSet<String> {
    let libraries = dependencies("Cargo.toml", "dependencies");
    libraries.into_iter().map(|library| library.replace('-', "_")).collect()
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn no_file_imports_or_names_what_its_layer_must_not_know() {
    let source_folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
    let (mut files, mut all) = (Vec::new(), Vec::new());
    rust_files(source_folder, &mut files);
    assert!(!files.is_empty());
    let libraries = libraries();
    for path in files {
        let file = path.strip_prefix(source_folder).unwrap().to_str().unwrap();
        all.extend(faults(file, &std::fs::read_to_string(&path).unwrap(), &libraries));
    }
    assert!(all.is_empty(), "see src/lib.rs for who may know whom:\n{}", all.join("\n"));
}

#[test]
fn every_dependency_has_an_owner() {
    let unowned: Vec<_> = libraries().into_iter().filter(|library| !allowed::is_known(library)).collect();
    assert!(unowned.is_empty(), "say in layers/allowed.rs who may name {unowned:?}");
}

/// Of every member of the workspace, and of tests, too.
#[test]
fn every_dependency_has_its_reason_on_record() {
    let page = text("docs/decisions/0001-libraries.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    let explained: BTreeSet<&str> = rows.flat_map(|names| names.split([',', ' ', '(', ')'])).collect();
    let manifests = ["Cargo.toml", "fuzz/Cargo.toml", "instructions/Cargo.toml", "proto/Cargo.toml"];
    let mut unexplained = BTreeSet::new();
    for (manifest, section) in manifests
        .into_iter()
        .flat_map(|manifest| ["dependencies", "dev-dependencies"].map(|section| (manifest, section)))
    {
        let all = dependencies(manifest, section).into_iter();
        let theirs = all.filter(|name| !name.starts_with("ratekeeper"));
        unexplained.extend(theirs.filter(|name| !explained.contains(name.as_str())));
    }
    assert!(unexplained.is_empty(), "say in docs/decisions/0001-libraries.md what for: {unexplained:?}");
}

#[track_caller]
fn check(file: &str, source: &str, expected: &[&str]) {
    assert_eq!(faults(file, source, &libraries()), expected, "{source}");
}

#[test]
fn imports_against_the_direction_are_found_in_every_form() {
    let file = "decision/rules/matching.rs";
    check(file, "use crate::storage::Store;", &["decision/rules/matching.rs:1 imports storage"]);
    check(file, "\npub(crate) use crate::config;", &["decision/rules/matching.rs:2 imports config"]);
    check(
        file,
        "use crate::{decision::Unit, service::{Clock, clock}, storage as s};",
        &["decision/rules/matching.rs:1 imports service", "decision/rules/matching.rs:1 imports storage"],
    );
    check(file, "fn f() { let x = crate::server::x(); }", &["decision/rules/matching.rs:1 imports server"]);
    check(file, "fn f() { m!(1, crate::app::x) }", &["decision/rules/matching.rs:1 imports app"]);
    check(file, "use super::super::super::storage::X;", &["decision/rules/matching.rs:1 imports storage"]);
    check(
        file,
        "mod a { use super::super::super::super::cli; }",
        &["decision/rules/matching.rs:1 imports cli"],
    );
    check("storage/local.rs", "use crate::service::X;", &["storage/local.rs:1 imports service"]);
    check("server/grpc.rs", "use crate::config::X;", &["server/grpc.rs:1 imports config"]);
    check("config/settings.rs", "use crate::service::X;", &["config/settings.rs:1 imports service"]);
    check("telemetry/logs.rs", "use crate::decision::X;", &["telemetry/logs.rs:1 imports decision"]);
    check("service.rs", "use crate::telemetry::X;", &["service.rs:1 imports telemetry"]);
    check("main.rs", "fn main() { ratekeeper::server::x() }", &["main.rs:1 imports server"]);
}

#[test]
fn imports_in_the_direction_are_fine() {
    check(
        "decision/rules/matching.rs",
        "use super::super::unit::Unit; use crate::decision::rules; use self::x;",
        &[],
    );
    check("storage/local.rs", "use crate::{decision, storage::X}; use super::super::decision::Y;", &[]);
    check("service/limiter.rs", "use crate::storage::X;", &[]);
    check("service/metrics.rs", "use crate::telemetry::Counter;", &[]);
    check("telemetry/trace/export/tls.rs", "use crate::secrets::pem;", &[]);
    check("server/grpc.rs", "use crate::service::X; use crate::decision::Y;", &[]);
    check("app/wire.rs", "use crate::{config, decision, server, service, storage, telemetry};", &[]);
    check("decision.rs", "//! crate::storage\n/// [`crate::server`]\nconst X: &str = \"crate::app\";", &[]);
}

#[test]
fn libraries_of_other_layers_are_found_in_every_form() {
    check("decision/key.rs", "use tokio::time::Instant;", &["decision/key.rs:1 names tokio"]);
    check("decision/key.rs", "use {serde::Serialize, ahash::X};", &["decision/key.rs:1 names serde"]);
    check("decision/key.rs", "#[derive(serde::Serialize)] struct X;", &["decision/key.rs:1 names serde"]);
    check("service/limiter.rs", "fn f() -> ::tonic::Status { x }", &["service/limiter.rs:1 names tonic"]);
    check(
        "service/limiter.rs",
        "use ratekeeper_proto as wire;",
        &["service/limiter.rs:1 names ratekeeper_proto"],
    );
    check("server/http.rs", "fn f() { m!(granit_parser::x()) }", &["server/http.rs:1 names granit_parser"]);
    check("service/limiter.rs", "fn f() -> anyhow::Result<()> { x }", &["service/limiter.rs:1 names anyhow"]);
    check("cli/check.rs", "use hyper::Request;", &["cli/check.rs:1 names hyper"]);
    check("server/grpc.rs", "use prometheus_client::X;", &["server/grpc.rs:1 names prometheus_client"]);
}

#[test]
fn libraries_of_the_own_layer_and_names_that_look_like_them_are_fine() {
    check("server/grpc.rs", "use tonic::Status; use http::Uri; use ratekeeper_proto::X;", &[]);
    check("server/metrics.rs", "use prometheus_client::X;", &[]);
    check("cli/bench/load.rs", "use hyper::Request;", &[]);
    check("config/yaml.rs", "use granit_parser::X;", &[]);
    check(
        "decision/key.rs",
        "use crate::decision::{http::X, bytes}; use self::tokio::Y; use super::notify::Z;",
        &[],
    );
    check("decision/key.rs", "fn f(http: u8) -> u8 { x.tokio::<u8>(); std::http::y(); http }", &[]);
}

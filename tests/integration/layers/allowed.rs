//! Who may import and name what. A file is given by its path below `src`.

/// The layers that a layer may import beside itself.
const LAYERS: &[(&str, &[&str])] = &[
    ("main", &["app", "cli"]),
    ("lib", &[]),
    ("cli", &["app", "config", "decision", "secrets", "server", "service", "storage", "telemetry"]),
    ("app", &["config", "decision", "secrets", "server", "service", "storage", "telemetry"]),
    ("server", &["decision", "secrets", "service", "storage"]),
    ("service", &["decision", "storage"]),
    ("storage", &["decision", "secrets"]),
    ("config", &["decision"]),
    ("decision", &[]),
    ("telemetry", &["secrets"]),
    ("secrets", &[]),
];

/// What the pure core may be built from, and so everything else, too.
const PLAIN: &[&str] =
    &["ahash", "arrayvec", "bytes", "hashbrown", "memchr", "sha2", "smallvec", "thiserror"];

/// What every layer but the pure core may name.
const ASYNC: &[&str] = &["arc_swap", "futures_util", "parking_lot", "pin_project_lite", "tokio", "tracing"];

/// The places that may name a library that is not for all: the beginnings of paths.
const OWNERS: &[(&[&str], &[&str])] = &[
    (
        &[
            "axum",
            "http",
            "hyper",
            "prost",
            "prost_reflect",
            "prost_types",
            "ratekeeper_proto",
            "tonic",
            "tonic_health",
            "tonic_reflection",
            "tower",
        ],
        &["server", "cli/bench", "cli/counters", "cli/health", "cli/peer"],
    ),
    (&["hyper_util"], &["server", "cli/bench", "cli/health", "cli/peer", "telemetry/trace/export/tls"]),
    (&["granit_parser", "notify"], &["config"]),
    (&["strsim"], &["config", "decision/rules/walk"]),
    (&["serde", "serde_json"], &["app", "config", "server", "cli", "telemetry", "service/decision_log"]),
    (&["serde_urlencoded"], &["server/http/admin", "cli/counters"]),
    (&["hdrhistogram", "loona_hpack"], &["cli/bench"]),
    // Tests stop and kill servers with it.
    (
        &["rustix"],
        &["telemetry/process", "cli/bench", "app/store/tests", "storage/redis/tests", "storage/shared/tests"],
    ),
    (&["bb8_redis", "redis"], &["storage/redis"]),
    (
        &["rustls"],
        &[
            "secrets/pem",
            "server/transport/tls",
            "server/transport/tests/tls",
            "storage/redis/tls",
            "telemetry/trace/export/tls",
            "cli/health",
        ],
    ),
    (&["rustls_native_certs"], &["secrets/pem"]),
    (
        &["tokio_rustls"],
        &["server/transport/tls", "server/transport/tests/tls", "storage/redis/tls", "cli/health"],
    ),
    (&["webpki"], &["server/transport/tls"]),
    (&["hyper_rustls"], &["telemetry/trace/export/tls"]),
    (&["crc", "hashring"], &["storage/shared/placement"]),
    (&["anyhow"], &["main", "app", "cli"]),
    (&["clap"], &["main", "cli"]),
    (&["mimalloc"], &["main"]),
    (&["prometheus_client"], &["telemetry", "app"]),
    (&["tracing_subscriber"], &["telemetry"]),
    (
        &["opentelemetry", "opentelemetry_http", "opentelemetry_otlp", "opentelemetry_sdk"],
        &["telemetry/trace"],
    ),
];

/// Whether this file may import from that layer.
pub(super) fn may_import(file: &str, layer: &str) -> bool {
    let own = layer_of(file);
    let Some((_, below)) = LAYERS.iter().find(|(name, _)| *name == own) else { return false };
    // A module of the crate's root that is no layer at all is nobody's to import.
    own == layer
        || below.contains(&layer)
        || (layer == "telemetry" && own != "decision" && (is_metrics(file) || is_trace(file)))
}

/// Whether this file may name that library.
pub(super) fn may_name(file: &str, library: &str) -> bool {
    PLAIN.contains(&library)
        || (ASYNC.contains(&library) && layer_of(file) != "decision")
        || (library == "prometheus_client" && layer_of(file) != "decision" && is_metrics(file))
        || owners(library).is_some_and(|owners| owners.iter().any(|owner| is_within(file, owner)))
}

/// Whether anything is said about this library.
pub(super) fn is_known(library: &str) -> bool {
    PLAIN.contains(&library) || ASYNC.contains(&library) || owners(library).is_some()
}

fn owners(library: &str) -> Option<&'static [&'static str]> {
    OWNERS.iter().find(|(libraries, _)| libraries.contains(&library)).map(|(_, owners)| *owners)
}

fn layer_of(file: &str) -> &str {
    file.split(['/', '.']).next().unwrap_or_default()
}

/// Each layer's own metrics file may use the registry, and so may the two pages that show it.
fn is_metrics(file: &str) -> bool {
    file.ends_with("/metrics.rs")
        || file.contains("/metrics/")
        || ["server/http/admin", "server/http/scrape"].iter().any(|page| is_within(file, page))
}

/// Each layer's own file for traces makes its spans.
fn is_trace(file: &str) -> bool {
    file.ends_with("/trace.rs")
}

/// Whether the file is `owner.rs` or in the folder `owner/`.
fn is_within(file: &str, owner: &str) -> bool {
    file.strip_prefix(owner).is_some_and(|rest| rest.starts_with(['.', '/']))
}

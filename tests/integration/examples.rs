//! What we hand out works as printed: the settings, the rules, the Envoy example and the lines of `make run`.

use std::path::{Path, PathBuf};

use crate::harness::{Envoy, Ratekeeper, http, ports};

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(project(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The server that `make run` starts, but for its ports.
async fn as_make_run_starts_it() -> Ratekeeper {
    let mut setup = Ratekeeper::setup().settings(&read("config/ratekeeper.yaml"));
    for entry in std::fs::read_dir(project("config/rules")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        setup = setup.rule_file(&name, &read(&format!("config/rules/{name}")));
    }
    setup.start().await
}

#[tokio::test]
async fn the_curl_line_of_make_run_shows_a_limit() {
    let server = as_make_run_starts_it().await;
    let script = read("scripts/run");
    let line = script.lines().find(|line| line.contains("/json -d '")).unwrap();
    let body = line.split('\'').nth(1).unwrap();
    let answers = async || http::post(server.listen.http, "/json", body).await.unwrap();
    assert_eq!(answers().await.status, 200);
    is_soon_limited(answers).await;
}

/// The example as it is, but for its four ports, and for its patience: 20 ms are short where all tests run at once.
#[tokio::test]
async fn the_envoy_example_is_limited_by_the_example_rules() {
    let server = as_make_run_starts_it().await;
    let mut example = read("deploy/envoy/envoy.yaml");
    let (hello, grpc) = (ports::free().port().to_string(), server.listen.grpc.port().to_string());
    for (port, other) in [("9901", "0"), ("10000", "0"), ("10001", &*hello), ("8081", &*grpc)] {
        let from = format!("port_value: {port}}}");
        assert!(example.contains(&from), "{from}");
        example = example.replace(&from, &format!("port_value: {other}}}"));
    }
    assert!(example.contains("timeout: 0.02s"));
    let envoy = Envoy::start(&example.replace("timeout: 0.02s", "timeout: 5s")).await;
    let first = http::get(envoy.entrance, "/").await.unwrap();
    assert_eq!((first.status, first.text().as_str()), (200, "hello\n"));
    assert_ne!(first.header("x-ratelimit-limit"), "", "a rule applies");
    is_soon_limited(async || http::get(envoy.entrance, "/").await.unwrap()).await;
}

/// Who tries it must not have to try for long.
async fn is_soon_limited(ask: impl AsyncFn() -> http::Answer) {
    for _ in 0..30 {
        if ask().await.status == 429 {
            return;
        }
    }
    panic!("asked 30 times and never limited");
}

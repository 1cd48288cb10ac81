//! A server in the image's root, from its first probe to its end.

use std::fs;
use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};

use ratekeeper_proto::rate_limit_service_client::RateLimitServiceClient;
use rustix::process::Signal;
use tonic::transport::Endpoint;

use super::container::{Container, can_mount, is_root};
use super::{dns, listing};
use crate::harness::process::Process;
use crate::harness::{ask, http, ports, tell, wait};

const RULES: &str = "{domain: mesh, descriptors: [{key: k, rate_limit: {unit: year, requests_per_unit: 1}}]}";
const CONFIG: &str = "/etc/ratekeeper/config/ratekeeper.yaml";

/// Addresses that are the container's own, as it shares the network of the test.
struct Listen {
    grpc: SocketAddr,
    http: SocketAddr,
}

impl Listen {
    fn free() -> Self {
        Self { grpc: ports::free(), http: ports::free() }
    }

    fn settings(&self) -> String {
        let (grpc, http) = (self.grpc, self.http);
        let others = "metrics: '127.0.0.1:0', admin: '127.0.0.1:0'";
        format!("listen: {{grpc: '{grpc}', http: '{http}', {others}}}\ndrain: {{pause: 5s, deadline: 5s}}\n")
    }
}

/// Runs a command of the image to its end, with the settings' file named by a variable.
async fn run(container: &Container, words: &[String]) -> Output {
    let mut command = with_settings(container.command(words));
    command.stdin(Stdio::null());
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn with_settings(mut command: Command) -> Command {
    command.env("RATEKEEPER_CONFIG", CONFIG);
    command
}

/// What the image's own health check says.
async fn health(container: &Container) -> (Option<i32>, String) {
    let output = run(container, &container.image.words("HEALTHCHECK")).await;
    let told = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&told).into_owned())
}

fn serve(container: &Container) -> Process {
    let words = [container.image.words("ENTRYPOINT"), container.image.words("CMD")].concat();
    Process::start("ratekeeper", with_settings(container.command(&words)), container.outside())
}

async fn until_health_says(container: &Container, words: &str) {
    wait::until(words, || async { health(container).await.1.contains(words) }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_serves_from_a_read_only_root_and_leaves_in_peace() {
    if !can_mount() {
        return;
    }
    let (container, listen) = (Container::new(), Listen::free());
    let rules = container.folder("/etc/ratekeeper/rules");
    fs::write(container.folder("/etc/ratekeeper/config").join("ratekeeper.yaml"), listen.settings()).unwrap();
    let (code, told) = health(&container).await;
    assert_eq!((code, told.contains("refused")), (Some(1), true), "{told}");
    let before = listing(&container.root());
    let mut server = serve(&container);
    until_health_says(&container, "answers 503: no rules").await;
    fs::write(rules.join("rules.yaml"), RULES).unwrap();
    until_health_says(&container, "answers 200: ok").await;
    assert_eq!(health(&container).await.0, Some(0));

    let channel = Endpoint::from_shared(format!("http://{}", listen.grpc)).unwrap().connect_lazy();
    let mut client = RateLimitServiceClient::new(channel);
    let answer = client.should_rate_limit(ask("k=v").request()).await.map(tonic::Response::into_inner);
    assert_eq!(tell(&answer), "OK [ok 0/1 year]");
    let body = r#"{"domain":"mesh","descriptors":[{"entries":[{"key":"k","value":"v"}]}]}"#;
    assert_eq!(http::post(listen.http, "/json", body).await.unwrap().status, 429);

    server.signal(stop_signal(&container));
    until_health_says(&container, "answers 503: draining").await;
    assert_eq!(health(&container).await.0, Some(1));
    server.signal(Signal::TERM);
    assert_eq!(server.end().await.code(), Some(0), "a drain ends well");
    assert!(!server.log().contains("ead-only file system"), "it wants to write somewhere");
    assert_eq!(listing(&container.root()), before, "nothing was written");
}

fn stop_signal(container: &Container) -> Signal {
    assert_eq!(container.image.the("STOPSIGNAL"), "SIGTERM");
    Signal::TERM
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_has_no_rights_and_no_place_to_write() {
    if !can_mount() {
        return;
    }
    let (container, listen) = (Container::new(), Listen::free());
    fs::write(container.folder("/etc/ratekeeper/rules").join("rules.yaml"), RULES).unwrap();
    fs::write(container.folder("/etc/ratekeeper/config").join("ratekeeper.yaml"), listen.settings()).unwrap();
    for place in ["/tmp", "/etc/ratekeeper/rules"] {
        let words = ["/usr/bin/ratekeeper", "bench", "--output", &format!("{place}/x"), "127.0.0.1:1"];
        let output = run(&container, &words.map(str::to_owned)).await;
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && told.contains("ead-only file system"), "{told}");
    }
    let server = serve(&container);
    until_health_says(&container, "answers 200: ok").await;
    let status = fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let about = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(&format!("{name}:"))).unwrap();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(about("NoNewPrivs"), "1");
    if is_root() {
        assert_eq!((about("Uid"), about("Gid")), (["65532"; 4].join(" "), ["65532"; 4].join(" ")));
        assert_eq!((about("Groups").as_str(), about("CapEff").as_str()), ("", "0000000000000000"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_are_found_in_the_hosts_file_and_by_dns() {
    if !can_mount() {
        return;
    }
    let (container, listen) = (Container::new(), Listen::free());
    let has_dns = dns::serve().await;
    container.file("/etc/hosts", "127.0.0.1 localhost by-file.mesh.test\n");
    container
        .file("/etc/resolv.conf", &format!("nameserver {}\noptions timeout:1 attempts:5\n", dns::ADDRESS));
    fs::write(container.folder("/etc/ratekeeper/rules").join("rules.yaml"), RULES).unwrap();
    fs::write(container.folder("/etc/ratekeeper/config").join("ratekeeper.yaml"), listen.settings()).unwrap();
    let _server = serve(&container);
    until_health_says(&container, "answers 200: ok").await;
    let by_dns = if has_dns { &[(dns::NAME, 0), ("nobody.mesh.test", 1)][..] } else { &[] };
    for (name, expected) in [("localhost", 0), ("by-file.mesh.test", 0)].iter().chain(by_dns) {
        let address = format!("{name}:{}", listen.http.port());
        let words =
            ["/usr/bin/ratekeeper", "health", "--timeout", "10s", "--address", &address].map(str::to_owned);
        let output = run(&container, &words).await;
        assert_eq!(
            output.status.code(),
            Some(*expected),
            "{name}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

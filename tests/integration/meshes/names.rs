//! `deploy/envoy/production.yaml` with a real name server: a headless service has an address for each replica.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

use super::example::{Example, with_rules};
use crate::harness::metrics::Metrics;
use crate::harness::traffic::Traffic;
use crate::harness::{Envoy, Ratekeeper, Upstream, ports, wait};

/// A name server that knows of each name the same addresses.
struct Names {
    address: SocketAddr,
    known: Arc<Mutex<Vec<Ipv4Addr>>>,
    task: JoinHandle<()>,
}

impl Names {
    async fn start(known: &[Ipv4Addr]) -> Self {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).await.unwrap();
        let (address, known) = (socket.local_addr().unwrap(), Arc::new(Mutex::new(known.to_vec())));
        let task = tokio::spawn(serve(socket, Arc::clone(&known)));
        Self { address, known, task }
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(socket: UdpSocket, known: Arc<Mutex<Vec<Ipv4Addr>>>) {
    let mut query = [0; 512];
    while let Ok((length, from)) = socket.recv_from(&mut query).await {
        let answer = answer(&query[..length], &known.lock().unwrap());
        let _ = socket.send_to(&answer, from).await;
    }
}

/// RFC 1035: the header and the question as they came, and an A record for each address.
fn answer(query: &[u8], addresses: &[Ipv4Addr]) -> Vec<u8> {
    let name_end = 12 + query[12..].iter().position(|&byte| byte == 0).unwrap() + 1;
    let is_a = query[name_end..name_end + 2] == [0, 1];
    let addresses = if is_a { addresses } else { &[] };
    let count = u8::try_from(addresses.len()).unwrap();
    let mut answer = query[..2].to_vec();
    answer.extend([0x81, 0x80, 0, 1, 0, count, 0, 0, 0, 0]);
    answer.extend(&query[12..name_end + 4]);
    for address in addresses {
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4]);
        answer.extend(address.octets());
    }
    answer
}

const FIRST: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const SECOND: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

async fn replica(at: Ipv4Addr, port: u16) -> Ratekeeper {
    let rules = with_rules(&["deploy/envoy/rules/edge.yaml"]).settings("drain: {pause: 2s}");
    rules.variable("RATEKEEPER_LISTEN__GRPC", &format!("{at}:{port}")).start().await
}

async fn asked(replica: &Ratekeeper) -> f64 {
    Metrics::read(replica.listen.metrics).await.sum("ratekeeper_decisions_total", &[])
}

/// Two replicas with one name, and an Envoy that has found both.
struct Scene {
    names: Names,
    first: Ratekeeper,
    second: Ratekeeper,
    envoy: Envoy,
    _upstream: Upstream,
}

impl Scene {
    async fn start() -> Self {
        let port = ports::free().port();
        let (first, second) = tokio::join!(replica(FIRST, port), replica(SECOND, port));
        let (names, upstream) = (Names::start(&[FIRST, SECOND]).await, Upstream::start().await);
        let mut example = Example::of_file("deploy/envoy/production.yaml")
            .cluster_at("shop", &[upstream.address])
            .cluster_at("database", &[upstream.address])
            .patient();
        ask_at(example.cluster_mut("ratekeeper"), names.address, port);
        let envoy = example.start("http").await;
        wait::until("both replicas to be known", || async {
            envoy.statistic("cluster.ratekeeper.membership_healthy").await == 2
        })
        .await;
        Self { names, first, second, envoy, _upstream: upstream }
    }

    async fn nothing_failed(&self) {
        for name in ["error", "failure_mode_allowed"] {
            let name = format!("cluster.shop.ratelimit.open.{name}");
            let failed = self.envoy.statistic(&name).await;
            assert_eq!(failed, 0, "{name}:\n{}", self.envoy.cluster_statistics("ratekeeper").await);
        }
    }
}

/// Has a cluster look its name up at this server, and connect to this port.
fn ask_at(cluster: &mut Value, server: SocketAddr, port: u16) {
    let endpoint = &mut cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"];
    endpoint["address"]["socket_address"]["port_value"] = port.into();
    let resolver = json!({"address": server.ip().to_string(), "port_value": server.port()});
    cluster["typed_dns_resolver_config"] = json!({
        "name": "envoy.network.dns_resolver.cares",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
            "resolvers": [{"socket_address": resolver}]}});
}

#[tokio::test]
async fn every_replica_behind_the_name_is_asked_and_may_leave() {
    let mut scene = Scene::start().await;
    let traffic = Traffic::start(scene.envoy.entrance, 4);
    traffic.answered(200).await;
    for replica in [&scene.first, &scene.second] {
        assert!(asked(replica).await > 20.0, "{}", asked(replica).await);
    }
    // As Kubernetes does it: the signal, and a little later the name no longer has the address.
    scene.names.known.lock().unwrap().retain(|address| *address != FIRST);
    assert!(scene.first.stop().await.success());
    traffic.answered(100).await;
    traffic.stop().await;
    scene.nothing_failed().await;
}

#[tokio::test]
async fn calls_to_a_replica_that_dies_go_to_the_other_one() {
    let mut scene = Scene::start().await;
    let traffic = Traffic::start(scene.envoy.entrance, 4);
    traffic.answered(100).await;
    scene.first.signal(Signal::KILL);
    scene.first.end().await;
    traffic.answered(100).await;
    traffic.stop().await;
    scene.nothing_failed().await;
    assert!(scene.envoy.statistic("cluster.ratekeeper.upstream_rq_retry_success").await > 0);
}

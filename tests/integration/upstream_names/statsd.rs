//! What a StatsD receiver gets from a running server.

use std::collections::BTreeMap;

use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::{RECORDED, RULES, requests, send};
use crate::harness::metrics::Metrics;
use crate::harness::{Ratekeeper, ask, wait};

/// Reads datagrams until the sums of counters are as expected.
async fn until_told(socket: &UdpSocket, is_told: impl Fn(&BTreeMap<String, f64>) -> bool) -> Vec<String> {
    let (mut sums, mut lines) = (BTreeMap::new(), Vec::new());
    let mut buffer = [0; 65_536];
    while !is_told(&sums) {
        let received = timeout(wait::PATIENCE, socket.recv(&mut buffer)).await;
        let length = received.unwrap_or_else(|_| panic!("not told, but {sums:#?}")).unwrap();
        assert!(length <= 1432, "{length}");
        for line in std::str::from_utf8(&buffer[..length]).unwrap().lines() {
            let (name, value) = line.split_once(':').unwrap();
            if let Some(value) = value.split_once("|c").map(|(value, _)| value) {
                *sums.entry(name.to_owned()).or_default() += value.parse::<f64>().unwrap();
            }
            lines.push(line.to_owned());
        }
    }
    lines
}

fn setup(socket: &UdpSocket, settings: &str) -> crate::harness::ratekeeper::Setup {
    let address = socket.local_addr().unwrap();
    let settings = format!("metrics: {{upstream_names: true, statsd: {{address: '{address}', {settings}}}}}");
    Ratekeeper::setup().rules(RULES).settings(&settings)
}

#[tokio::test]
async fn the_differences_of_flushes_add_up_to_what_upstream_sends() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let server = setup(&socket, "flush_interval: 100ms").start().await;
    send(&server, &requests()).await;
    let expected = RECORDED.lines().map(|line| line.rsplit_once(": ").unwrap());
    let expected: BTreeMap<&str, f64> =
        expected.map(|(name, value)| (name, value.parse().unwrap())).collect();
    let lines = until_told(&socket, |sums| {
        expected.iter().all(|(name, value)| sums.get(*name).is_some_and(|sum| (sum - value).abs() < 0.5))
    })
    .await;
    assert!(lines.iter().any(|line| line.starts_with("ratelimit_server.ShouldRateLimit.response_time:")));
    let metrics = Metrics::read(server.listen.metrics).await;
    assert!(metrics.sum("ratekeeper_statsd_datagrams_total", &["result=\"sent\""]) >= 1.0);
}

#[tokio::test]
async fn the_last_figures_are_sent_when_the_process_ends() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut server =
        setup(&socket, "format: dogstatsd, tags: {env: test}, flush_interval: 10m").start().await;
    send(&server, &[ask("plain=a").hits(3)]).await;
    assert_eq!(server.stop().await.code(), Some(0));
    let name = "ratelimit.service.rate_limit.mesh.plain.total_hits";
    let lines = until_told(&socket, |sums| sums.contains_key(name)).await;
    assert!(lines.contains(&format!("{name}:3|c|#env:test")), "{lines:#?}");
    let ours = "ratekeeper_decisions_total:1|c|#env:test,domain:mesh,rule:plain,outcome:ok,decided_by:store";
    assert!(lines.iter().any(|line| line == ours), "{lines:#?}");
}

#[tokio::test]
async fn a_receiver_without_an_address_stops_nothing_and_is_counted() {
    let statsd = "metrics: {statsd: {address: 'no-such-host.invalid:8125', flush_interval: 100ms}}";
    let server = Ratekeeper::setup().rules(RULES).settings(statsd).start().await;
    wait::until("a flush without an address", || async {
        let metrics = Metrics::read(server.listen.metrics).await;
        metrics.sum("ratekeeper_statsd_datagrams_total", &["result=\"unresolved\""]) >= 1.0
    })
    .await;
    send(&server, &[ask("plain=a")]).await;
    server.logged("figures do not reach the StatsD receiver").await;
}

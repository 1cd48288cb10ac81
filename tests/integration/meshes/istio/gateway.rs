//! Limits at the gateway: Istio's own, and one of the Gateway API.

use super::super::client::Client;
use super::super::example::ratekeeper;
use super::destination_rule;
use super::patch::apply;
use super::proxy::Proxy;
use super::resource;
use crate::harness::{Envoy, Ratekeeper, Upstream, wait};

struct Scene {
    ratekeeper: Ratekeeper,
    envoy: Envoy,
    _upstream: Upstream,
}

impl Scene {
    async fn start(mut proxy: Proxy, file: &str, entrance: &str) -> Self {
        let (ratekeeper, upstream) =
            (ratekeeper(&["deploy/istio/rules.yaml"]).await, Upstream::start().await);
        let mut rule = resource("in-mesh.yaml", "DestinationRule", "ratekeeper");
        // The sidecar at the other end is Istio's; tls.rs has a proxy that speaks TLS to ratekeeper itself.
        assert_eq!(rule["spec"]["trafficPolicy"]["tls"].take()["mode"], "ISTIO_MUTUAL");
        destination_rule::apply(&rule, proxy.ratekeeper());
        apply(&resource(file, "EnvoyFilter", "ratekeeper"), &mut proxy);
        let example = proxy.example(ratekeeper.listen.grpc, upstream.address).patient();
        Self { ratekeeper, envoy: example.start(entrance).await, _upstream: upstream }
    }

    fn get(&self, path: &str) -> Client {
        Client::of(self.envoy.entrance, "shop.example.com").path(path)
    }
}

async fn limits_hold(scene: &Scene) {
    assert_eq!(scene.get("/checkout").header("x-user", "ada").passed().await, 20);
    assert_eq!(scene.get("/old").status().await, 301, "a redirect stays one, and costs no quota");
    let first = scene.get("/").header("x-user", "ada").ask().await;
    assert_eq!((first.status, first.header("x-ratelimit-limit")), (200, "100, 100;w=31536000"));
    let blog = Client::of(scene.envoy.entrance, "blog.example.com");
    assert_eq!(blog.passed().await, 100 - 22 - 1, "one limit for an address, whichever host it asks");
    assert_eq!(scene.envoy.statistic("cluster.inbound_8080__.ratelimit.error").await, 0);
}

#[tokio::test]
async fn the_ingress_gateway_limits_addresses_and_a_route() {
    let mut scene = Scene::start(Proxy::ingress_gateway(), "gateway.yaml", "0.0.0.0_8080").await;
    limits_hold(&scene).await;
    let checks = "cluster.outbound|8081||ratekeeper.ratekeeper.svc.cluster.local.health_check.success";
    wait::until("health checks", || async { scene.envoy.statistic(&checks.replace('|', ".")).await > 1 })
        .await;
    scene.ratekeeper.stop().await;
    scene.get("/checkout").header("x-user", "ada").pass(3).await;
    scene.ratekeeper.start_again().await;
    wait::until("limits to be back", || async {
        !scene.get("/").ask().await.header("x-ratelimit-limit").is_empty()
    })
    .await;
}

#[tokio::test]
async fn a_gateway_of_the_gateway_api_does_the_same() {
    let scene = Scene::start(Proxy::of_gateway(), "gateway-api.yaml", "0.0.0.0_80").await;
    limits_hold(&scene).await;
}

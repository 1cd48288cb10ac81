//! Where settings come from, and sockets other than TCP.

use ratekeeper_proto::rate_limit_service_client::RateLimitServiceClient;
use tempfile::TempDir;
use tonic::transport::Endpoint;

use crate::harness::{Ratekeeper, ask, tell};

const RULES: &str = "{domain: mesh, descriptors: [{key: k, rate_limit: {unit: year, requests_per_unit: 0}}]}";

#[tokio::test]
async fn a_variable_wins_over_the_file() {
    let setup = Ratekeeper::setup().rules(RULES).settings("shadow_mode: false");
    let server = setup.variable("RATEKEEPER_SHADOW_MODE", "true").start().await;
    assert_eq!(tell(&server.ask(&ask("k=v")).await), "OK [over 0/0 year]");
}

#[tokio::test]
async fn grpc_is_served_on_a_unix_socket_that_goes_with_the_server() {
    let folder = TempDir::new().unwrap();
    let socket = folder.path().join("grpc.sock");
    let address = format!("unix:{}", socket.display());
    let setup = || Ratekeeper::setup().rules(RULES).variable("RATEKEEPER_LISTEN__GRPC", &address);
    for _ in 0..2 {
        let mut server = setup().start().await;
        let channel = Endpoint::from_shared(address.clone()).unwrap().connect_lazy();
        let answer = RateLimitServiceClient::new(channel).should_rate_limit(ask("k=v").request()).await;
        assert_eq!(tell(&answer.map(tonic::Response::into_inner)), "OVER_LIMIT [over 0/0 year]");
        assert_eq!(server.stop().await.code(), Some(0));
        assert!(!socket.exists(), "left behind");
    }
    // What a killed server left behind is no obstacle.
    drop(setup().start().await);
    assert!(socket.exists());
    setup().start().await;
}

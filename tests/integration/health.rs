//! gRPC health and reflection.

use ratekeeper_proto::FILE_DESCRIPTOR_SET;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::harness::{Ratekeeper, wait};

const RULES: &str = "{domain: mesh, descriptors: [{key: k, rate_limit: {unit: year, requests_per_unit: 1}}]}";
const SERVICE: &str = "envoy.service.ratelimit.v3.RateLimitService";
const NAMES: [&str; 3] = ["", "ratelimit", SERVICE];

async fn health(server: &Ratekeeper, name: &str) -> Result<ServingStatus, Code> {
    let request = HealthCheckRequest { service: name.to_owned() };
    let answer = HealthClient::new(server.channel()).check(request).await;
    answer.map(|answer| answer.into_inner().status()).map_err(|status| status.code())
}

#[tokio::test]
async fn three_names_tell_the_truth() {
    let server = Ratekeeper::setup().start_unready().await;
    for name in NAMES {
        assert_eq!(health(&server, name).await, Ok(ServingStatus::NotServing), "{name} without rules");
    }
    server.write_rules("rules.yaml", RULES);
    for name in NAMES {
        wait::until(name, || async { health(&server, name).await == Ok(ServingStatus::Serving) }).await;
    }
    assert_eq!(health(&server, "other").await, Err(Code::NotFound));
}

#[tokio::test]
async fn a_watcher_is_told_of_the_change() {
    let server = Ratekeeper::setup().start_unready().await;
    let request = HealthCheckRequest { service: SERVICE.to_owned() };
    let mut watch = HealthClient::new(server.channel()).watch(request).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    server.write_rules("rules.yaml", RULES);
    let next = tokio::time::timeout(wait::PATIENCE, watch.message()).await.unwrap();
    assert_eq!(next.unwrap().unwrap().status(), ServingStatus::Serving);
}

async fn reflect(server: &Ratekeeper, question: MessageRequest) -> MessageResponse {
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(question) };
    let mut client = ServerReflectionClient::new(server.channel());
    let stream = client.server_reflection_info(tonic::codegen::tokio_stream::once(request)).await;
    stream.unwrap().into_inner().message().await.unwrap().unwrap().message_response.unwrap()
}

#[tokio::test]
async fn reflection_lists_the_service_and_describes_it() {
    let server = Ratekeeper::with_rules(RULES).await;
    let answer = reflect(&server, MessageRequest::ListServices(String::new())).await;
    let MessageResponse::ListServicesResponse(list) = answer else { panic!("{answer:?}") };
    let names: Vec<&str> = list.service.iter().map(|service| service.name.as_str()).collect();
    assert!(names.contains(&SERVICE), "{names:?}");
    assert!(names.contains(&"grpc.health.v1.Health"), "{names:?}");
    let answer = reflect(&server, MessageRequest::FileContainingSymbol(SERVICE.to_owned())).await;
    let MessageResponse::FileDescriptorResponse(files) = answer else { panic!("{answer:?}") };
    let file = &files.file_descriptor_proto[0];
    assert!(FILE_DESCRIPTOR_SET.windows(file.len()).any(|part| part == file), "the file as we publish it");
}

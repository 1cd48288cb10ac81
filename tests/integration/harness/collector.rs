//! A collector of OpenTelemetry, over gRPC or HTTP, that keeps what it is sent.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use http::HeaderMap;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use parking_lot::Mutex;
use prost::Message;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tonic::transport::server::TcpIncoming;

use super::{Authority, ports, wait};

/// A running collector. Its port refuses connections when it is dropped.
pub(crate) struct Collector {
    pub(crate) address: SocketAddr,
    received: Received,
    task: JoinHandle<()>,
}

/// What came, and with which headers.
#[derive(Clone, Default)]
struct Received(Arc<Mutex<Vec<(HeaderMap, ExportTraceServiceRequest)>>>);

impl Collector {
    /// Over gRPC, on a free port.
    pub(crate) async fn grpc() -> Self {
        Self::grpc_at(ports::free()).await
    }

    /// Over gRPC, on this port.
    pub(crate) async fn grpc_at(address: SocketAddr) -> Self {
        let (listener, received) = (TcpListener::bind(address).await.unwrap(), Received::default());
        let service = TraceServiceServer::new(received.clone());
        let server = tonic::transport::Server::builder().add_service(service);
        let task = tokio::spawn(async move {
            server.serve_with_incoming(TcpIncoming::from(listener)).await.unwrap();
        });
        Self { address, received, task }
    }

    /// Over HTTP at `path`, on a free port.
    pub(crate) async fn http(path: &str) -> Self {
        let (address, received) = (ports::free(), Received::default());
        let listener = TcpListener::bind(address).await.unwrap();
        let router = axum::Router::new().route(path, post(take)).with_state(received.clone());
        Self { address, received, task: tokio::spawn(accept(listener, router)) }
    }

    /// Its URL, without a path.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Over TLS with this authority's certificate, by gRPC and by HTTP.
    pub(crate) async fn secret(authority: &Authority) -> Self {
        let (address, received) = (ports::free(), Received::default());
        let listener = TcpListener::bind(address).await.unwrap();
        let certificate = authority.path("server").join("cert.pem");
        let chain = CertificateDer::pem_file_iter(certificate).unwrap().collect::<Result<_, _>>().unwrap();
        let key = PrivateKeyDer::from_pem_file(authority.path("server").join("key.pem")).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let mut config = config.with_single_cert(chain, key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let tls = TlsAcceptor::from(Arc::new(config));
        let router = axum::Router::new().route("/v1/traces", post(take)).with_state(received.clone());
        let grpc = TraceServiceServer::new(received.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, router, grpc) = (tls.clone(), router.clone(), grpc.clone());
                tokio::spawn(async move {
                    let Ok(stream) = tls.accept(stream).await else { return };
                    if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                        let service = TowerToHyperService::new(grpc);
                        let server = http2::Builder::new(TokioExecutor::new());
                        let _ = server.serve_connection(TokioIo::new(stream), service).await;
                    } else {
                        let service = TowerToHyperService::new(router);
                        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                    }
                });
            }
        });
        Self { address, received, task }
    }

    /// All spans that came so far.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let received = self.received.0.lock();
        let resources = received.iter().flat_map(|(_, request)| &request.resource_spans);
        resources.flat_map(|resource| &resource.scope_spans).flat_map(|scope| &scope.spans).cloned().collect()
    }

    /// The spans of this name, once there are so many.
    pub(crate) async fn named(&self, name: &str, count: usize) -> Vec<Span> {
        wait::for_some(&format!("{count} spans `{name}`"), async || {
            let spans: Vec<Span> = self.spans().into_iter().filter(|span| span.name == name).collect();
            (spans.len() >= count).then_some(spans)
        })
        .await
    }

    /// The value of a header of the first request.
    pub(crate) fn header(&self, name: &str) -> String {
        let received = self.received.0.lock();
        received[0].0.get(name).map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
    }

    /// A text attribute of the first resource.
    pub(crate) fn resource(&self, name: &str) -> String {
        let received = self.received.0.lock();
        text(&received[0].1.resource_spans[0].resource.as_ref().unwrap().attributes, name)
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tonic::async_trait]
impl TraceService for Received {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        let (metadata, _, request) = request.into_parts();
        self.0.lock().push((metadata.into_headers(), request));
        Ok(tonic::Response::new(ExportTraceServiceResponse::default()))
    }
}

async fn accept(listener: TcpListener, router: axum::Router) {
    while let Ok((stream, _)) = listener.accept().await {
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn take(State(received): State<Received>, headers: HeaderMap, body: Bytes) -> Vec<u8> {
    received.0.lock().push((headers, ExportTraceServiceRequest::decode(body).unwrap()));
    ExportTraceServiceResponse::default().encode_to_vec()
}

/// An attribute as text, or an empty one.
pub(crate) fn text(attributes: &[KeyValue], name: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == name);
    match found.and_then(|attribute| attribute.value.as_ref()?.value.as_ref()) {
        None => String::new(),
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::BoolValue(truth)) => truth.to_string(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(other) => format!("{other:?}"),
    }
}

/// An id as headers write it.
pub(crate) fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

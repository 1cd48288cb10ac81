//! A client of the gRPC port by TLS, who may show a certificate.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use ratekeeper::secrets::pem;
use ratekeeper_proto::rate_limit_service_client::RateLimitServiceClient;
use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};

use super::authority::Issued;
use super::http::Failure;
use super::{Ask, Authority, tell};

/// Who asks by TLS.
#[derive(Clone)]
pub(crate) struct SecureClient(TlsConnector);

impl SecureClient {
    /// One that trusts this authority, and shows this certificate where there is one.
    pub(crate) fn new(trusted: &Authority, shown: Option<&Issued>) -> Self {
        let roots = pem::authorities(trusted.pem().as_bytes()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match shown {
            None => builder.with_no_client_auth(),
            Some(Issued { certificate, key }) => {
                let chain = pem::certificates(certificate.as_bytes()).unwrap();
                builder.with_client_auth_cert(chain, pem::private_key(key.as_bytes()).unwrap()).unwrap()
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        Self(TlsConnector::from(Arc::new(config)))
    }

    /// One connection, which is made here and not again.
    pub(crate) async fn connect(&self, to: SocketAddr) -> Result<RateLimitServiceClient<Channel>, Failure> {
        let socket = TcpStream::connect(to).await?;
        let name = ServerName::try_from("localhost")?;
        let stream = timeout(Duration::from_secs(15), self.0.connect(name, socket)).await??;
        let mut only = Some(TokioIo::new(stream));
        let connector = tower::service_fn(move |_| {
            let stream = only.take().ok_or_else(|| std::io::Error::other("the connection is gone"));
            async move { stream }
        });
        let endpoint = Endpoint::from_static("http://localhost").timeout(Duration::from_secs(15));
        Ok(RateLimitServiceClient::new(endpoint.connect_with_connector(connector).await?))
    }

    /// Asks once on a new connection; gives the answer in words, or what went wrong.
    pub(crate) async fn ask(&self, to: SocketAddr, ask: &Ask) -> Result<String, Failure> {
        let mut client = self.connect(to).await?;
        let answer = client.should_rate_limit(ask.request()).await?;
        Ok(tell(&Ok(answer.into_inner())))
    }
}

//! How the pod is asked: in plain text, or by TLS with or without a certificate.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper_util::rt::TokioIo;
use ratekeeper_proto::RateLimitResponse;
use ratekeeper_proto::rate_limit_service_client::RateLimitServiceClient;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::Status;
use tonic::transport::{Channel, Endpoint};

use crate::harness::Ask;
use crate::harness::authority::Issued;

/// Bytes both ways.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// An address, and how one speaks there.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) address: SocketAddr,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Door {
    /// A port without TLS.
    pub(super) fn plain(address: SocketAddr) -> Self {
        Self { address, tls: None }
    }

    /// A port with TLS, whose server has this name by an authority, and wants to see this certificate.
    pub(super) fn secure(address: SocketAddr, authority: &str, name: &str, own: Option<&Issued>) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(roots);
        let mut config = match own {
            None => config.with_no_client_auth(),
            Some(own) => {
                let chain = CertificateDer::pem_slice_iter(own.certificate.as_bytes());
                let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap();
                config.with_client_auth_cert(chain.map(Result::unwrap).collect(), key).unwrap()
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        let name = ServerName::try_from(name.to_owned()).unwrap();
        Self { address, tls: Some((TlsConnector::from(Arc::new(config)), name)) }
    }

    /// Whether it speaks TLS.
    pub(super) fn is_secure(&self) -> bool {
        self.tls.is_some()
    }

    /// Opens a connection.
    pub(super) async fn open(&self) -> io::Result<Box<dyn Stream>> {
        let stream = TcpStream::connect(self.address).await?;
        Ok(match &self.tls {
            None => Box::new(stream),
            Some((connector, name)) => Box::new(connector.connect(name.clone(), stream).await?),
        })
    }

    /// The certificate that the server shows now.
    pub(super) async fn certificate(&self) -> Vec<u8> {
        let (connector, name) = self.tls.as_ref().expect("a port with TLS");
        let stream = TcpStream::connect(self.address).await.unwrap();
        let stream = connector.connect(name.clone(), stream).await.unwrap();
        stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
    }

    /// Asks once, on a new connection.
    pub(super) async fn ask(&self, ask: &Ask) -> Result<RateLimitResponse, Status> {
        let mut client = RateLimitServiceClient::new(self.channel());
        client.should_rate_limit(ask.request()).await.map(tonic::Response::into_inner)
    }

    fn channel(&self) -> Channel {
        let door = self.clone();
        let connector = tower::service_fn(move |_| {
            let door = door.clone();
            async move { door.open().await.map(TokioIo::new) }
        });
        // The name is for the `:authority` header alone.
        Endpoint::from_static("http://ratekeeper").connect_with_connector_lazy(connector)
    }
}

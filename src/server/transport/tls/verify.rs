//! Clients whose certificates an authority of ours has signed, and that have a name on our list.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use webpki::EndEntityCert;

use super::names::{AllowedName, PresentedNames};
use super::strangers::Strangers;

/// Has a client verified as usual, and looks at its names then.
#[derive(Debug)]
pub(super) struct ListedClients {
    trusted: Arc<dyn ClientCertVerifier>,
    allowed: Arc<[AllowedName]>,
    strangers: Arc<Strangers>,
}

impl ListedClients {
    pub(super) fn new(
        trusted: Arc<dyn ClientCertVerifier>,
        allowed: Arc<[AllowedName]>,
        strangers: Arc<Strangers>,
    ) -> Self {
        Self { trusted, allowed, strangers }
    }
}

impl ClientCertVerifier for ListedClients {
    fn offer_client_auth(&self) -> bool {
        self.trusted.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.trusted.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.trusted.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.trusted.verify_client_cert(certificate, between, now)?;
        let names = names(certificate)?;
        if self.allowed.iter().any(|allowed| allowed.is_among(&names)) {
            return Ok(verified);
        }
        self.strangers.tell(names);
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.trusted.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.trusted.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trusted.supported_verify_schemes()
    }
}

/// The names of a certificate that has been verified, read by the same library.
fn names(certificate: &CertificateDer<'_>) -> Result<PresentedNames, Error> {
    let certificate = EndEntityCert::try_from(certificate).map_err(|_| CertificateError::BadEncoding)?;
    Ok(PresentedNames {
        dns: certificate.valid_dns_names().map(str::to_owned).collect(),
        uris: certificate.valid_uri_names().map(str::to_owned).collect(),
    })
}

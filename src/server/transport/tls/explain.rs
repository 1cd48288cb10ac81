//! What went wrong with a handshake: in a word for metrics, in a sentence for the log.

use std::io;

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible};

use super::stats::TlsFault;

impl TlsFault {
    /// What kind of failure this is.
    pub(super) fn of(error: &io::Error) -> Self {
        match library(error) {
            None => Self::Closed,
            Some(Error::NoCertificatesPresented) => Self::NoCertificate,
            Some(Error::InvalidCertificate(fault)) => Self::of_certificate(fault),
            Some(Error::AlertReceived(_)) => Self::RefusedByClient,
            Some(Error::InvalidMessage(fault)) if is_no_tls(*fault) => Self::NotTls,
            Some(_) => Self::Protocol,
        }
    }

    fn of_certificate(fault: &CertificateError) -> Self {
        match fault {
            CertificateError::ApplicationVerificationFailure => Self::NotAllowed,
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => Self::Expired,
            _ => Self::Untrusted,
        }
    }
}

/// What TLS begins with is unmistakable: whatever else comes first is plain text, HTTP for instance.
fn is_no_tls(fault: InvalidMessage) -> bool {
    matches!(
        fault,
        InvalidMessage::InvalidContentType
            | InvalidMessage::UnknownProtocolVersion
            | InvalidMessage::MessageTooLarge
            | InvalidMessage::InvalidEmptyPayload
    )
}

/// What is said of it.
pub(super) fn handshake(error: &io::Error) -> String {
    match library(error) {
        None if error.kind() == io::ErrorKind::UnexpectedEof => "the client closed the connection".into(),
        None => error.to_string(),
        Some(Error::NoCertificatesPresented) => "the client showed no certificate".into(),
        Some(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)) => {
            "no name of the client's certificate is in grpc.tls.allowed_names".into()
        }
        Some(Error::InvalidCertificate(fault)) => format!("the client's certificate is refused: {fault}"),
        Some(Error::AlertReceived(alert)) => refusal(*alert),
        Some(Error::InvalidMessage(fault)) if is_no_tls(*fault) => "the client does not speak TLS".into(),
        Some(Error::PeerIncompatible(
            PeerIncompatible::Tls12NotOffered
            // What only TLS 1.2 and later say.
            | PeerIncompatible::SignatureAlgorithmsExtensionRequired
            | PeerIncompatible::SupportedVersionsExtensionRequired,
        )) => "the client speaks neither TLS 1.2 nor 1.3".into(),
        Some(Error::NoApplicationProtocol) => "the client does not offer HTTP/2 (ALPN h2)".into(),
        Some(other) => other.to_string(),
    }
}

/// Why the client does not go on.
fn refusal(alert: AlertDescription) -> String {
    let what = match alert {
        AlertDescription::UnknownCA
        | AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown => {
            "does not trust our certificate; give it the CA of grpc.tls.certificate, and look at the name that it expects"
        }
        AlertDescription::CertificateExpired => "says that our certificate has expired; renew it",
        _ => "ended the handshake",
    };
    format!("the client {what} (alert {alert:?})")
}

fn library(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(error: Error, fault: TlsFault, words: &str) {
        let error = io::Error::new(io::ErrorKind::InvalidData, error);
        assert_eq!(TlsFault::of(&error), fault);
        let told = handshake(&error);
        assert!(told.contains(words), "{told}");
    }

    #[test]
    fn failures_have_a_kind_and_words() {
        check(Error::NoCertificatesPresented, TlsFault::NoCertificate, "no certificate");
        check(CertificateError::UnknownIssuer.into(), TlsFault::Untrusted, "is refused");
        check(CertificateError::Expired.into(), TlsFault::Expired, "is refused");
        check(CertificateError::ApplicationVerificationFailure.into(), TlsFault::NotAllowed, "allowed_names");
        check(
            Error::AlertReceived(AlertDescription::UnknownCA),
            TlsFault::RefusedByClient,
            "give it the CA of grpc.tls.certificate",
        );
        check(InvalidMessage::InvalidContentType.into(), TlsFault::NotTls, "does not speak TLS");
        check(Error::NoApplicationProtocol, TlsFault::Protocol, "ALPN h2");
        check(PeerIncompatible::Tls12NotOffered.into(), TlsFault::Protocol, "neither TLS 1.2 nor 1.3");
    }

    #[test]
    fn a_connection_that_ends_is_no_fault_of_tls() {
        let error = io::Error::from(io::ErrorKind::UnexpectedEof);
        assert_eq!(
            (TlsFault::of(&error), &*handshake(&error)),
            (TlsFault::Closed, "the client closed the connection")
        );
    }
}

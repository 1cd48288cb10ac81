//! What went wrong with TLS, in words that say what to do.

use std::io;

use rustls::{AlertDescription, CertificateError, Error};

/// What is said of a handshake that was never answered.
pub(super) const NO_HANDSHAKE: &str = "the server does not answer the handshake; check that this port speaks TLS (tls-port), or write `redis://`";

/// What is said of a handshake that failed.
pub(super) fn handshake(error: &io::Error) -> String {
    match library(error) {
        Some(library) => explain(library),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the server closed the connection in the handshake; check that this port speaks TLS (tls-port)"
                .into()
        }
        None => error.to_string(),
    }
}

/// The same failure with our words, where TLS was the reason.
pub(super) fn transport(error: io::Error) -> io::Error {
    match library(&error) {
        Some(library) => io::Error::new(error.kind(), format!("TLS: {}", explain(library))),
        None => error,
    }
}

fn library(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

fn explain(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(fault) => certificate(fault),
        Error::AlertReceived(alert) => refusal(*alert),
        Error::InvalidMessage(_) => {
            "the server answers with something else than TLS; check that this port speaks TLS (tls-port), or write `redis://`"
                .into()
        }
        other => other.to_string(),
    }
}

/// Why we do not trust the server.
fn certificate(fault: &CertificateError) -> String {
    let what = match fault {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "is signed by no CA that is trusted here; set redis.tls.ca to the certificate of its CA"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "has another name; set redis.tls.server_name to a name that it has, or connect by such a name"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "has expired; renew it there, and check this machine's clock"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet; check the clocks of both machines"
        }
        _ => "cannot be used",
    };
    format!("the server's certificate {what} ({fault})")
}

/// Why the server does not trust us.
fn refusal(alert: AlertDescription) -> String {
    let what = match alert {
        AlertDescription::CertificateRequired => {
            "wants a certificate of ours; set redis.tls.certificate and redis.tls.key"
        }
        AlertDescription::UnknownCA
        | AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::AccessDenied
        | AlertDescription::DecryptError => {
            "does not trust our certificate; let its tls-ca-cert-file know the CA of redis.tls.certificate"
        }
        AlertDescription::CertificateExpired => {
            "says that our certificate has expired; renew redis.tls.certificate"
        }
        AlertDescription::HandshakeFailure => {
            "refuses the handshake; it may want a certificate of ours (redis.tls.certificate and redis.tls.key)"
        }
        AlertDescription::ProtocolVersion => "speaks neither TLS 1.2 nor 1.3; raise its tls-protocols",
        _ => "ended the connection",
    };
    format!("the server {what} (alert {alert:?})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(error: Error, words: &str) {
        let error = io::Error::new(io::ErrorKind::InvalidData, error);
        let told = handshake(&error);
        assert!(told.contains(words), "{told}");
        assert!(transport(error).to_string().contains(words));
    }

    #[test]
    fn failures_say_what_to_do() {
        check(CertificateError::UnknownIssuer.into(), "set redis.tls.ca");
        check(CertificateError::NotValidForName.into(), "redis.tls.server_name");
        check(CertificateError::Expired.into(), "has expired");
        check(CertificateError::NotValidYet.into(), "clocks");
        check(Error::AlertReceived(AlertDescription::CertificateRequired), "set redis.tls.certificate");
        check(Error::AlertReceived(AlertDescription::UnknownCA), "tls-ca-cert-file");
        check(Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType), "something else than TLS");
    }

    #[test]
    fn what_is_no_matter_of_tls_stays() {
        let error = io::Error::new(io::ErrorKind::ConnectionReset, "reset");
        assert_eq!(transport(error).to_string(), "reset");
    }
}

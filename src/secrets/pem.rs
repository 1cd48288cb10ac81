//! Certificates and keys as files hold them, also those files that the system keeps. What is said of a fault repeats nothing of a file.

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;

/// How keys begin that only a passphrase opens.
const ENCRYPTED: [&[u8]; 2] = [b"BEGIN ENCRYPTED PRIVATE KEY", b"Proc-Type: 4,ENCRYPTED"];

/// Why a text is of no use.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PemFault {
    /// There is none, or one of them is broken.
    #[error("no certificate in PEM form")]
    NoCertificate,
    /// The same of a key.
    #[error("no private key in PEM form")]
    NoKey,
    /// It could only be used with a passphrase.
    #[error("the private key is encrypted; decrypt it (openssl pkey)")]
    EncryptedKey,
    /// A certificate that cannot vouch for others.
    #[error("{0}")]
    NoAuthority(String),
    /// Nobody vouches for others where none is named.
    #[error("this system trusts no CA at all")]
    NoneOfTheSystem,
}

/// Every certificate of the text, in its order.
///
/// # Errors
/// Where there is none, or one cannot be read.
pub fn certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, PemFault> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    found.ok().filter(|found| !found.is_empty()).ok_or(PemFault::NoCertificate)
}

/// The first private key of the text.
///
/// # Errors
/// Where there is none that can be used.
pub fn private_key(text: &[u8]) -> Result<PrivateKeyDer<'static>, PemFault> {
    PrivateKeyDer::from_pem_slice(text).map_err(|_| {
        let encrypted = |mark: &&[u8]| text.windows(mark.len()).any(|part| part == *mark);
        if ENCRYPTED.iter().any(encrypted) { PemFault::EncryptedKey } else { PemFault::NoKey }
    })
}

/// The authorities whose certificates the text holds.
///
/// # Errors
/// Where there is none, or one is not fit to be one.
pub fn authorities(text: &[u8]) -> Result<RootCertStore, PemFault> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(text)? {
        roots.add(certificate).map_err(|error| PemFault::NoAuthority(error.to_string()))?;
    }
    Ok(roots)
}

/// The authorities that this system trusts (`SSL_CERT_FILE` names others). One that cannot be read is no reason to trust none of
/// the others.
///
/// # Errors
/// Where there is none.
pub fn authorities_of_the_system() -> Result<RootCertStore, PemFault> {
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added == 0 { Err(PemFault::NoneOfTheSystem) } else { Ok(roots) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_told_apart() {
        let text = |kind: &str| format!("-----BEGIN {kind}-----\nAAAA\n-----END {kind}-----\n").into_bytes();
        assert_eq!(certificates(b"nonsense"), Err(PemFault::NoCertificate));
        assert_eq!(certificates(&text("PRIVATE KEY")), Err(PemFault::NoCertificate));
        assert_eq!(private_key(&text("CERTIFICATE")).unwrap_err(), PemFault::NoKey);
        assert_eq!(private_key(&text("ENCRYPTED PRIVATE KEY")).unwrap_err(), PemFault::EncryptedKey);
        assert!(private_key(&text("PRIVATE KEY")).is_ok());
        assert!(matches!(authorities(&text("CERTIFICATE")), Err(PemFault::NoAuthority(_))));
    }
}

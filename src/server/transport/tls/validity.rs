//! Until when a certificate is good.
//!
//! The library that verifies certificates does not say so in as many words. But it looks at the dates before anything
//! else, and its complaint of a certificate at the end of time carries the date that was missed; which spares us another
//! parser of certificates.

use std::time::Duration;

use rustls::pki_types::{CertificateDer, UnixTime};
use thiserror::Error;
use webpki::{EndEntityCert, KeyUsage};

/// After every date that a certificate can have.
const END_OF_TIME: Duration = Duration::from_secs(i64::MAX as u64);

/// Why a certificate is not good at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum Untimely {
    /// It was.
    #[error("has expired")]
    Expired,
}

impl Untimely {
    /// What to do about it.
    pub(super) fn remedy(self) -> &'static str {
        match self {
            Self::Expired => "renew it, and check this machine's clock",
        }
    }
}

/// The last second at which this certificate is good.
pub(super) fn expiry(certificate: &CertificateDer<'_>) -> Result<UnixTime, String> {
    let unusable = |error: webpki::Error| format!("a certificate cannot be used: {error}");
    let certificate = EndEntityCert::try_from(certificate).map_err(unusable)?;
    let end = UnixTime::since_unix_epoch(END_OF_TIME);
    match certificate.verify_for_usage(&[], &[], &[], end, KeyUsage::server_auth(), None, None) {
        Err(webpki::Error::CertExpired { not_after, .. }) => Ok(not_after),
        Err(error) => Err(unusable(error)),
        Ok(_) => Err("a certificate has no date at which it expires".into()),
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};

    use super::*;

    #[track_caller]
    fn check(year: i32, is_ca: IsCa, expected: u64) {
        let mut params = CertificateParams::new(vec!["a.test".to_owned()]).unwrap();
        params.not_before = date_time_ymd(1970, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        params.is_ca = is_ca;
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        assert_eq!(expiry(certificate.der()).unwrap().as_secs(), expected);
    }

    #[test]
    fn the_date_is_that_of_the_certificate() {
        check(2001, IsCa::NoCa, 978_307_200);
        // From 2050 on, dates are written in another form.
        check(2400, IsCa::NoCa, 13_569_465_600);
        check(9999, IsCa::NoCa, 253_370_764_800);
        check(2026, IsCa::Ca(BasicConstraints::Unconstrained), 1_767_225_600);
    }

    #[test]
    fn what_is_no_certificate_is_told() {
        assert!(expiry(&CertificateDer::from(vec![0; 8])).unwrap_err().contains("cannot be used"));
    }
}

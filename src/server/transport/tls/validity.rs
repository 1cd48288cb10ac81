//! When a certificate is good.
//!
//! The library that verifies certificates does not say so in as many words. But it looks at the dates before anything
//! else, and its complaint of a certificate at the beginning or end of time carries the date that was missed; which spares us another
//! parser of certificates.

use std::time::Duration;

use rustls::pki_types::{CertificateDer, UnixTime};
use thiserror::Error;
use webpki::{EndEntityCert, KeyUsage};

/// After every date that a certificate can have.
const END_OF_TIME: Duration = Duration::from_secs(i64::MAX as u64);

/// When a certificate is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Validity {
    /// The first second.
    from: UnixTime,
    /// The last one.
    pub(super) until: UnixTime,
}

/// Why a certificate is not good at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum Untimely {
    /// It will be.
    #[error("is not valid yet")]
    NotYet,
    /// It was.
    #[error("has expired")]
    Expired,
}

/// The time by which certificates are good or not.
#[expect(clippy::disallowed_methods, reason = "this is the one reading of the clock for certificates")]
pub(super) fn now() -> UnixTime {
    UnixTime::now()
}

impl Untimely {
    /// What to do about it.
    pub(super) fn remedy(self) -> &'static str {
        match self {
            Self::NotYet => "check this machine's clock, or wait until it is valid",
            Self::Expired => "renew it, and check this machine's clock",
        }
    }
}

impl Validity {
    /// That of this certificate.
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Result<Self, String> {
        let unusable = |error: webpki::Error| format!("a certificate cannot be used: {error}");
        let certificate = EndEntityCert::try_from(certificate).map_err(unusable)?;
        let complaint = |time| {
            let time = UnixTime::since_unix_epoch(time);
            certificate.verify_for_usage(&[], &[], &[], time, KeyUsage::server_auth(), None, None).err()
        };
        let until = match complaint(END_OF_TIME) {
            Some(webpki::Error::CertExpired { not_after, .. }) => not_after,
            Some(error) => return Err(unusable(error)),
            None => return Err("a certificate has no date at which it expires".into()),
        };
        let from = match complaint(Duration::ZERO) {
            Some(webpki::Error::CertNotValidYet { not_before, .. }) => not_before,
            // There are no dates before 1970 in certificates that this library reads, so it is good from then on.
            _ => UnixTime::since_unix_epoch(Duration::ZERO),
        };
        Ok(Self { from, until })
    }

    /// Why it is not good at this time.
    pub(super) fn untimely(&self, now: UnixTime) -> Option<Untimely> {
        match now {
            now if now < self.from => Some(Untimely::NotYet),
            now if now > self.until => Some(Untimely::Expired),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};

    use super::*;

    #[track_caller]
    fn check(years: [i32; 2], is_ca: IsCa, expected: [u64; 2]) {
        let mut params = CertificateParams::new(vec!["a.test".to_owned()]).unwrap();
        [params.not_before, params.not_after] = years.map(|year| date_time_ymd(year, 1, 1));
        params.is_ca = is_ca;
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let Validity { from, until } = Validity::of(certificate.der()).unwrap();
        assert_eq!([from, until].map(|time| time.as_secs()), expected);
    }

    #[test]
    fn the_dates_are_those_of_the_certificate() {
        check([1970, 2001], IsCa::NoCa, [0, 978_307_200]);
        // From 2050 on, dates are written in another form.
        check([2001, 2400], IsCa::NoCa, [978_307_200, 13_569_465_600]);
        check([2400, 9999], IsCa::NoCa, [13_569_465_600, 253_370_764_800]);
        check([2001, 2026], IsCa::Ca(BasicConstraints::Unconstrained), [978_307_200, 1_767_225_600]);
    }

    #[test]
    fn a_certificate_is_good_from_its_first_second_to_its_last() {
        let time = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let validity = Validity { from: time(10), until: time(20) };
        let at = |seconds| validity.untimely(time(seconds));
        assert_eq!([9, 10, 20, 21].map(at), [Some(Untimely::NotYet), None, None, Some(Untimely::Expired)]);
    }

    #[test]
    fn what_is_no_certificate_is_told() {
        assert!(Validity::of(&CertificateDer::from(vec![0; 8])).unwrap_err().contains("cannot be used"));
    }
}

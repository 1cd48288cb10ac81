//! What became of handshakes and of the files, counted where it happens and read by whoever exposes it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustls::pki_types::UnixTime;

use crate::server::transport::stats::Counter;

/// Why a handshake failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsFault {
    /// It was not at its end in time.
    Timeout,
    /// The client closed the connection, or it broke. Probes that only connect are among them.
    Closed,
    /// The client speaks something else.
    NotTls,
    /// No version, cipher or application protocol in common, or against the rules.
    Protocol,
    /// The client must have a certificate and showed none.
    NoCertificate,
    /// No authority of ours has signed the client's certificate for clients.
    Untrusted,
    /// The client's certificate has expired, or is not valid yet.
    Expired,
    /// No name of the client's certificate is on the list.
    NotAllowed,
    /// The client does not go on: it may not trust our certificate.
    RefusedByClient,
}

/// What became of handshakes and files since the start.
#[derive(Debug, Default)]
pub struct TlsStats {
    /// Times that changed files were taken over.
    pub reloads: Counter,
    /// Times that changed files could not be used.
    pub failed_reloads: Counter,
    /// By [`TlsFault`].
    failed: [Counter; TlsFault::ALL.len()],
    expiry: AtomicU64,
    is_stale: AtomicBool,
}

impl TlsFault {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Timeout,
        Self::Closed,
        Self::NotTls,
        Self::Protocol,
        Self::NoCertificate,
        Self::Untrusted,
        Self::Expired,
        Self::NotAllowed,
        Self::RefusedByClient,
    ];

    /// What metrics call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Closed => "closed",
            Self::NotTls => "not_tls",
            Self::Protocol => "protocol",
            Self::NoCertificate => "no_certificate",
            Self::Untrusted => "untrusted",
            Self::Expired => "expired",
            Self::NotAllowed => "not_allowed",
            Self::RefusedByClient => "refused_by_client",
        }
    }

    /// Whether the client was sent an alert that says why.
    pub(super) fn is_told(self) -> bool {
        matches!(
            self,
            Self::Protocol | Self::NoCertificate | Self::Untrusted | Self::Expired | Self::NotAllowed
        )
    }
}

impl TlsStats {
    /// Handshakes that failed, by the reason's name.
    pub fn failed(&self) -> impl Iterator<Item = (&'static str, u64)> {
        TlsFault::ALL.iter().map(|fault| (fault.name(), self.failed[*fault as usize].get()))
    }

    /// When our certificate expires, in seconds since 1970.
    #[must_use]
    pub fn expiry(&self) -> u64 {
        self.expiry.load(Ordering::Relaxed)
    }

    /// Whether the certificates in force are not what the files hold, because those cannot be used.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.is_stale.load(Ordering::Relaxed)
    }

    pub(super) fn count_fault(&self, fault: TlsFault) {
        self.failed[fault as usize].increment();
    }

    pub(super) fn count_reload(&self, succeeded: bool) {
        if succeeded { &self.reloads } else { &self.failed_reloads }.increment();
        self.is_stale.store(!succeeded, Ordering::Relaxed);
    }

    pub(super) fn set_expiry(&self, expiry: UnixTime) {
        self.expiry.store(expiry.as_secs(), Ordering::Relaxed);
    }
}

//! From arguments and settings to what is asked of whom.

use std::fmt;
use std::net::IpAddr;

use super::tls::Tls;
use super::{HealthArgs, TlsArgs};
use crate::cli::peer::PeerAddress;
use crate::cli::serve::load_settings;
use crate::config::settings::Address;

/// One question to one server.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) address: PeerAddress,
    pub(super) how: How,
    /// The setting that says where a server listens for such questions.
    pub(super) setting: &'static str,
}

/// How a server is asked.
#[derive(Debug)]
pub(super) enum How {
    /// By a page of the HTTP port.
    Http {
        /// The page.
        path: &'static str,
    },
    /// By `grpc.health.v1`.
    Grpc {
        /// The name that is asked about.
        service: String,
        /// How the connection is made secret, where it is.
        tls: Option<Tls>,
    },
}

impl Question {
    /// What these arguments ask.
    ///
    /// # Errors
    /// What is wrong with them, with the settings, or with the files of TLS.
    pub(super) fn of(args: &HealthArgs) -> Result<Self, String> {
        let setting = if args.grpc { "listen.grpc" } else { "listen.http" };
        let address = match &args.address {
            Some(address) => address.clone(),
            None => configured(args, setting)?,
        };
        let how = if args.grpc {
            How::Grpc { service: args.service.clone(), tls: tls(&args.tls, &address)? }
        } else {
            How::Http { path: if args.live { "/livez" } else { "/readyz" } }
        };
        Ok(Self { address, how, setting })
    }
}

fn tls(args: &TlsArgs, address: &PeerAddress) -> Result<Option<Tls>, String> {
    args.tls.then(|| Tls::new(args, address)).transpose()
}

/// Where the server of these settings listens.
fn configured(args: &HealthArgs, setting: &str) -> Result<PeerAddress, String> {
    let settings = load_settings(args.config.as_deref(), &[])
        .map_err(|faults| format!("the settings have faults; --address does without them\n{faults}"))?;
    if args.grpc && settings.grpc.tls.certificate.is_some() && !args.tls.tls {
        return Err("listen.grpc speaks TLS (grpc.tls.certificate): say --tls, and whom to trust with --ca; --http does without".into());
    }
    let address = if args.grpc { &settings.listen.grpc } else { &settings.listen.http };
    local(address).ok_or_else(|| {
        format!("{setting} is {address}, which is any free port; say with --address which one it became")
    })
}

/// The address by which a listener's own machine reaches it.
pub(super) fn local(address: &Address) -> Option<PeerAddress> {
    let (host, port) = match address {
        Address::Unix(path) => return Some(PeerAddress::Unix(path.clone())),
        Address::Tcp { port: 0, .. } => return None,
        Address::Tcp { host, port } => (host.as_str(), *port),
    };
    let host = match host.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) if address.is_unspecified() => "127.0.0.1",
        Ok(IpAddr::V6(address)) if address.is_unspecified() => "::1",
        _ => host,
    };
    Some(PeerAddress::Tcp(Address::tcp(host, port).to_string()))
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.how, &self.address) {
            (How::Http { path }, PeerAddress::Tcp(address)) => write!(f, "http://{address}{path}"),
            (How::Http { path }, address) => write!(f, "{path} of {address}"),
            (How::Grpc { service, .. }, address) if service.is_empty() => {
                write!(f, "grpc.health.v1 of {address}")
            }
            (How::Grpc { service, .. }, address) => write!(f, "grpc.health.v1 of {address} for `{service}`"),
        }
    }
}

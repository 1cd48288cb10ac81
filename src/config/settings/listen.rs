//! `listen`: the addresses of the four servers.

use serde::{Serialize, Serializer};

use super::address::Address;
use super::section::{Known, Section, put};
use crate::config::decode::{Decoder, Field, Optional};
use crate::config::diagnostic::quote;

/// What the server listens on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listen {
    /// Decisions over gRPC, gRPC health and reflection.
    pub grpc: Address,
    /// Decisions as JSON, and the health checks.
    pub http: Address,
    /// Metrics for Prometheus.
    pub metrics: Address,
    /// Rules, counters and settings to look at; it shows what operators write, so only this machine sees it by default.
    pub admin: Address,
    /// Who may connect to the Unix sockets among them: the permissions of the file.
    pub unix_mode: UnixMode,
}

/// Permissions as `chmod` takes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnixMode(u32);

impl UnixMode {
    /// The permission bits.
    #[must_use]
    pub fn bits(self) -> u32 {
        self.0
    }

    fn parse(text: &str) -> Option<Self> {
        let octal = (3..=4).contains(&text.len()) && text.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
        let bits = octal.then(|| u32::from_str_radix(text, 8).ok())??;
        (bits <= 0o777).then_some(Self(bits))
    }
}

impl Serialize for UnixMode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:04o}", self.0))
    }
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            grpc: Address::tcp("0.0.0.0", 8081),
            http: Address::tcp("0.0.0.0", 8080),
            metrics: Address::tcp("0.0.0.0", 9090),
            admin: Address::tcp("127.0.0.1", 6070),
            unix_mode: UnixMode(0o660),
        }
    }
}

impl Section for Listen {
    fn set(&mut self, decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Known {
        match field.name {
            "grpc" => put(&mut self.grpc, decoder.address(field)),
            "http" => put(&mut self.http, decoder.address(field)),
            "metrics" => put(&mut self.metrics, decoder.address(field)),
            "admin" => put(&mut self.admin, decoder.address(field)),
            "unix_mode" => put(&mut self.unix_mode, unix_mode(decoder, field)),
            _ => Known::No,
        }
    }
}

fn unix_mode(decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Optional<UnixMode> {
    let Some(text) = decoder.text(field)? else { return Ok(None) };
    UnixMode::parse(&text).map(Some).ok_or_else(|| {
        let message = format!("`{}` must be permissions, not {}", field.name, quote(&text));
        decoder.refuse(field, message, "write them as chmod takes them, such as `0660` or `0666`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_octal() {
        assert_eq!(
            ["0660", "666", "0777"].map(|text| UnixMode::parse(text).map(UnixMode::bits)),
            [Some(0o660), Some(0o666), Some(0o777)]
        );
        for text in ["", "66", "0o660", "1777", "0668", "rw", "00660", "+660"] {
            assert_eq!(UnixMode::parse(text), None, "{text}");
        }
    }
}

//! `grpc.tls`: who we are to clients of the gRPC server, and which clients are let in.

mod allowed_name;

use std::path::PathBuf;

use serde::Serialize;

use super::contradiction::Contradiction;
use super::redis_credentials::{optional_path, serialize_path};
use super::section::{Known, Section, put};
use crate::config::decode::{Decoder, Field, Optional, Path};

pub use allowed_name::AllowedName;

/// More are a mesh, which has a prefix in common, or an authority of its own.
const MAX_NAMES: usize = 1_000;

/// TLS on the gRPC server. What is empty in a file is nothing here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct GrpcTls {
    /// Our certificate and those between it and its authority; none: connections are in plain text.
    #[serde(serialize_with = "serialize_path")]
    pub certificate: Option<PathBuf>,
    /// The private key of our certificate.
    #[serde(serialize_with = "serialize_path")]
    pub key: Option<PathBuf>,
    /// The certificates of the authorities that vouch for clients; none: clients are not asked for a certificate.
    #[serde(serialize_with = "serialize_path")]
    pub client_ca: Option<PathBuf>,
    /// Whether clients must have one.
    pub client_certificate: ClientCertificate,
    /// The clients of these authorities that are let in; empty: all.
    pub allowed_names: Vec<AllowedName>,
}

/// Whether clients must have a certificate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientCertificate {
    /// They must.
    #[default]
    Required,
    /// Those without one are let in, too.
    Optional,
}

impl GrpcTls {
    /// What these say against each other, and under which setting.
    pub(super) fn contradiction(&self) -> Option<(&'static str, Contradiction)> {
        let (path, message, help) = if self.certificate.is_some() != self.key.is_some() {
            let help = "write both `certificate` and `key`, or neither";
            let path = if self.key.is_some() { "certificate" } else { "key" };
            (path, "a certificate and its key go together, and this one is missing", help)
        } else if self.client_ca.is_none() && !self.allowed_names.is_empty() {
            let help = "write `client_ca`, the certificate of the CA that vouches for these clients";
            ("allowed_names", "there are names of clients, but no CA to verify their certificates by", help)
        } else if self.client_ca.is_none() && self.client_certificate == ClientCertificate::Optional {
            let help = "write `client_ca`, or leave `client_certificate` out: without a CA nobody is asked";
            ("client_certificate", "clients may have a certificate, but there is no CA to verify it by", help)
        } else if self.client_ca.is_some() && self.certificate.is_none() {
            let help = "write `certificate` and `key`, too: clients show theirs only by TLS";
            ("client_ca", "clients are to show certificates, but there is no TLS", help)
        } else {
            return None;
        };
        Some((path, Contradiction { message: message.into(), help }))
    }
}

impl Section for GrpcTls {
    fn set(&mut self, decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Known {
        let presences =
            [("required", ClientCertificate::Required), ("optional", ClientCertificate::Optional)];
        match field.name {
            "certificate" => put(&mut self.certificate, optional_path(decoder, field)),
            "key" => put(&mut self.key, optional_path(decoder, field)),
            "client_ca" => put(&mut self.client_ca, optional_path(decoder, field)),
            "client_certificate" => put(&mut self.client_certificate, decoder.choice(field, &presences)),
            "allowed_names" => put(&mut self.allowed_names, allowed_names(decoder, field)),
            _ => Known::No,
        }
    }
}

fn allowed_names(decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Optional<Vec<AllowedName>> {
    let Some(texts) = decoder.texts(field)? else { return Ok(None) };
    if texts.len() > MAX_NAMES {
        let help =
            "write `spiffe://…/*` for all ids below one, or have those clients signed by a CA of their own";
        return Err(decoder.refuse(field, format!("`allowed_names` takes up to {MAX_NAMES} names"), help));
    }
    let (mut names, mut faulty) = (Vec::with_capacity(texts.len()), None);
    for (index, text) in texts.iter().enumerate() {
        match AllowedName::parse(text) {
            Ok(name) => names.push(name),
            Err(bad) => {
                let path = Path::Item(&field.path, index);
                faulty = Some(decoder.report(field.item_span(index), &path, bad.message, bad.help));
            }
        }
    }
    faulty.map_or(Ok(Some(names)), Err)
}

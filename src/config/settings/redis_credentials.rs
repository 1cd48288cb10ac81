//! `redis.username`, `redis.password` and the files in their stead: who we are to servers whose URL does not say.

use std::path::PathBuf;

use serde::{Serialize, Serializer};

use super::contradiction::Contradiction;
use super::redis_url::{RedisUrl, Secret};
use super::section::{Known, Section, put};
use super::topology::Topology;
use crate::config::decode::{Decoder, Field, Optional};

/// Who we are to servers. What is empty in a file is nothing here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RedisCredentials {
    /// The user; none is Redis's default one.
    #[serde(serialize_with = "serialize_optional")]
    pub username: Option<String>,
    /// The password.
    #[serde(serialize_with = "serialize_optional")]
    pub password: Option<Secret>,
    /// A file with the user's name in it, which is read again when it changes.
    #[serde(serialize_with = "serialize_path")]
    pub username_file: Option<PathBuf>,
    /// A file with the password or token in it, which is read again when it changes.
    #[serde(serialize_with = "serialize_path")]
    pub password_file: Option<PathBuf>,
}

impl RedisCredentials {
    /// What these say against each other and against the URLs, and under which setting.
    pub(super) fn contradiction(
        &self,
        topology: Topology,
        urls: &[RedisUrl],
    ) -> Option<(&'static str, Contradiction)> {
        let user = self.username.is_some() || self.username_file.is_some();
        let password = self.password.is_some() || self.password_file.is_some();
        // Sentinels have users of their own, which their URLs say.
        let in_url = topology != Topology::Sentinel && urls.iter().any(|url| url.password.is_some());
        let (path, message, help) = if self.username.is_some() && self.username_file.is_some() {
            let help = "keep one of the two; the file is read again when it changes";
            ("username_file", "both `username` and `username_file` are given", help)
        } else if self.password.is_some() && self.password_file.is_some() {
            let help = "keep one of the two; the file is read again when it changes";
            ("password_file", "both `password` and `password_file` are given", help)
        } else if user && !password {
            let help = "write `password` or `password_file`; an ACL user without a password takes any";
            ("username", "there is a user but no password", help)
        } else if (user || password) && in_url {
            let help = "keep the user and password either in `urls` or in settings of their own";
            ("urls", "there is a password in a URL and another one beside the URLs", help)
        } else {
            return None;
        };
        Some((path, Contradiction { message: message.into(), help }))
    }
}

impl Section for RedisCredentials {
    fn set(&mut self, decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Known {
        match field.name {
            "username" => put(&mut self.username, optional_text(decoder, field)),
            "password" => put(
                &mut self.password,
                optional_text(decoder, field).map(|text| text.map(|text| text.map(Secret::new))),
            ),
            "username_file" => put(&mut self.username_file, optional_path(decoder, field)),
            "password_file" => put(&mut self.password_file, optional_path(decoder, field)),
            _ => Known::No,
        }
    }
}

/// Text, where the empty one in quotes means nothing, as it is printed.
pub(super) fn optional_text(
    decoder: &mut Decoder<'_, '_>,
    field: &Field<'_, '_>,
) -> Optional<Option<String>> {
    Ok(decoder.text(field)?.map(|text| Some(text).filter(|text| !text.is_empty())))
}

/// The same of a path.
pub(super) fn optional_path(
    decoder: &mut Decoder<'_, '_>,
    field: &Field<'_, '_>,
) -> Optional<Option<PathBuf>> {
    Ok(optional_text(decoder, field)?.map(|text| text.map(PathBuf::from)))
}

/// Writes nothing as the empty text that is read back as nothing.
#[expect(clippy::ref_option, reason = "serde gives a reference")]
pub(super) fn serialize_optional<T: Serialize, S: Serializer>(
    value: &Option<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => value.serialize(serializer),
        None => serializer.serialize_str(""),
    }
}

/// The same of a path.
#[expect(clippy::ref_option, reason = "serde gives a reference")]
pub(super) fn serialize_path<S: Serializer>(
    path: &Option<PathBuf>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serialize_optional(path, serializer)
}

//! How the servers of a shared store are reached: who we are to them, TLS, and the files of both.

use std::sync::Arc;

use anyhow::Context;

use crate::config::settings::{self, Topology};
use crate::secrets::watched::Watched;
use crate::storage::redis::credentials::{Credentials, LoginSource, Word};
use crate::storage::redis::node::Identity;
use crate::storage::redis::tls::{ClientIdentity, HostName, Tls, TlsSettings};

/// What the servers of one `redis` section have in common.
#[derive(Debug)]
pub(super) struct RedisAccess {
    credentials: Credentials,
    /// Made where any server is asked by TLS.
    tls: Option<Tls>,
}

impl RedisAccess {
    /// Reads the files.
    ///
    /// # Errors
    /// Where `tls.server_name` is no name. Files that cannot be used yet are a line in the log, as they may come later.
    pub(super) fn new(redis: &settings::Redis) -> anyhow::Result<Self> {
        let credentials = Credentials::new(login_source(&redis.credentials));
        let used = redis.tls.enabled || redis.urls.iter().any(|url| url.tls);
        let tls = used.then(|| Tls::new(tls_settings(&redis.tls))).transpose();
        Ok(Self { credentials, tls: tls.context("redis.tls.server_name")? })
    }

    /// How the server of this URL is asked.
    pub(super) fn identity(&self, redis: &settings::Redis, url: &settings::RedisUrl) -> Identity {
        let credentials = match &url.password {
            Some(password) => Credentials::fixed(url.username.clone(), Some(password.expose().to_owned())),
            // Sentinels do not know the users of the servers that they watch.
            None if redis.topology == Topology::Sentinel => Credentials::default(),
            None => self.credentials.clone(),
        };
        let tls = self.tls.clone().filter(|_| redis.tls.is_for(redis.topology, url));
        Identity { credentials, tls, database: url.database }
    }

    /// How the servers are asked that Sentinels tell of. Who asks Sentinels by TLS hardly means to ask their servers without.
    pub(super) fn behind_sentinels(&self) -> Identity {
        Identity { credentials: self.credentials.clone(), tls: self.tls.clone(), database: 0 }
    }

    /// What has to be watched.
    pub(super) fn watched(&self) -> Vec<Arc<dyn Watched>> {
        let tls = self.tls.as_ref().and_then(Tls::watched);
        self.credentials.watched().into_iter().chain(tls).collect()
    }
}

fn login_source(credentials: &settings::RedisCredentials) -> LoginSource {
    let username = credentials.username.clone().map(Word::Given);
    let password = credentials.password.as_ref().map(|secret| Word::Given(secret.expose().to_owned()));
    LoginSource {
        username: credentials.username_file.clone().map(Word::File).or(username),
        password: credentials.password_file.clone().map(Word::File).or(password),
    }
}

fn tls_settings(tls: &settings::RedisTls) -> TlsSettings {
    let identity = tls.certificate.clone().zip(tls.key.clone());
    TlsSettings {
        ca: tls.ca.clone(),
        identity: identity.map(|(certificate, key)| ClientIdentity { certificate, key }),
        server_name: tls.server_name.clone(),
        host_name: if tls.verify_host_name { HostName::Verified } else { HostName::Ignored },
    }
}

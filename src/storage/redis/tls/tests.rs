//! Files of TLS: what is taken, what is refused, and what stays in force meanwhile. Handshakes are tried with real servers.

use std::fs;

use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;

use super::*;

/// A certificate that signs itself, and its key.
fn certificate() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["a.test".to_owned()]).unwrap().self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}

struct Scene {
    folder: TempDir,
    tls: Tls,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let identity = ClientIdentity { certificate: path("cert.pem"), key: path("key.pem") };
        let settings = TlsSettings {
            ca: Some(path("ca.pem")),
            identity: Some(identity),
            server_name: None,
            host_name: HostName::Verified,
        };
        let tls = Tls::new(settings).unwrap();
        Self { folder, tls }
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// Looks as often as the watch does until nothing moves; gives what is in force.
    fn look(&self) -> Arc<Result<TlsConnector, String>> {
        let watched = self.tls.watched().unwrap();
        while watched.look() == Look::Moving {}
        self.tls.shared.connector.load_full()
    }

    #[track_caller]
    fn check_fault(&self, words: &str) {
        let told = match &*self.look() {
            Ok(_) => panic!("TLS is set up"),
            Err(fault) => fault.clone(),
        };
        assert!(told.contains(words), "{told}");
    }
}

#[test]
fn each_file_that_is_of_no_use_is_named() {
    let ((ca, _), (mine, key), (_, other)) = (certificate(), certificate(), certificate());
    let scene = Scene::new();
    scene.check_fault("redis.tls.ca: ");
    scene.write("ca.pem", &ca);
    scene.check_fault("redis.tls.certificate: ");
    scene.write("cert.pem", &mine);
    scene.check_fault("redis.tls.key: ");
    scene.write("key.pem", &other);
    scene.check_fault("redis.tls.certificate and redis.tls.key do not go together");
    scene.write("key.pem", "nonsense");
    scene.check_fault("redis.tls.key: no private key in PEM form");
    scene.write("key.pem", &key);
    assert!(scene.look().is_ok());
}

#[test]
fn what_was_good_stays_until_there_is_better() {
    let ((ca, _), (mine, key), (next, next_key)) = (certificate(), certificate(), certificate());
    let scene = Scene::new();
    for (name, text) in [("ca.pem", &ca), ("cert.pem", &mine), ("key.pem", &key)] {
        scene.write(name, text);
    }
    let first = scene.look();
    assert!(first.is_ok() && Arc::ptr_eq(&first, &scene.look()), "nothing has changed");
    scene.write("cert.pem", &next);
    assert!(Arc::ptr_eq(&first, &scene.look()), "its key is not there yet");
    scene.write("key.pem", &next_key);
    let second = scene.look();
    assert!(second.is_ok() && !Arc::ptr_eq(&first, &second));
    scene.write("ca.pem", "");
    assert!(Arc::ptr_eq(&second, &scene.look()));
}

#[test]
fn a_server_has_a_name_that_certificates_can_have() {
    let settings = |name: &str| TlsSettings {
        ca: None,
        identity: None,
        server_name: Some(name.into()),
        host_name: HostName::Verified,
    };
    for name in ["redis.example", "10.0.0.1", "::1"] {
        assert!(Tls::new(settings(name)).is_ok(), "{name}");
    }
    assert!(Tls::new(settings("a b")).unwrap_err().to_string().contains("write a host name"));
}

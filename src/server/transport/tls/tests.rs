//! Files of TLS: what is taken, what is refused, and what stays in force meanwhile.

use std::fs;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use tempfile::TempDir;

use super::start::PAUSE;
use super::validity::Untimely;
use super::*;
use crate::secrets::watched::Look;

/// A certificate that signs itself, and its key.
fn certificate(year: i32) -> (String, String) {
    certificate_of(2000, year)
}

fn certificate_of(from: i32, until: i32) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["a.test".to_owned()]).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(until, 1, 1));
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

fn start_of(year: u64) -> UnixTime {
    // Leap days make no difference here.
    UnixTime::since_unix_epoch(Duration::from_secs((year - 1970) * 31_556_952))
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    fn write_pair(&self, (certificate, key): &(String, String)) {
        self.write("cert.pem", certificate);
        self.write("key.pem", key);
    }

    fn settings(&self) -> TlsSettings {
        let path = |name: &str| self.0.path().join(name);
        let clients =
            ClientSettings { ca: path("ca.pem"), presence: Presence::Required, allowed: Vec::new() };
        TlsSettings { certificate: path("cert.pem"), key: path("key.pem"), clients: Some(clients) }
    }

    async fn load(&self) -> Tls {
        Tls::load(self.settings()).await.unwrap()
    }
}

/// Looks once; gives how often files were taken over and refused so far, and whether those in force are stale.
fn look(tls: &Tls) -> (Look, u64, u64, bool) {
    look_at(tls, validity::now())
}

/// The same by a clock that says another time.
fn look_at(tls: &Tls, now: UnixTime) -> (Look, u64, u64, bool) {
    let (look, stats) = (tls.shared.look_at(now), tls.stats());
    (look, stats.reloads.get(), stats.failed_reloads.get(), stats.is_stale())
}

async fn check_fault(folder: &Folder, words: &[&str]) {
    let told = Tls::load(folder.settings()).await.unwrap_err().to_string();
    for words in words {
        assert!(told.contains(words), "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_with_files_of_no_use_names_the_file_and_the_remedy() {
    let (pair, (ca, other)) = (certificate(2400), certificate(2400));
    let folder = Folder::new();
    check_fault(&folder, &["grpc.tls.certificate: ", "cert.pem cannot be read", "that this user may read"])
        .await;
    folder.write("cert.pem", &pair.0);
    check_fault(&folder, &["grpc.tls.key: ", "key.pem cannot be read"]).await;
    folder.write("key.pem", "");
    check_fault(&folder, &["grpc.tls.key: ", "key.pem is empty"]).await;
    folder.write("key.pem", &other);
    check_fault(&folder, &["grpc.tls.client_ca: ", "ca.pem cannot be read"]).await;
    folder.write("ca.pem", "nonsense");
    check_fault(&folder, &["grpc.tls.client_ca: no certificate in PEM form"]).await;
    folder.write("ca.pem", &ca);
    check_fault(&folder, &["do not go together", "give the key that the first certificate"]).await;
    folder.write("key.pem", &pair.0);
    check_fault(&folder, &["grpc.tls.key: no private key in PEM form"]).await;
    folder.write("key.pem", &pair.1);
    folder.write("cert.pem", &pair.1);
    check_fault(&folder, &["grpc.tls.certificate: no certificate in PEM form"]).await;
    folder.write_pair(&pair);
    assert_eq!(folder.load().await.stats().expiry(), 13_569_465_600);
}

#[tokio::test(start_paused = true)]
async fn a_check_fails_where_a_start_does_and_warns_of_what_has_expired() {
    let (folder, good, expired) = (Folder::new(), certificate(2400), certificate(2001));
    folder.write("ca.pem", &good.0);
    folder.write_pair(&(good.0.clone(), expired.1.clone()));
    assert!(folder.settings().check().await.unwrap_err().to_string().contains("do not go together"));
    folder.write_pair(&good);
    assert_eq!(folder.settings().check().await.unwrap(), [""; 0]);
    folder.write_pair(&(format!("{}{}", expired.0, good.0), expired.1.clone()));
    let warnings = folder.settings().check().await.unwrap();
    assert_eq!(
        warnings,
        ["grpc.tls.certificate has expired: clients refuse it; renew it, and check this machine's clock"]
    );
    folder.write_pair(&(format!("{}{}", good.0, expired.0), good.1.clone()));
    let warnings = folder.settings().check().await.unwrap();
    assert!(
        warnings[0].starts_with("certificate 2 of grpc.tls.certificate has expired; replace it"),
        "{warnings:?}"
    );
}

/// A start in the midst of a renewal.
#[tokio::test(start_paused = true)]
async fn a_start_gives_files_half_a_second() {
    let (folder, pair) = (Folder::new(), certificate(2400));
    folder.write_pair(&(pair.0.clone(), certificate(2400).1));
    folder.write("ca.pem", &pair.0);
    let load = tokio::spawn(Tls::load(folder.settings()));
    tokio::time::sleep(PAUSE * 5 / 2).await;
    folder.write_pair(&pair);
    assert!(load.await.unwrap().is_ok());
}

#[tokio::test]
async fn what_was_good_stays_until_there_is_better() {
    let (first, second) = (certificate(2300), certificate(2400));
    let folder = Folder::new();
    folder.write_pair(&first);
    folder.write("ca.pem", &first.0);
    let tls = folder.load().await;
    let expiry = tls.stats().expiry();
    assert_eq!(look(&tls), (Look::Calm, 0, 0, false), "nothing has changed");
    folder.write("cert.pem", &second.0);
    assert_eq!(look(&tls), (Look::Calm, 0, 0, false), "its key may come yet");
    folder.write("key.pem", &second.1);
    assert_eq!(look(&tls), (Look::Moving, 0, 0, false), "the key may not be whole");
    assert_eq!(tls.stats().expiry(), expiry);
    assert_eq!(look(&tls), (Look::Calm, 1, 0, false));
    assert_ne!(tls.stats().expiry(), expiry);
    assert_eq!(look(&tls), (Look::Calm, 1, 0, false));
    // A broken swap, seen twice, is told once.
    folder.write("key.pem", &first.1);
    assert_eq!(look(&tls), (Look::Calm, 1, 0, false));
    assert_eq!(look(&tls), (Look::Calm, 1, 1, true));
    assert_eq!(look(&tls), (Look::Calm, 1, 1, true));
    folder.write("key.pem", &second.1);
    assert_eq!([look(&tls).0, look(&tls).0], [Look::Moving, Look::Calm]);
    assert_eq!(look(&tls), (Look::Calm, 2, 1, false), "as before");
    fs::remove_file(folder.0.path().join("ca.pem")).unwrap();
    look(&tls);
    assert_eq!(look(&tls), (Look::Calm, 2, 2, true));
}

#[tokio::test]
async fn a_certificate_that_has_expired_replaces_only_one_that_has_too() {
    let (good, expired) = (certificate(2400), certificate(2001));
    let folder = Folder::new();
    folder.write_pair(&good);
    folder.write("ca.pem", &good.0);
    let tls = folder.load().await;
    folder.write_pair(&expired);
    look(&tls);
    assert_eq!(look(&tls), (Look::Calm, 0, 1, true));
    let tls = folder.load().await;
    assert_eq!(tls.stats().expiry(), 978_307_200, "a start takes it, as there is nothing better");
    folder.write_pair(&certificate(2002));
    look(&tls);
    assert_eq!(look(&tls), (Look::Calm, 1, 0, false));
}

#[tokio::test]
async fn a_certificate_that_is_not_valid_yet_is_taken_over_when_it_is() {
    let (good, future) = (certificate(2400), certificate_of(2300, 2500));
    let folder = Folder::new();
    folder.write_pair(&good);
    folder.write("ca.pem", &good.0);
    let tls = folder.load().await;
    let expiry = tls.stats().expiry();
    folder.write_pair(&future);
    look(&tls);
    assert_eq!(look(&tls), (Look::Calm, 0, 1, true));
    assert_eq!(look_at(&tls, start_of(2299)), (Look::Calm, 0, 1, true), "told and counted once");
    assert_eq!(tls.stats().expiry(), expiry);
    assert_eq!(look_at(&tls, start_of(2301)), (Look::Calm, 1, 1, false));
    assert_ne!(tls.stats().expiry(), expiry);
    let tls = folder.load().await;
    assert_ne!(tls.stats().expiry(), expiry, "a start takes it, as there is nothing better");
}

/// One refusal may follow another.
#[tokio::test]
async fn a_certificate_whose_time_went_by_is_told_of_again() {
    let folder = Folder::new();
    let good = certificate(2400);
    folder.write_pair(&good);
    folder.write("ca.pem", &good.0);
    let tls = folder.load().await;
    folder.write_pair(&certificate_of(2300, 2310));
    look(&tls);
    assert_eq!(look(&tls), (Look::Calm, 0, 1, true));
    assert_eq!(look_at(&tls, start_of(2320)), (Look::Calm, 0, 2, true));
    assert_eq!(look_at(&tls, start_of(2321)), (Look::Calm, 0, 2, true));
}

/// A certificate of today looks expired by a clock that runs years ahead.
#[tokio::test]
async fn a_clock_that_was_wrong_keeps_no_renewal_out_for_good() {
    let (first, renewed) = (certificate(2400), certificate(2300));
    let folder = Folder::new();
    folder.write_pair(&first);
    folder.write("ca.pem", &first.0);
    let tls = folder.load().await;
    folder.write_pair(&renewed);
    let wrong = start_of(2350);
    look_at(&tls, wrong);
    for _ in 0..3 {
        assert_eq!(look_at(&tls, wrong), (Look::Calm, 0, 1, true), "told and counted once");
    }
    assert_eq!(look(&tls), (Look::Calm, 1, 1, false), "the clock was set right, and no byte has changed");
    assert_eq!(look(&tls), (Look::Calm, 1, 1, false));
    assert_eq!(tls.stats().expiry(), 10_413_792_000);
}

/// Such as one that is signed across for old clients, and which others never look at.
#[tokio::test]
async fn an_expired_certificate_behind_ours_keeps_no_renewal_out() {
    let (first, renewed) = (certificate(2300), certificate(2400));
    let folder = Folder::new();
    folder.write_pair(&first);
    folder.write("ca.pem", &first.0);
    let tls = folder.load().await;
    let behind = certificate(2350).0 + &certificate(2001).0 + &certificate_of(2350, 2360).0;
    folder.write_pair(&(renewed.0.clone() + &behind, renewed.1.clone()));
    look(&tls);
    assert_eq!(look(&tls), (Look::Calm, 1, 0, false));
    assert_eq!(tls.stats().expiry(), 13_569_465_600, "ours is what counts");
    let in_force = tls.shared.in_force.load();
    let others: Vec<_> = in_force.untimely_others(validity::now()).collect();
    assert_eq!(others, [(3, Untimely::Expired), (4, Untimely::NotYet)]);
}

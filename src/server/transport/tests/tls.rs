//! The same connections by TLS: who is let in, what a handshake may cost, and certificates that change meanwhile.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::string::Ia5String;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType, date_time_ymd};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, SupportedProtocolVersion};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::peer::{Peer, hear_out, raw, read};
use super::{Gate, PATIENCE, SHORT, bind, calm, eventually, loopback, unix};
use crate::secrets::pem;
use crate::secrets::watched::Look;
use crate::server::transport::tls::names::AllowedName;
use crate::server::transport::tls::{ClientSettings, Presence, Tls, TlsSettings};
use crate::server::transport::{DrainOutcome, Http2Server, Http2Settings, ListenAddress, Listener};

static AUTHORITIES: AtomicUsize = AtomicUsize::new(0);

/// A certificate and its key, in PEM form.
type Issued = (String, String);

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let (mut params, key) = (CertificateParams::default(), KeyPair::generate().unwrap());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Of one name, one would be taken for the other with a wrong signature.
        let name = format!("authority {}", AUTHORITIES.fetch_add(1, Ordering::Relaxed));
        params.distinguished_name.push(DnType::CommonName, name);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    fn issue(&self, name: &str) -> Issued {
        self.issue_until(name, 2400)
    }

    fn issue_until(&self, name: &str, year: i32) -> Issued {
        let mut params = CertificateParams::default();
        params.subject_alt_names.push(match name.contains(':') {
            true => SanType::URI(Ia5String::try_from(name).unwrap()),
            false => SanType::DnsName(Ia5String::try_from(name).unwrap()),
        });
        (params.not_before, params.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(year, 1, 1));
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

/// A server by TLS, and the files that it is made of.
struct Scene {
    folder: TempDir,
    authority: Authority,
    tls: Tls,
    server: Http2Server,
    gate: Gate,
}

impl Scene {
    async fn start(presence: Option<Presence>, allowed: &[AllowedName]) -> Self {
        Self::start_on(loopback(), presence, allowed, &calm()).await
    }

    async fn start_on(
        listener: Listener,
        presence: Option<Presence>,
        allowed: &[AllowedName],
        settings: &Http2Settings,
    ) -> Self {
        let (folder, authority, gate) = (tempfile::tempdir().unwrap(), Authority::new(), Gate::closed());
        write(&folder, &authority.issue("server.test"), &authority.pem);
        let path = |name: &str| folder.path().join(name);
        let clients =
            presence.map(|presence| ClientSettings { ca: path("ca"), presence, allowed: allowed.to_vec() });
        let tls = TlsSettings { certificate: path("cert"), key: path("key"), clients };
        let tls = Tls::load(tls).await.unwrap();
        let service = gate.clone();
        let server = Http2Server::start_with(vec![listener], Some(tls.clone()), settings, move |_core| {
            super::service(service.clone())
        });
        Self { folder, authority, tls, server: server.unwrap(), gate }
    }

    /// A client that trusts the authority, and shows this certificate.
    fn client(&self, shown: Option<&Issued>) -> ClientConfig {
        client(&self.authority, shown, rustls::ALL_VERSIONS)
    }

    async fn connect(&self, config: ClientConfig) -> Result<Peer, String> {
        let ListenAddress::Tcp(address) = &self.server.addresses()[0] else { unreachable!("a TCP listener") };
        let socket = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("server.test").unwrap();
        let stream = TlsConnector::from(Arc::new(config)).connect(name, socket).await;
        let stream = stream.map_err(|error| error.to_string())?;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        Peer::over(stream).await.map_err(|error| error.to_string())
    }

    /// Whether a client with this certificate is answered; what it is told where not.
    async fn ask(&self, shown: Option<&Issued>) -> Result<String, String> {
        let mut peer = self.connect(self.client(shown)).await?;
        // A client of TLS 1.3 is at the end of its handshake before the server has seen its certificate.
        peer.try_ask("/").await.map_err(|error| error.to_string())
    }

    fn failed(&self, reason: &str) -> u64 {
        self.tls.stats().failed().find(|(name, _)| *name == reason).unwrap().1
    }

    async fn check_refused(&self, answer: Result<String, String>, alert: &str, reason: &str) {
        let told = answer.expect_err("an answer to a client that is none");
        assert!(told.contains(alert), "{told}");
        // The alert is sent first.
        eventually(reason, || self.failed(reason) == 1).await;
    }

    /// Looks as the watch does until nothing moves.
    fn look(&self) {
        for _ in 0..3 {
            while self.tls.watched().look() == Look::Moving {}
        }
    }
}

fn write(folder: &TempDir, (certificate, key): &Issued, ca: &str) {
    for (name, text) in [("cert", certificate.as_str()), ("key", key), ("ca", ca)] {
        fs::write(folder.path().join(name), text).unwrap();
    }
}

fn client(
    authority: &Authority,
    shown: Option<&Issued>,
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    let builder = builder.with_root_certificates(pem::authorities(authority.pem.as_bytes()).unwrap());
    let mut config = match shown {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = pem::certificates(certificate.as_bytes()).unwrap();
            builder.with_client_auth_cert(chain, pem::private_key(key.as_bytes()).unwrap()).unwrap()
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

const LISTED: &str = "spiffe://cluster.local/ns/a/sa/b";

fn listed() -> [AllowedName; 1] {
    [AllowedName::Uri(LISTED.into())]
}

#[tokio::test]
async fn anybody_is_served_where_nobody_is_asked() {
    let scene = Scene::start(None, &[]).await;
    assert_eq!(scene.ask(None).await.unwrap(), "done");
    let strange = Authority::new().issue("a.client");
    assert_eq!(scene.ask(Some(&strange)).await.unwrap(), "done");
    let accepted = scene.server.stats().accepted.get();
    assert_eq!(accepted, 2);
}

#[tokio::test]
async fn both_versions_are_spoken_and_no_session_is_resumed() {
    let scene = Scene::start(Some(Presence::Required), &listed()).await;
    let shown = scene.authority.issue(LISTED);
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let config = client(&scene.authority, Some(&shown), &[version]);
        for _ in 0..2 {
            let ListenAddress::Tcp(address) = &scene.server.addresses()[0] else { unreachable!("TCP") };
            let socket = TcpStream::connect(address).await.unwrap();
            let name = ServerName::try_from("server.test").unwrap();
            // The same configuration, so that a session would be resumed if there was one.
            let connector = TlsConnector::from(Arc::new(config.clone()));
            let stream = connector.connect(name, socket).await.unwrap();
            assert_eq!(stream.get_ref().1.handshake_kind(), Some(rustls::HandshakeKind::Full));
            let mut peer = Peer::over(stream).await.unwrap();
            assert_eq!(peer.ask("/").await.unwrap(), "done");
        }
    }
}

#[tokio::test]
async fn a_client_must_be_listed_to_be_let_in() {
    let scene = Scene::start(Some(Presence::Required), &listed()).await;
    assert_eq!(scene.ask(Some(&scene.authority.issue(LISTED))).await.unwrap(), "done");
    let unlisted = scene.authority.issue("spiffe://cluster.local/ns/a/sa/c");
    scene.check_refused(scene.ask(Some(&unlisted)).await, "AccessDenied", "not_allowed").await;
}

#[tokio::test]
async fn a_client_without_a_certificate() {
    let scene = Scene::start(Some(Presence::Required), &[]).await;
    scene.check_refused(scene.ask(None).await, "CertificateRequired", "no_certificate").await;
    let scene = Scene::start(Some(Presence::Optional), &listed()).await;
    assert_eq!(scene.ask(None).await.unwrap(), "done");
    // One that is shown is verified all the same.
    let unlisted = scene.authority.issue("a.client");
    scene.check_refused(scene.ask(Some(&unlisted)).await, "AccessDenied", "not_allowed").await;
}

#[tokio::test]
async fn a_client_of_another_authority_and_one_that_has_expired() {
    let scene = Scene::start(Some(Presence::Required), &listed()).await;
    let strange = Authority::new().issue(LISTED);
    scene.check_refused(scene.ask(Some(&strange)).await, "UnknownCA", "untrusted").await;
    let expired = scene.authority.issue_until(LISTED, 2001);
    scene.check_refused(scene.ask(Some(&expired)).await, "CertificateExpired", "expired").await;
}

#[tokio::test]
async fn a_client_that_does_not_trust_us_or_speaks_something_else() {
    let scene = Scene::start(None, &[]).await;
    let stranger = client(&Authority::new(), None, rustls::ALL_VERSIONS);
    assert!(scene.connect(stranger).await.is_err());
    eventually("it is counted", || scene.failed("refused_by_client") == 1).await;
    let mut http1 = scene.client(None);
    http1.alpn_protocols = vec![b"http/1.1".to_vec()];
    scene
        .check_refused(scene.connect(http1).await.map(|_| String::new()), "NoApplicationProtocol", "protocol")
        .await;
}

#[tokio::test]
async fn plain_text_is_closed_and_the_next_is_served() {
    let scene = Scene::start(None, &[]).await;
    for words in [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", &[0; 2_000]]
    {
        let mut socket = raw(&scene.server).await;
        socket.write_all(words).await.unwrap();
        hear_out(&mut socket).await;
    }
    eventually("all are counted", || scene.failed("not_tls") == 3).await;
    assert_eq!(scene.ask(None).await.unwrap(), "done");
}

#[tokio::test]
async fn http1_by_tls_is_told_what_the_port_is_for() {
    let scene = Scene::start(None, &[]).await;
    let ListenAddress::Tcp(address) = &scene.server.addresses()[0] else { unreachable!("a TCP listener") };
    let mut config = scene.client(None);
    config.alpn_protocols.clear();
    let name = ServerName::try_from("server.test").unwrap();
    let socket = TcpStream::connect(address).await.unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, socket).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut heard = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut heard).await.unwrap();
    assert!(heard.contains("gRPC over HTTP/2 with TLS"), "{heard}");
}

#[tokio::test]
async fn handshakes_that_do_not_end_are_cut_and_count_as_connections() {
    let settings = Http2Settings { handshake_timeout: SHORT, max_connections: 3, ..calm() };
    let scene = Scene::start_on(loopback(), None, &[], &settings).await;
    // Silence, the beginning of a greeting, and a handshake without a word of HTTP/2 behind it.
    let (mut silent, mut half) = (raw(&scene.server).await, raw(&scene.server).await);
    half.write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").await.unwrap();
    let ListenAddress::Tcp(address) = &scene.server.addresses()[0] else { unreachable!("a TCP listener") };
    let socket = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("server.test").unwrap();
    let _mute = TlsConnector::from(Arc::new(scene.client(None))).connect(name, socket).await.unwrap();
    let mut fourth = raw(&scene.server).await;
    assert!(hear_out(&mut fourth).await.is_empty());
    assert_eq!(scene.server.stats().refused.get(), 1);
    assert!(hear_out(&mut silent).await.is_empty());
    hear_out(&mut half).await;
    eventually("both are counted", || scene.failed("timeout") == 2).await;
    eventually("the mute one, too", || scene.server.stats().handshake_timeouts.get() == 1).await;
    eventually("there is room again", || scene.server.stats().cores.iter().all(|core| core.open() == 0))
        .await;
    assert_eq!(scene.ask(None).await.unwrap(), "done");
}

#[tokio::test]
async fn a_probe_that_only_connects_is_no_failure() {
    let scene = Scene::start(None, &[]).await;
    drop(raw(&scene.server).await);
    eventually("it is counted", || scene.failed("closed") == 1).await;
    assert_eq!(scene.server.stats().failed.get(), 0);
}

#[tokio::test]
async fn a_unix_socket_speaks_tls_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let path = unix(&folder);
    let listener = bind(&ListenAddress::Unix(path.clone())).unwrap();
    let scene = Scene::start_on(listener, Some(Presence::Required), &listed(), &calm()).await;
    let socket = tokio::net::UnixStream::connect(&path).await.unwrap();
    let config = scene.client(Some(&scene.authority.issue(LISTED)));
    let name = ServerName::try_from("server.test").unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, socket).await.unwrap();
    assert_eq!(Peer::over(stream).await.unwrap().ask("/").await.unwrap(), "done");
}

#[tokio::test]
async fn a_drain_says_goaway_and_lets_calls_finish() {
    let scene = Scene::start(None, &[]).await;
    let mut peer = scene.connect(scene.client(None)).await.unwrap();
    let held = peer.call("/slow");
    let stats = Arc::clone(scene.server.stats());
    eventually("the call runs", || stats.cores.iter().any(|core| core.requests.get() == 1)).await;
    let drain = tokio::spawn(scene.server.drain(PATIENCE));
    assert_eq!(peer.goaway().await, h2::Reason::NO_ERROR);
    scene.gate.open();
    assert_eq!(read(held).await.unwrap(), "done");
    // With a proper end: a connection that is only cut off would be an error.
    peer.end().await.unwrap();
    assert_eq!(drain.await.unwrap(), DrainOutcome { finished: 1, cut: 0 });
}

/// Our certificate and the clients' authority both change: who is connected stays, who comes meets the new.
#[tokio::test]
async fn files_that_change_are_for_the_next_connection() {
    let scene = Scene::start(Some(Presence::Required), &listed()).await;
    let (mine, next) = (scene.authority.issue(LISTED), Authority::new());
    let mut old = scene.connect(scene.client(Some(&mine))).await.unwrap();
    assert_eq!(old.ask("/").await.unwrap(), "done");
    write(&scene.folder, &next.issue("server.test"), &next.pem);
    scene.look();
    assert_eq!((scene.tls.stats().reloads.get(), scene.tls.stats().is_stale()), (1, false));
    assert_eq!(old.ask("/").await.unwrap(), "done", "it goes on");
    let told = scene.ask(Some(&mine)).await.unwrap_err();
    assert!(told.contains("UnknownIssuer"), "{told}");
    let config = client(&next, Some(&next.issue(LISTED)), rustls::ALL_VERSIONS);
    assert_eq!(scene.connect(config).await.unwrap().ask("/").await.unwrap(), "done");
    let config = client(&next, Some(&mine), rustls::ALL_VERSIONS);
    let mut refused = scene.connect(config).await.unwrap();
    assert!(refused.try_ask("/").await.unwrap_err().to_string().contains("UnknownCA"));
}

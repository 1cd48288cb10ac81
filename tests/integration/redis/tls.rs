//! TLS to every kind of store, what is said where it fails, and certificates that are renewed while we run.

use std::time::Duration;

use tokio::time::sleep;

use super::connections::check_none;
use super::exactness::{check_exact, check_fleet};
use super::fleet::{Fleet, LIMIT, NARROW_BUDGET, WIDE_BUDGET, settings};
use super::load::{Load, burst};
use crate::harness::authority::{Issued, Mount};
use crate::harness::redis::{MASTER, SecureRedis};
use crate::harness::{Authority, Redis, RedisCluster, RedisSentinel, ask};

/// The settings of a store with these lines of `redis.tls`.
fn secure(topology: &str, urls: &[String], timeout: &str, tls: &str) -> String {
    settings(topology, urls, timeout).replace("timeout:", &format!("tls: {{{tls}}}, timeout:"))
}

/// As [`secure`], trusting this authority.
fn trusting(authority: &Authority, topology: &str, urls: &[String]) -> String {
    secure(topology, urls, WIDE_BUDGET, &format!("ca: {:?}", authority.path("ca.pem")))
}

/// The lines that present a client's certificate.
fn presenting(ca: &str, certificate: &str, key: &str) -> String {
    format!("ca: {ca:?}, certificate: {certificate:?}, key: {key:?}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_server_is_exact() {
    let authority = Authority::new();
    let server = SecureRedis::start(&authority).await;
    let fleet = Fleet::start(&trusting(&authority, "single", &[server.named_url()])).await;
    check_fleet(&fleet, "v").await;
    assert_eq!(server.redis.keys_without_expiry().await, Vec::<String>::new());
    fleet.stop().await;
    check_none(&server.redis).await;
}

/// The nodes are found by what the first one tells, and asked by TLS as it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_is_exact() {
    let authority = Authority::new();
    let cluster = RedisCluster::start_secure(3, &authority).await;
    let tls = presenting(
        &authority.file("ca.pem"),
        &authority.file("client/cert.pem"),
        &authority.file("client/key.pem"),
    );
    let fleet = Fleet::start(&secure("cluster", &cluster.secure_urls()[..1], WIDE_BUDGET, &tls)).await;
    check_fleet(&fleet, "v").await;
    assert!(cluster.keys().await.len() >= 11);
    fleet.stop().await;
    for node in &cluster.nodes {
        check_none(node).await;
    }
}

/// The servers that the Sentinels tell of are asked as the Sentinels are, by users of their own, also after a failover.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_behind_sentinels_are_exact() {
    let authority = Authority::new();
    let servers = RedisSentinel::start_secure(&authority).await;
    for node in &servers.nodes {
        node.cli(&["ACL", "SETUSER", "me", "on", ">secret", "~*", "&*", "+@all"]).await;
    }
    let tls = presenting(
        &authority.file("ca.pem"),
        &authority.file("client/cert.pem"),
        &authority.file("client/key.pem"),
    );
    let settings = secure("sentinel", &servers.secure_urls(), WIDE_BUDGET, &tls);
    let more = format!("topology: sentinel, sentinel_master: {MASTER}, username: me, password: secret");
    let fleet = Fleet::start(&settings.replace("topology: sentinel", &more)).await;
    check_fleet(&fleet, "v").await;
    servers.failover().await;
    servers.promoted(0).await;
    fleet.exact_again().await;
    sleep(Duration::from_secs(1)).await;
    check_exact(&fleet, "k=w").await;
    let clients = servers.nodes[1].cli(&["CLIENT", "LIST", "TYPE", "normal"]).await;
    assert!(clients.text().contains(" user=me "), "{clients}");
}

/// One server of the ring is asked without TLS.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ring_is_exact() {
    let authority = Authority::new();
    let servers = [SecureRedis::start(&authority).await, SecureRedis::start(&authority).await];
    let plain = Redis::start().await;
    let urls = [servers[0].url(), servers[1].url(), plain.url()];
    let fleet = Fleet::start(&trusting(&authority, "ring", &urls)).await;
    check_fleet(&fleet, "v").await;
    for redis in [&servers[0].redis, &servers[1].redis, &plain] {
        assert!(!redis.keys().await.is_empty(), "each has its part");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_shows_its_certificate() {
    let authority = Authority::new();
    let server = SecureRedis::start_with(&authority, &[]).await;
    let tls = presenting(
        &authority.file("ca.pem"),
        &authority.file("client/cert.pem"),
        &authority.file("client/key.pem"),
    );
    // `enabled` in the place of a URL that asks for it.
    let url = server.url().replace("rediss", "redis");
    let fleet = Fleet::start(&secure("single", &[url], WIDE_BUDGET, &(tls + ", enabled: true"))).await;
    check_exact(&fleet, "k=v").await;
    assert_eq!(fleet.fallback_decisions().await, 0);
}

/// That decisions are the replicas' own, and that each of them says why.
async fn check_refused(settings: &str, words: &str) {
    let fleet = Fleet::start_alone(settings).await;
    let tally = burst(&fleet, 6 * LIMIT, |_| ask("k=v")).await;
    assert_eq!(tally.passed, 3 * LIMIT.div_ceil(3), "each replica admits its share");
    for replica in &fleet.replicas {
        replica.logged(words).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_of_another_authority_is_not_trusted() {
    let (authority, other) = (Authority::new(), Authority::new());
    let server = SecureRedis::start(&other).await;
    let tls = format!("ca: {:?}", authority.path("ca.pem"));
    check_refused(
        &secure("single", &[server.url()], NARROW_BUDGET, &tls),
        "the server's certificate is signed by no CA that is trusted here; set redis.tls.ca",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_of_another_name_is_not_trusted_unless_one_says_so() {
    let authority = Authority::new();
    authority.issue(&["redis.example"]).write(&authority.path("server"));
    let server = SecureRedis::start(&authority).await;
    let with = |more: &str| {
        let tls = format!("ca: {:?}{more}", authority.path("ca.pem"));
        secure("single", &[server.url()], WIDE_BUDGET, &tls)
    };
    let words = "has another name; set redis.tls.server_name";
    check_refused(&with(""), words).await;
    let fleet = Fleet::start(&with(", server_name: redis.example")).await;
    check_exact(&fleet, "k=named").await;
    let fleet = Fleet::start(&with(", verify_host_name: false")).await;
    check_exact(&fleet, "k=unnamed").await;
    assert!(fleet.replicas[0].log().contains("redis.tls.verify_host_name is off"));
    // The name is all that is not looked at.
    let other = SecureRedis::start(&Authority::new()).await;
    let tls = format!("ca: {:?}, verify_host_name: false", authority.path("ca.pem"));
    check_refused(&secure("single", &[other.url()], NARROW_BUDGET, &tls), "signed by no CA").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_certificate_has_expired_is_not_trusted() {
    let authority = Authority::new();
    authority.issue_until(&["127.0.0.1"], 2001).write(&authority.path("server"));
    let server = SecureRedis::start(&authority).await;
    let tls = format!("ca: {:?}", authority.path("ca.pem"));
    let settings = secure("single", &[server.url()], NARROW_BUDGET, &tls);
    check_refused(&settings, "has expired; renew it there").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_wants_a_certificate_says_so() {
    let authority = Authority::new();
    for options in [&[][..], &["--tls-protocols", "TLSv1.2"]] {
        let server = SecureRedis::start_with(&authority, options).await;
        let tls = format!("ca: {:?}", authority.path("ca.pem"));
        let settings = secure("single", &[server.url()], NARROW_BUDGET, &tls);
        check_refused(&settings, "redis.tls.certificate and redis.tls.key").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_tls_is_found_out() {
    let redis = Redis::start().await;
    let url = redis.url().replace("redis", "rediss");
    let settings = secure("single", &[url], NARROW_BUDGET, "verify_host_name: true");
    check_refused(&settings, "check that this port speaks TLS").await;
}

/// Files that cannot be used at the start are told, and taken as soon as they can.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_that_come_later() {
    let authority = Authority::new();
    let server = SecureRedis::start(&authority).await;
    let mut mount = Mount::new(&[("ca.pem", "nonsense")]);
    let tls = format!("ca: {:?}", mount.file("ca.pem"));
    let fleet = Fleet::start_alone(&secure("single", &[server.url()], WIDE_BUDGET, &tls)).await;
    fleet.replicas[0].logged("redis.tls.ca: no certificate in PEM form").await;
    mount.swap(&[("ca.pem", &authority.pem())]);
    fleet.exact_again().await;
    check_exact(&fleet, "k=v").await;
}

/// Both sides get a new authority and new certificates, one after the other, as one does it without an interruption.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_that_are_swapped_under_load() {
    let (old, new) = (Authority::new(), Authority::new());
    let both = old.pem() + &new.pem();
    let (mine, next) = (old.issue(&["a.client"]), new.issue(&["a.client"]));
    let server = SecureRedis::start_with(&old, &[]).await;
    let files = |ca: &str, issued: &Issued| {
        [("ca.pem", ca.to_owned()), ("cert.pem", issued.certificate.clone()), ("key.pem", issued.key.clone())]
    };
    let swap = |mount: &mut Mount, files: [(&str, String); 3]| {
        mount.swap(&files.each_ref().map(|(name, text)| (*name, text.as_str())));
    };
    let first = files(&old.pem(), &mine);
    let mut mount = Mount::new(&first.each_ref().map(|(name, text)| (*name, text.as_str())));
    let tls = presenting(&mount.file("ca.pem"), &mount.file("cert.pem"), &mount.file("key.pem"));
    let fleet = Fleet::start(&secure("single", &[server.url()], WIDE_BUDGET, &tls)).await;
    let before = fleet.fallback_decisions().await;
    let load = Load::start(&fleet, &ask("wide=v"));
    sleep(Duration::from_millis(300)).await;
    // A key that does not belong to the certificate is not taken.
    swap(
        &mut mount,
        files(&old.pem(), &Issued { certificate: mine.certificate.clone(), key: next.key.clone() }),
    );
    for replica in &fleet.replicas {
        replica.logged("the certificates for Redis cannot be used; those before stay in force").await;
    }
    swap(&mut mount, files(&both, &next));
    for replica in &fleet.replicas {
        replica.logged("the certificates for Redis were read again").await;
    }
    sleep(Duration::from_millis(300)).await;
    let tally = load.stop().await;
    assert_eq!(tally.denied, 0);
    tally.print("certificates swapped");
    assert_eq!(fleet.fallback_decisions().await, before, "every decision was the store's");
    // From now on the server knows the new authority alone.
    for file in ["ca.pem", "server/cert.pem", "server/key.pem"] {
        std::fs::copy(new.path(file), old.path(file)).unwrap();
    }
    let ca = old.file("ca.pem");
    assert_eq!(server.redis.cli(&["CONFIG", "SET", "tls-ca-cert-file", &ca]).await.to_string(), "OK");
    server.redis.kill_connections().await;
    sleep(Duration::from_millis(300)).await;
    check_exact(&fleet, "k=v").await;
    assert_eq!(
        fleet.fallback_decisions().await,
        before,
        "connections were made anew by the new certificates"
    );
}

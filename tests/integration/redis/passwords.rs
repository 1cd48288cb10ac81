//! Users and passwords from settings and files, and how they are changed without a call that fails or is decided alone.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::sleep;

use super::exactness::check_exact;
use super::fleet::{Fleet, WIDE_BUDGET, settings};
use super::load::Load;
use crate::harness::authority::Mount;
use crate::harness::{Redis, RedisCluster, ask, wait};

/// What the user of these tests may do: what the page for operators says that counting needs, and nothing else.
fn permissions() -> Vec<&'static str> {
    let page = include_str!("../../../docs/operations.md");
    let block =
        page.split("ACL SETUSER ratekeeper on >PASSWORD").nth(1).unwrap().split("```").next().unwrap();
    let words = block.lines().flat_map(|line| line.split('#').next().unwrap().split_whitespace());
    let found: Vec<&str> = words.collect();
    assert!(found.starts_with(&["~rk:*", "-@all", "+eval"]), "{found:?}");
    found
}

/// A server on which `me` has this password, and nobody else may do anything that counts.
pub(super) async fn server(password: &str) -> Redis {
    let redis = Redis::start().await;
    set_user(&redis, "me", password).await;
    redis.cli(&["ACL", "SETUSER", "default", "-eval", "-evalsha"]).await;
    redis
}

async fn set_user(redis: &Redis, user: &str, password: &str) {
    let password = format!(">{password}");
    let words = [&["ACL", "SETUSER", user, "on", "resetpass", &password], permissions().as_slice()].concat();
    assert_eq!(redis.cli(&words).await.to_string(), "OK");
}

/// Changes the passwords of `me`, as in `[">new", "<old"]`.
async fn change(redis: &Redis, rules: &[&str]) {
    let reply = redis.cli(&[&["ACL", "SETUSER", "me"], rules].concat()).await;
    assert_eq!(reply.to_string(), "OK");
}

/// The settings of this store with more of them.
pub(super) fn with(redis: &Redis, more: &str) -> String {
    settings("single", &[redis.url()], WIDE_BUDGET).replace("timeout:", &format!("{more}, timeout:"))
}

/// The connections of clients, by their numbers and users, the test's own left out.
async fn clients(redis: &Redis) -> BTreeSet<(String, String)> {
    let list = redis.cli(&["CLIENT", "LIST", "TYPE", "normal"]).await;
    let field = |line: &str, name: &str| {
        line.split(' ').find_map(|field| field.strip_prefix(name)).unwrap().to_owned()
    };
    let found = list.text().lines().map(|line| (field(line, "id="), field(line, "user=")));
    found.filter(|(_, user)| user != "default").collect()
}

/// How often AUTH was accepted.
async fn accepted(redis: &Redis) -> u64 {
    let stats = redis.cli(&["INFO", "commandstats"]).await;
    let line = stats.text().lines().find(|line| line.starts_with("cmdstat_auth:")).unwrap().to_owned();
    let number = |name: &str| {
        let field = line.split(',').find_map(|field| field.rsplit(':').next()?.strip_prefix(name));
        field.map_or(0, |number| number.parse::<u64>().unwrap())
    };
    number("calls=") - number("failed_calls=")
}

/// Waits until so many more have presented themselves.
async fn until_accepted(redis: &Redis, goal: u64) {
    wait::until("open connections to present the new password", || async { accepted(redis).await >= goal })
        .await;
}

async fn logged(fleet: &Fleet, words: &str) {
    for replica in &fleet.replicas {
        replica.logged(words).await;
    }
}

/// Changes a password under load, by whatever way, and looks that nobody noticed.
async fn rotate(what: &str, change: impl AsyncFnOnce(&Redis, &mut Mount, &Fleet)) {
    let redis = server("old-secret").await;
    let mut mount = Mount::new(&[("password", "old-secret\n")]);
    let fleet =
        Fleet::start(&with(&redis, &format!("username: me, password_file: {:?}", mount.file("password"))))
            .await;
    check_exact(&fleet, "k=before").await;
    let (before, connections) = (fleet.fallback_decisions().await, clients(&redis).await);
    let load = Load::start(&fleet, &ask("wide=v"));
    sleep(Duration::from_millis(300)).await;
    change(&redis, &mut mount, &fleet).await;
    sleep(Duration::from_millis(300)).await;
    let tally = load.stop().await;
    let answered = tally.answered();
    assert_eq!(tally.denied, 0);
    tally.print(what);
    assert_eq!(fleet.fallback_decisions().await, before, "every decision was the store's");
    assert_eq!(fleet.counted("v").await, answered, "each is counted once");
    // Pools make their second connection when they like; none that was there has gone.
    assert!(clients(&redis).await.is_superset(&connections), "no connection was closed");
    redis.kill_connections().await;
    sleep(Duration::from_millis(300)).await;
    check_exact(&fleet, "k=after").await;
    assert_eq!(fleet.fallback_decisions().await, before, "new connections are made with the new password");
    for replica in &fleet.replicas {
        assert!(!replica.log().contains("secret"), "a password is in the log");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_knows_both_passwords_for_a_while() {
    rotate("two passwords", async |redis, mount, _| {
        change(redis, &[">new-secret"]).await;
        let goal = accepted(redis).await + clients(redis).await.len() as u64;
        mount.swap(&[("password", "new-secret\n")]);
        until_accepted(redis, goal).await;
        change(redis, &["<old-secret"]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_forgets_the_old_password_at_once() {
    rotate("a hard swap", async |redis, mount, _| {
        change(redis, &["resetpass", ">new-secret"]).await;
        sleep(Duration::from_millis(700)).await;
        let goal = accepted(redis).await + clients(redis).await.len() as u64;
        mount.swap(&[("password", "new-secret\n")]);
        until_accepted(redis, goal).await;
    })
    .await;
}

/// Connections go on with what the server knows, new ones too, until it has heard of the new password.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_told_later_than_we_are() {
    rotate("the file first", async |redis, mount, fleet| {
        mount.swap(&[("password", "new-secret\n")]);
        logged(fleet, "the server does not accept the changed user and password").await;
        let goal = accepted(redis).await + clients(redis).await.len() as u64;
        change(redis, &["resetpass", ">new-secret"]).await;
        until_accepted(redis, goal).await;
        logged(fleet, "the server accepts the changed user and password now").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_made_while_the_server_knows_only_the_old_password() {
    let redis = server("old-secret").await;
    let mut mount = Mount::new(&[("password", "old-secret")]);
    let fleet =
        Fleet::start(&with(&redis, &format!("username: me, password_file: {:?}", mount.file("password"))))
            .await;
    mount.swap(&[("password", "new-secret")]);
    logged(&fleet, "the server does not accept the changed user and password").await;
    let before = fleet.fallback_decisions().await;
    redis.kill_connections().await;
    sleep(Duration::from_millis(300)).await;
    check_exact(&fleet, "k=v").await;
    assert_eq!(fleet.fallback_decisions().await, before, "every decision was the store's");
    let warnings = fleet.replicas[0].log().matches("the server does not accept the changed").count();
    assert_eq!(warnings, 1, "told once");
}

/// Files that are empty, broken or gone for a moment change nothing, and are told once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_of_no_use_for_a_while() {
    rotate("an empty file", async |redis, mount, fleet| {
        mount.swap(&[("password", "")]);
        logged(fleet, "password is empty").await;
        redis.cli(&["PING"]).await;
        sleep(Duration::from_millis(2500)).await;
        let log = fleet.replicas[0].log();
        assert_eq!(
            log.matches("the user and password for Redis cannot be read").count(),
            1,
            "told once: {log}"
        );
        mount.swap(&[("password", "old-secret")]);
        logged(fleet, "the user and password for Redis can be read").await;
    })
    .await;
}

/// As cloud IAM has it: a user and a token that are good for seconds, and whoever still uses them then is thrown out.
#[test]
fn every_command_of_the_scripts_is_among_the_permissions() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/storage/redis/scripts");
    let scripts =
        std::fs::read_dir(folder).unwrap().map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let text: String = scripts.collect();
    let commands: BTreeSet<&str> =
        text.split("call('").skip(1).map(|rest| rest.split('\'').next().unwrap()).collect();
    assert!(commands.len() > 10, "{commands:?}");
    for command in commands {
        let permission = format!("+{}", command.to_lowercase());
        assert!(permissions().contains(&permission.as_str()), "the page does not name {permission}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_that_expire() {
    let redis = Redis::start().await;
    set_user(&redis, "token-0", "secret-0").await;
    redis.cli(&["ACL", "SETUSER", "default", "-eval", "-evalsha"]).await;
    let mut mount = Mount::new(&[("user", "token-0"), ("token", "secret-0")]);
    let files = format!("username_file: {:?}, password_file: {:?}", mount.file("user"), mount.file("token"));
    let fleet = Fleet::start(&with(&redis, &files)).await;
    let (before, links) = (fleet.fallback_decisions().await, clients(&redis).await);
    let load = Load::start(&fleet, &ask("wide=v"));
    for number in 1..=4 {
        let (user, token) = (format!("token-{number}"), format!("secret-{number}"));
        set_user(&redis, &user, &token).await;
        mount.swap(&[("user", &user), ("token", &token)]);
        let everybody = || async { clients(&redis).await.iter().all(|(_, now)| *now == user) };
        wait::until("everybody to present the new token", everybody).await;
        // Connections of the user are closed.
        let gone = redis.cli(&["ACL", "DELUSER", &format!("token-{}", number - 1)]).await;
        assert_eq!(gone.integer(), 1);
    }
    let tally = load.stop().await;
    let answered = tally.answered();
    assert_eq!(tally.denied, 0);
    tally.print("tokens");
    assert_eq!(fleet.fallback_decisions().await, before, "every decision was the store's");
    assert_eq!(fleet.counted("v").await, answered, "each is counted once");
    let ids = |clients: BTreeSet<(String, String)>| -> BTreeSet<String> {
        clients.into_iter().map(|(id, _)| id).collect()
    };
    assert!(ids(clients(&redis).await).is_superset(&ids(links)), "no connection was closed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_that_comes_later() {
    let redis = server("late-secret").await;
    let mut mount = Mount::new(&[("password", "")]);
    let fleet = Fleet::start_alone(&with(
        &redis,
        &format!("username: me, password_file: {:?}", mount.file("password")),
    ))
    .await;
    logged(&fleet, "check redis.password_file").await;
    mount.swap(&[("password", "late-secret")]);
    fleet.exact_again().await;
    check_exact(&fleet, "k=v").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_nodes_of_a_cluster() {
    let cluster = RedisCluster::start(3, 0).await;
    for node in &cluster.nodes {
        set_user(node, "me", "old-secret").await;
        node.cli(&["ACL", "SETUSER", "default", "-eval", "-evalsha", "-cluster|slots"]).await;
    }
    let mut mount = Mount::new(&[("password", "old-secret")]);
    let more = format!("username: me, password_file: {:?}, timeout:", mount.file("password"));
    let settings = settings("cluster", &cluster.urls()[..1], WIDE_BUDGET).replace("timeout:", &more);
    let fleet = Fleet::start(&settings).await;
    let before = fleet.fallback_decisions().await;
    check_exact(&fleet, "k=v").await;
    for node in &cluster.nodes {
        change(node, &["resetpass", ">new-secret"]).await;
    }
    mount.swap(&[("password", "new-secret")]);
    for node in &cluster.nodes {
        until_accepted(node, accepted(node).await + 1).await;
        node.kill_connections().await;
    }
    sleep(Duration::from_millis(300)).await;
    check_exact(&fleet, "k=w").await;
    assert_eq!(fleet.fallback_decisions().await, before, "every decision was the store's");
    for node in &cluster.nodes {
        let forbidden = node.cli(&["ACL", "LOG"]).await;
        let reasons =
            forbidden.list().iter().map(ToString::to_string).filter(|entry| !entry.contains("\"auth\""));
        assert_eq!(reasons.collect::<Vec<_>>(), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_of_the_settings_is_shown_nowhere() {
    let redis = server("hunter2").await;
    let fleet = Fleet::start(&with(&redis, "username: me, password: hunter2")).await;
    check_exact(&fleet, "k=v").await;
    assert_eq!(fleet.fallback_decisions().await, 0);
    let announced = || async { redis.cli(&["ZCARD", "rk:replicas"]).await.integer() == 3 };
    wait::until("the replicas to announce themselves", announced).await;
    assert_eq!(redis.cli(&["ACL", "LOG"]).await.list().len(), 0, "nothing that was tried is forbidden");
    for replica in &fleet.replicas {
        let shown = crate::harness::http::get(replica.listen.admin, "/config").await.unwrap();
        let shown = String::from_utf8_lossy(&shown.body).into_owned();
        assert!(shown.contains("\"password\": \"****\"") && !shown.contains("hunter2"), "{shown}");
        assert!(!replica.log().contains("hunter2"));
    }
}

//! A Redis that is there and refuses: by its own doing where it can be brought to it, else by the wire's.

use super::scene::{Scene, survive};

/// Sets up a refusal by commands, takes it back by others, and looks for the reason in the log.
async fn refuses(code: &str, fail: &[&[&str]], mend: &[&[&str]]) {
    let look_for = code.to_owned();
    survive(
        code,
        async |scene| {
            for command in fail {
                run(scene, command).await;
            }
        },
        async |scene| {
            for replica in &scene.fleet.replicas {
                replica.logged(&look_for).await;
            }
            for command in mend {
                run(scene, command).await;
            }
        },
    )
    .await;
}

async fn run(scene: &Scene, command: &[&str]) {
    assert_eq!(scene.redis.cli(command).await.to_string(), "OK", "{command:?}");
}

/// The same where the wire answers in Redis's place.
async fn answered(error: &str) {
    let code = error.split(' ').next().unwrap().to_owned();
    survive(
        &code,
        async |scene| scene.wire.answer(error),
        async |scene| {
            for replica in &scene.fleet.replicas {
                replica.logged(&code).await;
            }
            scene.wire.pass();
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn oom() {
    refuses("OOM", &[&["CONFIG", "SET", "maxmemory", "1"]], &[&["CONFIG", "SET", "maxmemory", "0"]]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn noperm() {
    let forbidden: &[&str] = &["ACL", "SETUSER", "default", "-evalsha", "-eval"];
    refuses("NOPERM", &[forbidden], &[&["ACL", "SETUSER", "default", "+@all"]]).await;
}

/// A replica of a master that nobody can reach, as after a failover that went the other way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readonly() {
    refuses("READONLY", &[&["REPLICAOF", "127.0.0.1", "1"]], &[&["REPLICAOF", "NO", "ONE"]]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn masterdown() {
    let fail: &[&[&str]] =
        &[&["CONFIG", "SET", "replica-serve-stale-data", "no"], &["REPLICAOF", "127.0.0.1", "1"]];
    refuses("MASTERDOWN", fail, &[&["REPLICAOF", "NO", "ONE"]]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn loading() {
    answered("LOADING Redis is loading the dataset in memory").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn noauth() {
    answered("NOAUTH Authentication required.").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_clients() {
    answered("ERR max number of clients reached").await;
}

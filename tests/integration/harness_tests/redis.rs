//! The single server.

use std::time::Duration;

use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::harness::resp::{Connection, Reply};
use crate::harness::{Redis, wait};

#[tokio::test]
async fn it_answers_and_tells_about_itself() {
    let redis = Redis::start().await;
    assert_eq!(redis.cli(&["SET", "lasts", "1"]).await, Reply::Text("OK".into()));
    redis.cli(&["SET", "goes", "größer\r\n", "PX", "60000"]).await;
    assert_eq!(redis.cli(&["GET", "goes"]).await, Reply::Text("größer\r\n".into()));
    assert_eq!(redis.cli(&["GET", "none"]).await, Reply::Nil);
    assert_eq!(redis.keys().await, ["goes", "lasts"]);
    assert_eq!(redis.keys_without_expiry().await, ["lasts"]);
    assert_eq!(redis.command_count("set").await, 2);
    assert_eq!(redis.command_count("evalsha").await, 0);
    let refusal = redis.cli(&["INCR", "goes"]).await;
    assert!(matches!(refusal, Reply::Error(words) if words.starts_with("ERR value is not an integer")));
}

#[tokio::test]
async fn cpu_time_grows_with_work() {
    let redis = Redis::start().await;
    let before = redis.cpu_time().await;
    let busy = "local t = 0 for i = 1, 1e7 do t = t + i end return t";
    redis.cli(&["EVAL", busy, "0"]).await;
    assert!(redis.cpu_time().await > before + Duration::from_millis(5));
}

#[tokio::test]
async fn options_and_the_unix_socket() {
    let redis = Redis::start_with(&["--maxmemory-policy", "allkeys-lru"]).await;
    let policy = redis.cli(&["CONFIG", "GET", "maxmemory-policy"]).await;
    assert_eq!(policy.list()[1].text(), "allkeys-lru");
    let url = redis.unix_url();
    UnixStream::connect(url.strip_prefix("unix://").unwrap()).await.unwrap();
    assert_eq!(redis.url(), format!("redis://{}", redis.address));
}

#[tokio::test]
async fn a_paused_server_is_silent_and_goes_on() {
    let redis = Redis::start().await;
    let mut connection = Connection::open(redis.address).await.unwrap();
    redis.pause();
    connection.send(&["INCR", "k"]).await.unwrap();
    assert!(timeout(Duration::from_millis(200), connection.receive()).await.is_err());
    redis.resume();
    assert_eq!(connection.receive().await.unwrap().integer(), 1);
}

#[tokio::test]
async fn a_killed_server_refuses_and_comes_back_empty_where_it_was() {
    let mut redis = Redis::start().await;
    redis.cli(&["SET", "k", "1"]).await;
    let mut connection = Connection::open(redis.address).await.unwrap();
    // Killing works while it is paused, too.
    redis.pause();
    redis.kill();
    assert!(redis.try_cli(&["PING"]).await.is_err());
    assert!(connection.call(&["PING"]).await.is_err());
    redis.start_again().await;
    assert_eq!(redis.keys().await, Vec::<String>::new());
}

#[tokio::test]
async fn connections_are_counted_and_killed() {
    let redis = Redis::start().await;
    let mut connections =
        [Connection::open(redis.address).await.unwrap(), Connection::open(redis.address).await.unwrap()];
    for connection in &mut connections {
        connection.call(&["PING"]).await.unwrap();
    }
    // Those that asked before may not have gone yet.
    wait::until("two connections", || async { redis.connections().await == 2 }).await;
    assert!(redis.kill_connections().await >= 2);
    assert!(connections[0].call(&["PING"]).await.is_err());
}

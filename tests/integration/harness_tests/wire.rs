//! The wire that fails.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::harness::resp::{Connection, Reply};
use crate::harness::{Redis, Wire, wait};

const SOON: Duration = Duration::from_millis(200);

async fn start() -> (Redis, Wire, Connection) {
    let redis = Redis::start().await;
    let wire = Wire::to(redis.address);
    let mut connection = Connection::open(wire.address).await.unwrap();
    assert_eq!(connection.call(&["INCR", "k"]).await.unwrap().integer(), 1);
    (redis, wire, connection)
}

async fn new_connection_works(wire: &Wire) {
    let mut connection = Connection::open(wire.address).await.unwrap();
    assert_eq!(connection.call(&["PING"]).await.unwrap().text(), "PONG");
}

#[tokio::test]
async fn it_passes_pipelines_in_order() {
    let (_redis, wire, mut connection) = start().await;
    assert_eq!(wire.url(), format!("redis://{}", wire.address));
    assert_eq!(wire.connections(), 1);
    for _ in 0..100 {
        connection.send(&["INCR", "k"]).await.unwrap();
    }
    for count in 2..102 {
        assert_eq!(connection.receive().await.unwrap().integer(), count);
    }
    drop(connection);
    wait::until("the connection to end", || async { wire.connections() == 0 }).await;
}

#[tokio::test]
async fn it_delays_every_reply_by_as_much() {
    let (_redis, wire, mut connection) = start().await;
    wire.delay(SOON);
    let begin = Instant::now();
    for _ in 0..10 {
        connection.send(&["INCR", "k"]).await.unwrap();
    }
    assert_eq!(connection.receive().await.unwrap().integer(), 2);
    assert!(begin.elapsed() >= SOON);
    for count in 3..12 {
        assert_eq!(connection.receive().await.unwrap().integer(), count);
    }
    assert!(begin.elapsed() < SOON * 3, "all at once, not one after the other");
    wire.pass();
    assert_eq!(connection.call(&["INCR", "k"]).await.unwrap().integer(), 12);
}

#[tokio::test]
async fn it_cuts_what_is_open_and_takes_what_is_new() {
    let (_redis, wire, mut connection) = start().await;
    wire.cut();
    let failure = connection.receive().await.unwrap_err();
    assert!(failure.to_string().contains("reset"), "{failure}");
    new_connection_works(&wire).await;
}

#[tokio::test]
async fn it_refuses_until_it_is_switched() {
    let (_redis, wire, mut connection) = start().await;
    wire.refuse().await;
    assert!(connection.call(&["PING"]).await.is_err());
    let Err(failure) = Connection::open(wire.address).await else { panic!("connected") };
    assert!(failure.to_string().contains("refused"), "{failure}");
    assert_eq!(wire.connections(), 0);
    wire.pass();
    new_connection_works(&wire).await;
}

#[tokio::test]
async fn a_black_hole_takes_everything_and_its_connections_end_with_it() {
    let (redis, wire, mut connection) = start().await;
    wire.black_hole();
    let mut second = Connection::open(wire.address).await.unwrap();
    for connection in [&mut connection, &mut second] {
        connection.send(&["INCR", "k"]).await.unwrap();
        assert!(timeout(SOON, connection.receive()).await.is_err());
    }
    assert_eq!(redis.cli(&["GET", "k"]).await.integer(), 1, "nothing was delivered");
    wire.pass();
    assert!(connection.receive().await.is_err(), "nobody gets the reply to a later command");
    new_connection_works(&wire).await;
}

#[tokio::test]
async fn a_half_closed_connection_still_delivers_commands() {
    let (redis, wire, mut connection) = start().await;
    wire.half_close();
    assert!(connection.receive().await.is_err(), "the end of the stream");
    connection.send(&["INCR", "k"]).await.unwrap();
    wait::until("the command", || async { redis.cli(&["GET", "k"]).await.integer() == 2 }).await;
    new_connection_works(&wire).await;
}

#[tokio::test]
async fn replies_are_lost_after_so_many_bytes() {
    let (redis, wire, mut connection) = start().await;
    // `:2\r\n` is four bytes; the second reply is cut in its middle.
    wire.lose_replies_after(6);
    assert_eq!(connection.call(&["INCR", "k"]).await.unwrap().integer(), 2);
    connection.send(&["INCR", "k"]).await.unwrap();
    assert!(timeout(SOON, connection.receive()).await.is_err());
    assert_eq!(redis.cli(&["GET", "k"]).await.integer(), 3, "it was executed");
    wire.pass();
    assert!(connection.receive().await.is_err());
}

#[tokio::test]
async fn it_answers_in_the_place_of_the_server() {
    let (redis, wire, mut connection) = start().await;
    let loading = "LOADING Redis is loading the dataset in memory";
    wire.answer(loading);
    for _ in 0..2 {
        assert_eq!(connection.call(&["INCR", "k"]).await.unwrap(), Reply::Error(loading.into()));
    }
    wire.answer_to("incr", "OOM command not allowed");
    connection.send(&["GET", "k"]).await.unwrap();
    connection.send(&["INCR", "k"]).await.unwrap();
    connection.send(&["GET", "k"]).await.unwrap();
    assert_eq!(connection.receive().await.unwrap().integer(), 1);
    assert_eq!(connection.receive().await.unwrap(), Reply::Error("OOM command not allowed".into()));
    assert_eq!(connection.receive().await.unwrap().integer(), 1);
    wire.pass();
    assert_eq!(connection.call(&["INCR", "k"]).await.unwrap().integer(), 2);
    assert_eq!(redis.command_count("incr").await, 2, "errors were not executed");
}

#[tokio::test]
async fn a_connection_falls_silent_with_the_reply_to_a_command() {
    let (redis, wire, mut connection) = start().await;
    wire.lose_replies_to("incr");
    assert_eq!(connection.call(&["GET", "k"]).await.unwrap().integer(), 1);
    connection.send(&["INCR", "k"]).await.unwrap();
    connection.send(&["GET", "k"]).await.unwrap();
    assert!(timeout(SOON, connection.receive()).await.is_err());
    assert_eq!(redis.cli(&["GET", "k"]).await.integer(), 2, "it was executed");
    new_connection_works(&wire).await;
    wire.pass();
    assert!(connection.receive().await.is_err());
}

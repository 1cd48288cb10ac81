//! What end users put into values, and what others put into the store: shown safely, and no reason to fail.

use super::{RULES, count, json_of, of, passes};
use crate::harness::resp::Reply;
use crate::harness::{Ratekeeper, Redis, entries};

async fn start(redis: &Redis) -> Ratekeeper {
    let settings = format!("store: redis\nredis: {{urls: ['{}'], timeout: 999ms}}", redis.url());
    Ratekeeper::setup().rules(RULES).settings(&settings).start().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_of_any_bytes_are_shown_safely_and_can_be_reset() {
    let redis = Redis::start().await;
    let server = start(&redis).await;
    let long = [b'x'; 5_000];
    let values: [&[u8]; 9] = [
        b"",
        b"|",
        b"a=b,c",
        b"{slot}",
        b"\x1b[2J\x07\r\n\0",
        b"\xff\xfe",
        "\u{202e}ü".as_bytes(),
        b"*?[a]\\",
        &long,
    ];
    for value in values {
        server.ask(&entries(&[(b"k", value)])).await.unwrap();
    }
    let table = of(&server, &["list"]).await.succeeded();
    assert!(
        table.out.bytes().all(|byte| byte == b'\n' || byte == b' ' || byte.is_ascii_graphic()),
        "{}",
        table.out
    );
    assert_eq!(table.out.lines().count(), 1 + values.len(), "{}", table.out);
    let listed = json_of(&server, &["list"]).await.counters();
    for counter in &listed {
        assert_eq!((&counter["count"], &counter["limit"]), (&1.into(), &3.into()), "{counter}");
        let (key, shown) = (counter["key"].as_str().unwrap(), counter["entries"].as_str().unwrap());
        // Each of them begins with itself, wildcards or not.
        let by_prefix = json_of(&server, &["list", "--prefix", shown]).await.column("key");
        assert!(by_prefix.contains(&key.to_owned()), "{shown}: {by_prefix:?}");
        let gone = match shown.contains('#') {
            true => json_of(&server, &["reset", "--key", key]).await,
            false => json_of(&server, &["reset", "--domain", "mesh", shown]).await,
        };
        assert_eq!(gone.json()["reset"], 1, "{shown}");
    }
    assert_eq!(json_of(&server, &["list"]).await.counters().len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_ours_is_named_and_left_alone() {
    let redis = Redis::start().await;
    let server = start(&redis).await;
    count(&server, "k=ours", 1).await;
    let year = "rk:1|f31536000|mesh|k=";
    redis.cli(&["SET", "session:1", "x"]).await;
    redis.cli(&["SET", "rk:other", "x"]).await;
    redis.cli(&["SET", "rk:1|f60|nonsense|\u{1b}[2J", "x"]).await;
    redis.cli(&["SET", &format!("{year}text"), "no count"]).await;
    redis.cli(&["LPUSH", &format!("{year}list"), "x"]).await;
    crate::harness::wait::until("the replica to announce itself", || async {
        redis.cli(&["EXISTS", "rk:replicas"]).await == Reply::Integer(1)
    })
    .await;
    let listed = json_of(&server, &["list"]).await;
    assert_eq!(listed.column("entries"), ["k=ours"]);
    let foreign = listed.json()["foreign"].clone();
    let mut keys: Vec<&str> =
        foreign.as_array().unwrap().iter().map(|line| line["key"].as_str().unwrap()).collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        ["1|f31536000|mesh|k=list", "1|f31536000|mesh|k=text", "rk:1%7Cf60%7Cnonsense%7C%1B[2J"]
    );
    let table = of(&server, &["list"]).await.succeeded();
    assert!(table.err.contains("no counter of ours: ") && !table.err.contains('\x1b'), "{}", table.err);
    let shown = of(&server, &["get", "--domain", "mesh", "k=list"]).await.succeeded().out;
    assert!(shown.contains("something else is in its place, it is of another type"), "{shown}");
    assert_eq!(json_of(&server, &["reset", "--all"]).await.json()["reset"], 1);
    for key in ["session:1", "rk:other", "rk:replicas", &format!("{year}text"), &format!("{year}list")] {
        assert_eq!(redis.cli(&["EXISTS", key]).await, Reply::Integer(1), "{key} is gone");
    }
    // Who names one counter means it, whatever is in its place.
    assert_eq!(json_of(&server, &["reset", "--domain", "mesh", "k=list"]).await.json()["reset"], 1);
    assert_eq!(json_of(&server, &["get", "--domain", "mesh", "k=list"]).await.json()["count"], 0);
    assert!(passes(&server, "k=list").await);
}

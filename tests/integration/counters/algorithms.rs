//! Counters of every algorithm: shown in one form, and reset.

use serde_json::{Value, json};

use super::{RULES, count, json_of, of, passes};
use crate::harness::{Ratekeeper, Redis, wait};

/// Counts in every kind of counter, and looks at what is told of each, and resets them.
pub(super) async fn shows_every_algorithm(server: &Ratekeeper) {
    let expected = [
        ("bucket", "token_bucket", 20, 15, 5),
        ("leaky", "leaky_bucket", 1, 0, 1),
        ("log", "sliding_log", 6, 1, 5),
        ("window", "sliding_window", 6, 1, 5),
    ];
    for (key, _, _, _, hits) in expected {
        count(server, &format!("{key}=v"), hits).await;
    }
    for (key, algorithm, capacity, left, hits) in expected {
        let listed = json_of(server, &["list", "--algorithm", algorithm]).await.counters();
        let [one] = listed.as_slice() else { panic!("{listed:?}") };
        let found = json_of(server, &["get", "--domain", "mesh", &format!("{key}=v")]).await.json();
        for one in [one, &found] {
            let numbers = [&one["count"], &one["limit"], &one["capacity"], &one["remaining"]];
            assert_eq!(numbers.map(Value::as_u64), [hits.into(), 6, capacity, left].map(Some), "{one}");
            assert_eq!((&one["algorithm"], &one["unit"]), (&json!(algorithm), &json!("year")), "{one}");
            let reset = one["reset_seconds"].as_u64().unwrap();
            let year = 31_536_000;
            let (least, most) = match algorithm {
                "sliding_window" => (year, 2 * year),
                "sliding_log" => (year - 60, year),
                _ => (u64::from(hits) * year / 6 - 60, u64::from(hits) * year / 6),
            };
            assert!((least..=most).contains(&reset), "{one}");
        }
    }
    let bucket = of(server, &["get", "--domain", "mesh", "bucket=v"]).await.succeeded().out;
    let told = "algorithm token_bucket\ncount     5 of 20, 15 remaining; drains at 6 per year\n";
    assert!(bucket.contains(told), "{bucket}");

    let reset = of(server, &["reset", "--domain", "mesh", "leaky=v"]).await.succeeded().out;
    assert!(reset.starts_with("1 counter was reset"), "{reset}");
    assert!(passes(server, "leaky=v").await);
    let all = json_of(server, &["reset", "--all", "--algorithm", "sliding_log"]).await.json();
    assert_eq!(all["reset"], 1);
    let left = json_of(server, &["list"]).await.column("entries");
    assert_eq!(left, ["bucket=v", "leaky=v", "window=v"]);
    let log = json_of(server, &["get", "--domain", "mesh", "log=v"]).await.json();
    assert_eq!((&log["count"], &log["remaining"], &log["reset_seconds"]), (&json!(0), &json!(6), &json!(0)));
    assert_eq!(json_of(server, &["reset", "--all"]).await.json()["reset"], 3);
    assert_eq!(json_of(server, &["list"]).await.counters(), Vec::<Value>::new());

    count(server, "paid=v", 2).await;
    count(server, "paid=v", 5).await;
    let paid = json_of(server, &["get", "--domain", "mesh", "paid=v"]).await.json();
    assert_eq!((&paid["count"], &paid["remaining"]), (&json!(7), &json!(0)), "{paid}");
}

async fn with_redis(redis: &Redis) -> Ratekeeper {
    let settings = format!("store: redis\nredis: {{urls: ['{}'], timeout: 999ms}}", redis.url());
    Ratekeeper::setup().rules(RULES).settings(&settings).start().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_is_read_as_memory_is() {
    let redis = Redis::start().await;
    let server = with_redis(&redis).await;
    shows_every_algorithm(&server).await;
}

/// A log keeps forgotten hits until somebody counts in it again; they are not shown.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hits_that_are_forgotten_are_not_shown_though_they_are_stored() {
    let redis = Redis::start().await;
    let server = with_redis(&redis).await;
    count(&server, "short=v", 3).await;
    let key = "rk:1|x2|mesh|short=v";
    // Nothing but the store's own time makes it forget, and the key must outlive that.
    redis.cli(&["PERSIST", key]).await;
    wait::until("the hits to be forgotten", || async {
        json_of(&server, &["list"]).await.counters().is_empty()
    })
    .await;
    assert_eq!(redis.cli(&["EXISTS", key]).await.to_string(), "1");
    let short = json_of(&server, &["get", "--domain", "mesh", "short=v"]).await.json();
    assert_eq!(
        (&short["count"], &short["remaining"], &short["reset_seconds"]),
        (&json!(0), &json!(6), &json!(0))
    );
    let reset = json_of(&server, &["reset", "--domain", "mesh", "short=v"]).await.json();
    assert_eq!(reset["reset"], 1);
    assert_eq!(redis.cli(&["EXISTS", key]).await.to_string(), "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_meter_under_a_meters_key_is_named_and_left_alone() {
    let redis = Redis::start().await;
    let server = with_redis(&redis).await;
    count(&server, "bucket=ours", 1).await;
    let mut keys = Vec::new();
    for (letter, key) in [("t", "bucket"), ("s", "window"), ("x", "log")] {
        let [text, list] = ["text", "list"].map(|value| format!("rk:1|{letter}31536000|mesh|{key}={value}"));
        redis.cli(&["SET", &text, "somebody's own value"]).await;
        redis.cli(&["RPUSH", &list, "a"]).await;
        keys.extend([text, list]);
    }
    let there = async || {
        let words: Vec<&str> = std::iter::once("EXISTS").chain(keys.iter().map(String::as_str)).collect();
        redis.cli(&words).await.to_string()
    };
    let list = json_of(&server, &["list"]).await;
    assert_eq!(list.column("entries"), ["bucket=ours"]);
    let foreign = list.json()["foreign"].as_array().unwrap().len();
    assert_eq!(foreign, 6, "{}", list.out);
    for entries in ["bucket=text", "window=text", "log=text", "bucket=list", "window=list", "log=list"] {
        let one = json_of(&server, &["get", "--domain", "mesh", entries]).await.json();
        assert!(one["foreign"].is_string(), "{one}");
    }
    assert_eq!(json_of(&server, &["reset", "--all"]).await.json()["reset"], 1);
    assert_eq!(there().await, "6");
    assert_eq!(json_of(&server, &["reset", "--domain", "mesh", "log=list"]).await.json()["reset"], 1);
    assert_eq!(there().await, "5");
}

#[tokio::test]
async fn of_a_bucket_whose_rule_has_gone_nobody_knows_when_it_is_empty() {
    let server = Ratekeeper::with_rules(RULES).await;
    count(&server, "bucket=v", 5).await;
    server.write_rules("rules-0.yaml", &RULES.replace("key: bucket,", "key: pail,"));
    wait::until("the reload", || async { json_of(&server, &["list"]).await.column("rule") == ["null"] })
        .await;
    let [one] = json_of(&server, &["list"]).await.counters().try_into().unwrap();
    assert_eq!((&one["count"], &one["limit"], &one["capacity"]), (&json!(5), &Value::Null, &Value::Null));
    assert_eq!((&one["remaining"], &one["reset_seconds"]), (&Value::Null, &Value::Null), "{one}");
    let table = of(&server, &["list"]).await.succeeded().out;
    let cells: Vec<&str> = table.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(cells[2..8], ["token_bucket", "-/year", "5", "-", "-", "-"], "{table}");
}

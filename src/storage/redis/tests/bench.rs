//! Figures: what a decision costs here and in Redis, and how many script calls it takes.
//!
//! `cargo test --release --lib storage::redis::tests::bench -- --ignored --nocapture`

use std::fs;

use redis::aio::MultiplexedConnection;
use redis::{Client, Cmd, Value};
use tokio::task::JoinSet;

use super::server::Console;
use super::{NOW, Server, hit, key, one, open, order, readings, soon, take};
use crate::decision::algorithm::Algorithm;
use crate::decision::hit::Hit;
use crate::decision::key::CounterKey;
use crate::decision::limit::Limit;
use crate::decision::period::Period;
use crate::decision::request::{Entry, Hits};
use crate::storage::redis::link::Link;
use crate::storage::redis::order::{Mode, Order};
use crate::storage::redis::script::{KnownScripts, Script};

const CALLERS: u64 = 64;
const TURNS: u64 = 4_000;
const KEYS: u64 = 100_000;

/// CPU time of this thread, in seconds.
fn cpu_here() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

fn cpu_there(console: &mut Console) -> f64 {
    console.info("cpu", "used_cpu_user_main_thread", "") + console.info("cpu", "used_cpu_sys_main_thread", "")
}

fn calls(console: &mut Console) -> f64 {
    console.info("commandstats", "cmdstat_evalsha", "calls")
        + console.info("commandstats", "cmdstat_eval", "calls")
}

/// Some number that looks random.
fn mixed(caller: u64, turn: u64) -> u64 {
    (caller * TURNS + turn).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20
}

fn an_order(name: u64) -> Order {
    one(hit(&name.to_string(), 1_000_000, Period::HOUR, Hits::Take(1)))
}

fn four(name: u64) -> Order {
    let hits = (0..4).map(|part| hit(&format!("{part}-{name}"), 1_000_000, Period::HOUR, Hits::Take(1)));
    order(hits.collect(), Mode::Count)
}

/// Runs the callers and prints what they cost.
async fn measure<F: Future<Output = ()> + Send + 'static>(
    server: &Server,
    what: &str,
    caller: impl Fn(u64) -> F,
) {
    let mut console = server.console();
    let (here, there, before) = (cpu_here(), cpu_there(&mut console), calls(&mut console));
    let begun = tokio::time::Instant::now();
    (0..CALLERS).map(caller).collect::<JoinSet<_>>().join_all().await;
    let elapsed = begun.elapsed().as_secs_f64();
    let decisions = (CALLERS * TURNS) as f64;
    let per_million = |figure: f64| figure / decisions * 1e6;
    println!(
        "{what:<28} client CPU {:5.2} s  Redis CPU {:5.2} s  script calls {:9.0}  (per million; {:.0}/s)",
        per_million(cpu_here() - here),
        per_million(cpu_there(&mut console) - there),
        per_million(calls(&mut console) - before),
        decisions / elapsed,
    );
}

async fn through_link(
    server: &Server,
    link: &Link,
    what: &str,
    order: impl Fn(u64, u64) -> Order + Copy + Send + 'static,
) {
    measure(server, what, |caller| {
        let link = link.clone();
        async move {
            for turn in 0..TURNS {
                readings(link.count(order(caller, turn), soon()).await);
            }
        }
    })
    .await;
}

/// One EVALSHA for each decision, on one multiplexed connection.
async fn plainly(server: &Server, what: &str, name: impl Fn(u64, u64) -> u64 + Copy + Send + 'static) {
    let connection = Client::open(server.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
    ask(&mut connection.clone(), KnownScripts::default(), 0).await;
    measure(server, what, |caller| {
        let mut connection = connection.clone();
        async move {
            for turn in 0..TURNS {
                let mut known = KnownScripts::default();
                Script::Count.call(&mut known, 1);
                ask(&mut connection, known, name(caller, turn)).await;
            }
        }
    })
    .await;
}

async fn ask(connection: &mut MultiplexedConnection, mut known: KnownScripts, name: u64) {
    let mut command: Cmd = Script::Count.call(&mut known, 1);
    let key = [b"rk:", key(&name.to_string(), Period::HOUR).as_bytes()].concat();
    command.arg(key).arg(NOW.millis()).arg(3_600).arg(1);
    assert!(matches!(connection.send_packed_command(&command).await, Ok(Value::Array(_))));
}

/// What each algorithm costs Redis: each call a key of its own, then one key for all.
#[test]
#[ignore = "prints figures; takes half a minute"]
fn algorithms() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let server = Server::start();
        let link = open(&server);
        let of = |algorithm: Algorithm, name: u64| {
            let limit = Limit::new(1_000_000, Period::DAY).held_by(algorithm);
            let name = name.to_string();
            let entries = [Entry { key: b"k", value: name.as_bytes() }];
            one(Hit { key: CounterKey::of_limit(limit, "d", entries.into_iter()), limit, ..take("", 1) })
        };
        for _ in 0..3 {
            for algorithm in Algorithm::ALL.into_iter().filter(|&one| one != Algorithm::LeakyBucket) {
                let name = algorithm.name();
                through_link(&server, &link, &format!("{name}, uniform"), move |caller, turn| {
                    of(algorithm, mixed(caller, turn) % 10_000)
                })
                .await;
                through_link(&server, &link, &format!("{name}, one key"), move |_, _| of(algorithm, 0)).await;
            }
        }
    });
}

#[test]
#[ignore = "prints figures; takes half a minute, and a release build"]
fn figures() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let server = Server::start();
        let link = open(&server);
        let uniform = |caller, turn| mixed(caller, turn) % KEYS;
        for _ in 0..3 {
            plainly(&server, "plain EVALSHA, uniform", uniform).await;
            plainly(&server, "plain EVALSHA, one key", |_, _| 0).await;
            through_link(&server, &link, "link, uniform", move |caller, turn| {
                an_order(uniform(caller, turn))
            })
            .await;
            through_link(&server, &link, "link, one key", |_, _| an_order(0)).await;
            through_link(&server, &link, "link, 4 keys each", move |caller, turn| {
                four(uniform(caller, turn))
            })
            .await;
            let ignore = Mode::CountUnlessDenied { quota_left: false };
            through_link(&server, &link, "link, uniform, ignoring", move |caller, turn| Order {
                mode: ignore,
                ..an_order(uniform(caller, turn))
            })
            .await;
            through_link(&server, &link, "link, one key, ignoring", move |_, _| Order {
                mode: ignore,
                ..an_order(0)
            })
            .await;
        }
    });
}

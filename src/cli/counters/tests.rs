//! What is printed, and which arguments are taken.

use clap::Parser;
use serde_json::{Value, json};

use super::listing::Listing;
use super::table::{Table, in_words, reset_in_words};
use super::*;
use crate::cli::Arguments;
use crate::server::http::admin::counters::page::CounterPage;

fn line(entries: &str, count: u64, limit: Option<u32>) -> CounterLine {
    held_by("fixed_window", entries, count, limit, limit, Some(7))
}

fn held_by(
    algorithm: &str,
    entries: &str,
    count: u64,
    limit: Option<u32>,
    capacity: Option<u32>,
    reset_seconds: Option<u64>,
) -> CounterLine {
    let next = reset_seconds.filter(|_| capacity.is_some_and(|capacity| u64::from(capacity) <= count));
    let rule = json!({"path": "user", "name": "each", "location": "a.yaml:3:5", "shadow_mode": false});
    serde_json::from_value(json!({
        "key": format!("1|f60|demo|{entries}"), "domain": "demo", "entries": entries, "unit": "minute",
        "algorithm": algorithm, "count": count, "limit": limit, "capacity": capacity,
        "remaining": capacity.map(|capacity| u64::from(capacity).saturating_sub(count)),
        "reset_seconds": reset_seconds, "next_seconds": next, "shard": null, "rule": limit.map(|_| rule),
    }))
    .unwrap()
}

fn page(counters: &[CounterLine], cursor: Option<&str>) -> CounterPage {
    let cursor = cursor.map(str::to_owned);
    CounterPage { counters: counters.to_vec(), foreign: Vec::new(), not_read: Vec::new(), cursor }
}

#[test]
fn columns_are_aligned_from_page_to_page() {
    let mut table = Table::new(false);
    let first = table.lines(&[line("user=ada", 3, Some(3)), line("user=a-long-name", 12, None)]);
    assert_eq!(
        first,
        "\
DOMAIN  ENTRIES           ALGORITHM        LIMIT  COUNT  CAPACITY  REMAINING  NEXT  RESET  WHERE  RULE  NAME  FROM
demo    user=ada          fixed_window  3/minute      3         3          0    7s     7s  local  user  each  a.yaml:3:5
demo    user=a-long-name  fixed_window  -/minute     12         -          -     -     7s  local  -     -     -
"
    );
    let second = table.lines(&[line("user=x", 1, Some(3))]);
    assert_eq!(
        second,
        "demo    user=x            fixed_window  3/minute      1         3          2     -     7s  local  user  each  a.yaml:3:5\n"
    );
    assert!(Table::new(true).lines(&[line("user=ada", 3, Some(3))]).contains("\x1b[31mdemo "));
    assert_eq!(Table::new(true).lines(&[]), "");
}

#[test]
fn json_of_several_pages_is_one_document() {
    let mut out = Vec::new();
    let mut listing = Listing::begin(true, false, &mut out).unwrap();
    listing.add(page(&[line("user=a", 1, Some(3)), line("user=b", 1, None)], Some("7@x"))).unwrap();
    listing.add(page(&[line("user=c", 1, None)], None)).unwrap();
    assert_eq!(listing.counters(), 3);
    listing.end(None).unwrap();
    let all: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!((all["counters"].as_array().unwrap().len(), &all["cursor"]), (3, &Value::Null));
    assert_eq!(
        (&all["counters"][2]["entries"], &all["counters"][2]["limit"]),
        (&json!("user=c"), &Value::Null)
    );
    let mut out = Vec::new();
    Listing::begin(true, false, &mut out).unwrap().end(None).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&out).unwrap()["counters"], json!([]));
}

#[test]
fn one_counter_is_told_in_words() {
    let words = in_words(&line("user=ada", 3, Some(5)));
    assert!(words.contains("count     3 of 5 per minute, 2 remaining\nreset     in 7 s\n"), "{words}");
    assert!(words.contains("rule      user (a.yaml:3:5), named each\n"), "{words}");
    let mut indebted = held_by("token_bucket", "user=ada", 30, Some(5), Some(20), Some(360));
    indebted.next_seconds = Some(132);
    let told = "0 remaining; drains at 5 per minute\nnext      in 132 s\nreset     in 360 s\n";
    assert!(in_words(&indebted).contains(told), "{}", in_words(&indebted));
    let words = in_words(&held_by("token_bucket", "user=ada", 3, Some(5), Some(20), Some(36)));
    let told = "algorithm token_bucket\ncount     3 of 20, 17 remaining; drains at 5 per minute\nreset     in 36 s\n";
    assert!(words.contains(told), "{words}");
    let words = in_words(&held_by("token_bucket", "user=ada", 3, None, None, None));
    assert!(words.contains("3 when it was used last, of an unknown limit per minute\n"), "{words}");
    assert!(words.contains("reset     unknown: "), "{words}");
    let done = |reset, seconds| ResetPage {
        reset,
        foreign: Vec::new(),
        not_read: Vec::new(),
        cursor: None,
        others_may_deny_for_seconds: seconds,
    };
    assert_eq!(reset_in_words(&done(1, 0.0)), "1 counter was reset\n");
    assert!(reset_in_words(&done(2, 1.0)).contains("for up to 1 s more"));
}

#[track_caller]
fn check(words: &str, expected: bool) {
    let words = ["ratekeeper", "counters"].into_iter().chain(words.split(' '));
    let parsed = Arguments::try_parse_from(words);
    assert_eq!(parsed.is_ok(), expected, "{parsed:?}");
}

#[test]
fn arguments_name_one_counter_or_all_of_some() {
    check("list", true);
    check("list --domain d --rule r --prefix p --limit 0 --json", true);
    check("get --domain d user=a path=/x", true);
    check("get --domain d --unit hour user=a", true);
    check("get --domain d --unit h user=a", true);
    check("get --domain d --unit 1w user=a", true);
    check("get --domain d --unit fortnight user=a", false);
    check("get --domain d --unit hour --algorithm sliding_log user=a", true);
    check("get --domain d --unit hour --algorithm bucket user=a", false);
    check("get --domain d --algorithm sliding_log user=a", true);
    check("get --key k --algorithm sliding_log", false);
    check("list --algorithm leaky_bucket", true);
    check("reset --all --algorithm leaky_bucket", true);
    check("get --key 1|f60|d|a=b", true);
    check("get user=a", false);
    check("get --domain d", false);
    check("get --key k user=a", false);
    check("get --key k --domain d", false);
    check("reset", false);
    check("reset --domain d user=a", true);
    check("reset --domain d", false);
    check("reset --rule r", false);
    check("reset --all", true);
    check("reset --all --domain d --rule r --prefix p", true);
    check("reset --all --domain d user=a", false);
    check("reset --all --key k", false);
    check("reset --domain d --prefix p user=a", false);
}

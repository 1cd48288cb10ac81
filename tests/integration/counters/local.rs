//! The embedded store, by table and by JSON, and how the command ends.

use super::algorithms::shows_every_algorithm;
use super::{RULES, count, json_of, of, passes, run};
use crate::harness::{Ratekeeper, ports};

#[tokio::test]
async fn counters_are_listed_shown_and_reset() {
    let server = Ratekeeper::with_rules(RULES).await;
    count(&server, "k=ada", 3).await;
    count(&server, "k=bob", 1).await;
    count(&server, "path=/api/users", 7).await;
    count(&server, "host=www.example.com", 2).await;
    assert!(!passes(&server, "k=ada").await);

    let table = of(&server, &["list"]).await.succeeded();
    let head = table.out.lines().next().unwrap();
    assert!(head.starts_with("DOMAIN  ENTRIES") && head.ends_with("FROM"), "{}", table.out);
    let ada = table.out.lines().find(|line| line.contains("k=ada")).unwrap();
    let cells: Vec<&str> = ada.split_whitespace().collect();
    assert_eq!(cells[..7], ["mesh", "k=ada", "fixed_window", "3/year", "4", "3", "0"], "{ada}");
    assert_eq!((cells[9], cells[10], cells[11]), ("local", "k", "-"), "{ada}");
    assert!(cells[12].ends_with("rules-0.yaml:4:5"), "{ada}");
    assert!(!table.out.contains('\x1b') && table.err.contains("4 counters\n"), "{}", table.err);

    let shown = of(&server, &["get", "--domain", "mesh", "host=api.example.com"]).await.succeeded();
    assert!(shown.out.contains("entries   host=*.example.com\n"), "{}", shown.out);
    assert!(shown.out.contains("count     2 of 4 per year, 2 remaining\n"), "{}", shown.out);

    let reset = of(&server, &["reset", "--domain", "mesh", "k=ada"]).await.succeeded();
    assert_eq!(reset.out, "1 counter was reset\n");
    assert!(passes(&server, "k=ada").await);
    let ada = json_of(&server, &["get", "--key", "1|f31536000|mesh|k=ada"]).await.json();
    assert_eq!((&ada["count"], &ada["remaining"], &ada["rule"]["path"]), (&1.into(), &2.into(), &"k".into()));
    assert!(ada["reset_seconds"].as_u64().unwrap() <= 31_536_000, "{ada}");
}

#[tokio::test]
async fn filters_are_by_domain_rule_and_prefix_and_a_reset_takes_the_same() {
    let other = "domain: other\ndescriptors:\n  - {key: k, rate_limit: {unit: hour, requests_per_unit: 3}}\n";
    let server = Ratekeeper::setup().rules(RULES).rules(other).start().await;
    for value in ["ada", "alan", "bob"] {
        count(&server, &format!("k={value}"), 1).await;
    }
    count(&server, "path=/api/x", 1).await;
    count(&server, "path=/other", 1).await;
    let ask = crate::harness::ask("k=ada").domain("other");
    server.ask(&ask).await.unwrap();
    let list = async |words: &[&str]| json_of(&server, &[&["list"], words].concat()).await.column("entries");
    assert_eq!(list(&["--rule", "k", "--domain", "mesh"]).await, ["k=ada", "k=alan", "k=bob"]);
    assert_eq!(list(&["--rule", "path=/api/*"]).await, ["path=/api/x"]);
    assert_eq!(list(&["--rule", "path"]).await, ["path=/other"]);
    assert_eq!(list(&["--prefix", "k=a"]).await, ["k=ada", "k=ada", "k=alan"]);
    assert_eq!(list(&["--domain", "other"]).await, ["k=ada"]);
    assert_eq!(list(&["--prefix", "1|f3600|"]).await, ["k=ada"]);
    let reset = json_of(&server, &["reset", "--all", "--domain", "mesh", "--prefix", "k=a"]).await.json();
    assert_eq!((&reset["reset"], &reset["others_may_deny_for_seconds"]), (&2.into(), &0.0.into()));
    assert_eq!(list(&[]).await, ["k=ada", "k=bob", "path=/api/x", "path=/other"]);
    assert_eq!(of(&server, &["reset", "--all"]).await.succeeded().out, "4 counters were reset\n");
    assert_eq!(of(&server, &["reset", "--all"]).await.succeeded().out, "no counter was there to reset\n");
    assert_eq!(list(&[]).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_rule_with_several_limits_has_as_many_counters() {
    let server = Ratekeeper::with_rules(RULES).await;
    count(&server, "several=v", 2).await;
    let table = of(&server, &["list", "--rule", "several"]).await.succeeded().out;
    let line = |limit: &str| table.lines().find(|line| line.contains(limit)).unwrap().to_owned();
    let cells = |line: String| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let told = |limit, left| ["several=v", "fixed_window", limit, "2", &limit[..1], left].map(str::to_owned);
    assert_eq!(cells(line("5/year"))[1..7], told("5/year", "3"), "{table}");
    assert_eq!(cells(line("7/3000d"))[1..7], told("7/3000d", "5"), "{table}");

    let which = of(&server, &["get", "--domain", "mesh", "several=v"]).await;
    let told = "has several limits, each with a counter of its own; name the unit of one: year, 3000d";
    assert!(which.status == Some(1) && which.err.contains(told), "{}", which.err);
    let long = of(&server, &["get", "--domain", "mesh", "--unit", "3000d", "several=v"]).await.succeeded();
    assert!(long.out.contains("count     2 of 7 per 3000d, 5 remaining\n"), "{}", long.out);

    let words = ["reset", "--domain", "mesh", "--unit", "3000d", "several=v"];
    assert_eq!(of(&server, &words).await.succeeded().out, "1 counter was reset\n");
    count(&server, "several=v", 1).await;
    let all = of(&server, &["reset", "--domain", "mesh", "several=v"]).await.succeeded();
    assert_eq!(all.out, "2 counters were reset\n");
}

#[tokio::test]
async fn a_limit_is_shown_by_its_name_and_asked_for_by_its_algorithm_or_unit() {
    let server = Ratekeeper::with_rules(RULES).await;
    count(&server, "both=v", 6).await;
    let table = of(&server, &["list", "--rule", "both"]).await.succeeded().out;
    let mut named: Vec<(&str, &str)> = table
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .map(|cells| (cells[2], cells[11]))
        .collect();
    named.sort_unstable();
    assert_eq!(named, [("fixed_window", "sum"), ("token_bucket", "burst")], "{table}");

    let get = ["get", "--domain", "mesh", "--algorithm", "token_bucket", "both=v"];
    let bucket = of(&server, &get).await.succeeded().out;
    assert!(bucket.contains("count     6 of 6 per year, 0 remaining\nnext      in "), "{bucket}");
    assert!(bucket.contains(", named burst\n"), "{bucket}");
    let bucket = json_of(&server, &get).await.json();
    let (next, reset) = (bucket["next_seconds"].as_u64().unwrap(), bucket["reset_seconds"].as_u64().unwrap());
    let sixth = 31_536_000 / 6;
    assert!((sixth - 60..=sixth).contains(&next) && reset > 5 * sixth, "{bucket}");

    let ask = ["get", "--domain", "mesh", "--unit", "365d", "--algorithm", "fixed_window", "both=v"];
    assert!(of(&server, &ask).await.succeeded().out.contains("6 of 9 per year"));
    let none = of(&server, &["get", "--domain", "mesh", "--algorithm", "sliding_log", "both=v"]).await;
    assert!(
        none.status == Some(1) && none.err.contains("has no limit that is held by sliding_log"),
        "{}",
        none.err
    );
    let reset = ["reset", "--domain", "mesh", "--algorithm", "token_bucket", "both=v"];
    assert_eq!(of(&server, &reset).await.succeeded().out, "1 counter was reset\n");
}

#[tokio::test]
async fn a_counter_whose_rule_has_gone_is_shown_without_a_limit() {
    let server = Ratekeeper::with_rules(RULES).await;
    count(&server, "k=ada", 1).await;
    server.write_rules("rules-0.yaml", &RULES.replace("key: k,", "key: key,"));
    crate::harness::wait::until("the reload", || async {
        json_of(&server, &["list"]).await.column("rule") == ["null"]
    })
    .await;
    let listed = of(&server, &["list"]).await.succeeded().out;
    assert!(listed.lines().nth(1).unwrap().contains("-/year      1         -          -"), "{listed}");
    let gone = of(&server, &["get", "--domain", "mesh", "k=ada"]).await;
    assert!(
        gone.status == Some(1) && gone.err.contains("no rule of the domain `mesh` matches k=ada"),
        "{}",
        gone.err
    );
    let words = ["get", "--domain", "mesh", "--unit", "year", "k=ada"];
    assert!(of(&server, &words).await.succeeded().out.contains("1 in this year, of an unknown limit"));
}

#[tokio::test]
async fn what_cannot_be_done_is_told_with_the_remedy_and_a_status() {
    let server = Ratekeeper::with_rules(RULES).await;
    let cases: [(&[&str], i32, &str); 8] = [
        (&["list", "--rule", "kk"], 1, "no rule with a limit has the path `kk`"),
        (&["get", "--domain", "mash", "k=v"], 1, "no rules of the domain `mash`"),
        (&["get", "--domain", "mesh", "free=v"], 1, "has no limit"),
        (&["get", "--domain", "mesh", "k"], 1, "`k` is no entry"),
        (&["get", "--key", "rk:1|f60|mesh|k=v"], 1, "without the store's prefix"),
        (&["list", "--cursor", "x"], 1, "no cursor"),
        (&["reset"], 2, "required"),
        (&["reset", "--domain", "mesh"], 2, "required"),
    ];
    for (words, status, part) in cases {
        let said = of(&server, words).await;
        assert_eq!(said.status, Some(status), "{words:?}: {}", said.err);
        assert!(said.err.contains(part) && said.out.is_empty(), "{words:?}: {}", said.err);
    }
    let nobody = ports::free().to_string();
    let said = run(&["list", "--admin", &nobody]).await;
    assert!(
        said.status == Some(1) && said.err.contains(&nobody) && said.err.contains("--admin"),
        "{}",
        said.err
    );
    let grpc = server.listen.grpc.to_string();
    assert_eq!(run(&["list", "--admin", &grpc]).await.status, Some(1));
    let metrics = server.listen.metrics.to_string();
    assert_eq!(run(&["list", "--admin", &metrics]).await.status, Some(1));
}

#[tokio::test]
async fn every_algorithm_is_shown_in_one_form() {
    let server = Ratekeeper::with_rules(RULES).await;
    shows_every_algorithm(&server).await;
}

#[tokio::test]
async fn the_admin_port_may_be_a_socket() {
    let folder = tempfile::tempdir().unwrap();
    let address = format!("unix:{}", folder.path().join("admin.sock").display());
    let server =
        Ratekeeper::setup().rules(RULES).variable("RATEKEEPER_LISTEN__ADMIN", &address).start().await;
    count(&server, "k=ada", 1).await;
    assert_eq!(run(&["list", "--json", "--admin", &address]).await.succeeded().column("entries"), ["k=ada"]);
}

#[tokio::test]
async fn every_command_has_help_with_examples() {
    for command in ["list", "get", "reset"] {
        let help = run(&[command, "--help"]).await.succeeded().out;
        assert!(help.contains(&format!("Examples:\n  ratekeeper counters {command}")), "{help}");
        assert!(help.contains("--admin") && help.contains("--json"), "{help}");
    }
}

//! Rule files that change while the server runs, and that were bad from the start.

use rustix::process::Signal;

use crate::harness::metrics::Metrics;
use crate::harness::{Ratekeeper, ask, http, tell, wait};

fn rules(requests: u32) -> String {
    format!(
        "domain: mesh\ndescriptors:\n  - {{key: k, rate_limit: {{unit: year, requests_per_unit: {requests}}}}}\n"
    )
}

/// A misspelt field on line 3.
const BAD: &str = "domain: mesh\ndescriptors:\n  - {key: k, rate_limit: {unit: year, request_per_unit: 1}}\n";

/// Waits until a look at a fresh counter finds this limit.
async fn in_force(server: &Ratekeeper, limit: u32) {
    let expected = format!("OK [ok {limit}/{limit} year]");
    let look = ask("k=fresh").own_hits(0);
    wait::until(&expected, || async { tell(&server.ask(&look).await) == expected }).await;
}

async fn reloads(server: &Ratekeeper, result: &str) -> f64 {
    let label = format!("result=\"{result}\"");
    Metrics::read(server.listen.metrics).await.sum("ratekeeper_reloads_total", &[&label])
}

#[tokio::test]
async fn files_that_are_changed_added_and_removed_are_noticed() {
    let server = Ratekeeper::with_rules(&rules(1)).await;
    in_force(&server, 1).await;
    server.write_rules("rules-0.yaml", &rules(2));
    in_force(&server, 2).await;
    std::fs::write(server.rules().join("rules-0.yaml"), rules(3)).unwrap();
    in_force(&server, 3).await;
    let other = ask("k=v").domain("other").own_hits(0);
    assert_eq!(tell(&server.ask(&other).await), "OK [ok]");
    server.write_rules("more.yaml", &rules(7).replace("mesh", "other"));
    wait::until("the added file", || async { tell(&server.ask(&other).await) == "OK [ok 7/7 year]" }).await;
    std::fs::remove_file(server.rules().join("more.yaml")).unwrap();
    wait::until("its removal", || async { tell(&server.ask(&other).await) == "OK [ok]" }).await;
    in_force(&server, 3).await;
}

#[tokio::test]
async fn a_config_map_swap_is_one_reload() {
    let server = Ratekeeper::setup().start_unready().await;
    let folder = server.rules();
    let publish = |version: &str, text: &str| {
        std::fs::create_dir(folder.join(version)).unwrap();
        std::fs::write(folder.join(version).join("rules.yaml"), text).unwrap();
        std::os::unix::fs::symlink(version, folder.join("..data_tmp")).unwrap();
        std::fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
    };
    publish("..2026_01", &rules(1));
    std::os::unix::fs::symlink("..data/rules.yaml", folder.join("rules.yaml")).unwrap();
    in_force(&server, 1).await;
    let before = reloads(&server, "success").await;
    publish("..2026_02", &rules(2));
    std::fs::remove_dir_all(folder.join("..2026_01")).unwrap();
    in_force(&server, 2).await;
    assert_eq!(reloads(&server, "success").await, before + 1.0);
}

#[tokio::test]
async fn a_bad_file_keeps_the_old_rules_and_is_loudly_known() {
    let server = Ratekeeper::with_rules(&rules(5)).await;
    server.write_rules("rules-0.yaml", BAD);
    wait::until("the failure to be counted", || async { reloads(&server, "failure").await >= 1.0 }).await;
    server.logged("request_per_unit").await;
    server.logged("requests_per_unit").await;
    let log = server.log();
    assert!(log.contains("rules-0.yaml:3"), "file and line are in the log:\n{log}");
    in_force(&server, 5).await;
    let ready = http::get(server.listen.http, "/readyz").await.unwrap();
    assert_eq!(ready.status, 200, "old rules are better than none");
    assert!(ready.text().contains("rules-0.yaml"), "{}", ready.text());
    let admin = http::get(server.listen.admin, "/").await.unwrap().text();
    assert!(admin.contains("degraded") && admin.contains("rules-0.yaml"), "{admin}");
    server.write_rules("rules-0.yaml", &rules(6));
    in_force(&server, 6).await;
    assert_eq!(http::get(server.listen.http, "/readyz").await.unwrap().text().trim(), "ok");
}

#[tokio::test]
async fn one_bad_file_keeps_all_of_the_old_rules() {
    let server = Ratekeeper::setup().rules(&rules(1)).rules(&rules(1).replace("mesh", "other")).start().await;
    server.write_rules("rules-0.yaml", &rules(2));
    in_force(&server, 2).await;
    server.write_rules("rules-1.yaml", BAD);
    wait::until("the failure to be counted", || async { reloads(&server, "failure").await >= 1.0 }).await;
    server.write_rules("rules-0.yaml", &rules(3));
    wait::until("a second failure", || async { reloads(&server, "failure").await >= 2.0 }).await;
    in_force(&server, 2).await;
    server.write_rules("rules-1.yaml", &rules(1).replace("mesh", "other"));
    in_force(&server, 3).await;
}

#[tokio::test]
async fn files_that_are_no_rule_files_are_left_alone() {
    let setup = Ratekeeper::setup().rules(&rules(1)).rule_file("README.md", "# Rules");
    let server = setup.rule_file("rules.yaml~", BAD).rule_file(".hidden.yaml", BAD).start().await;
    in_force(&server, 1).await;
    server.write_rules("4913", BAD);
    server.write_rules("rules-0.yaml", &rules(2));
    in_force(&server, 2).await;
    assert_eq!(reloads(&server, "failure").await, 0.0);
}

#[tokio::test]
async fn bad_rules_at_start_leave_it_up_but_not_ready_until_they_are_good() {
    for start in [Some(BAD), None] {
        let setup = Ratekeeper::setup();
        let setup = match start {
            Some(text) => setup.rule_file("rules.yaml", text),
            None => setup,
        };
        let mut server = setup.start_unready().await;
        let refusal = server.ask(&ask("k=v")).await.unwrap_err();
        assert_eq!(refusal.code(), tonic::Code::Unavailable, "{}", refusal.message());
        assert_eq!(http::get(server.listen.http, "/readyz").await.unwrap().status, 503);
        server.write_rules("rules.yaml", &rules(4));
        server.ready().await;
        in_force(&server, 4).await;
    }
}

#[tokio::test]
async fn dropping_every_rule_needs_leave() {
    let server = Ratekeeper::with_rules(&rules(1)).await;
    std::fs::remove_file(server.rules().join("rules-0.yaml")).unwrap();
    wait::until("the failure to be counted", || async { reloads(&server, "failure").await >= 1.0 }).await;
    in_force(&server, 1).await;
    let setup = Ratekeeper::setup().rules(&rules(1)).settings("rules: {allow_empty: true}");
    let server = setup.start().await;
    std::fs::remove_file(server.rules().join("rules-0.yaml")).unwrap();
    let look = ask("k=v").own_hits(0);
    wait::until("no rules", || async { tell(&server.ask(&look).await) == "OK [ok]" }).await;
}

#[tokio::test]
async fn sighup_reloads() {
    let server = Ratekeeper::with_rules(&rules(1)).await;
    let before = reloads(&server, "success").await;
    server.signal(Signal::HUP);
    wait::until("another reload", || async { reloads(&server, "success").await > before }).await;
    in_force(&server, 1).await;
}

#[tokio::test]
async fn domains_are_merged_where_that_is_set_and_refused_where_not() {
    let other = rules(2).replace("key: k", "key: other");
    let setup = Ratekeeper::setup().rules(&rules(1)).rules(&other);
    let server = setup.settings("rules: {merge_domains: true}").start().await;
    assert_eq!(tell(&server.ask(&ask("k=1").also("other=1")).await), "OK [ok 0/1 year, ok 1/2 year]");
    let server = Ratekeeper::setup().rules(&rules(1)).rules(&other).start_unready().await;
    server.logged("rules-1.yaml").await;
    assert_eq!(http::get(server.listen.http, "/readyz").await.unwrap().status, 503);
}

#[tokio::test]
async fn warnings_are_logged_and_the_rules_come_into_force() {
    let server = Ratekeeper::with_rules(&rules(1)).await;
    assert!(!server.log().contains("warning: "), "{}", server.log());
    let replaces = "  - {key: r, rate_limit: {unlimited: true, replaces: [{name: nobody}]}}\n";
    server.write_rules("rules-0.yaml", &(rules(2) + replaces));
    in_force(&server, 2).await;
    server.logged("warning: `replaces` names `nobody`").await;
    assert!(server.log().contains("rules-0.yaml:4"), "{}", server.log());
    assert_eq!(reloads(&server, "failure").await, 0.0);
    assert_eq!(http::get(server.listen.http, "/readyz").await.unwrap().text().trim(), "ok");
}

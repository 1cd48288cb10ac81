//! What is asked, what is said of answers, and which arguments are taken.

use ::http::StatusCode;
use clap::Parser;

use super::question::local;
use super::verdict::one_line;
use super::*;
use crate::cli::Arguments;
use crate::config::settings::Address;

#[test]
fn listeners_on_every_address_are_asked_on_loopback() {
    let check = |host: &str, port, expected: Option<&str>| {
        let asked = local(&Address::tcp(host, port)).map(|address| address.to_string());
        assert_eq!(asked.as_deref(), expected, "{host}");
    };
    check("0.0.0.0", 8080, Some("127.0.0.1:8080"));
    check("::", 8080, Some("[::1]:8080"));
    check("0:0::0", 8080, Some("[::1]:8080"));
    check("::ffff:0.0.0.0", 8080, Some("127.0.0.1:8080"));
    check("::ffff:10.0.0.7", 80, Some("[::ffff:10.0.0.7]:80"));
    check("::1", 80, Some("[::1]:80"));
    check("10.0.0.7", 80, Some("10.0.0.7:80"));
    check("ratekeeper.mesh", 80, Some("ratekeeper.mesh:80"));
    check("0.0.0.0", 0, None);
    let socket = Address::Unix("/run/rk.sock".into());
    assert_eq!(local(&socket), Some(PeerAddress::Unix("/run/rk.sock".into())));
}

#[test]
fn what_a_server_says_becomes_one_line() {
    let check = |said: &str, line: &str| assert_eq!(one_line(said.as_bytes()), line);
    check("ok\n", "ok");
    check("", "");
    check(
        "no rules are loaded\n\nerror: a fault\n --> a.yaml:1:1\n",
        "no rules are loaded: error: a fault --> a.yaml:1:1",
    );
    check("one\ntwo\nthree\nfour\n", "one: two: three …");
    check("a\x1b[31m\tb", "a [31m b");
    let long = one_line("x".repeat(1000).as_bytes());
    assert_eq!((long.len(), long.ends_with("x …")), (300 + " …".len(), true), "{long}");
    assert_eq!(one_line(b"\xff"), "\u{fffd}");
}

#[test]
fn only_200_is_healthy() {
    let address = PeerAddress::Tcp("h:1".into());
    let question = Question { address, how: How::Http { path: "/readyz" }, setting: "listen.http" };
    let judge = |code| http::judge(&question, StatusCode::from_u16(code).unwrap(), "word");
    assert_eq!(judge(200), Verdict::Healthy("http://h:1/readyz answers 200: word".into()));
    for code in [204, 301, 404, 500, 503] {
        let Verdict::NotHealthy { what, .. } = judge(code) else { panic!("{code} is healthy") };
        assert_eq!(what, format!("http://h:1/readyz answers {code}: word"));
    }
}

#[track_caller]
fn check(words: &str, expected: bool) {
    let words = ["ratekeeper", "health"].into_iter().chain(words.split_whitespace());
    let parsed = Arguments::try_parse_from(words);
    assert_eq!(parsed.is_ok(), expected, "{parsed:?}");
}

#[test]
fn arguments_that_do_not_go_together_are_refused() {
    check("", true);
    check("--http --live --timeout 500ms --address 127.0.0.1:1", true);
    check("--grpc --service ratelimit --address unix:/a", true);
    check("--grpc --tls --ca a --certificate b --key c --server-name d", true);
    check("--grpc --http", false);
    check("--grpc --live", false);
    check("--service ratelimit", false);
    check("--tls", false);
    check("--grpc --ca a", false);
    check("--grpc --tls --certificate b", false);
    check("--grpc --tls --key b", false);
    check("--grpc --server-name b", false);
    check("--timeout 0s", false);
    check("--timeout 5", false);
    check("--address nowhere", false);
    check("extra", false);
}

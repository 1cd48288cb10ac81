//! Variables over the file, flags over variables.

use super::super::{Address, Given, Override};
use super::{accept, check};

fn flag(flag: &str, path: &str, value: Given) -> Override {
    Override { flag: flag.into(), path: path.into(), value }
}

#[test]
fn variables_win_over_the_file_and_flags_over_both() {
    let yaml = "listen: {grpc: 'a:1', http: 'a:2', admin: 'a:3'}\nthreads: 1\n";
    let environment = [("RATEKEEPER_LISTEN__HTTP", "b:2"), ("RATEKEEPER_LISTEN__ADMIN", "b:3")];
    let settings = accept(yaml, &environment, &[flag("--admin", "listen.admin", Given::One("c:3".into()))]);
    assert_eq!(settings.listen.grpc, Address::tcp("a", 1));
    assert_eq!(settings.listen.http, Address::tcp("b", 2));
    assert_eq!(settings.listen.admin, Address::tcp("c", 3));
    assert_eq!(settings.threads, 1);
}

#[test]
fn variables_of_any_kind() {
    let settings = accept(
        "",
        &[
            ("RATEKEEPER_SHADOW_MODE", "true"),
            ("RATEKEEPER_THREADS", " 4 "),
            ("RATEKEEPER_LISTEN__GRPC", "[::]:8081"),
            ("RATEKEEPER_LISTEN__ADMIN", "unix:/run/rk.sock"),
            ("RATEKEEPER_RESPONSE__HEADERS__LIMIT", "X-Limit"),
            ("RATEKEEPER_DRAIN", "{pause: 1s, deadline: 2s}"),
            ("RATEKEEPER_DRAIN__PAUSE", "3s"),
            ("RATEKEEPER_LOG__LEVEL", ""),
        ],
        &[],
    );
    assert!(settings.shadow_mode);
    assert_eq!(settings.threads, 4);
    assert_eq!(settings.listen.grpc, Address::tcp("::", 8081));
    assert_eq!(settings.listen.admin, Address::Unix("/run/rk.sock".into()));
    assert_eq!(settings.response.headers.limit, "X-Limit");
    assert_eq!((settings.drain.pause.as_secs(), settings.drain.deadline.as_secs()), (3, 2));
    assert_eq!(settings.log.level, "info");
}

#[test]
fn lists_in_variables_and_flags() {
    for (value, expected) in
        [("a", vec!["a"]), ("a, b/c", vec!["a", "b/c"]), ("[a, 'b,c']", vec!["a", "b,c"])]
    {
        let settings = accept("", &[("RATEKEEPER_RULES__PATHS", value)], &[]);
        assert_eq!(
            settings.rules.paths,
            expected.iter().map(Into::into).collect::<Vec<std::path::PathBuf>>()
        );
    }
    let many = Given::Many(vec!["a,b".into(), "c".into()]);
    let settings = accept("", &[], &[flag("--rules", "rules.paths", many)]);
    assert_eq!(settings.rules.paths, ["a,b", "c"].map(std::path::PathBuf::from));
}

#[test]
fn variables_that_are_no_settings() {
    let environment = [
        ("RATEKEEPER_CONFIG", "/etc/ratekeeper.yaml"),
        ("RATEKEEPER_TEST_REDIS", "x"),
        ("RATEKEEPER_SERVICE_HOST", "10.0.0.1"),
        ("RATEKEEPER_PORT_8081_TCP_ADDR", "10.0.0.1"),
        ("PATH", "/bin"),
        ("ratekeeper_threads", "x"),
    ];
    assert_eq!(accept("", &environment, &[]), super::Settings::default());
}

#[test]
fn unknown_variables() {
    check(
        "",
        &[
            ("RATEKEEPER_LISTEN__GRCP", "a:1"),
            ("RATEKEEPER_LISTEN_HTTP", "a:1"),
            ("RATEKEEPER_COLOUR", "red"),
            ("RATEKEEPER_THREADS__X", "1"),
        ],
        &[],
        "
error: no setting belongs to the variable `RATEKEEPER_COLOUR`
 --> environment variable RATEKEEPER_COLOUR
  = help: write the setting's path in capitals with `__` between its levels, such as RATEKEEPER_LISTEN__GRPC

error: no setting belongs to the variable `RATEKEEPER_LISTEN_HTTP`
 --> environment variable RATEKEEPER_LISTEN_HTTP
  = help: did you mean RATEKEEPER_LISTEN__HTTP?

error: no setting belongs to the variable `RATEKEEPER_LISTEN__GRCP`
 --> environment variable RATEKEEPER_LISTEN__GRCP
  = help: did you mean RATEKEEPER_LISTEN__GRPC?

error: no setting belongs to the variable `RATEKEEPER_THREADS__X`
 --> environment variable RATEKEEPER_THREADS__X
  = help: did you mean RATEKEEPER_THREADS?
",
    );
}

#[test]
fn faults_name_their_layer() {
    check(
        "threads: -1\n",
        &[("RATEKEEPER_THREADS", "many"), ("RATEKEEPER_DRAIN", "{pasue: 1s}"), ("RATEKEEPER_LISTEN", "x")],
        &[flag("--rules", "rules.paths", Given::Many(vec![String::new()]))],
        "
error: `threads` is too small: `-1`
 --> s.yaml:1:10
  |
1 | threads: -1
  |          ^^
  = field: threads
  = help: write a number from 0 to 1024

error: unknown field `pasue`
 --> environment variable RATEKEEPER_DRAIN
  = field: drain.pasue
  = help: did you mean `pause`?

error: `listen` must be a mapping, not text
 --> environment variable RATEKEEPER_LISTEN
  = field: listen
  = help: write lines of `name: value`

error: `threads` must be a whole number, not `many`
 --> environment variable RATEKEEPER_THREADS
  = field: threads
  = help: write digits

error: `paths` needs at least one path, and none that is empty
 --> flag --rules
  = field: rules.paths
  = help: write `paths: [config/rules]`
",
    );
}

#[test]
fn tags_are_pairs_with_commas_or_a_mapping_in_brackets() {
    for value in ["env:prod, team:edge", "{env: prod, team: edge}"] {
        let settings = accept("", &[("RATEKEEPER_METRICS__STATSD__TAGS", value)], &[]);
        let tags = settings.metrics.statsd.tags.into_iter().collect::<Vec<_>>();
        assert_eq!(
            tags,
            [("env", "prod"), ("team", "edge")].map(|(name, value)| (name.into(), value.into()))
        );
    }
}

//! Lines, datagrams, and a receiver that is there, away, or without an address.

use tokio::net::UdpSocket;

use super::lines::MAX_DATAGRAM;
use super::*;

fn lines(format: Format, tags: &[(&str, &str)]) -> Lines {
    let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Lines { format, tags: tags.collect() }
}

fn counted(name: &str, count: u64) -> Figures {
    Figures { counters: [(Series::from(name.to_owned()), count)].into(), ..Figures::default() }
}

fn sent(differences: &mut Differences, figures: &Figures, lines: &Lines) -> Vec<String> {
    let datagrams = differences.datagrams(figures, lines);
    assert!(datagrams.iter().all(|datagram| datagram.len() <= MAX_DATAGRAM));
    let text = |datagram| String::from_utf8(datagram).expect("it is text");
    datagrams
        .into_iter()
        .flat_map(|datagram| text(datagram).lines().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

#[track_caller]
fn check(figures: &Figures, lines: &Lines, expected: &[&str]) {
    assert_eq!(sent(&mut Differences::default(), figures, lines), expected);
}

#[test]
fn lines_have_their_dialects_tags() {
    let tags = [("env", "prod"), ("build", "a.b")];
    let figures = counted("ratelimit.service.config_load_success", 3);
    check(&figures, &lines(Format::Statsd, &[]), &["ratelimit.service.config_load_success:3|c"]);
    let named = "ratelimit.service.config_load_success.__build=a_b.__env=prod:3|c";
    check(&figures, &lines(Format::Statsd, &tags), &[named]);
    let behind = "ratelimit.service.config_load_success:3|c|#build:a_b,env:prod";
    check(&figures, &lines(Format::DogStatsd, &tags), &[behind]);
}

fn level(name: &str, value: f64) -> Figures {
    Figures { gauges: [(Series::from(name.to_owned()), value)].into(), ..Figures::default() }
}

/// In StatsD a sign means a change.
#[test]
fn a_level_below_zero_is_no_change() {
    check(&level("offset", -0.5), &lines(Format::Statsd, &[]), &["offset:0|g", "offset:-0.5|g"]);
    check(&level("offset", -0.5), &lines(Format::DogStatsd, &[]), &["offset:-0.5|g"]);
    check(&level("offset", 0.5), &lines(Format::Statsd, &[]), &["offset:0.5|g"]);
}

#[test]
fn a_level_that_is_gone_is_zero_once() {
    let (mut differences, lines) = (Differences::default(), lines(Format::Statsd, &[]));
    assert_eq!(sent(&mut differences, &level("rules_info.old", 1.0), &lines), ["rules_info.old:1|g"]);
    let next = level("rules_info.new", 1.0);
    assert_eq!(sent(&mut differences, &next, &lines), ["rules_info.new:1|g", "rules_info.old:0|g"]);
    assert_eq!(sent(&mut differences, &next, &lines), ["rules_info.new:1|g"]);
}

#[test]
fn our_own_figures_keep_their_names_and_labels() {
    let text = "\
# HELP ratekeeper_decisions Descriptors.
# TYPE ratekeeper_decisions counter
ratekeeper_decisions_total{domain=\"mesh\",rule=\"a=\\\"x\\\",b\",empty=\"\"} 5 # {trace_id=\"1\"} 1.0
# TYPE ratekeeper_rules_stale gauge
ratekeeper_rules_stale 0.5
# TYPE ratekeeper_request_duration_seconds histogram
ratekeeper_request_duration_seconds_sum 0.1
ratekeeper_request_duration_seconds_count 3
# TYPE ratelimit_service_total_requests unknown
ratelimit_service_total_requests{grpc_method=\"ShouldRateLimit\"} 7
# EOF
";
    let expected =
        ["ratekeeper_decisions_total:5|c|#domain:mesh,rule:a=\"x\"_b", "ratekeeper_rules_stale:0.5|g"];
    check(&Figures::from_openmetrics(text), &lines(Format::DogStatsd, &[]), &expected);
}

#[test]
fn counters_are_sent_as_differences() {
    let (mut differences, plain) = (Differences::default(), lines(Format::Statsd, &[]));
    assert_eq!(sent(&mut differences, &counted("a", 3), &plain), ["a:3|c"]);
    assert!(sent(&mut differences, &counted("a", 3), &plain).is_empty());
    assert_eq!(sent(&mut differences, &counted("a", 10), &plain), ["a:7|c"]);
    assert_eq!(sent(&mut differences, &counted("a", 2), &plain), ["a:2|c"], "it began anew");
    assert_eq!(sent(&mut differences, &counted("b", 1), &plain), ["b:1|c"]);
    assert_eq!(sent(&mut differences, &counted("a", 3), &plain), ["a:3|c"], "it was away");
}

#[test]
fn timers_are_sent_by_bucket_with_what_each_stands_for() {
    let timer = |counts: &[(u64, u64)]| {
        let counts = counts.iter().map(|&(micros, count)| (Duration::from_micros(micros), count)).collect();
        Figures { timers: vec![Timer { name: "t".into(), counts }], ..Figures::default() }
    };
    let (mut differences, plain) = (Differences::default(), lines(Format::DogStatsd, &[("a", "b")]));
    let first = sent(&mut differences, &timer(&[(50, 1), (100, 4), (2_000, 0)]), &plain);
    assert_eq!(first, ["t:0.05|ms|#a:b", "t:0.1|ms|@0.25|#a:b"]);
    assert_eq!(
        sent(&mut differences, &timer(&[(50, 1), (100, 6), (2_000, 1)]), &plain),
        ["t:0.1|ms|@0.5|#a:b", "t:2|ms|#a:b"]
    );
}

#[test]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "as receivers do it")]
fn a_sample_rate_says_how_many_there_were() {
    for events in (1..10_000).chain([123_457, 99_999_999]) {
        let plain = lines(Format::Statsd, &[]);
        let timer = Timer { name: "t".into(), counts: vec![(Duration::from_millis(1), events)] };
        let figures = Figures { timers: vec![timer], ..Figures::default() };
        let line = sent(&mut Differences::default(), &figures, &plain).remove(0);
        let rate = line.split('@').nth(1).map_or(1.0, |rate| rate.parse::<f64>().expect("it is a number"));
        assert_eq!(rate.recip() as u64, events, "{line}");
    }
}

#[test]
fn datagrams_are_filled_and_never_too_long() {
    let counters = (0..100).map(|index| (Series::from(format!("{index:0100}")), 1)).collect();
    let mut figures = Figures { counters, ..Figures::default() };
    figures.counters.insert(Series::from("x".repeat(MAX_DATAGRAM)), 1);
    let datagrams = Differences::default().datagrams(&figures, &lines(Format::Statsd, &[]));
    assert_eq!(datagrams.len(), 100_usize.div_ceil((MAX_DATAGRAM + 1) / 105));
    assert!(datagrams.iter().all(|datagram| datagram.len() <= MAX_DATAGRAM));
}

/// One that counts up by one at each flush.
fn statsd(host: &str, port: u16) -> (Statsd, Arc<Sendings>) {
    let (calls, sendings) = (AtomicU64::new(0), Arc::new(Sendings::default()));
    let source = move || Some(counted("calls", calls.fetch_add(1, Ordering::Relaxed) + 1));
    let lines = lines(Format::Statsd, &[]);
    let settings = StatsdSettings { host: host.into(), port, lines, flush_interval: Duration::from_secs(10) };
    (Statsd::new(settings, Box::new(source), Arc::clone(&sendings)), sendings)
}

async fn received(socket: &UdpSocket) -> String {
    let mut buffer = [0; 2_000];
    let length =
        timeout(Duration::from_secs(5), socket.recv(&mut buffer)).await.expect("something comes").unwrap();
    String::from_utf8(buffer[..length].to_vec()).unwrap()
}

#[tokio::test]
async fn a_receiver_that_is_away_stops_nothing() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let (statsd, sendings) = statsd("127.0.0.1", address.port());
    statsd.flush().await;
    assert_eq!(received(&socket).await, "calls:1|c");
    drop(socket);
    for _ in 0..3 {
        statsd.flush().await;
    }
    let socket = UdpSocket::bind(address).await.unwrap();
    statsd.flush().await;
    assert_eq!(received(&socket).await, "calls:1|c");
    assert_eq!(sendings.get(Sending::Sent) + sendings.get(Sending::Failed), 5);
}

#[tokio::test]
async fn a_refusal_is_counted_and_the_rest_is_sent() {
    let port = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let (statsd, sendings) = statsd("127.0.0.1", port);
    let mut pending: VecDeque<Vec<u8>> = (0..20).map(|index| vec![index; 10]).collect();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    assert!(statsd.send(&connected(address).await.unwrap(), &mut pending).await.is_err());
    assert!(pending.is_empty());
    assert!(sendings.get(Sending::Refused) > 0);
    assert_eq!(sendings.get(Sending::Sent) + sendings.get(Sending::Failed), 20);
}

#[tokio::test]
async fn what_could_not_be_sent_for_want_of_an_address_is_not_lost() {
    let (statsd, sendings) = statsd("no-such-host.invalid", 1);
    statsd.flush().await;
    assert_eq!(sendings.get(Sending::Unresolved), 1);
    assert!(
        statsd.state.lock().await.differences.datagrams(&counted("calls", 4), &statsd.settings.lines).len()
            == 1
    );
}

/// To the broadcast address nothing may be sent without asking for it.
#[tokio::test]
async fn without_a_way_to_the_receiver_nothing_piles_up() {
    let (statsd, sendings) = statsd("255.255.255.255", 9);
    statsd.flush().await;
    statsd.flush().await;
    assert_eq!(sendings.get(Sending::Failed), 2);
    let state = statsd.state.lock().await;
    assert!(state.pending.is_empty(), "{:?}", state.pending);
}

#[tokio::test(start_paused = true)]
async fn it_flushes_at_its_interval() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let (statsd, sendings) = statsd("127.0.0.1", socket.local_addr().unwrap().port());
    assert!(timeout(Duration::from_secs(35), statsd.run()).await.is_err());
    assert_eq!(sendings.get(Sending::Sent), 3);
}

//! The generator against real servers in this process.

mod comparison;

use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use clap::Parser;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use parking_lot::Mutex;
use ratekeeper_proto::rate_limit_service_server::{RateLimitService, RateLimitServiceServer};
use ratekeeper_proto::{RateLimitRequest, RateLimitResponse};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tonic::{Request, Response, Status};

use super::phase::Extent;
use super::*;

#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    bench: BenchArgs,
}

/// What the server does with a request.
enum Answer {
    Code(i32),
    Unavailable,
    Never,
}

/// Answers by the number of the request, and keeps what it was asked.
#[derive(Clone)]
struct Service {
    answer: fn(u64) -> Answer,
    asked: Arc<AtomicU64>,
    requests: Arc<Mutex<Vec<RateLimitRequest>>>,
}

/// A server on a thread of its own that ends when it is dropped.
struct Server {
    target: String,
    requests: Arc<Mutex<Vec<RateLimitRequest>>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[tonic::async_trait]
impl RateLimitService for Service {
    async fn should_rate_limit(
        &self,
        request: Request<RateLimitRequest>,
    ) -> Result<Response<RateLimitResponse>, Status> {
        self.requests.lock().push(request.into_inner());
        match (self.answer)(self.asked.fetch_add(1, Ordering::Relaxed)) {
            Answer::Code(overall_code) => {
                Ok(Response::new(RateLimitResponse { overall_code, ..RateLimitResponse::default() }))
            }
            Answer::Unavailable => Err(Status::unavailable("no rules yet")),
            Answer::Never => std::future::pending().await,
        }
    }
}

impl Service {
    async fn listen(self, socket: Option<&Path>, bound: &mpsc::Sender<String>) {
        if let Some(path) = socket {
            let listener = tokio::net::UnixListener::bind(path).unwrap();
            bound.send(format!("unix:{}", path.display())).unwrap();
            loop {
                self.serve(listener.accept().await.unwrap().0);
            }
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        bound.send(listener.local_addr().unwrap().to_string()).unwrap();
        loop {
            self.serve(listener.accept().await.unwrap().0);
        }
    }

    fn serve(&self, stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
        let service = TowerToHyperService::new(RateLimitServiceServer::new(self.clone()));
        let http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        tokio::spawn(http.serve_connection(TokioIo::new(stream), service));
    }
}

impl Server {
    fn start(answer: fn(u64) -> Answer) -> Self {
        Self::listen(answer, None)
    }

    fn listen(answer: fn(u64) -> Answer, socket: Option<&Path>) -> Self {
        let service = Service { answer, asked: Arc::default(), requests: Arc::default() };
        let requests = Arc::clone(&service.requests);
        let (stop, stopped) = oneshot::channel();
        let (bound, target) = mpsc::channel();
        let socket = socket.map(Path::to_owned);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                tokio::select! {
                    () = service.listen(socket.as_deref(), &bound) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { target: target.recv().unwrap(), requests, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.thread.take().map(JoinHandle::join);
    }
}

fn parse(arguments: &str) -> Result<BenchArgs, clap::Error> {
    Ok(Arguments::try_parse_from(std::iter::once("bench").chain(arguments.split_whitespace()))?.bench)
}

fn bench(target: &str, arguments: &str) -> anyhow::Result<Report> {
    let args = parse(&format!("{target} -c 2 -s 4 {arguments}")).unwrap();
    measure(&args.load, args.pids.first().copied())
}

fn ok(_: u64) -> Answer {
    Answer::Code(1)
}

#[test]
fn every_request_is_counted_once() {
    let server = Server::start(ok);
    let report = bench(&server.target, "-n 1000 --warmup 0s -t 2").unwrap();
    assert_eq!((report.requests, report.decisions, report.over_limit), (1000, 1000, 0));
    assert!(report.errors.is_empty() && !report.interrupted);
    assert!(report.latency_us.p50 > 0.0 && report.latency_us.p50 <= report.latency_us.max);
    assert_eq!(server.requests.lock().len(), 1000);
}

#[test]
fn the_warm_up_is_sent_but_not_counted() {
    let server = Server::start(ok);
    let report = bench(&server.target, "-n 100 --warmup 50ms").unwrap();
    assert_eq!(report.requests, 100);
    assert!(server.requests.lock().len() > 100);
}

#[test]
fn requests_are_as_asked_for() {
    let server = Server::start(ok);
    bench(&server.target, "-n 50 --warmup 0s -k 20 --descriptors 3 --domain shop --entry-key user").unwrap();
    for request in server.requests.lock().iter() {
        assert_eq!((request.domain.as_str(), request.descriptors.len()), ("shop", 3));
        for (place, descriptor) in request.descriptors.iter().enumerate() {
            let [entry] = descriptor.entries.as_slice() else { panic!("one entry expected") };
            let value = std::str::from_utf8(&entry.value).unwrap();
            let (own_place, key) = value.split_once('-').unwrap();
            assert_eq!((&entry.key[..], own_place, key.len()), (&b"user"[..], &*place.to_string(), 2));
            assert!(key.parse::<u32>().unwrap() < 20);
        }
    }
}

#[test]
fn denials_are_decisions_and_statuses_are_errors() {
    let server = Server::start(|number| match number % 4 {
        0 => Answer::Code(2),
        1 => Answer::Unavailable,
        2 => Answer::Code(0),
        _ => Answer::Code(1),
    });
    let report = bench(&server.target, "-n 400 --warmup 0s").unwrap();
    assert_eq!((report.requests, report.decisions, report.over_limit), (400, 200, 100));
    let errors = [("UNAVAILABLE", 100), ("malformed answer", 100)];
    assert_eq!(report.errors, errors.map(|(error, count)| (error.to_owned(), count)).into());
}

#[test]
fn unix_sockets_are_servers_too() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::listen(ok, Some(&folder.path().join("server.sock")));
    assert_eq!(bench(&server.target, "-n 100 --warmup 0s").unwrap().decisions, 100);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "all tasks of the server are to stand still")]
fn a_rate_is_kept_and_a_stall_shows_in_all_requests_that_were_due() {
    // All of the server stands still for 300 ms, within which 300 requests are due on 8 streams.
    let server = Server::start(|number| {
        if number == 200 {
            std::thread::sleep(Duration::from_millis(300));
        }
        ok(number)
    });
    let report = bench(&server.target, "-n 1000 --rate 1000 --warmup 0s").unwrap();
    assert_eq!((report.requests, report.decisions), (1000, 1000));
    assert!(report.seconds > 0.99, "as slow as asked for: {report}");
    let punctuality = report.punctuality.unwrap();
    assert!(punctuality.waited > 200 && punctuality.unsent == 0, "{report}");
    // Were latency counted from when each went out, only the 8 that were under way would be slow.
    assert!(report.latency_us.p90 > 100_000.0 && report.latency_us.max > 250_000.0, "{report}");
}

#[test]
fn requests_that_were_due_but_did_not_go_out_are_told() {
    let server = Server::start(|_| Answer::Never);
    let report = bench(&server.target, "-d 300ms --rate 1000 --warmup 0s --timeout 600ms").unwrap();
    assert_eq!((report.requests, report.decisions), (8, 0));
    assert_eq!(report.errors, [("timeout".to_owned(), 8)].into());
    assert_eq!(report.punctuality.unwrap().unsent, 292);
}

#[test]
fn silence_while_nothing_is_due_is_no_timeout() {
    let server = Server::start(ok);
    let report = bench(&server.target, "-n 3 --rate 4 --warmup 0s --timeout 100ms").unwrap();
    assert_eq!((report.decisions, report.errors.len()), (3, 0));
}

#[test]
fn without_a_rate_nothing_is_due() {
    let server = Server::start(ok);
    assert!(bench(&server.target, "-n 10 --warmup 0s").unwrap().punctuality.is_none());
}

/// A server of raw bytes: it greets every client as HTTP/2 has it, then sends the first of these, waits for the client
/// to go on, sends the second, and hangs up when nothing comes any more.
fn raw_server(first: &'static [u8], second: &'static [u8]) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let target = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            // Settings, and the answer to the ping.
            let greeting: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 8, 6, 1, 0, 0, 0, 0];
            let _ = client.write_all(&[greeting, b"ratekeep", first].concat());
            // The client's own greeting, and the frame that acknowledges ours.
            let _ = client.read_exact(&mut [0; 24 + 21 + 13 + 17 + 9]);
            let _ = client.write_all(second);
            client.set_read_timeout(Some(Duration::from_millis(30))).unwrap();
            let _ = client.read_to_end(&mut Vec::new());
        }
    });
    target
}

#[test]
fn a_server_that_hangs_up_at_once_is_not_called_back_at_once() {
    let target = raw_server(&[], &[]);
    let args = parse(&format!("{target} -c 1 -s 4 -d 350ms --warmup 0s")).unwrap();
    let report = measure(&args.load, None).unwrap();
    assert!(report.decisions == 0 && report.requests <= 20, "{report}");
}

#[test]
fn a_server_that_breaks_the_protocol_loses_its_calls() {
    // Data on a stream that was never opened.
    let target = raw_server(&[], &[0, 0, 1, 0, 0, 0, 0, 0, 9, 0]);
    let args = parse(&format!("{target} -c 1 -s 4 -d 100ms --warmup 0s --rate 100")).unwrap();
    let report = measure(&args.load, None).unwrap();
    let lost = report.errors.get("connection lost").copied();
    assert!(report.decisions == 0 && report.requests > 0 && Some(report.requests) == lost, "{report}");
}

#[test]
fn a_server_that_says_goodbye_is_called_again() {
    // The last stream is 2^31 - 1: no call is refused, but no more must come.
    let goodbye = &[0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0];
    let target = raw_server(goodbye, &[]);
    let args = parse(&format!("{target} -c 1 -s 4 -d 200ms --warmup 0s --timeout 1s")).unwrap();
    let report = measure(&args.load, None).unwrap();
    assert_eq!((report.requests, report.decisions), (0, 0), "{report}");
}

#[test]
fn a_server_that_never_answers_ends_the_run() {
    let server = Server::start(|number| if number < 100 { ok(number) } else { Answer::Never });
    let report = bench(&server.target, "-n 1000 --warmup 0s --timeout 200ms").unwrap();
    assert_eq!((report.requests, report.decisions), (108, 100));
    assert_eq!(report.errors, [("timeout".to_owned(), 8)].into());
}

#[test]
fn a_server_that_decides_nothing_is_told_after_the_warm_up() {
    let server = Server::start(|_| Answer::Unavailable);
    let error = bench(&server.target, "--warmup 1s").unwrap_err().to_string();
    assert!(error.contains("decided nothing while warming up") && error.contains("UNAVAILABLE"), "{error}");
}

#[test]
fn a_lost_connection_is_made_again() {
    let server = Server::start(ok);
    let address = server.target.clone();
    // The proxy cuts the first connection in the middle of the run; the second one stays.
    let proxy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let target = proxy.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for (number, client) in proxy.incoming().enumerate() {
            relay(client.unwrap(), std::net::TcpStream::connect(&address).unwrap(), number == 0);
        }
    });
    let args = parse(&format!("{target} -c 1 -s 4 -n 5000 --warmup 0s")).unwrap();
    let report = measure(&args.load, None).unwrap();
    assert_eq!(report.requests, 5000);
    assert!(report.decisions >= 4996, "{report}");
    assert_eq!(report.decisions + report.errors.get("connection lost").unwrap(), 5000);
}

#[test]
fn nobody_listening_is_told_with_the_address() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = bench(&free.to_string(), "").unwrap_err().to_string();
    assert_eq!(error, format!("cannot connect to {free}: is the server listening there?"));
}

#[test]
fn a_server_of_another_protocol_is_told() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let target = listener.local_addr().unwrap().to_string();
    let thread = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        client.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    let error = bench(&target, "").unwrap_err().to_string();
    assert_eq!(error, format!("{target} does not speak HTTP/2 without TLS"));
    thread.join().unwrap();
}

#[test]
fn a_process_that_is_not_there_is_told() {
    let server = Server::start(ok);
    let error = bench(&server.target, "-n 10 --warmup 0s --pid 4294967295").unwrap_err().to_string();
    assert!(error.contains("is process 4294967295 running?"), "{error}");
}

#[test]
fn the_server_is_measured_where_its_process_is_named() {
    let server = Server::start(ok);
    let pid = std::process::id();
    let report = bench(&server.target, &format!("-d 200ms --warmup 0s --pid {pid}")).unwrap();
    let cost = report.server.unwrap();
    assert!(cost.pid == pid && cost.cost.cpu_seconds > 0.0 && cost.peak_memory_bytes > 0);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["server"]["cpu_seconds"], cost.cost.cpu_seconds);
    assert!(report.to_string().contains("per million decisions"));
}

#[test]
fn exponents_and_rates_are_checked() {
    for refused in ["0", "-1", "10.5", "NaN", "inf", "", "x"] {
        let error = Arguments::try_parse_from(["bench", "h:1", "--zipf", refused]).unwrap_err().to_string();
        assert!(error.contains("write an exponent above 0 and up to 10"), "{refused}: {error}");
    }
    let load = parse("h:1 --rate 5000 --zipf 1.1").unwrap().load;
    assert_eq!((load.rate.map(|rate| rate.get()), load.zipf), (Some(5000), Some(1.1)));
    assert!(parse("h:1 --rate 0").is_err() && parse("h:1 --rate x").is_err());
    let load = parse("h:1").unwrap().load;
    assert_eq!((load.rate, load.zipf), (None, None));
}

#[test]
fn arguments_are_checked() {
    for refused in
        ["", "h:1 -c 0", "h:1 -s 0", "h:1 -k 0", "h:1 -n 0", "h:1 -d 1", "h:1 -d 1s -n 5", "nowhere"]
    {
        assert!(parse(refused).is_err(), "{refused}");
    }
    let args = parse("h:1 -c 3 -t 8").unwrap();
    assert_eq!((args.load.thread_count(), args.format), (3, Format::Text));
    assert_eq!(args.load.extent(), Extent::Lasting(Duration::from_secs(10)));
    assert_eq!(parse("h:1 -n 5").unwrap().load.extent(), Extent::Requests(5));
}

/// Copies both ways on threads; cut short, the connection dies after some thousand bytes.
fn relay(client: std::net::TcpStream, server: std::net::TcpStream, cut_short: bool) {
    let bound = if cut_short { 20_000 } else { u64::MAX };
    let there = (client.try_clone().unwrap(), server.try_clone().unwrap());
    std::thread::spawn(move || copy(&there.0, &there.1, bound));
    std::thread::spawn(move || copy(&server, &client, u64::MAX));
}

fn copy(from: &std::net::TcpStream, mut to: &std::net::TcpStream, bound: u64) {
    let _ = std::io::copy(&mut from.take(bound), &mut to);
    let _ = from.shutdown(std::net::Shutdown::Both);
    let _ = to.shutdown(std::net::Shutdown::Both);
}

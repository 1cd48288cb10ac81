//! Several servers, several rounds, and where the result goes.

use super::*;

fn circumstances() -> Circumstances {
    Circumstances { date: utc_date(SystemClock.now()), command: Vec::new(), machine: Machine::this() }
}

fn compared(arguments: &str) -> anyhow::Result<Results> {
    compare(&parse(&format!("{arguments} -c 1 -s 4 --warmup 0s")).unwrap(), circumstances())
}

fn unused_address() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[test]
fn servers_take_turns_under_the_same_load() {
    let servers = [Server::start(ok), Server::start(|_| Answer::Code(2))];
    let [first, second] = servers.each_ref().map(|server| &server.target);
    let pid = std::process::id();
    let results = compared(&format!("{first} --against {second} -n 50 --pid {pid},{pid}")).unwrap();
    assert_eq!(results.servers.iter().map(|server| &server.target).collect::<Vec<_>>(), [first, second]);
    for (server, denied) in results.servers.iter().zip([0, 50]) {
        let counts = |turn: &turns::Turn| (turn.round, turn.report.decisions, turn.report.over_limit);
        let expected = [1, 2, 3].map(|round| (round, 50, denied));
        assert_eq!(server.turns.iter().map(counts).collect::<Vec<_>>(), expected);
        assert_eq!((server.latency.count(), server.pid), (150, Some(pid)));
    }
    assert!(servers.iter().all(|server| server.requests.lock().len() == 150));
    let started = |server: usize, turn: usize| results.servers[server].turns[turn].started_seconds;
    let order = [started(0, 0), started(1, 0), started(1, 1), started(0, 1), started(0, 2), started(1, 2)];
    assert!(order.is_sorted(), "{order:?}");
    let ratio = results.servers[1].figure("decisions_per_second").unwrap().ratio_to_first.unwrap();
    assert!(ratio.min > 0.0 && ratio.min <= ratio.median && ratio.median <= ratio.max, "{ratio:?}");
}

#[test]
fn a_second_server_that_is_not_there_is_told_before_the_first_round() {
    let (server, free) = (Server::start(ok), unused_address());
    let error = format!("{:#}", compared(&format!("{} --against {free}", server.target)).unwrap_err());
    let expected =
        format!("cannot compare with server 2: cannot connect to {free}: is the server listening there?");
    assert!(error.starts_with(&expected), "{error}");
    assert!(server.requests.lock().is_empty());
}

#[test]
fn a_second_process_that_is_not_there_is_told_before_the_first_round() {
    let server = Server::start(ok);
    let (target, pid) = (&server.target, std::process::id());
    let error = compared(&format!("{target} --against {target} --pid {pid},4294967295")).unwrap_err();
    let error = format!("{error:#}");
    assert!(error.contains("server 2") && error.contains("is process 4294967295 running?"), "{error}");
    assert!(server.requests.lock().is_empty());
}

#[test]
fn processes_are_one_for_each_server() {
    let servers = |arguments: &str| parse(arguments).unwrap().servers();
    let pids =
        |arguments: &str| servers(arguments).unwrap().iter().map(|server| server.pid).collect::<Vec<_>>();
    assert_eq!(pids("h:1 --against h:2 --against h:3"), [None, None, None]);
    assert_eq!(pids("h:1 --against h:2 --pid 7,8"), [Some(7), Some(8)]);
    assert_eq!(pids("h:1 --pid 7 --against h:2 --pid 8"), [Some(7), Some(8)]);
    for arguments in ["h:1 --against h:2 --pid 7", "h:1 --pid 7,8"] {
        let error = servers(arguments).unwrap_err().to_string();
        assert!(error.contains("give --pid once for each"), "{error}");
    }
}

#[test]
fn eight_others_can_be_compared() {
    let many =
        |others: usize| parse(&("h:1".to_owned() + &" --against h:2".repeat(others))).unwrap().servers();
    assert_eq!(many(8).unwrap().len(), 9);
    assert!(many(9).unwrap_err().to_string().contains("at most 8 servers"));
}

#[test]
fn rounds_are_one_alone_and_three_in_company() {
    let rounds = |arguments: &str| parse(arguments).unwrap().round_count();
    assert_eq!((rounds("h:1"), rounds("h:1 --against h:2"), rounds("h:1 --rounds 5")), (1, 3, 5));
    assert!(parse("h:1 --rounds 0").is_err() && parse("h:1 --rounds 101").is_err());
}

#[test]
fn results_go_to_a_file_in_each_format() {
    let (server, folder) = (Server::start(ok), tempfile::tempdir().unwrap());
    for (format, beginning) in [("text", &*server.target), ("json", "{\n"), ("html", "<!DOCTYPE html>")] {
        let path = folder.path().join(format);
        std::fs::write(&path, "x".repeat(1 << 20)).unwrap();
        let arguments = format!("{} -n 50 --warmup 0s --format {format} --output", server.target);
        run(&parse(&format!("{arguments} {}", path.display())).unwrap()).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with(beginning) && text.len() < 1 << 20, "{format}: {} bytes", text.len());
    }
}

#[test]
fn a_file_that_cannot_be_written_is_told_before_the_load() {
    let (server, folder) = (Server::start(ok), tempfile::tempdir().unwrap());
    let path = folder.path().join("none").join("report.html");
    let error = run(&parse(&format!("{} --output {}", server.target, path.display())).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot write to {}", path.display()));
    assert!(server.requests.lock().is_empty());
}

#[test]
fn a_server_that_decides_nothing_is_named() {
    let servers = [Server::start(ok), Server::start(|_| Answer::Unavailable)];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text");
    let [first, second] = servers.each_ref().map(|server| &server.target);
    let arguments = format!("{first} --against {second} -n 50 --warmup 0s --output {}", path.display());
    assert_eq!(
        run(&parse(&arguments).unwrap()).unwrap_err().to_string(),
        format!("{second} decided nothing")
    );
    assert!(std::fs::read_to_string(&path).unwrap().contains("50 × UNAVAILABLE"));
}

/// A relay to a server for so many connections, the last of which it may cut; then it is gone for good.
fn mortal(server: &str, connections: usize, cuts_last: bool) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (target, server) = (listener.local_addr().unwrap().to_string(), server.to_owned());
    std::thread::spawn(move || {
        for (number, client) in listener.incoming().take(connections).enumerate() {
            let cut_short = cuts_last && number + 1 == connections;
            relay(client.unwrap(), std::net::TcpStream::connect(&server).unwrap(), cut_short);
        }
    });
    target
}

/// Two servers, of which the second one dies.
#[track_caller]
fn check_death(connections: usize, cuts_last: bool, expected: &str, shown: &str) {
    let (server, folder) = (Server::start(ok), tempfile::tempdir().unwrap());
    let (dying, path) = (mortal(&server.target, connections, cuts_last), folder.path().join("text"));
    let load = "-c 1 -s 4 -n 2000 --warmup 0s --timeout 300ms";
    let arguments = format!("{} --against {dying} {load} --output {}", server.target, path.display());
    let error = run(&parse(&arguments).unwrap()).unwrap_err().to_string();
    let expected = expected.replace("DYING", &dying);
    assert!(error.starts_with(&expected), "{error}");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(&format!("{error}; this is what there was")) && text.contains(shown), "{text}");
}

#[test]
fn a_server_that_dies_leaves_what_there_was_before() {
    // One connection looks for it, and one is made in each round; every other round begins with the second server.
    check_death(
        3,
        true,
        "lost server 2 (DYING) in round 2: cannot connect to DYING: ",
        "4 × connection lost",
    );
    check_death(2, false, "cannot measure server 2 (DYING) in round 2: cannot connect to DYING: ", "ratio");
    check_death(1, false, "cannot measure server 2 (DYING) in round 1: cannot connect to DYING: ", "–");
}

#[test]
fn a_process_that_ends_leaves_what_was_counted() {
    let server = Server::start(ok);
    let mut process = std::process::Command::new("sleep").arg("60").spawn().unwrap();
    let (pid, requests) = (process.id(), Arc::clone(&server.requests));
    let ending = std::thread::spawn(move || {
        while requests.lock().is_empty() {
            std::thread::yield_now();
        }
        process.kill().unwrap();
        process.wait().unwrap();
    });
    let results = compared(&format!("{} -d 500ms --rounds 2 --pid {pid}", server.target)).unwrap();
    ending.join().unwrap();
    let [turn] = &results.servers[0].turns[..] else { panic!("{results:?}") };
    assert!(turn.report.decisions > 0 && turn.report.server.is_none(), "{}", turn.report);
    let failure = results.failure.as_ref().unwrap();
    let expected = format!("lost server 1 ({}) in round 1: ", server.target);
    assert!(failure.starts_with(&expected) && failure.contains(&format!("is process {pid} running?")));
    assert!(Text(&results).to_string().ends_with(&format!("\n{failure}\n")));
    assert!(Page(&results).to_string().contains("The run ended early: lost server 1"));
}

#[test]
fn dates_are_utc() {
    assert_eq!(utc_date(Timestamp::from_millis(1_795_253_400_999)), "2026-11-21T09:30:00Z");
}

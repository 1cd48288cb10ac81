//! Host names of servers: finding their addresses, and noticing that a name has moved on while a connection to its former address
//! still works.
//!
//! A managed Redis is failed over, or moved, by giving its name another address; the old server may go on answering for long.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::{sleep, timeout};

/// How much later an address that is missing among a name's is looked for once more: some servers of names leave some out at times.
const SECOND_LOOK: Duration = Duration::from_secs(1);

type Lookup = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Finds the addresses of names, as the system does.
#[derive(Clone)]
pub struct Names(Arc<dyn Fn(String, u16) -> Lookup + Send + Sync>);

impl Default for Names {
    fn default() -> Self {
        Self::new(|host, port| {
            Box::pin(async move { Ok(lookup_host((host.as_str(), port)).await?.collect()) })
        })
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Names")
    }
}

impl Names {
    /// Names whose addresses this finds.
    pub(super) fn new(find: impl Fn(String, u16) -> Lookup + Send + Sync + 'static) -> Self {
        Self(Arc::new(find))
    }

    /// The addresses of a name now.
    pub(super) async fn find(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        (self.0)(host.to_owned(), port).await
    }

    /// Connects to the first of a name's addresses that takes a connection. Each gets its part of the time, so that one that is silent
    /// does not stand for the others.
    pub(super) async fn connect(&self, host: &str, port: u16, limit: Duration) -> io::Result<TcpStream> {
        let addresses = self.find(host, port).await?;
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        let part = limit / u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
        for address in addresses {
            match timeout(part, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = error,
                Err(_) => last = io::ErrorKind::TimedOut.into(),
            }
        }
        Err(last)
    }

    /// Waits until an address is no longer among those of its name; gives one that is. It is looked for every `interval`, and a
    /// name that is not found at all says nothing.
    pub(super) async fn moved(self, host: String, peer: SocketAddr, interval: Duration) -> SocketAddr {
        loop {
            sleep(interval).await;
            if self.elsewhere(&host, peer).await.is_none() {
                continue;
            }
            sleep(SECOND_LOOK).await;
            if let Some(address) = self.elsewhere(&host, peer).await {
                return address;
            }
        }
    }

    async fn elsewhere(&self, host: &str, peer: SocketAddr) -> Option<SocketAddr> {
        let found = self.find(host, peer.port()).await.ok()?;
        if found.iter().any(|address| same(*address, peer)) { None } else { found.first().copied() }
    }
}

/// Whether this is a name, and not an address that means itself for ever.
pub(super) fn is_name(host: &str) -> bool {
    host.parse::<IpAddr>().is_err()
}

/// An address is the same with or without a scope.
fn same(one: SocketAddr, other: SocketAddr) -> bool {
    (one.ip().to_canonical(), one.port()) == (other.ip().to_canonical(), other.port())
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;
    use tokio::net::TcpListener;
    use tokio::time::Instant;

    use super::*;

    const INTERVAL: Duration = Duration::from_secs(5);

    /// Answers each question with the next of these, and from then on with the last.
    fn answering(answers: &[&[&str]]) -> Names {
        let answers: Vec<Vec<SocketAddr>> = answers
            .iter()
            .map(|answer| answer.iter().map(|address| address.parse().unwrap()).collect())
            .collect();
        let asked = Mutex::new(0);
        Names::new(move |_, _| {
            let mut asked = asked.lock();
            let answer = answers[(*asked).min(answers.len() - 1)].clone();
            *asked += 1;
            Box::pin(async move {
                if answer.is_empty() { Err(io::Error::other("no such name")) } else { Ok(answer) }
            })
        })
    }

    /// After how many seconds the name of 10.0.0.1 has moved, and where to.
    async fn moved(answers: &[&[&str]]) -> Option<(u64, String)> {
        let begin = Instant::now();
        let peer = "10.0.0.1:6379".parse().unwrap();
        let moved = answering(answers).moved("cache".into(), peer, INTERVAL);
        let to = timeout(Duration::from_hours(1), moved).await.ok()?;
        Some((begin.elapsed().as_secs(), to.to_string()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_has_moved_when_its_address_is_missing_twice() {
        let (old, new) = ("10.0.0.1:6379", "10.0.0.2:6379");
        assert_eq!(moved(&[&[old], &[new]]).await, Some((11, new.to_owned())));
        assert_eq!(moved(&[&[old]]).await, None);
        assert_eq!(moved(&[&[new, old]]).await, None, "one of several");
        assert_eq!(moved(&[&[new], &[old]]).await, None, "left out once");
        assert_eq!(moved(&[&[], &[]]).await, None, "who knows no names says nothing");
        assert_eq!(moved(&[&["[::ffff:10.0.0.1]:6379"]]).await, None, "the same address, written otherwise");
    }

    #[tokio::test]
    async fn an_address_that_is_silent_or_refuses_is_left_for_the_next() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        // Nobody has the first one, and nobody listens on the second.
        let names = answering(&[&["192.0.2.1:6379", "127.0.0.1:1", &address]]);
        let stream = names.connect("cache", 6379, Duration::from_secs(1)).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap().to_string(), address);
        let nobody = answering(&[&["127.0.0.1:1"]]);
        let refused = nobody.connect("cache", 6379, Duration::from_secs(1)).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[test]
    fn addresses_are_no_names() {
        assert!(is_name("cache.example") && is_name("localhost"));
        assert!(!is_name("10.0.0.1") && !is_name("::1"));
    }
}

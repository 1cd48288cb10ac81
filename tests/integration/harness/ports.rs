//! Free ports for servers that must be told theirs.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the range from which the kernel takes ports for connections, so that no client sits on one by chance; and so are the
/// ports that are 10,000 higher, which are left to the nodes of a Redis Cluster.
const FIRST: u16 = 15_000;
const COUNT: u16 = 7_500;

/// A loopback address that nobody listens on, and that no other caller in this process is given.
///
/// Asking the kernel for a free port and giving it back would let it hand the same one to the next test.
pub(crate) fn free() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test processes that run at once have near numbers; the factor starts them far from one another.
    let start = std::process::id().wrapping_mul(7_919) % u32::from(COUNT);
    let start = u16::try_from(start).expect("less than COUNT");
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, FIRST + (start + step) % COUNT));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
    panic!("no free port between {FIRST} and {}", FIRST + COUNT);
}

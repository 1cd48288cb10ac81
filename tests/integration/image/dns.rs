//! A name server that knows one name: `ratekeeper.mesh.test` is 127.0.0.1.

use std::net::SocketAddr;

use tokio::net::UdpSocket;

use super::container::is_root;

/// The name that it knows.
pub(super) const NAME: &str = "ratekeeper.mesh.test";

/// Where a resolver looks for it, which knows no other port than 53; an address of the loopback range that nobody else uses.
pub(super) const ADDRESS: &str = "127.53.65.32";

/// Answers, as long as the test's runtime lives; not where only root may have that port, and somebody else runs the tests.
pub(super) async fn serve() -> bool {
    let socket = match UdpSocket::bind((ADDRESS, 53)).await {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied && !is_root() => return false,
        socket => socket.unwrap(),
    };
    tokio::spawn(async move {
        let mut question = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut question).await {
            answer(&socket, &question[..length], from).await;
        }
    });
    true
}

async fn answer(socket: &UdpSocket, question: &[u8], from: SocketAddr) {
    let (mut at, mut labels) = (12, Vec::new());
    while question[at] != 0 {
        let length = usize::from(question[at]);
        labels.push(String::from_utf8_lossy(&question[at + 1..=at + length]).to_lowercase());
        at += length + 1;
    }
    let end = at + 5;
    let is_known = labels.join(".") == NAME;
    // Only the record for IPv4 is there.
    let answers = u8::from(is_known && question[at + 1..at + 3] == [0, 1]);
    let no_such_name = if is_known { 0 } else { 3 };
    let mut told = question[..2].to_vec();
    told.extend([0x84, no_such_name, 0, 1, 0, answers, 0, 0, 0, 0]);
    told.extend(&question[12..end]);
    if answers == 1 {
        // The name of the question, type A, class IN, 5 s, four bytes.
        told.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 127, 0, 0, 1]);
    }
    socket.send_to(&told, from).await.unwrap();
}

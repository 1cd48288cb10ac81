//! One connection through the wire: commands one way, replies the other.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::super::resp;
use super::{Fate, Orders, Shared};

/// Something for the client.
enum Output {
    Bytes(Instant, Bytes),
    EndOfStream,
}

/// What is to become of a reply that will come.
enum Expected {
    AsItIs,
    /// This error is said in its place.
    Error(String),
    /// Neither it nor any later one is delivered.
    Silence,
}

/// One more open connection, until it is dropped.
struct Counted(Arc<Shared>);

impl Counted {
    fn new(shared: Arc<Shared>) -> Self {
        shared.open.fetch_add(1, Ordering::SeqCst);
        Self(shared)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Carries one client's connection until an end of it closes or it is cut.
pub(super) async fn serve(mut client: TcpStream, shared: Arc<Shared>) {
    let _counted = Counted::new(Arc::clone(&shared));
    let orders = shared.orders.subscribe();
    let begin = *orders.borrow();
    let Ok(mut server) = TcpStream::connect(shared.target).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let lossy = AtomicBool::new(false);
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let (expect, expected) = unbounded_channel();
    let (output, outputs) = unbounded_channel();
    let cut = tokio::select! {
        _ = carry_commands(from_client, to_server, &expect, &shared, &lossy) => false,
        _ = carry_replies(from_server, expected, &output, &shared, &lossy) => false,
        _ = deliver(outputs, to_client) => false,
        () = until_cut(orders, begin, &output, &lossy) => true,
    };
    if cut {
        // A reset instead of an orderly end.
        let _ = client.set_zero_linger();
    }
}

async fn carry_commands(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    expect: &UnboundedSender<Expected>,
    shared: &Shared,
    lossy: &AtomicBool,
) -> io::Result<()> {
    let mut received = BytesMut::new();
    while from.read_buf(&mut received).await? > 0 {
        while let Some(command) = resp::take_frame(&mut received) {
            match shared.fate(&command) {
                Fate::Deliver => {
                    let _ = expect.send(Expected::AsItIs);
                    to.write_all(&command).await?;
                }
                Fate::DeliverAndFallSilent => {
                    let _ = expect.send(Expected::Silence);
                    to.write_all(&command).await?;
                }
                Fate::Lose => lossy.store(true, Ordering::SeqCst),
                // Its place in the order of replies is kept by a harmless command.
                Fate::Answer(error) => {
                    let _ = expect.send(Expected::Error(error));
                    to.write_all(&resp::command(&["PING"])).await?;
                }
            }
        }
    }
    Ok(())
}

async fn carry_replies(
    mut from: ReadHalf<'_>,
    mut expected: UnboundedReceiver<Expected>,
    output: &UnboundedSender<Output>,
    shared: &Shared,
    lossy: &AtomicBool,
) -> io::Result<()> {
    let mut received = BytesMut::new();
    while from.read_buf(&mut received).await? > 0 {
        while let Some(mut reply) = resp::take_frame(&mut received) {
            // A push answers no command.
            if reply[0] != b'>' {
                match expected.recv().await {
                    Some(Expected::Error(error)) => reply = format!("-{error}\r\n").into(),
                    Some(Expected::Silence) => lossy.store(true, Ordering::SeqCst),
                    Some(Expected::AsItIs) | None => {}
                }
            }
            // No stream goes on behind a gap.
            if lossy.load(Ordering::SeqCst) {
                continue;
            }
            let (kept, delay) = shared.treat_reply(reply.len());
            if kept < reply.len() {
                lossy.store(true, Ordering::SeqCst);
            }
            let _ = output.send(Output::Bytes(Instant::now() + delay, reply.slice(..kept)));
        }
    }
    Ok(())
}

async fn deliver(mut outputs: UnboundedReceiver<Output>, mut to: WriteHalf<'_>) -> io::Result<()> {
    let mut ended = false;
    while let Some(output) = outputs.recv().await {
        match output {
            Output::Bytes(due, bytes) if !ended => {
                if due > Instant::now() {
                    sleep_until(due).await;
                }
                to.write_all(&bytes).await?;
            }
            Output::Bytes(..) => {}
            Output::EndOfStream => {
                to.shutdown().await?;
                ended = true;
            }
        }
    }
    Ok(())
}

/// Obeys orders until one says that the connection ends.
async fn until_cut(
    mut orders: watch::Receiver<Orders>,
    mut known: Orders,
    output: &UnboundedSender<Output>,
    lossy: &AtomicBool,
) {
    loop {
        let now = *orders.borrow_and_update();
        let switched = now.switches != known.switches;
        if now.cuts != known.cuts || (switched && lossy.load(Ordering::SeqCst)) {
            return;
        }
        if now.half_closes != known.half_closes {
            lossy.store(true, Ordering::SeqCst);
            let _ = output.send(Output::EndOfStream);
        }
        known = now;
        if orders.changed().await.is_err() {
            return;
        }
    }
}

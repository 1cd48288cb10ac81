//! Which map a surveyor believes, told by nodes that tell what the test wants.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::{cluster, settings};
use crate::storage::redis::node::NodeAddress;
use crate::storage::shared::shards::Shards;
use crate::storage::shared::surveyor::{Source, Surveyor};
use crate::storage::slot::Slot;

/// Something that answers as a Cluster's node does, and says that one node has all slots, at first the one at its own port.
struct Node {
    port: u16,
    epoch: Arc<AtomicU64>,
    owner: Arc<AtomicU16>,
}

impl Node {
    async fn start(epoch: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (epoch, owner) = (Arc::new(AtomicU64::new(epoch)), Arc::new(AtomicU16::new(port)));
        let told = (Arc::clone(&epoch), Arc::clone(&owner));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&told.0), Arc::clone(&told.1)));
            }
        });
        Self { port, epoch, owner }
    }

    /// Says from now on that another one has the slots.
    fn tells_of(&self, port: u16) {
        self.owner.store(port, Ordering::Relaxed);
    }

    fn address(&self) -> NodeAddress {
        format!("redis://127.0.0.1:{}", self.port).parse().unwrap()
    }
}

/// Answers every command by its last word.
async fn answer(stream: TcpStream, epoch: Arc<AtomicU64>, owner: Arc<AtomicU16>) -> Option<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    while let Some(count) = lines.next_line().await.ok()? {
        let mut word = String::new();
        for _ in 0..count.strip_prefix('*')?.parse().ok()? {
            lines.next_line().await.ok()?;
            word = lines.next_line().await.ok()??;
        }
        let (epoch, port) = (epoch.load(Ordering::Relaxed), owner.load(Ordering::Relaxed));
        let reply = match word.as_str() {
            "INFO" => format!("+cluster_current_epoch:{epoch}\r\n"),
            "SLOTS" => format!("*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:{port}\r\n"),
            _ => "+PONG\r\n".into(),
        };
        write.write_all(reply.as_bytes()).await.ok()?;
    }
    None
}

/// A Cluster that begins with these nodes, and who surveys it.
fn surveyed(seeds: Vec<NodeAddress>) -> (Arc<Shards>, Surveyor) {
    let shards = Arc::new(Shards::new(cluster(seeds.clone()), None, settings()));
    let group = Arc::clone(shards.groups().next().unwrap());
    let surveyor = Surveyor::new(&shards, &group, Source::Cluster { seeds });
    (shards, surveyor)
}

/// The node that has the slots after each of some surveys.
async fn owners(surveyor: &mut Surveyor, shards: &Shards, surveys: usize) -> Vec<NodeAddress> {
    let mut owners = Vec::new();
    for _ in 0..surveys {
        surveyor.survey().await.unwrap();
        owners.push(shards.topology().shard_of(Slot(7)).address().clone());
    }
    owners
}

#[tokio::test]
async fn a_node_that_tells_of_the_past_is_not_believed() {
    let (newer, older) = (Node::start(7).await, Node::start(6).await);
    let (shards, mut surveyor) = surveyed(vec![newer.address(), older.address()]);
    // Until both have been asked first, any map is better than none.
    owners(&mut surveyor, &shards, 2).await;
    assert_eq!(owners(&mut surveyor, &shards, 6).await, vec![newer.address(); 6]);
    older.epoch.store(8, Ordering::Relaxed);
    owners(&mut surveyor, &shards, 2).await;
    assert_eq!(owners(&mut surveyor, &shards, 6).await, vec![older.address(); 6]);
}

#[tokio::test]
async fn a_cluster_that_was_made_anew_is_believed_when_nobody_tells_of_the_old_one() {
    let node = Node::start(9).await;
    let (shards, mut surveyor) = surveyed(vec![node.address()]);
    assert_eq!(owners(&mut surveyor, &shards, 1).await, [node.address()]);
    node.epoch.store(1, Ordering::Relaxed);
    let other = Node::start(1).await;
    node.tells_of(other.port);
    let owners = owners(&mut surveyor, &shards, 10).await;
    assert_eq!(owners[..9], vec![node.address(); 9], "those who know better may only be slow");
    assert_eq!(owners[9], other.address());
}

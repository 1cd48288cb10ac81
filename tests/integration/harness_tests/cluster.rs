//! The Redis Cluster.

use crate::harness::RedisCluster;
use crate::harness::resp::Reply;

/// A key of the slot 0, and so of the first master.
const FIRST: &str = "{06S}";

#[tokio::test]
async fn slots_are_served_by_all_masters_and_can_move() {
    let cluster = RedisCluster::start(3, 0).await;
    let widths = [cluster.slots(0).await, cluster.slots(1).await, cluster.slots(2).await];
    assert_eq!(widths, [5461, 5461, 5462]);
    assert_eq!(cluster.urls().len(), 3);
    let moved = cluster.nodes[1].cli(&["SET", FIRST, "1"]).await;
    assert_eq!(moved, Reply::Error(format!("MOVED 0 {}", cluster.nodes[0].address)));
    cluster.nodes[0].cli(&["SET", FIRST, "1"]).await;
    assert_eq!(cluster.keys().await, [FIRST]);
    assert_eq!(cluster.keys_without_expiry().await, [FIRST]);
    cluster.reshard(10, 0, 1).await;
    assert_eq!((cluster.slots(0).await, cluster.slots(1).await), (5451, 5471));
    assert_eq!(cluster.nodes[1].cli(&["GET", FIRST]).await, Reply::Text("1".into()));
}

#[tokio::test]
async fn a_replica_takes_over_when_it_is_told_to_or_its_master_dies() {
    let mut cluster = RedisCluster::start(3, 1).await;
    cluster.nodes[0].cli(&["SET", FIRST, "1"]).await;
    let first = cluster.failover(0).await;
    assert_eq!(first, 3);
    cluster.settled().await;
    assert_eq!(cluster.nodes[first].cli(&["GET", FIRST]).await, Reply::Text("1".into()));
    cluster.nodes[1].kill();
    let second = cluster.promoted(1).await;
    assert_eq!(second, 4);
    assert_eq!(cluster.slots(second).await, 5461);
}

//! Which node of a Redis Cluster has which slots, as one of its nodes tells it.
//!
//! Asked by `CLUSTER SLOTS`, which every version has, or by [`shards`] where that is refused. `CLUSTER INFO` goes before it for the epoch: a node that was cut off
//! tells of the past, and its epoch gives it away, since every failover and every slot that moved made the number grow.

pub(super) mod shards;

use redis::{Pipeline, Value};

use crate::storage::redis::failure::Failure;

/// How many slots every Cluster has.
pub const SLOTS: u16 = 16_384;

/// What a node tells of its Cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterMap {
    /// The highest epoch that the node has heard of; 0 where it does not tell.
    pub epoch: u64,
    /// Slots that are served, and by whom.
    pub ranges: Vec<SlotRange>,
}

/// Slots and the master that has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotRange {
    /// The first slot.
    pub first: u16,
    /// The last one.
    pub last: u16,
    /// The master's host; `None` where it is the host of the node that was asked.
    pub host: Option<String>,
    /// The master's port.
    pub port: u16,
}

/// What is asked.
pub(super) fn question() -> Pipeline {
    let mut pipeline = redis::pipe();
    pipeline.cmd("CLUSTER").arg("INFO").cmd("CLUSTER").arg("SLOTS");
    // A server that refuses to tell the epoch may still tell the slots.
    pipeline.ignore_errors();
    pipeline
}

/// Reads what was answered to [`question`].
pub(super) fn parse(replies: &[Value]) -> Result<ClusterMap, Failure> {
    let [info, slots] = replies else { return Err(malformed()) };
    match slots {
        Value::Array(ranges) => {
            let ranges = ranges.iter().map(range).collect::<Option<Vec<_>>>().ok_or_else(malformed)?;
            // Where a node does not know another one's name it says so, and others will know it.
            let ranges = ranges.into_iter().filter(|range| range.host.as_deref() != Some("?")).collect();
            Ok(ClusterMap { epoch: epoch(info), ranges })
        }
        Value::ServerError(error) => Err(Failure::of_reply(error)),
        _ => Err(malformed()),
    }
}

fn epoch(info: &Value) -> u64 {
    let text = text(info).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("cluster_current_epoch:"));
    line.and_then(|epoch| epoch.trim().parse().ok()).unwrap_or(0)
}

/// First slot, last slot, the master, its replicas; a node is host, port, and what we do not need.
fn range(value: &Value) -> Option<SlotRange> {
    let Value::Array(parts) = value else { return None };
    let [first, last, Value::Array(master), ..] = parts.as_slice() else { return None };
    let [host, port, ..] = master.as_slice() else { return None };
    let host = match host {
        Value::Nil => None,
        host => Some(text(host)?).filter(|host| !host.is_empty()),
    };
    let (first, last) = (number(first)?, number(last)?);
    (first <= last && last < SLOTS).then_some(SlotRange { first, last, host, port: number(port)? })
}

fn number(value: &Value) -> Option<u16> {
    match value {
        Value::Int(number) => u16::try_from(*number).ok(),
        _ => None,
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => String::from_utf8(bytes.clone()).ok(),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => Some(text.clone()),
        _ => None,
    }
}

fn malformed() -> Failure {
    Failure::Other("CLUSTER SLOTS is not a list of slots and nodes".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    fn slots(first: i64, last: i64, host: Value, port: i64) -> Value {
        let master = Value::Array(vec![host, Value::Int(port), bulk("id"), Value::Array(vec![])]);
        let replica = Value::Array(vec![bulk("10.0.0.9"), Value::Int(1), bulk("id")]);
        Value::Array(vec![Value::Int(first), Value::Int(last), master, replica])
    }

    fn served(first: u16, last: u16, host: Option<&str>, port: u16) -> SlotRange {
        SlotRange { first, last, host: host.map(Into::into), port }
    }

    #[test]
    fn masters_are_read_with_their_slots() {
        let info = bulk("cluster_state:ok\r\ncluster_current_epoch:7\r\n");
        let ranges = Value::Array(vec![
            slots(0, 8_000, bulk("10.0.0.1"), 6379),
            slots(8_001, 8_001, Value::Nil, 6380),
            slots(8_002, 9_000, bulk(""), 6381),
            slots(9_001, 16_383, bulk("?"), 6382),
        ]);
        let map = parse(&[info, ranges]).unwrap();
        assert_eq!(map.epoch, 7);
        let expected = [
            served(0, 8_000, Some("10.0.0.1"), 6379),
            served(8_001, 8_001, None, 6380),
            served(8_002, 9_000, None, 6381),
        ];
        assert_eq!(map.ranges, expected);
    }

    #[test]
    fn what_is_no_map_is_refused() {
        let node = || bulk("10.0.0.1");
        for ranges in [
            bulk("nonsense"),
            Value::Array(vec![bulk("nonsense")]),
            Value::Array(vec![slots(0, 16_384, node(), 6379)]),
            Value::Array(vec![slots(5, 4, node(), 6379)]),
            Value::Array(vec![slots(-1, 4, node(), 6379)]),
            Value::Array(vec![slots(0, 4, node(), 70_000)]),
        ] {
            assert!(parse(&[Value::Nil, ranges.clone()]).is_err(), "{ranges:?}");
        }
        assert!(parse(&[]).is_err());
    }
}

//! Which server has which slots, as somebody tells who should know.
//!
//! A Redis Cluster's nodes are asked by `CLUSTER SLOTS`, which every version has, or by [`shards`] where that is refused. `CLUSTER
//! INFO` goes before it for the epoch: a node that was cut off tells of the past, and its epoch gives it away, since every
//! failover made the number grow. Moving a slot need not, so nodes may disagree about one for a moment, which redirects
//! correct. Sentinels tell a `config-epoch`, which does the same.

pub(super) mod shards;

use redis::{Pipeline, Value};

use crate::storage::redis::failure::Failure;

/// How many slots every Cluster has.
pub const SLOTS: u16 = 16_384;

/// What somebody tells of a group of servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotMap {
    /// The highest epoch that it has heard of; 0 where it does not tell.
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
pub(super) fn parse(replies: &[Value]) -> Result<SlotMap, Failure> {
    let [info, slots] = replies else { return Err(malformed()) };
    match slots {
        Value::Array(ranges) => {
            let ranges = ranges.iter().map(range).collect::<Option<Vec<_>>>().ok_or_else(malformed)?;
            // Where a node does not know another one's name it says so, and others will know it.
            let ranges = ranges.into_iter().filter(|range| range.host.as_deref() != Some("?")).collect();
            Ok(SlotMap { epoch: epoch(info), ranges })
        }
        Value::ServerError(error) => Err(Failure::of_reply(error)),
        _ => Err(malformed()),
    }
}

/// Reads what a Sentinel answered to `SENTINEL GET-MASTER-ADDR-BY-NAME` and to `SENTINEL MASTER`, which is names and values by
/// turns. Only the former tells the new address as soon as the epoch is the new one.
pub(super) fn parse_master(address: &Value, master: &Value) -> Result<SlotMap, Failure> {
    let malformed = || Failure::Other("a Sentinel's answer names no master".into());
    let fields: Vec<(String, String)> = match master {
        Value::Array(values) => {
            values.chunks_exact(2).filter_map(|pair| Some((text(&pair[0])?, text(&pair[1])?))).collect()
        }
        Value::Map(pairs) => {
            pairs.iter().filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect()
        }
        _ => return Err(malformed()),
    };
    let epoch = fields.iter().find(|(name, _)| name == "config-epoch");
    let epoch = epoch.and_then(|(_, epoch)| epoch.parse().ok()).unwrap_or(0);
    let Value::Array(address) = address else { return Err(malformed()) };
    let [host, port] = address.as_slice() else { return Err(malformed()) };
    let address = text(host).zip(text(port).and_then(|port| port.parse().ok()));
    let (host, port) = address.filter(|(host, _)| !host.is_empty()).ok_or_else(malformed)?;
    Ok(SlotMap { epoch, ranges: vec![SlotRange { first: 0, last: 0, host: Some(host), port }] })
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
    fn a_master_is_read_from_a_list_or_a_map() {
        // In the midst of a failover the fields still have the old address.
        let fields = [("name", "mesh"), ("ip", "10.0.0.9"), ("port", "6379"), ("config-epoch", "4")];
        let list = fields.iter().flat_map(|(name, value)| [bulk(name), bulk(value)]).collect();
        let map = fields.iter().map(|(name, value)| (bulk(name), bulk(value))).collect();
        let address = Value::Array(vec![bulk("10.0.0.1"), bulk("6379")]);
        for fields in [Value::Array(list), Value::Map(map)] {
            let master = parse_master(&address, &fields).unwrap();
            assert_eq!(master, SlotMap { epoch: 4, ranges: vec![served(0, 0, Some("10.0.0.1"), 6379)] });
            for nonsense in [Value::Nil, Value::Array(vec![]), Value::Array(vec![bulk(""), bulk("6379")])] {
                assert!(parse_master(&nonsense, &fields).is_err(), "{nonsense:?}");
            }
        }
        assert!(parse_master(&address, &Value::Nil).is_err());
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

//! The same map from `CLUSTER SHARDS`, which Redis has from version 7 on: for servers that tell it and refuse `CLUSTER SLOTS`.

use redis::{Pipeline, Value};

use super::{SLOTS, SlotMap, SlotRange, epoch, number, text};
use crate::storage::redis::failure::Failure;

/// What is asked.
pub(in crate::storage::redis) fn question() -> Pipeline {
    let mut pipeline = redis::pipe();
    pipeline.cmd("CLUSTER").arg("INFO").cmd("CLUSTER").arg("SHARDS");
    pipeline.ignore_errors();
    pipeline
}

/// Reads what was answered to [`question`].
pub(in crate::storage::redis) fn parse(replies: &[Value]) -> Result<SlotMap, Failure> {
    let malformed = || Failure::Other("CLUSTER SHARDS is not a list of slots and nodes".into());
    let [info, shards] = replies else { return Err(malformed()) };
    match shards {
        Value::Array(shards) => {
            let ranges = shards.iter().map(ranges).collect::<Option<Vec<_>>>().ok_or_else(malformed)?;
            Ok(SlotMap { epoch: epoch(info), ranges: ranges.concat() })
        }
        Value::ServerError(error) => Err(Failure::of_reply(error)),
        _ => Err(malformed()),
    }
}

/// The slots of one shard, which are its master's. A shard without a master, or with one whose host nobody knows, has none for us.
fn ranges(shard: &Value) -> Option<Vec<SlotRange>> {
    let (Value::Array(slots), Value::Array(nodes)) = (field(shard, "slots")?, field(shard, "nodes")?) else {
        return None;
    };
    let is_master = |node: &&Value| field(node, "role").and_then(text).as_deref() == Some("master");
    let Some(master) = nodes.iter().find(is_master) else { return Some(Vec::new()) };
    let host = field(master, "endpoint").and_then(text).filter(|host| !host.is_empty());
    if host.as_deref() == Some("?") {
        return Some(Vec::new());
    }
    let port = number(field(master, "port").or_else(|| field(master, "tls-port"))?)?;
    let range = |ends: &[Value]| {
        let (first, last) = (number(ends.first()?)?, number(ends.get(1)?)?);
        (first <= last && last < SLOTS).then(|| SlotRange { first, last, host: host.clone(), port })
    };
    slots.chunks(2).map(range).collect()
}

/// The value behind a name: both stand in one list.
fn field<'v>(fields: &'v Value, name: &str) -> Option<&'v Value> {
    let Value::Array(fields) = fields else { return None };
    fields.chunks_exact(2).find(|pair| text(&pair[0]).as_deref() == Some(name)).map(|pair| &pair[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    fn node(role: &str, endpoint: Value, port: i64) -> Value {
        let fields = [
            ("id", bulk("f00")),
            ("port", Value::Int(port)),
            ("ip", bulk("10.0.0.7")),
            ("endpoint", endpoint),
            ("role", bulk(role)),
        ];
        Value::Array(fields.into_iter().flat_map(|(name, value)| [bulk(name), value]).collect())
    }

    fn shard(slots: &[i64], nodes: Vec<Value>) -> Value {
        let slots = Value::Array(slots.iter().map(|&slot| Value::Int(slot)).collect());
        Value::Array(vec![bulk("slots"), slots, bulk("nodes"), Value::Array(nodes)])
    }

    #[test]
    fn masters_are_read_with_their_slots() {
        let shards = vec![
            shard(
                &[0, 99, 200, 200],
                vec![node("replica", bulk("b"), 2), node("master", bulk("a.example"), 1)],
            ),
            shard(&[100, 199], vec![node("master", Value::Nil, 3)]),
            shard(&[201, 300], vec![node("master", bulk("?"), 4)]),
            shard(&[301, 400], vec![node("replica", bulk("c"), 5)]),
            shard(&[], vec![node("master", bulk("d"), 6)]),
        ];
        let map = parse(&[bulk("cluster_current_epoch:7\r\n"), Value::Array(shards)]).unwrap();
        let range = |first, last, host: Option<&str>, port| SlotRange {
            first,
            last,
            host: host.map(Into::into),
            port,
        };
        let (first, second) = (range(0, 99, Some("a.example"), 1), range(200, 200, Some("a.example"), 1));
        assert_eq!(map, SlotMap { epoch: 7, ranges: vec![first, second, range(100, 199, None, 3)] });
    }

    #[test]
    fn what_is_no_map_is_refused() {
        let master = || vec![node("master", bulk("a"), 1)];
        for shards in [
            bulk("nonsense"),
            Value::Array(vec![bulk("nonsense")]),
            Value::Array(vec![Value::Array(vec![])]),
            Value::Array(vec![shard(&[5], master())]),
            Value::Array(vec![shard(&[6, 5], master())]),
            Value::Array(vec![shard(&[0, 16_384], master())]),
            Value::Array(vec![shard(&[0, 1], vec![node("master", bulk("a"), 70_000)])]),
        ] {
            assert!(parse(&[Value::Nil, shards.clone()]).is_err(), "{shards:?}");
        }
        assert!(parse(&[]).is_err());
    }
}

//! The table against a model: what is found, what expires, and what gives way.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn now(secs: u64) -> Timestamp {
    Timestamp::from_secs(secs)
}

/// All keys share one hash, so that only their bytes tell them apart.
fn key(bytes: &[u8]) -> HashedKey<'_> {
    HashedKey { hash: 7, bytes }
}

fn found<'t>(table: &'t Table<u32>, bytes: &[u8]) -> Option<&'t u32> {
    table.find(key(bytes)).map(|id| table.value(id))
}

#[test]
fn a_full_table_hands_back_what_is_worth_least_then_what_expires_first() {
    let mut table = Table::new(3);
    assert_eq!(table.insert(key(b"dear"), 9, 5, now(0)), None);
    assert_eq!(table.insert(key(b"late"), 1, 30, now(0)), None);
    assert_eq!(table.insert(key(b"soon"), 1, 10, now(0)), None);
    assert_eq!(table.insert(key(b"new"), 3, 20, now(0)), Some(Evicted { expires: 10, value: 1 }));
    assert_eq!(table.insert(key(b"newer"), 3, 20, now(0)), Some(Evicted { expires: 30, value: 1 }));
    assert_eq!((found(&table, b"dear"), found(&table, b"new")), (Some(&9), Some(&3)));
}

#[test]
fn a_flood_of_little_worth_does_not_wash_away_what_is_dear() {
    let mut table = Table::new(1_000);
    for name in 0..10_u32 {
        table.insert(key(&name.to_be_bytes()), 50, 10, now(0));
    }
    for name in 10..20_000_u32 {
        let hash = u64::from(name).wrapping_mul(0x9E37_79B9);
        let bytes = name.to_be_bytes();
        table.insert(HashedKey { hash, bytes: &bytes }, 1, 99, now(0));
    }
    let left = (0..10_u32).filter(|name| found(&table, &name.to_be_bytes()).is_some()).count();
    assert_eq!((left, table.len()), (10, 1_000));
}

impl Worth for u32 {
    fn worth(&self, _key: &[u8]) -> u64 {
        u64::from(*self)
    }
}

#[test]
fn what_has_expired_makes_room_before_anything_has_to_give_way() {
    let mut table = Table::new(2);
    table.insert(key(b"late"), 1, 30, now(0));
    table.insert(key(b"soon"), 2, 10, now(0));
    assert_eq!(table.insert(key(b"new"), 3, 20, now(10)), None);
    assert_eq!(table.len(), 2);
}

#[test]
fn a_change_of_expiry_is_obeyed() {
    let mut table = Table::new(9);
    for name in [b"a", b"b", b"c"] {
        table.insert(key(name), 1, 10, now(0));
    }
    let id = table.find(key(b"b")).unwrap();
    table.update(id, 2, 20);
    assert_eq!(table.expire(now(15), 9), 2);
    assert_eq!((found(&table, b"b"), table.len()), (Some(&2), 1));
    assert_eq!((table.expire(now(20), 9), table.len()), (1, 0));
}

#[test]
fn a_walk_meets_every_entry_and_skips_what_was_taken_away() {
    let mut table = Table::new(9);
    for name in [b"a", b"b", b"c", b"d"] {
        table.insert(key(name), 1, 10, now(0));
    }
    table.remove(table.find(key(b"b")).unwrap());
    let met: Vec<_> = (0..table.places()).filter_map(|place| table.at(place)).collect();
    assert_eq!(met, [b"a", b"c", b"d"]);
    *table.value_mut(0) = 5;
    assert_eq!(found(&table, b"a"), Some(&5));
    for id in [3, 0, 2] {
        table.remove(id);
    }
    assert_eq!((table.places(), table.len()), (0, 0), "an empty table costs no walk");
    table.insert(key(b"e"), 1, 10, now(0));
    assert_eq!((table.at(0), found(&table, b"e")), (Some(&b"e"[..]), Some(&1)));
}

#[derive(Debug, Clone)]
enum Step {
    Put { name: u8, expires: u64 },
    Remove { name: u8 },
    Expire { at: u64, most: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..12_u8, 1..20_u64).prop_map(|(name, expires)| Step::Put { name, expires }),
        1 => (0..12_u8).prop_map(|name| Step::Remove { name }),
        1 => (0..20_u64, 0..4_usize).prop_map(|(at, most)| Step::Expire { at, most }),
    ]
}

proptest! {
    #[test]
    fn equals_a_model(steps in proptest::collection::vec(step(), 1..120)) {
        let (mut table, mut model) = (Table::new(6), BTreeMap::new());
        for (value, step) in (0_u32..).zip(steps) {
            match step {
                Step::Put { name, expires } => match table.find(key(&[name])) {
                    Some(id) => {
                        table.update(id, value, expires);
                        model.insert(name, (expires, value));
                    }
                    None => {
                        let least = model.values().map(|&(expires, value)| (value, expires)).min();
                        let evicted = table.insert(key(&[name]), value, expires, now(0));
                        prop_assert_eq!(evicted.is_some(), model.len() == 6);
                        if let Some(evicted) = evicted {
                            prop_assert_eq!(Some((evicted.value, evicted.expires)), least);
                            model.retain(|_, stored| *stored != (evicted.expires, evicted.value));
                        }
                        model.insert(name, (expires, value));
                    }
                },
                Step::Remove { name } => {
                    let removed = table.find(key(&[name])).map(|id| table.remove(id));
                    prop_assert_eq!(removed, model.remove(&name).map(|(_, value)| value));
                }
                Step::Expire { at, most } => {
                    let ripe = model.values().filter(|(expires, _)| *expires <= at).count();
                    prop_assert_eq!(table.expire(now(at), most), ripe.min(most));
                    model.retain(|name, _| table.find(key(&[*name])).is_some());
                }
            }
            prop_assert_eq!(table.len(), model.len());
            for name in 0..12_u8 {
                prop_assert_eq!(found(&table, &[name]), model.get(&name).map(|(_, value)| value));
            }
        }
    }
}

/// Keys that are kept in different ways, and more of them than a chunk of places holds.
#[test]
fn keys_of_any_length_are_found_and_walked_over() {
    let mut table = Table::new(500);
    let names: Vec<Vec<u8>> = (0..500_usize).map(|name| name.to_be_bytes().repeat(name % 25 + 1)).collect();
    for (value, name) in (0..).zip(&names) {
        assert_eq!(table.insert(key(name), value, 10, now(0)), None);
    }
    for (value, name) in (0..).zip(&names) {
        assert_eq!(found(&table, name), Some(&value));
    }
    let (first, mut next) = table.piece(0, 70);
    let mut met: Vec<&[u8]> = first.map(|(key, _)| key).collect();
    while let Some(from) = next {
        let (piece, then) = table.piece(from, 70);
        met.extend(piece.map(|(key, _)| key));
        next = then;
    }
    assert_eq!(met, names);
}

/// Expired entries come and go in other places than those that stay; a table must not take more and more room for that.
#[test]
fn places_are_used_again() {
    let mut table = Table::new(10_000);
    for second in 0..100 {
        for name in 0..100_u64 {
            let bytes = [second, name].map(u64::to_be_bytes).concat();
            let hash = (second * 100 + name).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let expires = if name == 0 { u64::MAX } else { second + 2 };
            table.insert(HashedKey { hash, bytes: &bytes }, 1, expires, now(second));
        }
        table.expire(now(second), usize::MAX);
    }
    assert!(table.len() <= 300, "{}", table.len());
    assert!(table.places() <= 2 * 300 + 21, "{} places", table.places());
}

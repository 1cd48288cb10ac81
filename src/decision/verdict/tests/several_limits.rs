//! A rule with several limits: one status, which tells of the most restrictive.

use super::*;

/// 10 a second named `burst`, 100 an hour, and 1000 a day named `day` whose hits count five times.
fn rule_of_three(change: impl FnOnce(&mut DescriptorSpec)) -> RuleSet {
    let limit = |number, period, name: Option<&str>, multiplier: u32| LimitSpec {
        quota: QuotaSpec::Counted(Limit::new(number, period)),
        name: name.map(Into::into),
        replaces: Vec::new(),
        cost: Cost { multiplier: multiplier.try_into().unwrap(), ..Cost::PLAIN },
    };
    let three = rule("three", |spec| {
        spec.limit = Some(limit(10, Period::SECOND, Some("burst"), 1));
        spec.further_limits =
            vec![limit(100, Period::HOUR, None, 1), limit(1_000, Period::DAY, Some("day"), 5)];
        change(spec);
    });
    let replacing = |key: &str, name: &str| {
        rule(key, |spec| spec.limit.as_mut().unwrap().replaces = vec![name.to_owned()])
    };
    let descriptors =
        vec![three, replacing("no-burst", "burst"), replacing("no-day", "day"), rule("one", |_| {})];
    RuleSet::compile(&[DomainSpec { name: "d".into(), descriptors }]).unwrap()
}

fn read(limits: &[u32], counts: &[u64]) -> Vec<HitAnswer> {
    let over = |(&limit, &count): (&u32, &u64)| Reading::of_window(count, count > u64::from(limit));
    limits.iter().zip(counts).map(over).map(HitAnswer::from).collect()
}

/// What is told where the three limits have these counts: the outcome, which limit, what remains and for how long. It is half a
/// minute to midnight.
#[track_caller]
fn check(counts: [u64; 3], expected: (Outcome, Option<&str>, u32, u64)) {
    let rules = rule_of_three(|_| {});
    let request = Request { domain: "d", descriptors: smallvec![descriptor("three")] };
    let plan = Plan::new(&request, &rules, MODES);
    let verdict = Verdict::new(&plan, &read(&[10, 100, 1_000], &counts), Timestamp::from_secs(86_400 - 30));
    let [status] = verdict.statuses.as_slice() else { panic!("one descriptor has one status") };
    let limited = status.limited.unwrap();
    let told = (status.outcome, status.name(), limited.remaining, limited.until_reset.as_secs());
    assert_eq!(told, expected, "{counts:?}");
    assert_eq!(verdict.denied, status.is_over());
    assert_eq!(limited.limit, status.rule.unwrap().limits().unwrap().get(limited.number).unwrap().limit);
}

#[test]
fn the_most_restrictive_is_told() {
    use Outcome::{Near, Ok, Over};
    check([1, 1, 5], (Ok, Some("burst"), 9, 1));
    check([5, 50, 500], (Ok, Some("burst"), 5, 1));
    // The least remaining, of two with as much the first.
    check([1, 95, 500], (Near, None, 5, 30));
    check([5, 95, 995], (Near, Some("burst"), 5, 1));
    check([2, 93, 995], (Near, Some("day"), 5, 30));
    // Near where any is, though another one is told of.
    check([5, 90, 500], (Near, Some("burst"), 5, 1));
    check([5, 60, 990], (Near, Some("burst"), 5, 1));
    // What is over goes first, and of several the one that takes longest.
    check([1, 101, 500], (Over, None, 0, 30));
    check([10, 60, 1_001], (Over, Some("day"), 0, 30));
    check([11, 101, 1_001], (Over, None, 0, 30));
    check([11, 60, 500], (Over, Some("burst"), 0, 1));
    check([11, 100, 1_000], (Over, Some("burst"), 0, 1));
}

#[test]
fn each_limit_has_a_hit_a_counter_and_a_cost_of_its_own() {
    let rules = rule_of_three(|spec| spec.quota_mode = true);
    let request = Request { domain: "d", descriptors: smallvec![descriptor("three"), descriptor("one")] };
    let plan = Plan::new(&request, &rules, MODES);
    let hits = plan.batch().hits.iter().map(|hit| {
        (format!("{:?}", hit.key), hit.limit.requests_per_unit, hit.hits, hit.role.quota, hit.role.continues)
    });
    assert_eq!(
        hits.collect::<Vec<_>>(),
        [
            ("1|f1|d|three=v".to_owned(), 10, Hits::Take(1), true, false),
            ("1|f3600|d|three=v".to_owned(), 100, Hits::Take(1), true, true),
            ("1|f86400|d|three=v".to_owned(), 1_000, Hits::Take(5), true, true),
            ("1|f3600|d|one=v".to_owned(), 10, Hits::Take(1), false, false),
        ]
    );
}

#[test]
fn a_share_is_a_share_of_each() {
    let rules = rule_of_three(|_| {});
    let request = Request { domain: "d", descriptors: smallvec![descriptor("three")] };
    let modes = Modes { limit_share: LimitShare::new(0.5).unwrap(), ..MODES };
    let plan = Plan::new(&request, &rules, modes);
    let limits: Vec<u32> = plan.batch().hits.iter().map(|hit| hit.limit.requests_per_unit).collect();
    assert_eq!(limits, [5, 50, 500]);
}

/// The outcomes of descriptors with these keys, whose limits have these counts.
#[track_caller]
fn check_all(
    change: impl FnOnce(&mut DescriptorSpec),
    keys: &[&str],
    limits: &[u32],
    counts: &[u64],
    expected: (bool, &[Outcome]),
) {
    let rules = rule_of_three(change);
    let request = Request { domain: "d", descriptors: keys.iter().map(|key| descriptor(key)).collect() };
    let plan = Plan::new(&request, &rules, MODES);
    assert_eq!(plan.batch().hits.len(), counts.len());
    let verdict = Verdict::new(&plan, &read(limits, counts), Timestamp::from_secs(0));
    let outcomes: Vec<_> = verdict.statuses.iter().map(|status| status.outcome).collect();
    assert_eq!((verdict.denied, outcomes.as_slice()), expected, "{keys:?} {counts:?}");
}

#[test]
fn modes_are_the_rules() {
    use Outcome::{Ok, Over, Shadow};
    let (three, four) = ([10, 100, 1_000], [10, 100, 1_000, 10]);
    check_all(|spec| spec.shadow_mode = true, &["three"], &three, &[1, 101, 5], (false, &[Shadow]));
    check_all(|_| {}, &["three", "one"], &four, &[1, 1, 5, 11], (true, &[Ok, Over]));
    let quota = |spec: &mut DescriptorSpec| spec.quota_mode = true;
    check_all(quota, &["three"], &three, &[1, 101, 5], (true, &[Over]));
    let six = [10, 100, 1_000, 10, 100, 1_000];
    check_all(quota, &["three", "three"], &six, &[11, 1, 5, 1, 1, 5], (false, &[Over, Ok]));
    check_all(quota, &["three", "three"], &six, &[1, 101, 5, 1, 1, 1_005], (true, &[Over, Over]));
}

#[test]
fn a_rule_is_replaced_whole_by_any_of_its_names() {
    use Outcome::{Ok, Replaced};
    check_all(|_| {}, &["three", "no-burst"], &[10], &[1], (false, &[Replaced, Ok]));
    check_all(|_| {}, &["no-day", "three"], &[10], &[1], (false, &[Ok, Replaced]));
}

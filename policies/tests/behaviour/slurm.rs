//! Slurm's priority: the examples of its documentation, trees by hand, and a naive sort.

use std::cmp::Reverse;

use engine::decay::{ONE, halved};
use engine::{
    ClassId, Core, Event, Input, Inventory, JobId, JobSpec, MICROS, NameId, QueueId, Shape, Span, State, TaskRequest,
    TenantId, Tenants, Time,
};
use policies::slurm::{FairShareRule, Multifactor, SizeRule, Weights, classic, fair_tree};
use policies::{Context, build};
use proptest::prelude::*;

use crate::bench::asked;
use crate::play::{Passing, Planned, Play, expected};

fn play(gpus: u32, policy: &str, tenants: &[(&str, Option<u32>, u32)]) -> Play {
    Play::new(gpus, build(policy, Context::default()).unwrap().policy, tenants)
}

fn of(tenant: u32, job: Planned) -> Planned {
    job.with(|spec| spec.tenant = TenantId(tenant))
}

/// Factors from 0 to 1.
fn shares(factors: Vec<u64>) -> Vec<f64> {
    factors.into_iter().map(|factor| factor as f64 / ONE as f64).collect()
}

/// <https://slurm.schedmd.com/classic_fair_share.html>, figure 3. There the machine has idled for 0.3 of the time; here somebody with
/// next to no share used that.
const FIGURE_3: [(&str, Option<u32>, u32); 12] = [
    ("A", None, 400_000_000),
    ("D", None, 600_000_000),
    ("B", Some(0), 30_000),
    ("C", Some(0), 10_000),
    ("E", Some(1), 25_000),
    ("F", Some(1), 35_000),
    ("1", Some(2), 1000),
    ("2", Some(3), 1000),
    ("3", Some(3), 1000),
    ("4", Some(4), 1000),
    ("5", Some(5), 1000),
    ("idle", None, 1),
];

fn figure_3(policy: &str) -> Play {
    let mut play = play(5, policy, &FIGURE_3);
    let used = [(6, 1, 200), (7, 1, 250), (9, 1, 250), (11, 5, 60)];
    play.run(used.map(|(tenant, gpus, secs)| of(tenant, Planned::new(0, gpus, secs))).to_vec(), u64::MAX, |_, _| {});
    play
}

#[test]
fn classic_is_the_example_of_the_documentation() {
    let play = figure_3("slurm[half-life=0]");
    let tenants = play.core.state().tenants();
    let factors = shares(classic(tenants, play.core.state().now(), 1000));
    for (user, expected) in [0.408_479, 0.022_097, 0.125, 0.5, 0.749_154].into_iter().enumerate() {
        let found = factors[6 + user];
        // The documentation rounds the usage of user 5 to 0.1458.
        assert!((found - expected).abs() < 1e-4, "user {}: {found}, {expected}", user + 1);
    }
    let damped = shares(classic(tenants, play.core.state().now(), 10_000));
    assert!((damped[8].powi(10) - 0.125).abs() < 1e-5, "dampening of 10: a tenth of the exponent");
}

#[test]
fn classic_orders_the_five_users_so() {
    let mut play = figure_3("slurm[fair-share=10000,tree=classic,half-life=0]");
    let at = 1_000_000;
    let mut jobs = vec![of(11, Planned::new(at, 5, 1))];
    jobs.extend((6..=10).map(|user| of(user, Planned::new(at, 1, 1))));
    let mut order = Vec::new();
    play.run(jobs, u64::MAX, |_, started| order.extend(started.iter().map(|job| job.0)));
    assert_eq!(order, [9, 8, 5, 7, 6, 4], "users 5, 4, 1, 3, 2, then whoever idles");
}

/// LF in brackets; users: c, a1, a2, x, y, b1, b2.
///
/// ```text
/// A (.5/.6)                    B (.25/.3 = that of A)      c (.25/.1 = 2.5)
/// a1 (.25/.5)  a2 (inf)  A3 (1)    b1 (1)  b2 (1)
///                        x (1)  y (1)
/// ```
#[test]
fn fair_tree_by_hand_with_ties() {
    let tenants = [
        ("A", None, 2000),
        ("B", None, 1000),
        ("c", None, 1000),
        ("a1", Some(0), 1000),
        ("a2", Some(0), 1000),
        ("A3", Some(0), 2000),
        ("x", Some(5), 1000),
        ("y", Some(5), 1000),
        ("b1", Some(1), 1000),
        ("b2", Some(1), 1000),
    ];
    let mut play = play(1, "slurm[half-life=0]", &tenants);
    let used = [(2, 100), (3, 300), (6, 150), (7, 150), (8, 150), (9, 150)];
    play.run(used.map(|(tenant, secs)| of(tenant, Planned::new(0, 1, secs))).to_vec(), u64::MAX, |_, _| {});
    let factors = shares(fair_tree(play.core.state().tenants(), play.core.state().now()));
    let sevenths: Vec<u64> = factors.iter().map(|factor| (factor * 7.0).round() as u64).collect();
    // A and B are walked as one. In it a2 is first; b1, b2 and the account A3 are level, so that x and y have their rank;
    // four users had rank 5, so that a1 has rank 1.
    assert_eq!(sevenths, [6, 5, 7, 1, 6, 5, 5, 5, 5, 5], "A B c a1 a2 A3 x y b1 b2");
}

/// Without any usage every LF is infinite: all users of one parent tie, and so do accounts.
#[test]
fn fair_tree_without_usage_is_one_tie() {
    let play = play(
        1,
        "slurm",
        &[("A", None, 1000), ("a", Some(0), 1000), ("b", None, 500), ("B", None, 1), ("c", Some(3), 1)],
    );
    assert_eq!(fair_tree(play.core.state().tenants(), Time::ZERO), [ONE; 5]);
}

/// Users by a comparison of each pair: at their first common ancestor, the one below the sibling of higher LF is ranked
/// higher. Holds where no two siblings tie.
fn outranks(tenants: &Tenants, now: Time, a: TenantId, b: TenantId) -> bool {
    let path = |user| tenants.ancestry(user).collect::<Vec<_>>().into_iter().rev();
    let (a, b) = path(a).zip(path(b)).find(|(a, b)| a != b).unwrap();
    // S / U among siblings: the sums cancel.
    let used_per_share = |id| tenants.usage(id, now) as f64 / f64::from(tenants.get(id).terms.weight_milli);
    used_per_share(a) < used_per_share(b)
}

proptest! {
    #[test]
    fn a_user_of_a_better_account_is_before_all_of_a_worse(
        parents in prop::collection::vec((prop::option::of(0u32..8), 1u32..10_000), 8..20),
    ) {
        let tenants: Vec<(String, Option<u32>, u32)> = parents
            .iter()
            .enumerate()
            .map(|(at, (parent, weight))| (at.to_string(), parent.filter(|parent| (*parent as usize) < at), *weight))
            .collect();
        let named: Vec<_> = tenants.iter().map(|(name, parent, weight)| (name.as_str(), *parent, *weight)).collect();
        let mut play = play(1, "slurm[half-life=0]", &named);
        let users: Vec<u32> = (0..named.len() as u32).filter(|at| !named.iter().any(|(_, parent, _)| *parent == Some(*at))).collect();
        // Odd primes to powers: no two usages per weight are equal but by rare chance.
        let used = users.iter().map(|user| of(*user, Planned::new(0, 1, 997 * (u64::from(*user) + 1).pow(3) + 1)));
        play.run(used.collect(), u64::MAX, |_, _| {});
        let (tenants, now) = (play.core.state().tenants(), play.core.state().now());
        let factors = fair_tree(tenants, now);
        for a in &users {
            for b in users.iter().filter(|b| *b != a) {
                let (a, b) = (TenantId(*a), TenantId(*b));
                if outranks(tenants, now, a, b) && !outranks(tenants, now, b, a) {
                    prop_assert!(factors[a.index()] > factors[b.index()]);
                }
            }
        }
        prop_assert_eq!(factors.iter().max(), Some(&ONE));
    }
}

/// A line of a real log (brooks.chem.lsa.umich.edu, priority of job 1601032): fair share 2^-(0.111913 / 0.002453) with a
/// dampening of 10 is 0.042337; age 0.251721 x 16800, size 0.996510 x 10000 favouring small, partition 2/3 x 30000,
/// QOS 0, nice 2500: 32752.49 in all.
#[test]
fn the_sum_is_that_of_a_real_log() {
    let fair_share = halved(111_913 * 1000, 2453 * 10_000) as f64 / ONE as f64;
    assert!((fair_share - 0.042_337).abs() < 1e-6 * 25.0, "{fair_share}");
    let weights = Weights { age: 16_800, size: 10_000, partition: 30_000, qos: 25_000, ..Weights::default() };
    let rule = Multifactor {
        weights,
        age_max: Span::secs(1_000_000),
        half_life: None,
        period: Span::secs(300),
        fair_share: FairShareRule::FairTree,
        size: SizeRule::Small,
        partitions: vec![("a".to_owned(), 3), ("standard".to_owned(), 2)],
        qos: vec![("high".to_owned(), 1)],
        tiers: Vec::new(),
    };
    let policy = asked(move |draft| {
        if draft.now() > Time::ZERO {
            let points = rule.priority(draft, JobId(0)) as f64 / 65_536.0;
            assert!((points - (32_752.49 - 1058.42)).abs() < 0.1, "the log rounds its factors: {points}");
        }
    });
    let mut core = Core::new(Inventory::uniform(12_500, 8, "A100"), policy);
    let spec = JobSpec { queue: QueueId(1), priority: -2500, ..JobSpec::plain(ClassId(0), TenantId(0)) };
    let events = [
        Event::ClassDeclared { class: ClassId(0), shape: Shape::uniform(349, TaskRequest::whole_gpus(1)) },
        Event::ClassDeclared { class: ClassId(1), shape: Shape::uniform(1, TaskRequest::whole_gpus(1)) },
        Event::TenantDeclared { tenant: TenantId(0), name: "all".to_owned(), parent: None, weight_milli: 1000 },
        Event::QueueDeclared { queue: QueueId(1), name: "standard".to_owned() },
        Event::Submitted { job: JobId(0), spec: Box::new(spec), truth: None },
    ];
    let at = |time, event| Input { at: time, event };
    core.step(&events.map(|event| at(Time::ZERO, event)), &mut Vec::new()).unwrap();
    let other = JobSpec::plain(ClassId(1), TenantId(0));
    let later = Event::Submitted { job: JobId(1), spec: Box::new(other), truth: None };
    core.step(&[at(Time(251_721 * MICROS), later)], &mut Vec::new()).unwrap();
}

/// A job that has waited for max-age gains no more: one that came later and is larger overtakes it then.
#[test]
fn age_is_full_after_max_age() {
    // 100 points in 100 s; 4 points for each GPU of 4.
    let policy = "slurm[age=100,size=16,max-age=0.00115740740740741,behind=blocked]";
    let order = |until: u64| {
        let mut play = play(4, policy, &[("all", None, 1000)]);
        let jobs = vec![Planned::new(0, 4, until), Planned::new(1, 1, 1), Planned::new(20, 4, 1)];
        let mut order = Vec::new();
        play.run(jobs, u64::MAX, |_, started| order.extend(started.iter().map(|job| job.0)));
        order
    };
    assert_eq!(order(50), [0, 1, 2], "49 + 4 against 30 + 16");
    assert_eq!(order(107), [0, 1, 2], "100 + 4 against 87 + 16");
    assert_eq!(order(109), [0, 2, 1], "100 + 4 against 89 + 16");
}

fn plans(step_s: u64) -> impl Strategy<Value = Vec<Planned>> {
    let one = (0u64..80, 1u32..=4, 1u64..30, 0u32..5, 0u16..3, prop::option::of(0u32..2), -3i32..3);
    let job = move |(at, gpus, secs, tenant, queue, qos, priority): (u64, u32, u64, u32, u16, Option<u32>, i32)| {
        Planned::new(at * step_s, gpus, secs * step_s).with(|spec| {
            (spec.tenant, spec.queue) = (TenantId(tenant), QueueId(queue));
            (spec.qos, spec.priority) = (qos.map(NameId), priority * 100);
        })
    };
    prop::collection::vec(one.prop_map(job), 1..60).prop_map(|mut jobs| {
        jobs.sort_by_key(|job| job.at_s);
        jobs
    })
}

const TREE: [(&str, Option<u32>, u32); 5] =
    [("a", None, 1000), ("b", None, 3000), ("a1", Some(0), 1000), ("a2", Some(0), 2000), ("b1", Some(1), 1000)];

/// All that does not change, in points times 65,536: size 400 x g / 4, partition 300 x 1 or 1/2, QOS 200 x 1 or 1/4, site.
fn constant(state: &State, job: JobId) -> i64 {
    let spec = &state.job(job).spec;
    let size = 100 * i64::from(spec.class.0 + 1);
    let partition = [0, 300, 150][spec.queue.index()];
    let qos = spec.qos.map_or(0, |name| [200, 50][name.index()]);
    (size + partition + qos + i64::from(spec.priority)) << 16
}

const MIX: &str = "age=675,fair-share=1000,size=400,partition=300,qos=200,max-age=0.0625,half-life=0.05,partitions=p:1+q:0.5,levels=high:4+low:1";

proptest! {
    /// Every start of every step is that of a sort by tier and the sum of all factors at this instant, young and old; and
    /// the factors of tenants are those of the last multiple of the period.
    #[test]
    fn slurm_is_a_naive_sort(jobs in plans(100), passing in 0usize..3, tiers in 0usize..3) {
        // Tiers of the queue without a name, of p, and of q.
        let (tiers, tier_of) = [("none", [1, 1, 1]), ("p:2", [1, 2, 1]), ("p:0+q:65533", [1, 0, 65533])][tiers];
        let (behind, passing) = [
            ("blocked", Passing::Nobody),
            ("skip", Passing::Everybody),
            ("queue", Passing::OtherQueues),
        ][passing];
        let mut play = play(4, &format!("slurm[{MIX},behind={behind},tiers={tiers}]"), &TREE);
        play.declare(&["high", "low"], &["p", "q"]);
        // 675 points in 5400 s: 8192 / 65,536 of a point each second.
        let points = |state: &State, job: JobId| {
            let waited = state.now().since(state.job(job).ready_since).0 / MICROS;
            let age = (waited * 8192).min(675 << 16).cast_signed();
            let tenant = state.board()[state.tenant_of(job).index() + 1].cast_signed();
            (Reverse(tier_of[state.job(job).spec.queue.index()]), Reverse(constant(state, job) + age + tenant))
        };
        let mut noted = Vec::new();
        play.run(jobs, u64::MAX, |state, started| {
            let period = 300 * MICROS;
            if state.now().0.is_multiple_of(period) || noted.first() != state.board().first() {
                let fresh = fair_tree(state.tenants(), state.now()).into_iter().map(|factor| (factor * 1000) >> 32);
                let fresh: Vec<u64> = std::iter::once(state.now().0 / period + 1).chain(fresh).collect();
                assert_eq!(state.board(), fresh, "at {}", state.now());
                noted = fresh;
            }
            assert_eq!(state.board(), noted, "nothing changes between multiples: {}", state.now());
            let order = expected(state, started, passing, points);
            assert_eq!(started, order, "at {}", state.now());
        });
    }

    /// With all weights 0 it is FIFO.
    #[test]
    fn slurm_by_default_is_fifo(jobs in plans(1)) {
        let spans = |policy: &str, jobs: Vec<Planned>| {
            let mut play = play(4, policy, &TREE);
            play.declare(&["high", "low"], &["p", "q"]);
            play.run(jobs, u64::MAX, |_, _| {});
            play.spans
        };
        let fifo = spans("fifo", jobs.clone());
        prop_assert_eq!(&spans("slurm[preset=slurm-default,behind=blocked]", jobs.clone()), &fifo);
        let easy = spans("slurm[preset=slurm-default,behind=easy]", jobs.clone());
        prop_assert_eq!(easy, spans("easy", jobs));
    }
}

/// While something runs, usage is looked at every period, though nothing else happens.
#[test]
fn it_wakes_at_multiples_of_the_period_while_something_runs() {
    let mut play = play(1, "slurm[fair-share=1000,calc-period=10]", &TREE);
    let mut looks = Vec::new();
    play.run(vec![of(2, Planned::new(60, 1, 1500))], u64::MAX, |state, _| looks.push(state.now().0 / MICROS));
    assert_eq!(looks, [60, 600, 1200, 1560, 1800]);
}

/// Two queues: a job that waits for room blocks its own only, and says so.
#[test]
fn a_job_that_waits_blocks_its_partition_only() {
    let job = |at, gpus, queue| Planned::new(at, gpus, 100).with(|spec| spec.queue = QueueId(queue));
    let mut play = play(4, "slurm", &[("all", None, 1000)]);
    play.declare(&[], &["p", "q"]);
    play.run(vec![job(0, 3, 1), job(1, 2, 1), job(2, 1, 1), job(3, 1, 2), job(4, 1, 2)], 10, |_, _| {});
    let state = play.core.state();
    assert_eq!(play.spans.iter().map(|(start, _)| *start).collect::<Vec<_>>(), [Some(0), None, None, Some(3), None]);
    let code = |job: u32| state.reason(JobId(job)).unwrap().code();
    assert_eq!([code(1), code(2), code(4)], ["too-few-gpus", "behind-head", "too-few-gpus"]);
}

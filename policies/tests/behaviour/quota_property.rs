//! What quotas promise, whatever happens: random trees, terms, jobs and changes.

use engine::{Amounts, Event, JobId, Terms};
use proptest::prelude::*;

use crate::yard::{Yard, gpus_only};

const PATHS: [&str; 6] = ["a", "a/x", "a/y", "b", "b/z", "c"];
const GPUS: u32 = 12;

/// One thing that happens.
#[derive(Clone, Debug)]
enum Deed {
    Submit { path: usize, gpus: u32, priority: i32, preemptible: bool },
    End(usize),
    Cancel(usize),
    Terms(usize, Terms),
    Wait(u64),
}

fn terms() -> impl Strategy<Value = Terms> {
    let some = |most: u64| prop::option::of((0..most).prop_map(gpus_only));
    (some(8), some(6), some(6), some(12), 1u32..4, -1i32..2).prop_map(
        |(quota, borrow, lend, limit, weight, priority)| {
            // A limit of 0 would keep jobs for ever, as a quota may; both are lifted before the end.
            Terms { quota, borrow, lend, limit, weight_milli: weight * 500, priority }
        },
    )
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        6 => (0..PATHS.len(), 1..=8u32, 0..3i32, prop::bool::weighted(0.85))
            .prop_map(|(path, gpus, priority, preemptible)| Deed::Submit { path, gpus, priority, preemptible }),
        3 => (0..12usize).prop_map(Deed::End),
        1 => (0..20usize).prop_map(Deed::Cancel),
        2 => (0..PATHS.len(), terms()).prop_map(|(path, terms)| Deed::Terms(path, terms)),
        1 => (1..5000u64).prop_map(Deed::Wait),
    ]
}

fn perform(yard: &mut Yard, deed: &Deed) {
    match deed {
        Deed::Submit { path, gpus, priority, preemptible } => {
            yard.submit_as(PATHS[*path], *gpus, |spec| {
                (spec.priority, spec.preemptible) = (*priority, *preemptible);
            });
        }
        Deed::End(at) => {
            let running = yard.running();
            if let Some(job) = running.get(at % running.len().max(1)) {
                yard.end(*job);
            }
        }
        Deed::Cancel(job) => {
            if *job < yard.core.state().jobs().len() {
                yard.tell(Event::Cancelled { job: JobId::new(*job) });
            }
        }
        Deed::Terms(path, terms) => drop(yard.terms(PATHS[*path], *terms)),
        Deed::Wait(secs) => drop(yard.wait(*secs)),
    }
}

/// GPUs placed by each path.
fn placed(yard: &Yard) -> Vec<u64> {
    PATHS.iter().map(|path| yard.gpus(path)).collect()
}

fn parent(at: usize) -> Option<usize> {
    PATHS[at].rsplit_once('/').and_then(|(above, _)| PATHS.iter().position(|path| *path == above))
}

/// What a node is sure of, by its definition: its quota and what its children lend.
fn subtree(terms: &[Terms], at: usize) -> u64 {
    let own = terms[at].quota.map_or(0, |quota| quota.gpu_milli / 1000);
    let children = (0..PATHS.len()).filter(|child| parent(*child) == Some(at));
    let lent = |child: usize| {
        let has = subtree(terms, child);
        terms[child].lend.map_or(has, |lend| has.min(lend.gpu_milli / 1000))
    };
    own + children.map(lent).sum::<u64>()
}

/// What counts against the quota of a node, by its definition: its own jobs and what its children use beyond what they keep.
fn counted(terms: &[Terms], placed: &[u64], at: usize) -> u64 {
    let children: Vec<usize> = (0..PATHS.len()).filter(|child| parent(*child) == Some(at)).collect();
    let own = placed[at] - children.iter().map(|child| placed[*child]).sum::<u64>();
    let beyond = |child: usize| {
        let has = subtree(terms, child);
        let kept = terms[child].lend.map_or(0, |lend| has.saturating_sub(lend.gpu_milli / 1000));
        counted(terms, placed, child).saturating_sub(kept)
    };
    own + children.into_iter().map(beyond).sum::<u64>()
}

/// Without the bound on preemptions: rules alone must end them.
const POLICIES: [&str; 9] = [
    "kueue",
    "kueue[cohort=all,reclaim=any,within-queue=lower-or-newer-equal-priority]",
    "kueue[queueing=strict-fifo,reclaim=lower-priority,borrow-within-cohort=lower-priority]",
    "kueue[reclaim=any,borrow-within-cohort=lower-priority,within-queue=lower-priority]",
    "kueue[preset=kueue-drs]",
    "kueue[preset=kueue-drs,sharing=initial-share,cohort=all]",
    "kueue[preset=kueue-drs,sharing=final-share,cohort=tree,within-queue=lower-or-newer-equal-priority]",
    "kai",
    "kai[priority-in-quota=true,reclaim-min=30]",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Nobody goes beyond a limit; under Kueue nobody borrows beyond its borrowing limit. Where terms change, nobody who is
    /// beyond the new ones gets more. Preemption ends, and every job runs once terms are lifted.
    #[test]
    fn limits_hold_and_everything_ends(policy in 0..POLICIES.len(), deeds in prop::collection::vec(deed(), 1..60)) {
        let policy = POLICIES[policy];
        let unbounded = match policy.strip_suffix(']') {
            Some(open) => format!("{open},evictions-max=1000000]"),
            None => format!("{policy}[evictions-max=1000000]"),
        };
        let mut yard = Yard::new(&unbounded, &[GPUS / 2, GPUS / 2]);
        let mut known = [Terms::default(); PATHS.len()];
        for path in PATHS {
            yard.tenant(path);
        }
        for deed in &deeds {
            let before = placed(&yard);
            if let Deed::Terms(path, terms) = deed {
                known[*path] = *terms;
            }
            perform(&mut yard, deed);
            let after = placed(&yard);
            for at in 0..PATHS.len() {
                let limit = known[at].limit.map_or(u64::MAX, |limit| limit.gpu_milli / 1000);
                prop_assert!(after[at] <= limit.max(before[at]), "{policy}: {} has {after:?}", PATHS[at]);
                if policy.starts_with("kueue") && !(policy.contains("tree") && parent(at).is_none()) {
                    let borrow = known[at].borrow.map_or(u64::MAX, |borrow| borrow.gpu_milli / 1000);
                    let most = subtree(&known, at).saturating_add(borrow);
                    let (was, is) = (counted(&known, &before, at), counted(&known, &after, at));
                    prop_assert!(is <= most.max(was), "{policy}: {} counts {is} of {most}", PATHS[at]);
                }
            }
        }
        for path in PATHS {
            yard.terms(path, Terms { quota: Some(gpus_only(u64::from(GPUS))), ..Terms::default() });
        }
        yard.core.check().unwrap();
        for _ in 0..2000 {
            let Some(job) = yard.running().first().copied() else { break };
            yard.wait(1).end(job);
        }
        for (at, job) in yard.core.state().jobs().iter().enumerate() {
            prop_assert!(job.outcome().is_some(), "{policy}: j{at} never ran: {:?}", yard.core.state().reason(JobId::new(at)));
        }
        prop_assert_eq!(placed(&yard), vec![0; PATHS.len()]);
    }

    /// What a queue may not lend is usable by it at once, whatever the others do.
    #[test]
    fn what_is_not_lent_is_usable_at_once(
        quota in 1u64..8,
        lend in 0u64..8,
        others in prop::collection::vec((0..3usize, 1..4u32), 1..40),
        preset in prop::sample::select(vec!["kueue[cohort=all]", "kueue[preset=kueue-drs,cohort=all]"]),
    ) {
        let mut yard = Yard::new(preset, &[16]);
        let lender = Terms { quota: Some(gpus_only(quota)), lend: Some(gpus_only(lend)), ..Terms::default() };
        yard.terms("lender", lender).terms("b", Terms { quota: Some(gpus_only(8)), ..Terms::default() });
        for (path, gpus) in others {
            yard.submit(["b", "c", "d/e"][path], gpus);
        }
        let kept = quota.saturating_sub(lend);
        prop_assume!(kept > 0);
        let job = yard.submit("lender", kept as u32);
        prop_assert!(yard.running().contains(&job));
        let caused = yard.core.state().evictions().iter().filter(|eviction| eviction.bill.by == Some(JobId(job)));
        prop_assert_eq!(caused.count(), 0, "without preemption");
    }

    /// Fairness of KEP-1714: with enough small jobs everywhere, weighted shares of what is borrowed are as equal as jobs allow.
    #[test]
    fn borrowed_shares_follow_weights(weights in prop::collection::vec(1u32..5, 2..5), pool in 8u64..24) {
        let mut yard = Yard::new("kueue[preset=kueue-drs,cohort=all]", &[pool as u32]);
        yard.terms("pool", Terms { quota: Some(gpus_only(pool)), ..Terms::default() });
        let paths: Vec<String> = (0..weights.len()).map(|at| format!("q{at}")).collect();
        for (path, weight) in paths.iter().zip(&weights) {
            yard.terms(path, Terms { weight_milli: weight * 1000, quota: Some(Amounts::gpus_only(0)), ..Terms::default() });
        }
        for path in &paths {
            for _ in 0..pool {
                yard.submit(path, 1);
            }
        }
        let shares: Vec<f64> =
            paths.iter().zip(&weights).map(|(path, weight)| yard.gpus(path) as f64 / f64::from(*weight)).collect();
        prop_assert_eq!(paths.iter().map(|path| yard.gpus(path)).sum::<u64>(), pool);
        // No queue can take one more job and still be no better off than another without one.
        for (share, weight) in shares.iter().zip(&weights) {
            for (other, its) in shares.iter().zip(&weights) {
                let (with, without) = (share + 1.0 / f64::from(*weight), other - 1.0 / f64::from(*its));
                prop_assert!(with > without - 1e-9, "{:?} {:?}", shares, weights);
            }
        }
    }
}

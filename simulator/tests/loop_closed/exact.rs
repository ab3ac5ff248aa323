//! Simulated journals: nothing differs, not by a microsecond.

use engine::journal::{Reader, Writer};
use engine::{Event, Inventory};
use simulator::fidelity::fidelity;
use simulator::physics::Physics;
use simulator::rerun::{Rerun, RerunError};
use simulator::result::Summary;
use simulator::run::replay;
use simulator::tenants::TenantTerms;
use simulator::whatif::{Verdict, what_if};
use simulator::workload::Workload;

use crate::{
    POLICIES, assert_exact, changed, faithful, hand_written, journal, philly, read, same_jobs, spec, two_models,
};

#[test]
fn the_journal_of_a_run_is_its_trace_and_its_simulation_is_the_run() {
    let uniform = Inventory::uniform(4, 8, "GPU");
    for policy in POLICIES {
        let trace = philly();
        let recording = read(&journal(&trace, &uniform, policy, &[]));
        same_jobs(&trace, &recording.trace().unwrap(), &uniform);
        let found = faithful(&recording).unwrap();
        assert_exact(&found, policy);
        assert_eq!((found.finished_jobs, found.overheads.launch_overhead_p90_s), (200, Some(0.0)), "{policy}");
        let (trace, inventory) = (hand_written(), two_models());
        let recording = read(&journal(&trace, &inventory, policy, &[]));
        let again = recording.trace().unwrap();
        same_jobs(&trace, &again, &inventory);
        assert_exact(&faithful(&recording).unwrap(), policy);
        let ids: Vec<&str> = again.jobs.iter().map(|job| &*job.id).collect();
        assert_eq!(ids, ["train#0", "train#1", "2", "probe", "4", "5", "6", "7", "8"]);
    }
}

#[test]
fn nodes_that_failed_and_costs_of_the_world_come_again() {
    let inventory = Inventory::uniform(4, 8, "GPU");
    let settings = [
        "failures_per_node_day=2",
        "restart_s=30",
        "launch_s=4",
        "checkpoint_s=600",
        "drain_s=5",
        "preempt_saves=false",
        "spread_penalty=0.2",
    ];
    for policy in POLICIES {
        let recording = read(&journal(&philly(), &inventory, policy, &settings));
        let broken = recording.outside.iter().filter(|(_, event)| matches!(event, Event::NodeDown { .. })).count();
        assert!(broken > 2, "{policy}: {broken}");
        let found = faithful(&recording).unwrap();
        assert_exact(&found, policy);
        assert_eq!(found.overheads.launch_overhead_p50_s, Some(4.0), "{policy}");
        assert!(!found.physics.contains("failures"), "{}", found.physics);
    }
}

fn without_names(summary: &Summary) -> Summary {
    let (trace, physics) = (String::new(), String::new());
    Summary { trace, physics, wall_s: 0.0, decide_p50_us: None, decide_p99_us: None, ..summary.clone() }
}

#[test]
fn what_if_says_what_simulate_says_of_the_original_trace() {
    let (trace, inventory, physics) = (philly(), Inventory::uniform(4, 8, "GPU"), Physics::default());
    let recording = read(&journal(&trace, &inventory, "easy", &[]));
    let rerun = Rerun::new(&recording, &[]).unwrap();
    let asked: Vec<String> = POLICIES.iter().map(|policy| (*policy).to_owned()).collect();
    let answer = what_if(&rerun, &asked, &|_| {}).unwrap();
    let workload = Workload::new(&trace, &inventory, &TenantTerms::default());
    for (policy, day) in POLICIES.iter().zip(&answer.days[2..]) {
        let direct = replay(&spec(&inventory, policy, &physics), &workload).unwrap();
        let (direct, found) = (without_names(&direct.summary), without_names(&day.replay.summary));
        assert_eq!(Summary { policy: found.policy.clone(), ..direct }, found, "{policy}");
    }
    for alternative in &answer.what_if.policies {
        let same = alternative.differences.iter().all(|difference| difference.verdict == Verdict::Same);
        assert_eq!(same, alternative.outlook.policy == "easy", "{}", alternative.outlook.policy);
        assert_eq!(alternative.outlook.tenants.len(), trace.tenants.len());
    }
    let jobs: u64 = answer.what_if.yesterday.tenants.iter().map(|tenant| tenant.figures.jobs).sum();
    assert_eq!((jobs, answer.what_if.yesterday.figures.clone()), (200, answer.what_if.simulated.figures.clone()));
}

#[test]
fn a_journal_of_another_policy_is_refused_and_an_empty_one_is_not() {
    let inventory = Inventory::uniform(4, 8, "GPU");
    let bytes = journal(&philly(), &inventory, "fifo", &[]);
    let other = read(&changed(&bytes, |header| "srtf".clone_into(&mut header.policy), |_| {}));
    assert!(matches!(faithful(&other), Err(RerunError::Different { record, .. }) if record > 1));
    let (header, _) = Reader::new(&bytes).unwrap();
    let empty = read(&Writer::new(&header).take());
    let found = faithful(&empty).unwrap();
    assert_eq!((found.jobs, found.jct_error.mean, found.divergence), (0, None, None));
    assert!(empty.trace().unwrap_err().to_string().contains("no job was submitted"));
}

#[test]
fn the_first_other_decision_is_named() {
    let inventory = Inventory::uniform(4, 8, "GPU");
    let recording = read(&journal(&philly(), &inventory, "fifo", &[]));
    let rerun = Rerun::new(&recording, &["launch_s=600".to_owned()]).unwrap();
    let (real, simulated) = (rerun.yesterday().unwrap(), rerun.simulated("fifo").unwrap());
    let found = fidelity(&rerun, &real, &simulated);
    assert!(found.jct_error.mean.unwrap() >= 600.0, "{found:?}");
    let parted = found.divergence.unwrap();
    let at = parted.decision as usize - 1;
    assert_eq!(parted.recorded, Some(real.decisions[at].1.clone()));
    assert_ne!(parted.recorded, parted.simulated);
    assert!(found.first_start_order_same_jobs <= found.started_jobs);
}

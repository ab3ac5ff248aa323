//! The same twice: on one thread and on four, and journals byte for byte.

use std::sync::Arc;

use engine::Inventory;
use engine::journal::Writer;
use simulator::experiment::{Experiment, Outcomes, Source};
use simulator::journal::header;
use simulator::metrics::Segments;
use simulator::physics::Physics;
use simulator::result::Summary;
use simulator::run::replay_recorded;
use simulator::tenants::TenantTerms;
use simulator::workload::Workload;

use crate::bench::spec;

const POLICIES: [&str; 7] =
    ["fifo[place=random]", "easy", "sjf", "srtf", "srsf[place=pack]", "priority", "fair-share[place=spread]"];
const PHYSICS: [&str; 5] =
    ["restart_s=30", "checkpoint_s=600", "failures_per_node_day=0.5", "spread_penalty=0.1", "drain_s=5"];
const TRACE: &str = "synthetic:philly[jobs=300,gpus=64]";

fn outcomes(threads: usize) -> Outcomes {
    let experiment = Experiment {
        expect: None,
        source: Source::Generated(TRACE.to_owned()),
        inventory: Inventory::uniform(8, 8, "GPU"),
        registry: policies::registry::Registry::default(),
        terms: TenantTerms::default(),
        policies: POLICIES.map(str::to_owned).to_vec(),
        loads: vec![1.0, 1.3],
        seeds: vec![1, 2],
        physics: Physics::parse(&PHYSICS).unwrap(),
        segments: Segments::Recorded,
        threads,
    };
    experiment.run(&|_| {}).unwrap()
}

fn without_timing(summary: &Summary) -> Summary {
    Summary { wall_s: 0.0, decide_p50_us: None, decide_p99_us: None, ..summary.clone() }
}

#[test]
fn one_thread_and_four_find_the_same() {
    let (one, four) = (outcomes(1), outcomes(4));
    assert_eq!(one.replays.len(), POLICIES.len() * 4);
    assert_eq!(one.replays.len(), four.replays.len());
    for (a, b) in one.replays.iter().zip(&four.replays) {
        assert_eq!(without_timing(&a.summary), without_timing(&b.summary));
        assert_eq!(a.jobs, b.jobs);
        assert_eq!(a.series, b.series);
        assert_eq!(a.segments, b.segments);
    }
    assert!(one.replays.iter().any(|replay| replay.summary.preemptions > 0), "nothing was preempted");
    assert!(one.replays.iter().any(|replay| replay.summary.lost_gpu_s > 0.0), "nothing was lost");
}

fn journal(policy: &str) -> Vec<u8> {
    let trace = Arc::new(traces::load(&format!("{}seed=3]", TRACE.replace(']', ","))).unwrap());
    let inventory = Inventory::uniform(8, 8, "GPU");
    let physics = Physics::parse(&PHYSICS).unwrap();
    let workload = Workload::new(&trace, &inventory, &TenantTerms::default());
    let spec = spec(&inventory, policy, &physics);
    let mut writer = Writer::new(&header(&spec, &workload));
    replay_recorded(&spec, &workload, &mut writer).unwrap();
    writer.take()
}

#[test]
fn two_runs_write_the_same_journal_and_it_verifies() {
    for policy in POLICIES {
        let bytes = journal(policy);
        assert!(bytes == journal(policy), "{policy}");
        let (header, mut reader) = engine::journal::Reader::new(&bytes).unwrap();
        let context = policies::Context { estimates: header.estimates, seed: header.seed };
        let built = policies::build(&header.policy, context).unwrap();
        let mut core = engine::Core::new(header.inventory, built.policy);
        let verdict = engine::replay::verify(&mut core, &mut reader).unwrap();
        assert!(matches!(verdict, engine::replay::Verdict::Identical { .. }), "{policy}: {verdict:?}");
    }
}

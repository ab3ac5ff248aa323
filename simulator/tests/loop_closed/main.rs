//! The loop: the journal of a run is a trace, and that trace, simulated, is the run again.
//!
//! `TRAINYARD_SWARM_SEED` and `TRAINYARD_SWARM_CASES` choose the random cases, as those of the swarm.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test fails loudly")]

#[allow(dead_code, reason = "the swarm uses the rest")]
#[path = "../chaos/mod.rs"]
mod chaos;
mod exact;
mod lived;
mod random;
mod world;

use std::sync::Arc;

use engine::journal::{Reader, Writer};
use engine::{Event, Inventory};
use simulator::fidelity::{Fidelity, fidelity_of};
use simulator::journal::header;
use simulator::metrics::Segments;
use simulator::physics::Physics;
use simulator::rerun::{Rerun, RerunError};
use simulator::run::{RunSpec, replay_recorded};
use simulator::tenants::TenantTerms;
use simulator::workload::Workload;
use traces::Trace;
use traces::journal::{Cut, Recording};

pub(crate) const REFUSED: Cut = Cut::Refused { hint: "" };
/// With and without preemption, moves, rounds, sight of true run times; all orders that remember something.
pub(crate) const POLICIES: [&str; 9] = [
    "fifo[place=random]",
    "easy",
    "srtf",
    "priority[place=pack]",
    "fair-share",
    "tiresias",
    "conservative",
    "qssf",
    "kueue",
];
pub(crate) const HAND_WRITTEN: &str = "\
job_id,submit_s,gpus,duration_s,tenant,priority,estimate_s,tasks,models,cpu,memory_gib,queue,time_limit_s,deadline_s,name,preemptible
a,0,8,3600,red/ann,0,4000,,,,,,,,train,true
b,60,16,1800,blue/bob,0,3600,4,,,,,,,train,true
c,120,1,600,red/cat,5,900,,A100,4,16,small,,,,true
d,180,4,7200,blue/bob,0,9000,2,,,,large,5000,,probe,false
e,240,0.5,300,red/ann,9,600,,V100|A100,,,,,2000,,true
f,300,11,2400,blue/dan,5,3000,,,10,7,,,,,true
g,900,0,60,red/ann,0,60,3,,1,,,,,,true
h,1000,64,1200,red/cat,0,1800,,,,,,,,,true
i,1001,1.5,30,red/cat,0,40,3,,,,,,,,true
";

pub(crate) fn spec<'a>(inventory: &'a Inventory, policy: &str, physics: &'a Physics) -> RunSpec<'a> {
    RunSpec { inventory, policy: policy.to_owned(), physics, load: 1.0, seed: 3, segments: Segments::Off }
}

pub(crate) fn journal(trace: &Arc<Trace>, inventory: &Inventory, policy: &str, settings: &[&str]) -> Vec<u8> {
    let physics = Physics::parse(settings).unwrap();
    let workload = Workload::new(trace, inventory, &TenantTerms::default());
    let spec = spec(inventory, policy, &physics);
    let mut writer = Writer::new(&header(&spec, &workload));
    replay_recorded(&spec, &workload, &mut writer).unwrap();
    writer.take()
}

pub(crate) fn philly() -> Arc<Trace> {
    Arc::new(traces::load("synthetic:philly[jobs=200,gpus=32,max_hours=5,seed=3]").unwrap())
}

pub(crate) fn hand_written() -> Arc<Trace> {
    Arc::new(traces::read_bytes("jobs.csv", None, HAND_WRITTEN.as_bytes()).unwrap())
}

pub(crate) fn two_models() -> Inventory {
    let mut inventory = Inventory::uniform(4, 8, "A100");
    inventory.models.push(engine::GpuModel { name: "V100".to_owned(), memory_mib: 0, price_per_hour: None });
    inventory.nodes[3].model = engine::ModelId(1);
    inventory
}

pub(crate) fn read(bytes: &[u8]) -> Recording {
    Recording::read("run.tyj", bytes, REFUSED).unwrap()
}

pub(crate) fn faithful(recording: &Recording) -> Result<Fidelity, RerunError> {
    let rerun = Rerun::new(recording, &[])?;
    Ok(fidelity_of(&rerun, &rerun.yesterday()?)?.0)
}

/// Nothing differs, not by a microsecond.
pub(crate) fn assert_exact(found: &Fidelity, about: &str) {
    let spreads = [found.start_error, found.finish_error, found.jct_error, found.jct_error_share, found.queue_error];
    for spread in spreads {
        assert!([spread.mean, spread.worst].iter().flatten().all(|error| *error == 0.0), "{about}: {found:?}");
    }
    assert_eq!((found.divergence.clone(), found.outcome_differs_jobs), (None, 0), "{about}");
    assert_eq!(found.first_start_order_same_jobs, found.started_jobs, "{about}");
}

/// What both must say of a job: everything but its name in the journal and what only the journal knows.
pub(crate) fn same_jobs(original: &Trace, again: &Trace, inventory: &Inventory) {
    assert_eq!(original.jobs.len(), again.jobs.len());
    let (a, b) = (Arc::new(original.clone()), Arc::new(again.clone()));
    let workload = |trace| Workload::new(trace, inventory, &TenantTerms::default());
    let (before, after) = (workload(&a), workload(&b));
    for (index, (a, b)) in original.jobs.iter().zip(&again.jobs).enumerate() {
        let told = |trace: &Trace, job: &traces::TraceJob| {
            let tenant = trace.tenants[job.tenant as usize].clone();
            let queue = job.queue.map(|queue| trace.queues[queue as usize].clone());
            let models = job.models.map(|set| trace.model_sets[set as usize].clone());
            let models = models.map(|mut names| {
                names.sort();
                names
            });
            (job.submit, job.duration, tenant, queue, models, job.priority, job.preemptible, job.estimate)
        };
        assert_eq!(told(original, a), told(again, b), "job {}", a.id);
        assert_eq!((a.gpu_milli, &a.name), (b.gpu_milli, &b.name), "job {}", a.id);
        assert_eq!((a.time_limit, a.deadline, a.start_by), (b.time_limit, b.deadline, b.start_by), "job {}", a.id);
        let gang = |workload: &Workload<'_>| workload.tasks_of(index).collect::<Vec<_>>();
        assert_eq!(gang(&before), gang(&after), "job {}", a.id);
    }
}

/// The journal with another header, and other facts.
pub(crate) fn changed(
    bytes: &[u8],
    header: impl Fn(&mut engine::journal::Header),
    fact: impl Fn(&mut Event),
) -> Vec<u8> {
    let (mut head, mut reader) = Reader::new(bytes).unwrap();
    header(&mut head);
    let mut writer = Writer::new(&head);
    while let Some(mut entry) = reader.next_entry().unwrap() {
        entry.facts.iter_mut().for_each(|input| fact(&mut input.event));
        writer.entry(&entry);
    }
    writer.take()
}

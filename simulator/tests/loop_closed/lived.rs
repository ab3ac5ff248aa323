//! Journals as a live world writes them: nobody says how long jobs run, or what launches and stops take.

use std::sync::Arc;

use engine::journal::{Reader, Writer};
use engine::{Core, Event, Inventory, drive};
use simulator::journal::header;
use simulator::physics::Physics;
use simulator::rerun::Rerun;
use simulator::tenants::TenantTerms;
use simulator::workload::Workload;
use traces::Trace;

use crate::{assert_exact, changed, chaos, faithful, journal, philly, read, same_jobs, spec, world};

/// The journal as a live world would have written it: nobody knew how long jobs run, nobody had set any physics.
fn live(bytes: &[u8]) -> Vec<u8> {
    let forget = |event: &mut Event| {
        if let Event::Submitted { truth, .. } = event {
            *truth = None;
        }
    };
    changed(bytes, |header| header.notes.retain(|(key, _)| key != "physics"), forget)
}

#[test]
fn a_live_journal_tells_work_and_overheads_itself() {
    let (trace, inventory) = (philly(), Inventory::uniform(4, 8, "GPU"));
    let settings = ["launch_s=2.5", "restart_s=8", "drain_s=3"];
    for policy in ["fifo", "easy", "fair-share", "tiresias", "priority"] {
        let recording = read(&live(&journal(&trace, &inventory, policy, &settings)));
        same_jobs(&trace, &recording.trace().unwrap(), &inventory);
        let found = faithful(&recording).unwrap();
        assert_exact(&found, policy);
        let stops = found.overheads.stop_overhead_runs > 0;
        assert_eq!(
            (found.overheads.launch_overhead_p50_s, found.overheads.launch_overhead_p90_s),
            (Some(2.5), Some(2.5))
        );
        let expected = if stops { "launch_s=2.5 restart_s=8 drain_s=3" } else { "launch_s=2.5" };
        assert_eq!(found.physics, format!("{expected} checkpoint_s=never"), "{policy}");
    }
}

/// Launches take 50 to 400 ms and stops up to a second, each another time; jobs run 2 to 90 s. Nothing of that is told.
#[test]
fn in_a_world_that_jitters_the_errors_are_small() {
    let inventory = Inventory::uniform(2, 8, "GPU");
    for (seed, policy) in (1..).zip(["fifo", "easy", "priority", "fair-share"]) {
        let mut chance = chaos::Chance::new(seed);
        let mut now = 0;
        let jobs = (0..80).map(|at: u32| {
            now += chance.within(0, 6_000_000);
            let work = engine::Span(chance.within(2_000_000, 90_000_000));
            let job = traces::TraceJob::plain(
                at.to_string(),
                engine::Time(now),
                work,
                chance.pick(&[1000, 1000, 2000, 4000]),
            );
            traces::TraceJob { priority: chance.pick(&[0, 0, 0, 1]), tenant: at % 2, ..job }
        });
        let tenants = ["a", "b"].map(str::to_owned).to_vec();
        let trace = Arc::new(Trace { jobs: jobs.collect(), tenants, ..Trace::default() });
        let workload = Workload::new(&trace, &inventory, &TenantTerms::default());
        let physics = Physics::default();
        let mut head = header(&spec(&inventory, policy, &physics), &workload);
        head.notes.clear();
        let mut writer = Writer::new(&head);
        let context = policies::Context { estimates: head.estimates, seed: head.seed };
        let mut core = Core::new(inventory.clone(), policies::build(policy, context).unwrap().policy);
        let mut world = world::Live::new(&workload, seed, (50, 400), (100, 1000));
        drive(&mut core, &mut world, &mut writer, &mut ()).unwrap();
        let recording = read(&writer.take());
        let again = recording.trace().unwrap();
        assert!(again.jobs.iter().zip(&trace.jobs).all(|(a, b)| a.duration == b.duration), "{policy}");
        let found = faithful(&recording).unwrap();
        println!(
            "{policy}: {:?}, mean {:?} and {:?}",
            found.jct_error_share, found.jct_mean_s, found.jct_simulated_mean_s
        );
        assert_eq!((found.finished_jobs, found.outcome_differs_jobs), (80, 0), "{policy}");
        assert!(found.overheads.launch_overhead_p50_s.is_some_and(|p50| (0.15..0.3).contains(&p50)), "{policy}");
        let (real, simulated) = (found.jct_mean_s.unwrap(), found.jct_simulated_mean_s.unwrap());
        assert!((simulated / real - 1.0).abs() < 0.05, "{policy}: {found:?}");
        // Where runs are stopped, a millisecond can decide which: one job's gain is another's loss.
        let (mean, worst) = (found.jct_error_share.mean.unwrap(), found.jct_error_share.worst.unwrap());
        assert!(found.overheads.stop_overhead_runs > 0 || (mean < 0.01 && worst < 0.05), "{policy}: {found:?}");
    }
}

#[test]
fn work_that_stopped_runs_lose_is_measured_too() {
    let (trace, inventory) = (philly(), Inventory::uniform(4, 8, "GPU"));
    let settings = ["preempt_saves=false", "checkpoint_s=never"];
    let recording = read(&live(&journal(&trace, &inventory, "tiresias", &settings)));
    let found = faithful(&recording).unwrap();
    assert_eq!(found.physics, "checkpoint_s=never preempt_saves=false");
    assert_exact(&found, "tiresias");
}

#[test]
fn a_job_that_still_runs_is_kept_with_what_it_did_and_one_that_waits_is_counted() {
    let text = "job_id,submit_s,gpus,duration_s\na,0,8,100\nb,10,8,100\nc,20,8,100\nd,150,8,100\n";
    let trace = Arc::new(traces::read_bytes("jobs.csv", None, text.as_bytes()).unwrap());
    let bytes = live(&journal(&trace, &Inventory::uniform(1, 8, "GPU"), "fifo", &[]));
    // Up to the arrival of d.
    let (header, mut reader) = Reader::new(&bytes).unwrap();
    let mut writer = Writer::new(&header);
    while let Some(entry) = reader.next_entry().unwrap().filter(|entry| entry.facts[0].at.secs_f64() <= 150.0) {
        writer.entry(&entry);
    }
    let recording = read(&writer.take());
    let trace = recording.trace().unwrap();
    let told: Vec<_> = trace.jobs.iter().map(|job| (&*job.id, job.duration.secs_f64(), job.recorded)).collect();
    assert_eq!(told, [("0", 100.0, traces::Recorded::Finished), ("1", 50.0, traces::Recorded::Censored)]);
    assert_eq!(trace.ledger.rows, 4);
    assert_eq!(trace.ledger.dropped["still waited at the end of the journal"], 2);
    assert_eq!(trace.ledger.changed.len(), 1);
    let found = faithful(&recording).unwrap();
    assert_exact(&found, "cut");
    assert_eq!((found.jobs, found.started_jobs, found.finished_jobs), (4, 2, 1));
    let rerun = Rerun::new(&recording, &[]).unwrap();
    let summary = rerun.simulated("fifo").unwrap().replay.summary;
    assert_eq!((summary.finished, summary.unfinished, summary.failed), (1, 3, 0));
}

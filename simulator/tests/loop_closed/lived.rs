//! Journals as a live world writes them: nobody says how long jobs run, or what launches and stops take.

use std::sync::Arc;

use engine::journal::{Reader, Writer};
use engine::{Core, Event, Inventory, drive};
use simulator::fidelity::fidelity_of;
use simulator::journal::header;
use simulator::physics::Physics;
use simulator::rerun::Rerun;
use simulator::tenants::TenantTerms;
use simulator::workload::Workload;
use traces::Trace;
use traces::journal::{Cut, Recording};

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

/// 80 jobs of 2 to 90 s. Launches take 50 to 400 ms and stops up to a second, each another time. Nothing of that is told.
fn jittering(policy: &str, seed: u64) -> (Arc<Trace>, Vec<u8>) {
    let inventory = Inventory::uniform(2, 8, "GPU");
    let mut chance = chaos::Chance::new(seed);
    let mut now = 0;
    let jobs = (0..80).map(|at: u32| {
        now += chance.within(0, 6_000_000);
        let work = engine::Span(chance.within(2_000_000, 90_000_000));
        let job =
            traces::TraceJob::plain(at.to_string(), engine::Time(now), work, chance.pick(&[1000, 1000, 2000, 4000]));
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
    (trace, writer.take())
}

#[test]
fn with_the_own_times_of_runs_a_day_that_jitters_comes_again() {
    for (seed, policy) in (1..).zip(["fifo", "easy", "priority", "fair-share", "srtf", "tiresias", "las"]) {
        let (trace, bytes) = jittering(policy, seed);
        let recording = read(&bytes);
        let again = recording.trace().unwrap();
        assert!(again.jobs.iter().zip(&trace.jobs).all(|(a, b)| a.duration == b.duration), "{policy}");
        let found = faithful(&recording).unwrap();
        assert_eq!((found.finished_jobs, found.outcome_differs_jobs), (80, 0), "{policy}");
        assert!(found.overheads.launch_overhead_p50_s.is_some_and(|p50| (0.15..0.3).contains(&p50)), "{policy}");
        let typical = found.typical.clone().unwrap();
        println!(
            "{policy}: {:?}; typical {:?}, means {:?} and {:?}",
            found.jct_error_share, typical.jct_error_share, found.jct_mean_s, typical.jct_simulated_mean_s
        );
        assert_exact(&found, policy);
        let (real, simulated) = (found.jct_mean_s.unwrap(), typical.jct_simulated_mean_s.unwrap());
        assert!((simulated / real - 1.0).abs() < 0.05, "{policy}: {found:?}");
        // Where runs are stopped, a millisecond can decide which: one job's gain is another's loss.
        let (mean, worst) = (typical.jct_error_share.mean.unwrap(), typical.jct_error_share.worst.unwrap());
        assert!(found.overheads.stop_overhead_runs > 0 || (mean < 0.01 && worst < 0.05), "{policy}: {found:?}");
    }
}

#[test]
fn what_is_set_by_hand_goes_before_own_times() {
    let (_, bytes) = jittering("priority", 3);
    let recording = read(&bytes);
    for (set, differs) in [("launch_s=5", true), ("drain_s=20", true), ("spread_penalty=0", false)] {
        let rerun = Rerun::new(&recording, &[set.to_owned()]).unwrap();
        let real = rerun.yesterday().unwrap();
        let found = fidelity_of(&rerun, &real).unwrap().0;
        assert_eq!(found.jct_error.worst.unwrap() > 1.0, differs, "{set}: {found:?}");
    }
}

/// Cuts a journal into segments of so many records, each with its header.
fn segments(bytes: &[u8], records: usize, header: impl Fn(usize, &mut engine::journal::Header)) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (head, mut reader) = Reader::new(bytes).unwrap();
    let entries: Vec<_> = std::iter::from_fn(|| reader.next_entry().unwrap()).collect();
    for (at, part) in entries.chunks(records).enumerate() {
        let mut head = head.clone();
        header(at, &mut head);
        let mut writer = Writer::new(&head);
        for entry in part {
            writer.entry(entry);
        }
        std::fs::write(folder.path().join(format!("{:06}.tyj", at + 1)), writer.take()).unwrap();
    }
    folder
}

#[test]
fn segments_are_one_journal_and_damage_in_them_is_named() {
    let (_, bytes) = jittering("tiresias", 5);
    let whole = read(&bytes);
    let folder = segments(&bytes, 50, |_, _| {});
    let path = folder.path().to_str().unwrap();
    let parts = Recording::load(path, crate::REFUSED).unwrap();
    assert!(parts.segments.len() > 3 && parts.entries == whole.entries);
    assert_eq!(parts.own_times(), whole.own_times());
    let (one, many) = (faithful(&whole).unwrap(), faithful(&parts).unwrap());
    assert_exact(&many, "segments");
    assert_eq!((one.jobs, one.jct_mean_s, one.decisions), (many.jobs, many.jct_mean_s, many.decisions));
    let said = |name: &str, cut: usize| {
        let file = folder.path().join(name);
        let sound = std::fs::read(&file).unwrap();
        std::fs::write(&file, &sound[..sound.len() - cut]).unwrap();
        let read = Recording::load(path, Cut::Allowed);
        std::fs::write(&file, sound).unwrap();
        read.map(|recording| recording.entries.len()).map_err(|error| error.into_error().to_string())
    };
    assert_eq!(said(&format!("{:06}.tyj", parts.segments.len()), 3), Ok(whole.entries.len() - 1));
    let refused = said("000002.tyj", 3).unwrap_err();
    assert!(refused.contains("000002.tyj: the file ends inside record 50, which starts at byte "), "{refused}");
    std::fs::rename(folder.path().join("000002.tyj"), folder.path().join("away")).unwrap();
    let refused = Recording::load(path, Cut::Allowed).unwrap_err().into_error().to_string();
    assert!(refused.ends_with("000002.tyj: missing, and 000003.tyj is there"), "{refused}");
    std::fs::remove_file(folder.path().join("000001.tyj")).unwrap();
    let refused = Recording::load(path, Cut::Allowed).unwrap_err().into_error().to_string();
    assert!(refused.ends_with("the journal begins with segment 3; segments 1 to 2 are not here"), "{refused}");
}

/// The server was started with another policy in the middle of the day.
#[test]
fn a_policy_that_took_over_takes_over_again() {
    let inventory = Inventory::uniform(2, 8, "GPU");
    let (trace, _) = jittering("fifo", 1);
    let workload = Workload::new(&trace, &inventory, &TenantTerms::default());
    let physics = Physics::default();
    let mut head = header(&spec(&inventory, "fifo", &physics), &workload);
    head.notes.clear();
    let mut world = world::Live::new(&workload, 1, (50, 400), (100, 1000));
    let policy = |text: &str| policies::build(text, policies::Context { estimates: false, seed: 3 }).unwrap().policy;
    let mut core = Core::new(inventory.clone(), policy("fifo"));
    let folder = tempfile::tempdir().unwrap();
    for (at, text) in (1..).zip(["fifo", "priority", "fifo"]) {
        text.clone_into(&mut head.policy);
        let mut writer = Writer::new(&head);
        world.until = (at < 3).then(|| engine::Time(60_000_000 * at));
        drive(&mut core, &mut world, &mut writer, &mut ()).unwrap();
        std::fs::write(folder.path().join(format!("{at:06}.tyj")), writer.take()).unwrap();
        core = Core::restore(&core.snapshot(&[]), policy(["priority", "fifo", "fifo"][at as usize - 1])).unwrap().0;
    }
    let recording = Recording::load(folder.path().to_str().unwrap(), crate::REFUSED).unwrap();
    let found = faithful(&recording).unwrap();
    assert_eq!((found.policy.as_str(), found.finished_jobs), ("fifo, then priority, then fifo", 80));
    assert!(found.overheads.stop_overhead_runs > 0, "{found:?}");
    assert_exact(&found, "two policies");
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

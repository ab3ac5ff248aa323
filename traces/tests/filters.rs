//! Filters of papers, on hand-made rows and on the two months of the flat Philly table.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // clippy.toml excepts test functions only, not what they call

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use common::{data, text};
use traces::{Trace, filters, load};

/// Jobs at the edges of the rules: id, submission, GPUs, run time, tenant, outcome.
const ROWS: &str = "job_id,submit_s,gpus,duration_s,tenant,outcome\n\
    short,0,1,59,vc1/a,finished\nminute,10,1,60,vc1/a,finished\nhalf,20,3,1897.366596,vc2/b,finished\n\
    above,30,8,1897.366597,vc1/a,failed\nhour,40,8,3600,vc2/b,finished\nodd,50,12,7200,vc2/b,killed\n\
    big,60,32,599999,vc1/a,finished\nlong,70,1,600000,vc3/c,finished\nhuge,36000,72,50000,vc3/c,finished\n\
    none,36010,0,5000,vc3/c,finished\ninstant,36020,2,0,vc1/a,finished\n";

fn with(change: &str) -> Result<Trace, traces::TraceError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    std::fs::write(&path, ROWS).unwrap();
    load(&format!("{}[{change}]", path.display()))
}

fn ids(change: &str) -> String {
    let trace = with(change).unwrap();
    let jobs = trace.jobs.iter().map(|job| format!("{}:{}", job.id, job.gpu_milli / 1000));
    jobs.collect::<Vec<_>>().join(" ")
}

#[test]
fn rules_at_their_edges() {
    for (filter, kept) in [
        ("sia", "minute:1 half:3 above:8 hour:8 odd:12 long:1 none:0"),
        ("pollux", "minute:1 half:3 above:8 hour:8 odd:12 long:1 none:0"),
        ("sia:0", "half:3 above:8 hour:8 odd:12 long:1"),
        ("blox-sum", "above:1 hour:1 odd:1 big:1 huge:1"),
        ("blox-multi", "above:8 hour:8 odd:12"),
        ("synergy-multi", "above:8 hour:8 odd:1"),
        ("lucid", "short:1 minute:1 half:3 above:8 hour:8 odd:12 big:32 long:1 huge:72 instant:2"),
        ("lucid:vc2|vc3", "half:3 hour:8 odd:12 long:1 huge:72"),
        ("gavel", "hour:8 long:1"),
        ("elasticflow", "hour:8 odd:12 big:32 long:1 none:0"),
        ("batsim", "short:1 minute:1 half:3 above:8 hour:8 odd:12 big:32 long:1 huge:72"),
        ("pai-sim", "short:1 minute:1 half:3 above:8 hour:8 odd:12 big:32 long:1 huge:72 none:0 instant:2"),
    ] {
        assert_eq!(ids(&format!("filter={filter}")), kept, "{filter}");
    }
}

#[test]
fn what_a_rule_does_is_counted() {
    let multi = with("filter=synergy-multi").unwrap();
    let step = &multi.history[0];
    assert_eq!((step.what.as_str(), step.before, step.after), ("filter=synergy-multi", 11, 3));
    let dropped: Vec<(&str, u64)> = step.dropped.iter().map(|(cause, count)| (cause.as_str(), *count)).collect();
    assert_eq!(
        dropped,
        [
            ("no GPUs or no run time", 2),
            ("the gang has more than 16 GPUs", 2),
            ("the run time is at least 10^4 minutes", 1),
            ("the run time is at most 10^1.5 minutes", 3)
        ]
    );
    assert_eq!(step.changed["the gang was not 1, 2, 4, 8 or 16 GPUs: made one GPU"], 1);
    let pai = with("filter=pai-sim").unwrap();
    assert_eq!(pai.history[0].changed["the run time was below a second: made 1 s"], 1);
    assert_eq!(pai.history[0].changed["the run time was cut to whole seconds"], 2);
    assert!(pai.jobs.iter().all(|job| job.duration.0 >= 1_000_000 && job.duration.0 % 1_000_000 == 0));
    let batsim = with("filter=batsim").unwrap();
    assert!(batsim.jobs.iter().all(|job| job.estimate.unwrap().0 == job.duration.0 * 2));
    for trace in [multi, pai, batsim] {
        let (step, left) = (&trace.history[0], trace.jobs.len() as u64);
        assert_eq!(step.before, left + step.dropped.values().sum::<u64>());
    }
}

#[test]
fn errors() {
    let error = |change: &str| {
        let error = text(&with(change).unwrap_err());
        error.split_once("t.csv: ").unwrap().1.to_owned()
    };
    assert_eq!(
        error("filter=blx-sum"),
        "field `filter`: no filter is called `blx-sum`\nhint: did you mean `blox-sum`?"
    );
    assert_eq!(
        error("filter=blox"),
        "field `filter`: `filter=blox` leaves no job\nhint: the rule of blox is: drops every job: the published code \
         tests a sum of attempts that it never increases in this mode; use blox-sum or blox-multi"
    );
    assert_eq!(
        error("filter=gavel:3"),
        "field `filter`: the filter `gavel` takes no argument\nhint: write filter=gavel"
    );
    assert_eq!(
        error("filter=pollux:2"),
        "field `filter`: the trace has no clock, so it has no hours of the day\nhint: write filter=pollux without an hour"
    );
    assert_eq!(
        error("filter=pollux:24"),
        "field `filter`: `24` is not an hour from 0 to 23\nhint: write filter=pollux or filter=pollux:ARGUMENT with \
         START, an hour from 0 to 23; the generator's default is 2"
    );
    assert!(error("filter=batsim:x").starts_with("field `filter`: `x` is not `given-walltime-only`"));
}

#[test]
fn every_filter_says_what_it_does() {
    let mut names = BTreeSet::new();
    for filter in filters() {
        assert!(names.insert(filter.name) && !filter.rule.is_empty() && !filter.citation.is_empty(), "{}", filter.name);
    }
    assert!(names.contains("sia") && names.contains("blox-sum") && names.contains("lucid"));
}

fn philly(change: &str) -> Option<Trace> {
    let path = data("philly/philly_flat_2017-09_10.csv.gz")?;
    Some(load(&format!("{}[{change}]", path.display())).unwrap())
}

/// The rows of the flat table as text, for a count that owes nothing to the reader: time, run time, GPUs, GPU-time.
fn rows() -> Vec<(String, f64, u32, f64)> {
    let file = std::fs::File::open(data("philly/philly_flat_2017-09_10.csv.gz").unwrap()).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim().split(',').collect();
        (cells[0].to_owned(), cells[1].parse().unwrap(), cells[2].parse().unwrap(), cells[3].parse().unwrap())
    };
    text.lines().skip(1).filter(|line| !line.trim().is_empty()).map(row).collect()
}

#[test]
fn philly_counts() {
    if data("philly").is_none() {
        return;
    }
    let rows = rows();
    let count = |keep: fn(&(String, f64, u32, f64)) -> bool| rows.iter().filter(|row| keep(row)).count();
    let (shortest, longest) = (10f64.powf(1.5) * 60.0, 10f64.powf(4.0) * 60.0);
    let inside: Vec<_> = rows.iter().filter(|row| row.1 > shortest && row.1 < longest).collect();
    for (filter, counted, known) in [
        ("sia", count(|row| row.1 >= 60.0 && row.3 < 3_600_000.0), 48_318),
        ("pollux", count(|row| row.1 >= 60.0 && row.3 < 3_600_000.0), 48_318),
        ("blox-sum", inside.len(), 22_525),
        ("blox-multi", inside.iter().filter(|row| row.2 <= 16).count(), 22_505),
        ("gavel", count(|row| row.1 >= 3600.0 && [1, 2, 4, 8].contains(&row.2)), 11_393),
        ("elasticflow", count(|row| row.1 >= 600.0 && row.2 <= 64 && ![3, 5, 6, 7].contains(&row.2)), 35_877),
    ] {
        let trace = philly(&format!("filter={filter}")).unwrap();
        assert_eq!((trace.jobs.len(), counted), (known, known), "{filter}");
        assert_eq!(trace.history[0].before, 52_849);
    }
    let one = philly("filter=blox-sum").unwrap();
    assert!(one.jobs.iter().all(|job| job.gpu_milli == 1000));
    assert_eq!(philly("filter=sia:2").unwrap().jobs.len(), 3);
}

/// The published workloads of Pollux, which Sia's Philly workloads repeat, are samples of 160 of what this filter keeps
/// of the whole table: 31,293 jobs. The two months hold 20,395 of them. Drawing with the generator's seeds 1 to 4 from
/// the whole table gives the published submissions to the second; 101, 100, 109 and 107 of the 160 fall into the two
/// months. Others of them have a job at the same second of another day.
#[test]
fn the_published_workloads_come_from_these_jobs() {
    let Some(trace) = philly("filter=pollux:2") else { return };
    assert_eq!((trace.jobs.len(), trace.origin.as_deref()), (20_395, Some("2017-09-04T02:00:00")));
    // GPU-time below 1, 10, 100 and 1000 GPU-hours: it decides what the published job trains.
    let mut kept: BTreeMap<u64, BTreeSet<usize>> = BTreeMap::new();
    let mut classes = [0usize; 4];
    for job in &trace.jobs {
        let hours = f64::from(job.gpu_milli) / 1000.0 * job.duration.secs_f64() / 3600.0;
        let class = [1.0, 10.0, 100.0].iter().filter(|bound| hours >= **bound).count();
        classes[class] += 1;
        kept.entry(job.submit.0 / 1_000_000).or_default().insert(class);
    }
    assert_eq!(classes, [16_137, 3290, 671, 297]);
    for (number, truly) in [(1, 101), (2, 100), (3, 109), (4, 107)] {
        let Some(path) = data(&format!("pollux_sia/sia_philly/workload-{number}.csv")) else { return };
        let text = std::fs::read_to_string(path).unwrap();
        let found = text.lines().skip(1).filter(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            let class = match cells[2] {
                "cifar10" | "ncf" => 0,
                "deepspeech2" | "bert" => 1,
                "yolov3" => 2,
                _ => 3,
            };
            kept.get(&cells[1].parse().unwrap()).is_some_and(|classes| classes.contains(&class))
        });
        let found = found.count();
        println!("workload {number}: {found} of 160 in the two months");
        assert!((truly..160).contains(&found), "{number}: {found}");
    }
}

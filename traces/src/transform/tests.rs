//! Changes on small traces.

use super::*;
use crate::source::read_bytes;
use engine::Time;

const DAY_US: u64 = days::DAY_US;

fn trace(submits: &[&str]) -> Trace {
    let rows: Vec<String> = submits.iter().enumerate().map(|(i, at)| format!("j{i},{at},1,10,{at}9\n")).collect();
    read_bytes("t.csv", None, format!("job_id,submit_s,gpus,duration_s,deadline_s\n{}", rows.concat()).as_bytes())
        .unwrap()
}

fn submits(trace: &Trace) -> Vec<u64> {
    trace.jobs.iter().map(|job| job.submit.0).collect()
}

fn changes(text: &str) -> Result<Changes, TraceError> {
    let pairs: Vec<(String, String)> = text
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    Changes::parse("t.csv", &pairs)
}

fn changed(trace: &Trace, text: &str) -> Trace {
    changes(text).unwrap().apply(trace.clone()).unwrap()
}

/// An error with its hint, of reading the changes or of making them.
fn error(trace: &Trace, text: &str) -> String {
    let error = changes(text).and_then(|changes| changes.apply(trace.clone())).unwrap_err();
    format!("{error} | {}", error.hint().unwrap_or("NONE"))
}

#[test]
fn load_divides_the_gaps() {
    let original = trace(&["10", "11", "13.000001"]);
    let scaled = scale_load(&original, 2.0).unwrap();
    assert_eq!(submits(&scaled), [10_000_000, 10_500_000, 11_500_001]);
    assert_eq!(scaled.jobs[1].deadline, Some(Time(10_500_000 + 108_000_000)));
    assert_eq!(scaled.history.last().unwrap().what, "rate=2");
    assert_eq!(scaled, changed(&original, "rate=2"));
    assert_eq!(scale_load(&original, 1.0).unwrap(), original);
    for load in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = scale_load(&original, load).unwrap_err();
        assert_eq!(error.to_string(), format!("t.csv: field `load`: `{load}` is no load factor"));
    }
}

#[test]
fn times_stay_below_the_largest_that_is_read() {
    let wide = trace(&["0", "1000000000"]);
    let text = "rate=0.000001,rate=0.000001";
    assert_eq!(
        error(&wide, text),
        "t.csv: field `rate`: `rate=0.000001` makes times that are too large | the largest time is about 292,000 years"
    );
    for text in ["shift=9000000000000,shift=9000000000000", "stretch=1000000,stretch=1000000,stretch=1000000"] {
        assert!(error(&wide, text).contains("too large"), "{text}");
    }
}

#[test]
fn a_window_starts_at_zero() {
    let mut original = trace(&["10", "20", "30"]);
    original.origin = Some("2017-10-03T23:59:50".to_owned());
    original.jobs[1].start = Some(Time(25_000_000));
    let part = window(&original, Time(15_000_000), Time(30_000_000)).unwrap();
    assert_eq!(submits(&part), [5_000_000]);
    assert_eq!((&*part.jobs[0].id, part.jobs[0].start), ("j1", Some(Time(10_000_000))));
    assert_eq!(part.origin.as_deref(), Some("2017-10-04T00:00:05"));
    assert!(part.ledger.dropped.is_empty());
    let step = &part.history[0];
    assert_eq!((step.what.as_str(), step.before, step.after), ("window=15s..30s", 3, 1));
    assert_eq!(step.dropped["submitted outside the window"], 2);
    let error = window(&original, Time(31_000_000), Time(32_000_000)).unwrap_err();
    assert_eq!(error.to_string(), "t.csv: field `window`: no job is submitted from 31s up to 32s");
    assert_eq!(error.hint(), Some("the submissions are from 10s to 30s"));
}

#[test]
fn windows_by_the_clock() {
    let mut original = trace(&["0", "20", "30"]);
    original.origin = Some("2017-10-03T23:59:50".to_owned());
    for text in ["window=15s..30s", "window=15..0.5m", "window=2017-10-04T00:00:05..2017-10-04T00:00:20"] {
        let part = changed(&original, text);
        assert_eq!((submits(&part), part.origin.as_deref()), (vec![5_000_000], Some("2017-10-04T00:00:05")), "{text}");
        assert_eq!(part.history[0].what, text);
    }
    assert_eq!(submits(&changed(&original, "window=2017-10-04..")), [10_000_000, 20_000_000]);
    assert_eq!(submits(&changed(&original, "window=..2017-10-04")), [0]);
    assert_eq!(submits(&changed(&original, "window=20..")), [0, 10_000_000]);
    let no_clock = trace(&["0"]);
    assert_eq!(
        error(&no_clock, "window=2017-10-04.."),
        "t.csv: field `window`: the trace has no clock, so a date says nothing | give times since time zero, such as \
         0d..14d"
    );
    assert_eq!(
        error(&no_clock, "window=31s.."),
        "t.csv: field `window`: no job is submitted from 31s on | the submissions are from 0s to 0s"
    );
    for bad in ["window=3h", "window=a..b", "window=3h..-1"] {
        assert!(error(&no_clock, bad).contains("is not FROM..TO"), "{bad}");
    }
}

#[test]
fn days_are_drawn_whole() {
    let mut original = trace(&["0", "60", "90000", "90060", "200000"]);
    original.origin = Some("2017-10-03T12:00:00".to_owned());
    let sample = resample_days(&original, 7);
    assert_eq!(sample, resample_days(&original, 7));
    assert_eq!(sample.origin.as_deref(), Some("2017-10-03T00:00:00"));
    let mut ids: Vec<_> = sample.jobs.iter().map(|job| job.id.clone()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), sample.jobs.len());
    assert!(sample.jobs.is_sorted_by_key(|job| job.submit));
    for job in &sample.jobs {
        let (id, slot) = job.id.split_once('#').unwrap();
        let source = original.jobs.iter().find(|job| &*job.id == id).unwrap();
        assert_eq!(job.submit.0 / DAY_US, slot.parse::<u64>().unwrap());
        assert_eq!(job.submit.0 % DAY_US, (source.submit.0 + DAY_US / 2) % DAY_US);
    }
    let others = (0..20).filter(|&seed| resample_days(&original, seed).jobs != sample.jobs).count();
    assert!(others > 10);
    assert_eq!(resample_days(&Trace::default(), 1), Trace::default());
}

#[test]
fn the_load_is_met() {
    let original = trace(&["10", "20", "110"]);
    let loaded = changed(&original, "load=0.5,gpus=4");
    // 30 GPU-seconds over 4 GPUs and half of them busy: 15 s.
    assert_eq!(submits(&loaded), [10_000_000, 11_500_000, 25_000_000]);
    assert_eq!(loaded.history[0].what, "load=0.5,gpus=4");
    assert_eq!(changed(&original, "gpus=4,load=0.5"), loaded);
    assert_eq!(
        error(&original, "load=0.5"),
        "t.csv: field `load`: a load needs to know for how many GPUs | write load=0.9,gpus=64; or rate=1.2 for a rate"
    );
    assert!(error(&original, "gpus=3").contains("there is no `load`"));
    assert!(error(&trace(&["3", "3"]), "load=1,gpus=1").contains("all jobs arrive at once"));
}

#[test]
fn times_are_stretched_and_shifted() {
    let mut original = trace(&["10", "20"]);
    original.jobs[1].start = Some(Time(22_000_000));
    original.jobs[1].estimate = Some(Span::secs(100));
    let long = changed(&original, "stretch=3");
    assert_eq!(submits(&long), [10_000_000, 40_000_000]);
    let job = &long.jobs[1];
    assert_eq!(
        (job.duration, job.estimate, job.start),
        (Span::secs(30), Some(Span::secs(300)), Some(Time(46_000_000)))
    );
    let late = changed(&original, "shift=1m");
    assert_eq!((submits(&late), late.jobs[1].start), (vec![70_000_000, 80_000_000], Some(Time(82_000_000))));
    assert_eq!(submits(&changed(&late, "shift=-1m")), submits(&original));
    assert_eq!(
        error(&original, "shift=-11s"),
        "t.csv: field `shift`: the first job would be submitted before time zero | the first submission is at 10s: shift \
         back by at most that"
    );
}

#[test]
fn copies_follow_each_other() {
    let mut original = trace(&["0", "10", "20"]);
    original.jobs[2].id = "j0#2".into();
    let twice = changed(&original, "repeat=2");
    assert_eq!(submits(&twice), [0, 10_000_000, 20_000_000, 30_000_000, 40_000_000, 50_000_000]);
    let ids: Vec<&str> = twice.jobs.iter().map(|job| &*job.id).collect();
    assert_eq!(ids, ["j0", "j1", "j0#2", "j0#2#2", "j1#2", "j0#2#2#2"]);
    assert_eq!(twice.jobs[4].deadline, Some(Time(139_000_000)));
    assert_eq!((twice.history[0].before, twice.history[0].after), (3, 6));
    original.origin = Some("2017-10-03T12:00:00".to_owned());
    assert_eq!(submits(&changed(&original, "repeat=3"))[3..5], [DAY_US, DAY_US + 10_000_000]);
    assert_eq!(changed(&original, "repeat=1").jobs, original.jobs);
}

#[test]
fn samples_are_drawn_without_replacement() {
    let original = trace(&["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    let sample = changed(&original, "seed=3,sample_jobs=4");
    assert_eq!((sample.jobs.len(), sample.history[0].what.as_str()), (4, "sample_jobs=4,seed=3"));
    assert!(
        sample.jobs.iter().all(|job| original.jobs.contains(job)) && sample.jobs.is_sorted_by_key(|job| job.submit)
    );
    assert_eq!(sample, changed(&original, "seed=3,sample_jobs=4"));
    assert!((0..9).any(|seed| changed(&original, &format!("seed={seed},sample_jobs=4")).jobs != sample.jobs));
    assert_eq!(changed(&original, "sample_jobs=50%").jobs.len(), 5);
    assert_eq!(changed(&original, "sample_jobs=10").jobs, original.jobs);
    assert_eq!(
        error(&original, "sample_jobs=11"),
        "t.csv: field `sample_jobs`: there are only 10 jobs to draw from | ask for fewer, or for a share such as 0.1"
    );
    let mut people = original;
    people.tenants = vec!["a".to_owned(), "b".to_owned(), "c".to_owned()];
    for (at, job) in people.jobs.iter_mut().enumerate() {
        job.tenant = (at % 3) as u32;
    }
    let part = changed(&people, "sample_tenants=1");
    assert!(part.jobs.iter().all(|job| job.tenant == part.jobs[0].tenant) && part.jobs.len() >= 3);
}

#[test]
fn gangs_and_run_times_have_bounds() {
    let text =
        "job_id,submit_s,gpus,duration_s,tasks,cpu,memory_gib\na,0,8,10,,16,32\nb,1,32,20,4,40,80\nc,2,4,30,1,4,4\n";
    let original = read_bytes("t.csv", None, text.as_bytes()).unwrap();
    let capped = changed(&original, "cap_gpus=20");
    let gangs =
        |trace: &Trace| trace.jobs.iter().map(|j| (j.gpu_milli / 1000, j.tasks, j.cpu_milli)).collect::<Vec<_>>();
    assert_eq!(gangs(&capped), [(8, 0, 16_000), (16, 2, 20_000), (4, 1, 4000)]);
    assert_eq!(capped.history[0].changed["the gang was larger than cap_gpus: made smaller"], 1);
    assert_eq!(gangs(&changed(&original, "cap_gpus=2")), [(2, 0, 4000), (2, 1, 2500), (2, 1, 2000)]);
    let small = changed(&original, "max_gpus=8");
    assert_eq!((small.jobs.len(), small.history[0].dropped["the gang is larger than max_gpus"]), (2, 1));
    let bounded = changed(&original, "min_run_s=20,max_run_s=20s");
    assert_eq!((bounded.jobs.len(), bounded.history.len()), (1, 2));
    assert_eq!(
        error(&original, "min_run_s=1h"),
        "t.csv: field `min_run_s`: `min_run_s=1h` leaves no job | all 3 jobs are left out: the run time is below min_run_s"
    );
}

#[test]
fn estimates_are_injected() {
    let original = trace(&["0", "1"]);
    let exact = changed(&original, "estimates=exact");
    assert!(exact.jobs.iter().all(|job| job.estimate == Some(job.duration)));
    assert!(exact.history[0].changed.is_empty());
    let other = changed(&exact, "seed=9,estimates=fmodel:4");
    assert_eq!(other.history[1].what, "estimates=fmodel:4,seed=9");
    assert_eq!(other.history[1].changed["the estimate of the source was replaced"], 2);
    assert!(changed(&exact, "estimates=none").jobs.iter().all(|job| job.estimate.is_none()));
    assert!(error(&original, "estimates=good").starts_with("t.csv: field `estimates`: `good` is not `none`, `exact`,"));
}

#[test]
fn order_matters_and_keys_are_checked() {
    let original = trace(&["0", "10", "20"]);
    assert_ne!(
        submits(&changed(&original, "rate=2,window=0..8s")),
        submits(&changed(&original, "window=0..8s,rate=2"))
    );
    let read = |name: &str| {
        let error = crate::load(name).unwrap_err();
        format!("{error} | {}", error.hint().unwrap_or("NONE"))
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    std::fs::write(&path, "job_id,submit_s,gpus,duration_s\na,0,1,5\n").unwrap();
    let path = path.to_str().unwrap();
    assert!(read(&format!("{path}[rates=2]")).contains("no such key | did you mean `rate`?"));
    assert!(read(&format!("{path}[rate=0]")).contains("`0` is not a number above 0, at most 1000000"));
    assert!(read(&format!("{path}[repeat=0]")).contains("`0` is not a whole number from 1 to"));
    assert!(read(&format!("{path}[seed=x,rate=2]")).contains("field `seed`: `x` is not a whole number"));
    assert_eq!(crate::load(&format!("{path}[rate=2,repeat=3]")).unwrap().history.len(), 2);
    let made = crate::load("synthetic:philly[jobs=20,repeat=2,sample_jobs=5]").unwrap();
    assert_eq!((made.jobs.len(), made.history.len(), made.history[1].what.as_str()), (5, 2, "sample_jobs=5,seed=1"));
}

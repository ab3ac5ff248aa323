//! Figures of small traces.

use engine::{Span, Time};

use super::*;
use crate::source::read_bytes;

#[test]
fn figures_of_a_small_trace() {
    let text = "job_id,submit_s,gpus,duration_s,tenant,outcome\na,0,1,3600,x,finished\nb,3600,8,1800,y,killed\n\
                c,5400,0.5,7200,x,finished\nd,7200,16,0,x,\n";
    let mut trace = read_bytes("t.csv", None, text.as_bytes()).unwrap();
    trace.origin = Some("2017-10-03T22:30:00".to_owned());
    let info = describe(&trace, Some(&Inventory::uniform(1, 8, "GPU")));
    assert_eq!((info.jobs, info.tenants, info.rows), (4, 2, 4));
    assert!((info.span_s - 7200.0).abs() < 1e-9);
    assert!((info.gpu_hours - 6.0).abs() < 1e-9);
    assert!((info.offered_load.unwrap() - 6.0 / 16.0).abs() < 1e-9);
    assert_eq!((info.cluster_gpus, info.jobs_above_cluster), (Some(8), Some(1)));
    let sizes: Vec<_> = info.gangs.iter().map(|gang| (gang.gpus, gang.jobs)).collect();
    assert_eq!(sizes, [(0.5, 1), (1.0, 1), (8.0, 1), (16.0, 1)]);
    let run = info.run_time_s.unwrap();
    assert_eq!((run.p10, run.p50, run.p90, run.max, run.mean), (0.0, 1800.0, 7200.0, 7200.0, 3150.0));
    let gap = info.inter_arrival_s.unwrap();
    assert_eq!((gap.p50, gap.max, gap.mean), (1800.0, 3600.0, 2400.0));
    assert_eq!(
        info.recorded_share.into_iter().collect::<Vec<_>>(),
        [("finished", 0.5), ("killed", 0.25), ("unknown", 0.25)]
    );
    assert_eq!((info.hour_of_day[22], info.hour_of_day[23], info.hour_of_day[0]), (1, 1, 2));
}

#[test]
fn nothing_is_divided_by_zero() {
    let info = describe(&Trace::default(), Some(&Inventory::uniform(1, 8, "GPU")));
    assert_eq!((info.offered_load, info.run_time_s, info.inter_arrival_s), (None, None, None));
    let one = read_bytes("t.csv", None, b"job_id,submit_s,gpus,duration_s\na,5,1,3600\n").unwrap();
    let info = describe(&one, Some(&Inventory::uniform(1, 8, "GPU")));
    assert_eq!((info.offered_load, info.inter_arrival_s), (None, None));
    assert!(describe(&one, None).cluster_gpus.is_none());
}

fn near(found: f64, wanted: f64) {
    assert!((found - wanted).abs() < 1e-9, "{found} is not {wanted}");
}

#[test]
fn names_ends_and_classes() {
    let text = "job_id,submit_s,gpus,duration_s,tenant,outcome,queue,job_type\na,0,1,3600,x,finished,q1,bert\n\
                b,30,8,1800,x,killed,q2,\nc,7200,12,3600,y,censored,q1,bert\nd,7201,0.5,0,z,finished,,\n";
    let mut trace = read_bytes("t.csv", None, text.as_bytes()).unwrap();
    trace.origin = Some("2017-10-03T23:00:00".to_owned());
    let info = describe(&trace, None);
    let tenants = &info.top_tenants;
    assert_eq!((tenants.count, tenants.top[0].name.as_str(), tenants.top[0].jobs), (3, "x", 2));
    near(tenants.top[1].gpu_time_share, 12.0 / 17.0);
    near(tenants.named_share, 1.0);
    // Counts 2, 1, 1 over the logarithms of 1, 2, 3.
    near(tenants.zipf_exponent.unwrap(), zipf_exponent(&[2, 1, 1]).unwrap());
    assert_eq!((info.queues.count, info.queues.top[0].jobs, info.job_types.top[0].jobs), (2, 2, 2));
    near(info.queues.named_share, 0.75);
    let ends: Vec<_> = info.recorded.iter().map(|end| (end.outcome, end.jobs)).collect();
    assert_eq!(ends, [("censored", 1), ("finished", 2), ("killed", 1)]);
    near(info.recorded[2].gpu_time_share, 4.0 / 17.0);
    near(info.censored_share, 0.25);
    let classes: Vec<_> = info.gang_classes.iter().map(|class| (class.gpus_min, class.gpus_max, class.jobs)).collect();
    assert_eq!(classes, [(0.5, 0.5, 1), (1.0, 1.0, 1), (8.0, 12.0, 2)]);
    near(info.gang_classes[2].run_time_s.unwrap().mean, 2700.0);
    // 23:00 and 23:00:30 on a Tuesday, 1:00 and 1:00:01 on Wednesday.
    assert_eq!(info.day_of_week, Some([0, 2, 2, 0, 0, 0, 0]));
    let arrivals = info.arrivals.unwrap();
    assert_eq!((arrivals.per_hour_peak, arrivals.peak_at_s), (2, 0.0));
    near(arrivals.per_hour_mean, 4.0 / 3.0);
    near(arrivals.dispersion, (8.0 / 3.0 - 16.0 / 9.0) / (4.0 / 3.0));
    near(arrivals.burst_share, 0.5);
}

#[test]
fn waits_and_estimates() {
    let text = "job_id,submit_s,gpus,duration_s,estimate_s\na,0,1,10,20\nb,1,1,10,5\nc,2,1,0,5\nd,3,1,7,\n";
    let mut trace = read_bytes("t.csv", None, text.as_bytes()).unwrap();
    trace.jobs[1].start = Some(Time(61_000_000));
    trace.history.push(Step { what: "read".to_owned(), ..Step::default() });
    let info = describe(&trace, None);
    assert_eq!((info.queue_time_s.unwrap().max, info.start_share), (60.0, 0.25));
    let factor = info.estimate_factor.unwrap();
    assert_eq!((factor.p10, factor.max, factor.mean), (0.5, 2.0, 1.25));
    near(info.underestimated_share.unwrap(), 1.0 / 3.0);
    assert_eq!((info.history.len(), info.day_of_week, info.run_times), (1, None, "recorded"));
    for job in &mut trace.jobs {
        job.duration = Span(0);
    }
    trace.run_times = RunTimes::Unknown;
    let info = describe(&trace, Some(&Inventory::uniform(1, 8, "GPU")));
    assert_eq!((info.run_times, info.run_time_s, info.offered_load), ("unknown", None, None));
    assert!(info.gang_classes.iter().all(|class| class.run_time_s.is_none()));
}

#[test]
fn laws_of_zipf() {
    let counts: Vec<u64> = (1..=50u64).map(|rank| 1_000_000_000 / (rank * rank)).collect();
    near((zipf_exponent(&counts).unwrap() * 1e4).round(), 20_000.0);
    assert_eq!(zipf_exponent(&[5, 4]), None);
    near(zipf_exponent(&[7, 7, 7]).unwrap().abs(), 0.0);
}

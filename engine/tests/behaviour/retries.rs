//! What happens after a failure of the job itself.

use engine::{Alarm, Event, Hold, JobId, JobSpec, Outcome, Phase, Reason, RetryRule, Span};

use crate::bench::{Bench, alarm, failed, started, stopped};

fn retried(failures_max: u16, codes: &[i32], backoff_s: u64) -> JobSpec {
    let retry = RetryRule {
        failures_max,
        codes: codes.iter().copied().collect(),
        backoff: Span::secs(backoff_s),
        ..RetryRule::default()
    };
    JobSpec { retry, ..Bench::plain(8) }
}

#[test]
fn by_default_a_failure_is_final() {
    let mut bench = Bench::nodes(1);
    bench.submit(0, Bench::plain(8));
    assert_eq!(bench.at(5, [failed(0, 1, 1)]), ["close j0 failed"]);
}

#[test]
fn only_listed_codes_are_retried_and_only_so_often() {
    let mut bench = Bench::nodes(1);
    bench.submit(0, retried(2, &[3, 75], 0));
    assert_eq!(bench.at(5, [failed(0, 1, 3)]), ["launch j0/2 on n0:0-7"]);
    assert_eq!(bench.at(6, [failed(0, 2, 75)]), ["launch j0/3 on n0:0-7"]);
    assert_eq!(bench.at(7, [failed(0, 3, 3)]), ["close j0 failed"], "the third failure is one too many");
    bench.submit(8, retried(2, &[3], 0));
    assert_eq!(bench.at(9, [failed(1, 1, 4)]), ["close j1 failed"], "4 is not listed");
}

#[test]
fn a_run_that_stops_unasked_counts_as_a_failure() {
    let mut bench = Bench::nodes(1);
    bench.submit(0, retried(1, &[], 0));
    bench.at(0, [started(0, 1)]);
    assert_eq!(bench.at(5, [stopped(0, 1, 2)]), ["launch j0/2 on n0:0-7 from 2s"]);
    assert_eq!(bench.at(6, [stopped(0, 2, 2)]), ["close j0 failed"]);
}

#[test]
fn a_backoff_holds_the_job_until_its_alarm() {
    let mut bench = Bench::nodes(1);
    bench.submit(0, retried(3, &[], 30));
    assert_eq!(bench.at(5, [failed(0, 1, 1)]), ["alarm Backoff of j0/1 at 35s"]);
    assert_eq!(bench.job(0).phase, Phase::Held(Hold::Backoff));
    assert_eq!(bench.reason(0), Some(Reason::InBackoff));
    assert_eq!(bench.at(35, [alarm(0, 1, Alarm::Backoff)]), ["launch j0/2 on n0:0-7"]);
    assert_eq!(bench.at(36, [alarm(0, 1, Alarm::Backoff)]), Vec::<String>::new(), "that wait is over");
}

#[test]
fn a_job_in_backoff_can_be_cancelled_and_held() {
    let mut bench = Bench::nodes(1);
    bench.submit(0, retried(3, &[], 30));
    bench.at(5, [failed(0, 1, 1)]);
    assert_eq!(bench.at(6, [Event::Cancelled { job: JobId(0) }]), ["close j0 cancelled"]);
    assert!(bench.at(35, [alarm(0, 1, Alarm::Backoff)]).is_empty());
    assert_eq!(bench.job(0).phase, Phase::Done(Outcome::Cancelled));

    bench.submit(40, retried(3, &[], 30));
    bench.at(45, [failed(1, 1, 1)]);
    assert!(bench.at(46, [Event::JobHeld { job: JobId(1) }]).is_empty());
    assert!(bench.at(75, [alarm(1, 1, Alarm::Backoff)]).is_empty(), "an operator holds it now");
    assert_eq!(bench.at(80, [Event::JobReleased { job: JobId(1) }]), ["launch j1/2 on n0:0-7"]);
}

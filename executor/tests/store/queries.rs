//! Questions: every page is what a filter over all rows gives.

use executor::store::Position;
use executor::store::records::{
    AuditFilter, AuditRow, FreedRow, HeldRow, JobFilter, JobRow, Liveness, Order, Projected, Reader, Records, Row,
    RunRow, Usage, UsageFilter, UsageKey, Use,
};
use proptest::prelude::*;

use crate::records::{file, job};

struct Filled {
    _folder: tempfile::TempDir,
    reader: Reader,
}

fn fill(rows: Vec<Row>) -> Filled {
    let folder = tempfile::tempdir().unwrap();
    let (mut records, _) = Records::open(&file(&folder), Position::START).unwrap();
    records.apply(&[Projected { position: Position { segment: 1, record: 1 }, rows }]).unwrap();
    let reader = Reader::open(&file(&folder)).unwrap();
    Filled { _folder: folder, reader }
}

fn pick(of: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(of.to_vec()).prop_map(str::to_owned)
}

const TENANTS: &[&str] = &["a", "a/b", "a/b/c", "a.b", "a0", "ab", "b"];
const OWNERS: &[&str] = &["ann", "bob"];
const STATES: &[&str] = &["queued", "running", "done"];
const NAMES: &[&str] = &["lm", "l%", "it's"];

fn some_jobs() -> impl Strategy<Value = Vec<JobRow>> {
    let labels = prop::collection::btree_map(pick(&["x", "y"]), pick(&["1", "2"]), 0..3);
    let one = (pick(TENANTS), pick(OWNERS), pick(STATES), prop::option::of(pick(NAMES)), labels);
    prop::collection::vec(one, 0..40).prop_map(|jobs| {
        let with_number = jobs.into_iter().enumerate().map(|(number, (tenant, owner, state, name, labels))| JobRow {
            ended_us: (state == "done").then_some(5),
            tenant,
            owner,
            state,
            name,
            labels,
            ..job(number as u32 * 3)
        });
        with_number.collect()
    })
}

fn filter() -> impl Strategy<Value = JobFilter> {
    let liveness = prop::sample::select(vec![Liveness::Any, Liveness::Live, Liveness::Ended]);
    let labels = prop::collection::vec((pick(&["x", "y"]), pick(&["1", "2"])), 0..3);
    let texts = (prop::option::of(pick(TENANTS)), prop::option::of(pick(OWNERS)), prop::option::of(pick(NAMES)));
    let page = (prop::option::of(0_u32..120), 0_u32..12, any::<bool>());
    (liveness, prop::collection::vec(pick(STATES), 0..3), texts, labels, page).prop_map(
        |(liveness, states, (tenant, owner, name), labels, (after, limit, newest))| JobFilter {
            liveness,
            states,
            tenant,
            owner,
            name,
            labels,
            order: if newest { Order::Newest } else { Order::Oldest },
            after,
            limit,
        },
    )
}

fn is_below(tenant: &str, above: &str) -> bool {
    tenant == above || tenant.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'))
}

/// The same by looking at each job.
fn by_hand(jobs: &[JobRow], filter: &JobFilter) -> Vec<JobRow> {
    let mut found: Vec<JobRow> = jobs.iter().filter(|job| matches(job, filter)).cloned().collect();
    if filter.order == Order::Newest {
        found.reverse();
    }
    found.truncate(filter.limit as usize);
    found
}

fn matches(job: &JobRow, filter: &JobFilter) -> bool {
    let is_beyond = |after: u32| if filter.order == Order::Newest { job.number < after } else { job.number > after };
    let liveness = match filter.liveness {
        Liveness::Any => true,
        Liveness::Live => job.ended_us.is_none(),
        Liveness::Ended => job.ended_us.is_some(),
    };
    liveness
        && (filter.states.is_empty() || filter.states.contains(&job.state))
        && filter.tenant.as_ref().is_none_or(|tenant| is_below(&job.tenant, tenant))
        && filter.owner.as_ref().is_none_or(|owner| job.owner == *owner)
        && filter.name.as_ref().is_none_or(|name| job.name.as_ref() == Some(name))
        && filter.labels.iter().all(|(key, value)| job.labels.get(key) == Some(value))
        && filter.after.is_none_or(is_beyond)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_page_is_what_a_look_at_every_job_gives(
        jobs in some_jobs(),
        ends in prop::collection::vec(any::<bool>(), 40),
        filters in prop::collection::vec(filter(), 1..40),
    ) {
        let submitted = jobs.iter().map(|job| Row::Submitted { job: Box::new(job.clone()), job_file: "{}".to_owned() });
        // Some of them end afterwards.
        let mut jobs = jobs.clone();
        let mut rows: Vec<Row> = submitted.collect();
        for (job, _) in jobs.iter_mut().zip(ends).filter(|(_, ends)| *ends) {
            job.state = "done".to_owned();
            job.ended_us = Some(9);
            rows.push(Row::Job(Box::new(job.clone())));
        }
        let filled = fill(rows);
        for filter in filters {
            prop_assert_eq!(filled.reader.jobs(&filter).unwrap(), by_hand(&jobs, &filter), "{:?}", filter);
        }
    }
}

#[test]
fn a_job_comes_with_its_file_and_its_runs() {
    let run = |attempt| RunRow { job: 4, attempt, checkpoint: Some("s3://c".to_owned()), ..RunRow::default() };
    let rows = vec![
        Row::Submitted { job: Box::new(job(4)), job_file: r#"{"command":["true"]}"#.to_owned() },
        Row::Run(Box::new(run(1))),
        Row::Run(Box::new(run(0))),
        Row::Run(Box::new(RunRow { job: 5, ..RunRow::default() })),
    ];
    let record = fill(rows).reader.job(4).unwrap().unwrap();
    assert_eq!((record.job, record.job_file.as_str()), (job(4), r#"{"command":["true"]}"#));
    assert_eq!(record.runs, [run(0), run(1)]);
    assert_eq!(fill(Vec::new()).reader.job(4).unwrap(), None);
}

#[test]
fn usage_is_added_up_by_days_tenants_owners_and_models() {
    const DAY: u64 = 86_400_000_000;
    let held = |job, tenant: &str, owner: &str, launched_us, gpus: &[(&str, u64)]| {
        let gpus = gpus.iter().map(|(model, milli)| ((*model).to_owned(), *milli)).collect();
        let (tenant, owner) = (tenant.to_owned(), owner.to_owned());
        Row::Held(Box::new(HeldRow { job, attempt: 1, launched_us, tenant, owner, gpus }))
    };
    let freed = |job, at_us, used, lost_milli_us| {
        Row::Freed(FreedRow { job, attempt: 1, at_us, used, lost_milli_us, job_ends: used != Use::Stopped })
    };
    let filled = fill(vec![
        held(0, "a/b", "ann", DAY - 10, &[("A100", 1000), ("H100", 500)]),
        held(0, "a/b", "ann", DAY - 10, &[("A100", 1000), ("H100", 500)]),
        held(1, "a", "bob", 2 * DAY + 5, &[("A100", 2000)]),
        held(2, "ab", "bob", 2 * DAY, &[("", 0)]),
        held(3, "c", "eve", 3 * DAY - 1, &[("A100", 3000)]),
        // Nobody holds that any more, or ever did.
        freed(9, 3 * DAY, Use::Failed, 0),
        freed(0, 2 * DAY + 1, Use::Finished, 0),
        freed(0, 2 * DAY + 9, Use::Failed, 0),
        freed(1, 2 * DAY + 25, Use::Stopped, 7000),
        freed(2, 2 * DAY + 100, Use::Failed, 0),
    ]);
    let usage = |first, last, below: Option<&str>, by| {
        let filter = UsageFilter { first, last, below: below.map(str::to_owned), by, now_us: 3 * DAY + 2 };
        let usage = filled.reader.usage(&filter).unwrap();
        let sums = |usage: Usage| {
            let Usage { held, finished, failed, stopped, running, lost, runs, jobs } = usage;
            format!("{held} = {finished} + {failed} + {stopped} + {running}, {lost} lost, {runs} runs, {jobs} jobs")
        };
        usage.into_iter().map(|(key, usage)| format!("{key}: {}", sums(usage))).collect::<Vec<_>>()
    };
    let day = DAY + 11;
    assert_eq!(
        usage(0, 9, None, UsageKey::Tenant),
        [
            "a: 40000 = 0 + 0 + 40000 + 0, 7000 lost, 1 runs, 0 jobs".to_owned(),
            format!("a/b: {0} = {0} + 0 + 0 + 0, 0 lost, 1 runs, 1 jobs", 1500 * day),
            "ab: 0 = 0 + 0 + 0 + 0, 0 lost, 1 runs, 1 jobs".to_owned(),
            "c: 9000 = 0 + 0 + 0 + 9000, 0 lost, 0 runs, 0 jobs".to_owned(),
        ]
    );
    assert_eq!(
        usage(0, 9, Some("a"), UsageKey::Model),
        [
            format!("A100: {} = {} + 0 + 40000 + 0, 7000 lost, 2 runs, 1 jobs", 1000 * day + 40_000, 1000 * day),
            format!("H100: {0} = {0} + 0 + 0 + 0, 0 lost, 0 runs, 0 jobs", 500 * day),
        ]
    );
    assert_eq!(
        usage(2, 3, None, UsageKey::Day),
        [
            "1970-01-03: 44500 = 1500 + 0 + 40000 + 3000, 7000 lost, 3 runs, 2 jobs",
            "1970-01-04: 6000 = 0 + 0 + 0 + 6000, 0 lost, 0 runs, 0 jobs",
        ]
    );
    assert_eq!(usage(0, 0, None, UsageKey::Owner), ["ann: 15000 = 15000 + 0 + 0 + 0, 0 lost, 0 runs, 0 jobs"]);
    assert_eq!(usage(4, 3, None, UsageKey::Day), Vec::<String>::new());
}

#[test]
fn the_audit_is_read_from_its_end_in_pages() {
    let line = |at: u64| AuditRow {
        at_us: at / 2,
        who: OWNERS[(at % 2) as usize].to_owned(),
        verb: if at.is_multiple_of(3) { "cancel" } else { "submit" }.to_owned(),
        subject: format!("job {}", at % 5),
        ..AuditRow::default()
    };
    let filled = fill((1..=30).map(|at| Row::Audit(Box::new(line(at)))).collect());
    let numbers = |filter: AuditFilter| -> Vec<u64> {
        let lines = filled.reader.audit(&AuditFilter { limit: 5, ..filter }).unwrap();
        assert!(lines.iter().all(|found| found.row == line(found.seq)));
        lines.iter().map(|line| line.seq).collect()
    };
    let all = AuditFilter::default;
    assert_eq!(numbers(all()), [30, 29, 28, 27, 26]);
    assert_eq!(numbers(AuditFilter { before: Some(3), ..all() }), [2, 1]);
    assert_eq!(numbers(AuditFilter { who: Some("bob".to_owned()), ..all() }), [29, 27, 25, 23, 21]);
    assert_eq!(numbers(AuditFilter { verb: Some("cancel".to_owned()), before: Some(8), ..all() }), [6, 3]);
    assert_eq!(numbers(AuditFilter { subject: Some("job 2".to_owned()), since_us: Some(8), ..all() }), [27, 22, 17]);
    assert_eq!(numbers(AuditFilter { since_us: Some(15), ..all() }), [30]);
    assert_eq!(numbers(AuditFilter { since_us: Some(16), ..all() }), [0; 0]);
}

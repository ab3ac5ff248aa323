//! Records: each record of the journal counts once, whatever crashes; a file of no use is set aside.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use executor::store::Position;
use executor::store::records::{
    AuditRow, FreedRow, HeldGpu, HeldRow, JobFilter, JobRow, Projected, Reader, Records, RecordsError, RecordsWarning,
    Row, RunRow, Use, Writer,
};
use proptest::prelude::*;
use rusqlite::Connection;

const FAR: Position = Position { segment: u64::MAX, record: 0 };

pub(crate) fn file(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("records.sqlite")
}

fn open(path: &Path) -> Records {
    let (records, warnings) = Records::open(path, FAR).unwrap();
    let is_expected = |warning: &RecordsWarning| matches!(warning, RecordsWarning::Missing { .. });
    assert!(warnings.iter().all(is_expected), "{warnings:?}");
    records
}

pub(crate) fn job(number: u32) -> JobRow {
    JobRow {
        number,
        tenant: "research/vision".to_owned(),
        owner: "ann".to_owned(),
        state: "queued".to_owned(),
        tasks: 1,
        ..JobRow::default()
    }
}

/// All rows of all tables as text.
fn dump(path: &Path) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
    let mut statement = connection.prepare(tables).unwrap();
    let tables: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let rows = tables.iter().flat_map(|table| {
        let mut statement = connection.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2")).unwrap();
        let columns = statement.column_count();
        let text = |row: &rusqlite::Row<'_>| {
            let values: Vec<String> = (0..columns).map(|at| format!("{:?}", row.get_ref(at).unwrap())).collect();
            Ok(format!("{table}: {}", values.join(" ")))
        };
        statement.query_map([], text).unwrap().map(Result::unwrap).collect::<Vec<_>>()
    });
    rows.collect()
}

fn row() -> impl Strategy<Value = Row> {
    let tenant = || prop::sample::select(vec!["a", "a/b", "a/b/c", "ab", "z"]).prop_map(str::to_owned);
    let label = (prop::sample::select(vec!["x", "y"]), prop::sample::select(vec!["1", "2"]));
    let labels = prop::collection::btree_map(label.0.prop_map(str::to_owned), label.1.prop_map(str::to_owned), 0..3);
    let state = prop::sample::select(vec!["queued", "running", "done"]);
    let job =
        (0_u32..20, tenant(), labels, state, any::<u64>()).prop_map(|(number, tenant, labels, state, at)| JobRow {
            tenant,
            labels,
            state: state.to_owned(),
            ended_us: (state == "done").then_some(at),
            submitted_us: at,
            ..job(number)
        });
    let run = (0_u32..20, 0_u32..4, any::<Option<u64>>()).prop_map(|(job, attempt, ended_us)| RunRow {
        job,
        attempt,
        nodes: vec!["n1".to_owned()],
        gpus: vec![HeldGpu { node: "n1".to_owned(), index: 0, uuid: None, milli: 500 }],
        ended_us,
        ..RunRow::default()
    });
    let held =
        (tenant(), 0_u32..20, 0_u32..4, 0_u64..1 << 40, 0_u64..5).prop_map(|(tenant, job, attempt, at, milli)| {
            HeldRow {
                job,
                attempt,
                launched_us: at,
                tenant,
                owner: "ann".to_owned(),
                gpus: [("A100".to_owned(), milli)].into_iter().collect(),
            }
        });
    let used = prop::sample::select(vec![Use::Finished, Use::Failed, Use::Stopped]);
    let freed =
        (0_u32..20, 0_u32..4, 0_u64..1 << 40, used, any::<bool>()).prop_map(|(job, attempt, at_us, used, job_ends)| {
            FreedRow { job, attempt, at_us, used, lost_milli_us: at_us % 7, job_ends }
        });
    let audit =
        any::<u32>().prop_map(|at| AuditRow { at_us: u64::from(at), verb: "submit".to_owned(), ..AuditRow::default() });
    prop_oneof![
        job.clone().prop_map(|job| Row::Submitted { job: Box::new(job), job_file: "{}".to_owned() }),
        job.prop_map(|job| Row::Job(Box::new(job))),
        run.prop_map(|run| Row::Run(Box::new(run))),
        held.prop_map(|held| Row::Held(Box::new(held))),
        freed.prop_map(Row::Freed),
        audit.prop_map(|audit| Row::Audit(Box::new(audit))),
    ]
}

/// What a crash of the writer is made of: from now on this table takes no rows.
fn break_table(path: &Path, table: &str) {
    let event = if table == "watermark" { "UPDATE" } else { "INSERT" };
    let trigger = format!("CREATE TRIGGER crash BEFORE {event} ON {table} BEGIN SELECT RAISE(ABORT, 'crash'); END");
    Connection::open(path).unwrap().execute_batch(&trigger).unwrap();
}

fn mend_table(path: &Path) {
    Connection::open(path).unwrap().execute_batch("DROP TRIGGER IF EXISTS crash").unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(15))]

    #[test]
    fn however_the_rows_are_split_and_wherever_the_writer_crashes_the_tables_are_the_same(
        rows in prop::collection::vec(prop::collection::vec(row(), 0..5), 1..30),
        splits in prop::collection::vec((1_usize..8, 0_usize..7, 0_usize..40), 1..40),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let records: Vec<_> = rows.into_iter().enumerate().map(|(at, rows)| {
            Projected { position: Position { segment: 1 + at as u64 / 10, record: at as u64 % 10 }, rows }
        }).collect();
        let whole = folder.path().join("whole.sqlite");
        let mut reference = open(&whole);
        for record in &records {
            reference.apply(std::slice::from_ref(record)).unwrap();
        }
        let path = file(&folder);
        let mut writer = open(&path);
        let mut splits = splits.into_iter().cycle();
        let mut crashes = 0;
        while writer.watermark() < records.last().unwrap().position {
            let done = records.iter().filter(|record| record.position <= writer.watermark()).count();
            let (length, kind, again) = splits.next().unwrap();
            // Some that were written before are sent again.
            let first = done.saturating_sub(again % 4);
            let batches = &records[first..(done + length).min(records.len())];
            let table = ["watermark", "jobs", "audit", "usage", "tenures"].get(kind).filter(|_| crashes < 8);
            if let Some(table) = table {
                crashes += 1;
                break_table(&path, table);
            }
            let applied = writer.apply(batches);
            prop_assert!(applied.is_ok() || table.is_some());
            if table.is_some() {
                drop(writer);
                mend_table(&path);
                writer = open(&path);
            }
        }
        prop_assert_eq!(dump(&path), dump(&whole));
    }
}

fn at(record: u64) -> Position {
    Position { segment: 1, record }
}

fn submitted(number: u32) -> Projected {
    let row = Row::Submitted { job: Box::new(job(number)), job_file: "{}".to_owned() };
    Projected { position: at(u64::from(number)), rows: vec![row] }
}

#[test]
fn the_writer_writes_what_was_sent_before_it_goes_and_a_sync_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    let writer = Writer::start(open(&path), 16).unwrap();
    for number in 1..=1000 {
        writer.send(submitted(number)).unwrap();
    }
    writer.sync().unwrap();
    assert_eq!(writer.watermark(), at(1000));
    let reader = Reader::open(&path).unwrap();
    assert_eq!(reader.jobs(&JobFilter { after: Some(990), ..JobFilter::default() }).unwrap().len(), 10);
    writer.send(submitted(1001)).unwrap();
    drop(writer);
    assert_eq!(reader.job(1001).unwrap().unwrap().job, job(1001));
    assert_eq!(open(&path).watermark(), at(1001));
}

#[test]
fn a_writer_that_fails_says_why_at_every_later_call() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    let records = open(&path);
    break_table(&path, "jobs");
    let writer = Writer::start(records, 4).unwrap();
    writer.send(submitted(1)).unwrap();
    for _ in 0..2 {
        let error = writer.sync().unwrap_err();
        assert!(matches!(&error, RecordsError::Stopped { cause } if cause.ends_with("crash")), "{error}");
    }
    let refused = (0..100).map(|_| writer.send(submitted(2))).find_map(Result::err).unwrap();
    assert!(refused.to_string().starts_with("the records are no longer written: cannot write to"), "{refused}");
    assert_eq!(writer.watermark(), Position::START);
}

/// Opens a file of no use, and sees that it is set aside and works again.
fn set_aside(path: &Path, end: Position) -> String {
    let before = fs::read(path).unwrap();
    let (mut records, warnings) = Records::open(path, end).unwrap();
    let [RecordsWarning::SetAside { aside, cause, .. }] = warnings.as_slice() else { panic!("{warnings:?}") };
    assert!(fs::read(aside).unwrap().len() >= before.len());
    assert_eq!(records.watermark(), Position::START);
    records.apply(&[submitted(1)]).unwrap();
    drop(records);
    let (records, warnings) = Records::open(path, FAR).unwrap();
    assert_eq!((records.watermark(), warnings), (at(1), Vec::new()));
    cause.clone()
}

#[test]
fn a_file_of_no_use_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    fs::write(&path, vec![b'x'; 10_000]).unwrap();
    assert_eq!(set_aside(&path, FAR), "file is not a database");
    assert_eq!(set_aside(&path, Position::START), "it knows more than the journal");
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert_eq!(set_aside(&path, FAR), "version 99 of its tables is not 2, that of this program");
    Connection::open(&path).unwrap().execute_batch("DROP TABLE watermark").unwrap();
    assert!(set_aside(&path, FAR).starts_with("no such table: watermark"));
}

#[test]
fn a_file_with_changed_pages_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    let mut records = open(&path);
    records.apply(&(1..500).map(submitted).collect::<Vec<_>>()).unwrap();
    drop(records);
    let mut bytes = fs::read(&path).unwrap();
    // The heads of all pages but the first.
    bytes.iter_mut().skip(4096).step_by(4096).for_each(|byte| *byte = 0xff);
    fs::write(&path, bytes).unwrap();
    let cause = set_aside(&path, FAR);
    assert!(cause.contains("Tree") || cause.contains("malformed"), "{cause}");
}

#[test]
fn a_missing_file_is_worth_a_warning_only_where_there_is_a_journal() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    assert_eq!(Records::open(&path, Position::START).unwrap().1, []);
    fs::remove_file(&path).unwrap();
    let warnings = Records::open(&path, at(3)).unwrap().1;
    assert!(matches!(warnings.as_slice(), [RecordsWarning::Missing { .. }]), "{warnings:?}");
}

#[test]
fn files_are_for_their_owner_and_links_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    let mut records = open(&path);
    records.apply(&[submitted(1)]).unwrap();
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    for name in names {
        assert_eq!(fs::metadata(&name).unwrap().permissions().mode() & 0o777, 0o600, "{}", name.display());
    }
    drop(records);
    let elsewhere = folder.path().join("elsewhere");
    fs::rename(&path, &elsewhere).unwrap();
    symlink(&elsewhere, &path).unwrap();
    let error = Records::open(&path, FAR).unwrap_err();
    assert!(error.to_string().contains("unable to open database file"), "{error}");
    assert!(error.hint().contains("not a link"), "{}", error.hint());
}

#[test]
fn the_audit_is_only_added_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    let rows = vec![Row::Audit(Box::default())];
    open(&path).apply(&[Projected { position: at(1), rows }]).unwrap();
    let connection = Connection::open(&path).unwrap();
    for change in ["UPDATE audit SET who = 'nobody'", "DELETE FROM audit"] {
        assert!(connection.execute(change, []).unwrap_err().to_string().contains("audit is only added to"));
    }
}

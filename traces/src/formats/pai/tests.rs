//! Small tables by hand.

use std::io::Write;

use super::*;
use crate::input::Options;
use crate::trace::Recorded;

const JOBS: &str = "j1,i1,u1,Terminated,100.0,400.0\nj2,i2,u2,Failed,110,390\nj3,i3,u1,Running,120,\nj4,i4,u1,Waiting,130,\n\
                    j5,i5,u3,Terminated,,300\nj6,i6,u3,Terminated,150,300\nj7,i7,u3,Terminated,160,300\nj8,i8,u3,Terminated,170,300\n";
const TASKS: &str = "j1,worker,2.0,Terminated,150.0,400.0,600.0,29.296875,50.0,V100\n\
                     j1,ps,1.0,Terminated,150.0,400.0,800.0,10,,\n\
                     j2,chief,1,Failed,120,390,100,1,100,T4\nj2,worker,3,Failed,121,390,200,1,50,T4\n\
                     j3,tf,1,Running,200,,100,1,200,MISC\nj4,tf,1,Waiting,,,100,1,100,P100\n\
                     j7,tf,1,Terminated,300,250,100,1,100,P100\nj8,tf,,Terminated,180,250,100,1,0,CPU\n\
                     zz,tf,1,Terminated,180,250,100,1,0,CPU\n";
const INSTANCES: &str = "j1,worker,n1,w1,i1,Terminated,160,390.5,m1\nj1,worker,n2,w2,i1,Terminated,155,380,m1\n\
                         j2,chief,n1,w3,i2,Failed,130,380,m2\nj2,worker,n1,w4,i2,Failed,0,380,m2\n\
                         j3,tf,n1,w5,i3,Running,210,,m3\nzz,tf,n1,w9,i9,Running,210,500,m3\n";
const TAGS: &str = "i1,u1,V100M32,g1,nmt\ni2,u2,,g2,\ni3,u1,MISC,,\ni9,u9,,,\n";

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn read_folder(folder: &tempfile::TempDir, options: &[(&str, &str)]) -> Result<Trace, TraceError> {
    let pairs = options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    read(&Input { file: folder.path().to_str().unwrap(), text: "", options: &Options::new(pairs) })
}

fn all() -> tempfile::TempDir {
    folder(&[
        ("pai_job_table.csv", JOBS),
        ("pai_task_table.csv", TASKS),
        ("pai_instance_table.csv", INSTANCES),
        ("pai_group_tag_table.csv", TAGS),
    ])
}

fn text(folder: &tempfile::TempDir) -> String {
    let error = read_folder(folder, &[]).unwrap_err();
    let name = folder.path().to_str().unwrap();
    format!("{error} | {}", error.hint().unwrap_or_default()).replace(name, "F")
}

#[test]
fn golden() {
    let trace = read_folder(&all(), &[]).unwrap();
    let secs = |us: u64| us as f64 / 1e6;
    let jobs: Vec<_> = trace
        .jobs
        .iter()
        .map(|j| {
            (&*j.id, secs(j.submit.0), secs(j.start.unwrap().0), secs(j.duration.0), j.gpu_milli, j.tasks, j.cpu_milli)
        })
        .collect();
    assert_eq!(
        jobs,
        [
            ("j1", 100.0, 155.0, 235.5, 1000, 2, 12_000),
            ("j2", 110.0, 120.0, 270.0, 3000, 0, 7000),
            ("j3", 120.0, 210.0, 190.0, 2000, 1, 1000),
            ("j8", 170.0, 180.0, 70.0, 0, 1, 1000),
        ]
    );
    assert_eq!(trace.jobs[0].memory_mib, 60_000);
    let recorded: Vec<_> = trace.jobs.iter().map(|job| job.recorded).collect();
    assert_eq!(recorded, [Recorded::Finished, Recorded::Failed, Recorded::Censored, Recorded::Finished]);
    assert_eq!((trace.jobs[0].name.as_deref(), trace.job_types[0].name.as_str()), (Some("g1"), "nmt"));
    assert_eq!((trace.model_sets.as_slice(), trace.jobs[2].models), ([vec!["V100M32".to_owned()]].as_slice(), None));
    assert_eq!(trace.tenants, ["u1", "u2", "u3"]);
    assert_eq!((trace.ledger.rows, trace.origin.as_deref()), (8, Some("1970-01-01T08:00:00")));
    let dropped: Vec<_> = trace.ledger.dropped.iter().map(|(cause, count)| (cause.as_str(), *count)).collect();
    assert_eq!(
        dropped,
        [
            ("a task or instance ends before it starts", 1),
            ("never started: it waited at the end of the recording", 1),
            ("no task in the task table", 1),
            ("no time of submission", 1),
        ]
    );
    let changed: Vec<_> = trace.ledger.changed.iter().map(|(cause, count)| (cause.as_str(), *count)).collect();
    assert_eq!(
        changed,
        [
            ("GPU model MISC: several older models without a name, taken as any", 1),
            ("a merged gang with a part of a GPU: rounded up to whole GPUs", 1),
            ("inst_num is 0 or missing: taken as 1", 1),
            ("instances lack a time: run time by the task table", 4),
            ("row of the group tags without a job: not used", 1),
            ("row of the instance table without a task: not used", 1),
            ("row of the task table without a job: not used", 1),
            ("still running at the end of the recording: run time is censored", 1),
            ("tasks of different GPU sizes: merged into one gang", 1),
            ("tasks without GPUs beside tasks with: left out of the gang", 1),
        ]
    );
}

#[test]
fn a_header_row_gzip_and_missing_tables() {
    let tables = folder(&[("pai_task_table", TASKS)]);
    let header = "job_name,inst_id,user,status,start_time,end_time\r\n";
    let file = std::fs::File::create(tables.path().join("pai_job_table.csv.gz")).unwrap();
    let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::default());
    encoder.write_all(format!("{header}{}", JOBS.replace('\n', "\r\n")).as_bytes()).unwrap();
    encoder.finish().unwrap();
    let trace = read_folder(&tables, &[("models", "assigned")]).unwrap();
    assert_eq!((trace.ledger.rows, trace.jobs.len()), (8, 4));
    assert_eq!(trace.ledger.changed["no instance table: run time by the task table"], 6);
    assert_eq!(trace.ledger.changed["no group tags: jobs have no name and may run on any model"], 8);
    assert_eq!(trace.model_sets, [["V100"], ["T4"]]);
    assert_eq!(trace.jobs[0].duration.0, 250_000_000);
    assert_eq!(crate::load(tables.path().to_str().unwrap()).unwrap().format, "pai", "the folder is known by its files");
}

#[test]
fn errors() {
    let jobs = |row: &str| folder(&[("pai_job_table.csv", &format!("{JOBS}{row}\n")), ("pai_task_table.csv", TASKS)]);
    assert_eq!(
        text(&jobs("j9,i9,u,Gone,1,2")),
        "F/pai_job_table.csv:9: field `status`: `Gone` is no status of a job | it is one of Terminated, Failed, Running, Waiting"
    );
    assert_eq!(
        text(&jobs("j1,i9,u,Failed,1,2")),
        "F/pai_job_table.csv:9: field `job_name`: `j1` is already the name of the job in line 1 | every job needs a name of \
         its own"
    );
    assert_eq!(
        text(&jobs("j9,i9,u,Failed,1")),
        "F/pai_job_table.csv:9: the row has 5 fields, the format 6 fields | the line is cut off, or the delimiter is another one"
    );
    assert_eq!(
        text(&jobs("j9,i9,u,Failed,-1,2")),
        "F/pai_job_table.csv:9: field `start_time`: `-1` is negative | the least is 0; correct the value, or leave the row out"
    );
    let tasks = |row: &str| folder(&[("pai_job_table.csv", JOBS), ("pai_task_table.csv", &format!("{TASKS}{row}\n"))]);
    assert_eq!(
        text(&tasks("j6,tf,1,Terminated,1,2,100,1,1x0,T4")),
        "F/pai_task_table.csv:10: field `plan_gpu`: `1x0` is not a number | write a plain decimal number such as 12 or 12.5, \
         without unit or separators"
    );
    assert_eq!(
        text(&tasks("j6,tf,4000000,Terminated,160,200,100,1,800,T4")),
        "F/pai_task_table.csv:10: field `plan_gpu`: the job asks for too much | check the unit of the column"
    );
    assert_eq!(
        text(&folder(&[("pai_job_table.csv", JOBS), ("pai_task_table.tar.gz", "")])),
        "F: `pai_task_table.csv` is missing in the folder | unpack it: tar -xzf pai_task_table.tar.gz"
    );
    let cut = folder(&[("pai_task_table.csv", TASKS)]);
    std::fs::write(cut.path().join("pai_job_table.csv.gz"), [0x1f, 0x8b, 8, 0, 0, 0]).unwrap();
    assert!(text(&cut).starts_with("F/pai_job_table.csv.gz: the gzip file is cut off | "), "{}", text(&cut));
    assert!(read_folder(&all(), &[("models", "any")]).is_err());
}

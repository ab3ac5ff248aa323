//! `reproduce`: a small folder of cases written by hand, and the page of the book where the data is at hand.

use std::fmt::Write as _;
use std::process::Command;

use serde_json::Value;

use crate::support::{Done, Yard};

/// Three jobs. On 2 GPUs they end at 100, 130 and 140 in strict order of arrival, and the last at 20 where it may pass.
const JOBS: &str = "job_id,submit_s,gpus,duration_s\n0,0,1,100\n1,10,2,30\n2,10,1,10\n";
const HEAD: &str = "job_id,gpus,submit_s,first_start_s,finish_s,jct_s,duration_s,pending_s,preempts\n";

fn command(yard: &Yard, args: &str) -> Command {
    let mut command = yard.command(args);
    command.env("TRAINYARD_DATA", yard.path("data"));
    command
}

fn run(yard: &Yard, args: &str) -> Done {
    Done::of(&command(yard, args).output().unwrap())
}

/// A result of Tiresias' simulator with these ends.
fn result(ends: &[(u32, f64)]) -> String {
    let rows = ends.iter().map(|(job, end_s)| format!("{job},1,0,0,{end_s},0,0,0,0\n"));
    HEAD.to_owned() + &rows.collect::<String>()
}

fn yard() -> Yard {
    let yard = Yard::new();
    yard.write("data/cases/tiresias/trace_60job.csv", JOBS);
    let cases = [
        ("n1g2-count-fifo", result(&[(0, 100.0), (1, 130.0), (2, 140.0)])),
        ("n1g2-count-fjf", result(&[(0, 100.0), (1, 130.0), (2, 30.0)])),
        ("n1g2-count-shortest", result(&[(0, 100.0), (1, 130.0)])),
        ("n1g2-yarn-shortest", result(&[(0, 100.0)])),
        ("n1g2-count-unheard", result(&[])),
        ("notes", String::new()),
    ];
    for (name, text) in cases {
        yard.write(&format!("data/cases/tiresias/jobs/{name}.csv"), text);
    }
    yard.write("data/cases/philly/philly_abc123_oct_nov.csv", JOBS);
    let head = "submit_s,gpus,duration_s,start_s,finish_s,jct_s,queue_s,preempts,nodes\n";
    let rows = "10,1,10,10,20,0,0,0,[{0: 1}]\n0,1,100,0,100,0,0,0,[{0: 1}]\n10,2,30,10,40,0,0,0,\"[{1: 1}, {0: 1}]\"\n";
    yard.write("data/cases/helios_lucid/helios_sjf_consolidate_abc123_log.csv", format!("{head}{rows}"));
    yard
}

#[test]
fn a_folder_written_by_hand() {
    let yard = yard();
    insta::assert_snapshot!(run(&yard, "reproduce").shown());
    insta::assert_snapshot!(run(&yard, "reproduce tiresias/n1g2-count --format markdown").shown());
    let fifo = run(&yard, "reproduce tiresias/n1g2-count-fifo --format json");
    assert_eq!(fifo.code, 0, "{}", fifo.stderr);
    insta::assert_snapshot!(fifo.stdout.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}

#[test]
fn keys_of_the_json() {
    let found: Value = serde_json::from_str(&run(&yard(), "reproduce helios_lucid --format json").stdout).unwrap();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(keys(&found), "schema trainyard_version within beyond not_covered cases");
    let case = &found["cases"][0];
    assert_eq!(keys(case), "case peer verdict reason policy settings cluster jobs compared seeds measures");
    let measure = "name published ours difference relative limit_relative limit_least limit_difference \
                   published_sd ours_sd within";
    assert_eq!(keys(&case["measures"][0]), measure);
}

/// The peer counts GPUs as one amount in hundredths: 6499.5 and 0.5 fit side by side. Jobs that do not fit are passed
/// over, durations below a second are a second, whole seconds count.
#[test]
fn printed_figures_of_pai() {
    let yard = yard();
    let list = "job_id,user,gpu_type,num_cpu,num_gpu,submit_time,duration\n\
                3,u,T4,1,0.5,5,7.9\n2,u,T4,1,0.5,4,5\n1,u,T4,1,6499.5,3,10\n4,u,CPU,1,0,9,0\n";
    yard.write("data/traces/pai2020/pai_job_duration_estimate_100K.csv", list);
    let done = run(&yard, "reproduce pai/fifo --format json");
    assert_eq!(done.code, 1, "{}", done.stderr);
    assert!(done.stderr.starts_with("error: 1 case is beyond the limits: pai/fifo\nhint: "), "{}", done.stderr);
    let found: Value = serde_json::from_str(&done.stdout).unwrap();
    let ours = |at: usize| found["cases"][0]["measures"][at]["ours"].as_f64().unwrap();
    // Ends 10, 5, 12, 1; run times 10, 5, 7, 1.
    assert!((ours(0) - 7.0).abs() < 1e-9 && (ours(1) - 1.25).abs() < 1e-9 && (ours(2) - 12.0).abs() < 1e-9, "{found}");
}

#[test]
fn what_is_wrong_is_named() {
    let yard = yard();
    let mut text = String::new();
    for args in ["reproduce tiresas", "reproduce tiresias/n1g2-count-fofo", "reproduce nothing-like-it"] {
        let _ = write!(text, "$ {args}\n{}\n", run(&yard, args).shown());
    }
    yard.write("data/cases/tiresias/jobs/n1g2-count-fifo.csv", result(&[]) + "0,1,0,0,soon,0,0,0,0\n");
    let _ = write!(text, "$ a bad number\n{}\n", run(&yard, "reproduce tiresias").shown());
    yard.write("data/cases/tiresias/jobs/n1g2-count-fifo.csv", "id,finish\n");
    let _ = write!(text, "$ a missing column\n{}\n", run(&yard, "reproduce tiresias").shown());
    let folder = yard.path("").display().to_string();
    insta::assert_snapshot!(text.replace(&folder, ""));
    let unset = Done::of(&yard.command("reproduce").env_remove("TRAINYARD_DATA").output().unwrap());
    assert_eq!((unset.code, unset.stdout.as_str()), (2, ""));
    assert!(unset.stderr.starts_with("error: TRAINYARD_DATA is not set\nhint: "), "{}", unset.stderr);
    let empty = Done::of(&yard.command("reproduce").env("TRAINYARD_DATA", yard.path("")).output().unwrap());
    assert_eq!(empty.code, 2);
    assert!(empty.stderr.contains("there is no folder `cases` in it"), "{}", empty.stderr);
}

/// Rows of the tables of the page, but for those of cases whose input was not there.
fn page() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reproduction.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (_, rest) = page.split_once("<!-- reproduce -->\n").unwrap();
    let (tables, _) = rest.split_once("<!-- end -->").unwrap();
    let rows = tables.lines().filter(|line| line.contains('/') && !line.contains("there is no "));
    rows.map(str::to_owned).collect()
}

/// What the command says of each family that is there. Six hundred fillings of a cluster take minutes in a debug build:
/// one case stands for them there.
fn said() -> String {
    let openb = if cfg!(debug_assertions) { "openb/default-fgd" } else { "openb" };
    let families = ["tiresias", "muri", "helios_lucid", "gavel", "blox", "pai", "fgd", "pollux", "shockwave", openb];
    let mut text = String::new();
    for family in families {
        let done = Yard::new().run(&format!("reproduce {family} --format markdown"));
        if done.code == 2 && done.stderr.contains("no case is called") {
            continue;
        }
        assert_eq!(done.code, 0, "{}\n{}", done.stdout, done.stderr);
        text += &done.stdout;
    }
    text
}

/// Every row of the page is what the command says, and no case is beyond its limits. Cases that the page does not have
/// may come with more data.
#[test]
#[allow(clippy::print_stdout, reason = "says that it was skipped")]
fn the_page_is_what_the_command_says() {
    if std::env::var_os("TRAINYARD_DATA").is_none() {
        println!("skipped: TRAINYARD_DATA is not set");
        return;
    }
    let text = said();
    let page = page();
    assert!(!page.is_empty());
    let first = |line: &str| line.split('|').nth(1).map(str::to_owned);
    for row in page {
        let said = text.lines().filter(|line| first(line) == first(&row)).collect::<Vec<_>>();
        let hint = "write anew: trainyard reproduce --format markdown";
        assert!(said.is_empty() || said.contains(&row.as_str()), "{hint}\npage: {row}\nsaid: {}", said.join("\n"));
    }
}

//! Whole outputs of small comparisons.

use std::fs;
use std::sync::Arc;

use engine::{Inventory, Outcome, Time};
use traces::Trace;

use super::example::{Plan, comparison, replay, summary, trace};
use crate::figures::sketch::{Anchor, Label, Mark, Turn};
use crate::figures::{drawings, text_width};
use crate::output::{Comparison, write_comparison};
use crate::result::{EvictionRow, Miss, Replay, Series, StopCause};
use crate::stats::{Sampling, differences};

fn page(comparison: &Comparison<'_>) -> String {
    let differences = differences(&comparison.summaries(), comparison.sampling);
    super::html(comparison, &differences, &drawings(comparison))
}

/// The page without pictures and style.
fn text_of(page: &str) -> String {
    let mut text = String::new();
    let mut rest = page;
    for (open, close) in [("<style>", "</style>")].into_iter().chain(std::iter::repeat_n(("<svg ", "</svg>"), 20)) {
        if let (Some(from), Some(to)) = (rest.find(open), rest.find(close)) {
            text.push_str(&rest[..from]);
            text.push_str(open.trim_end_matches([' ', '>']));
            text.push_str("/>");
            rest = &rest[to + close.len()..];
        }
    }
    text + rest
}

#[test]
fn page_of_a_small_comparison() {
    let (trace, inventory) = (trace(40, 3, 1), Inventory::uniform(6, 8, "A100"));
    let plan = Plan { policies: &["fifo", "easy", "srtf"], loads: &[1.0], seeds: 3 };
    let comparison = comparison(&trace, &inventory, &plan);
    insta::assert_snapshot!("page", text_of(&page(&comparison)));
}

#[test]
fn many_policies_are_a_table_before_they_are_words() {
    let (trace, inventory) = (trace(40, 3, 1), Inventory::uniform(6, 8, "A100"));
    let policies = &["fifo", "easy", "srtf", "fifo[skip=true]", "priority", "fair-share"];
    let comparison = comparison(&trace, &inventory, &Plan { policies, loads: &[1.0], seeds: 3 });
    let page = page(&comparison);
    let (from, to) = (page.find("<h2>Against").unwrap(), page.find("<details>").unwrap());
    insta::assert_snapshot!("many", &page[from..to]);
}

#[test]
fn differences_of_a_small_comparison() {
    let (trace, inventory) = (trace(40, 3, 1), Inventory::uniform(6, 8, "A100"));
    let plan = Plan { policies: &["fifo", "easy"], loads: &[1.0], seeds: 3 };
    let comparison = comparison(&trace, &inventory, &plan);
    let dir = tempfile::tempdir().unwrap();
    let written = write_comparison(dir.path(), &comparison).unwrap();
    insta::assert_snapshot!("differences", fs::read_to_string(written.differences).unwrap());
}

#[test]
fn equal_input_makes_equal_bytes_and_no_stray_files() {
    let (trace, inventory) = (trace(60, 3, 2), Inventory::uniform(2, 8, "A100"));
    let plan = Plan { policies: &["fifo", "fifo[x=1]", "fifo(x=1)"], loads: &[1.0], seeds: 2 };
    let comparison = comparison(&trace, &inventory, &plan);
    let contents = || {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("a/b");
        let written = write_comparison(&out, &comparison).unwrap();
        let mut files = vec![written.summary, written.differences, written.report];
        files.extend(written.jobs);
        files.extend(written.evictions);
        files.extend(written.figures);
        let count = fs::read_dir(&out).unwrap().count() + fs::read_dir(out.join("figures")).unwrap().count();
        assert_eq!(count, files.len() + 1, "every file is named in what was written");
        let name = |path: &std::path::PathBuf| path.strip_prefix(&out).unwrap().to_owned();
        files.iter().map(|path| (name(path), fs::read(path).unwrap())).collect::<Vec<_>>()
    };
    let (first, second) = (contents(), contents());
    for (a, b) in first.iter().zip(&second) {
        assert_eq!(a.0, b.0);
        assert!(a.1 == b.1, "{} differs", a.0.display());
    }
    assert!(first.iter().any(|(name, _)| name.ends_with("jobs-fifo-x-1-2.parquet")));
    assert!(first[0].1.ends_with(b"]\n"));
}

#[test]
fn parquet_has_the_columns_of_the_contract() {
    use polars::prelude::{ParquetReader, SerReader};
    let (trace, inventory) = (trace(5, 1, 3), Inventory::uniform(8, 8, "A100"));
    let plan = Plan { policies: &["fifo"], loads: &[1.0], seeds: 1 };
    let mut comparison = comparison(&trace, &inventory, &plan);
    let open = &mut comparison.replays[0].jobs[4];
    (open.start, open.finish, open.outcome) = (Time::NEVER, Time::NEVER, None);
    let dir = tempfile::tempdir().unwrap();
    let written = write_comparison(dir.path(), &comparison).unwrap();
    let frame = ParquetReader::new(fs::File::open(&written.jobs[0]).unwrap()).finish().unwrap();
    let types: Vec<String> = frame.columns().iter().map(|c| format!("{} {}", c.name(), c.dtype())).collect();
    insta::assert_snapshot!(types.join("\n"), @"
    id str
    load f64
    seed u64
    tenant str
    gpus f64
    submit_s f64
    start_s f64
    finish_s f64
    service_s f64
    attempts u32
    preemptions u32
    migrations u32
    outcome str
    deadline_s f64
    start_by_s f64
    missed str
    rho f64
    gpu_s f64
    entitlement f64
    ");
    let last: Vec<String> = frame.columns().iter().map(|column| column.get(4).unwrap().to_string()).collect();
    let last = last.join(" ");
    assert!(last.contains("null null null 1 0 0 \"unfinished\""), "{last}");
}

#[test]
fn text_from_outside_is_harmless() {
    let mut trace = trace(20, 2, 1);
    trace.source = "<script>alert(1)</script>".to_owned();
    trace.tenants = vec!["<b>&".to_owned(), "\u{1}x".to_owned()];
    trace.ledger.drop_row("<i>bad</i>");
    let inventory = Inventory::uniform(2, 8, "<u>");
    let plan = Plan { policies: &["<img src=x>"], loads: &[1.0], seeds: 1 };
    let mut comparison = comparison(&trace, &inventory, &plan);
    comparison.command = "a < b && c".to_owned();
    comparison.cluster_label = "</style>".to_owned();
    let page = page(&comparison);
    for tag in ["<script", "<b>", "<i>", "<u>", "<img", "a < b"] {
        assert!(!page.contains(tag), "{tag}");
    }
    assert_eq!(page.matches("</style>").count(), 1);
    assert!(
        !page.contains("http://")
            || page.matches("http://").count() == page.matches("xmlns=\"http://www.w3.org/2000/svg\"").count()
    );
}

/// Comparisons that have little or nothing in them.
fn odd_cases() -> Vec<(&'static str, Trace, Vec<Replay>)> {
    let inventory = Inventory::uniform(4, 8, "A100");
    let (one, ten) = (trace(1, 1, 1), trace(10, 1, 1));
    let mut stuck = replay(&ten, &inventory, "fifo", 1.0, 0);
    for job in &mut stuck.jobs {
        (job.start, job.finish, job.outcome) = (Time::NEVER, Time::NEVER, None);
    }
    let mut failed = replay(&ten, &inventory, "fifo", 1.0, 0);
    failed.jobs.iter_mut().for_each(|job| job.outcome = Some(Outcome::Failed));
    let mut sick = replay(&ten, &inventory, "fifo", 1.0, 0);
    sick.summary.jct_mean_s = Some(f64::NAN);
    sick.summary.bsld_mean = Some(f64::INFINITY);
    sick.series.queued_jobs.iter_mut().for_each(|value| *value = f64::NAN);
    let mut instant = replay(&ten, &inventory, "fifo", 1.0, 0);
    for job in &mut instant.jobs {
        (job.start, job.finish) = (job.submit, job.submit);
    }
    let (jobs, series, segments) = (vec![], Series::default(), vec![]);
    let bare = Replay {
        summary: summary("fifo", 1.0, 0),
        trace: Arc::default(),
        jobs,
        series,
        segments,
        evictions: vec![],
        unprofiled: std::collections::BTreeMap::new(),
    };
    let many = (0..10).map(|k| replay(&ten, &inventory, &format!("policy-{k}[with=a,long=name]"), 1.0, 0)).collect();
    let mut no_tenants = ten.clone();
    no_tenants.tenants.clear();
    vec![
        ("nothing at all", Trace::default(), vec![]),
        ("no job", Trace::default(), vec![bare]),
        ("one job", one.clone(), vec![replay(&one, &inventory, "fifo", 1.0, 0)]),
        ("none finished", ten.clone(), vec![stuck]),
        ("all failed", ten.clone(), vec![failed]),
        ("not numbers", ten.clone(), vec![sick]),
        ("no waiting, no time", ten.clone(), vec![instant]),
        ("ten policies", ten, many),
        ("no tenants", no_tenants.clone(), vec![replay(&no_tenants, &inventory, "fifo", 1.0, 0)]),
    ]
}

#[test]
fn odd_comparisons_are_written_all_the_same() {
    let inventory = Inventory::uniform(4, 8, "A100");
    for (name, trace, replays) in odd_cases() {
        for window_s in [None, Some((0.0, 60.0)), Some((f64::NAN, 1.0)), Some((1e12, 2e12))] {
            let comparison = Comparison {
                trace: &trace,
                cluster_label: name.to_owned(),
                inventory: &inventory,
                replays: replays.clone(),
                command: name.to_owned(),
                sampling: Sampling::OneSample,
                window_s,
            };
            let page = page(&comparison);
            assert!(page.ends_with("</html>\n") && !page.contains("NaN"), "{name}");
        }
    }
}

#[test]
fn evictions_and_misses_are_in_their_file_and_on_the_page() {
    use polars::prelude::{ParquetReader, SerReader};
    let (trace, inventory) = (trace(5, 2, 3), Inventory::uniform(8, 8, "A100"));
    let plan = Plan { policies: &["fifo"], loads: &[1.0], seeds: 1 };
    let mut comparison = comparison(&trace, &inventory, &plan);
    let without = page(&comparison);
    assert!(!without.contains("What preemption cost") && !without.contains("Deadlines and latest starts"));
    let (at, by) = (Time(7_000_000), Some(0));
    let row = EvictionRow {
        at,
        job: 1,
        attempt: 1,
        cause: StopCause::Preemption,
        by,
        predicted: 7200.0,
        lost: 1800.0,
        drained: 900.0,
        restarted: 900.0,
    };
    let moved = EvictionRow { cause: StopCause::Migration, lost: 0.0, ..row };
    comparison.replays[0].evictions = vec![row, EvictionRow { by: None, predicted: 0.0, ..row }, moved];
    let late = &mut comparison.replays[0].jobs[2];
    (late.deadline, late.missed) = (Some(Time(1)), Some(Miss::StartedLate));
    let page = page(&comparison);
    let part = &page[page.find("<h2>What preemption").unwrap()..page.find("<h2>Figures").unwrap()];
    let cells: Vec<&str> = part.split("<td>").skip(1).filter_map(|cell| cell.split("</td>").next()).collect();
    assert_eq!(cells[1..9].join("|"), "all|all|2|2 GPU-h|2 GPU-h|1 GPU-h|0.5 GPU-h|0.5 GPU-h");
    let moves: Vec<&str> = cells.iter().copied().skip_while(|cell| *cell != "all (moved)").take(6).collect();
    assert_eq!(moves.join("|"), "all (moved)|1|2 GPU-h|0.5 GPU-h|0 GPU-h|0.25 GPU-h");
    assert!(part.ends_with("</table></div>\n") && cells.ends_with(&["0", "0", "1", "0", "0"]));
    let dir = tempfile::tempdir().unwrap();
    let written = write_comparison(dir.path(), &comparison).unwrap();
    let frame = ParquetReader::new(fs::File::open(&written.evictions[0]).unwrap()).finish().unwrap();
    let types: Vec<String> = frame.columns().iter().map(|c| format!("{} {}", c.name(), c.dtype())).collect();
    insta::assert_snapshot!(types.join(", "), @"load f64, seed u64, at_s f64, id str, attempt u32, tenant str, by str, by_tenant str, predicted_gpu_s f64, actual_gpu_s f64, lost_gpu_s f64, drained_gpu_s f64, restarted_gpu_s f64, cause str");
    assert_eq!(frame.column("actual_gpu_s").unwrap().get(0).unwrap().to_string(), "3600.0");
}

/// Corners of a label, a little within its letters; `None` when it runs upwards.
fn corners(label: &Label) -> Option<(f64, f64, f64, f64)> {
    let width = text_width(&label.text, label.size, label.weight);
    let left = match label.anchor {
        Anchor::Start => label.at.0,
        Anchor::Middle => label.at.0 - width / 2.0,
        Anchor::End => label.at.0 - width,
    };
    let half = label.size * 0.4;
    (label.turn == Turn::Level).then_some((left, label.at.1 - half, left + width, label.at.1 + half))
}

#[test]
fn no_label_is_cut_off_or_on_another() {
    let mut cases = odd_cases();
    let busy = trace(300, 30, 4);
    let small = Inventory::uniform(4, 8, "A100");
    let replays =
        comparison(&busy, &small, &Plan { policies: &["fifo", "easy"], loads: &[0.7, 1.0], seeds: 2 }).replays;
    cases.push(("busy", busy, replays));
    for (name, trace, replays) in cases {
        let (command, sampling) = (String::new(), Sampling::OneSample);
        let cluster_label = String::new();
        let one =
            Comparison { trace: &trace, cluster_label, inventory: &small, replays, command, sampling, window_s: None };
        for drawing in drawings(&one) {
            let labels = drawing.sketch.marks.iter().filter_map(|mark| match mark {
                Mark::Text(label) => Some((label.text.as_str(), corners(label)?)),
                _ => None,
            });
            let labels: Vec<_> = labels.filter(|(text, _)| !text.is_empty()).collect();
            for (index, (text, (left, top, right, bottom))) in labels.iter().enumerate() {
                let inside =
                    *left >= 0.0 && *top >= 0.0 && *right <= drawing.sketch.width && *bottom <= drawing.sketch.height;
                assert!(inside, "{name}, {}: `{text}` is cut off", drawing.name);
                let on = |other: &&(&str, (f64, f64, f64, f64))| {
                    let (_, (l, t, r, b)) = other;
                    l < right && left < r && t < bottom && top < b
                };
                let other = labels[..index].iter().find(on);
                assert!(other.is_none(), "{name}, {}: `{text}` is on {other:?}", drawing.name);
            }
        }
    }
}

#[test]
fn errors_name_the_file_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "x").unwrap();
    let (trace, inventory) = (trace(2, 1, 1), Inventory::uniform(1, 8, "A100"));
    let comparison = comparison(&trace, &inventory, &Plan { policies: &["fifo"], loads: &[1.0], seeds: 1 });
    let error = write_comparison(&file.join("out"), &comparison).unwrap_err();
    assert!(error.to_string().contains("file/out"), "{error}");
    assert!(error.hint().contains("--out"), "{}", error.hint());
}

/// Writes large examples to `$TRAINYARD_PICTURES`, to be looked at.
#[test]
fn pictures_to_look_at() {
    let Some(out) = std::env::var_os("TRAINYARD_PICTURES").map(std::path::PathBuf::from) else {
        eprintln!("skipped: TRAINYARD_PICTURES is not set");
        return;
    };
    let inventory = Inventory::uniform(60, 8, "A100");
    let mut large = trace(9000, 40, 7);
    large.origin = Some("2017-09-28 13:20:00".to_owned());
    large.ledger.rows = 9004;
    large.ledger.drop_row("end before start");
    large.ledger.change_row("GPUs missing: taken as 1");
    let three: &[&str] = &["fifo", "easy", "srsf"];
    let one = comparison(&large, &inventory, &Plan { policies: three, loads: &[1.0], seeds: 1 });
    write_comparison(&out.join("three"), &one).unwrap();
    let small = trace(2500, 6, 8);
    let medium = Inventory::uniform(55, 8, "A100");
    let plan = Plan { policies: three, loads: &[0.8, 1.0, 1.2, 1.5], seeds: 4 };
    write_comparison(&out.join("seeds"), &comparison(&small, &medium, &plan)).unwrap();
    let ten: Vec<String> =
        (0..10).map(|k| format!("{}[place=worst-fit,depth={k}]", ["fifo", "easy", "srsf"][k % 3])).collect();
    let ten: Vec<&str> = ten.iter().map(String::as_str).collect();
    let plan = Plan { policies: &ten, loads: &[1.0], seeds: 1 };
    write_comparison(&out.join("ten"), &comparison(&small, &medium, &plan)).unwrap();
    for (name, trace, replays) in odd_cases() {
        let command = name.to_owned();
        let (inventory, sampling) = (&Inventory::uniform(4, 8, "A100"), Sampling::OneSample);
        let comparison = Comparison {
            trace: &trace,
            cluster_label: command.clone(),
            inventory,
            replays,
            command,
            sampling,
            window_s: None,
        };
        write_comparison(&out.join(name.replace([' ', ','], "-")), &comparison).unwrap();
    }
}

//! What the imports say of the published files, against what their own descriptions state: both are read.
//!
//! Beside each source lies a description with sentences such as "8,152 pods: 1,088 CPU-only" and a table of files with
//! their number of lines. Here each such sentence is a pattern in which `{}` stands for a number; the number that the
//! description states must be the one that the import finds, to the digit that is stated.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests, outside test functions")]

mod common;

use std::io::Read as _;
use std::path::{Path, PathBuf};

use common::data;
use traces::content::{self, Content};
use traces::{Info, Recorded, Trace, describe};

/// A source and its description.
struct Source {
    folder: PathBuf,
    text: String,
}

impl Source {
    fn open(name: &str) -> Option<Self> {
        let folder = data(name)?;
        let text = std::fs::read_to_string(folder.join("PROVENANCE.md")).unwrap();
        Some(Self { folder, text: text.split_whitespace().collect::<Vec<_>>().join(" ") })
    }

    fn path(&self, file: &str) -> String {
        self.folder.join(file).display().to_string()
    }

    fn content(&self, file: &str) -> Content {
        content::open(&self.path(file)).unwrap_or_else(|error| panic!("{error} | {:?}", error.hint()))
    }

    fn trace(&self, file: &str) -> Trace {
        match self.content(file) {
            Content::Trace(trace) => *trace,
            other => panic!("{file} is no trace: {other:?}"),
        }
    }

    fn info(&self, file: &str) -> Info {
        describe(&self.trace(file), None)
    }

    /// Holds the numbers of a sentence to `found`.
    #[track_caller]
    fn states(&self, pattern: &str, found: &[f64]) {
        let stated = (0..self.text.len()).find_map(|at| numbers(self.text.get(at..)?, pattern));
        let stated = stated.unwrap_or_else(|| panic!("the description does not say `{pattern}`"));
        assert_eq!(stated.len(), found.len(), "{pattern}");
        for (text, value) in stated.iter().zip(found) {
            assert!(agrees(text, *value), "`{pattern}` states {stated:?}, found {found:?}");
        }
    }
}

/// The numbers in `text` if it begins like `pattern`.
fn numbers(text: &str, pattern: &str) -> Option<Vec<String>> {
    let (mut rest, mut found) = (text, Vec::new());
    let mut pieces = pattern.split("{}");
    rest = rest.strip_prefix(pieces.next()?)?;
    for piece in pieces {
        let length = number_length(rest.as_bytes());
        if length == 0 {
            return None;
        }
        found.push(rest[..length].replace(',', ""));
        rest = rest[length..].strip_prefix(piece)?;
    }
    Some(found)
}

/// Bytes of the number such as `1,088` or `31.0` that a text begins with; 0 where there is none.
fn number_length(text: &[u8]) -> usize {
    let digits = |from: usize| text[from.min(text.len())..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut end = digits(0);
    while end > 0 && text.get(end) == Some(&b',') && digits(end + 1) == 3 {
        end += 4;
    }
    if end > 0 && text.get(end) == Some(&b'.') && digits(end + 1) > 0 {
        end += 1 + digits(end + 1);
    }
    end
}

/// Whether a value is what is stated, to the last digit stated.
fn agrees(stated: &str, value: f64) -> bool {
    let decimals = stated.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let unit = 10f64.powi(-i32::try_from(decimals).unwrap());
    (stated.parse::<f64>().unwrap() - value).abs() <= unit * 0.5 + 1e-9
}

fn count(jobs: usize) -> f64 {
    jobs as f64
}

/// Jobs with so many GPUs.
fn of_size(info: &Info, gpus: f64) -> f64 {
    info.gangs.iter().filter(|gang| (gang.gpus - gpus).abs() < 1e-9).map(|gang| gang.jobs as f64).sum()
}

fn largest(info: &Info) -> f64 {
    info.gangs.last().map_or(0.0, |gang| gang.gpus)
}

#[test]
fn patterns_find_numbers() {
    assert_eq!(numbers("8,152 pods: 1,088 CPU-only, 3", "{} pods: {} CPU-only").unwrap(), ["8152", "1088"]);
    assert_eq!(numbers("span 31.0 d. No", "span {} d.").unwrap(), ["31.0"]);
    assert_eq!(numbers("1,088, and", "{}, and").unwrap(), ["1088"]);
    assert_eq!(numbers("x", "{} pods"), None);
    assert!(agrees("97.4", 97.44) && !agrees("97.4", 97.46) && agrees("12", 12.4) && !agrees("12", 12.6));
}

/// Every file of a source that its description lists, that is here and that is read: its rows are the lines stated.
#[test]
fn rows_are_the_lines_stated() {
    let Some(root) = data("") else { return };
    let mut checked = 0;
    for source in std::fs::read_dir(&root).unwrap().flatten().map(|entry| entry.path()).filter(|path| path.is_dir()) {
        let text = std::fs::read_to_string(source.join("PROVENANCE.md")).unwrap_or_default();
        for row in text.lines().filter(|line| line.starts_with("| `")) {
            checked += u32::from(check_rows(&source, row));
        }
    }
    println!("{checked} files");
    assert!(checked > 60, "{checked}");
}

/// Checks a row of the table of files: `| `name` | origin | lines | ...`. Whether it was one to check.
fn check_rows(source: &Path, row: &str) -> bool {
    let cells: Vec<&str> = row.split('|').map(str::trim).collect();
    let (name, lines) = (cells[1].trim_matches('`'), cells[3].parse::<u64>().unwrap());
    let path = source.join(name);
    // Derived tables, command lists, samples without a submission and documents hold no jobs, nodes or rates.
    let other = ["derived/", "expected/", "overhead_measurement", "headers/", "README", "yarn-gput", "cluster_summary"];
    let uncounted =
        [".json", ".swf", ".txt", "_example_config", "machines", "n160g8", "n256g8", "n32g4", "n1g4", "cluster_spec"];
    if !path.exists() || other.iter().chain(&uncounted).any(|part| name.contains(part)) {
        return false;
    }
    let headerless = [".trace", ".trace.gz"].iter().any(|end| name.ends_with(end));
    let rows = match content::open(&path.display().to_string()).unwrap_or_else(|e| panic!("{e} | {:?}", e.hint())) {
        Content::Trace(trace) => trace.ledger.rows,
        Content::Cluster(cluster) => cluster.ledger.rows,
        Content::Profiles(_) => return false,
        Content::Capacity(schedule) => schedule.ledger.rows,
    };
    assert_eq!(rows, lines - u64::from(!headerless) - blank_lines(&path), "{}", path.display());
    true
}

/// Lines of a file without anything: they are counted as lines, and are no rows.
fn blank_lines(path: &Path) -> u64 {
    let bytes = std::fs::read(path).unwrap();
    let mut text = String::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    } else {
        text = String::from_utf8(bytes).unwrap();
    }
    text.lines().filter(|line| line.trim().is_empty()).count() as u64
}

#[test]
fn openb() {
    let Some(source) = Source::open("openb2023") else { return };
    let trace = source.trace("openb_pod_list_default.csv");
    let info = describe(&trace, None);
    source.states("{} pods:", &[count(trace.ledger.rows as usize)]);
    source.states("{} GPU-hours by (deletion-scheduled)", &[info.gpu_hours]);
    source.states("Pending pods ({} in default)", &[trace.ledger.dropped["never scheduled"] as f64]);
    source.states(
        "{} deletions at 12,902,960 = trace end",
        &[count(trace.jobs.iter().filter(|job| job.recorded == Recorded::Censored).count())],
    );
    let queue = info.queue_time_s.unwrap();
    let run = info.run_time_s.unwrap();
    source.states(
        "Median run {} s, mean {} s, max {} s. Queueing: median {} s, mean {} s",
        &[run.p50, run.mean, run.max, queue.p50, queue.mean],
    );
    source.states("gpushare40 {})", &[source.info("openb_pod_list_gpushare40.csv").gpu_hours]);
    let constrained = |trace: &Trace| count(trace.jobs.iter().filter(|job| job.models.is_some()).count());
    assert!(constrained(&source.trace("openb_pod_list_gpuspec33.csv")) > 0.0 && constrained(&trace) == 0.0);
}

#[test]
fn philly() {
    let Some(source) = Source::open("philly") else { return };
    let info = source.info("philly_flat_2017-09_10.csv.gz");
    let multi: u64 = info.gangs.iter().filter(|gang| gang.gpus > 1.0).map(|gang| gang.jobs).sum();
    source.states(
        "before 2017-11-01 ({} rows, {} VCs, {} GPU-h, {}% multi, max {})",
        &[
            info.rows as f64,
            info.tenants as f64,
            info.gpu_hours,
            multi as f64 / info.jobs as f64 * 100.0,
            largest(&info),
        ],
    );
}

#[test]
fn gavel() {
    let Some(source) = Source::open("gavel") else { return };
    let info = describe(&traces::load(&format!("gavel:{}", source.path("msr_seed0"))).unwrap(), None);
    let sizes = [1.0, 2.0, 4.0, 7.0, 8.0, 12.0, 16.0, 20.0, 24.0, 32.0, 64.0].map(|gpus| of_size(&info, gpus));
    let found: Vec<f64> = [info.tenants as f64, info.jobs as f64].into_iter().chain(sizes).collect();
    source
        .states("{} Philly VCs a seed, {} jobs: 1:{} 2:{} 4:{} 7:{} 8:{} 12:{} 16:{} 20:{} 24:{} 32:{} 64:{};", &found);
    source.states("arrivals 0..{} s", &[info.span_s]);
    let physical =
        ["artifact_evaluation", "small_test"].map(|name| source.info(&format!("physical/{name}.trace")).jobs);
    assert!(physical.iter().all(|jobs| [15, 14, 96, 20].contains(jobs)), "{physical:?}");
    let Content::Profiles(table) = source.content("physical_cluster_throughputs.json.gz") else { panic!("a table") };
    let about = table.describe();
    let types = about.job_types as f64;
    source.states(
        "{} keys a type ({} in k80_unconsolidated), {} job types",
        &[
            about.models.iter().map(|model| model.one_node).max().unwrap() as f64,
            about.models.iter().map(|model| model.several_nodes).min().unwrap() as f64,
            types,
        ],
    );
}

#[test]
fn shockwave() {
    let Some(source) = Source::open("shockwave") else { return };
    let list = |start: &str| {
        let names = std::fs::read_dir(&source.folder).unwrap().flatten().map(|entry| entry.file_name());
        let name = names.map(|name| name.into_string().unwrap()).find(|name| name.starts_with(start)).unwrap();
        source.trace(&name)
    };
    let trace = list("120_");
    let info = describe(&trace, None);
    let mode = |mode: &str| {
        let of = |job: &&traces::TraceJob| {
            job.job_type.is_some_and(|kind| trace.job_types[kind as usize].batch_mode.as_deref() == Some(mode))
        };
        count(trace.jobs.iter().filter(of).count())
    };
    source.states("120 jobs 1:{} 2:{} 4:{};", &[of_size(&info, 1.0), of_size(&info, 2.0), of_size(&info, 4.0)]);
    source.states("120 = accordion {}, gns {}, static {}", &[mode("accordion"), mode("gns"), mode("static")]);
    let info = describe(&list("220_"), None);
    source.states("220 jobs {}/{}/{} and 8:{};", &[1.0, 2.0, 4.0, 8.0].map(|gpus| of_size(&info, gpus)));
}

#[test]
fn tiresias() {
    let Some(source) = Source::open("tiresias") else { return };
    let trace = source.trace("60_job.csv");
    let info = describe(&trace, None);
    let run = info.run_time_s.unwrap();
    let shortest = trace.jobs.iter().map(|job| job.duration.secs_f64()).fold(f64::INFINITY, f64::min);
    let sizes = [1.0, 2.0, 4.0, 8.0].map(|gpus| of_size(&info, gpus));
    source.states(
        "{} rows, gangs 1:{} 2:{} 4:{} 8:{}, submits 0..{}, durations {}..{} s, {} GPU-s",
        &[
            info.rows as f64,
            sizes[0],
            sizes[1],
            sizes[2],
            sizes[3],
            info.span_s,
            shortest,
            run.max,
            info.gpu_hours * 3600.0,
        ],
    );
    let muri = source.trace("muri_trace1.csv");
    let info = describe(&muri, None);
    source.states("trace1 {} / trace2", &[info.rows as f64]);
    let last = muri.jobs.last().unwrap().submit.secs_f64();
    source.states(
        "(trace1 ends at {} s as Gavel's longest VC does; = {} d, max {}; {} GPU-h)",
        &[last, last / 86_400.0, largest(&info), info.gpu_hours],
    );
    let trace = source.trace("chronus_trace_job_Philly_SLO.csv.gz");
    let minutes = |secs: f64| secs / 60.0;
    let ends = |values: Vec<f64>| {
        [values.iter().copied().fold(f64::INFINITY, f64::min), values.iter().copied().fold(0.0, f64::max)].map(minutes)
    };
    let submits = ends(trace.jobs.iter().map(|job| job.submit.secs_f64()).collect());
    let runs = ends(trace.jobs.iter().map(|job| job.duration.secs_f64()).collect());
    source.states(
        "{} rows, submits {}..{} (14 d), durations {}..{},",
        &[trace.ledger.rows as f64, submits[0], submits[1], runs[0], runs[1]],
    );
}

#[test]
fn alibaba() {
    if let Some(source) = Source::open("alibaba_spot2026") {
        let Content::Cluster(file) = source.content("node_info_df.csv") else { panic!("a cluster") };
        let info = traces::describe_cluster(&file);
        let of = |name: &str| info.models.iter().find(|of| of.model == name).unwrap();
        source.states(
            "{} nodes, {} GPUs: A10 {} nodes/{};",
            &[info.nodes as f64, info.gpus as f64, of("A10").nodes as f64, of("A10").gpus as f64],
        );
        source.states("H800 {}/{};", &[of("H800").nodes as f64, of("H800").gpus as f64]);
    }
    if let Some(source) = Source::open("alibaba_dlrm2025") {
        let info = source.info("disaggregated_DLRM_trace.even_apps.csv.gz");
        source.states("A = even app numbers ({} rows)", &[info.rows as f64]);
    }
    if let Some(source) = Source::open("lingjun2023") {
        let Content::Cluster(file) = source.content("topo.csv") else { panic!("a cluster") };
        let info = traces::describe_cluster(&file);
        let domains: Vec<f64> = info.domains.iter().map(|of| of.domains as f64).collect();
        source.states("{} hosts, 1 DSW, {} PSW, {} ASW", &[info.nodes as f64, domains[1], domains[0]]);
    }
}

#[test]
fn helios() {
    let Some(source) = Source::open("helios") else { return };
    let capacity = |file: &str| match source.content(file) {
        Content::Capacity(schedule) => traces::capacity::describe_capacity(&schedule),
        other => panic!("{file} is no schedule: {other:?}"),
    };
    let (earth, venus) = (capacity("Earth_gpu_number.csv"), capacity("Venus_cluster_gpu_number.csv"));
    source.states(
        "{} days 2020-04-01..09-28; Earth total {}..{}, Venus {}..{}.",
        &[
            earth.rows as f64,
            earth.total_min.unwrap() as f64,
            earth.total_max.unwrap() as f64,
            venus.total_min.unwrap() as f64,
            venus.total_max.unwrap() as f64,
        ],
    );
    let minutes = capacity("Earth_vcJkd_cluster_sequence.csv.gz");
    source.states("per MINUTE for May 2020 ({} rows;", &[minutes.rows as f64]);
    source.states("vcJkd {} GPUs", &[minutes.total_max.unwrap() as f64]);
}

#[test]
fn swf() {
    let Some(source) = Source::open("swf") else { return };
    let row = |file: &str, pattern: &str| {
        let info = source.info(file);
        source.states(pattern, &[info.rows as f64]);
        info
    };
    let nasa = row("NASA-iPSC-1993-3.1-cln.swf.gz", "NASA-iPSC-1993-3.1-cln|A|{}|");
    source.states("NASA-iPSC-1993-3.1-cln|A|18,239|18|{}|{}|", &[largest(&nasa), nasa.span_s / 86_400.0]);
    source.states("173 zero runs; {} users", &[nasa.tenants as f64]);
    row("hpc2n-alea-excerpt.swf", "hpc2n-alea-excerpt|A|{}|");
    row("accasim_workload.swf", "accasim_workload|A|{}|");
    let lublin = row("lublin_256.swf", "lublin_256|A|{}|");
    source.states("lublin_256|A|10,000|18|{}|{}|", &[largest(&lublin), lublin.span_s / 86_400.0]);
}

#[test]
fn pollux() {
    let Some(source) = Source::open("pollux_sia") else { return };
    for folder in ["osdi21_workloads", "osdi21_workloads-realistic", "sia_philly", "sia_saturn"] {
        source.states("{} jobs/8 h each", &[source.info(&format!("{folder}/workload-1.csv")).jobs as f64]);
    }
    source.states("sia_newtrace {} jobs/48 h", &[source.info("sia_newtrace/workload-1.csv").jobs as f64]);
    let most = |folder: &str| {
        let files = std::fs::read_dir(source.folder.join(folder)).unwrap().flatten();
        let sizes = files.map(|file| largest(&source.info(&format!("{folder}/{}", file.file_name().display()))));
        sizes.fold(0.0, f64::max)
    };
    let found = ["osdi21_workloads", "osdi21_workloads-realistic", "sia_philly"].map(most);
    assert!(found[0] <= 48.0 && found[1] <= 32.0 && found[2] <= 16.0, "{found:?}");
}

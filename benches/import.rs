//! Import of flat tables: five million rows of CSV in memory to a checked trace, against polars' own CSV reader on the
//! same bytes. Both have one core: polars takes its number of threads from the environment alone, so the program starts
//! itself again with it set.
//!
//! Baseline: `polars` parses the columns and nothing else: it neither checks ids, times and gangs, nor keeps the line of
//! a row, nor sorts. The aim is at most twice its time, and at least a million rows a second.

mod support;

use std::env;
use std::fmt::Write as _;
use std::io::Cursor;
use std::process::{Command, ExitCode};

use criterion::{Criterion, Throughput, criterion_group};
use polars::prelude::{CsvReadOptions, SerReader};

const ROWS: usize = 5_000_000;

/// A flat table of a published or of our own form.
struct Form {
    name: &'static str,
    header: &'static str,
    /// Writes row `k`; `dice` is a number that looks random.
    row: fn(text: &mut String, k: u64, dice: u64),
}

const FORMS: [Form; 3] = [
    Form { name: "canonical", header: "job_id,submit_s,gpus,duration_s,tenant\n", row: canonical },
    Form { name: "philly", header: "timestamp,duration,num_gpus,gpu_time,cluster\n", row: philly },
    Form {
        name: "tiresias",
        header: "job_id,num_gpu,submit_time,iterations,model_name,duration,interval\n",
        row: tiresias,
    },
];

fn canonical(text: &mut String, k: u64, dice: u64) {
    let (gpus, run, cents) = (1 << (dice % 4), dice / 7 % 90_000, dice / 11 % 100);
    let _ = writeln!(text, "job-{k},{}.{cents:02},{gpus},{run}.5,vc-{}/user-{}", k * 3, dice % 15, dice / 15 % 200);
}

fn philly(text: &mut String, k: u64, dice: u64) {
    let (gpus, run) = (1 << (dice % 4), dice / 7 % 90_000);
    let (day, hour, minute, second) = (k / 200_000 % 28 + 1, dice / 3 % 24, dice / 5 % 60, dice / 9 % 60);
    let time = format_args!("2017-10-{day:02} {hour:02}:{minute:02}:{second:02}");
    let _ = writeln!(text, "{time},{run}.0,{gpus},{}.0,{:06x}", run * gpus, dice % 15 * 7919);
}

fn tiresias(text: &mut String, k: u64, dice: u64) {
    let (gpus, run) = (1 << (dice % 4), dice / 7 % 90_000);
    let _ = writeln!(text, "{k},{gpus},{},{},resnet{},{run},3", k * 3, run * 4, dice % 7 * 50);
}

fn table(form: &Form) -> String {
    let mut text = form.header.to_owned();
    for k in 0..ROWS as u64 {
        (form.row)(&mut text, k, support::mix(k) >> 8);
    }
    text
}

fn import(criterion: &mut Criterion) {
    for form in &FORMS {
        let text = table(form);
        let mut group = criterion.benchmark_group(format!("import_{}_5M", form.name));
        group.sample_size(10).throughput(Throughput::Elements(ROWS as u64));
        group.bench_function("polars_1_thread", |bencher| {
            bencher.iter_with_large_drop(|| {
                let options = CsvReadOptions::default().with_has_header(true).with_n_threads(Some(1));
                let reader = options.into_reader_with_file_handle(Cursor::new(text.as_bytes()));
                reader.finish()
            });
        });
        group.bench_function("trainyard", |bencher| {
            bencher.iter_with_large_drop(|| traces::read_bytes("t.csv", None, text.as_bytes()));
        });
        group.finish();
    }
}

criterion_group!(benches, import);

/// Where polars looks for its number of threads, once, at its first use.
const THREADS: &str = "POLARS_MAX_THREADS";

fn main() -> ExitCode {
    if env::var_os(THREADS).is_some() {
        benches();
        Criterion::default().configure_from_args().final_summary();
        return ExitCode::SUCCESS;
    }
    let again = |program| Command::new(program).args(env::args_os().skip(1)).env(THREADS, "1").status();
    match env::current_exe().and_then(again) {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

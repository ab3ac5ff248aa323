//! `compare`: tables, experiment files, seeds, determinism.

use crate::support::{Yard, without_times};

#[test]
fn one_sample_of_a_recorded_trace() {
    let done =
        Yard::new().run("compare jobs.csv --cluster 2x8 --policy fifo --policy srsf --policy easy --seeds 3 --out out");
    insta::assert_snapshot!(done.shown());
}

#[test]
fn seeds_give_intervals() {
    let yard = Yard::new();
    let trace = "synthetic:philly[jobs=60,gpus=16,max_hours=3,load=1.2]";
    let done = yard
        .run(&format!("compare {trace} --cluster 2x8 --policy fifo --policy srsf --seeds 4 --load 0.8,1 --out out"));
    insta::assert_snapshot!(done.shown());
    let text = yard.text("out/report.html");
    assert!(text.contains("every policy sees the same ones"));
}

#[test]
fn results_do_not_depend_on_the_run_or_the_threads() {
    let yard = Yard::new();
    let run = |threads: u32, folder: &str| {
        yard.good(&format!(
            "compare synthetic:helios[jobs=80,gpus=16] --cluster 2x8 --policy fifo[place=random] --policy srtf --policy fair-share \
             --seeds 3 --load 1,1.5 --set failures_per_node_day=2 --set checkpoint_s=600 --threads {threads} --out {folder}"
        ));
        (
            without_times(&yard.text(&format!("{folder}/summary.json"))),
            yard.read(&format!("{folder}/jobs-srtf.parquet")),
        )
    };
    let first = run(1, "one");
    assert!(first == run(1, "again"), "twice the same command");
    assert!(first == run(4, "four"), "one thread and four");
}

#[test]
fn days_are_resampled() {
    let yard = Yard::new();
    let row = |job: u32| format!("j{job},{},{},7200", job * 7000, 1 + job * 5 % 16);
    let rows: Vec<String> = (0..60).map(row).collect();
    yard.write("week.csv", format!("job_id,submit_s,gpus,duration_s\n{}\n", rows.join("\n")));
    let args =
        "compare week.csv --cluster 1x16 --policy fifo --policy fifo[skip=true] --resample days --seeds 3 --out out";
    let shown = yard.good(args);
    assert!(shown.contains("means over 3 seeds"), "{shown}");
}

const EXPERIMENT: &str = "\
trace = \"data/jobs.csv\"
cluster = \"small.toml\"
policies = [\"fifo\", \"easy[place=pack]\"]
loads = [1, 1.5]
set = [\"restart_s=30\", \"drain_s=1\"]
tenants = \"weights.toml\"
window = \"0..1\"
threads = 1
out = \"results\"
";

fn lab() -> Yard {
    let yard = Yard::new();
    yard.write("lab/data/jobs.csv", crate::support::JOBS);
    yard.write("lab/small.toml", "[[pool]]\nname = \"p\"\nnodes = 2\ngpus = 8\n");
    yard.write("lab/weights.toml", "[[tenant]]\npath = \"red\"\nweight = 2\n");
    yard.write("lab/experiment.toml", EXPERIMENT);
    yard
}

#[test]
fn an_experiment_in_a_file() {
    let yard = lab();
    let shown = yard.good("compare lab/experiment.toml");
    assert!(shown.contains("physics: restart_s=30 drain_s=1\n"), "{shown}");
    assert!(shown.contains("easy[place=pack] against fifo at load 1.5"), "{shown}");
    assert!(yard.path("lab/results/jobs-easy-place-pack.parquet").exists());
}

#[test]
fn options_go_before_the_file() {
    let yard = lab();
    let shown = yard.good(
        "compare lab/experiment.toml --policy sjf --load 2 --set restart_s=5 --cluster 4x8 --seed 9 --out other --format json",
    );
    let summaries: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let only = &summaries.as_array().unwrap()[..];
    assert_eq!(only.len(), 1);
    assert_eq!(only[0]["policy"], "sjf");
    assert_eq!(only[0]["load"], 2.0);
    assert_eq!(only[0]["physics"], "drain_s=1 restart_s=5");
    assert_eq!(only[0]["cluster_gpus"], 32);
    assert_eq!(only[0]["seed"], 9);
    assert!(yard.path("other/report.html").exists() && !yard.path("lab/results").exists());
}

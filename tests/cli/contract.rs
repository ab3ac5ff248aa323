//! What programs rely on: keys of JSON in their order, names of files, columns.

use serde_json::Value;

use crate::support::Yard;

/// Keys of a summary. New ones may come; these stay, in this order.
const SUMMARY: &str = "schema trainyard_version policy clairvoyant seed load trace expected physics cluster_gpus jobs finished failed \
    unfinished rejected jct_mean_s jct_p50_s jct_p90_s jct_p99_s queue_mean_s queue_p50_s queue_p99_s makespan_s bsld_mean \
    gpu_allocated_share goodput_share preemptions migrations restarts lost_gpu_s preempted_gpu_s preempted_gpu_s_predicted \
    preempted_lost_gpu_s preempted_drained_gpu_s preempted_restarted_gpu_s migrated_gpu_s migrated_gpu_s_predicted fragmentation_share \
    fragmentation_idle_share largest_gang_mean_gpus blocked_by_fragmentation_jobs blocked_by_fragmentation_s jain_index ftf_worst \
    ftf_unfair_share deadline_missed_share start_by_missed_share cost solves solves_cut_off solves_failed \
    solver_gap_max decisions events wall_s decide_p50_us decide_p99_us";

fn keys(value: &Value) -> String {
    value.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>().join(" ")
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn simulate_prints_one_summary() {
    let summary = json(&Yard::new().good("simulate jobs.csv --cluster 2x8 --policy easy --format json"));
    assert_eq!(keys(&summary), SUMMARY);
    assert_eq!((&summary["schema"], &summary["jobs"], &summary["policy"]), (&1.into(), &8.into(), &"easy".into()));
}

#[test]
fn compare_writes_its_files_and_prints_the_summaries() {
    let yard = Yard::new();
    let args = "compare jobs.csv --cluster 2x8 --policy fifo --policy srtf --load 1,2 --out out/deep --format json";
    let printed = yard.good(args);
    assert_eq!(printed, yard.text("out/deep/summary.json"));
    let summaries = json(&printed);
    let order: Vec<(&str, f64)> = summaries.as_array().unwrap().iter().map(label).collect();
    assert_eq!(order, [("fifo", 1.0), ("fifo", 2.0), ("srtf", 1.0), ("srtf", 2.0)]);
    assert!(summaries.as_array().unwrap().iter().all(|summary| keys(summary) == SUMMARY));
    let differences = json(&yard.text("out/deep/differences.json"));
    assert_eq!(
        keys(&differences[0]),
        "schema load metric baseline policy pairs baseline_mean policy_mean difference relative ci_low ci_high p p_holm verdict"
    );
    for file in ["jobs-fifo.parquet", "jobs-srtf.parquet", "report.html"] {
        assert!(!yard.read(&format!("out/deep/{file}")).is_empty(), "{file}");
    }
    let figures = std::fs::read_dir(yard.path("out/deep/figures")).unwrap();
    assert!(figures.count() >= 5);
}

fn label(summary: &Value) -> (&str, f64) {
    (summary["policy"].as_str().unwrap(), summary["load"].as_f64().unwrap())
}

#[test]
fn verify_says_what_it_found_in_json() {
    let yard = Yard::new();
    yard.good("simulate jobs.csv --cluster 2x8 --policy srtf --journal run.tyj");
    let report = json(&yard.good("verify run.tyj --format json"));
    assert_eq!(
        keys(&report),
        "schema journal trainyard_version policy result segments first_segment records facts orders file record byte order recorded \
         replayed"
    );
    assert_eq!((&report["result"], &report["policy"]), (&"identical".into(), &"srtf".into()));
}

//! `simulate`: tables and warnings.

use crate::support::{Yard, without_speed, without_times};

#[test]
fn a_table_for_people() {
    let done = Yard::new().run("simulate jobs.csv --cluster 2x8:A100 --policy srtf --set restart_s=30");
    insta::assert_snapshot!(without_speed(&done.shown()));
}

#[test]
fn what_is_not_used_or_not_possible_is_told_once() {
    let yard = Yard::new();
    let rows = "a,0,1,60,red,\nb,5,64,5,blue,\nc,6,2,5,x,H100\nd,7,17,5,x,\n";
    yard.write("odd.csv", format!("job_id,submit_s,gpus,duration_s,colour,models\n{rows}"));
    yard.write("weights.toml", "[[tenant]]\npath = \"nobody\"\nweight = 2\n");
    let done = yard.run("simulate odd.csv --cluster 2x8 --policy fifo --tenants weights.toml");
    assert_eq!(done.code, 0);
    insta::assert_snapshot!(done.stderr);
    assert!(done.stdout.contains("4: 1 finished, 3 rejected"), "{}", done.stdout);
}

#[test]
fn rows_that_were_left_out_are_counted_by_cause() {
    let yard = Yard::new();
    let head =
        "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time";
    let rows = "a,1000,1000,1,1000,,LS,Succeeded,0,100,10\nb,1000,1000,1,1000,,LS,Pending,5,,\n";
    yard.write("pods.csv", format!("{head}\n{rows}"));
    let done = yard.run("trace convert openb:pods.csv -");
    insta::assert_snapshot!(done.shown());
}

#[test]
fn a_seed_makes_another_synthetic_trace_unless_the_text_has_its_own() {
    let yard = Yard::new();
    let run = |trace: &str, seed: u32| {
        let args = format!("simulate {trace} --cluster 2x8 --policy fifo --seed {seed} --format json");
        let summary: serde_json::Value = serde_json::from_str(&yard.good(&args)).unwrap();
        summary["jct_mean_s"].as_f64().unwrap()
    };
    let free = "synthetic:philly[jobs=40,gpus=16]";
    let fixed = "synthetic:philly[jobs=40,gpus=16,seed=1]";
    assert!((run(free, 1) - run(fixed, 2)).abs() < 1e-9);
    assert!((run(free, 1) - run(free, 2)).abs() > 1e-9);
}

#[test]
fn out_holds_what_compare_writes() {
    let yard = Yard::new();
    let printed = yard.good("simulate jobs.csv --cluster 2x8 --policy easy --out out --format json");
    let written: serde_json::Value = serde_json::from_str(&yard.text("out/summary.json")).unwrap();
    let printed: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(written, serde_json::json!([printed]));
    assert!(yard.path("out/report.html").exists() && yard.path("out/jobs-easy.parquet").exists());
}

#[test]
fn the_same_command_gives_the_same_figures() {
    let yard = Yard::new();
    let args = "simulate jobs.csv --cluster 2x8 --policy priority --set failures_per_node_day=3 --format json";
    assert_eq!(without_times(&yard.good(args)), without_times(&yard.good(args)));
}

#[test]
fn quotas_change_who_runs() {
    let yard = Yard::new();
    yard.write("quotas.csv", "time_s,name,gpus\n0,red,8\n0,blue,8\n3600,red,0\n");
    yard.write("tenants.toml", "[[tenant]]\npath = \"blue\"\nlimit = { gpus = 8 }\n");
    let figure = |args: &str| {
        let text = yard.good(&format!("simulate jobs.csv --cluster 2x8 --format json {args}"));
        let summary: serde_json::Value = serde_json::from_str(&text).unwrap();
        (summary["finished"].as_u64().unwrap(), summary["unfinished"].as_u64().unwrap())
    };
    assert_eq!(figure("--policy kueue"), (8, 0));
    assert_eq!(figure("--policy kueue --tenants tenants.toml"), (6, 2), "two gangs are above the limit of blue");
    let done = yard.run("simulate jobs.csv --cluster 2x8 --policy kai --quotas quotas.csv");
    assert_eq!((done.code, done.stderr.as_str()), (0, ""));
    yard.write("nodes.csv", "time_s,name,nodes\n0,red,8\n");
    let done = yard.run("simulate jobs.csv --cluster 2x8 --policy kueue --quotas nodes.csv");
    assert_eq!(done.code, 2);
    assert!(done.stderr.contains("counts nodes") && done.stderr.contains("hint: "), "{}", done.stderr);
}

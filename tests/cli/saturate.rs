//! `saturate` on a small trace written by hand.

use serde_json::Value;

use crate::support::Yard;

/// Two nodes of 2 GPUs. Parts of GPUs, whole ones, a gang of two tasks, and a job without GPUs.
const PODS: &str = "job_id,submit_s,gpus,duration_s
a,0,0.5,60
b,0,0.5,60
c,0,1,60
d,0,0.3,60
e,0,2,60
f,0,0,60
";
const ASKED: &str = "saturate pods.csv --cluster 2x2 --policy openb-random --policy fgd --seeds 3";

fn yard() -> Yard {
    let yard = Yard::new();
    yard.write("pods.csv", PODS);
    yard
}

/// The text without the numbers that tell how fast it was.
fn without_times(text: &str) -> String {
    let timing = |line: &&str| ["wall_s", "decide_p50_us", "decide_p99_us"].iter().any(|key| line.contains(key));
    let text: String = text.lines().filter(|line| !timing(line)).map(|line| line.to_owned() + "\n").collect();
    text.replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

/// The table without its last column, the seconds, in the rows of seeds.
fn without_seconds(text: &str) -> String {
    let row = |line: &str| match line.rsplit_once("  ") {
        Some((head, last)) if last.trim().parse::<f64>().is_ok() && head.contains("  ") && last.contains('.') => {
            if line.split_whitespace().count() == 8 { head.trim_end().to_owned() } else { line.to_owned() }
        }
        _ => line.to_owned(),
    };
    text.lines().map(|line| row(line) + "\n").collect()
}

#[test]
fn tables() {
    let done = yard().run(ASKED);
    insta::assert_snapshot!(without_seconds(&done.shown()));
}

#[test]
fn json() {
    let one = "saturate pods.csv --cluster 2x2 --policy fgd --seeds 1 --target 2 --format json";
    insta::assert_snapshot!(without_times(&yard().good(one)));
}

/// Where jobs of two GPUs are expected, FGD keeps a node free for them; where halves are, it need not.
#[test]
fn the_jobs_that_are_expected_can_be_those_of_another_trace() {
    let yard = yard();
    yard.write("pairs.csv", "job_id,submit_s,gpus,duration_s\nx,0,2,60\n");
    let args = "saturate pods.csv --cluster 2x2 --policy fgd --seeds 3 --target 0.5 --format json";
    let own: Value = serde_json::from_str(&yard.good(args)).unwrap();
    let pairs: Value = serde_json::from_str(&yard.good(&format!("{args} --expect pairs.csv"))).unwrap();
    for (own, pairs) in own.as_array().unwrap().iter().zip(pairs.as_array().unwrap()) {
        assert!(own["expected"].is_null());
        assert_eq!(pairs["expected"], "pairs.csv");
        // For pairs F is all idle GPU of a node that is in use, a whole number of nodes less what is allocated.
        let idle_of_used = pairs["fragmentation_share_end"].as_f64().unwrap();
        let allocated = pairs["allocated_share_end"].as_f64().unwrap();
        let used = idle_of_used + allocated;
        assert!((used * 2.0 - (used * 2.0).round()).abs() < 1e-9, "{used}");
        assert_ne!(own["fragmentation_share_end"], pairs["fragmentation_share_end"]);
    }
    let refused = yard.run(&format!("{args} --expect none.csv"));
    assert_eq!(refused.code, 2);
}

/// The order of arrivals belongs to the seed: all policies see the same demand; threads change nothing.
#[test]
fn policies_see_the_same_arrivals() {
    let yard = yard();
    let one = yard.good(&format!("{ASKED} --threads 1 --format json"));
    let two = yard.good(&format!("{ASKED} --threads 2 --format json"));
    assert_eq!(without_times(&one), without_times(&two));
    let runs: Vec<Value> = serde_json::from_str(&one).unwrap();
    let keys = ["seed", "arrived", "arrived_share", "jobs"];
    let told = |run: &Value| keys.map(|key| run[key].clone());
    assert_eq!(runs.len(), 6);
    for (random, fgd) in runs[..3].iter().zip(&runs[3..]) {
        assert_eq!(told(random), told(fgd));
    }
    for run in &runs {
        let share = |key: &str| run[key].as_f64().unwrap();
        let allocated = share("allocated_share_end");
        assert!(allocated <= 1.0 && share("fragmentation_share_end") <= 1.0 - allocated + 1e-9, "{run}");
        assert!(share("arrived_share") <= 1.3 && run["preemptions"] == 0 && run["migrations"] == 0, "{run}");
    }
}

#[test]
fn what_is_wrong_is_named() {
    let yard = yard();
    yard.write("idle.csv", "job_id,submit_s,gpus,duration_s\na,0,0,60\n");
    yard.write("nothing.csv", "job_id,submit_s,gpus,duration_s\n");
    yard.write("bare.toml", "[[pool]]\nname = \"a\"\nnodes = 2\ngpus = 0\ncpus = 8\n");
    let all = [
        "saturate pods.csv --cluster 2x2",
        "saturate pods.csv --cluster 2x2 --policy fgd --target 0",
        "saturate pods.csv --cluster 2x2 --policy fgd --target -1",
        "saturate pods.csv --cluster 2x2 --policy fgd --target NaN",
        "saturate pods.csv --cluster 2x2 --policy fgd --target 1e9",
        "saturate pods.csv --cluster 2x2 --policy fgd --seeds 0",
        "saturate pods.csv --cluster 2x2 --policy fdg",
        "saturate pods.csv --cluster 2x2 --policy fgd --policy fgd",
        "saturate pods.csv --cluster bare.toml --policy fgd",
        "saturate idle.csv --cluster 2x2 --policy fgd",
        "saturate nothing.csv --cluster 2x2 --policy fgd",
        "saturate none.csv --cluster 2x2 --policy fgd",
    ];
    let refused = |args: &&str| {
        let done = yard.run(args);
        assert_eq!((done.code, done.stdout.as_str()), (2, ""), "{args}\n{}", done.stderr);
        assert!(done.stderr.starts_with("error: ") && done.stderr.contains("hint: "), "{args}\n{}", done.stderr);
        format!("$ trainyard {args}\n{}", done.stderr)
    };
    insta::assert_snapshot!(all.iter().map(refused).collect::<String>());
}

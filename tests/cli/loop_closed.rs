//! `what-if`, `fidelity`, and journals where a trace is wanted.

use serde_json::Value;

use crate::support::Yard;

fn recorded() -> Yard {
    let yard = Yard::new();
    yard.good("simulate jobs.csv --cluster 2x8 --policy easy --journal run.tyj");
    yard
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_journal_is_a_trace() {
    let yard = recorded();
    insta::assert_snapshot!("journal-info", yard.good("trace info run.tyj --cluster 2x8"));
    yard.good("trace convert run.tyj again.csv");
    insta::assert_snapshot!("journal-csv", yard.text("again.csv"));
    let simulated = |trace: &str| {
        let text = yard.good(&format!("simulate {trace} --cluster 2x8 --policy srtf --format json"));
        let mut summary = json(&crate::support::without_times(&text).replace(",\n}", "\n}"));
        summary["trace"] = Value::Null;
        summary
    };
    assert_eq!(simulated("run.tyj"), simulated("jobs.csv"));
}

#[test]
fn what_would_have_been() {
    let yard = recorded();
    insta::assert_snapshot!("what-if", yard.good("what-if run.tyj --policy fifo --policy srtf"));
    let answer = json(&yard.good("what-if run.tyj --policy easy --policy srtf --format json"));
    assert_eq!(answer["schema"], 1);
    assert_eq!(answer["fidelity"]["jct_error_worst_share"], 0.0);
    assert_eq!(answer["yesterday"]["jct_mean_s"], answer["simulated"]["jct_mean_s"]);
    assert_eq!(answer["policies"][0]["differences"][0]["verdict"], "same");
    let direct = json(&yard.good("simulate jobs.csv --cluster 2x8 --policy srtf --format json"));
    for key in [
        "policy",
        "clairvoyant",
        "jobs",
        "jct_mean_s",
        "jct_p99_s",
        "queue_p50_s",
        "gpu_allocated_share",
        "preemptions",
    ] {
        assert_eq!(answer["policies"][1][key], direct[key], "{key}");
    }
}

#[test]
fn the_report_holds_what_happened_too() {
    let yard = recorded();
    yard.good("what-if run.tyj --policy easy --policy fifo --out out");
    let summaries = json(&yard.text("out/summary.json"));
    let policies: Vec<&str> = summaries.as_array().unwrap().iter().map(|one| one["policy"].as_str().unwrap()).collect();
    assert_eq!(policies, ["easy", "fifo", "as it happened"]);
    assert!(yard.text("out/report.html").contains("as it happened"));
}

#[test]
fn how_faithful_the_simulator_is() {
    let yard = recorded();
    insta::assert_snapshot!("fidelity", yard.good("fidelity run.tyj"));
    insta::assert_snapshot!("fidelity-json", yard.good("fidelity run.tyj --set launch_s=60 --format json"));
    let restarts = "--set restart_s=30 --set drain_s=5";
    yard.good(&format!("simulate jobs.csv --cluster 2x8 --policy srtf {restarts} --journal costly.tyj"));
    let said = yard.good("fidelity costly.tyj --set drain_s=0 --set restart_s=0");
    insta::assert_snapshot!("fidelity-costs-taken-away", said);
    // Launches take so long that jobs which had come and gone are still there.
    insta::assert_snapshot!("fidelity-parts", yard.good("fidelity run.tyj --set launch_s=600"));
    assert!(yard.good("fidelity costly.tyj").contains("divergence: none"));
}

#[test]
fn journals_that_are_cut_damaged_or_none() {
    let yard = recorded();
    let sound = yard.read("run.tyj");
    yard.write("cut.tyj", &sound[..sound.len() - 200]);
    let mut damaged = sound.clone();
    damaged[sound.len() / 2] ^= 0x10;
    yard.write("damaged.tyj", damaged);
    yard.write("head.tyj", &sound[..40]);
    let refused = [
        ("what-if cut.tyj --policy fifo", 1),
        ("fidelity cut.tyj", 1),
        ("trace info cut.tyj", 2),
        ("fidelity damaged.tyj --allow-cut", 1),
        ("trace info damaged.tyj[cut=allow]", 2),
        ("fidelity head.tyj --allow-cut", 1),
        ("fidelity jobs.csv", 2),
        ("fidelity none.tyj", 2),
        ("trace info journal:jobs.csv", 2),
        ("trace info philly:run.tyj", 2),
        ("trace info run.tyj[cut=no]", 2),
        ("what-if run.tyj --policy esay", 2),
        ("what-if run.tyj --policy fifo --set drain=5", 2),
        ("what-if run.tyj", 2),
    ];
    let said = |(args, code): (&str, i32)| {
        let done = yard.run(args);
        assert_eq!((done.code, done.stdout.as_str()), (code, ""), "{args}\n{}", done.stderr);
        format!("$ trainyard {args}\n{}", done.stderr)
    };
    insta::assert_snapshot!("journals-refused", refused.map(said).concat());
    let found = json(&yard.good("fidelity cut.tyj --allow-cut --format json"));
    assert!(found["cut_at_record"].as_u64().unwrap() > 1 && found["divergence"].is_null());
    assert_eq!(found["outcome_differs_jobs"], 0);
    let info = yard.good("trace info cut.tyj[cut=allow]");
    assert!(info.contains("done: journal cut off inside record "), "{info}");
}

#[test]
fn a_journal_without_a_job() {
    let yard = recorded();
    let bytes = yard.read("run.tyj");
    let (header, _) = engine::journal::Reader::new(&bytes).unwrap();
    yard.write("empty.tyj", engine::journal::Writer::new(&header).take());
    insta::assert_snapshot!(
        "fidelity-empty",
        yard.good("fidelity empty.tyj") + &yard.good("what-if empty.tyj --policy fifo")
    );
    let done = yard.run("trace info empty.tyj");
    assert_eq!(done.code, 2);
    assert!(done.stderr.contains("no job was submitted while this journal was written"), "{}", done.stderr);
}

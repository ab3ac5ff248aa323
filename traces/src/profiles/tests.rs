//! Tables written by hand.

use super::*;
use crate::trace::JobType;

const GAVEL: &str = r#"{
  "v100": {
    "('ResNet-18 (batch size 32)', 1)": {"null": 10.0, "('A3C', 1)": [6.0, 3.0], "('ResNet-18 (batch size 32)', 1)": [5, 5]},
    "('ResNet-18 (batch size 32)', 4)": {"null": 8.0},
    "('A3C', 1)": {"null": 0.0}
  },
  "v100_unconsolidated": {"('ResNet-18 (batch size 32)', 4)": {"null": 2.5}},
  "k80": {"A3C": {"null": 1.0}}
}"#;

fn gavel() -> ThroughputTable {
    ThroughputTable::read_bytes("t.json", GAVEL.as_bytes()).unwrap()
}

fn kind(name: &str, batch_size: Option<u32>) -> JobType {
    JobType { name: name.to_owned(), batch_size, batch_mode: None }
}

fn rate(table: &ThroughputTable, kind: &JobType, model: &str, placement: Placement<'_>) -> Option<f64> {
    let (job_type, model) = (table.job_type(kind).unwrap(), table.model(model).unwrap());
    table.rate(&Setting { job_type, model, placement, beside: &[] }).map(Rate::steps_per_s)
}

fn on(gpus: u32, nodes: u32) -> Placement<'static> {
    Placement::OnNodes { gpus, nodes }
}

fn text(name: &str, bytes: &str) -> String {
    let error = ThroughputTable::read_bytes(name, bytes.as_bytes()).unwrap_err();
    format!("{error} | {}", error.hint().unwrap_or("NONE"))
}

#[test]
fn gavel_golden() {
    let table = gavel();
    let resnet = kind("ResNet-18", Some(32));
    assert_eq!(rate(&table, &resnet, "v100", on(1, 1)), Some(10.0));
    assert_eq!(rate(&table, &resnet, "V100", on(4, 1)), Some(8.0));
    assert_eq!(rate(&table, &resnet, "v100", on(4, 2)), Some(2.5));
    assert_eq!(rate(&table, &resnet, "v100", Placement::EachNode(&[2, 0, 2])), Some(2.5));
    assert_eq!(rate(&table, &resnet, "v100", on(2, 1)), None);
    assert_eq!(rate(&table, &kind("A3C", None), "v100", on(1, 1)), Some(0.0));
    assert_eq!(rate(&table, &kind("A3C", None), "k80", on(1, 1)), Some(1.0), "a key without a scale factor");
    assert_eq!(table.job_type(&kind("ResNet-18", None)), None);
    let dynamic = JobType { batch_mode: Some("gns".to_owned()), ..resnet };
    assert!(table.job_type(&dynamic).is_some(), "how the batch size changes does not matter");
    let info = table.describe();
    assert_eq!((info.rows, info.entries, info.pairs, info.cannot_run), (7, 5, 3, 1));
    assert_eq!(
        info.changed.into_iter().collect::<Vec<_>>(),
        [("a pair given in one direction only: read in both".to_owned(), 1)]
    );
    assert!(info.dropped.is_empty());
    assert_eq!((info.gpu_counts, info.batch_sizes), (vec![1, 4], vec![32]));
    assert_eq!(table.models(), ["v100", "k80"]);
}

#[test]
fn pairs() {
    let table = gavel();
    let (resnet, a3c) =
        (table.job_type(&kind("ResNet-18", Some(32))).unwrap(), table.job_type(&kind("A3C", None)).unwrap());
    let model = table.model("v100").unwrap();
    let beside = |job_type, others: &[Neighbour]| {
        let setting = Setting { job_type, model, placement: on(1, 1), beside: others };
        (table.rate(&setting).map(Rate::steps_per_s), table.estimate(&setting).map(|e| e.found))
    };
    let one = |job_type| Neighbour { job_type, gpus: 1 };
    assert_eq!(beside(resnet, &[one(a3c)]), (Some(6.0), Some(Found::Exact)));
    assert_eq!(beside(a3c, &[one(resnet)]), (Some(3.0), Some(Found::Exact)));
    assert_eq!(beside(resnet, &[one(resnet)]).0, Some(5.0));
    assert_eq!(beside(a3c, &[one(a3c)]), (None, None));
    assert_eq!(beside(resnet, &[one(a3c), one(resnet)]), (None, None), "three jobs on a GPU were never measured");
}

#[test]
fn estimates_say_how() {
    let table = gavel();
    let (job_type, model) = (table.job_type(&kind("ResNet-18", Some(32))).unwrap(), table.model("v100").unwrap());
    let estimate = |placement| {
        let found = table.estimate(&Setting { job_type, model, placement, beside: &[] })?;
        Some((found.rate.steps_per_s(), found.found))
    };
    assert_eq!(estimate(on(4, 1)), Some((8.0, Found::Exact)));
    assert_eq!(estimate(on(2, 1)), Some((10.0 - 2.0 / 3.0, Found::Interpolated { below: 1, above: 4 })));
    assert_eq!(estimate(on(16, 1)), Some((8.0, Found::Extrapolated { from: 4 })));
    assert_eq!(estimate(on(16, 2)), Some((2.5, Found::Extrapolated { from: 4 })));
    assert_eq!(estimate(on(2, 2)), None, "nothing was measured below");
    let a3c = table.job_type(&kind("A3C", None)).unwrap();
    let setting = |gpus| Setting { job_type: a3c, model, placement: on(gpus, 1), beside: &[] };
    let zero = table.estimate(&setting(1)).unwrap();
    assert_eq!((zero.rate.can_run(), zero.rate.time_of(5), zero.found), (false, None, Found::Exact));
    assert_eq!(table.estimate(&setting(2)), None, "a job that cannot run gives no curve");
}

#[test]
fn aliases() {
    let mut table = gavel();
    let (v100, k80) = (table.model("v100").unwrap(), table.model("k80").unwrap());
    assert!(table.alias("Tesla-V100", v100) && table.alias("V100", v100));
    assert!(!table.alias("v100", k80));
    assert_eq!((table.model("tesla-v100"), table.model("V100")), (Some(v100), Some(v100)));
}

#[test]
fn gavel_dirt() {
    let table = |jobs: &str| {
        let text = format!("{{\"a\": {{\"x\": {{\"null\": 1}}, {jobs}}}}}");
        ThroughputTable::read_bytes("t.json", text.as_bytes()).unwrap().describe()
    };
    let info = table(r#""y": {"null": 2, "null": 2, "null": 3}"#);
    assert_eq!((info.rows, info.entries), (4, 2));
    let causes = ["another rate for the same setting: the first is kept", "the same rate for the same setting again"];
    assert_eq!(info.dropped.keys().map(String::as_str).collect::<Vec<_>>(), causes);
    let info = table(r#""y": {"null": 2, "x": [1, 2]}, "x": {"y": [3, 1]}"#);
    assert_eq!(
        info.changed.into_iter().collect::<Vec<_>>(),
        [("the two directions of a pair differ: each job's own is kept".to_owned(), 1)]
    );
}

#[test]
fn gavel_errors() {
    let job = "('ResNet-18 (batch size 32)', 1)";
    let of = |rates: &str| text("t.json", &format!("{{\"v100\": {{\"{job}\": {{\"null\": 1.0, {rates}}}}}}}"));
    assert_eq!(
        of("\"('A3C', 1)\": 2"),
        format!(
            "t.json: field `v100 / {job} / ('A3C', 1)`: a pair of jobs needs a list of two rates | write [rate of this \
             job, rate of the other]"
        )
    );
    assert_eq!(
        of("\"null\": -1"),
        format!("t.json: field `v100 / {job}`: `-1` is not a rate | write steps a second, a number of at least 0")
    );
    assert_eq!(
        of("\"('A3C', 0)\": [1, 2]"),
        "t.json: field `v100 / ('A3C', 0)`: this is not the key of a job | write ('KIND', GPUS), such as ('ResNet-18 \
         (batch size 32)', 2)"
    );
    assert_eq!(
        text("t.json", &GAVEL.replace("2.5", "NaN")),
        "t.json:7: the JSON is broken: expected value | the form is {worker type: {job: {\"null\": rate, other job: \
         [rate, rate]}}}"
    );
    let cut = text("t.json", &GAVEL[..300]);
    assert!(cut.starts_with("t.json:7: the JSON is broken: EOF while parsing a string"), "{cut}");
    assert!(
        text("t.json", "{\"philly\": [\"1:2:3\"]}").starts_with("t.json: this is no table of throughput | the tables")
    );
}

const PLACEMENTS: &str = "local_bsz,step_time,sync_time,placement\n4,0.5,0.1,1\n4,0.25,0.1,12\n4,0.2,0.1,124\n\
                          4,0.1,0.05,142\n8,1.0,0.1,1\n";

#[test]
fn pollux_golden() {
    let table = ThroughputTable::read_bytes("x/bert_placements-dgx-ext.csv", PLACEMENTS.as_bytes()).unwrap();
    let bert = kind("bert", Some(4));
    assert_eq!(table.models(), ["dgx-ext"]);
    assert_eq!(rate(&table, &bert, "dgx-ext", on(1, 1)), Some(2.0));
    assert_eq!(rate(&table, &bert, "dgx-ext", Placement::EachNode(&[2, 1])), Some(4.0));
    assert_eq!(rate(&table, &bert, "dgx-ext", Placement::EachNode(&[4, 1, 2])), Some(5.0));
    assert_eq!(rate(&table, &bert, "dgx-ext", Placement::EachNode(&[4, 2, 1])), Some(10.0));
    assert_eq!(rate(&table, &bert, "dgx-ext", on(7, 3)), None, "two shapes were measured");
    assert_eq!(rate(&table, &kind("bert", Some(8)), "dgx-ext", on(1, 1)), Some(1.0));
    let (job_type, model) = (table.job_type(&bert).unwrap(), table.model("dgx-ext").unwrap());
    let estimate = |placement| table.estimate(&Setting { job_type, model, placement, beside: &[] }).unwrap();
    let mean = estimate(on(7, 3));
    assert_eq!((mean.rate.steps_per_s(), mean.found), (7.5, Found::Interpolated { below: 7, above: 7 }));
    let more = estimate(on(9, 5));
    assert_eq!((more.rate.steps_per_s(), more.found), (7.5, Found::Extrapolated { from: 7 }));
}

#[test]
fn pollux_scalability_and_names() {
    let text =
        "num_nodes,num_replicas,local_bsz,step_time,sync_time,note\n6,7,4.0,0.5,0.1,\n6,7,4,0.5,0.1,\n6,7,4,0.4,0.1,\n";
    let table = ThroughputTable::read_bytes("traces/ncf/scalability.csv", text.as_bytes()).unwrap();
    assert_eq!(rate(&table, &kind("ncf", Some(4)), "aws", on(7, 6)), Some(2.0));
    assert_eq!(rate(&table, &kind("ncf", Some(4)), "aws", Placement::EachNode(&[2, 1, 1, 1, 1, 1])), Some(2.0));
    let info = table.describe();
    assert_eq!((info.rows, info.entries, info.dropped.len()), (3, 1, 2));
    assert_eq!(info.ignored_columns, ["note"]);
    let pipeline = "local_bsz,step_time,sync_time,placement\n1,0.1,0.3,8\n8,0.8,0.3,8\n";
    let info = ThroughputTable::read_bytes("gpt_pmp_placements-rtx.csv", pipeline.as_bytes()).unwrap().describe();
    assert_eq!((info.entries, info.dropped["step time of one pipeline stage, not of a whole step"]), (0, 2));
}

#[test]
fn pollux_errors() {
    let of = |row: &str| text("b_placements-x.csv", &format!("local_bsz,step_time,sync_time,placement\n{row}\n"));
    assert_eq!(
        of("4,0.5,0.1,104"),
        "b_placements-x.csv:2: field `placement`: `104` is not a row of digits from 1 to 9 | write the GPUs on each \
         node, such as 44 for four on each of two nodes"
    );
    assert_eq!(
        of("4,0,0.1,1"),
        "b_placements-x.csv:2: field `step_time`: `0` is no time of a step | write seconds a step, above 0"
    );
    assert_eq!(
        of("4,nan,0.1,1"),
        "b_placements-x.csv:2: field `step_time`: `nan` is not finite | write a finite number, or leave the row out"
    );
    assert_eq!(
        of("0,1,0.1,1"),
        "b_placements-x.csv:2: field `local_bsz`: `0` is not at least 1 | correct the value, or leave the row out"
    );
    assert_eq!(
        of("4,1,0.1"),
        "b_placements-x.csv:2: the row has 3 fields, the header 4 fields | the line is cut off, or the delimiter is \
         another one"
    );
    assert_eq!(
        text("b_scalability-x.csv", "num_nodes,num_replicas,local_bsz,step_time\n7,6,1,1\n"),
        "b_scalability-x.csv:2: field `num_replicas`: 6 GPUs cannot be on 7 nodes | every node has at least one GPU of \
         the gang; are the columns swapped?"
    );
    assert_eq!(
        text("x.csv", PLACEMENTS),
        "x.csv: the name of the file does not say which application and cluster it measures | call it \
         APP_placements-CLUSTER.csv or APP_scalability-CLUSTER.csv, such as bert_placements-aws.csv"
    );
}

const CURVES: &str = "global_batch_size,1,2,4,8\r\n64,6.0,8,0,\r\n128,3.5,nan,NaN,9\r\n";

#[test]
fn elasticflow_golden() {
    let table = ThroughputTable::read_bytes("a/throughputs_A100/bert.csv.gz", CURVES.as_bytes()).unwrap();
    assert_eq!(table.models(), ["A100"]);
    assert_eq!(rate(&table, &kind("bert", Some(64)), "a100", on(2, 1)), Some(8.0));
    assert_eq!(rate(&table, &kind("bert", Some(128)), "A100", on(8, 4)), Some(9.0));
    assert_eq!(rate(&table, &kind("bert", Some(128)), "A100", on(2, 1)), None);
    let info = table.describe();
    assert_eq!((info.rows, info.entries), (8, 4));
    let dropped: Vec<_> = info.dropped.iter().map(|(cause, count)| (cause.as_str(), *count)).collect();
    assert_eq!(
        dropped,
        [
            ("not available: the cell is empty", 1),
            ("not available: the cell says 0", 1),
            ("not available: the cell says nan", 2)
        ]
    );
}

#[test]
fn elasticflow_errors() {
    let of = |text_of: &str| text("throughputs_T4/b.csv", text_of);
    assert_eq!(
        of("global_batch_size,1,x\n4,1,2\n"),
        "throughputs_T4/b.csv:1: column `x` is not a number of GPUs | the columns are global_batch_size,1,2,4,8 and so on"
    );
    assert_eq!(
        of("global_batch_size,1,2\n4,1,-2\n"),
        "throughputs_T4/b.csv:2: field `2`: `-2` is negative | the least is 0; correct the value, or leave the row out"
    );
    assert_eq!(
        text("b/b.csv", CURVES),
        "b/b.csv: the folder of the file does not say which GPU model it measures | put it in a folder called \
         throughputs_MODEL, such as throughputs_A100/b.csv"
    );
}

#[test]
fn folders() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::create_dir(at("throughputs_T4")).unwrap();
    std::fs::write(at("throughputs_T4/bert.csv"), CURVES).unwrap();
    std::fs::write(at("README"), "read me").unwrap();
    std::fs::write(at("gavel.json"), GAVEL).unwrap();
    let table = ThroughputTable::load(&[at("")]).unwrap();
    let info = table.describe();
    assert_eq!(info.kinds, ["gavel", "elasticflow"]);
    assert_eq!((info.files.len(), info.skipped_files.len()), (2, 1));
    assert_eq!(info.batch_size_counts.len(), 2);
    std::fs::create_dir(at("empty")).unwrap();
    let error = ThroughputTable::load(&[at("empty")]).unwrap_err();
    assert_eq!(error.message(), "there is no table of throughput in this folder");
    assert_eq!(ThroughputTable::load(&[at("README")]).unwrap_err().message(), "this is no table of throughput");
    assert!(ThroughputTable::load::<&str>(&[]).is_err());
}

#[test]
fn detection() {
    assert!(is_profile(GAVEL) && is_profile(PLACEMENTS) && is_profile(CURVES));
    for text in
        ["", "{", "{\"philly\": [\"1:2:3\"]}", "[{\"null\": {}}]", "job_id,submit_s,gpus,duration_s\n", "[[pool]]\n"]
    {
        assert!(!is_profile(text), "{text}");
    }
}

proptest::proptest! {
    /// Whatever stands in a table, there is an answer.
    #[test]
    fn never_panics(cut in 0..600usize, piece in "[-0-9.,:\"'{}()\\[\\]nA\n]{0,6}") {
        for (name, text) in [("t.json", GAVEL), ("b_placements-x.csv", PLACEMENTS), ("throughputs_T4/b.csv", CURVES)] {
            let cut = cut.min(text.len());
            let text = format!("{}{piece}{}", &text[..cut], &text[(cut + 2).min(text.len())..]);
            if let Ok(table) = ThroughputTable::read_bytes(name, text.as_bytes()) {
                let _ = table.describe();
            }
        }
    }
}

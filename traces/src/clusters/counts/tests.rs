//! Small files by hand.

use crate::clusters::{ClusterFile, read_cluster_file};

fn read(name: &str, text: &str) -> ClusterFile {
    read_cluster_file(name, text.as_bytes()).unwrap()
}

fn error(name: &str, text: &str) -> String {
    let error = read_cluster_file(name, text.as_bytes()).unwrap_err();
    format!("{error} | {}", error.hint().unwrap_or_default())
}

fn shape(file: &ClusterFile) -> (&'static str, usize, u64, Vec<&str>) {
    let models = file.inventory.models.iter().map(|model| model.name.as_str()).collect();
    (file.kind, file.inventory.nodes.len(), file.inventory.gpus(), models)
}

#[test]
fn gavel() {
    let file = read("c.json", "{\"philly\": [\"6:0:4\"]}");
    assert_eq!(shape(&file), ("gavel", 10, 10, vec!["v100", "k80"]));
    assert_eq!(file.ledger.lines(), ["GPUs of a node are not in the file: 1 taken (10)"]);
    let file = read("c.json[gpus_per_node=4]", "{\"philly\": [\"6:0:4\"]}");
    assert_eq!(shape(&file), ("gavel", 3, 10, vec!["v100", "k80"]));
    assert_eq!(file.ledger.lines(), ["the GPUs of a model do not fill its nodes: the last node is smaller (1)"]);
    let several = "{\"a\": [\"1:1:1\", \"2:0:0\"], \"b\": [\"8:8:8\"]}";
    assert_eq!(shape(&read("c.json[name=a,spec=2:0:0,gpus_per_node=2:2:2]", several)).2, 2);
    assert_eq!(shape(&read("c.json[name=b]", several)).2, 24);
    assert_eq!(error("c.json", several), "c.json: the file has several clusters: a, b | choose one: c.json[name=...]");
    assert_eq!(
        error("c.json[name=c]", several),
        "c.json: field `name`: `c` is not one of a, b | write name=VALUE with one of a, b"
    );
    assert_eq!(
        error("c.json", "{\"a\": [\"1:2\"]}"),
        "c.json: field `a`: `1:2` is not of the form V100:P100:K80 | write three numbers of GPUs, such as 36:36:36"
    );
    assert_eq!(
        error("c.json", "{\"a\": [\"0:0:0\"]}"),
        "c.json: the cluster has no nodes | a cluster needs at least one node with a GPU"
    );
    assert!(error("c.json", "{\"a\": [\"1:2\"").starts_with("c.json:1: the JSON is broken: "));
    assert!(error("c.json", "{\"a\": 1}").starts_with("c.json: no known kind of cluster; found the keys: a | "));
}

#[test]
fn shockwave() {
    let text = "{\"future_rounds\": 20, \"gpu_ram\": 16}";
    let file = read("dir9/scale_128gpus.json[gpus_per_node=4]", text);
    assert_eq!(shape(&file), ("shockwave", 32, 128, vec!["v100"]));
    assert_eq!(file.inventory.models[0].memory_mib, 16_384);
    assert_eq!(
        file.ledger.lines(),
        [
            "the file names no GPU model: v100, as in the paper (1)",
            "the number of GPUs is not in the file: taken from its name (1)"
        ]
    );
    assert_eq!(file.ledger.ignored_columns, ["future_rounds"]);
    assert_eq!(shape(&read("c.json[gpus=7]", text)).2, 7);
    assert_eq!(
        error("example.json", text),
        "example.json: neither the file nor its name says how many GPUs there are | write example.json[gpus=64]"
    );
}

#[test]
fn virtual_clusters_are_pools() {
    let file = read("vc_config.csv", ",num\nvcA,2\nvcB,1\nvcC,0\n");
    assert_eq!(shape(&file), ("helios", 3, 24, vec!["GPU"]));
    assert_eq!(file.inventory.pools, ["vcA", "vcB", "vcC"]);
    assert_eq!(
        file.ledger.lines(),
        ["GPUs of a node are not in the file: 8 taken (3)", "virtual cluster without nodes (1)"]
    );
    assert_eq!(
        error("vc_config.csv", ",num\nvcA,2\nvcA,1\n"),
        "vc_config.csv:3: field `vc`: `vcA` is already the name of line 2 | every node needs a name of its own"
    );
    assert_eq!(
        error("vc_config.csv", ",num\nvcA,-2\n"),
        "vc_config.csv:2: field `num`: `-2` is negative | the least is 0; correct the value, or leave the row out"
    );
}

#[test]
fn machines() {
    let file = read("x.swf.machines", "0\tzewura\t20\t80\t1\t1048576\n1\tzegox\t48\t12\t1\t2048\n");
    assert_eq!(shape(&file), ("swf-machines", 68, 20 * 80 + 48 * 12, vec!["CPU"]));
    assert_eq!(file.inventory.nodes[67].memory_mib, 2);
    assert_eq!(
        error(
            "x",
            "0\ta\t20\t80\t1\t1024\n1\tb\t2\t1\t1\t1\n2\tc\t2\t1\t1\t1\n3\td\t2\t1\t1\t1\n4\te\t2\t1\t1\t1\n5\tf\t1\n"
        ),
        "x:6: the row has 3 fields, the format 6 fields | the line is cut off, or the delimiter is another one"
    );
}

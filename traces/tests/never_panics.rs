//! Whatever bytes come in, a reader gives a trace or an error.
#![allow(clippy::unwrap_used)] // clippy.toml excepts test functions only, not what they call

use proptest::prelude::*;
use traces::{Format, read_bytes, read_cluster_bytes};

const FILES: [&str; 6] = [
    "job_id,submit_s,gpus,duration_s,tenant,priority,preemptible,estimate_s,deadline_us,cpu,memory_gib,models,outcome\n\
     a,0.5,8,3600,x/y,-1,false,9,5,1.5,0.25,A|B,killed\n\"b,\"\"q\",1e3,0.25,0,,,,,,,,,\n",
    "timestamp,duration,num_gpus,gpu_time,cluster\n2017-10-09 07:01:55,66.0,1,66.0,11cb48\n2017-11-05 01:59:59,1,8,8,a\n",
    "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n\
     a,4000,1024,1,460,,LS,Running,50,900,60\nb,8000,2048,2,1000,V100M16|V100M32,BE,Pending,10,30,\n",
    "sn,cpu_milli,memory_mib,gpu,model\nn0,32000,262144,0,\nn1,64000,262144,2,P100\n",
    "machineId, number of GPUs, single GPU mem\nm0,2, 12GB\nm1,8, 24GB\n",
    "[[model]]\nname='A100'\nmemory_gib=80\nprice_per_hour=2.5\n[[pool]]\nname='a'\nnodes=2\ngpus=8\nmodel='A100'\ncpu=1.5\n\
     nvlink_domain_nodes=1\nrack_nodes=2\n",
];

fn feed(bytes: &[u8]) {
    for format in Format::all().map(Some).chain([None]) {
        if let Ok(trace) = read_bytes("f", format, bytes) {
            let _ = traces::describe(&trace, None);
            let _ = traces::resample_days(&trace, 1);
            traces::write_csv(&trace, std::io::sink()).unwrap();
        }
    }
    for name in ["f", "f.toml"] {
        let _ = read_cluster_bytes(name, bytes);
    }
}

/// A file with a few bytes replaced, inserted or removed.
fn mutated(parts: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        "[-,.:|\"\r\n0-9eE+=\\[\\]a-z ]{0,4}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..4),
        Just(b"99999999999999999999".to_vec()),
        Just(b"-1".to_vec()),
        Just(b"nan".to_vec()),
    ];
    let edit = (any::<prop::sample::Index>(), 0..6usize, piece);
    (prop::sample::select(parts), prop::collection::vec(edit, 1..5)).prop_map(|(mut bytes, edits)| {
        for (at, cut, piece) in edits {
            let at = at.index(bytes.len() + 1);
            let end = (at + cut).min(bytes.len());
            bytes.splice(at..end, piece);
        }
        bytes
    })
}

fn parquet() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    traces::write_parquet(&read_bytes("f", None, FILES[0].as_bytes()).unwrap(), &path).unwrap();
    std::fs::read(path).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        feed(&bytes);
    }

    #[test]
    fn mutated_text(bytes in mutated(FILES.map(|file| file.as_bytes().to_vec()).to_vec())) {
        feed(&bytes);
    }

    #[test]
    fn random_names(text in "(synthetic:|philly|:|[a-z]{0,3})?(philly|llm)?[\\[\\]a-z=,0-9.\\-:x]{0,30}") {
        if !text.contains("jobs") {
            let _ = traces::load(&text);
        }
        let _ = traces::load_cluster(&text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn mutated_parquet(bytes in mutated(vec![parquet()])) {
        let _ = read_bytes("f", None, &bytes);
    }
}

/// The lowest bit of a number in the headers of Parquet is its sign: some of these files have fewer than no values, for
/// which the decoder would ask for more memory than there is.
#[test]
fn parquet_with_one_sign_flipped() {
    let whole = parquet();
    let flipped = |at: usize| [&whole[..at], &[whole[at] ^ 1], &whole[at + 1..]].concat();
    let refused = (0..whole.len()).filter(|at| read_bytes("f", None, &flipped(*at)).is_err()).count();
    assert!(refused > 0);
}

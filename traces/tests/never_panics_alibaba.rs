//! Whatever bytes come in, the readers of the Alibaba lists, of clusters and of capacity schedules give a result or an
//! error, and no row is lost.
#![allow(clippy::unwrap_used)] // clippy.toml excepts test functions only, not what they call

use proptest::prelude::*;
use traces::capacity::{describe_capacity, is_capacity, read_capacity_bytes, write_capacity};
use traces::{Format, describe_cluster, is_cluster, load, read_bytes, read_cluster_file};

const FILES: [&str; 15] = [
    "job_name,organization,gpu_model,cpu_request,gpu_request,worker_num,submit_time,duration,job_type\n\
     7,13,A10,20,1,1,0,2764799,HP\n8,57,H800,15,0.5,16,9663,41060.5,Spot\n",
    "instance_sn,role,app_name,cpu_request,gpu_request,memory_request,creation_time,scheduled_time,deletion_time\n\
     a,HN,app,12,1,120.5,,,\nb,CN,app,12,0,120.5,10,11,20\n",
    ",job_name,norm_job_submit_time,ddl,A100,V100,GTX2080Ti\n0,a,0,inf,1020.0,1540.0,2595.0\n1,b,5,1335.5,900,1300,1200\n",
    "job_id,num_inst,submit_time,num_cpu,num_gpu,gpu_type,duration,user\na,1,0,6.0,0.5,V100,100.5,u\nb,3,60,4,2,MISC,-1,u\n",
    "name,cpu_milli,memory_mib,num_gpu,gpu_milli\na,1,1,1,460\n",
    "gpu_model,gpu_capacity_num,cpu_num,node_name\nA10,1,128,0\nH800,8,192,1\n",
    "ip,DSW,PSW,ASW\na,G6,P1,S1\nb,G6,P2,S1\n",
    "num_switch,num_node_p_switch,num_gpu_p_node,num_cpu_p_node,mem_p_node\n2,3,8,128,256\n",
    "{\"philly\": [\"3:0:2\", \"1:1:1\"]}",
    "{\"gpu_ram\": 16, \"k\": 1e-3}",
    ",num\nvcA,2\nvcB,1\n",
    "0\tseth\t120\t2\t1\t1048576\n",
    "date,vcA,vcB,total\n2020-04-01,112,0,112\n2020-04-02,112,8,120\n",
    "time,active,total\n2017-10-03 00:00:00,312,420\n2017-10-03 00:01:00,309,420\n",
    "time_s,name,gpus\n0,a,5\n60.5,a,6\n60.5,b,1\n",
];

fn feed(bytes: &[u8]) {
    for format in ["spot", "dlrm", "hydra", "pai-jobs", "openb"].map(Format::named).into_iter().chain([None]) {
        if let Ok(trace) = read_bytes("f", format, bytes) {
            assert_eq!(trace.jobs.len() as u64 + trace.ledger.dropped.values().sum::<u64>(), trace.ledger.rows);
            let mut csv = Vec::new();
            traces::write_csv(&trace, &mut csv).unwrap();
            let back = read_bytes("f", Some(Format::CANONICAL), &csv).unwrap();
            assert_eq!(back.jobs.len(), trace.jobs.len(), "what is written can be read");
        }
    }
    for name in ["f", "scale_64gpus.json", "f[gpus_per_node=4]", "f[name=philly,spec=1:1:1]", "f[racks=nested]"] {
        if let Ok(file) = read_cluster_file(name, bytes) {
            assert_eq!(describe_cluster(&file).gpus, file.inventory.gpus());
        }
    }
    if let Ok(schedule) = read_capacity_bytes("f", bytes) {
        let _ = describe_capacity(&schedule);
        let mut csv = Vec::new();
        write_capacity(&schedule, &mut csv).unwrap();
        assert_eq!(read_capacity_bytes("f", &csv).unwrap().series.len(), schedule.series.len());
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = (is_cluster("f", text), is_capacity("f", text));
    }
}

/// A file with a few bytes replaced, inserted or removed.
fn mutated(files: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        "[-,.:|\"\r\n\t0-9eE+=a-z ]{0,4}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..4),
        Just(b"99999999999999999999".to_vec()),
        Just(b"4294967295".to_vec()),
        Just(b"-1".to_vec()),
        Just(b"nan".to_vec()),
    ];
    let edit = (any::<prop::sample::Index>(), 0..6usize, piece);
    (prop::sample::select(files), prop::collection::vec(edit, 1..4)).prop_map(|(mut bytes, edits)| {
        for (at, cut, piece) in edits {
            let at = at.index(bytes.len() + 1);
            let end = (at + cut).min(bytes.len());
            bytes.splice(at..end, piece);
        }
        bytes
    })
}

const TABLES: [(&str, &str); 4] = [
    ("pai_job_table", "j1,i1,u1,Terminated,100.0,400.0\nj2,i2,u2,Running,110,\n"),
    (
        "pai_task_table",
        "j1,worker,2.0,Terminated,150.0,400.0,600.0,29.3,50.0,V100\nj2,tf,1,Running,120,,100,1,200,MISC\n",
    ),
    ("pai_instance_table", "j1,worker,n1,w1,i1,Terminated,160,390.5,m1\nj1,worker,n2,w2,i1,Terminated,155,380,m1\n"),
    ("pai_group_tag_table", "i1,u1,V100M32,g1,nmt\ni2,u2,,g2,\n"),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn files(bytes in mutated(FILES.map(|file| file.as_bytes().to_vec()).to_vec())) {
        feed(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn tables(at in 0..4usize, edits in mutated(TABLES.map(|(_, text)| text.as_bytes().to_vec()).to_vec())) {
        let folder = tempfile::tempdir().unwrap();
        for (i, (name, text)) in TABLES.into_iter().enumerate() {
            let bytes = if i == at { &edits } else { text.as_bytes() };
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        if let Ok(trace) = load(folder.path().to_str().unwrap()) {
            prop_assert_eq!(trace.jobs.len() as u64 + trace.ledger.dropped.values().sum::<u64>(), trace.ledger.rows);
            traces::write_csv(&trace, std::io::sink()).unwrap();
        }
    }
}

#[test]
fn as_they_stand() {
    for file in FILES {
        feed(file.as_bytes());
    }
}

//! Whatever is done to a job list or a log, its reader gives a trace that keeps its promises, or an error.
#![allow(clippy::unwrap_used)] // clippy.toml excepts test functions only, not what they call

use proptest::prelude::*;
use traces::{Format, read_bytes};

const FILES: [(&str, &str); 10] = [
    (
        "tiresias",
        "job_id,num_gpu,submit_time,iterations,model_name,duration,interval\n0,1,0,606,vgg19,164,30\n1,8,30.5,1,a,0,1\n",
    ),
    (
        "muri",
        "job_id,num_gpu,submit_time,iterations,model_name,batch_size,duration,interval,iteration_time,priority\n\
         0,4,352430000,5,bert,4,1000,603000,190,0\n1,8,0,10,gpt2,4,9000,1,433,1\n",
    ),
    (
        "chronus",
        "job_id,user,num_gpu,submit_time,iterations,model_name,duration,interval,expect_time_list,best_effort,job_type\n\
         0,vc_a,4,20,6910,resnet101,211,8,282,0,strict\n1,b,0,10,5530,vgg16,96,5,159-189,0,soft\n2,b,1,15,1,a,30,17,15,1,best\n",
    ),
    (
        "elasticflow",
        "job_id,submit_time,iteration,model_name,ddl,batch_size,num_gpu,duration,real_duration\n0,5,77,a,4426,256,1,39,39\n",
    ),
    ("pollux", "name,time,application,num_replicas,batch_size\na-0,107.25,cifar10,6,2048\nb-1,0,bert,1,384\n"),
    (
        "helios",
        "job_id,user,vc,gpu_num,cpu_num,node_num,state,submit_time,start_time,end_time,duration,queue\n\
         1,u,v,16,4,2,FAILED,2020-06-09 18:41:27,2020-06-09 18:41:37,2020-06-09 18:45:46,249,10\n\
         2,u,v,0,4,1,RUNNING,2020-06-09 18:41:27,2020-06-09 18:41:37,None,249,10\n",
    ),
    (
        "acme",
        "job_id,user,node_num,gpu_num,cpu_num,mem_per_pod_GB,type,state,submit_time,start_time,end_time,duration,queue\n\
         1,u,2,16,8,100.5,Eval,TIMEOUT,2023-03-01 00:18:22+08:00,2023-03-01 00:18:54+08:00,2023-03-01 00:20:51Z,117,32\n",
    ),
    (
        "acme-converted",
        "job_id,arrival_time,num_iteration,iteration_computing_time,gpu_workers,gpu_per_worker,cpu_per_gpu_worker,tensorsizes,\
         profiled_network\n0,0.0,208,0.5,8,8.0,15.0,10.0,500\n1,3.5,157,,3,2.6666666666666665,12.5,19.0,1000\n",
    ),
    (
        "philly-log",
        "[{\"status\": \"Pass\", \"vc\": \"v\", \"jobid\": \"a\", \"attempts\": [{\"start_time\": \"2017-10-07 01:12:00\",\n\
         \"end_time\": \"2017-10-07 01:13:00\", \"detail\": [{\"ip\": \"m\", \"gpus\": [\"gpu0\"]}]}, {\"start_time\": null,\n\
         \"end_time\": \"None\", \"detail\": []}], \"submitted_time\": \"2017-10-07 01:11:30\", \"user\": \"u\"},\n\
         {\"status\": \"Killed\", \"vc\": \"v\", \"jobid\": \"b\", \"attempts\": [], \"submitted_time\": null, \"user\": null}]",
    ),
    ("philly", "timestamp,duration,num_gpus,gpu_time,cluster\n2017-10-09 07:01:55,66.0,1,66.0,11cb48\n"),
];

/// Puts pieces in the place of a few bytes.
fn mutated() -> impl Strategy<Value = (usize, Vec<u8>)> {
    let piece = prop_oneof![
        "[-,.:|\"\r\n0-9eE+=\\[\\]{}a-z ]{0,4}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..3),
        Just(b"99999999999999999999".to_vec()),
        Just(b"9999-12-31 23:59:59".to_vec()),
        Just(b"4294967".to_vec()),
        Just(b"-1".to_vec()),
        Just(b"nan".to_vec()),
        Just("ä".as_bytes().to_vec()),
    ];
    let edit = (any::<prop::sample::Index>(), 0..9usize, piece);
    (0..FILES.len(), prop::collection::vec(edit, 1..4)).prop_map(|(file, edits)| {
        let mut bytes = FILES[file].1.as_bytes().to_vec();
        for (at, cut, piece) in edits {
            let at = at.index(bytes.len() + 1);
            let end = (at + cut).min(bytes.len());
            bytes.splice(at..end, piece);
        }
        (file, bytes)
    })
}

/// A job has whole GPUs or a part of one, in each task where there are tasks.
fn divides(gpu_milli: u32, tasks: u32) -> bool {
    let each = gpu_milli / tasks.max(1);
    gpu_milli.is_multiple_of(tasks.max(1)) && (each <= 1000 || each.is_multiple_of(1000))
}

fn check(format: &str, bytes: &[u8]) {
    let Ok(trace) = read_bytes("f", Format::named(format), bytes) else { return };
    let dropped: u64 = trace.ledger.dropped.values().sum();
    assert_eq!(trace.jobs.len() as u64 + dropped, trace.ledger.rows);
    for job in &trace.jobs {
        assert!(divides(job.gpu_milli, job.tasks), "{job:?}");
        assert!(i64::try_from(job.submit.0).is_ok() && i64::try_from(job.duration.0).is_ok());
        assert!(job.start.is_none_or(|start| start >= job.submit));
    }
    let _ = traces::describe(&trace, None);
    traces::write_csv(&trace, std::io::sink()).unwrap();
}

#[test]
fn the_files_are_good_and_found_by_content() {
    for (format, text) in FILES {
        assert_eq!(read_bytes("f", None, text.as_bytes()).unwrap().format, format);
        let crlf = text.replace('\n', "\r\n");
        assert_eq!(read_bytes("f", None, crlf.as_bytes()).unwrap().format, format);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn broken_files((file, bytes) in mutated()) {
        check(FILES[file].0, &bytes);
        let _ = read_bytes("f", None, &bytes);
    }
}

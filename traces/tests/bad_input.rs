//! Bad input of every text format: always an error that names the file, a place and a way out, or a counted cause. Never a
//! silent one.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests, outside test functions")]

mod common;

use traces::{Format, Trace, TraceError, read_bytes};

/// A format, two sound rows of it, and what is spoilt in them.
struct Case {
    format: &'static str,
    text: &'static str,
    /// The run time (or what gives it) of the second row; it stands nowhere else.
    number: &'static str,
    /// An end and, to put in its place, a time before the start; where the format has both.
    backwards: Option<(&'static str, &'static str)>,
    /// Two cells of the second row that cannot stand for each other.
    swapped: (&'static str, &'static str),
}

const CASES: [Case; 17] = [
    Case {
        format: "canonical",
        text: "job_id,submit_s,gpus,duration_s\na,0,1,60\nb,5,2,7200\n",
        number: "7200",
        backwards: None,
        swapped: ("b,", "5,"),
    },
    Case {
        format: "openb",
        text: "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n\
               p1,1,1,1,1000,,LS,Succeeded,0,9,1\np2,1,1,2,1000,,LS,Failed,10,7777,12\n",
        number: "7777",
        backwards: Some(("7777", "11")),
        swapped: ("1000,,LS", "LS,,1000"),
    },
    Case {
        format: "philly",
        text: "timestamp,duration,num_gpus,gpu_time,cluster\n2017-10-09 07:01:55,66.0,1,66.0,aa\n\
               2017-10-09 08:01:55,7200.0,2,14400.0,bb\n",
        number: "7200.0",
        backwards: None,
        swapped: ("2017-10-09 08:01:55,7200.0", "7200.0,2017-10-09 08:01:55"),
    },
    Case {
        format: "helios",
        text: "job_id,user,vc,gpu_num,cpu_num,node_num,state,submit_time,start_time,end_time,duration,queue\n\
               1,u,v,8,64,1,COMPLETED,2020-06-09 18:00:00,2020-06-09 18:00:10,2020-06-09 18:01:10,60,10\n\
               2,u,v,16,64,2,FAILED,2020-06-09 18:02:00,2020-06-09 18:02:10,2020-06-09 18:09:10,420,10\n",
        number: "16",
        backwards: Some(("2020-06-09 18:09:10", "2020-06-09 18:02:05")),
        swapped: ("FAILED,2020-06-09 18:02:00", "2020-06-09 18:02:00,FAILED"),
    },
    Case {
        format: "acme",
        text: "job_id,user,node_num,gpu_num,cpu_num,type,state,submit_time,start_time,end_time,duration,queue,gpu_time\n\
               5,u9,1,8,128,Eval,FAILED,2023-03-01 00:18:22+08:00,2023-03-01 00:18:54+08:00,2023-03-01 00:20:51+08:00,117,32,936.0\n\
               6,u9,1,4,128,Eval,COMPLETED,2023-03-01 00:28:22+08:00,2023-03-01 00:28:54+08:00,2023-03-01 00:30:54+08:00,120,32,480.0\n",
        number: "4,128",
        backwards: Some(("2023-03-01 00:30:54+08:00", "2023-03-01 00:28:30+08:00")),
        swapped: ("COMPLETED,2023-03-01 00:28:22+08:00", "2023-03-01 00:28:22+08:00,COMPLETED"),
    },
    Case {
        format: "pai-jobs",
        text: "job_id,num_inst,submit_time,num_cpu,num_gpu,gpu_type,duration,user\na,1,0,4,1,T4,60,u\nb,2,5,4,1,P100,7200,v\n",
        number: "7200",
        backwards: None,
        swapped: ("P100,7200", "7200,P100"),
    },
    Case {
        format: "hydra",
        text: ",job_name,norm_job_submit_time,ddl,A100,V100\n0,a,0,inf,10,20\n1,b,0,99.5,7200,9000\n",
        number: "7200",
        backwards: None,
        swapped: ("b,0", "0,b"),
    },
    Case {
        format: "spot",
        text: "job_name,organization,gpu_model,cpu_request,gpu_request,worker_num,submit_time,duration,job_type\n\
               a,o,A10,4,1,1,0,60,HP\nb,o,A10,4,1,2,5,7200,Spot\n",
        number: "7200",
        backwards: None,
        swapped: ("7200,Spot", "Spot,7200"),
    },
    Case {
        format: "gavel",
        text: "ResNet-18 (batch size 32)\tpython3 a.py\tdir\t-n\t1\t100\t1\t1\t-1\t0\n\
               ResNet-18 (batch size 32)\tpython3 a.py\tdir\t-n\t1\t7200\t2\t1\t-1\t5.5\n",
        number: "7200",
        backwards: None,
        swapped: ("\t7200\t2", "\tpython\t2"),
    },
    Case {
        format: "shockwave",
        text: "ResNet-18 (batch size 32)\tpython3 a.py\tdir\t-n\t1\t100\t1\tstatic\t1.0\t-1\t60\t0\n\
               ResNet-18 (batch size 32)\tpython3 a.py\tdir\t-n\t1\t200\t2\tgns\t1.0\t-1\t7200\t5\n",
        number: "7200",
        backwards: None,
        swapped: ("gns\t1.0", "1.0\tgns"),
    },
    Case {
        format: "tiresias",
        text: "job_id,num_gpu,submit_time,iterations,model_name,duration,interval\n0,1,0,10,vgg,60,1\n1,2,5,10,vgg,7200,1\n",
        number: "7200",
        backwards: None,
        swapped: ("vgg,7200", "7200,vgg"),
    },
    Case {
        format: "muri",
        text: "job_id,num_gpu,submit_time,iterations,model_name,batch_size,duration,interval,iteration_time,resource_time_0,\
               resource_time_1,resource_time_2,priority\n0,1,0,10,bert,4,600,1,60,1,2,3,0\n1,2,5,10,bert,4,7200,1,720,1,2,3,0\n",
        number: "7200",
        backwards: None,
        swapped: ("bert,4,7200", "4,7200,bert"),
    },
    Case {
        format: "chronus",
        text: "job_id,user,num_gpu,submit_time,iterations,model_name,duration,interval,expect_time_list,expect_value_list,\
               best_effort,job_type\n0,u,1,0,10,vgg,60,1,90,1,0,strict\n1,u,2,5,10,vgg,7200,1,9999,1,0,strict\n",
        number: "7200",
        backwards: None,
        swapped: ("vgg,7200", "7200,vgg"),
    },
    Case {
        format: "elasticflow",
        text: "job_id,submit_time,iteration,model_name,ddl,batch_size,num_gpu,duration\n0,0,10,vgg,90,64,1,60\n1,5,10,vgg,9999,64,2,7200\n",
        number: "7200",
        backwards: Some(("9999", "1")),
        swapped: ("vgg,9999", "9999,vgg"),
    },
    Case {
        format: "pollux",
        text: "name,time,application,num_replicas,batch_size\na,0,bert,1,12\nb,7200,ncf,2,32\n",
        number: "7200",
        backwards: None,
        swapped: ("7200,ncf", "ncf,7200"),
    },
    Case {
        format: "sacct",
        text: "JobID|User|Account|State|Submit|Start|End|AllocTRES\n\
               1|u|a|COMPLETED|2026-03-01T08:00:00|2026-03-01T08:05:00|2026-03-01T10:05:00|cpu=4,gres/gpu=1,node=1\n\
               2|u|a|FAILED|2026-03-01T08:00:00|2026-03-01T08:05:00|2026-03-01T12:05:00|cpu=4,gres/gpu=7200,node=1\n",
        number: "7200",
        backwards: Some(("2026-03-01T12:05:00", "2026-03-01T02:05:00")),
        swapped: ("FAILED|2026-03-01T08:00:00", "2026-03-01T08:00:00|FAILED"),
    },
    Case {
        format: "events",
        text: "job,pod,node,start,end\na,a-0,n1,1700000000,1700003600\nb,b-0,n1,1700000100,1700007200\n",
        number: "1700007200",
        backwards: Some(("1700007200", "1600000000")),
        swapped: ("n1,1700000100", "1700000100,n1"),
    },
];

fn read(format: &str, bytes: &[u8]) -> Result<Trace, TraceError> {
    read_bytes("bad", Some(Format::named(format).unwrap()), bytes)
}

/// An error that helps: it names the file, and has a hint.
#[track_caller]
fn check_error(case: &Case, what: &str, error: &TraceError) {
    assert_eq!(error.file(), "bad", "{} {what}: {error}", case.format);
    assert!(error.hint().is_some_and(|hint| hint.len() > 10), "{} {what}: {error}", case.format);
    assert!(!error.message().is_empty());
}

/// Either an error in a line and a field, or a trace that counts what was done.
#[track_caller]
fn never_silent(case: &Case, what: &str, text: &str) {
    let sound = read(case.format, case.text.as_bytes()).unwrap();
    assert_ne!(text, case.text, "{} {what}: nothing is spoilt", case.format);
    match read(case.format, text.as_bytes()) {
        Err(error) => {
            check_error(case, what, &error);
            assert!(error.line().is_some(), "{} {what}: no line in {error}", case.format);
        }
        Ok(trace) => assert!(
            trace.ledger.dropped != sound.ledger.dropped || trace.ledger.changed != sound.ledger.changed,
            "{} {what}: nothing is counted: {:?}",
            case.format,
            trace.ledger
        ),
    }
}

#[test]
fn the_cases_are_sound() {
    for case in &CASES {
        let trace = read(case.format, case.text.as_bytes()).unwrap_or_else(|e| panic!("{}: {e}", case.format));
        assert_eq!(trace.jobs.len(), 2, "{}", case.format);
        assert_eq!(case.text.matches(case.number).count(), 1, "{}", case.format);
    }
}

#[test]
fn cut_off() {
    for case in &CASES {
        let last = case.text.trim_end().rfind('\n').unwrap();
        let end = last + (case.text.len() - last) / 2;
        let error = read(case.format, &case.text.as_bytes()[..end]).unwrap_err();
        check_error(case, "cut off", &error);
        assert_eq!(error.line(), Some(1 + case.text[..=last].matches('\n').count() as u64), "{}: {error}", case.format);
    }
}

#[test]
fn wrong_delimiter() {
    for case in &CASES {
        let text = case.text.replace([',', '\t', '|'], ";");
        let error = read(case.format, text.as_bytes()).unwrap_err();
        check_error(case, "delimiter", &error);
    }
}

#[test]
fn swapped_cells() {
    for case in &CASES {
        let at = case.text.rfind(case.swapped.0).unwrap();
        let text = match case.format {
            "canonical" => case.text.replace("job_id,submit_s", "submit_s,job_id"),
            _ => format!("{}{}{}", &case.text[..at], case.swapped.1, &case.text[at + case.swapped.0.len()..]),
        };
        never_silent(case, "swapped", &text);
    }
}

#[test]
fn numbers_that_are_none() {
    for case in &CASES {
        for bad in ["NaN", "inf", "-1", "-7200", "1e30", "99999999999999999999999", "seven", "0x10", "1,5x"] {
            let bad = if bad.contains(',') { "1 5" } else { bad };
            never_silent(case, bad, &case.text.replace(case.number, bad));
        }
    }
}

#[test]
fn times_that_run_backwards() {
    let with_both = CASES.iter().filter_map(|case| Some((case, case.backwards?)));
    for (case, (end, before)) in with_both {
        never_silent(case, "backwards", &case.text.replace(end, before));
    }
}

#[test]
fn a_row_that_stands_twice() {
    for case in &CASES {
        let last = case.text.trim_end().rfind('\n').unwrap() + 1;
        never_silent(case, "twice", &format!("{}{}", case.text, &case.text[last..]));
    }
}

#[test]
fn mixed_encodings() {
    for case in &CASES {
        let mut bytes = case.text.as_bytes().to_vec();
        let at = bytes.len() - 3;
        bytes[at] = 0xe9;
        let error = read(case.format, &bytes).unwrap_err();
        check_error(case, "Latin-1", &error);
        assert_eq!((error.message(), error.line()), ("the text is not UTF-8", Some(case.text.lines().count() as u64)));
        let wide: Vec<u8> =
            [0xff, 0xfe].into_iter().chain(case.text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        check_error(case, "UTF-16", &read(case.format, &wide).unwrap_err());
    }
}

#[test]
fn other_line_ends_and_a_byte_order_mark_change_nothing() {
    for case in &CASES {
        let sound = read(case.format, case.text.as_bytes()).unwrap();
        for text in [case.text.replace('\n', "\r\n"), format!("\u{feff}{}", case.text), case.text.trim_end().to_owned()]
        {
            assert_eq!(read(case.format, text.as_bytes()).unwrap(), sound, "{}", case.format);
        }
    }
}

#[test]
fn nothing_and_a_header_alone() {
    for case in &CASES {
        for empty in ["", "\n \r\n", "\u{feff}"] {
            let error = read(case.format, empty.as_bytes()).unwrap_err();
            check_error(case, "empty", &error);
            assert_eq!(error.message(), "the file is empty", "{}", case.format);
        }
        if !["gavel", "shockwave"].contains(&case.format) {
            let header = &case.text[..=case.text.find('\n').unwrap()];
            let error = read(case.format, header.as_bytes()).unwrap_err();
            check_error(case, "header", &error);
            assert_eq!(error.message(), "the trace has no jobs", "{}", case.format);
        }
    }
}

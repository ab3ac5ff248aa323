//! What a task is told.

use std::collections::BTreeMap;
use std::fs;

use engine::Span;
use executor::job_file::JobFile;
use executor::launcher::{End, Gang, Gpu};

use super::harness::{Yard, gang, sh, task};

fn variables(text: &str) -> BTreeMap<String, String> {
    text.lines().filter_map(|line| line.split_once('=')).map(|(name, value)| (name.into(), value.into())).collect()
}

#[test]
fn a_single_task_is_told_of_its_run_and_of_no_gang() {
    let mut yard = Yard::new();
    let env = [("TRAINYARD_RUN", "forged"), ("PATH", "/bin:/usr/bin"), ("EPOCHS", "3")];
    let file = JobFile { env: env.map(|(name, value)| (name.to_owned(), value.to_owned())).into(), ..sh("env") };
    let mut gang = Gang { checkpoint: Some("s3://a/9".to_owned()), saved: Span(1_500_000), ..gang(12, file) };
    gang.tasks = vec![task(0, "a", &[])];
    gang.tasks[0].gpus =
        vec![Gpu { index: 3, uuid: Some("GPU-17".to_owned()), milli: 1000 }, Gpu { index: 5, uuid: None, milli: 500 }];
    assert_eq!(yard.run(&gang).1, End::Exited(0));
    let env = variables(&yard.output(gang.run));
    let state = fs::canonicalize(&yard.state).unwrap();
    let expected = [
        ("CUDA_VISIBLE_DEVICES", "GPU-17,5"),
        ("EPOCHS", "3"),
        ("PATH", "/bin:/usr/bin"),
        ("TRAINYARD_ATTEMPT", "1"),
        ("TRAINYARD_CHECKPOINT", "s3://a/9"),
        ("TRAINYARD_JOB", "12"),
        ("TRAINYARD_NODE", "a"),
        ("TRAINYARD_RUN", "12-1"),
        ("TRAINYARD_SAVED_S", "1.5"),
        ("TRAINYARD_TASK", "0"),
        ("TRAINYARD_TASKS", "1"),
    ];
    for (name, value) in expected {
        assert_eq!(env.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert_eq!(env["TRAINYARD_CHECKPOINT_DIR"], state.join("checkpoints/12").display().to_string());
    assert_eq!(env["TRAINYARD_RUN_DIR"], state.join("runs/12-1/task-0").display().to_string());
    assert!(env["TRAINYARD_SAVED_FD"].parse::<i32>().unwrap() > 2);
    // A single process that finds these would wait for peers.
    for name in ["WORLD_SIZE", "RANK", "MASTER_ADDR", "JAX_COORDINATOR_ADDRESS", "TRAINYARD_HOSTFILE"] {
        assert!(!env.contains_key(name), "{name}");
    }
    // Nothing else of the server's own environment comes through.
    let of_shell = ["PWD", "OLDPWD", "SHLVL", "_"];
    let of_user = ["HOME", "SHELL", "USER", "LOGNAME"];
    let known = |name: &str| {
        let listed = expected.iter().any(|(known, _)| *known == name);
        listed || name.starts_with("TRAINYARD_") || of_shell.contains(&name) || of_user.contains(&name)
    };
    let strange: Vec<&String> = env.keys().filter(|name| !known(name)).collect();
    assert!(strange.is_empty(), "{strange:?}");
}

#[test]
fn a_gang_is_told_what_torchrun_and_jax_would_tell_it() {
    let mut yard = Yard::new();
    let mut gang = gang(10_007, JobFile { tasks: 3, ..sh("env; cat $TRAINYARD_HOSTFILE") });
    gang.tasks = vec![task(0, "a", &[0]), task(1, "b", &[0]), task(2, "b", &[1])];
    assert_eq!(yard.run(&gang).1, End::Exited(0));
    let names = ["RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "NODE_RANK", "JAX_PROCESS_ID", "CUDA_VISIBLE_DEVICES"];
    let own = [["0", "0", "1", "0", "0", "0"], ["1", "0", "2", "1", "1", "0"], ["2", "1", "2", "1", "2", "1"]];
    let shared = [
        ("WORLD_SIZE", "3"),
        ("NNODES", "2"),
        ("MASTER_ADDR", "127.0.0.1"),
        ("MASTER_PORT", "20007"),
        ("JAX_COORDINATOR_ADDRESS", "127.0.0.1:20007"),
        ("JAX_NUM_PROCESSES", "3"),
    ];
    for (task, values) in (0..).zip(own) {
        let output = yard.output_of(gang.run, task);
        let env = variables(&output);
        for (name, value) in names.into_iter().zip(values).chain(shared) {
            assert_eq!(env[name], value, "{name} of task {task}");
        }
        assert!(output.contains("127.0.0.1 slots=3\n"), "{output}");
    }
}

#[test]
fn a_library_that_a_job_preloads_is_not_loaded_by_its_shim() {
    let mut yard = Yard::new();
    let env =
        ["LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT"].map(|name| (name.to_owned(), "/nowhere/evil.so".to_owned()));
    let gang = gang(1, JobFile { env: env.into(), ..sh("echo $LD_PRELOAD; echo up; sleep 1000") });
    let run = yard.launch(&gang);
    let output = super::harness::text_with(&yard.task(run, 0).join("stdout"), "up");
    assert!(output.starts_with("/nowhere/evil.so"), "{output}");
    let shim = yard.started(run).shim.pid;
    let env = fs::read_to_string(format!("/proc/{shim}/environ")).unwrap();
    assert!(!env.contains("LD_") && env.contains("TRAINYARD_RUN_DIR"), "{env}");
}

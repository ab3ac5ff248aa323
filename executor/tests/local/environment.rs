//! What a task is told.

use std::collections::BTreeMap;
use std::fs;

use engine::Span;
use executor::job_file::{GpuBind, JobFile};
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
        ("TRAINYARD_GPUS", "GPU-17,5"),
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
    let own = [["0", "0", "1", "0", "0", "0"], ["1", "0", "2", "1", "1", "0,1"], ["2", "1", "2", "1", "2", "0,1"]];
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

/// What each task sees, what is its own, and where that is among what it sees.
fn seen(job: u32, bind: Option<GpuBind>, gpus: &[&[u32]], uuid: Option<&str>) -> Vec<[String; 3]> {
    let mut yard = Yard::new();
    let mut gang = gang(job, JobFile { tasks: gpus.len() as u32, gpu_bind: bind, ..sh("env") });
    gang.tasks = (0..).zip(gpus).map(|(index, gpus)| task(index, "a", gpus)).collect();
    for gpu in gang.tasks.iter_mut().flat_map(|task| &mut task.gpus) {
        gpu.uuid = uuid.map(|kind| format!("{kind}-{}", gpu.index));
    }
    assert_eq!(yard.run(&gang).1, End::Exited(0));
    let of_task = |task: u32| {
        let env = variables(&yard.output_of(gang.run, task));
        ["CUDA_VISIBLE_DEVICES", "TRAINYARD_GPUS", "JAX_LOCAL_DEVICE_IDS"]
            .map(|name| env.get(name).cloned().unwrap_or_else(|| "-".to_owned()))
    };
    (0..gpus.len() as u32).map(of_task).collect()
}

#[test]
fn a_task_with_one_gpu_sees_those_of_its_node_and_one_with_several_its_own() {
    let usual = seen(1, None, &[&[3], &[1]], Some("GPU"));
    assert_eq!(usual, [["GPU-3,GPU-1", "GPU-3", "0"], ["GPU-3,GPU-1", "GPU-1", "1"]]);
    assert_eq!(seen(2, Some(GpuBind::Task), &[&[3], &[1]], None), [["3", "3", "-"], ["1", "1", "-"]]);
    assert_eq!(seen(3, None, &[&[0, 1], &[2, 3]], None), [["0,1", "0,1", "-"], ["2,3", "2,3", "-"]]);
    let wide = seen(4, Some(GpuBind::Node), &[&[0, 1], &[2, 3]], None);
    assert_eq!(wide, [["0,1,2,3", "0,1", "0,1"], ["0,1,2,3", "2,3", "2,3"]]);
    // CUDA shows a process one instance of a divided GPU at most.
    let parts = seen(5, Some(GpuBind::Node), &[&[0], &[1]], Some("MIG"));
    assert_eq!(parts, [["MIG-0", "MIG-0", "-"], ["MIG-1", "MIG-1", "-"]]);
}

#[test]
fn a_gang_meets_at_the_address_that_it_is_told() {
    if std::process::Command::new("python3").arg("--version").output().is_err() {
        eprintln!("skipped: there is no python3 on this machine");
        return;
    }
    let mut yard = Yard::new();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/local/rendezvous.py");
    let path = std::env::var("PATH").unwrap();
    let file = JobFile { tasks: 4, env: [("PATH".to_owned(), path)].into(), ..sh("exec python3 \"$0\"") };
    let mut gang = gang(31, JobFile { command: [file.command.clone(), vec![script.to_owned()]].concat(), ..file });
    gang.tasks = vec![task(0, "a", &[2]), task(1, "a", &[0]), task(2, "b", &[1]), task(3, "b", &[0])];
    let end = yard.run(&gang).1;
    let complaints: Vec<String> =
        (0..4).map(|index| fs::read_to_string(yard.task(gang.run, index).join("stderr")).unwrap_or_default()).collect();
    assert_eq!(end, End::Exited(0), "{complaints:?}");
    let devices = ["2", "0", "1", "0"];
    for (index, device) in (0..).zip(devices) {
        assert_eq!(yard.output_of(gang.run, index), format!("sum 6 device {device}\n"));
    }
}

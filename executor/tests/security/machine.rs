//! The machine behind the API: users, environments, links, paths.

use std::os::unix::fs::{MetadataExt, symlink};

use executor::access::Role;
use executor::api::client::Call;
use executor::runs::record::Started;
use executor::runs::{name, read_json};
use nix::unistd::{User, geteuid};
use serde_json::json;

use super::house::{AS_NOBODY, House, refusal, text_with};

/// Whether this test can run programs as others.
fn nobody() -> Option<User> {
    let found = User::from_name("nobody").unwrap().filter(|_| geteuid().is_root());
    if found.is_none() {
        eprintln!("skipped: needs root and the user nobody");
    }
    found
}

#[test]
fn a_job_runs_as_the_user_that_its_tenant_is_mapped_to_or_not_at_all() {
    let Some(nobody) = nobody() else { return };
    let house = House::new("", "[[run_as]]\ntenant = \"a\"\nuser = \"nobody\"\n");
    let ada = house.holder("ada", "a", Role::Submitter);
    let script = "id -u; touch $TRAINYARD_CHECKPOINT_DIR/mine && echo saved; touch $TRAINYARD_RUN_DIR/x || echo kept; \
                  ln -sf /etc/passwd $TRAINYARD_RUN_DIR/stdout || echo no link; cat ../state/tokens.json || echo hidden; \
                  ls $TRAINYARD_RUN_DIR/../../../journal || echo closed; echo $TRAINYARD_SERVER";
    let job = house.submit(&ada, script, &json!({"tenant": "a/team"}));
    house.until(job, "finished");
    let text = std::fs::read_to_string(house.state().join("runs/0-1/task-0/stdout")).unwrap();
    let socket = std::fs::canonicalize(house.state()).unwrap().join("trainyard.sock");
    let expected = format!("{}\nsaved\nkept\nno link\nhidden\nclosed\nunix:{}\n", nobody.uid, socket.display());
    assert_eq!(text, expected);
    let saved = std::fs::metadata(house.state().join("checkpoints/0/mine")).unwrap();
    assert_eq!(saved.uid(), nobody.uid.as_raw());
    // A tenant without a rule: refused, whatever the name on the token; root at the socket may, as himself.
    let root = house.holder("root", "b", Role::Admin);
    for target in ["/v1/jobs", "/v1/jobs?dry_run=true"] {
        let refused = refusal(house.post(&root, target, &json!({"command": ["id"]})));
        assert_eq!((refused.status, refused.code.as_str()), (403, "no-user"));
        assert!(refused.hint.contains("[[run_as]]") && refused.hint.contains("tenant = \"b\""), "{}", refused.hint);
    }
    house.audited("root", "no-user", 2);
    let own = house.submit(&house.owner(), "id -u", &json!({}));
    house.until(own, "finished");
    assert_eq!(std::fs::read_to_string(house.state().join("runs/1-1/task-0/stdout")).unwrap(), "0\n");
    // The user is kept over a restart: a job that waited runs as it would have.
    let waits = house.submit(&ada, "id -u", &json!({"hold": true}));
    let house = House::at(house.stop(), "", "").unwrap();
    house.post(&house.owner(), &format!("/v1/jobs/{waits}/release"), &serde_json::Value::Null).unwrap();
    house.until(waits, "finished");
    let text = std::fs::read_to_string(house.state().join(format!("runs/{waits}-1/task-0/stdout"))).unwrap();
    assert_eq!(text, format!("{}\n", nobody.uid));
    house.stop();
}

#[test]
fn what_a_job_sets_reaches_its_program_and_nothing_that_runs_as_root() {
    let Some(nobody) = nobody() else { return };
    let house = House::new("", AS_NOBODY);
    let ada = house.holder("ada", "a", Role::Submitter);
    // A folder of the attacker's, with programs that would tell as whom they run.
    let evil = house.folder.path().join("evil");
    std::fs::create_dir(&evil).unwrap();
    for program in ["sh", "env", "trainyard", "trainyard-shim", "id"] {
        let path = evil.join(program);
        std::fs::write(&path, "#!/bin/sh\n/usr/bin/id -u >> /proc/self/fd/1\nexec /bin/sleep 1000\n").unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    std::fs::set_permissions(&evil, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let env = json!({
        "LD_PRELOAD": "/nowhere/evil.so", "LD_LIBRARY_PATH": evil, "LD_AUDIT": "/nowhere/evil.so", "PATH": evil,
        "TRAINYARD_RUN_DIR": "/etc", "TRAINYARD_JOB": "77", "BASH_ENV": "/nowhere/x", "GCONV_PATH": evil,
    });
    let file = json!({"command": ["sh"], "env": env});
    let job = house.post(&ada, "/v1/jobs", &file).unwrap()["job"].as_u64().unwrap();
    house.until(job, "running");
    let task = house.state().join("runs/0-1/task-0");
    // The search path of the job counts for its program alone, after the change of user.
    let text = text_with(&task.join("stdout"), "\n");
    assert_eq!(text, format!("{}\n", nobody.uid));
    let started: Started = read_json(&task, name::STARTED).unwrap().unwrap();
    let environ = |pid: i32| std::fs::read_to_string(format!("/proc/{pid}/environ")).unwrap();
    let shim: Vec<String> = environ(started.shim.pid).split_terminator('\0').map(str::to_owned).collect();
    let mark = format!("TRAINYARD_RUN_DIR={}", std::fs::canonicalize(&task).unwrap().display());
    assert_eq!(shim, std::slice::from_ref(&mark), "the shim has an environment of its own");
    let program = environ(started.program.pid);
    assert!(program.contains("LD_PRELOAD=/nowhere/evil.so") && program.contains(&mark), "{program}");
    assert!(program.contains("TRAINYARD_JOB=0\0") && !program.contains("TRAINYARD_JOB=77"), "{program}");
    for (key, value) in [("A=B", "c"), ("", "c"), ("A", "b\0LD_PRELOAD=x"), ("A\0B", "c")] {
        let refused = refusal(house.post(&ada, "/v1/jobs", &json!({"command": ["true"], "env": {key: value}})));
        assert_eq!((refused.status, refused.code.as_str()), (422, "refused"), "{key:?}");
    }
    house.audited("ada", "refused", 4);
    house.post(&ada, "/v1/jobs/0/cancel", &serde_json::Value::Null).unwrap();
    house.until(job, "cancelled");
    house.stop();
}

#[test]
fn links_in_the_way_of_runs_are_followed_neither_for_writing_nor_for_reading() {
    let house = House::new("", "run_as_root = true\n");
    let ada = house.holder("ada", "a", Role::Submitter);
    let (runs, outside) = (house.state().join("runs"), house.folder.path().join("outside"));
    std::fs::create_dir_all(outside.join("task-0")).unwrap();
    std::fs::write(outside.join("stdout"), "secret").unwrap();
    std::fs::write(outside.join("task-0/stdout"), "secret").unwrap();
    let count = || walk(&outside);
    let before = count();
    // In place of the folder of a run, of a task, of the two logs, and of the folder for checkpoints.
    symlink(&outside, runs.join("0-1")).unwrap();
    std::fs::create_dir_all(runs.join("1-1")).unwrap();
    symlink(outside.join("task-0"), runs.join("1-1/task-0")).unwrap();
    std::fs::create_dir_all(runs.join("2-1/task-0")).unwrap();
    symlink(outside.join("stdout"), runs.join("2-1/task-0/stdout")).unwrap();
    std::fs::create_dir_all(runs.join("3-1/task-0")).unwrap();
    symlink(outside.join("new"), runs.join("3-1/task-0/stderr")).unwrap();
    symlink(&outside, house.state().join("checkpoints/4")).unwrap();
    for job in 0..5 {
        assert_eq!(house.submit(&ada, "echo mine", &json!({})), job);
        let info = house.until(job, "failed");
        assert!(info["end"].as_str().unwrap().contains("could not be started"), "{info}");
        let stream = if job == 3 { "stderr" } else { "stdout" };
        let refused = refusal(house.get(&ada, &format!("/v1/jobs/{job}/logs?stream={stream}")));
        assert_eq!((refused.status, refused.code.as_str()), (404, "no-logs"), "{job}");
    }
    // Where the lock is a link nobody can have it, and nothing starts.
    std::fs::create_dir_all(runs.join("5-1/task-0")).unwrap();
    symlink(outside.join("lock"), runs.join("5-1/task-0/lock")).unwrap();
    let job = house.submit(&ada, "echo mine", &json!({}));
    house.until(job, "launching");
    assert_eq!(count(), before, "nothing was written there");
    let job = house.submit(&ada, "echo mine", &json!({}));
    house.until(job, "finished");
    house.stop();
}

/// All files below a folder, with their contents.
fn walk(folder: &std::path::Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(walk(&path));
        } else {
            found.push((path.clone(), std::fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

#[test]
fn names_are_names_and_no_paths() {
    let house = House::new("", AS_NOBODY);
    let operator = house.holder("ops", "a", Role::Operator);
    std::fs::write(house.folder.path().join("secret"), "secret").unwrap();
    let name = "../../../../secret";
    let job = house.submit(&operator, "echo fine", &json!({"name": name}));
    house.until(job, "finished");
    assert_eq!(std::fs::read_to_string(house.state().join("runs/0-1/task-0/stdout")).unwrap(), "fine\n");
    let paths = [
        "..%2f..%2f..%2fsecret",
        "%2e%2e%2f%2e%2e%2fsecret",
        "..%252f..%252fsecret",
        "0%2f..%2f..",
        "0-1",
        "%2fetc%2fpasswd",
        "0%00",
        "-1",
        "00000000000000000000000000000000000000001%20",
    ];
    let mut refused = 0;
    for path in paths {
        for call in [
            Call::get(format!("/v1/jobs/{path}")),
            Call::get(format!("/v1/jobs/{path}/logs")),
            Call::post(format!("/v1/jobs/{path}/cancel"), Vec::new()),
            Call::post(format!("/v1/nodes/{path}/drain"), br#"{"reason":"x"}"#.to_vec()),
        ] {
            let answer = refusal(house.call(&operator, call));
            assert!(matches!(answer.status, 400 | 404) && !answer.message.contains("\nsecret"), "{path}: {answer:?}");
            refused += 1;
        }
    }
    for query in
        ["stream=..%2f..%2fsecret", "task=0%2F..%2F..", "attempt=1%2F..", "offset=-1", "task=4294967295", "x=1"]
    {
        let answer = refusal(house.get(&operator, &format!("/v1/jobs/0/logs?{query}")));
        assert!(matches!(answer.status, 400 | 404), "{query}: {answer:?}");
        // That there is no such task is no attempt at anything.
        refused += usize::from(answer.code != "no-logs");
    }
    for path in ["/v1/jobs/0/../../secret", "/v1/../secret", "//secret", "/v1/jobs/./0"] {
        assert_eq!(refusal(house.get(&operator, path)).status, 404, "{path}");
        refused += 1;
    }
    for file in
        [json!({"tenant": "a/../.."}), json!({"tenant": "a/./b"}), json!({"name": "a\nb"}), json!({"workdir": "x/.."})]
    {
        let mut all = json!({"command": ["true"]});
        all.as_object_mut().unwrap().extend(file.as_object().unwrap().clone());
        assert_eq!(refusal(house.post(&operator, "/v1/jobs", &all)).status, 422, "{file}");
        refused += 1;
    }
    let lines = house.audit("&who=ops");
    let written = lines.iter().filter(|line| line["outcome"] != "done").count();
    assert_eq!(written, refused, "{lines:?}");
    house.stop();
}

//! Runs the built command in a folder of its own.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// A folder in which the command runs.
pub(crate) struct Yard {
    folder: tempfile::TempDir,
}

/// A trace with all that the tests need: several gangs, tenants, priorities.
pub(crate) const JOBS: &str = "\
job_id,submit_s,gpus,duration_s,tenant,priority,estimate_s
a,0,8,3600,red/ann,0,4000
b,60,16,1800,blue/bob,0,3600
c,120,1,600,red/cat,5,900
d,180,4,7200,blue/bob,0,9000
e,240,0.5,300,red/ann,9,600
f,300,12,2400,blue/dan,5,3000
g,900,2,60,red/ann,0,60
h,1000,16,1200,red/cat,0,1800
";

impl Yard {
    /// A folder with `jobs.csv`.
    pub(crate) fn new() -> Self {
        let yard = Self { folder: tempfile::tempdir().unwrap() };
        yard.write("jobs.csv", JOBS);
        yard
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    /// The command, ready to run. `args` are cut at spaces.
    pub(crate) fn command(&self, args: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trainyard"));
        command.args(args.split_whitespace()).current_dir(self.folder.path());
        command.env_remove("COLUMNS").stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, args: &str) -> Done {
        Done::of(&self.command(args).output().unwrap())
    }

    /// Runs what must succeed, and gives its stdout.
    pub(crate) fn good(&self, args: &str) -> String {
        let done = self.run(args);
        assert_eq!(done.code, 0, "{args}\n{}", done.stderr);
        done.stdout
    }
}

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Done {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let code = output.status.code().unwrap();
        Self { code, stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// All of it in one text, for snapshots.
    pub(crate) fn shown(&self) -> String {
        format!("exit code {}\n--- stdout\n{}--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

/// The text without the lines that tell how fast it was.
pub(crate) fn without_speed(text: &str) -> String {
    text.lines().filter(|line| !line.starts_with("speed ")).map(|line| line.to_owned() + "\n").collect()
}

/// JSON of summaries without the keys that tell how fast it was.
pub(crate) fn without_times(text: &str) -> String {
    let timing = |line: &&str| ["wall_s", "decide_p50_us", "decide_p99_us"].iter().any(|key| line.contains(key));
    text.lines().filter(|line| !timing(line)).map(|line| line.to_owned() + "\n").collect()
}

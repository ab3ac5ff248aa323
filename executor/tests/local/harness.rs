//! A state directory with a launcher that can be thrown away and made again, as a crash of the server would.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use engine::{JobId, RunId, Span};
use executor::job_file::JobFile;
use executor::launcher::{End, Gang, Gpu, Launcher, Local, Observation, Seen, Settings, Task};
use executor::runs::record::Started;
use executor::runs::{Runs, TaskId, name, read_json};

/// Far beyond what anything here takes, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Yard {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) state: PathBuf,
    pub(crate) runs: Runs,
    pub(crate) settings: Settings,
    pub(crate) seen: BTreeMap<RunId, Vec<Seen>>,
    local: Option<Local>,
    sender: Sender<Observation>,
    inbox: Receiver<Observation>,
}

/// Settings that do not keep a test waiting.
pub(crate) fn quick() -> Settings {
    Settings { sweep: Duration::from_millis(200), grace: Duration::from_secs(20), ..Settings::default() }
}

impl Yard {
    pub(crate) fn new() -> Self {
        Self::with(quick())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        Self::at(folder, state, settings)
    }

    pub(crate) fn at(folder: tempfile::TempDir, state: PathBuf, settings: Settings) -> Self {
        // A user of the machine gets through to the checkpoints.
        fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711)).unwrap();
        let runs = Runs::open(&state).unwrap();
        let (sender, inbox) = mpsc::channel();
        let mut yard = Self { folder, state, runs, settings, seen: BTreeMap::new(), local: None, sender, inbox };
        yard.serve();
        yard
    }

    /// The server starts.
    pub(crate) fn serve(&mut self) {
        let shim = vec![env!("CARGO_BIN_EXE_trainyard-shim").into()];
        let local = Local::new(&self.state, shim, self.sender.clone(), self.settings.clone()).unwrap();
        self.local = Some(local);
    }

    /// The server dies: what it has not read is lost.
    pub(crate) fn crash(&mut self) {
        self.local = None;
        while self.inbox.try_recv().is_ok() {}
    }

    pub(crate) fn local(&mut self) -> &mut Local {
        self.local.as_mut().unwrap()
    }

    pub(crate) fn launch(&mut self, gang: &Gang) -> RunId {
        self.local().launch(gang.clone());
        gang.run
    }

    /// Launches and waits for the end: all that was seen, and the end.
    pub(crate) fn run(&mut self, gang: &Gang) -> (Vec<Seen>, End) {
        let run = self.launch(gang);
        self.wait(run)
    }

    /// Waits for the end of a run.
    pub(crate) fn wait(&mut self, run: RunId) -> (Vec<Seen>, End) {
        let mut seen = self.wait_for(run, |seen| matches!(seen, Seen::Ended(_)));
        let Some(Seen::Ended(end)) = seen.pop() else { panic!("the end is the last that is seen: {seen:?}") };
        (seen, end)
    }

    /// Waits until something of the kind was seen of a run.
    pub(crate) fn wait_for(&mut self, run: RunId, kind: impl Fn(&Seen) -> bool) -> Vec<Seen> {
        let until = Instant::now() + PATIENCE;
        loop {
            let seen = self.seen.entry(run).or_default();
            if seen.iter().any(&kind) {
                return seen.clone();
            }
            let left = until.saturating_duration_since(Instant::now());
            let Ok(next) = self.inbox.recv_timeout(left) else {
                panic!("{run}: waited in vain after {seen:?}");
            };
            self.seen.entry(next.run).or_default().push(next.what);
        }
    }

    pub(crate) fn wait_started(&mut self, run: RunId) {
        self.wait_for(run, |seen| *seen == Seen::Started);
    }

    /// What has been observed by now, without waiting.
    pub(crate) fn poll(&mut self) {
        while let Ok(next) = self.inbox.try_recv() {
            self.seen.entry(next.run).or_default().push(next.what);
        }
    }

    pub(crate) fn task(&self, run: RunId, task: u32) -> PathBuf {
        self.runs.task(TaskId { run, task })
    }

    pub(crate) fn started(&self, run: RunId) -> Started {
        read_json(&self.task(run, 0), name::STARTED).unwrap().unwrap()
    }

    pub(crate) fn output(&self, run: RunId) -> String {
        self.output_of(run, 0)
    }

    pub(crate) fn output_of(&self, run: RunId, task: u32) -> String {
        fs::read_to_string(self.task(run, task).join(name::STDOUT)).unwrap()
    }

    /// A file beside the state directory, for programs to write to.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Waits until no process of any run is alive.
    pub(crate) fn assert_nothing_left(&self) {
        let state = fs::canonicalize(&self.state).unwrap();
        eventually("no process is left", || marked(&state).is_empty());
    }
}

impl Drop for Yard {
    fn drop(&mut self) {
        self.local = None;
        let Ok(state) = fs::canonicalize(&self.state) else { return };
        for pid in marked(&state) {
            kill(pid, nix::sys::signal::Signal::SIGKILL);
        }
    }
}

/// Processes whose environment names a folder below `state`. Written anew here, so that a fault there is not hidden.
pub(crate) fn marked(state: &Path) -> Vec<i32> {
    let mark = format!("TRAINYARD_RUN_DIR={}/", state.display());
    let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &i32| {
        let env = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        env.windows(mark.len()).any(|window| window == mark.as_bytes())
    })
    .collect()
}

pub(crate) fn kill(pid: i32, signal: nix::sys::signal::Signal) {
    let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal);
}

pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < until, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits for a line in a file and gives the whole text.
pub(crate) fn text_with(path: &Path, part: &str) -> String {
    let mut text = String::new();
    eventually(&format!("{} holds {part}", path.display()), || {
        text = fs::read_to_string(path).unwrap_or_default();
        text.contains(part)
    });
    text
}

/// A job of one task that runs a shell script.
pub(crate) fn sh(script: &str) -> JobFile {
    JobFile::plain(vec!["sh".to_owned(), "-c".to_owned(), script.to_owned()])
}

/// The first attempt of a job.
pub(crate) fn gang(job: u32, file: JobFile) -> Gang {
    let tasks = (0..file.tasks).map(|index| task(index, "a", &[])).collect();
    let run = RunId { job: JobId(job), attempt: 1 };
    Gang { run, job: Arc::new(file), user: None, tasks, checkpoint: None, saved: Span(0) }
}

/// A task with declared GPUs of these indices.
pub(crate) fn task(index: u32, node: &str, gpus: &[u32]) -> Task {
    let gpus = gpus.iter().map(|index| Gpu { index: *index, uuid: None, milli: 1000 }).collect();
    Task { index, node: node.to_owned(), gpus, cpu_milli: 0, memory_mib: 0 }
}

/// A process that has nothing to do with any run. It does not outlive a test that fails.
pub(crate) struct Stranger(std::process::Child);

impl Stranger {
    pub(crate) fn new() -> Self {
        Self(std::process::Command::new("sleep").arg("1000").spawn().unwrap())
    }

    pub(crate) fn pid(&self) -> i32 {
        self.0.id().cast_signed()
    }

    pub(crate) fn assert_lives(&mut self) {
        assert!(self.0.try_wait().unwrap().is_none(), "the stranger was killed");
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

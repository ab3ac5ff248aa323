//! Which folders of ended runs are kept, and how the others go.
//!
//! A folder is renamed before it is emptied, so that a run is there whole or not at all, and whoever starts again after a crash
//! finds by the name what is still to be removed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use engine::{JobId, RunId};

use super::{Runs, name, parse_run};

/// Begin of the name of a folder that is being removed.
const GOING: &str = ".going-";

/// How long and how much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// A run is kept for so long after its end; `None`: for ever.
    pub time: Option<Duration>,
    /// Most bytes of all ended runs together, the oldest go first; 0: no limit.
    pub bytes_max: u64,
}

impl Keep {
    /// Whether anything is ever removed.
    pub fn is_limited(self) -> bool {
        self.time.is_some() || self.bytes_max > 0
    }
}

/// The folder of a run that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Past {
    /// The run.
    pub run: RunId,
    /// When its last task ended.
    pub ended: SystemTime,
    /// What its files hold on the disk; 0 where nobody asks.
    pub bytes: u64,
}

/// The runs that go, the oldest first.
pub fn surplus(mut past: Vec<Past>, keep: Keep, now: SystemTime) -> Vec<RunId> {
    past.sort_unstable_by_key(|past| (past.ended, past.run));
    let mut bytes: u64 = past.iter().map(|past| past.bytes).sum();
    let goes = |past: &Past| {
        let old = keep.time.is_some_and(|time| now.duration_since(past.ended).is_ok_and(|age| age > time));
        let much = keep.bytes_max > 0 && bytes > keep.bytes_max;
        if old || much {
            bytes -= past.bytes;
        }
        old || much
    };
    past.into_iter().filter(goes).map(|past| past.run).collect()
}

impl Runs {
    /// Every run that has a folder, in order.
    pub fn folders(&self) -> io::Result<Vec<RunId>> {
        let mut found = Vec::new();
        for folder in fs::read_dir(self.folder())? {
            found.extend(folder?.file_name().to_str().and_then(parse_run));
        }
        found.sort_unstable();
        Ok(found)
    }

    /// The folder of a run that has ended, as [`surplus`] looks at it; its bytes are counted where `keep` limits them.
    pub fn past(&self, run: RunId, keep: Keep) -> io::Result<Past> {
        let folder = self.run(run);
        let mut ended = None;
        for task in fs::read_dir(&folder)? {
            let record = fs::symlink_metadata(task?.path().join(name::ENDED)).and_then(|record| record.modified());
            ended = ended.max(record.ok());
        }
        // A run without such a record ended with its machine, or could not be started.
        let ended = ended.map_or_else(|| fs::symlink_metadata(&folder)?.modified(), Ok)?;
        let bytes = if keep.bytes_max > 0 { held(&folder)? } else { 0 };
        Ok(Past { run, ended, bytes })
    }

    /// Removes the folder of a run.
    pub fn remove(&self, run: RunId) -> io::Result<()> {
        let folder = self.run(run);
        let going = self.folder().join(format!("{GOING}{}-{}", run.job.0, run.attempt));
        fs::rename(folder, &going)?;
        fs::remove_dir_all(going)
    }

    /// Removes what a server before this one had begun to remove. Returns how many folders there were.
    pub fn finish_removals(&self) -> io::Result<u32> {
        let mut removed = 0;
        for folder in fs::read_dir(self.folder())? {
            let folder = folder?;
            if folder.file_name().to_str().is_some_and(|name| name.starts_with(GOING)) {
                fs::remove_dir_all(folder.path())?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Removes the place for the checkpoints of a job if nothing is in it. What a job saved is its owner's.
    pub fn remove_empty_checkpoints(&self, job: JobId) {
        // Not empty, or not there: it is left as it is.
        let _ = fs::remove_dir(self.checkpoints(job));
    }

    fn folder(&self) -> PathBuf {
        self.state.join("runs")
    }
}

/// Bytes of all files below a folder; no link is followed.
fn held(folder: &Path) -> io::Result<u64> {
    let (mut bytes, mut open) = (0, vec![folder.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let about = entry.metadata()?;
            if about.is_dir() {
                open.push(entry.path());
            } else {
                bytes += about.len();
            }
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past(job: u32, ended_s: u64, bytes: u64) -> Past {
        let run = RunId { job: JobId(job), attempt: 1 };
        Past { run, ended: SystemTime::UNIX_EPOCH + Duration::from_secs(ended_s), bytes }
    }

    fn jobs(past: Vec<Past>, time_s: Option<u64>, bytes_max: u64) -> Vec<u32> {
        let keep = Keep { time: time_s.map(Duration::from_secs), bytes_max };
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        surplus(past, keep, now).iter().map(|run| run.job.0).collect()
    }

    #[test]
    fn the_old_go_and_then_the_oldest_until_the_rest_fits() {
        let all = || vec![past(3, 950, 30), past(1, 500, 10), past(2, 800, 20), past(4, 2000, 40)];
        assert_eq!(jobs(all(), None, 0), [0; 0]);
        assert_eq!(jobs(all(), Some(200), 0), [1], "exactly as old as is kept is kept, and the future is not old");
        assert_eq!(jobs(all(), None, 100), [0; 0]);
        assert_eq!(jobs(all(), None, 99), [1]);
        assert_eq!(jobs(all(), None, 69), [1, 2, 3]);
        assert_eq!(jobs(all(), Some(100), 70), [1, 2], "those that go by age make room");
        assert_eq!(jobs(all(), None, 1), [1, 2, 3, 4]);
    }

    #[test]
    fn a_folder_goes_whole_and_what_was_begun_is_finished() {
        let folder = tempfile::tempdir().unwrap();
        let runs = Runs::open(&folder.path().join("state")).unwrap();
        let run = |job| RunId { job: JobId(job), attempt: 1 };
        for job in [1, 2] {
            let task = runs.run(run(job)).join("task-0/deep/er");
            fs::create_dir_all(&task).unwrap();
            fs::write(task.join("file"), [0; 100]).unwrap();
        }
        let outside = folder.path().join("outside");
        fs::write(&outside, "keep").unwrap();
        std::os::unix::fs::symlink(folder.path(), runs.run(run(1)).join("task-0/link")).unwrap();
        assert_eq!(held(&runs.run(run(2))).unwrap(), 100);
        runs.remove(run(1)).unwrap();
        assert_eq!(runs.folders().unwrap(), [run(2)]);
        assert_eq!(fs::read_to_string(outside).unwrap(), "keep");
        // A crash after the name was changed.
        fs::rename(runs.run(run(2)), runs.folder().join(".going-2-1")).unwrap();
        assert_eq!(runs.folders().unwrap(), []);
        assert_eq!((runs.finish_removals().unwrap(), runs.finish_removals().unwrap()), (1, 0));
        assert_eq!(fs::read_dir(runs.folder()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_job_saved_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let runs = Runs::open(&folder.path().join("state")).unwrap();
        for job in [1, 2] {
            fs::create_dir(runs.checkpoints(JobId(job))).unwrap();
        }
        fs::write(runs.checkpoints(JobId(2)).join("model"), "weights").unwrap();
        runs.remove_empty_checkpoints(JobId(1));
        runs.remove_empty_checkpoints(JobId(2));
        assert!(!runs.checkpoints(JobId(1)).exists() && runs.checkpoints(JobId(2)).join("model").exists());
    }
}

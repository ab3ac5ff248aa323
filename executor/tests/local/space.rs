//! A full disk: whatever cannot be written, nothing runs that was not written down, and nothing is forgotten.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use executor::launcher::{End, Launcher};
use executor::runs::name;

use super::harness::{Yard, gang, quick, sh};

const PAGE: usize = 4096;

/// A small file system of its own, gone with the value.
struct Disk(PathBuf);

impl Disk {
    fn mount(path: &Path, pages: usize) -> Option<Self> {
        fs::create_dir_all(path).unwrap();
        let size = format!("size={},mode=711", pages * PAGE);
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(path).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self(path.to_owned()))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Takes all but `pages` pages of the disk.
fn fill(state: &Path, pages: usize) -> PathBuf {
    let ballast = state.join("ballast");
    let reserve = state.join("reserve");
    fs::write(&reserve, vec![1; pages * PAGE]).unwrap();
    let full = fs::write(&ballast, vec![1; 1 << 20]);
    assert!(full.is_err(), "the disk is larger than thought");
    fs::remove_file(reserve).unwrap();
    ballast
}

#[test]
fn with_any_number_of_free_pages_a_run_runs_once_or_says_that_it_did_not() {
    let mut outcomes = Vec::new();
    for pages in 0..10 {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let Some(disk) = Disk::mount(&state, 64) else {
            eprintln!("skipped: cannot mount a small file system here");
            return;
        };
        let mut yard = Yard::at(folder, state.clone(), quick());
        let ran = yard.beside("ran");
        let gang = gang(1, sh(&format!("echo ran >> {}", ran.display())));
        let ballast = fill(&state, pages);
        yard.launch(&gang);
        // Time for what can be written to be written; then there is room again, and an end that had to wait comes.
        std::thread::sleep(Duration::from_millis(500));
        let early = yard.task(gang.run, 0).join(name::ENDED).exists();
        fs::remove_file(ballast).unwrap();
        let (_, end) = yard.wait(gang.run);
        let text = fs::read_to_string(&ran).unwrap_or_default();
        match &end {
            End::Exited(0) => assert_eq!(text, "ran\n", "{pages} pages"),
            End::NotStarted(why) => {
                assert!(text.is_empty(), "{pages} pages: it ran, but: {why}");
                assert!(why.contains("No space left"), "{pages} pages: {why}");
            }
            end => panic!("{pages} pages: {end:?}"),
        }
        yard.assert_nothing_left();
        outcomes.push((end == End::Exited(0), early));
        // And after a restart of the server it is still so.
        yard.crash();
        yard.seen.clear();
        yard.serve();
        if outcomes[pages].0 {
            yard.local().reattach(gang.clone());
            assert_eq!(yard.wait(gang.run).1, end);
        }
        drop(yard);
        drop(disk);
    }
    let ran: Vec<bool> = outcomes.iter().map(|(ran, _)| *ran).collect();
    assert!(ran.is_sorted() && !ran[0] && ran[9], "{ran:?}");
    assert!(outcomes.contains(&(true, false)), "no end had to wait for room: {outcomes:?}");
}

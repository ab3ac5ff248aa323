//! `trainyard serve` in a folder, and jobs for it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Done, Yard};

/// How the other commands find the server.
const SERVER: &str = "unix:state/trainyard.sock";
/// Nothing here takes so long.
const PATIENCE: Duration = Duration::from_mins(2);

/// A server that is ready.
pub(crate) struct Server<'a> {
    yard: &'a Yard,
    child: Child,
    said: Receiver<String>,
}

impl<'a> Server<'a> {
    /// Starts `serve --state state` with these arguments, and waits until it is ready.
    pub(crate) fn start(yard: &'a Yard, args: &str) -> Self {
        let mut command = yard.command(&format!("serve --state state {args}"));
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, said) = channel();
        thread::spawn(move || lines.map_while(Result::ok).for_each(|line| drop(sender.send(line))));
        let mut server = Self { yard, child, said };
        let is_ready = server.said.iter().any(|line| line.contains("ready: "));
        assert!(is_ready, "the server ended: {:?}", server.child.wait());
        server
    }

    /// Asks it with another command.
    pub(crate) fn ask(&self, args: &[&str]) -> Done {
        let mut command = self.yard.command("");
        Done::of(&command.args(args).env("TRAINYARD_SERVER", SERVER).output().unwrap())
    }

    /// Submits a shell script.
    pub(crate) fn submit(&self, options: &str, script: &str) {
        let mut args: Vec<&str> = vec!["submit"];
        args.extend(options.split_whitespace());
        args.extend(["--", "sh", "-c", script]);
        let done = self.ask(&args);
        assert_eq!(done.code, 0, "{}", done.stderr);
    }

    /// Jobs that have not ended.
    pub(crate) fn open(&self) -> usize {
        let done = self.ask(&["queue", "-o", "json"]);
        let answer: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
        answer["jobs"].as_array().unwrap().len()
    }

    /// Waits until not more than so many jobs are open.
    pub(crate) fn until_open(&self, most: usize) {
        let begun = Instant::now();
        while self.open() > most {
            assert!(begun.elapsed() < PATIENCE, "{}", self.ask(&["queue"]).stdout);
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Kills it as a crash would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends it in peace; programs go on.
    pub(crate) fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let ended = self.child.wait().unwrap();
        assert!(ended.success(), "{ended:?}: {:?}", self.said.iter().collect::<Vec<_>>());
    }
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        // One that has ended already is no error.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program that works for so many tenths of a second, saves when it is told to stop, and goes on from there.
pub(crate) fn worker(tenths: u32) -> String {
    format!(
        "f=\"$TRAINYARD_CHECKPOINT_DIR/done-$TRAINYARD_TASK\"; t=0; [ -f \"$f\" ] && t=$(cat \"$f\")
trap 'echo $t >\"$f\"; echo \"$f\" >&$TRAINYARD_SAVED_FD; exit 0' TERM
while [ $t -lt {tenths} ]; do sleep 0.1 & wait $!; t=$((t+1)); done"
    )
}

//! The tour of a new user, with a real server and real processes: what the README says, ten jobs of several tenants, a preemption.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::without_clock;
use crate::support::{Done, Yard};

const PATIENCE: Duration = Duration::from_mins(2);

/// Ends after a minute also where a test has failed before it said `go`.
const WAIT_FOR_GO: &str = "n=0; while [ ! -e go ] && [ $n -lt 1200 ]; do sleep 0.05; n=$((n+1)); done";

/// Saves when it is told to stop; goes on where it saved.
const SAVER: &str = "\
if [ -n \"$TRAINYARD_CHECKPOINT\" ]; then echo goes on at $TRAINYARD_CHECKPOINT; exit 0; fi
trap 'echo step-7 >&$TRAINYARD_SAVED_FD; exit 0' TERM
echo at work; n=0; while [ $n -lt 1200 ]; do sleep 0.05; n=$((n+1)); done; exit 1
";

struct Server<'a> {
    yard: &'a Yard,
    child: Child,
    shown: String,
}

impl<'a> Server<'a> {
    /// Starts a server and waits until it says that it is ready.
    fn start(yard: &'a Yard) -> Self {
        let mut command = yard.command("serve --state state --gpus 4");
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let ready = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("ready: ")));
        assert!(ready.is_some(), "the server has ended before it was ready");
        // What it says later must not fill the pipe.
        thread::spawn(move || lines.count());
        Self { yard, child, shown: String::new() }
    }

    fn run(&self, args: &str) -> Done {
        Done::of(&self.yard.command(args).env_remove("TRAINYARD_SERVER").output().unwrap())
    }

    /// Runs a command that must succeed, and shows it with what came of it.
    fn say(&mut self, args: &str) {
        let done = self.run(args);
        self.note(args, &done);
    }

    /// Submits a program with these options.
    fn submit(&mut self, options: &str, program: &[&str]) {
        let args = format!("submit {options} --");
        let mut command = self.yard.command(&args);
        let done = Done::of(&command.env_remove("TRAINYARD_SERVER").args(program).output().unwrap());
        self.note(&format!("{args} {}", program.join(" ")), &done);
    }

    fn note(&mut self, args: &str, done: &Done) {
        assert_eq!((done.code, done.stderr.as_str()), (0, ""), "{args}\n{}", done.stdout);
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        let shown = without_clock(&done.stdout).replace(&format!("  {host}"), "  this-machine\n");
        self.shown.extend(["$ trainyard ", args, "\n", &shown, "\n"]);
    }

    /// Waits until a command says what it should.
    fn until(&self, args: &str, holds: impl Fn(&str) -> bool) {
        let begun = Instant::now();
        loop {
            let done = self.run(args);
            if holds(&done.stdout) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{args} says in vain: {}{}", done.stdout, done.stderr);
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn until_state(&self, job: &str, state: &str) {
        self.until(&format!("info {job}"), |text| {
            text.lines().any(|line| line.split_whitespace().collect::<Vec<_>>() == ["state", state])
        });
    }

    /// Ends the server as a terminal does.
    fn stop(mut self) -> String {
        let told = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(told.success());
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        std::mem::take(&mut self.shown)
    }
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_tour_with_a_preemption() {
    let yard = Yard::new();
    yard.write("saver.sh", SAVER);
    yard.write("saver.yaml", "name: saver\ntenant: research/vision\ncommand: [sh, saver.sh]\ngpus: 3\n");
    let mut server = Server::start(&yard);
    gangs_fill_the_machine(&mut server);
    a_higher_class_takes_what_it_needs(&mut server);
    operators_act_and_more_tenants_come(&mut server);
    insta::assert_snapshot!(server.stop());
}

/// Two gangs run, a third job waits and is told why.
fn gangs_fill_the_machine(server: &mut Server<'_>) {
    let first = format!("echo on $CUDA_VISIBLE_DEVICES; {WAIT_FOR_GO}");
    server.submit("--gpus 2 --name first", &["sh", "-c", &first]);
    server.submit("--tasks 2 --gpus 1 --name pair --tenant product", &["sh", "-c", WAIT_FOR_GO]);
    server.until("logs first", |text| text.contains("on "));
    server.until_state("pair", "running");
    server.say("submit saver.yaml");
    server.say("queue");
    server.say("explain saver");
    server.say("logs first");
    server.yard.write("go", "");
    server.say("wait first pair");
    server.until("logs saver", |text| text.contains("at work"));
}

/// It saves, waits, and goes on where it saved.
fn a_higher_class_takes_what_it_needs(server: &mut Server<'_>) {
    let rank = "echo task $RANK of $WORLD_SIZE on $TRAINYARD_GPUS";
    server.submit("--priority 10 --tasks 4 --gpus 1 --tenant ops --name urgent", &["sh", "-c", rank]);
    server.say("wait urgent saver");
    server.say("logs --task 3 urgent");
    server.say("logs --attempt 1 saver");
    server.say("logs saver");
    let explained = server.run("explain saver").stdout;
    assert!(explained.contains("attempt 1 was preempted for job 3 at "), "{explained}");
}

/// Six more of several tenants; one is held, and put first before it is released; one fails.
fn operators_act_and_more_tenants_come(server: &mut Server<'_>) {
    server.submit("--hold --tenant ops --name held", &["true"]);
    server.say("hold --reason no-data held");
    let explained = server.run("explain held").stdout;
    assert!(explained.contains(": no-data (on-hold)"), "{explained}");
    server.say("top-priority --dry-run held");
    server.say("top-priority held");
    server.say("release held");
    for (tenant, tasks) in [("research/vision", 3), ("research/text", 1), ("product", 4), ("product", 2)] {
        server.submit(&format!("--tenant {tenant} --tasks {tasks} --gpus 1"), &["true"]);
    }
    server.submit("--tenant ops --gpus 1", &["sh", "-c", "echo no disk >&2; exit 3"]);
    server.say("wait 4 5 6 7 8");
    let failed = server.run("wait 9");
    assert_eq!((failed.code, failed.stderr.contains("job 9: failed (exit code 3)")), (1, true), "{}", failed.stderr);
    server.say("logs --stderr 9");
    server.say("queue --state all");
    server.say("cancel --tenant ops --state pending,held");
}

#[test]
fn what_happened_is_a_journal_that_can_be_played_again() {
    let yard = Yard::new();
    let mut server = Server::start(&yard);
    server.submit("--gpus 4", &["sh", "-c", WAIT_FOR_GO]);
    for gpus in [4, 3] {
        server.submit(&format!("--gpus {gpus}"), &["sleep", "0.3"]);
    }
    server.submit("--gpus 1 --name last", &["sleep", "0.1"]);
    server.say("top-priority last");
    yard.write("go", "");
    server.say("wait 0 1 2 3");
    server.stop();
    let journal = "state/journal/000001.tyj";
    let verified = yard.good(&format!("verify {journal}"));
    assert!(verified.starts_with("identical: "), "{verified}");
    let fidelity = yard.good(&format!("fidelity {journal}"));
    assert!(fidelity.contains("JCT"), "{fidelity}");
    let what_if = yard.good(&format!("what-if {journal} --policy easy"));
    assert!(what_if.contains("easy"), "{what_if}");
    // The next server knows it all.
    let server = Server::start(&yard);
    let all = server.run("queue --state all").stdout;
    assert_eq!(all.matches(" finished ").count(), 4, "{all}");
    server.stop();
}

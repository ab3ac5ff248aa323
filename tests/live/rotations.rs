//! A journal in many segments, over restarts, crashes and a change of policy, is one journal to all who read it.

use serde_json::Value;

use crate::server::{Server, worker};
use crate::support::Yard;

const CONFIG: &str = "policy = \"priority\"\nsegment_bytes_max = 1500\n[[nodes]]\nname = \"n\"\ngpus = 4\n";

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Numbers, which differ from run to run, as `N`; those of exit codes stay.
pub(crate) fn without_numbers(text: &str) -> String {
    let mut shown = String::new();
    for line in text.split_inclusive('\n') {
        if line.starts_with("exit code ") || line.contains(" ended with ") {
            shown.push_str(line);
            continue;
        }
        for symbol in line.chars() {
            let symbol = if symbol.is_ascii_digit() { 'N' } else { symbol };
            if symbol != 'N' || !(shown.ends_with('N') || shown.ends_with("N,")) {
                shown.push(symbol);
            }
        }
    }
    shown
}

/// Twenty jobs on four GPUs, under three servers: the first is killed, the last has another policy.
fn lived() -> (Yard, u64) {
    let yard = Yard::new();
    yard.write("trainyard.toml", CONFIG);
    let server = Server::start(&yard, "--config trainyard.toml");
    for job in 0..8 {
        server.submit(&format!("--gpus {} --tenant t{} --priority 0", 1 + job % 3, job % 2), &worker(4 + job));
    }
    server.submit("--gpus 4 --priority 9", &worker(3));
    server.until_open(6);
    server.kill();
    let server = Server::start(&yard, "--config trainyard.toml");
    for job in 0..5 {
        server.submit("--gpus 2 --tenant t2", &worker(2 + job));
    }
    server.submit("--gpus 1", "exit 3");
    server.until_open(3);
    server.stop();
    let server = Server::start(&yard, "--config trainyard.toml --policy fifo");
    for job in 0..5 {
        server.submit("--gpus 2 --tenant t2", &worker(2 + job));
    }
    server.until_open(0);
    server.stop();
    (yard, 20)
}

#[test]
fn a_journal_in_many_segments_is_one_journal() {
    let (yard, jobs) = lived();
    let segments = std::fs::read_dir(yard.path("state/journal")).unwrap().count();
    assert!(segments >= 5, "{segments}");
    let all = json(&yard.good("verify state --format json"));
    assert_eq!((&all["result"], all["segments"].as_u64()), (&Value::from("identical"), Some(segments as u64)));
    let found = json(&yard.good("fidelity state --format json"));
    assert_eq!((found["jobs"].as_u64(), found["ended_jobs"].as_u64()), (Some(jobs), Some(jobs)), "{found}");
    assert_eq!((&found["policy"], found["outcome_differs_jobs"].as_u64()), (&"priority, then fifo".into(), Some(0)));
    assert!(found["jct_error_mean_share"].as_f64().unwrap() < 0.05, "{found}");
    let answer = json(&yard.good("what-if state --policy srtf --format json"));
    assert_eq!(answer["policies"][0]["jobs"].as_u64(), Some(jobs));
    assert_eq!(answer["fidelity"]["jct_error_mean_share"], found["jct_error_mean_share"]);
    let again = yard.good("trace convert state again.csv") + &yard.text("again.csv");
    assert!(again.lines().count() as u64 > jobs, "{again}");
    parts(&yard, segments);
}

/// Each segment by itself, the folder without its first segment, and the folder with a gap or damage.
fn parts(yard: &Yard, segments: usize) {
    let mut records = Vec::new();
    for number in 1..=segments {
        let part = json(&yard.good(&format!("verify state/journal/{number:06}.tyj --format json")));
        assert_eq!((&part["result"], part["first_segment"].as_u64()), (&"identical".into(), Some(number as u64)));
        records.push(part["records"].as_u64().unwrap());
    }
    let all = json(&yard.good("verify state/journal --format json"));
    assert_eq!(all["records"].as_u64(), Some(records.iter().sum()));
    // One between others, with so many records that some come before the damage, however fast the machine is.
    let middle = (2..segments).max_by_key(|number| records[number - 1]).unwrap();
    assert!(records[middle - 1] > 5, "{records:?}");
    let mut shown = yard.good("verify state");
    let mut say = |args: &str| shown += &["$ trainyard ", args, "\n", &yard.run(args).shown(), "\n"].concat();
    let path = |number: usize| yard.path(&format!("state/journal/{number:06}.tyj"));
    let away = yard.path("away.tyj");
    std::fs::rename(path(1), &away).unwrap();
    say("verify state");
    say("fidelity state");
    say("what-if state/journal --policy fifo");
    say("trace info state");
    std::fs::rename(&away, path(1)).unwrap();
    std::fs::rename(path(3), &away).unwrap();
    say("verify state");
    say("fidelity state --allow-cut");
    std::fs::rename(&away, path(3)).unwrap();
    let sound = std::fs::read(path(middle)).unwrap();
    std::fs::write(path(middle), &sound[..sound.len() - 2]).unwrap();
    say("verify state");
    say("fidelity state --allow-cut");
    let mut damaged = sound.clone();
    damaged[sound.len() - 2] ^= 1;
    std::fs::write(path(middle), damaged).unwrap();
    say("verify state");
    std::fs::write(path(middle), sound).unwrap();
    std::fs::remove_dir_all(yard.path("state/snapshot")).unwrap();
    say("verify state/journal/000003.tyj");
    yard.good("verify state");
    insta::assert_snapshot!(without_numbers(&shown));
}

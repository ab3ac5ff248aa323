//! How well the simulator tells what a live server did. Takes two minutes, so it is run by hand:
//! `cargo test --test live fidelity -- --ignored --nocapture`.

use std::thread;
use std::time::Duration;

use crate::server::{Server, worker};
use crate::support::Yard;

const JOBS: u32 = 64;
const CONFIG: &str = "[[nodes]]\nname = \"a\"\ngpus = 4\n[[nodes]]\nname = \"b\"\ngpus = 4\n";

/// A small deterministic source of chance.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Jobs of 2 to 20 s, gangs of 1 to 4 GPUs, three tenants, two priorities: runs are stopped, save, and go on later.
fn a_day(yard: &Yard, policy: &str) {
    let server = Server::start(yard, &format!("--config trainyard.toml --policy {policy}"));
    let mut chance = Chance(0x9E37_79B9_7F4A_7C15);
    for _ in 0..JOBS {
        let gang = ["--gpus 1", "--gpus 1", "--gpus 2", "--tasks 2 --gpus 1", "--gpus 4", "--tasks 2 --gpus 2"];
        let (gang, tenant) = (gang[chance.below(6) as usize], chance.below(3));
        let priority = u32::from(chance.below(4) == 0);
        let tenths = 20 + chance.below(180) * chance.below(180) / 180;
        server.submit(&format!("{gang} --tenant org/t{tenant} --priority {priority}"), &worker(tenths as u32));
        thread::sleep(Duration::from_millis(chance.below(2600)));
    }
    server.until_open(0);
    server.stop();
}

#[test]
#[ignore = "two minutes of real time a policy"]
fn fidelity_of_sixty_live_jobs() {
    for policy in ["priority", "fair-share"] {
        let yard = Yard::new();
        yard.write("trainyard.toml", CONFIG);
        a_day(&yard, policy);
        println!("{}", yard.good("verify state"));
        println!("{}", yard.good("fidelity state"));
        println!("{}", yard.good("what-if state --policy fifo --policy srtf"));
        let found: serde_json::Value = serde_json::from_str(&yard.good("fidelity state --format json")).unwrap();
        let share = |key: &str| found[key].as_f64().unwrap();
        assert_eq!(found["finished_jobs"].as_u64(), Some(u64::from(JOBS)));
        assert!(share("jct_error_mean_share") <= 0.05 && share("jct_error_worst_share") <= 0.1, "{found}");
        let stops = found["stop_overhead_runs"].as_u64().unwrap();
        assert!(policy != "priority" || stops >= 3, "{found}");
    }
}

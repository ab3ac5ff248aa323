//! A measurement, not a test: `cargo test -p executor --test local throughput -- --ignored --nocapture`.

use std::time::Instant;

use executor::job_file::JobFile;
use executor::launcher::{End, Launcher, Seen};

use super::harness::{Yard, gang};

const RUNS: u32 = 1000;

#[test]
#[ignore = "prints a measurement"]
fn short_runs_a_second() {
    for window in [1, 8, 32] {
        let mut yard = Yard::new();
        let began = Instant::now();
        let runs = RUNS.min(100 * window);
        for job in 0..runs {
            let gang = gang(job, JobFile::plain(vec!["true".to_owned()]));
            yard.local().launch(gang);
            if job >= window {
                wait(&mut yard, job - window);
            }
        }
        for job in runs.saturating_sub(window)..runs {
            wait(&mut yard, job);
        }
        let secs = began.elapsed().as_secs_f64();
        eprintln!("{window} at once: {:.0} runs a second", f64::from(runs) / secs);
    }
}

fn wait(yard: &mut Yard, job: u32) {
    let run = engine::RunId { job: engine::JobId(job), attempt: 1 };
    let (seen, end) = yard.wait(run);
    assert_eq!((seen, end), (vec![Seen::Started], End::Exited(0)));
}

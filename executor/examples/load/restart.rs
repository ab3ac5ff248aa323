//! From the start of a process until it is ready, with many jobs in the store.

use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::figures;
use crate::queue::fill;
use crate::server::Server;

pub(crate) fn measure(folder: &Path) {
    for jobs in [10_000, 100_000] {
        let state = folder.join(jobs.to_string());
        let server = Server::start(&state, 8);
        fill(&server, jobs);
        server.kill();
        for round in 0..3 {
            let server = Server::start(&state, 8);
            println!("  {jobs} jobs, start {round}: ready after {:.2} s", server.ready.as_secs_f64());
            figures::memory(server.pid());
            if round == 2 {
                // The program that holds the GPUs ends, too.
                let _ = server.client().call("POST", "/v1/jobs/0/cancel", "");
                thread::sleep(Duration::from_secs(1));
            }
            server.kill();
        }
    }
}

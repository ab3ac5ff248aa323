//! Short programs, each under its shim, each recorded and synced: how many a second come and go.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::client::job;
use crate::figures;
use crate::server::Server;

const PROGRAMS: u32 = 2_000;
const GPUS: [u32; 3] = [8, 32, 64];

pub(crate) fn measure(folder: &Path) {
    for gpus in GPUS {
        let server = Server::start(&folder.join(gpus.to_string()), gpus);
        let mut client = server.client();
        let begun = Instant::now();
        (0..PROGRAMS).for_each(|number| client.submit(&job(number, 1, "true")));
        let submitted = begun.elapsed().as_secs_f64();
        while client.open("?limit=1") > 0 {
            thread::sleep(Duration::from_millis(20));
        }
        let secs = begun.elapsed().as_secs_f64();
        let rate = f64::from(PROGRAMS) / secs;
        println!(
            "  {gpus} GPUs: {PROGRAMS} programs in {secs:.1} s, {rate:.0} a second (submitted in {submitted:.1} s)"
        );
        figures::memory(server.pid());
        server.kill();
    }
}

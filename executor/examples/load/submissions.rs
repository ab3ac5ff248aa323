//! Submissions at an even rate for a minute, each synced before it is acknowledged.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::client::job;
use crate::figures;
use crate::server::Server;

const RATES: [u32; 2] = [500, 1000];
const LONG: Duration = Duration::from_mins(1);
/// Connections. Each asks once its last question is answered, so they must be enough for the rate.
const CLIENTS: u32 = 32;

pub(crate) fn measure(folder: &Path) {
    for rate in RATES {
        let server = Server::start(&folder.join(rate.to_string()), 1);
        server.client().submit(&job(0, 1, "sleep 600"));
        let begun = Instant::now();
        let times = at_rate(&server, rate);
        let (sent, secs) = (times.len(), begun.elapsed().as_secs_f64());
        println!("  {rate} a second asked for, {:.0} a second answered for {secs:.1} s", sent as f64 / secs);
        figures::spread("from when it was due until acknowledged", times);
        figures::memory(server.pid());
        let _ = server.client().call("POST", "/v1/jobs/0/cancel", "");
        thread::sleep(Duration::from_millis(500));
        server.kill();
    }
}

/// Every client has its own instants, evenly between those of the others. A late one is late: waits are counted from when
/// the question was due.
fn at_rate(server: &Server, rate: u32) -> Vec<Duration> {
    let begin = Instant::now() + Duration::from_millis(100);
    let questions = rate * LONG.as_secs() as u32;
    let clients = (0..CLIENTS).map(|at| {
        let mut client = server.client();
        thread::spawn(move || {
            let mine = (at..questions).step_by(CLIENTS as usize);
            let ask = |number: u32| {
                let due = begin + Duration::from_secs(1) * number / rate;
                thread::sleep(due.saturating_duration_since(Instant::now()));
                client.submit(&job(number, 1, "sleep 600"));
                due.elapsed()
            };
            mine.map(ask).collect::<Vec<_>>()
        })
    });
    let clients: Vec<_> = clients.collect();
    clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
}

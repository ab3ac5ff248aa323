//! A queue of 100,000 jobs: pages of it, submissions into it, and steps of the scheduler.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use engine::{Core, Event};
use executor::store::{Segment, Start, read_local};
use policies::Context;

use crate::client::job;
use crate::figures;
use crate::server::Server;

pub(crate) const JOBS: u32 = 100_000;
const CLIENTS: u32 = 64;
const LOOKS: u32 = 100;
/// Submissions into the long queue.
const SHORT: u32 = 400;
/// How long programs come and go at the head of the queue.
const FLOW: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(100);

pub(crate) fn measure(folder: &Path) {
    let state = folder.join("state");
    let server = Server::start(&state, 8);
    let begun = Instant::now();
    fill(&server, JOBS);
    let secs = begun.elapsed().as_secs_f64();
    println!("  {JOBS} jobs queued in {secs:.1} s, {:.0} a second", f64::from(JOBS) / secs);
    let pages = [
        ("a page of 1,000", "?limit=1000"),
        ("a page of 10,000", "?limit=10000"),
        ("a page in the middle", "?limit=1000&after=50000"),
        ("a tenant of a hundred", "?limit=1000&tenant=org/t7"),
        ("a tenant without jobs", "?tenant=nobody"),
        ("a name that nobody has", "?name=nobody"),
    ];
    let mut client = server.client();
    for (name, filter) in pages {
        let look = |_| {
            let begun = Instant::now();
            client.open(filter);
            begun.elapsed()
        };
        figures::spread(name, (0..LOOKS).map(look).collect());
    }
    let ask = |number| {
        let begun = Instant::now();
        client.submit(&job(number, 1, "true"));
        begun.elapsed()
    };
    figures::spread("one more submission, acknowledged", (0..SHORT).map(ask).collect());
    // The one that holds all GPUs goes, and short programs come and go at the head of the queue.
    client.call("POST", "/v1/jobs/0/cancel", "");
    let begun = Instant::now();
    let mut looks = Vec::new();
    while begun.elapsed() < FLOW {
        let asked = Instant::now();
        client.open("?limit=1000");
        looks.push(asked.elapsed());
        thread::sleep(PAUSE);
    }
    figures::spread("a page of 1,000 while programs come and go", looks);
    figures::memory(server.pid());
    server.kill();
    steps(&state);
}

/// Queues so many jobs behind one that holds all GPUs.
pub(crate) fn fill(server: &Server, jobs: u32) {
    server.client().submit(&job(0, 8, "sleep 300"));
    let clients = (0..CLIENTS).map(|at| {
        let mut client = server.client();
        thread::spawn(move || {
            for number in (at..jobs).step_by(CLIENTS as usize) {
                client.submit(&job(number, 1, "true"));
            }
        })
    });
    let clients: Vec<_> = clients.collect();
    for client in clients {
        client.join().unwrap();
    }
}

/// Every step of that server once more, timed: the very facts of its journal.
fn steps(state: &Path) {
    let recovered = read_local(state, Start::Snapshot(1)).unwrap();
    let header = &recovered.segments[0].header;
    let built = policies::build(&header.policy, Context { estimates: true, seed: header.seed }).unwrap();
    let mut core = Core::new(header.inventory.clone(), built.policy);
    let (mut growing, mut flowing, mut orders) = (Vec::new(), Vec::new(), Vec::new());
    for entry in recovered.segments.iter().flat_map(Segment::entries) {
        let (_, entry) = entry.unwrap();
        let begun = Instant::now();
        core.step(&entry.facts, &mut orders).unwrap();
        let took = begun.elapsed();
        let ends = entry.facts.iter().any(|input| matches!(input.event, Event::Ended { .. }));
        if ends { &mut flowing } else { &mut growing }.push(took);
        orders.clear();
    }
    figures::spread("a step with submissions", growing);
    figures::spread("a step with the whole queue in which a program ended and others start", flowing);
}

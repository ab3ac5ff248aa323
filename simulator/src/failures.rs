//! Broken nodes: one random stream a node, so that every policy meets the same failures.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use engine::{Event, MICROS, NodeId, Span, Time};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand_distr::{Distribution, Exp};

use crate::physics::Physics;

/// The failures and repairs of all nodes, in order of time.
#[derive(Debug)]
pub struct Failures {
    next: BinaryHeap<Reverse<(Time, NodeId)>>,
    nodes: Vec<Stream>,
    until_failure: Exp<f64>,
    until_repair: Exp<f64>,
}

#[derive(Debug)]
struct Stream {
    chance: StdRng,
    broken: bool,
}

impl Failures {
    /// `None` when nodes do not fail.
    pub fn new(nodes: usize, physics: &Physics, seed: u64) -> Option<Self> {
        let per_second = physics.failures_per_node_day / 86_400.0;
        let until_failure = Exp::new(per_second).ok().filter(|_| per_second > 0.0)?;
        let until_repair = Exp::new(1.0 / physics.repair.secs_f64().max(1e-6)).ok()?;
        let stream =
            |node: usize| Stream { chance: StdRng::seed_from_u64(stream_seed(seed, node as u64)), broken: false };
        let nodes: Vec<Stream> = (0..nodes).map(stream).collect();
        let mut failures = Self { next: BinaryHeap::new(), nodes, until_failure, until_repair };
        for node in 0..failures.nodes.len() {
            failures.schedule(NodeId::new(node), Time::ZERO);
        }
        Some(failures)
    }

    /// When the next node breaks or comes back.
    pub fn next_time(&self) -> Option<Time> {
        self.next.peek().map(|Reverse((at, _))| *at)
    }

    /// That event.
    pub fn pop(&mut self) -> Option<Event> {
        let Reverse((at, node)) = self.next.pop()?;
        let stream = &mut self.nodes[node.index()];
        stream.broken = !stream.broken;
        let event = if stream.broken { Event::NodeDown { node } } else { Event::NodeUp { node } };
        self.schedule(node, at);
        Some(event)
    }

    fn schedule(&mut self, node: NodeId, now: Time) {
        let stream = &mut self.nodes[node.index()];
        let wait = if stream.broken { &self.until_repair } else { &self.until_failure };
        let secs = wait.sample(&mut stream.chance);
        // At least a microsecond, so that a node never breaks and heals at one instant.
        let span = Span(((secs * MICROS as f64) as u64).max(1));
        self.next.push(Reverse((now + span, node)));
    }
}

fn stream_seed(seed: u64, node: u64) -> u64 {
    let mut z = seed ^ node.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z ^ z >> 27
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_what_was_asked_for_and_streams_do_not_depend_on_each_other() {
        let physics = Physics::parse(&["failures_per_node_day=0.1", "repair_s=60"]).unwrap();
        let downs = |nodes: usize| {
            let mut failures = Failures::new(nodes, &physics, 7).unwrap();
            let mut found = Vec::new();
            while failures.next_time().unwrap() < Time(1000 * 86_400 * MICROS) {
                let at = failures.next_time().unwrap();
                if let Some(Event::NodeDown { node }) = failures.pop() {
                    found.push((node, at));
                }
            }
            found
        };
        let many = downs(50);
        assert!((4700..5300).contains(&many.len()), "{} failures in 50,000 node-days at 0.1", many.len());
        let first =
            |found: &[(NodeId, Time)]| found.iter().filter(|(node, _)| node.0 == 0).copied().collect::<Vec<_>>();
        assert_eq!(first(&many), first(&downs(1)));
    }
}

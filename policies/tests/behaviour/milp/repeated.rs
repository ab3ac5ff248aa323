//! The same seed and limits give the same placements, however busy the machine is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use policies::{Context, build};

use super::world::{World, mix, shared, yard};

/// Fills a cluster of 24 nodes until 130 % of its GPUs have been asked for.
fn saturate(policy: &str, seed: u64) -> World {
    let (tasks, mut asked) = (shared(), 0);
    let mut inventory = yard(24);
    inventory.nodes.iter_mut().for_each(|node| node.gpus = 4);
    let most = inventory.gpus() * 1300;
    let policy = build(policy, Context { seed, ..Context::default() }).unwrap().policy;
    let mut world = World::new(inventory, policy, &tasks);
    while asked < most {
        let class = mix(seed << 20 | asked) % tasks.len() as u64;
        asked += tasks[class as usize].gpus.milli();
        world.submit(class as u32);
        world.at += 1;
    }
    world
}

/// Burns a core until it is dropped.
struct Load(Arc<AtomicBool>);

impl Load {
    #[allow(clippy::disallowed_methods, reason = "a load beside the policy, which has no threads")]
    fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        for _ in 0..4 {
            let stop = stop.clone();
            std::thread::spawn(move || while !stop.load(Ordering::Relaxed) {});
        }
        Self(stop)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Limits count nodes of branch and bound, not seconds: how fast the machine is does not matter.
#[test]
fn the_same_seed_gives_the_same_placements_on_a_busy_machine_too() {
    for seed in [7, 8] {
        let calm = saturate("milp[preset=openb]", seed);
        let load = Load::start();
        let busy = saturate("milp[preset=openb]", seed);
        drop(load);
        assert_eq!(calm.launches, busy.launches);
        assert_eq!(calm.core.state().totals().solves, busy.core.state().totals().solves);
        assert!(calm.moves() > 0 && calm.core.state().totals().solves.failed == 0);
        assert_ne!(calm.launches, saturate("milp[preset=openb]", seed + 10).launches, "another order of arrival");
    }
}

//! Placers written a second time, as plainly as can be: every node is looked at, every time.

use engine::{GpuRequest, Inventory, Level, NodeId, Shape, TaskRequest, UNLIMITED};
use policies::Placer;

/// What is free on a node.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) up: bool,
    /// Free thousandths of each GPU.
    pub(crate) gpus: Vec<u16>,
    pub(crate) cpu_milli: u32,
    pub(crate) memory_mib: u32,
    model: engine::ModelId,
    rack: Option<engine::DomainId>,
}

impl Node {
    fn whole(&self) -> u32 {
        self.gpus.iter().filter(|free| **free == 1000).count() as u32
    }

    /// The GPU held in part that has the least room for `milli`.
    fn shared(&self, milli: u16) -> Option<(u16, usize)> {
        let held = self.gpus.iter().enumerate().filter(|(_, free)| **free < 1000 && **free >= milli);
        held.map(|(at, free)| (*free, at)).min()
    }

    pub(crate) fn fits(&self, request: &TaskRequest) -> bool {
        let beside = request.cpu_milli <= self.cpu_milli && request.memory_mib <= self.memory_mib;
        let gpus = match request.gpus {
            GpuRequest::Whole(0) => true,
            GpuRequest::Whole(gpus) => request.models.contains(self.model) && self.whole() >= gpus,
            GpuRequest::Milli(milli) => {
                request.models.contains(self.model) && self.gpus.iter().any(|free| *free >= milli)
            }
        };
        self.up && beside && gpus
    }

    pub(crate) fn take(&mut self, request: &TaskRequest) {
        if self.cpu_milli != UNLIMITED {
            self.cpu_milli -= request.cpu_milli;
        }
        if self.memory_mib != UNLIMITED {
            self.memory_mib -= request.memory_mib;
        }
        match request.gpus {
            GpuRequest::Whole(gpus) => {
                self.gpus.iter_mut().filter(|free| **free == 1000).take(gpus as usize).for_each(|free| *free = 0);
            }
            GpuRequest::Milli(milli) => {
                let fresh = || self.gpus.iter().position(|free| *free == 1000);
                let at = self.shared(milli).map(|(_, at)| at).or_else(fresh).unwrap();
                self.gpus[at] -= milli;
            }
        }
    }
}

/// All nodes.
pub(crate) type Nodes = Vec<Node>;

pub(crate) fn nodes(inventory: &Inventory) -> Nodes {
    let node = |spec: &engine::NodeSpec| Node {
        up: true,
        gpus: vec![1000; spec.gpus as usize],
        cpu_milli: spec.cpu_milli,
        memory_mib: spec.memory_mib,
        model: spec.model,
        rack: spec.domains.at(Level::Rack),
    };
    inventory.nodes.iter().map(node).collect()
}

/// The node that a placer gives one task, of which `left` are still to be placed; `used` already have one.
fn pick(placer: Placer, nodes: &Nodes, request: &TaskRequest, left: u32, used: &[usize]) -> Option<usize> {
    let fitting: Vec<usize> = (0..nodes.len()).filter(|at| nodes[*at].fits(request)).collect();
    let best = |from: &[usize]| from.iter().copied().min_by_key(|at| (nodes[*at].whole(), *at));
    let worst = |from: &[usize]| from.iter().copied().min_by_key(|at| (std::cmp::Reverse(nodes[*at].whole()), *at));
    let tightest = || match request.gpus {
        GpuRequest::Milli(milli) => {
            let shared = fitting.iter().filter_map(|at| nodes[*at].shared(milli).map(|(room, _)| (room, *at)));
            shared.min().map(|(_, at)| at).or_else(|| best(&fitting))
        }
        GpuRequest::Whole(_) => best(&fitting),
    };
    match placer {
        Placer::BestFit => tightest(),
        Placer::WorstFit => worst(&fitting),
        Placer::FirstFit => fitting.first().copied(),
        Placer::Spread => {
            let unused: Vec<usize> = fitting.iter().copied().filter(|at| !used.contains(at)).collect();
            worst(&unused).or_else(|| worst(&fitting))
        }
        Placer::Pack => match request.gpus {
            _ if used.last().is_some_and(|last| fitting.contains(last)) => used.last().copied(),
            GpuRequest::Whole(gpus) if left > 1 => {
                let all = TaskRequest {
                    gpus: GpuRequest::Whole(gpus * left),
                    cpu_milli: request.cpu_milli * left,
                    memory_mib: request.memory_mib * left,
                    ..*request
                };
                let holds_all: Vec<usize> = fitting.iter().copied().filter(|at| nodes[*at].fits(&all)).collect();
                best(&holds_all).or_else(|| worst(&fitting))
            }
            _ => tightest(),
        },
        Placer::Consolidate
        | Placer::Skew(_)
        | Placer::Variable(_)
        | Placer::Scored(_)
        | Placer::Milp(_)
        | Placer::Random { .. } => {
            unreachable!("it is not a rule for one task")
        }
    }
}

/// The nodes of each task of a gang of one group, in order; `None` when it does not fit.
pub(crate) fn place(placer: Placer, nodes: &Nodes, shape: &Shape) -> Option<Vec<NodeId>> {
    let group = &shape.groups[0];
    let mut nodes = nodes.clone();
    let mut used = Vec::new();
    for placed in 0..group.tasks_min {
        let at = pick(placer, &nodes, &group.request, group.tasks_min - placed, &used)?;
        nodes[at].take(&group.request);
        used.push(at);
    }
    Some(used.into_iter().map(NodeId::new).collect())
}

/// Fewest nodes, then fewest racks, of all ways to place `tasks` equal tasks of whole GPUs.
pub(crate) fn fewest(nodes: &Nodes, shape: &Shape) -> Option<(usize, usize)> {
    let (tasks, request) = (shape.groups[0].tasks_min, shape.groups[0].request);
    let room: Vec<u32> = nodes.iter().map(|node| room(node, &request)).collect();
    let mut best = None;
    for chosen in 0u32..1 << nodes.len() {
        let of = || (0..nodes.len()).filter(|at| chosen >> at & 1 == 1);
        if of().map(|at| room[at]).sum::<u32>() >= tasks {
            let mut racks: Vec<_> = of().map(|at| nodes[at].rack).collect();
            racks.sort_unstable();
            racks.dedup();
            let found = (of().count(), racks.len());
            best = Some(best.map_or(found, |best: (usize, usize)| best.min(found)));
        }
    }
    best
}

/// How many tasks fit on one node.
pub(crate) fn room(node: &Node, request: &TaskRequest) -> u32 {
    let (mut node, mut tasks) = (node.clone(), 0);
    while tasks < 64 && node.fits(request) {
        node.take(request);
        tasks += 1;
    }
    tasks
}

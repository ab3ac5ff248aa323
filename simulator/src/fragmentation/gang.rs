//! The largest gang of whole GPUs that one node could take now.

use engine::{Cluster, GpuRequest, Inventory, NodeId, NodeState, TaskRequest};

/// Follows, for each node that is up, the most whole GPUs that one task could get there.
///
/// A task of g GPUs needs the CPU that the trace's most modest task of at least g GPUs asks for; where the trace has none
/// so large, that of its largest. Models and memory are left aside.
#[derive(Debug)]
pub(crate) struct LargestGang {
    /// CPU that g GPUs need at least, by g; rising.
    cpu_milli: Vec<u32>,
    version: Option<u64>,
    /// By node.
    of_node: Vec<u32>,
    /// Nodes by their gang.
    nodes: Vec<u32>,
    top: usize,
}

impl LargestGang {
    /// Nothing seen yet. `tasks` are those of the trace.
    pub(crate) fn new(tasks: &[(TaskRequest, u64)], inventory: &Inventory) -> Self {
        let most = inventory.nodes.iter().map(|node| node.gpus as usize).max().unwrap_or(0);
        let mut least: Vec<Option<u32>> = vec![None; most + 1];
        for (request, _) in tasks {
            if let GpuRequest::Whole(gpus @ 1..) = request.gpus
                && let Some(cpu) = least.get_mut(gpus as usize)
            {
                *cpu = Some(cpu.map_or(request.cpu_milli, |known| known.min(request.cpu_milli)));
            }
        }
        let mut cpu_milli = vec![0; most + 1];
        let mut above = None;
        for gpus in (1..=most).rev() {
            above = least[gpus].into_iter().chain(above).min();
            // What no task is large enough for is filled in below.
            cpu_milli[gpus] = above.unwrap_or(u32::MAX);
        }
        for gpus in 1..=most {
            if cpu_milli[gpus] == u32::MAX {
                cpu_milli[gpus] = cpu_milli[gpus - 1];
            }
        }
        let mut nodes = vec![0; most + 1];
        nodes[0] = inventory.nodes.len() as u32;
        Self { cpu_milli, version: None, of_node: vec![0; inventory.nodes.len()], nodes, top: 0 }
    }

    /// Catches up with the cluster.
    pub(crate) fn follow(&mut self, cluster: &Cluster) {
        if self.version == Some(cluster.version()) {
            return;
        }
        match self.version.and_then(|version| cluster.touched_since(version)) {
            Some(touched) => touched.for_each(|node| self.look(cluster, node)),
            None => (0..cluster.len()).for_each(|at| self.look(cluster, NodeId::new(at))),
        }
        self.version = Some(cluster.version());
    }

    /// As last seen.
    pub(crate) fn gpus(&self) -> u32 {
        self.top as u32
    }

    fn look(&mut self, cluster: &Cluster, node: NodeId) {
        let up = cluster.state(node) == NodeState::Up;
        let gang = if up { self.gang(cluster.free_gpus(node), cluster.free_cpu_milli(node)) } else { 0 };
        let before = std::mem::replace(&mut self.of_node[node.index()], gang);
        if before == gang {
            return;
        }
        self.nodes[before as usize] -= 1;
        self.nodes[gang as usize] += 1;
        self.top = self.top.max(gang as usize);
        while self.nodes[self.top] == 0 {
            self.top -= 1;
        }
    }

    fn gang(&self, free: u32, cpu_milli: u32) -> u32 {
        let enough = self.cpu_milli.partition_point(|need| *need <= cpu_milli) as u32 - 1;
        free.min(enough)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gang_needs_the_cpu_of_the_most_modest_task_as_large() {
        let task = |gpus, cpu_milli| (TaskRequest { cpu_milli, ..TaskRequest::whole_gpus(gpus) }, 1);
        let largest =
            LargestGang::new(&[task(1, 4000), task(4, 2000), task(4, 9000)], &Inventory::uniform(1, 8, "GPU"));
        let gangs = [(8, 0), (8, 1999), (8, 2000), (3, 9000), (0, 9000)];
        assert_eq!(gangs.map(|(free, cpu)| largest.gang(free, cpu)), [0, 0, 8, 3, 0]);
        let of_nothing = LargestGang::new(&[], &Inventory::uniform(1, 8, "GPU"));
        assert_eq!(of_nothing.gang(5, 0), 5, "nothing is known of the CPU that gangs need");
    }
}

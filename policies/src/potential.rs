//! What nodes would have free if certain runs were gone: counted beside the draft, which stays as it is.

use engine::{Draft, JobId, NodeId, TaskGroup};

/// GPUs that nodes would have free. Its memory is reused from search to search.
#[derive(Debug, Default)]
pub(crate) struct Potential {
    /// Free GPUs by node, valid where the first number is the current stamp; elsewhere what is free now.
    gpus: Vec<(u32, u32)>,
    stamp: u32,
}

impl Potential {
    /// Nothing is gone yet, on a cluster of `nodes`.
    pub(crate) fn clear(&mut self, nodes: usize) {
        self.gpus.resize(nodes, (0, 0));
        self.stamp = self.stamp.wrapping_add(1);
        if self.stamp == 0 {
            self.gpus.fill((0, 0));
            self.stamp = 1;
        }
    }

    /// GPUs that `node` would have.
    pub(crate) fn of(&self, draft: &Draft<'_>, node: NodeId) -> u32 {
        match self.gpus[node.index()] {
            (stamp, gpus) if stamp == self.stamp => gpus,
            _ => draft.cluster().free_gpus(node),
        }
    }

    /// `job` is gone too. Returns how many more tasks of `group` its nodes could hold by GPUs.
    ///
    /// A GPU held in part counts as if it became free as a whole: this is an upper bound.
    pub(crate) fn release(&mut self, draft: &Draft<'_>, job: JobId, group: &TaskGroup) -> u64 {
        let size = group.request.gpus.count().max(1);
        let cluster = draft.cluster();
        let one_model = cluster.inventory().models.len() == 1;
        let mut more = 0;
        for slice in draft.placement(job) {
            let before = self.of(draft, slice.node);
            let after = before + slice.gpus();
            self.gpus[slice.node.index()] = (self.stamp, after);
            if one_model || group.request.models.contains(cluster.spec(slice.node).model) {
                more += u64::from(after / size - before / size);
            }
        }
        more
    }
}

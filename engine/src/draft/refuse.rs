//! Why jobs do not start: what a policy says of a job, a class, a queue, a tenant, or all.

use super::Draft;
use crate::ids::{ClassId, JobId, QueueId, TenantId};
use crate::reason::Reason;

impl Draft<'_> {
    /// Records why the jobs of a class cannot be placed now.
    pub fn refuse_class(&mut self, class: ClassId, reason: Reason) {
        self.state.class_reasons[class.index()] = Some(reason);
    }

    /// Records why one job does not run now, where that is not the reason of its class.
    pub fn refuse(&mut self, job: JobId, reason: Reason) {
        self.state.job_reasons.insert(job, reason);
    }

    /// Records why all jobs without a reason of their own were not tried.
    pub fn refuse_rest(&mut self, reason: Reason) {
        self.state.queue_reason = Some(reason);
    }

    /// Records why the jobs of one queue without a reason of their own were not tried.
    pub fn refuse_queue(&mut self, queue: QueueId, reason: Reason) {
        self.state.reasons_by_queue.insert(queue, reason);
    }

    /// Records why the jobs of a tenant and of all below it, without a reason of their own, were not tried.
    pub fn refuse_tenant(&mut self, tenant: TenantId, reason: Reason) {
        self.state.reasons_by_tenant.insert(tenant, reason);
    }

    /// Why `class` cannot be placed now, as far as counts tell.
    pub fn shortage(&self, class: ClassId) -> Reason {
        let (need, free) = (self.state.class(class).gpu_milli_min, self.state.cluster.free_gpu_milli());
        if need > free { Reason::TooFewGpus { need, free } } else { Reason::NoPlacement { free } }
    }
}

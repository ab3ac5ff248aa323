//! A core with one tenant tree and one class a GPU count, to ask placers and policies about.

use engine::{
    ClassId, Command, Core, Draft, Event, Exit, GpuModel, Input, Inventory, JobId, JobSpec, MICROS, ModelId, Needs,
    NodeId, Policy, Rate, RunId, Shape, Slice, TenantId, Time, UNLIMITED,
};

/// A policy that is a function of the draft.
struct Asked<F>(F);

impl<F: FnMut(&mut Draft<'_>) + Send> Policy for Asked<F> {
    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn decide(&mut self, _now: Time, draft: &mut Draft<'_>) {
        (self.0)(draft);
    }
}

/// A policy that is `decide`.
pub(crate) fn asked(decide: impl FnMut(&mut Draft<'_>) + Send + 'static) -> Box<dyn Policy> {
    Box::new(Asked(decide))
}

/// A core to which facts are told, second by second.
pub(crate) struct Bench {
    pub(crate) core: Core,
    jobs: u32,
}

impl Bench {
    /// Declares tenants (name, parent, weight in thousandths) and classes.
    pub(crate) fn new(
        inventory: Inventory,
        policy: Box<dyn Policy>,
        tenants: &[(&str, Option<u32>, u32)],
        shapes: &[Shape],
    ) -> Self {
        let mut bench = Self { core: Core::new(inventory, policy), jobs: 0 };
        for (at, (name, parent, weight_milli)) in tenants.iter().enumerate() {
            let tenant = TenantId::new(at);
            let parent = parent.map(TenantId);
            bench.at(
                0,
                [Event::TenantDeclared { tenant, name: (*name).to_owned(), parent, weight_milli: *weight_milli }],
            );
        }
        for (at, shape) in shapes.iter().enumerate() {
            bench.at(0, [Event::ClassDeclared { class: ClassId::new(at), shape: shape.clone() }]);
        }
        bench
    }

    /// The submission of the next job.
    pub(crate) fn submission(&mut self, class: u32, tenant: u32) -> Event {
        self.jobs += 1;
        let spec = Box::new(JobSpec::plain(ClassId(class), TenantId(tenant)));
        Event::Submitted { job: JobId(self.jobs - 1), spec, truth: None }
    }

    /// Takes the facts of a second. Launched runs start at once. Returns the jobs that were launched, in order.
    pub(crate) fn at<const N: usize>(&mut self, secs: u64, events: [Event; N]) -> Vec<u32> {
        let at = Time(secs * MICROS);
        let (mut orders, mut launched) = (Vec::new(), Vec::new());
        let mut batch: Vec<Input> = events.into_iter().map(|event| Input { at, event }).collect();
        while !batch.is_empty() {
            self.core.step(&batch, &mut orders).unwrap();
            self.core.check().unwrap();
            batch.clear();
            for order in orders.drain(..) {
                if let Command::Launch { run, .. } = order {
                    launched.push(run.job.0);
                    batch.push(Input { at, event: Event::Started { run, rate: Rate::FULL } });
                }
            }
        }
        launched
    }

    /// The end of the first run of a job.
    pub(crate) fn end(job: u32) -> Event {
        Event::Ended { run: RunId { job: JobId(job), attempt: 1 }, exit: Exit::Completed, saved: None }
    }
}

/// The slices of an open placement as (node, GPUs).
pub(crate) fn nodes(slices: &[Slice]) -> Vec<(NodeId, u32)> {
    slices.iter().map(|slice| (slice.node, slice.gpus())).collect()
}

/// Nodes of (GPUs, model, whether CPU and memory are limited), with two models; a limit is this much CPU and memory.
pub(crate) fn two_models(nodes: &[(u32, u8, bool)], limit: u32) -> Inventory {
    let mut inventory = Inventory::uniform(nodes.len(), 0, "M0");
    inventory.models.push(GpuModel { name: "M1".to_owned(), memory_mib: 0, price_per_hour: None });
    for (at, (gpus, model, limited)) in nodes.iter().enumerate() {
        let node = &mut inventory.nodes[at];
        (node.gpus, node.model) = (*gpus, ModelId(if *gpus == 0 { 0 } else { *model }));
        (node.cpu_milli, node.memory_mib) = if *limited { (limit, limit) } else { (UNLIMITED, UNLIMITED) };
    }
    inventory
}

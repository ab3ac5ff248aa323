//! What a cluster can give: parts of GPUs, CPU and memory, nodes with more than 64 GPUs, models, places.

use engine::{
    ClassId, DomainId, Domains, Draft, GpuModel, GpuRequest, Inventory, JobId, JobSpec, Level, ModelId, ModelSet,
    NodeId, Reason, Shape, Slice, Span, TaskRequest, UNLIMITED,
};

use crate::bench::{Bench, completed, failed, start, started, stopped};

const NONE: TaskRequest = TaskRequest::whole_gpus(0);

fn part(milli: u16) -> TaskRequest {
    TaskRequest { gpus: GpuRequest::Milli(milli), ..NONE }
}

fn job_of(bench: &mut Bench, shape: Shape) -> JobSpec {
    let class = bench.class(shape);
    JobSpec { class, ..Bench::plain(0) }
}

fn single(bench: &mut Bench, request: TaskRequest) -> JobSpec {
    job_of(bench, Shape::uniform(1, request))
}

#[test]
fn parts_share_a_gpu_and_the_tightest_one_is_taken_first() {
    let mut bench = Bench::nodes(1);
    let (quarter, most) = (single(&mut bench, part(250)), single(&mut bench, part(700)));
    assert_eq!(bench.submit(0, quarter.clone()), ["launch j0/1 on n0:0*0.250"]);
    assert_eq!(bench.submit(0, most.clone()), ["launch j1/1 on n0:0*0.700"]);
    assert_eq!(bench.submit(0, quarter.clone()), ["launch j2/1 on n0:1*0.250"], "0.05 is left of the first");
    assert_eq!(bench.submit(0, most), ["launch j3/1 on n0:1*0.700"]);
    bench.at(1, [completed(1, 1)]);
    let little = single(&mut bench, part(30));
    assert_eq!(bench.submit(2, little), ["launch j4/1 on n0:1*0.030"], "0.05 before 0.75");
    assert_eq!(bench.submit(2, quarter), ["launch j5/1 on n0:0*0.250"]);
}

#[test]
fn a_shared_gpu_is_no_whole_gpu_until_all_parts_are_back() {
    let mut bench = Bench::nodes(1);
    let half = single(&mut bench, part(500));
    bench.submit(0, half.clone());
    bench.submit(0, half);
    assert!(bench.submit(0, Bench::plain(8)).is_empty());
    assert_eq!(bench.core().state().cluster().free_gpus(NodeId(0)), 7);
    bench.at(1, [completed(0, 1)]);
    assert_eq!(bench.core().state().cluster().free_milli_of(NodeId(0), 0), 500);
    assert_eq!(bench.at(2, [completed(1, 1)]), ["close j1 finished", "launch j2/1 on n0:0-7"]);
}

#[test]
fn cpu_and_memory_run_out_before_gpus() {
    let mut inventory = Inventory::uniform(2, 8, "A100");
    (inventory.nodes[0].cpu_milli, inventory.nodes[0].memory_mib) = (16_000, 4096);
    let mut bench = Bench::new(inventory);
    let cpu = single(&mut bench, TaskRequest { cpu_milli: 10_000, ..TaskRequest::whole_gpus(1) });
    let memory = single(&mut bench, TaskRequest { memory_mib: 4096, ..TaskRequest::whole_gpus(1) });
    assert_eq!(bench.submit(0, cpu.clone()), ["launch j0/1 on n0:0"]);
    assert_eq!(bench.submit(0, cpu), ["launch j1/1 on n1:0"], "6 cores are left on n0");
    assert_eq!(bench.submit(0, memory.clone()), ["launch j2/1 on n0:1"]);
    assert_eq!(bench.submit(0, memory), ["launch j3/1 on n1:1"]);
    let cluster = bench.core().state().cluster();
    assert_eq!((cluster.free_cpu_milli(NodeId(0)), cluster.free_memory_mib(NodeId(0))), (6000, 0));
    assert_eq!(cluster.free_cpu_milli(NodeId(1)), UNLIMITED);
    let huge = single(&mut bench, TaskRequest { cpu_milli: UNLIMITED, ..NONE });
    bench.at(1, [failed(0, 1, 1), failed(2, 1, 1)]);
    assert_eq!(bench.submit(2, huge).len(), 1, "unlimited is never used up");
}

#[test]
fn a_claim_waits_for_cpu_that_only_a_draining_run_can_give() {
    let mut inventory = Inventory::uniform(1, 8, "A100");
    inventory.nodes[0].cpu_milli = 16_000;
    let mut bench = Bench::new(inventory);
    let spec = single(&mut bench, TaskRequest { cpu_milli: 12_000, ..TaskRequest::whole_gpus(1) });
    bench.submit(0, JobSpec { grace: Span::secs(60), ..spec.clone() });
    bench.at(0, [started(0, 1)]);
    let second = bench.submission(spec);
    let slice = Slice { node: NodeId(0), bank: 0, milli: 1000, mask: 0b1000, cpu_milli: 12_000, memory_mib: 0 };
    let orders = bench.at_with(5, [second], move |draft| {
        assert_eq!(draft.start_at(JobId(1), &[slice]), Err(Reason::NotFree { node: NodeId(0) }));
        draft.preempt(JobId(0)).unwrap();
        draft.start_at(JobId(1), &[slice]).unwrap();
    });
    assert_eq!(orders.len(), 2, "another GPU, but the same cores: {orders:?}");
    assert_eq!(bench.at(9, [stopped(0, 1, 9)]), ["launch j1/1 on n0:3"]);
}

#[test]
fn a_job_without_gpus_needs_only_cpu() {
    let mut bench = Bench::nodes(1);
    bench.submit(0, Bench::plain(8));
    assert_eq!(bench.submit(0, Bench::plain(0)), ["launch j1/1 on n0:[]"]);
}

#[test]
fn nodes_may_have_more_than_64_gpus() {
    let mut bench = Bench::new(Inventory::uniform(1, 130, "A100"));
    let hundred = single(&mut bench, TaskRequest { cpu_milli: 5, ..TaskRequest::whole_gpus(100) });
    let thirty = single(&mut bench, TaskRequest::whole_gpus(30));
    assert_eq!(bench.submit(0, hundred.clone()), ["launch j0/1 on n0:0-63 n0:64-99"]);
    assert_eq!(bench.submit(0, thirty), ["launch j1/1 on n0:100-127 n0:128-129"]);
    assert!(bench.submit(1, hundred).is_empty());
    assert_eq!(bench.at(2, [completed(0, 1)]), ["close j0 finished", "launch j2/1 on n0:0-63 n0:64-99"]);
    let one = single(&mut bench, part(100));
    bench.at(3, [completed(1, 1)]);
    assert_eq!(bench.submit(4, one), ["launch j3/1 on n0:100*0.100"]);
    let many = single(&mut bench, TaskRequest::whole_gpus(131));
    assert_eq!(bench.submit(5, many), ["close j4 rejected"]);
}

/// Two racks of two nodes of 8 GPUs; the nodes of the second have another model.
fn racks() -> Inventory {
    let mut inventory = Inventory::uniform(4, 8, "A100");
    inventory.models.push(GpuModel { name: "T4".to_owned(), memory_mib: 0, price_per_hour: None });
    inventory.domains = vec![("r0".to_owned(), Level::Rack), ("r1".to_owned(), Level::Rack)];
    for (index, node) in inventory.nodes.iter_mut().enumerate() {
        node.domains = Domains([None, Some(DomainId::new(index / 2)), None]);
        node.model = ModelId::new(index / 2);
    }
    inventory
}

fn in_one_rack(tasks: u32) -> Shape {
    Shape { required: Some(Level::Rack), ..Shape::uniform(tasks, TaskRequest::whole_gpus(8)) }
}

#[test]
fn a_gang_that_no_domain_can_hold_is_rejected() {
    let mut bench = Bench::new(racks());
    let (two, three) = (job_of(&mut bench, in_one_rack(2)), job_of(&mut bench, in_one_rack(3)));
    assert_eq!(bench.submit(0, two), ["launch j0/1 on n0:0-7 n1:0-7"]);
    assert_eq!(bench.submit(0, three), ["close j1 rejected"]);
    assert_eq!(bench.core().state().class_of(JobId(1)).impossible, Some(Reason::ClusterTooSmall));
    let domain = Shape { required: Some(Level::NvlinkDomain), ..in_one_rack(1) };
    let domain = job_of(&mut bench, domain);
    bench.submit(0, domain);
    assert_eq!(bench.core().state().class_of(JobId(2)).impossible, Some(Reason::NoSuchDomain));
}

fn take(draft: &mut Draft<'_>, nodes: [u32; 2]) {
    assert!(nodes.into_iter().all(|node| draft.take(NodeId(node), &TaskRequest::whole_gpus(8))));
}

#[test]
fn a_gang_that_requires_one_rack_does_not_start_across_two() {
    let mut bench = Bench::new(racks());
    let two = job_of(&mut bench, in_one_rack(2));
    bench.park(0, two);
    let orders = bench.ask(1, |draft| {
        let mark = draft.mark();
        take(draft, [1, 2]);
        assert_eq!(draft.start(JobId(0)), Err(Reason::WrongGang));
        draft.rollback(mark);
        take(draft, [2, 3]);
        draft.start(JobId(0)).unwrap();
    });
    assert_eq!(orders, ["launch j0/1 on n2:0-7 n3:0-7"]);
}

#[test]
fn only_allowed_models_will_do() {
    let mut bench = Bench::new(racks());
    let only = |model| TaskRequest { models: ModelSet::NONE.with(ModelId(model)), ..TaskRequest::whole_gpus(8) };
    let t4 = single(&mut bench, only(1));
    assert_eq!(bench.submit(0, t4.clone()), ["launch j0/1 on n2:0-7"]);
    assert_eq!(bench.park(0, t4), Vec::<String>::new());
    let orders = bench.ask(1, move |draft| {
        assert!(!draft.take(NodeId(0), &only(1)));
        let slice = Slice { node: NodeId(0), bank: 0, milli: 1000, mask: 0xff, cpu_milli: 0, memory_mib: 0 };
        assert_eq!(draft.start_at(JobId(1), &[slice]), Err(Reason::WrongGang));
        assert!(start(draft, JobId(1)));
    });
    assert_eq!(orders, ["launch j1/1 on n3:0-7"]);
    let none = single(&mut bench, TaskRequest { models: ModelSet::NONE, ..TaskRequest::whole_gpus(1) });
    assert_eq!(bench.submit(2, none), ["close j2 rejected"]);
}

#[test]
fn gangs_of_several_groups_place_the_largest_first() {
    let mut bench = Bench::nodes(2);
    let gang = job_of(&mut bench, Shape::gang(12, 8, NONE));
    assert_eq!(bench.submit(0, gang), ["launch j0/1 on n0:0-7 n1:0-3"]);
    assert_eq!(bench.core().state().class(ClassId(17)).gpu_milli, 12_000);
}

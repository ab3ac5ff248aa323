//! Placers on small clusters whose answers can be seen by eye.

use engine::{
    DomainId, Domains, Draft, Event, GpuRequest, Inventory, JobId, Level, NameId, NodeId, Shape, TaskRequest,
};
use policies::{Placer, Skewed, place};

use crate::bench::{Bench, asked, nodes};

/// Four nodes of 8 GPUs in two racks, with 3, 6, 8 and 5 GPUs free.
fn cluster() -> Inventory {
    let mut inventory = Inventory::uniform(4, 8, "A100");
    inventory.domains = vec![("r0".to_owned(), Level::Rack), ("r1".to_owned(), Level::Rack)];
    for (at, node) in inventory.nodes.iter_mut().enumerate() {
        node.domains = Domains([None, Some(DomainId::new(at / 2)), None]);
    }
    inventory
}

/// Where `placer` puts a gang: (node, GPUs) of each task.
fn placed(placer: Placer, shape: Shape) -> Vec<(u32, u32)> {
    placed_on(cluster(), placer, shape)
}

fn placed_on(inventory: Inventory, placer: Placer, shape: Shape) -> Vec<(u32, u32)> {
    let shapes = [shape];
    let mut bench = Bench::new(inventory, asked(|_| {}), &[("all", None, 1000)], &shapes);
    let found = std::sync::Arc::new(std::sync::OnceLock::new());
    let seen = found.clone();
    bench.core.refresh_policy(asked(move |draft: &mut Draft<'_>| {
        for (node, held) in [(0, 5), (1, 2), (3, 3)] {
            assert!(draft.reserve(NodeId(node), &TaskRequest::whole_gpus(held)));
        }
        let mark = draft.mark();
        place(placer, draft, JobId(0));
        seen.set(nodes(draft.open())).unwrap();
        draft.rollback(mark);
    }));
    let submission = bench.submission(0, 0);
    assert!(matches!(submission, Event::Submitted { .. }));
    bench.at(0, [submission]);
    found.get().unwrap().iter().map(|(node, gpus)| (node.0, *gpus)).collect()
}

fn tasks(tasks: u32, gpus: u32) -> Shape {
    Shape::uniform(tasks, TaskRequest::whole_gpus(gpus))
}

#[test]
fn one_task() {
    let of = |placer| placed(placer, tasks(1, 4));
    assert_eq!(of(Placer::BestFit), [(3, 4)], "5 free is the least that fits");
    assert_eq!(of(Placer::WorstFit), [(2, 4)], "8 free is the most");
    assert_eq!(of(Placer::FirstFit), [(1, 4)]);
    assert_eq!(of(Placer::Pack), [(3, 4)]);
    assert_eq!(of(Placer::Spread), [(2, 4)]);
}

#[test]
fn a_gang_of_three() {
    let of = |placer| placed(placer, tasks(3, 2));
    assert_eq!(of(Placer::BestFit), [(0, 2), (3, 2), (3, 2)]);
    assert_eq!(of(Placer::WorstFit), [(2, 2), (1, 2), (2, 2)], "6 free twice: the lower node first");
    assert_eq!(of(Placer::FirstFit), [(0, 2), (1, 2), (1, 2)]);
    assert_eq!(of(Placer::Pack), [(1, 2), (1, 2), (1, 2)], "the tightest node that holds all");
    assert_eq!(of(Placer::Spread), [(2, 2), (1, 2), (3, 2)], "a node each");
}

#[test]
fn pack_goes_for_few_nodes_and_then_for_few_racks() {
    assert_eq!(placed(Placer::Pack, tasks(4, 3)), [(2, 3), (2, 3), (1, 3), (1, 3)], "two nodes, on two racks");
    assert_eq!(placed(Placer::Pack, tasks(3, 4)), [(2, 4), (2, 4), (3, 4)], "two nodes of one rack");
    assert_eq!(placed(Placer::Pack, tasks(2, 3)), [(1, 3), (1, 3)], "one node, not the fuller rack");
}

#[test]
fn what_does_not_fit_leaves_nothing_behind() {
    for placer in [Placer::BestFit, Placer::WorstFit, Placer::FirstFit, Placer::Pack, Placer::Spread] {
        assert!(placed(placer, tasks(3, 6)).is_empty(), "{placer:?}");
    }
}

#[test]
fn a_required_rack_is_the_tightest_that_has_room() {
    let gang = |count, gpus| Shape { required: Some(Level::Rack), ..tasks(count, gpus) };
    assert_eq!(placed(Placer::BestFit, gang(2, 3)), [(0, 3), (1, 3)], "9 free in r0, 13 in r1");
    assert_eq!(placed(Placer::BestFit, gang(2, 5)), [(3, 5), (2, 5)]);
    assert!(placed(Placer::BestFit, gang(3, 4)).len() == 3);
    assert!(placed(Placer::BestFit, gang(4, 4)).is_empty(), "5 tasks fit in all, no rack holds 4");
    let preferred = Shape { preferred: Some(Level::Rack), ..tasks(4, 4) };
    assert_eq!(placed(Placer::BestFit, preferred).len(), 4, "if it cannot be had, anywhere");
}

/// The second rack is partly in each zone: a place in it alone says nothing about the zone.
#[test]
fn a_rack_that_crosses_zones_does_not_stand_for_a_zone() {
    let mut inventory = cluster();
    inventory.domains.extend([("z0".to_owned(), Level::Zone), ("z1".to_owned(), Level::Zone)]);
    for (at, node) in inventory.nodes.iter_mut().enumerate() {
        node.domains.0[Level::Zone as usize] = Some(DomainId::new(2 + at / 3));
    }
    let zone = Shape { required: Some(Level::Zone), ..tasks(2, 5) };
    let both = Shape { preferred: Some(Level::Rack), ..zone.clone() };
    let wish = Shape { required: None, preferred: Some(Level::Zone), ..zone.clone() };
    for placer in
        [Placer::BestFit, Placer::WorstFit, Placer::FirstFit, Placer::Spread, Placer::Pack, Placer::Consolidate]
    {
        for shape in [&zone, &both, &wish] {
            let mut found = placed_on(inventory.clone(), placer, shape.clone());
            found.sort_unstable();
            assert_eq!(found, [(1, 5), (2, 5)], "{placer:?}: {shape:?}");
        }
    }
}

#[test]
fn groups_of_a_gang_are_placed_largest_first() {
    assert_eq!(placed(Placer::BestFit, Shape::gang(12, 8, TaskRequest::whole_gpus(0))), [(2, 8), (3, 4)]);
}

#[test]
fn parts_go_to_the_tightest_shared_gpu() {
    let part = |milli| Shape::uniform(1, TaskRequest { gpus: GpuRequest::Milli(milli), ..TaskRequest::whole_gpus(0) });
    assert_eq!(placed(Placer::BestFit, part(500)), [(0, 1)], "no GPU is shared: the fullest node");
    assert_eq!(placed(Placer::WorstFit, part(500)), [(2, 1)]);
}

#[test]
fn room_on_shared_gpus_counts_for_a_rack() {
    let part = |milli| TaskRequest { gpus: GpuRequest::Milli(milli), ..TaskRequest::whole_gpus(0) };
    let mut inventory = cluster();
    inventory.nodes.iter_mut().for_each(|node| node.gpus = 1);
    let gang = Shape { required: Some(Level::Rack), ..Shape::uniform(2, part(500)) };
    let mut bench = Bench::new(inventory, asked(|_| {}), &[("all", None, 1000)], &[gang]);
    bench.core.refresh_policy(asked(move |draft: &mut Draft<'_>| {
        (0..4).for_each(|node| assert!(draft.reserve(NodeId(node), &part(500))));
        assert!(place(Placer::BestFit, draft, JobId(0)), "no GPU is free as a whole");
        draft.start(JobId(0)).unwrap();
    }));
    let submission = bench.submission(0, 0);
    assert_eq!(bench.at(0, [submission]), [0]);
}

#[test]
fn only_skewed_models_are_consolidated() {
    let placer = Placer::Skew(Skewed::new(vec!["vgg16".to_owned(), "alexnet".to_owned()]));
    let of = |name: Option<&str>| {
        let mut bench = Bench::new(cluster(), asked(|_| {}), &[("all", None, 1000)], &[tasks(4, 2)]);
        let mut submission = bench.submission(0, 0);
        if let (Event::Submitted { spec, .. }, Some(text)) = (&mut submission, name) {
            bench.at(0, [Event::NameDeclared { name: NameId(0), text: text.to_owned() }]);
            spec.name = Some(NameId(0));
        }
        bench.core.refresh_policy(asked(move |draft: &mut Draft<'_>| {
            for (node, held) in [(0, 5), (1, 2), (3, 3)] {
                assert!(draft.reserve(NodeId(node), &TaskRequest::whole_gpus(held)));
            }
            let placed = draft.is_ready(JobId(0)) && place(placer, draft, JobId(0)) && draft.start(JobId(0)).is_ok();
            assert!(placed || !draft.is_ready(JobId(0)));
        }));
        bench.at(0, [submission]);
        engine::placement::nodes_spanned(&bench.core.state().job(JobId(0)).placement)
    };
    assert_eq!([of(Some("vgg16")), of(Some("alexnet/7"))], [1, 1]);
    assert_eq!(
        [of(Some("vgg161")), of(Some("resnet50")), of(None)],
        [3, 3, 3],
        "3, 5, 6 free: the fullest nodes first"
    );
}

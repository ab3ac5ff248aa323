//! Snapshots: what is written is restored, what was changed is named. The swarm restores cores at random steps.

use engine::snapshot::{SnapshotError, VERSION};
use engine::{
    ClassId, Core, Draft, Event, Input, Inventory, Needs, NodeId, NodeState, Policy, Shape, TaskRequest, Time,
};

struct Idle;

impl Policy for Idle {
    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn decide(&mut self, _: Time, _: &mut Draft<'_>) {}
}

fn snapshot() -> Vec<u8> {
    Core::new(Inventory::uniform(3, 8, "A100"), Box::new(Idle)).snapshot(b"beside")
}

fn refused(bytes: &[u8]) -> SnapshotError {
    Core::restore(bytes, Box::new(Idle)).err().unwrap()
}

#[test]
fn an_idle_cluster_is_restored() {
    let bytes = snapshot();
    let (core, beside) = Core::restore(&bytes, Box::new(Idle)).unwrap();
    assert_eq!(beside, b"beside");
    assert_eq!(core.state().cluster().free_gpu_milli(), 24_000);
    assert_eq!(core.snapshot(b"beside"), bytes);
    assert_eq!(engine::snapshot::check(&bytes), Ok(()));
    core.check().unwrap();
}

#[test]
fn every_flipped_byte_and_every_cut_is_noticed() {
    let bytes = snapshot();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x20;
        assert_eq!(engine::snapshot::check(&changed), Err(refused(&changed)));
        assert_eq!(engine::snapshot::check(&bytes[..at]), Err(refused(&bytes[..at])));
    }
    assert_eq!(refused(b"TYJ1"), SnapshotError::NotASnapshot);
}

#[test]
fn another_version_is_named() {
    let mut bytes = snapshot();
    bytes[4] = VERSION as u8 + 1;
    assert_eq!(refused(&bytes), SnapshotError::Version { found: VERSION + 1 });
}

#[test]
fn a_cluster_that_has_changed_is_taken_up_with_its_new_nodes_down() {
    let grown = |nodes, gpus| Core::restore_on(&snapshot(), &Inventory::uniform(nodes, gpus, "A100"), Box::new(Idle));
    let (core, beside) = grown(5, 8).unwrap();
    assert_eq!((beside.as_slice(), core.state().cluster().free_gpu_milli()), (b"beside".as_slice(), 24_000));
    core.check().unwrap();
    let states: Vec<_> = (0..5).map(|node| core.state().cluster().state(NodeId::new(node))).collect();
    assert_eq!(states, [NodeState::Up, NodeState::Up, NodeState::Up, NodeState::Down, NodeState::Down]);
    let (core, _) = grown(3, 4).unwrap();
    assert_eq!(core.state().cluster().free_gpu_milli(), 12_000);
    core.check().unwrap();
    let (same, _) = grown(3, 8).unwrap();
    assert_eq!(same.snapshot(b"beside"), snapshot());
    assert_eq!(grown(2, 8).err(), Some(SnapshotError::OtherCluster));
    let other = Inventory::uniform(3, 8, "H100");
    assert_eq!(Core::restore_on(&snapshot(), &other, Box::new(Idle)).err(), Some(SnapshotError::OtherCluster));
}

/// A gang that no node could hold is accepted once there is a node that can.
#[test]
fn what_could_never_run_is_asked_again_when_the_cluster_has_changed() {
    let shape = Shape::uniform(1, TaskRequest::whole_gpus(8));
    let declared = Event::ClassDeclared { class: ClassId(0), shape };
    let mut core = Core::new(Inventory::uniform(1, 4, "A100"), Box::new(Idle));
    core.step(&[Input { at: Time(5), event: declared }], &mut Vec::new()).unwrap();
    assert!(core.state().class(ClassId(0)).impossible.is_some());
    let bytes = core.snapshot(&[]);
    let (core, _) = Core::restore_on(&bytes, &Inventory::uniform(1, 8, "A100"), Box::new(Idle)).unwrap();
    assert_eq!(core.state().class(ClassId(0)).impossible, None);
    let (core, _) = Core::restore_on(&core.snapshot(&[]), &Inventory::uniform(1, 4, "A100"), Box::new(Idle)).unwrap();
    assert!(core.state().class(ClassId(0)).impossible.is_some());
}

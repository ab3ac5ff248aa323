//! Snapshots: what is written is restored, what was changed is named. The swarm restores cores at random steps.

use engine::snapshot::{SnapshotError, VERSION};
use engine::{Core, Draft, Inventory, Needs, Policy, Time};

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

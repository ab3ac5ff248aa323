//! A snapshot: all that the core knows, as bytes, so that a restart need not replay the whole journal.
//!
//! ```text
//! snapshot = "TYS1" version: u32 LE, length: u64 LE, crc32 of the payload: u32 LE, payload (postcard)
//! ```
//!
//! The policy is not part of it: a fresh one decides the same. The cluster is rebuilt from what jobs hold. What a live world
//! knows beside goes with it as bytes that the engine does not look at.

use serde::{Deserialize, Serialize};

use crate::check::planned_with;
use crate::cluster::ClusterImage;
use crate::core::{Core, Policy};
use crate::inventory::Inventory;
use crate::state::{Plan, State};

/// First bytes of a snapshot.
pub const MAGIC: &[u8; 4] = b"TYS1";
/// Version of the payload.
pub const VERSION: u32 = 2;
const HEAD: usize = 20;

/// What is wrong with a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Not a snapshot.
    #[error("not a Trainyard snapshot (it does not start with TYS1)")]
    NotASnapshot,
    /// Written by another version.
    #[error("snapshot version {found}, this program reads version {VERSION}")]
    Version {
        /// The version found.
        found: u32,
    },
    /// The cluster is not what has become of that of the snapshot.
    #[error("its nodes or models are not the first ones of this cluster")]
    OtherCluster,
    /// Jobs hold what the cluster does not have.
    #[error("what jobs hold does not fit the cluster")]
    Held,
    /// Bytes were changed, or are missing.
    #[error("the snapshot is damaged: {0}")]
    Damaged(&'static str),
}

#[derive(Serialize)]
struct ImageRef<'a> {
    cluster: ClusterImage,
    state: &'a State,
    beside: &'a [u8],
}

#[derive(Deserialize)]
struct Image {
    cluster: ClusterImage,
    state: State,
    beside: Vec<u8>,
}

impl Core {
    /// All that the core knows, and what a world knows beside, as bytes.
    pub fn snapshot(&self, beside: &[u8]) -> Vec<u8> {
        let state = self.state();
        let image = ImageRef { cluster: ClusterImage::of(state.cluster()), state, beside };
        // Writing plain data into memory cannot fail; if it ever did, the empty payload would be named on reading.
        let payload = postcard::to_allocvec(&image).unwrap_or_default();
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&(payload.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&payload).to_le_bytes());
        bytes.extend_from_slice(&payload);
        bytes
    }

    /// The core as it was, with a fresh policy, and what was beside it. Another kind of policy takes over as it would have
    /// after the last fact.
    pub fn restore(bytes: &[u8], policy: Box<dyn Policy>) -> Result<(Self, Vec<u8>), SnapshotError> {
        Self::rebuild(decode(bytes)?, policy)
    }

    /// [`Core::restore`] on a cluster that has changed meanwhile. Nodes and models keep their places and names, and more may
    /// follow; what a node has may differ, as long as what jobs hold is still there. Nodes that are new are down until a fact
    /// says that they are up: so the change is told by facts, and a journal replays.
    pub fn restore_on(
        bytes: &[u8],
        inventory: &Inventory,
        policy: Box<dyn Policy>,
    ) -> Result<(Self, Vec<u8>), SnapshotError> {
        let mut image = decode(bytes)?;
        if image.cluster.differs(inventory) {
            image.cluster.become_of(inventory, image.state.now).ok_or(SnapshotError::OtherCluster)?;
            for (class, reason) in image.state.classes.iter_mut().zip(&mut image.state.class_reasons) {
                class.impossible = inventory.holds(&class.shape).err().map(Into::into);
                *reason = class.impossible;
            }
        }
        Self::rebuild(image, policy)
    }

    fn rebuild(image: Image, policy: Box<dyn Policy>) -> Result<(Self, Vec<u8>), SnapshotError> {
        let Image { cluster, mut state, beside } = image;
        state.cluster = cluster.restore(state.jobs.iter().flat_map(planned_with)).ok_or(SnapshotError::Held)?;
        state.plans = vec![Plan::Nothing; state.jobs.len()];
        state.tenants.set_half_life(policy.needs().usage_half_life);
        Ok((Self::of(state, policy), beside))
    }
}

/// Whether the bytes are a whole, unchanged snapshot of this version, without building a core from them.
pub fn check(bytes: &[u8]) -> Result<(), SnapshotError> {
    payload(bytes).map(drop)
}

fn decode(bytes: &[u8]) -> Result<Image, SnapshotError> {
    postcard::from_bytes(payload(bytes)?).map_err(|_| SnapshotError::Damaged("its content cannot be decoded"))
}

fn payload(bytes: &[u8]) -> Result<&[u8], SnapshotError> {
    let rest = bytes.strip_prefix(MAGIC).ok_or(SnapshotError::NotASnapshot)?;
    let head = rest.get(..HEAD - MAGIC.len()).ok_or(SnapshotError::Damaged("it ends within its head"))?;
    let word = |at: usize| head.get(at..at + 4).and_then(|word| word.try_into().ok()).map_or(0, u32::from_le_bytes);
    let found = word(0);
    if found != VERSION {
        return Err(SnapshotError::Version { found });
    }
    let length = u64::from(word(4)) | u64::from(word(8)) << 32;
    let payload = &rest[HEAD - MAGIC.len()..];
    if payload.len() as u64 != length {
        return Err(SnapshotError::Damaged("its length is not what its head says"));
    }
    if crc32fast::hash(payload) != word(12) {
        return Err(SnapshotError::Damaged("the checksum of its content does not match"));
    }
    Ok(payload)
}

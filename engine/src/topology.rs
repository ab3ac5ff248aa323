//! The places of a node: NVLink domain, rack, zone. Mostly each is inside the next; real racks may cross zones.

use serde::{Deserialize, Serialize};

use crate::ids::DomainId;

/// A level of the topology tree above the node, the tightest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Nodes joined by one NVLink fabric.
    NvlinkDomain,
    /// A rack, or the nodes below one leaf switch.
    Rack,
    /// A zone or spine.
    Zone,
}

impl Level {
    /// All levels, the tightest first.
    pub const ALL: [Self; 3] = [Self::NvlinkDomain, Self::Rack, Self::Zone];

    /// Its word in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::NvlinkDomain => "nvlink-domain",
            Self::Rack => "rack",
            Self::Zone => "zone",
        }
    }

    /// The level that `word` names.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == word)
    }
}

/// The domains that hold a node, by level, in the order of [`Level::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Domains(pub [Option<DomainId>; 3]);

impl Domains {
    /// The domain at `level`.
    pub fn at(self, level: Level) -> Option<DomainId> {
        self.0[level as usize]
    }
}

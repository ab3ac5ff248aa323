//! Replay of a journal: recorded facts in, and the orders must be the recorded ones.

use crate::core::Core;
use crate::event::Command;
use crate::fault::Fault;
use crate::journal::{Damage, Reader};

/// How a replay ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every order was the recorded one.
    Identical {
        /// Records replayed.
        records: u64,
        /// Facts replayed.
        facts: u64,
        /// Orders compared.
        orders: u64,
    },
    /// The first difference.
    Different {
        /// Number of the record, from 1.
        record: u64,
        /// Place of the order in the record, from 1.
        order: usize,
        /// What the journal says; `None` when it has no more orders there.
        recorded: Option<Box<Command>>,
        /// What the replay says; `None` when it has no more orders there.
        replayed: Option<Box<Command>>,
    },
}

/// Why a replay could not go to the end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The journal is damaged.
    #[error(transparent)]
    Damage(#[from] Damage),
    /// A recorded fact contradicts the ones before.
    #[error("record {record}: {fault}")]
    Fault {
        /// Number of the record.
        record: u64,
        /// The contradiction.
        fault: Fault,
    },
}

/// Steps `core` through the records of `reader` and compares the orders.
pub fn verify(core: &mut Core, reader: &mut Reader<'_>) -> Result<Verdict, ReplayError> {
    let (mut facts, mut orders) = (0, 0);
    let mut replayed = Vec::new();
    while let Some(entry) = reader.next_entry()? {
        let record = reader.record();
        replayed.clear();
        core.step(&entry.facts, &mut replayed).map_err(|fault| ReplayError::Fault { record, fault })?;
        if replayed != entry.orders {
            return Ok(first_difference(record, &entry.orders, &replayed));
        }
        facts += entry.facts.len() as u64;
        orders += replayed.len() as u64;
    }
    Ok(Verdict::Identical { records: reader.record(), facts, orders })
}

fn first_difference(record: u64, recorded: &[Command], replayed: &[Command]) -> Verdict {
    let same = recorded.iter().zip(replayed).take_while(|(a, b)| a == b).count();
    Verdict::Different {
        record,
        order: same + 1,
        recorded: recorded.get(same).cloned().map(Box::new),
        replayed: replayed.get(same).cloned().map(Box::new),
    }
}

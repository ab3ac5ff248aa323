//! An exchange becomes wishes of a draft, step by step, or nothing of it does.

use std::collections::BTreeMap;

use engine::{Bill, Draft, JobId, Reason, TaskRequest};

use super::{Exchange, seat};
use crate::evict::Price;
use crate::fragmentation::{NodeRoom, Workload};
use crate::place::take_on;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::milp) struct Done {
    /// Runs that move.
    pub(in crate::milp) moves: u32,
    /// Whether the waiting job starts.
    pub(in crate::milp) started: bool,
}

/// Moves the runs of `exchange` and starts `waiting` where it has a place. Every step is checked by the draft; when one
/// does not hold, nothing changes.
pub(in crate::milp) fn carry_out(
    draft: &mut Draft<'_>,
    exchange: &Exchange,
    waiting: Option<JobId>,
    workload: &Workload,
    price: Price,
) -> Result<Done, Reason> {
    let mark = draft.mark();
    let done = try_all(draft, exchange, waiting, workload, price);
    if done.is_err() {
        draft.rollback(mark);
    }
    done
}

fn try_all(
    draft: &mut Draft<'_>,
    exchange: &Exchange,
    waiting: Option<JobId>,
    workload: &Workload,
    price: Price,
) -> Result<Done, Reason> {
    let mut movers: BTreeMap<TaskRequest, Vec<(JobId, Bill)>> = BTreeMap::new();
    for job in &exchange.lifted {
        let request = *draft.state().class_of(*job).shape.single().ok_or(Reason::WrongGang)?;
        let bill = Bill { by: waiting, predicted: price.bill(draft, *job) };
        movers.entry(request).or_default().push((*job, bill));
        draft.lift(*job)?;
    }
    let mut done = Done { moves: 0, started: false };
    for put in &exchange.puts {
        let room = NodeRoom::of(draft.cluster(), put.node);
        let seat = seat::best(workload, &room, &put.request).ok_or(Reason::NotFree { node: put.node })?;
        if !take_on(draft, put.node, &put.request, seat.choice) {
            return Err(Reason::NotFree { node: put.node });
        }
        match (movers.get_mut(&put.request).and_then(Vec::pop), waiting) {
            (Some((job, bill)), _) => {
                draft.land(job, bill)?;
                done.moves += 1;
            }
            (None, Some(job)) if !done.started => {
                draft.start(job)?;
                done.started = true;
            }
            _ => return Err(Reason::WrongGang),
        }
    }
    let left = movers.into_values().flatten().count();
    if left > 0 { Err(Reason::WrongGang) } else { Ok(done) }
}

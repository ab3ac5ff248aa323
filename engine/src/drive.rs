//! The one loop. The simulator, the live executor and a replay differ only in their [`World`].

use crate::core::Core;
use crate::event::{Command, Input};
use crate::fault::Fault;
use crate::time::Time;

/// Where facts come from and orders go.
pub trait World {
    /// Why it can fail.
    type Error: From<Fault>;

    /// Waits for the next instant at which something happens and adds all its facts to `batch`.
    /// `false` when nothing will ever happen again.
    fn next(&mut self, batch: &mut Vec<Input>) -> Result<bool, Self::Error>;

    /// Carries out one order. What comes of it is a later fact, possibly at the same instant.
    fn perform(&mut self, now: Time, command: &Command) -> Result<(), Self::Error>;
}

/// What is written down, before it takes effect.
pub trait Record {
    /// Why it can fail.
    type Error;

    /// The facts of one instant, before the core sees them.
    fn facts(&mut self, batch: &[Input]) -> Result<(), Self::Error>;

    /// The orders that followed, before the world sees them.
    fn orders(&mut self, commands: &[Command]) -> Result<(), Self::Error>;
}

/// Writes nothing down.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoRecord;

impl Record for NoRecord {
    type Error = Fault;

    fn facts(&mut self, _: &[Input]) -> Result<(), Fault> {
        Ok(())
    }

    fn orders(&mut self, _: &[Command]) -> Result<(), Fault> {
        Ok(())
    }
}

/// Looks on. For metrics and checks; it cannot change anything.
pub trait Watch {
    /// Before the core takes a batch.
    fn before(&mut self, _batch: &[Input]) {}

    /// After the core has taken it; the orders are not yet carried out.
    fn after(&mut self, _core: &Core, _batch: &[Input], _commands: &[Command]) {}
}

/// Looks away.
impl Watch for () {}

/// Runs until the world has nothing more to say: next, journal the facts, step, journal the orders, perform.
pub fn drive<W: World, R: Record>(
    core: &mut Core,
    world: &mut W,
    record: &mut R,
    watch: &mut impl Watch,
) -> Result<(), W::Error>
where
    W::Error: From<R::Error>,
{
    let (mut batch, mut commands) = (Vec::new(), Vec::new());
    while world.next(&mut batch)? {
        if batch.len() > 1 {
            batch.sort_by_key(|input| input.event.rank());
        }
        record.facts(&batch)?;
        watch.before(&batch);
        core.step(&batch, &mut commands)?;
        record.orders(&commands)?;
        watch.after(core, &batch, &commands);
        let now = core.state().now();
        for command in commands.drain(..) {
            world.perform(now, &command)?;
        }
        batch.clear();
    }
    Ok(())
}

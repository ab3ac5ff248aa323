//! Placement by integer programs.

use super::guards::{DRAIN, RESTART, SAVES};
use super::scored::{self, COVER, SEED, WINDOW};
use super::{Entry, Knob, Preset};
use crate::milp::solver::{Limits, best};
use crate::milp::{Milp, Repack, Rules};
use crate::place::{Placer, Rule};

pub(super) static MILP: Entry = Entry {
    name: "milp",
    summary: "greedy by fragmentation while nothing is stranded, an integer program where something would be",
    objective: "as much of the GPUs allocated as possible, for the tasks that wait and those that are to be expected",
    knows: "the mix of tasks of the whole trace, or with `window` that of the last jobs; when jobs last saved",
    source: "own; the measure is FGD's (ATC 2023), columns are configurations of a node (Gilmore and Gomory 1961; \
             TetriSched, EuroSys 2016), parts by lot are POP's (SOSP 2021)",
    knobs: &[
        Knob::new("batch", "200", "a whole number, at least 1", "waiting jobs that are placed together"),
        Knob::new("repack", "0", "a whole number", "moves of running jobs in one decision, at most"),
        Knob::new(
            "move-cost",
            "20",
            "thousandths of a GPU",
            "what each move must gain beside the work that it costs: for moves of equal worth would never end",
        ),
        Knob::new(
            "horizon",
            "1",
            "hours, more than 0",
            "how long a gain is expected to last: a move that costs so many GPU-hours must gain as many GPUs over it",
        ),
        Knob::new(
            "strand",
            "300",
            "thousandths of a GPU",
            "jobs change places without a waiting job once starts have stranded so much since the last time",
        ),
        Knob::new("columns", "400", "a whole number, at least 1", "swaps that one program looks at, at most"),
        Knob::new("part", "1500", "a whole number, at least 1", "nodes that one program looks at, at most"),
        Knob::new("nodes", "200", "a whole number, at least 1", "nodes of branch and bound of one program, at most"),
        Knob::new("gap", "0.01", "from 0 to 1", "a plan is good enough so close to the bound, as a share"),
        RESTART,
        DRAIN,
        SAVES,
        COVER,
        WINDOW,
        SEED,
    ],
    presets: &[Preset {
        name: "openb",
        source: "chosen on openb's default list: `trainyard saturate`",
        knobs: &[("repack", "6"), ("strand", "150"), ("move-cost", "10"), ("columns", "600")],
    }],
    build: |knobs| {
        let positive =
            |name| knobs.count(name).and_then(|value| if value == 0 { Err(knobs.bad_value(name)) } else { Ok(value) });
        let scored = scored::scored(knobs, Rule::Fgd)?;
        let horizon = knobs.hours("horizon")?;
        if horizon.0 == 0 {
            return Err(knobs.bad_value("horizon"));
        }
        let gap = knobs.number("gap")?;
        if gap > 1.0 {
            return Err(knobs.bad_value("gap"));
        }
        let limits = Limits { nodes: positive("nodes")?, gap, ..Limits::default() };
        let repack = Repack {
            moves_max: knobs.count32("repack")?,
            move_milli: knobs.count32("move-cost")?.into(),
            horizon_us: horizon.0 as f64,
            price: knobs.price()?,
            columns_max: positive("columns")? as usize,
            limits,
        };
        let rules = Rules {
            greedy: Placer::Scored(scored),
            expected: scored.expected,
            batch: positive("batch")? as usize,
            limits,
            repack: (repack.moves_max > 0).then_some(repack),
            strand_milli: knobs.count("strand")?,
            nodes_max: positive("part")? as usize,
        };
        Ok(Box::new(Milp::new(rules, best())))
    },
};

//! What the joint program is asked, and what it answers: plain data.

use engine::topology::{Domains, Level};
use engine::{MILLI, NodeId, Placement, TaskRequest};

use super::solver::{Failure, Limits, Stopped};
use crate::fragmentation::{NodeRoom, Workload};

/// Objectives are whole numbers of this unit: a thousandth of a thousandth of a GPU, times the weight of the workload. In it
/// a value in milli-GPU is `value * unit`, and F, which comes in milli-GPU times weight, is `frag_weight * F`.
pub fn unit(workload: &Workload) -> i64 {
    i64::from(MILLI) * workload.total().max(1).cast_signed()
}

/// The nodes on which jobs may be placed, and the tasks that may be moved.
#[derive(Clone, Debug, Default)]
pub struct Yard {
    /// Nodes that are up.
    pub nodes: Vec<YardNode>,
    /// Running jobs of a single task that may be moved.
    pub held: Vec<Held>,
}

/// A node.
#[derive(Clone, Debug)]
pub struct YardNode {
    /// Its name in slices.
    pub id: NodeId,
    /// What it has free.
    pub room: NodeRoom,
    /// Where it stands.
    pub domains: Domains,
}

/// A running task that may be moved.
#[derive(Clone, Debug)]
pub struct Held {
    /// Its node, as a place in [`Yard::nodes`].
    pub node: usize,
    /// What it asks for.
    pub request: TaskRequest,
    /// What it holds.
    pub slices: Placement,
    /// What is lost when it moves, in thousandths of a GPU.
    pub price: u64,
}

/// A pending job: all of its tasks or none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ask {
    /// What it is worth to place it, in thousandths of a GPU.
    pub value: u64,
    /// Its tasks: so many of each request.
    pub groups: Vec<(TaskRequest, u32)>,
    /// All tasks in one domain of this level.
    pub required: Option<Level>,
    /// The same, for a bonus. A job of one task gets none.
    pub preferred: Option<Level>,
}

impl Ask {
    /// One task.
    pub fn single(value: u64, request: TaskRequest) -> Self {
        Self { value, groups: vec![(request, 1)], required: None, preferred: None }
    }

    /// Number of tasks.
    pub fn tasks(&self) -> u64 {
        self.groups.iter().map(|(_, tasks)| u64::from(*tasks)).sum()
    }
}

/// The objective's weights, and how hard to try.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// What a thousandth of a GPU of F costs, in thousandths of its worth.
    pub frag_weight: u32,
    /// What each node costs that a gang uses beyond its first, in thousandths of a GPU.
    pub span_cost: u64,
    /// What a gang inside one domain of its preferred level is worth beside its value, in thousandths of a GPU.
    pub prefer_bonus: u64,
    /// Most running tasks that one plan moves.
    pub moves_max: u32,
    /// What each move costs beside the task's price, in thousandths of a GPU.
    pub move_cost: u64,
    /// When the solver stops. The gap is that of the whole plan.
    pub limits: Limits,
    /// With no more columns than this the program holds all of them from the start.
    pub columns_small: usize,
    /// Most columns in a program.
    pub columns_max: usize,
    /// Columns of one shape that are listed; a shape that has more is searched anew for each price.
    pub columns_listed: usize,
    /// Steps of the search for prices.
    pub steps: u32,
    /// Ways to seat tasks on the GPUs of a node that are told apart.
    pub seatings: usize,
    /// Configurations that one search of one shape may look at.
    pub searched: usize,
    /// A program that needs pricing and has more kinds of nodes times kinds of tasks than this is solved in parts.
    pub split_above: usize,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            frag_weight: 1000,
            span_cost: 0,
            prefer_bonus: 0,
            moves_max: 0,
            move_cost: 0,
            limits: Limits { nodes: 200, gap: 0.005, ..Limits::default() },
            columns_small: 400,
            columns_max: 500,
            columns_listed: 2000,
            steps: 1000,
            seatings: 256,
            searched: 4000,
            split_above: 40_000,
        }
    }
}

/// Which pending jobs run where, and which running tasks go elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// For each ask in the order given; `None`: it waits.
    pub placed: Vec<Option<Placed>>,
    /// Running tasks that move.
    pub moves: Vec<Move>,
    /// Asks that no plan can place now, found by counting.
    pub refused: Vec<(usize, Refusal)>,
    /// How good the plan is, and how that is known.
    pub quality: Quality,
}

/// A job with its places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placed {
    /// Each task: its group in [`Ask::groups`], and its slices.
    pub tasks: Vec<(usize, Placement)>,
}

/// A running task that gets other GPUs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// Which, as a place in [`Yard::held`].
    pub held: usize,
    /// Where to.
    pub to: Placement,
}

/// Why an ask cannot be placed whatever else is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It has no tasks.
    Empty,
    /// Of this group no domain of the required level (or the cluster) has room for all tasks, each counted alone.
    Group {
        /// Place in [`Ask::groups`].
        group: usize,
        /// Tasks asked for.
        tasks: u32,
        /// Most tasks that one domain has room for.
        most: u64,
    },
    /// Each group alone has room in some domain, all of them together have in none.
    Together,
}

/// How good a plan is, and how that is known. Objectives in units ([`unit()`]).
#[derive(Clone, Debug, PartialEq)]
pub struct Quality {
    /// Of the plan: values - `frag_weight` x growth of F - span costs + bonuses - prices and costs of moves.
    pub objective: i64,
    /// Of the greedy plan.
    pub greedy_objective: i64,
    /// No plan is better than this.
    pub bound: i64,
    /// `(bound - objective) / |objective|`.
    pub gap: f64,
    /// Why the search ended.
    pub stopped: Stopped,
    /// Columns in the programs.
    pub columns: usize,
    /// Nodes of branch and bound.
    pub solver_nodes: u64,
    /// Kinds of nodes that the program told apart.
    pub shapes: usize,
    /// Programs that nodes and asks were dealt to by lot; 1: the whole is one.
    pub parts: usize,
    /// Nothing is better: all columns were in the program, or those left out were proven useless, and it was solved to its end.
    pub exact: bool,
    /// Where the plan comes from.
    pub source: Source,
}

/// Whose plan it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// The search's, mostly the program's: it is better than the greedy one.
    Program,
    /// The greedy one: nothing better was found.
    Greedy,
    /// The greedy one, because something failed.
    Failed(Failure),
}

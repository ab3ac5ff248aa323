//! Re-packing at scale: which running tasks change places, and where a waiting one goes, as one integer program.
//!
//! A column is a swap on one node: it gives up to two tasks and takes one. Its worth is the exact change of F there, less
//! the price of stopping what it gives; F needs no linear form, because a node has at most one swap. The rows: one swap a
//! node, as many tasks of a kind taken as given (and the waiting one), so many moves at most. Nothing to do is always
//! feasible, so a plan is taken only if its net worth is positive, and that is the objective.
//!
//! Only swaps that can be part of a chain worth having are columns: the least cost of the rest of the chain bounds each
//! from below ([`Paths`]), whatever the nodes. Of swaps of equal kinds the best nodes stay.

mod carry_out;
mod cast;
mod floors;
mod pairs;
mod paths;
mod reach;
mod residents;
mod rows;
mod seat;
mod shortlist;
mod swaps;

use engine::{Draft, JobId, NodeId, NodeState, TaskRequest};

pub(super) use self::carry_out::carry_out;
use self::cast::Cast;
use self::floors::Floors;
use self::pairs::Lead;
use self::paths::Paths;
use self::reach::Reach;
pub(super) use self::residents::Residents;
use self::shortlist::{Shortlist, Swap};
use self::swaps::{Kind, Kinds, Tables};
use super::solver::{Answer, Limits, Program, Solver, Source, solve};
use crate::evict::Price;
use crate::fragmentation::Workload;

/// Kinds that are remembered, at most, unless more than half as many are there at once.
const KINDS_KEPT: usize = 512;
/// Longest chain that bounds a swap.
const HOPS_MAX: usize = 4;

/// What a re-packing may do and what it counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Repack {
    /// Most moves in one decision.
    pub moves_max: u32,
    /// What each move costs beside its price, in thousandths of a GPU.
    pub move_milli: f64,
    /// How long a gain is expected to last: a price in GPU x time is this many times less in GPUs. In microseconds.
    pub horizon_us: f64,
    /// What stopping a run costs.
    pub price: Price,
    /// Columns of the program.
    pub columns_max: usize,
    /// Nodes of branch and bound, gap.
    pub limits: Limits,
}

/// A task that is to be put on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Put {
    pub(super) node: NodeId,
    pub(super) request: TaskRequest,
}

/// What a re-packing does, and how good it is.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    /// Runs that leave their nodes.
    pub(super) lifted: Vec<JobId>,
    /// Where tasks go: those of the runs, and the waiting one if it has a place now.
    pub(super) puts: Vec<Put>,
    /// The answer of the solver.
    pub(super) answer: Answer,
}

/// Why nothing is exchanged.
#[derive(Clone, Debug)]
pub(super) enum Idle {
    /// No chain of swaps is worth its cost; no program was needed.
    NoChain,
    /// The program says so.
    NotWorth(Answer),
    /// The solver failed.
    Failed,
}

/// The search for exchanges, with its reused memory and caches.
#[derive(Debug, Default)]
pub(super) struct Exchanger {
    kinds: Kinds,
    /// Kinds that must be there before all are forgotten.
    kinds_max: usize,
    tables: Tables,
    floors: Floors,
    reach: Reach,
    paths: Paths,
    shortlist: Shortlist,
    cast: Cast,
    program: Program,
}

/// What a search looks at.
pub(super) struct Scene<'a> {
    pub(super) rules: Repack,
    pub(super) workload: &'a Workload,
    pub(super) residents: &'a Residents,
    /// In order, whole blocks.
    pub(super) nodes: &'a [NodeId],
    /// Nodes of one block.
    pub(super) block_nodes: usize,
    /// The waiting task and what it is worth in thousandths of a GPU.
    pub(super) waiting: Option<(TaskRequest, f64)>,
}

impl Scene<'_> {
    /// The block of a node.
    fn block(&self, node: NodeId) -> usize {
        node.index() / self.block_nodes
    }

    /// What a whole chain must cost less than.
    fn worth(&self) -> f64 {
        self.waiting.map_or(0.0, |(_, worth)| worth)
    }
}

/// What giving one run costs beside the change of F, in thousandths of a GPU.
fn charge(draft: &Draft<'_>, scene: &Scene<'_>, job: JobId) -> f64 {
    scene.rules.price.bill(draft, job) as f64 / scene.rules.horizon_us + scene.rules.move_milli
}

impl Exchanger {
    /// The workload is another.
    pub(super) fn forget(&mut self) {
        self.tables.forget();
        self.floors.forget();
    }

    /// The runs of these nodes changed. They are told once, however often nothing is searched for.
    pub(super) fn touch(&mut self, nodes: impl Iterator<Item = NodeId>) {
        nodes.for_each(|node| self.tables.forget_node(node));
    }

    /// The best exchange, if one is worth more than it costs.
    pub(super) fn search(
        &mut self,
        draft: &Draft<'_>,
        scene: &Scene<'_>,
        solver: &mut dyn Solver,
    ) -> Result<Exchange, Idle> {
        let waiting = self.refresh(draft, scene);
        self.cast.choose(draft, scene, &self.kinds, &self.tables, waiting);
        let swaps = self.shortlist_of(draft, scene, waiting);
        if swaps.is_empty() {
            return Err(Idle::NoChain);
        }
        let waiting = scene.waiting.and_then(|(_, worth)| Some((self.cast.number(waiting?)?, worth)));
        self.formulate(&swaps, scene.rules, waiting);
        let answer = solve(solver, &self.program, scene.rules.limits).map_err(|_| Idle::Failed)?;
        if let Source::Start { failure: Some(_) } = answer.source {
            return Err(Idle::Failed);
        }
        if answer.objective <= 1e-6 {
            return Err(Idle::NotWorth(answer));
        }
        Ok(self.read(&swaps, answer))
    }

    /// Brings the caches up to date. The kind of the waiting task.
    fn refresh(&mut self, draft: &Draft<'_>, scene: &Scene<'_>) -> Option<Kind> {
        if self.kinds.len() > self.kinds_max.max(KINDS_KEPT) {
            self.kinds = Kinds::default();
            self.forget();
        }
        let is_new = self.kinds.len() == 0;
        let waiting = scene.waiting.map(|(request, _)| self.kinds.of(&request));
        let Self { kinds, tables, floors, .. } = self;
        tables.refresh(draft, scene.workload, scene.residents, kinds, scene.nodes, |node| {
            floors.touch(scene.block(node));
        });
        if is_new {
            self.kinds_max = 2 * self.kinds.len();
        }
        self.floors.refresh(draft, scene, &self.tables, self.kinds.len());
        waiting
    }

    /// Swaps that can be part of a chain worth having, the best first.
    fn shortlist_of(&mut self, draft: &Draft<'_>, scene: &Scene<'_>, waiting: Option<Kind>) -> Vec<Swap> {
        let hops = (scene.rules.moves_max as usize).clamp(1, HOPS_MAX);
        self.cast.reach(&self.floors, &mut self.reach, hops);
        self.reach.end();
        let leads = self.leads(draft, scene, waiting);
        let number = waiting.and_then(|kind| self.cast.number(kind));
        let starts = leads.iter().flat_map(|lead| lead.starts(&self.reach)).chain(number.map(|number| (number, 0.0)));
        self.reach.open(&starts.collect::<Vec<_>>(), scene.worth());
        let rows = self.cast.rows(draft, scene, (&self.tables, &self.floors), &self.reach);
        if rows.is_empty() && leads.is_empty() {
            return Vec::new();
        }
        let outside = self.cast.outside();
        self.paths.clear(outside + 1);
        for (row, taken) in rows.iter() {
            let arcs = self.paths.arcs_to(row.gives_or(outside));
            taken.for_each(|(takes, cost)| arcs[takes] = arcs[takes].min(cost));
        }
        self.paths.close(hops);
        self.shortlist.clear(outside + 1, scene.worth());
        let waiting = number.map(|number| (number, scene.worth()));
        for (row, taken) in rows.iter() {
            row.list(outside, &self.paths, &mut self.shortlist, taken, waiting);
        }
        if let Some((number, worth)) = waiting {
            for lead in &leads {
                lead.list(&self.paths, &mut self.shortlist, (number, worth), outside);
            }
        }
        self.shortlist.take(scene.rules.columns_max)
    }

    /// Pairs of runs that may make room for the waiting task, by the floors of what becomes of them.
    fn leads(&mut self, draft: &Draft<'_>, scene: &Scene<'_>, waiting: Option<Kind>) -> Vec<Lead> {
        let Some(waiting) = waiting else { return Vec::new() };
        self.tables.pair(scene.workload, &self.kinds, scene.nodes, waiting);
        let mut leads = Vec::new();
        for node in scene.nodes.iter().filter(|node| is_up(draft, **node)) {
            let pairs = self.tables.of(*node).map_or(&[][..], |table| table.pairs.of(waiting));
            for pair in pairs {
                leads.extend(pair.lead(draft, scene, *node, &self.cast, &self.reach));
            }
        }
        leads
    }

    fn formulate(&mut self, swaps: &[Swap], rules: Repack, waiting: Option<(usize, f64)>) {
        let program = &mut self.program;
        program.clear();
        let columns: Vec<_> = swaps.iter().map(|swap| program.integer(-swap.cost, 0, 1)).collect();
        let placed = waiting.map(|(number, worth)| (number, program.integer(worth, 0, 1)));
        let outside = self.cast.outside();
        let moves = program.row(f64::NEG_INFINITY, f64::from(rules.moves_max));
        let mut balance = vec![None; outside];
        let mut of_kind =
            |program: &mut Program, number: usize| *balance[number].get_or_insert_with(|| program.row(0.0, 0.0));
        let mut by_node = std::collections::BTreeMap::new();
        for (swap, column) in swaps.iter().zip(&columns) {
            if swap.takes != outside {
                let row = of_kind(program, swap.takes);
                program.term(row, *column, 1.0);
            }
            for (number, _) in &swap.gives {
                let row = of_kind(program, *number);
                program.term(row, *column, -1.0);
                program.term(moves, *column, 1.0);
            }
            let row = *by_node.entry(swap.node).or_insert_with(|| program.row(f64::NEG_INFINITY, 1.0));
            program.term(row, *column, 1.0);
        }
        if let Some((number, column)) = placed {
            let row = of_kind(program, number);
            program.term(row, column, -1.0);
        }
        program.start(vec![0.0; program.columns().len()]);
    }

    fn read(&self, swaps: &[Swap], answer: Answer) -> Exchange {
        let outside = self.cast.outside();
        let (mut lifted, mut puts) = (Vec::new(), Vec::new());
        for (swap, _) in swaps.iter().zip(&answer.values).filter(|(_, value)| **value > 0.5) {
            lifted.extend(swap.gives.iter().map(|give| give.1));
            if swap.takes != outside {
                puts.push(Put { node: swap.node, request: *self.kinds.request(self.cast.kind(swap.takes)) });
            }
        }
        Exchange { lifted, puts, answer }
    }
}

/// Whether a node takes part.
fn is_up(draft: &Draft<'_>, node: NodeId) -> bool {
    draft.cluster().state(node) == NodeState::Up
}

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
mod paths;
mod residents;
mod seat;
mod shortlist;
mod swaps;

use engine::{Draft, JobId, NodeId, TaskRequest};
use smallvec::SmallVec;

pub(super) use self::carry_out::carry_out;
use self::paths::{NEVER, Paths};
pub(super) use self::residents::Residents;
use self::shortlist::{Shortlist, Swap};
use self::swaps::{Kind, Kinds, Table, Tables, growth};
use super::solver::{Answer, Limits, Program, Solver, Source, solve};
use crate::evict::Price;
use crate::fragmentation::Workload;

/// Kinds that are looked at: the most frequent. Paths over kinds cost their cube.
const KINDS_MAX: usize = 160;
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

/// The kinds that take part, in the order of their requests, so that no cache shows in the order of columns.
#[derive(Debug, Default)]
struct Cast {
    kinds: Vec<Kind>,
    /// By kind: its number.
    numbers: Vec<Option<u16>>,
}

/// The search for exchanges, with its reused memory and caches.
#[derive(Debug, Default)]
pub(super) struct Exchanger {
    kinds: Kinds,
    tables: Tables,
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
    pub(super) nodes: &'a [NodeId],
    /// The waiting task and what it is worth in thousandths of a GPU.
    pub(super) waiting: Option<(TaskRequest, f64)>,
}

impl Exchanger {
    /// The workload is another.
    pub(super) fn forget(&mut self) {
        self.tables.forget();
    }

    /// The best exchange, if one is worth more than it costs.
    pub(super) fn search(
        &mut self,
        draft: &Draft<'_>,
        scene: &Scene<'_>,
        solver: &mut dyn Solver,
    ) -> Result<Exchange, Idle> {
        let waiting = scene.waiting.map(|(request, worth)| (self.kinds.of(&request), worth));
        self.tables.refresh(draft, scene.workload, scene.residents, &mut self.kinds, scene.nodes);
        self.cast.choose(&self.kinds, &self.tables, scene.nodes, waiting.map(|(kind, _)| kind));
        let swaps = self.shortlist_of(draft, scene, waiting);
        if swaps.is_empty() {
            return Err(Idle::NoChain);
        }
        let waiting = waiting.and_then(|(kind, worth)| Some((self.cast.number(kind)?, worth)));
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

    /// Swaps that can be part of a chain worth having, the best first.
    fn shortlist_of(&mut self, draft: &Draft<'_>, scene: &Scene<'_>, waiting: Option<(Kind, f64)>) -> Vec<Swap> {
        let outside = self.cast.kinds.len();
        let waiting = waiting.and_then(|(kind, worth)| Some((self.cast.number(kind)?, worth)));
        self.paths.clear(outside + 1);
        let tables: Vec<(NodeId, &Table)> =
            scene.nodes.iter().filter_map(|node| Some((*node, self.tables.of(*node)?))).collect();
        for (_, table) in &tables {
            self.cast.each_row(draft, scene, table, |row| {
                let arcs = self.paths.arcs_to(row.gives.map_or(outside, |give| give.0));
                arcs[outside] = arcs[outside].min(row.nothing);
                for (arc, kind) in arcs.iter_mut().zip(&self.cast.kinds) {
                    *arc = arc.min(row.takes[*kind as usize] + row.charge);
                }
            });
        }
        self.paths.close((scene.rules.moves_max as usize).clamp(1, HOPS_MAX));
        self.shortlist.clear(outside + 1, waiting.map_or(0.0, |(_, worth)| worth));
        for (node, table) in tables {
            self.cast.each_row(draft, scene, table, |row| {
                list_row(&self.cast, &self.paths, &mut self.shortlist, node, row, waiting);
            });
            let Some((number, worth)) = waiting else { continue };
            let request = self.kinds.request(self.cast.kinds[number]);
            self.cast.each_pair(draft, scene, table, (number, request), |gives, cost| {
                let chain = cost + gives.iter().map(|give| self.paths.cost(give.0, outside)).sum::<f64>();
                if chain < worth {
                    let (one, other) = (gives[0].0.min(gives[1].0), gives[0].0.max(gives[1].0));
                    self.shortlist.two(one, other, chain, || Swap {
                        node,
                        takes: number,
                        gives: gives.into(),
                        cost,
                        chain,
                    });
                }
            });
        }
        self.shortlist.take(scene.rules.columns_max)
    }

    fn formulate(&mut self, swaps: &[Swap], rules: Repack, waiting: Option<(usize, f64)>) {
        let program = &mut self.program;
        program.clear();
        let columns: Vec<_> = swaps.iter().map(|swap| program.integer(-swap.cost, 0, 1)).collect();
        let placed = waiting.map(|(number, worth)| (number, program.integer(worth, 0, 1)));
        let outside = self.cast.kinds.len();
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
        let outside = self.cast.kinds.len();
        let (mut lifted, mut puts) = (Vec::new(), Vec::new());
        for (swap, _) in swaps.iter().zip(&answer.values).filter(|(_, value)| **value > 0.5) {
            lifted.extend(swap.gives.iter().map(|give| give.1));
            if swap.takes != outside {
                puts.push(Put { node: swap.node, request: *self.kinds.request(self.cast.kinds[swap.takes]) });
            }
        }
        Exchange { lifted, puts, answer }
    }
}

/// Swaps of one node that give the same.
struct Row<'a> {
    gives: Option<(usize, JobId)>,
    /// What giving costs beside the growth of F.
    charge: f64,
    /// The cost of giving and taking nothing.
    nothing: f64,
    /// Growth of F by the kind that is taken.
    takes: &'a [f64],
}

/// Lists the swaps of a row whose chains cost less than what is listed.
///
/// The least cost of a chain with a swap is that of a circle, or of a chain that begins with the waiting task and ends
/// outside.
fn list_row(
    cast: &Cast,
    paths: &Paths,
    shortlist: &mut Shortlist,
    node: NodeId,
    row: &Row<'_>,
    waiting: Option<(usize, f64)>,
) {
    let outside = cast.kinds.len();
    let gives = row.gives.map_or(outside, |give| give.0);
    let (closing, ending) = (paths.costs_from(gives), paths.cost(gives, outside));
    let (opening, worth) = match waiting {
        Some((number, worth)) => (Some(paths.costs_from(number)), worth),
        None => (None, 0.0),
    };
    for takes in 0..=outside {
        let cost = if takes == outside { row.nothing } else { row.takes[cast.kinds[takes] as usize] + row.charge };
        let circle = cost + closing[takes];
        let circle = if circle < 0.0 { circle + worth } else { NEVER };
        let chain = opening.map_or(circle, |opening| circle.min(opening[takes] + cost + ending));
        if chain < shortlist.bars(gives)[takes] {
            let gives_all = row.gives.into_iter().collect();
            shortlist.one(gives, Swap { node, takes, gives: gives_all, cost, chain });
        }
    }
}

impl Cast {
    /// The kinds of the runs on `nodes`, the most frequent if there are many, and that of the waiting task.
    fn choose(&mut self, kinds: &Kinds, tables: &Tables, nodes: &[NodeId], waiting: Option<Kind>) {
        let mut counts = vec![0_u64; kinds.len()];
        for group in nodes.iter().filter_map(|node| tables.of(*node)).flat_map(|table| &table.groups) {
            counts[group.kind as usize] += group.runs.len() as u64;
        }
        if let Some(kind) = waiting {
            counts[kind as usize] = u64::MAX;
        }
        let mut present: Vec<Kind> = (0..kinds.len() as Kind).filter(|kind| counts[*kind as usize] > 0).collect();
        present.sort_by_key(|kind| (std::cmp::Reverse(counts[*kind as usize]), *kinds.request(*kind)));
        present.truncate(KINDS_MAX);
        present.sort_by_key(|kind| *kinds.request(*kind));
        self.numbers.clear();
        self.numbers.resize(kinds.len(), None);
        present.iter().enumerate().for_each(|(number, kind)| self.numbers[*kind as usize] = Some(number as u16));
        self.kinds = present;
    }

    fn number(&self, kind: Kind) -> Option<usize> {
        self.numbers[kind as usize].map(usize::from)
    }

    /// What giving one run costs beside the change of F, in thousandths of a GPU.
    fn charge(draft: &Draft<'_>, scene: &Scene<'_>, job: JobId) -> f64 {
        scene.rules.price.bill(draft, job) as f64 / scene.rules.horizon_us + scene.rules.move_milli
    }

    /// Tells all swaps of one node that give at most one task. Of equal runs the cheapest goes.
    fn each_row(&self, draft: &Draft<'_>, scene: &Scene<'_>, table: &Table, mut tell: impl FnMut(&Row<'_>)) {
        tell(&Row { gives: None, charge: 0.0, nothing: NEVER, takes: &table.takes });
        for group in &table.groups {
            let charges = group.runs.iter().map(|run| (Self::charge(draft, scene, run.job), run.job));
            let cheapest = charges.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let (Some(given), Some((charge, job))) = (self.number(group.kind), cheapest) else { continue };
            tell(&Row { gives: Some((given, job)), charge, nothing: group.gives + charge, takes: &group.takes });
        }
    }

    /// Tells all swaps of one node that give two tasks for the waiting one. Of pairs that look alike (equal groups, both on
    /// one GPU or not) the first.
    fn each_pair(
        &self,
        draft: &Draft<'_>,
        scene: &Scene<'_>,
        table: &Table,
        (number, request): (usize, &TaskRequest),
        mut tell: impl FnMut([(usize, JobId); 2], f64),
    ) {
        let mut seen: SmallVec<[(u16, u16, bool); 32]> = SmallVec::new();
        let runs = || {
            table.groups.iter().enumerate().flat_map(|(at, group)| group.runs.iter().map(move |run| (at, group, run)))
        };
        for (place, (at, group, run)) in runs().enumerate() {
            for (beside, other, second) in runs().skip(place + 1) {
                let (Some(a), Some(b)) = (self.number(group.kind), self.number(other.kind)) else { continue };
                let alike = (at as u16, beside as u16, run.slice.overlaps(&second.slice));
                if a == number || b == number || seen.contains(&alike) {
                    continue;
                }
                seen.push(alike);
                let mut room = table.room.clone();
                room.put_slice(&run.slice);
                room.put_slice(&second.slice);
                let Some(seat) = seat::best(scene.workload, &room, request) else { continue };
                let charge = Self::charge(draft, scene, run.job) + Self::charge(draft, scene, second.job);
                let grown = growth(scene.workload, table.now, seat.fragmentation);
                tell([(a, run.job), (b, second.job)], grown + charge);
            }
        }
    }
}

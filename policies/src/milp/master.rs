//! The program: how many nodes of each shape take each column.
//!
//! | row | says |
//! |---|---|
//! | shape | columns of a shape are no more than its nodes |
//! | duty | tasks of an item added less removed (in a domain, for gangs) are what placed jobs need |
//! | gang | choices of a class of gangs are no more than there are |
//! | moves | tasks taken away are no more than allowed |
//!
//! A choice is a class of gangs with the domain that it is placed in: of the required level, and, for the bonus, of the
//! preferred one. Then the duty of the preferred domain is "at least": others of the class may be there too.

use std::collections::BTreeMap;

use engine::DomainId;
use engine::topology::Domains;
use smallvec::SmallVec;

use super::column::{Column, allowed};
use super::count::tasks_of;
use super::shape::Shape;
use super::solver::{Answer, ColumnId, Program, RowId};
use super::stock::{Gang, Stock};

/// Tasks of an item in a place that must be as many as jobs need there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Duty {
    pub(super) item: usize,
    /// Domain of the gang's required level.
    pub(super) required: Option<DomainId>,
    /// Domain of its preferred level: then the tasks may be more than needed.
    pub(super) preferred: Option<DomainId>,
}

/// A class of gangs in a place.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub(super) gang: usize,
    pub(super) required: Option<DomainId>,
    pub(super) preferred: Option<DomainId>,
    /// In units.
    pub(super) value: i64,
    /// Duties, and tasks that one gang needs of each.
    pub(super) needs: Vec<(usize, u32)>,
}

/// All rows, and who is in them.
pub(super) struct Master<'a, 'b> {
    pub(super) stock: &'a Stock<'b>,
    pub(super) shapes: Vec<Shape>,
    pub(super) duties: Vec<Duty>,
    pub(super) choices: Vec<Choice>,
    /// Of each shape: the items that its nodes may hold, and the duties that each adds to.
    pub(super) counted: Vec<Vec<(usize, SmallVec<[usize; 2]>)>>,
    known: BTreeMap<Duty, usize>,
}

impl<'a, 'b> Master<'a, 'b> {
    pub(super) fn of(stock: &'a Stock<'b>, shapes: Vec<Shape>) -> Self {
        let mut master = Self {
            stock,
            shapes,
            duties: Vec::new(),
            choices: Vec::new(),
            counted: Vec::new(),
            known: BTreeMap::new(),
        };
        for (item, _) in stock.items.iter().enumerate().filter(|(_, item)| item.gang.is_none()) {
            master.duty(Duty { item, required: None, preferred: None });
        }
        (0..stock.gangs.len()).for_each(|gang| master.choose(gang));
        for shape in &master.shapes {
            let items = allowed(stock, shape);
            let duties = |item: usize| {
                let duties = places(stock, item, shape.domains).into_iter().flatten();
                duties.filter_map(|duty| master.known.get(&duty).copied()).collect::<SmallVec<[usize; 2]>>()
            };
            // A gang that has no choice here cannot have tasks here.
            let counted = items.into_iter().map(|item| (item, duties(item))).filter(|(_, duties)| !duties.is_empty());
            master.counted.push(counted.collect());
        }
        master
    }

    fn duty(&mut self, duty: Duty) -> usize {
        let next = self.duties.len();
        let at = *self.known.entry(duty).or_insert(next);
        if at == next {
            self.duties.push(duty);
        }
        at
    }

    /// The choices of a class of gangs: domains that have room for one.
    fn choose(&mut self, gang: usize) {
        let stock = self.stock;
        let class = &stock.gangs[gang];
        let mut rooms: BTreeMap<[Option<DomainId>; 2], Vec<u64>> = BTreeMap::new();
        for shape in &self.shapes {
            let at = |level: Option<_>| level.and_then(|level| shape.domains.at(level));
            let (required, preferred) = (at(class.required), at(class.preferred));
            if class.required.is_some() && required.is_none() {
                continue;
            }
            let room = |need: &super::stock::Need| {
                let request = &stock.items[need.item].request;
                shape.nodes.iter().map(|node| tasks_of(&stock.cleared[*node], request)).sum::<u64>()
            };
            let room: Vec<u64> = class.needs.iter().map(room).collect();
            let keys = [Some([required, None]), preferred.map(|_| [required, preferred])];
            for key in keys.into_iter().flatten() {
                let sums = rooms.entry(key).or_insert_with(|| vec![0; room.len()]);
                sums.iter_mut().zip(&room).for_each(|(sum, room)| *sum += room);
            }
        }
        for ([required, preferred], room) in rooms {
            if room.iter().zip(&class.needs).all(|(room, need)| *room >= u64::from(need.tasks)) {
                self.add_choice(gang, class, required, preferred);
            }
        }
    }

    fn add_choice(&mut self, gang: usize, class: &Gang, required: Option<DomainId>, preferred: Option<DomainId>) {
        let mut needs = Vec::new();
        for need in &class.needs {
            needs.push((self.duty(Duty { item: need.item, required, preferred: None }), need.tasks));
            if preferred.is_some() {
                needs.push((self.duty(Duty { item: need.item, required, preferred }), need.tasks));
            }
        }
        let bonus = if preferred.is_some() { self.stock.rules.prefer_bonus.cast_signed() * self.stock.unit } else { 0 };
        self.choices.push(Choice { gang, required, preferred, value: class.value + bonus, needs });
    }

    /// The duties that a task of `item` on a node of this shape adds to.
    pub(super) fn duties_of(&self, shape: usize, item: usize) -> &[usize] {
        let found = self.counted[shape].iter().find(|(other, _)| *other == item);
        found.map_or(&[], |(_, duties)| duties)
    }

    /// The duty of an item that belongs to no gang.
    pub(super) fn free_duty(&self, item: usize) -> usize {
        self.known[&Duty { item, required: None, preferred: None }]
    }

    /// Whether a column holds only what has a row.
    pub(super) fn counts(&self, column: &Column) -> bool {
        column.added.iter().all(|(item, _)| !self.duties_of(column.shape, *item as usize).is_empty())
    }
}

/// The duties of an item on a node in these domains, if they exist.
fn places(stock: &Stock<'_>, item: usize, domains: Domains) -> [Option<Duty>; 2] {
    let Some(gang) = stock.items[item].gang else {
        return [Some(Duty { item, required: None, preferred: None }), None];
    };
    let at = |level: Option<_>| level.and_then(|level| domains.at(level));
    let (required, preferred) = (at(stock.gangs[gang].required), at(stock.gangs[gang].preferred));
    let outer = Duty { item, required, preferred: None };
    [Some(outer), preferred.map(|_| Duty { preferred, ..outer })]
}

/// How often each column and choice is taken.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    pub(super) columns: Vec<i64>,
    pub(super) choices: Vec<i64>,
}

/// The program with some columns.
pub(super) struct Written {
    pub(super) program: Program,
    columns: Vec<ColumnId>,
    choices: Vec<ColumnId>,
    singles: Vec<ColumnId>,
    /// Units in one of the program's objective.
    scale: f64,
}

impl Written {
    /// Writes the program. Its objective is in thousandths of a GPU, so that solvers meet numbers of their size.
    pub(super) fn of(master: &Master<'_, '_>, columns: &[Column]) -> Self {
        let stock = master.stock;
        let mut program = Program::new();
        let scale = stock.unit as f64;
        let worth = |units: i64| units as f64 / scale;
        let mut shapes: Vec<Option<RowId>> = vec![None; master.shapes.len()];
        let upper = |duty: &Duty| if duty.preferred.is_some() { f64::INFINITY } else { 0.0 };
        let duties: Vec<RowId> = master.duties.iter().map(|duty| program.row(0.0, upper(duty))).collect();
        let moves =
            (stock.rules.moves_max > 0).then(|| program.row(f64::NEG_INFINITY, f64::from(stock.rules.moves_max)));
        let mut ids = Vec::with_capacity(columns.len());
        for column in columns {
            let shape = &master.shapes[column.shape];
            let id = program.integer(worth(column.gain), 0, (shape.nodes.len() as u64).cast_signed());
            let row =
                *shapes[column.shape].get_or_insert_with(|| program.row(f64::NEG_INFINITY, shape.nodes.len() as f64));
            program.term(row, id, 1.0);
            for (item, count) in &column.added {
                for duty in master.duties_of(column.shape, *item as usize) {
                    program.term(duties[*duty], id, f64::from(*count));
                }
            }
            for piece in &column.removed {
                program.term(duties[master.free_duty(shape.pieces[*piece as usize].item)], id, -1.0);
            }
            if let Some(moves) = moves {
                program.term(moves, id, column.removed.len() as f64);
            }
            ids.push(id);
        }
        let (choices, singles) = Self::jobs(master, &mut program, &duties);
        Self { program, columns: ids, choices, singles, scale }
    }

    fn jobs(master: &Master<'_, '_>, program: &mut Program, duties: &[RowId]) -> (Vec<ColumnId>, Vec<ColumnId>) {
        let stock = master.stock;
        let worth = |units: i64| units as f64 / stock.unit as f64;
        let gangs: Vec<RowId> =
            stock.gangs.iter().map(|gang| program.row(f64::NEG_INFINITY, gang.asks.len() as f64)).collect();
        let mut choices = Vec::new();
        for choice in &master.choices {
            let id =
                program.integer(worth(choice.value), 0, (stock.gangs[choice.gang].asks.len() as u64).cast_signed());
            program.term(gangs[choice.gang], id, 1.0);
            choice.needs.iter().for_each(|(duty, tasks)| program.term(duties[*duty], id, -f64::from(*tasks)));
            choices.push(id);
        }
        let mut singles = Vec::new();
        for single in &stock.singles {
            let id = program.integer(worth(single.value), 0, (single.asks.len() as u64).cast_signed());
            program.term(duties[master.free_duty(single.item)], id, -1.0);
            singles.push(id);
        }
        (choices, singles)
    }

    /// Gives the program a plan to start from. How many jobs of one task it places follows from its columns.
    pub(super) fn start(&mut self, master: &Master<'_, '_>, columns: &[Column], counts: &Counts) {
        let mut values = vec![0.0; self.program.columns().len()];
        let mut added = vec![0_i64; master.stock.items.len()];
        for ((id, count), column) in self.columns.iter().zip(&counts.columns).zip(columns) {
            values[id.0 as usize] = *count as f64;
            column.added.iter().for_each(|(item, tasks)| added[*item as usize] += count * i64::from(*tasks));
            for piece in &column.removed {
                added[master.shapes[column.shape].pieces[*piece as usize].item] -= count;
            }
        }
        self.choices.iter().zip(&counts.choices).for_each(|(id, count)| values[id.0 as usize] = *count as f64);
        let mut order: Vec<usize> = (0..self.singles.len()).collect();
        order.sort_by_key(|at| std::cmp::Reverse(master.stock.singles[*at].value));
        for at in order {
            let single = &master.stock.singles[at];
            let placed = added[single.item].clamp(0, (single.asks.len() as u64).cast_signed());
            added[single.item] -= placed;
            values[self.singles[at].0 as usize] = placed as f64;
        }
        self.program.start(values);
    }

    /// What an answer says of columns and choices.
    pub(super) fn counts(&self, answer: &Answer) -> Counts {
        let read = |ids: &[ColumnId]| ids.iter().map(|id| answer.count(*id)).collect();
        Counts { columns: read(&self.columns), choices: read(&self.choices) }
    }

    /// An objective of the program in units, rounded up.
    pub(super) fn units(&self, objective: f64) -> i64 {
        let units = objective * self.scale;
        if units >= i64::MAX as f64 { i64::MAX } else { units.ceil() as i64 }
    }
}

//! What is to be placed, sorted: equal tasks are one item, equal gangs one class.

use std::collections::BTreeMap;

use engine::topology::Level;
use engine::{NodeId, TaskRequest};

use super::count;
use super::worth::normal;
use super::yard::{Ask, Refusal, Rules, Yard, unit};
use crate::fragmentation::{NodeRoom, Workload};

/// Gangs of one class that are told apart, so that the nodes of each are counted exactly.
const APART: usize = 8;

/// A kind of task that columns hold.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) request: TaskRequest,
    /// The gang that it belongs to; `None`: a job of its own, or a running task.
    pub(super) gang: Option<usize>,
    /// Most that a plan adds.
    pub(super) count: u32,
}

/// Equal asks of one task.
#[derive(Clone, Debug)]
pub(super) struct Single {
    pub(super) item: usize,
    /// In units.
    pub(super) value: i64,
    pub(super) asks: Vec<usize>,
}

/// Equal gangs.
#[derive(Clone, Debug)]
pub(super) struct Gang {
    pub(super) asks: Vec<usize>,
    /// In units, with the cost of a first node in it: columns charge each node.
    pub(super) value: i64,
    /// Items, tasks of each, and their place in [`Ask::groups`].
    pub(super) needs: Vec<Need>,
    pub(super) tasks: u32,
    pub(super) required: Option<Level>,
    pub(super) preferred: Option<Level>,
}

/// Equal tasks of a gang.
#[derive(Clone, Copy, Debug)]
pub(super) struct Need {
    pub(super) item: usize,
    pub(super) tasks: u32,
    pub(super) group: usize,
}

/// All that the program knows beside columns.
pub(super) struct Stock<'a> {
    pub(super) yard: &'a Yard,
    pub(super) asks: &'a [Ask],
    pub(super) work: &'a Workload,
    pub(super) rules: &'a Rules,
    pub(super) unit: i64,
    pub(super) items: Vec<Item>,
    pub(super) singles: Vec<Single>,
    pub(super) gangs: Vec<Gang>,
    /// Item of each held task.
    pub(super) held_items: Vec<usize>,
    /// Held tasks of each node.
    pub(super) held_of: Vec<Vec<usize>>,
    /// What each node would have free without its held tasks.
    pub(super) cleared: Vec<NodeRoom>,
    pub(super) refused: Vec<(usize, Refusal)>,
    /// Nodes of gangs are counted exactly.
    pub(super) exact_spans: bool,
}

impl<'a> Stock<'a> {
    pub(super) fn of(yard: &'a Yard, asks: &'a [Ask], work: &'a Workload, rules: &'a Rules) -> Self {
        let mut held_of = vec![Vec::new(); yard.nodes.len()];
        let mut cleared: Vec<NodeRoom> = yard.nodes.iter().map(|node| node.room.clone()).collect();
        if rules.moves_max > 0 {
            for (at, held) in yard.held.iter().enumerate() {
                held_of[held.node].push(at);
                held.slices.iter().for_each(|slice| cleared[held.node].put_slice(slice));
            }
        }
        let mut stock = Self {
            unit: unit(work),
            items: Vec::new(),
            singles: Vec::new(),
            gangs: Vec::new(),
            held_items: Vec::new(),
            refused: Vec::new(),
            exact_spans: true,
            yard,
            asks,
            work,
            rules,
            held_of,
            cleared,
        };
        stock.sort();
        stock
    }

    /// Sorts asks into singles and gangs, and leaves out what counting refuses.
    fn sort(&mut self) {
        let mut classes: BTreeMap<&Ask, Vec<usize>> = BTreeMap::new();
        self.asks.iter().enumerate().for_each(|(at, ask)| classes.entry(ask).or_default().push(at));
        let mut items: BTreeMap<TaskRequest, usize> = BTreeMap::new();
        for (ask, asks) in classes {
            if let Some(refusal) = count::refusal(self.yard, &self.cleared, ask) {
                self.refused.extend(asks.iter().map(|at| (*at, refusal)));
            } else if ask.tasks() == 1 && self.everywhere(ask.required) {
                self.add_single(ask, asks, &mut items);
            } else {
                self.add_gangs(ask, asks);
            }
        }
        self.refused.sort_by_key(|(at, _)| *at);
        if self.rules.moves_max > 0 {
            for held in &self.yard.held {
                let item = item_of(&mut self.items, &mut items, normal(held.request));
                self.held_items.push(item);
            }
            for item in items.values() {
                let held = self.held_items.iter().filter(|other| *other == item).count() as u32;
                self.items[*item].count += held.min(self.rules.moves_max);
            }
        }
    }

    /// Whether every node stands in some domain of the level: then one task keeps it anyway.
    fn everywhere(&self, level: Option<Level>) -> bool {
        level.is_none_or(|level| self.yard.nodes.iter().all(|node| node.domains.at(level).is_some()))
    }

    fn add_single(&mut self, ask: &Ask, asks: Vec<usize>, items: &mut BTreeMap<TaskRequest, usize>) {
        let Some((request, _)) = ask.groups.iter().find(|(_, tasks)| *tasks == 1) else { return };
        let item = item_of(&mut self.items, items, normal(*request));
        self.items[item].count += asks.len() as u32;
        let value = ask.value.cast_signed() * self.unit;
        // Asks may differ in what does not matter for one task.
        match self.singles.iter_mut().find(|single| (single.item, single.value) == (item, value)) {
            Some(known) => {
                known.asks.extend(asks);
                known.asks.sort_unstable();
            }
            None => self.singles.push(Single { item, value, asks }),
        }
    }

    fn add_gangs(&mut self, ask: &Ask, asks: Vec<usize>) {
        let apart = self.rules.span_cost > 0 && asks.len() > 1 && self.may_meet(ask);
        if !apart || asks.len() > APART {
            self.exact_spans &= !apart;
            return self.add_gang(ask, asks);
        }
        for at in asks {
            self.add_gang(ask, vec![at]);
        }
    }

    /// Whether some node has room for two tasks of the gang: then the nodes of equal gangs cannot be told from counts.
    fn may_meet(&self, ask: &Ask) -> bool {
        let requests: Vec<TaskRequest> = ask.groups.iter().map(|(request, _)| *request).collect();
        let meet = |room: &NodeRoom| {
            requests.iter().any(|first| {
                let mut room = room.clone();
                room.take(first, crate::fragmentation::GpuChoice::Tightest).is_some()
                    && requests.iter().any(|second| room.fits(second))
            })
        };
        self.cleared.iter().any(meet)
    }

    fn add_gang(&mut self, ask: &Ask, asks: Vec<usize>) {
        let gang = self.gangs.len();
        let mut needs: Vec<Need> = Vec::new();
        for (group, (request, tasks)) in ask.groups.iter().enumerate().filter(|(_, (_, tasks))| *tasks > 0) {
            let count = tasks * asks.len() as u32;
            needs.push(Need { item: self.items.len(), tasks: *tasks, group });
            self.items.push(Item { request: normal(*request), gang: Some(gang), count });
        }
        self.gangs.push(Gang {
            asks,
            value: (ask.value + self.rules.span_cost).cast_signed() * self.unit,
            needs,
            tasks: ask.tasks() as u32,
            required: ask.required,
            preferred: ask.preferred.filter(|_| ask.tasks() > 1 && self.rules.prefer_bonus > 0),
        });
    }

    /// The name of a node in slices.
    pub(super) fn id(&self, node: usize) -> NodeId {
        self.yard.nodes[node].id
    }
}

fn item_of(items: &mut Vec<Item>, known: &mut BTreeMap<TaskRequest, usize>, request: TaskRequest) -> usize {
    *known.entry(request).or_insert_with(|| {
        items.push(Item { request, gang: None, count: 0 });
        items.len() - 1
    })
}

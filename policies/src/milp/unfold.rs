//! From counts of columns to jobs on GPUs.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use engine::{Placement, TaskRequest};

use super::column::{Added, Column, column_of};
use super::master::{Choice, Counts, Master};
use super::seat::seat;
use super::worth::{Outline, together};
use super::yard::{Move, Placed};

/// A task of an item with its place.
type Seat = (usize, Placement);

/// The plan that the counts say, or what does not add up.
pub(super) fn unfold(master: &Master<'_, '_>, columns: &[Column], counts: &Counts) -> Result<Outline, String> {
    let mut unfold = Unfold { master, seats: vec![Vec::new(); master.stock.items.len()], removed: Vec::new() };
    let mut next = vec![0; master.shapes.len()];
    for (column, count) in columns.iter().zip(&counts.columns) {
        for _ in 0..*count {
            let node = next[column.shape];
            next[column.shape] += 1;
            unfold.dress(column, node)?;
        }
    }
    let mut outline = Outline { placed: vec![None; master.stock.asks.len()], moves: Vec::new() };
    unfold.moves(&mut outline)?;
    unfold.singles(&mut outline)?;
    unfold.gangs(&mut outline, counts)?;
    if unfold.seats.iter().any(|seats| !seats.is_empty()) {
        return Err("tasks without jobs".into());
    }
    Ok(outline)
}

struct Unfold<'m, 'a, 'b> {
    master: &'m Master<'a, 'b>,
    /// Of each item: the nodes and places that columns have for it.
    seats: Vec<Vec<Seat>>,
    removed: Vec<usize>,
}

impl Unfold<'_, '_, '_> {
    /// Makes the `at`th node of the column's shape look like it.
    fn dress(&mut self, column: &Column, at: usize) -> Result<(), String> {
        let (stock, shape) = (self.master.stock, &self.master.shapes[column.shape]);
        let node = *shape.nodes.get(at).ok_or("more columns than nodes")?;
        let mut room = stock.yard.nodes[node].room.clone();
        for piece in &column.removed {
            let held = shape.held[at][*piece as usize];
            stock.yard.held[held].slices.iter().for_each(|slice| room.put_slice(slice));
            self.removed.push(held);
        }
        let items: Vec<usize> =
            column.added.iter().flat_map(|(item, count)| vec![*item as usize; *count as usize]).collect();
        let requests: Vec<TaskRequest> = items.iter().map(|item| stock.items[*item].request).collect();
        let seats = seat(stock.id(node), &mut room, &requests, stock.work, stock.rules.seatings).ok_or("no seat")?;
        items.into_iter().zip(seats).for_each(|(item, seat)| self.seats[item].push((node, seat)));
        Ok(())
    }

    /// Running tasks that were taken away get seats of their item; one that gets its own back has not moved.
    fn moves(&mut self, outline: &mut Outline) -> Result<(), String> {
        let stock = self.master.stock;
        let mut left = Vec::new();
        for held in std::mem::take(&mut self.removed) {
            let seats = &mut self.seats[stock.held_items[held]];
            match seats.iter().position(|(_, slices)| *slices == stock.yard.held[held].slices) {
                Some(at) => drop(seats.remove(at)),
                None => left.push(held),
            }
        }
        left.sort_unstable();
        for held in left {
            let seats = &mut self.seats[stock.held_items[held]];
            if seats.is_empty() {
                return Err("a running task without a place".into());
            }
            outline.moves.push(Move { held, to: seats.remove(0).1 });
        }
        Ok(())
    }

    /// The most valuable jobs of one task get the seats.
    fn singles(&mut self, outline: &mut Outline) -> Result<(), String> {
        let stock = self.master.stock;
        let mut asks: Vec<(Reverse<i64>, usize, usize)> = Vec::new();
        for single in &stock.singles {
            asks.extend(single.asks.iter().map(|ask| (Reverse(single.value), *ask, single.item)));
        }
        asks.sort_unstable();
        self.seats.iter_mut().for_each(|seats| seats.reverse());
        for (_, ask, item) in asks {
            if let Some((_, slices)) = self.seats[item].pop() {
                let group = stock.asks[ask].groups.iter().position(|(_, tasks)| *tasks > 0).ok_or("no task")?;
                outline.placed[ask] = Some(Placed { tasks: vec![(group, slices)] });
            }
        }
        self.seats.iter_mut().for_each(|seats| seats.reverse());
        Ok(())
    }

    fn gangs(&mut self, outline: &mut Outline, counts: &Counts) -> Result<(), String> {
        let mut order: Vec<usize> = (0..self.master.choices.len()).collect();
        // Those in preferred domains first: the others take what is left.
        order.sort_by_key(|at| self.master.choices[*at].preferred.is_none());
        let mut asks: Vec<std::vec::IntoIter<usize>> =
            self.master.stock.gangs.iter().map(|gang| gang.asks.clone().into_iter()).collect();
        for at in order {
            for _ in 0..counts.choices[at] {
                let choice = &self.master.choices[at];
                let ask = asks[choice.gang].next().ok_or("more gangs than there are")?;
                outline.placed[ask] = Some(self.gang(choice)?);
            }
        }
        Ok(())
    }

    /// One gang of this choice, from the nodes with most of its seats, so that it uses few.
    fn gang(&mut self, choice: &Choice) -> Result<Placed, String> {
        let stock = self.master.stock;
        let gang = &stock.gangs[choice.gang];
        let inside = |node: usize| {
            let domains = stock.yard.nodes[node].domains;
            let keeps = |level: Option<_>, domain: Option<_>| {
                domain.is_none() || level.and_then(|level| domains.at(level)) == domain
            };
            keeps(gang.required, choice.required) && keeps(gang.preferred, choice.preferred)
        };
        let mut most: BTreeMap<usize, usize> = BTreeMap::new();
        for need in &gang.needs {
            for (node, _) in self.seats[need.item].iter().filter(|(node, _)| inside(*node)) {
                *most.entry(*node).or_default() += 1;
            }
        }
        let mut placed = Placed::default();
        for need in &gang.needs {
            let mut seats: Vec<(Reverse<usize>, usize, usize)> = self.seats[need.item]
                .iter()
                .enumerate()
                .filter(|(_, (node, _))| inside(*node))
                .map(|(at, (node, _))| (Reverse(most[node]), *node, at))
                .collect();
            seats.sort_unstable();
            if seats.len() < need.tasks as usize {
                return Err("a gang without places".into());
            }
            let mut taken: Vec<usize> = seats[..need.tasks as usize].iter().map(|(_, _, at)| *at).collect();
            taken.sort_unstable_by_key(|at| Reverse(*at));
            for at in taken {
                placed.tasks.push((need.group, self.seats[need.item].remove(at).1));
            }
        }
        Ok(placed)
    }
}

/// The columns and counts that say a plan without moves, for a program to start from. New columns are appended.
pub(super) fn fold(master: &Master<'_, '_>, outline: &Outline, columns: &mut Vec<Column>) -> Option<Counts> {
    let stock = master.stock;
    let by_id: BTreeMap<engine::NodeId, usize> =
        stock.yard.nodes.iter().enumerate().map(|(at, n)| (n.id, at)).collect();
    let mut shape_of = BTreeMap::new();
    for (at, shape) in master.shapes.iter().enumerate() {
        shape_of.extend(shape.nodes.iter().map(|node| (*node, at)));
    }
    let mut added: BTreeMap<usize, BTreeMap<usize, u16>> = BTreeMap::new();
    let mut choices = vec![0; master.choices.len()];
    let mut put = |item: usize, slices: &Placement| {
        let node = by_id[&slices[0].node];
        *added.entry(node).or_default().entry(item).or_default() += 1;
        node
    };
    for single in &stock.singles {
        for placed in single.asks.iter().filter_map(|ask| outline.placed[*ask].as_ref()) {
            put(single.item, &placed.tasks[0].1);
        }
    }
    for (at, gang) in stock.gangs.iter().enumerate() {
        for placed in gang.asks.iter().filter_map(|ask| outline.placed[*ask].as_ref()) {
            let item = |group: usize| gang.needs.iter().find(|need| need.group == group).map(|need| need.item);
            let mut nodes = std::collections::BTreeSet::new();
            for (group, slices) in &placed.tasks {
                nodes.insert(put(item(*group)?, slices));
            }
            let first = stock.yard.nodes[*nodes.first()?].domains;
            let required = gang.required.and_then(|level| first.at(level));
            let near = gang.preferred.filter(|level| together(stock.yard, &nodes, *level));
            let preferred = near.and_then(|level| first.at(level));
            let same = |choice: &Choice| (choice.gang, choice.required, choice.preferred) == (at, required, preferred);
            choices[master.choices.iter().position(same)?] += 1;
        }
    }
    let mut counts = Counts { columns: vec![0; columns.len()], choices };
    for (node, items) in added {
        let shape = *shape_of.get(&node)?;
        let added: Added = items.into_iter().map(|(item, count)| (item as u16, count)).collect();
        let same = |column: &Column| column.shape == shape && column.removed.is_empty() && column.added == added;
        let at = if let Some(at) = columns.iter().position(same) {
            at
        } else {
            columns.push(column_of(stock, shape, &master.shapes[shape], &added)?);
            counts.columns.push(0);
            columns.len() - 1
        };
        counts.columns[at] += 1;
    }
    Some(counts)
}

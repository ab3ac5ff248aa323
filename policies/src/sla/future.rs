//! The future as far as run times are known: promised jobs start, in order, as soon as they fit.
//!
//! It is played on two copies of the cluster, one with and one without the runs that may be stopped, down to GPUs, cores
//! and memory. So what it says about gangs, models and topology is what will happen, not a count.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use engine::{Cluster, DomainId, Draft, GpuRequest, JobId, Level, NodeId, Placement, Scan, Shape, Span};
use engine::{TaskRequest, Time, Within};

use super::target::Want;

/// A run that holds GPUs now.
#[derive(Clone, Debug)]
pub(super) struct Hold {
    pub(super) job: JobId,
    pub(super) slices: Placement,
    /// When it is expected to end; `NEVER` when nobody knows.
    pub(super) end: Time,
    /// From when on it may be stopped for a promise; `NEVER`: not at all.
    pub(super) yields: Time,
    /// What stopping it now is expected to cost.
    pub(super) bill: u128,
}

/// A start in the future, in the order of the plan.
#[derive(Clone, Debug)]
pub(super) struct Start {
    pub(super) want: Want,
    /// `NEVER` when it does not start as far as one can see.
    pub(super) at: Time,
    pub(super) slices: Placement,
    /// Who is stopped for it.
    pub(super) victims: Vec<JobId>,
    /// How much later it might start; `None` when it misses its target.
    pub(super) slack: Option<Span>,
}

/// What changes at an instant; indices of starts and holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    /// A job that was started in the play ends.
    Ends(u32),
    /// A run that holds GPUs now ends.
    Leaves(u32),
    /// It may be stopped from now on.
    Yields(u32),
    /// A job may stop others from now on.
    Insists,
}

/// Who holds what now, as all plays of one decision begin.
#[derive(Clone, Debug)]
pub(super) struct Present {
    holds: Vec<Hold>,
    /// With everything that runs.
    full: Cluster,
    /// Without the runs that may be stopped now.
    bare: Cluster,
    /// What is known of the future, in order.
    coming: Vec<(Time, Change)>,
    /// Runs that may be stopped, now or later, by node.
    yielding: BTreeMap<NodeId, Vec<u32>>,
    now: Time,
}

impl Present {
    /// The runs of `holds` on the cluster as the draft has it.
    pub(super) fn new(draft: &Draft<'_>, holds: Vec<Hold>) -> Self {
        let full = draft.cluster().clone();
        let mut present = Self {
            bare: full.clone(),
            full,
            holds: Vec::with_capacity(holds.len()),
            coming: Vec::with_capacity(holds.len()),
            yielding: BTreeMap::new(),
            now: draft.now(),
        };
        for hold in holds {
            present.enter(hold);
        }
        present.coming.sort_unstable();
        present
    }

    fn enter(&mut self, hold: Hold) {
        let at = self.holds.len() as u32;
        self.coming.extend(self.changes_of(&hold, at));
        if hold.yields != Time::NEVER {
            for slice in &hold.slices {
                let there = self.yielding.entry(slice.node).or_default();
                if there.last() != Some(&at) {
                    there.push(at);
                }
            }
            if hold.yields <= self.now {
                for slice in &hold.slices {
                    self.bare.vacate(slice);
                }
            }
        }
        self.holds.push(hold);
    }

    /// What is known of the future of one run.
    fn changes_of(&self, hold: &Hold, at: u32) -> impl Iterator<Item = (Time, Change)> + use<> {
        // A run that outlives its estimate may end at any moment, but not now.
        let leaves = hold.end.known().map(|end| (end.max(self.now + Span(1)), Change::Leaves(at)));
        let yields = hold.yields.known().filter(|yields| *yields > self.now);
        leaves.into_iter().chain(yields.map(|yields| (yields, Change::Yields(at))))
    }

    /// One more run, which the draft has just started.
    pub(super) fn push(&mut self, hold: Hold) {
        for slice in &hold.slices {
            self.full.occupy(slice);
            self.bare.occupy(slice);
        }
        let known = self.coming.len();
        self.enter(hold);
        let new = self.coming.split_off(known);
        for change in new {
            let at = self.coming.partition_point(|other| *other < change);
            self.coming.insert(at, change);
        }
    }

    /// Takes the last one back.
    pub(super) fn pop(&mut self) {
        let Some(hold) = self.holds.pop() else { return };
        let at = self.holds.len() as u32;
        for change in self.changes_of(&hold, at) {
            self.coming.retain(|other| *other != change);
        }
        let in_bare = hold.yields > self.now;
        for slice in &hold.slices {
            self.full.vacate(slice);
            if in_bare {
                self.bare.vacate(slice);
            }
            if let Some(there) = self.yielding.get_mut(&slice.node).filter(|there| there.last() == Some(&at)) {
                there.pop();
            }
        }
    }

    /// When the first run that is protected for a while no longer is.
    pub(super) fn exempt_until(&self) -> Time {
        let yields = self.holds.iter().map(|hold| hold.yields).filter(|yields| *yields > self.now);
        yields.min().unwrap_or(Time::NEVER)
    }
}

/// The play.
pub(super) struct Future<'a> {
    present: &'a Present,
    full: Cluster,
    bare: Cluster,
    /// Whether a run is gone, and whether it has been taken out of `bare`, by index of the hold.
    gone: Vec<(bool, bool)>,
    /// The first of what is coming that has not come.
    next: usize,
    /// What the play itself brings.
    changes: BinaryHeap<Reverse<(Time, Change)>>,
    /// Delay between the order to start and the launch, where GPUs have to drain first.
    drain: Span,
    now: Time,
}

impl<'a> Future<'a> {
    /// A play that begins now.
    pub(super) fn new(present: &'a Present, drain: Span) -> Self {
        Self {
            full: present.full.clone(),
            bare: present.bare.clone(),
            gone: present.holds.iter().map(|hold| (false, hold.yields <= present.now)).collect(),
            next: 0,
            changes: BinaryHeap::new(),
            drain,
            now: present.now,
            present,
        }
    }

    fn expect(&mut self, at: Time, change: Change) {
        if at != Time::NEVER {
            self.changes.push(Reverse((at.max(self.now + Span(1)), change)));
        }
    }

    /// From now on a run may be stopped.
    fn give_way(&mut self, hold: u32) {
        let (gone, out) = &mut self.gone[hold as usize];
        if *gone || *out {
            return;
        }
        *out = true;
        for slice in &self.present.holds[hold as usize].slices {
            self.bare.vacate(slice);
        }
    }

    /// A run ends, or is stopped.
    fn leave(&mut self, hold: u32) {
        let (gone, out) = std::mem::replace(&mut self.gone[hold as usize], (true, true));
        if gone {
            return;
        }
        for slice in &self.present.holds[hold as usize].slices {
            self.full.vacate(slice);
            if !out {
                self.bare.vacate(slice);
            }
        }
    }

    /// Plays until all of `wants`, which are in order, have started or nothing more can happen.
    pub(super) fn play(mut self, draft: &Draft<'_>, wants: &[Want]) -> Vec<Start> {
        let mut starts: Vec<Start> = Vec::with_capacity(wants.len());
        let mut waiting: Vec<Want> = wants.to_vec();
        let (mut still, mut failed) = (Vec::new(), Vec::new());
        for want in wants {
            if want.insists > self.now {
                self.expect(want.insists, Change::Insists);
            }
        }
        loop {
            let mut stopped = false;
            failed.clear();
            for want in waiting.drain(..) {
                // What does not fit for one does not fit for another of its class: room only shrinks.
                let class = (draft.state().job(want.job).spec.class, want.insists <= self.now);
                let start = if failed.contains(&class) { None } else { self.start(draft, want) };
                let Some(start) = start else {
                    failed.push(class);
                    still.push(want);
                    continue;
                };
                stopped |= !start.victims.is_empty();
                let end = if want.run == Span::MAX { Time::NEVER } else { start.at + self.drain + want.run };
                self.expect(end, Change::Ends(starts.len() as u32));
                starts.push(start);
            }
            std::mem::swap(&mut waiting, &mut still);
            // What the stopped leave over is there for those before, at the same instant.
            if waiting.is_empty() || !(stopped || self.advance(&starts)) {
                break;
            }
        }
        let never = |want| Start { want, at: Time::NEVER, slices: Placement::new(), victims: Vec::new(), slack: None };
        starts.extend(waiting.into_iter().map(never));
        starts
    }

    /// Goes to the next instant at which something changes.
    fn advance(&mut self, starts: &[Start]) -> bool {
        let known = self.present.coming.get(self.next).map(|(at, _)| *at);
        let brought = self.changes.peek().map(|Reverse((at, _))| *at);
        let Some(at) = known.into_iter().chain(brought).min() else { return false };
        self.now = at;
        while let Some((_, change)) = self.present.coming.get(self.next).filter(|(next, _)| *next == at) {
            self.next += 1;
            self.bring(*change, starts);
        }
        while let Some(Reverse((_, change))) = self.changes.peek().copied().filter(|Reverse((next, _))| *next == at) {
            self.changes.pop();
            self.bring(change, starts);
        }
        true
    }

    fn bring(&mut self, change: Change, starts: &[Start]) {
        match change {
            Change::Ends(start) => {
                for slice in &starts[start as usize].slices {
                    self.full.vacate(slice);
                    self.bare.vacate(slice);
                }
            }
            Change::Leaves(hold) => self.leave(hold),
            Change::Yields(hold) => self.give_way(hold),
            Change::Insists => {}
        }
    }

    /// Starts a job now, if it fits on what is free, or where runs that may be stopped for it are out of the way.
    fn start(&mut self, draft: &Draft<'_>, want: Want) -> Option<Start> {
        let class = draft.state().class_of(want.job);
        let insists = want.insists <= self.now;
        let room = if insists { &self.bare } else { &self.full };
        let short = |group: &engine::TaskGroup| room.slots(&group.request) < u64::from(group.tasks_min);
        if room.free_gpu_milli() < class.gpu_milli_min || class.shape.groups.iter().any(short) {
            return None;
        }
        let (slices, victims) = self.place(&class.shape, insists)?;
        let launch = self.now + self.drain;
        Some(Start { want, at: self.now, slices, victims, slack: want.slack(launch) })
    }

    fn place(&mut self, shape: &Shape, insists: bool) -> Option<(Placement, Vec<JobId>)> {
        let Some(level) = shape.required else { return self.place_within(shape, None, insists) };
        let domains = domains(if insists { &self.bare } else { &self.full }, level, shape.gpu_milli_min());
        domains.into_iter().find_map(|within| self.place_within(shape, Some(within), insists))
    }

    /// All tasks, or nothing: on free GPUs first, then where it costs least to stop runs.
    fn place_within(
        &mut self,
        shape: &Shape,
        within: Option<Within>,
        insists: bool,
    ) -> Option<(Placement, Vec<JobId>)> {
        let (mut slices, mut stopped) = (Placement::new(), Vec::new());
        for group in &shape.groups {
            for _ in 0..group.tasks_min {
                let free = tightest(&self.full, &group.request, within);
                let node = if insists { free.or_else(|| self.cheapest(&group.request, within)) } else { free };
                if node.is_none_or(|node| !self.task(node, &group.request, &mut slices, &mut stopped)) {
                    for slice in &slices {
                        self.full.vacate(slice);
                        self.bare.vacate(slice);
                    }
                    self.bring_back(&stopped);
                    return None;
                }
            }
        }
        Some((slices, stopped.into_iter().map(|hold| self.present.holds[hold as usize].job).collect()))
    }

    /// Takes room on `node`, and stops runs for it where it must.
    fn task(&mut self, node: NodeId, request: &TaskRequest, slices: &mut Placement, stopped: &mut Vec<u32>) -> bool {
        self.clear(node, request, stopped);
        let from = slices.len();
        if self.full.take(node, request, slices).is_none() {
            return false;
        }
        for slice in &slices[from..] {
            self.bare.occupy(slice);
        }
        true
    }

    /// The node on which the runs that may be stopped cost least, of the tightest that would fit without them.
    fn cheapest(&self, request: &TaskRequest, within: Option<Within>) -> Option<NodeId> {
        let fitting = self.bare.by_free(*request, Scan::FewestFree, within).take(NODES_COMPARED);
        fitting
            .min_by_key(|node| self.yielding_on(*node).map(|hold| self.present.holds[hold as usize].bill).sum::<u128>())
    }

    fn yielding_on(&self, node: NodeId) -> impl Iterator<Item = u32> + '_ {
        self.present
            .yielding
            .get(&node)
            .into_iter()
            .flatten()
            .copied()
            .filter(|hold| self.gone[*hold as usize] == (false, true))
    }

    /// Stops runs on `node`, the cheapest first, until `request` fits.
    fn clear(&mut self, node: NodeId, request: &TaskRequest, stopped: &mut Vec<u32>) {
        if self.full.fits(node, request) {
            return;
        }
        let mut there: Vec<u32> = self.yielding_on(node).collect();
        there.sort_by_key(|hold| {
            (self.present.holds[*hold as usize].bill, Reverse(self.present.holds[*hold as usize].job))
        });
        for hold in there {
            self.leave(hold);
            stopped.push(hold);
            if self.full.fits(node, request) {
                return;
            }
        }
    }

    /// Undoes the stops of a gang that found no place.
    fn bring_back(&mut self, stopped: &[u32]) {
        for hold in stopped {
            self.gone[*hold as usize].0 = false;
            for slice in &self.present.holds[*hold as usize].slices {
                self.full.occupy(slice);
            }
        }
    }
}

/// Nodes whose runs are priced against each other for one task.
const NODES_COMPARED: usize = 32;

/// The tightest node with room; a part of a GPU goes to one that is shared already.
fn tightest(cluster: &Cluster, request: &TaskRequest, within: Option<Within>) -> Option<NodeId> {
    let shared = match request.gpus {
        GpuRequest::Milli(_) => cluster.by_shared_room(*request, within).next(),
        GpuRequest::Whole(_) => None,
    };
    shared.or_else(|| cluster.by_free(*request, Scan::FewestFree, within).next())
}

/// Domains of a level with enough free GPUs, the tightest first.
fn domains(cluster: &Cluster, level: Level, need: u64) -> Vec<Within> {
    let mut free: BTreeMap<DomainId, u64> = BTreeMap::new();
    for node in (0..cluster.len()).map(NodeId::new) {
        if let Some(domain) = cluster.spec(node).domains.at(level) {
            *free.entry(domain).or_default() += u64::from(cluster.free_gpus(node)) * 1000;
        }
    }
    let mut fitting: Vec<(u64, DomainId)> =
        free.into_iter().filter(|(_, free)| *free >= need).map(|(domain, free)| (free, domain)).collect();
    fitting.sort_unstable();
    fitting.into_iter().map(|(_, domain)| Within { level, domain }).collect()
}

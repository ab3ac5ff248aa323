//! The future as far as run times are known: promised jobs start, in order, as soon as they fit.
//!
//! It is played on two copies of the cluster, one with and one without the runs that may be stopped, down to GPUs, cores
//! and memory. So what it says about gangs, models and topology is what will happen, not a count.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use engine::{Cluster, DomainId, Draft, GpuRequest, JobId, Level, NodeId, Placement, Scan, Shape, Span};
use engine::{TaskRequest, Time, Within};

use super::present::{Change, Present};
use super::target::Want;

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

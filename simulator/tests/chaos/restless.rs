//! A policy that moves runs about at random, besides what another one decides.

use engine::{Bill, Draft, JobId, Needs, NodeId, Policy, Slice, TaskRequest, Time};

/// The most that one job is moved: faults and moves end, and so does every job.
const MOVES_MAX: u32 = 12;

/// Another policy, and moves. It remembers nothing: what it does follows from the seed, the instant and the state.
pub(crate) struct Restless {
    inner: Box<dyn Policy>,
    seed: u64,
}

impl Restless {
    pub(crate) fn new(inner: Box<dyn Policy>, seed: u64) -> Self {
        Self { inner, seed }
    }
}

impl Policy for Restless {
    fn needs(&self) -> Needs {
        self.inner.needs()
    }

    fn decide(&mut self, now: Time, draft: &mut Draft<'_>) {
        self.inner.decide(now, draft);
        Lots { seed: self.seed ^ now.0, drawn: 0 }.stir(draft);
    }
}

/// Lots of one decision.
struct Lots {
    seed: u64,
    drawn: u64,
}

impl Lots {
    /// Below `n`.
    fn draw(&mut self, n: usize) -> usize {
        self.drawn += 1;
        let mut z = self.seed.wrapping_add(self.drawn.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) % n.max(1) as u64) as usize
    }

    fn stir(&mut self, draft: &mut Draft<'_>) {
        let may_move = |draft: &Draft<'_>, id: &JobId| {
            let job = draft.state().job(*id);
            // Who was placed at this instant stays for now, or an instant could have no end.
            draft.is_placed(*id) && job.spec.preemptible && job.placed < draft.now() && job.migrations < MOVES_MAX
        };
        let mut jobs: Vec<JobId> = draft.state().live().iter().copied().filter(|id| may_move(draft, id)).collect();
        for _ in 0..self.draw(4) {
            let count = 1 + self.draw(3);
            let mut moved = Vec::new();
            while moved.len() < count && !jobs.is_empty() {
                moved.push(jobs.swap_remove(self.draw(jobs.len())));
            }
            let mark = draft.mark();
            if !self.shuffle(draft, &moved) {
                draft.rollback(mark);
            }
        }
    }

    /// Lifts all; lands them in places of each other, or at random, and may start somebody on what they leave.
    fn shuffle(&mut self, draft: &mut Draft<'_>, jobs: &[JobId]) -> bool {
        let places: Vec<Vec<Slice>> = jobs.iter().map(|job| draft.placement(*job).to_vec()).collect();
        if !jobs.iter().all(|job| draft.lift(*job).is_ok()) {
            return false;
        }
        if self.draw(4) == 0 {
            self.start_somebody(draft);
        }
        let by = jobs.first().copied().filter(|_| self.draw(2) == 0);
        let all = jobs.iter().enumerate().all(|(at, job)| {
            let bill = Bill { by, predicted: self.draw(1_000_000) as u128 };
            let swapped = self.draw(2) == 0 && take_place(draft, &places[(at + 1) % places.len()]);
            if swapped && draft.land(*job, bill).is_ok() {
                return true;
            }
            let mark = draft.mark();
            let landed = draft.open().is_empty() && self.take_gang(draft, *job) && draft.land(*job, bill).is_ok();
            if !landed {
                draft.rollback(mark);
            }
            landed || (draft.open().is_empty() && draft.stay(*job))
        });
        // Without a move the start of somebody would be a decision that the other policy cannot see.
        all && jobs.iter().any(|job| !draft.is_placed(*job))
    }

    fn start_somebody(&mut self, draft: &mut Draft<'_>) {
        let mut latest = (0..draft.state().jobs().len()).rev().map(JobId::new);
        let Some(job) = latest.find(|job| draft.is_ready(*job)) else { return };
        let mark = draft.mark();
        if !self.take_gang(draft, job) || draft.start(job).is_err() {
            draft.rollback(mark);
        }
    }

    /// Takes the least of a gang into the open placement, each task on a random node that fits.
    fn take_gang(&mut self, draft: &mut Draft<'_>, job: JobId) -> bool {
        let groups = draft.state().class_of(job).shape.groups.clone();
        groups.iter().all(|group| (0..group.tasks_min).all(|_| self.take_task(draft, &group.request)))
    }

    fn take_task(&mut self, draft: &mut Draft<'_>, request: &TaskRequest) -> bool {
        let nodes = draft.cluster().len();
        let from = self.draw(nodes);
        let fits = |node: &NodeId| draft.cluster().fits(*node, request);
        let node = (0..nodes).map(|at| NodeId::new((from + at) % nodes)).find(fits);
        node.is_some_and(|node| draft.take(node, request))
    }
}

/// Takes exactly these slices into the open placement, or nothing.
fn take_place(draft: &mut Draft<'_>, slices: &[Slice]) -> bool {
    let mark = draft.mark();
    let taken = slices.iter().all(|slice| draft.take_slice(*slice));
    if !taken {
        draft.rollback(mark);
    }
    taken
}

//! The scheduler core: facts in, orders out.
//!
//! ```text
//!              facts of one instant                      orders
//!   World ───────────────────────────▶ Core::step ───────────────────▶ World
//!                                        │   ▲
//!                     apply: state moves │   │ Draft: checked wishes
//!                                        ▼   │
//!                                       Policy::decide
//! ```
//!
//! No clock, no I/O, no threads, no chance: the same facts give the same orders, always.

use crate::apply::{apply, grant_claims};
use crate::draft::{Draft, Scratch};
use crate::event::{Command, Input};
use crate::fault::Fault;
use crate::inventory::Inventory;
use crate::state::{State, Triggers};
use crate::time::{Span, Time};

/// What a policy must know and when it wants to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// It looks at true durations.
    pub oracle: bool,
    /// It is asked only after one of these.
    pub triggers: Triggers,
    /// Half-life of the decayed usage that it orders by; `None`: usage does not decay.
    pub usage_half_life: Option<Span>,
}

impl Default for Needs {
    fn default() -> Self {
        Self { oracle: false, triggers: Triggers::FREED.and(Triggers::ARRIVED), usage_half_life: None }
    }
}

/// Who decides. The same code runs in the simulator and on a live cluster.
///
/// What a policy remembers is a cache: a fresh one must decide the same after any step.
pub trait Policy: Send {
    /// What it must know, and when it wants to be asked. Constant.
    fn needs(&self) -> Needs;

    /// Whether it wants to be told which tasks are to be expected ([`crate::Event::WorkloadDeclared`]). Constant.
    fn expects_workload(&self) -> bool {
        false
    }

    /// Decides what should happen now.
    fn decide(&mut self, now: Time, draft: &mut Draft<'_>);
}

/// The state machine around one policy.
pub struct Core {
    state: State,
    policy: Box<dyn Policy>,
    needs: Needs,
    scratch: Scratch,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Core {
    /// An empty cluster.
    pub fn new(inventory: Inventory, policy: Box<dyn Policy>) -> Self {
        let half_life = policy.needs().usage_half_life;
        Self::of(State::new(inventory, half_life), policy)
    }

    pub(crate) fn of(state: State, policy: Box<dyn Policy>) -> Self {
        let needs = policy.needs();
        Self { state, policy, needs, scratch: Scratch::default() }
    }

    /// Everything the engine knows.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What the policy must know.
    pub fn needs(&self) -> Needs {
        self.needs
    }

    /// Whether the policy wants to be told which tasks are to be expected.
    pub fn expects_workload(&self) -> bool {
        self.policy.expects_workload()
    }

    /// Takes the facts of one instant, asks the policy once if one of them concerns it, and adds the orders to `out`.
    pub fn step(&mut self, batch: &[Input], out: &mut Vec<Command>) -> Result<(), Fault> {
        self.state.changes.begin_step();
        for input in batch {
            if input.at < self.state.now {
                return Err(Fault::TimeWentBack { from: self.state.now, to: input.at });
            }
            self.state.now = input.at;
            apply(&mut self.state, &input.event, out)?;
        }
        grant_claims(&mut self.state, out);
        if self.state.triggers.meets(self.needs.triggers) {
            self.decide(out)?;
        }
        Ok(())
    }

    fn decide(&mut self, out: &mut Vec<Command>) -> Result<(), Fault> {
        self.state.triggers = Triggers::NONE;
        self.state.job_reasons.clear();
        self.state.queue_reason = None;
        self.state.reasons_by_queue.clear();
        self.state.reasons_by_tenant.clear();
        let mut draft = Draft::new(&mut self.state, &mut self.scratch, self.needs.oracle);
        self.policy.decide(draft.now(), &mut draft);
        // The policy has seen the changes up to here; what its own wishes change, it sees next time.
        draft.forget_changes();
        draft.commit(out)
    }

    /// Recomputes what can be recomputed, and says what disagrees.
    pub fn check(&self) -> Result<(), String> {
        crate::check::check(&self.state)
    }

    /// Replaces the policy by a fresh one of the same kind, which must decide the same from here on.
    pub fn refresh_policy(&mut self, policy: Box<dyn Policy>) {
        self.policy = policy;
        self.scratch.forget();
    }
}

//! Runs programs as processes of this machine, each task under a shim of its own.
//!
//! ```text
//!   Local ── orders ──▶ keeper ── spec.json, wishes ──▶ shim ──▶ program
//!     ▲                   ▲  ▲                           │
//!     │ observations ─────┘  └── hints ("look") ─────────┘
//! ```
//!
//! The keeper is one thread that owns all there is to remember, and nothing of that is worth anything: what is on disk
//! ([`crate::runs`]) is the truth, so a server that starts again finds out everything by the very code that watches runs.
//!
//! The server never signals a program. It leaves a wish in the folder of the task and wakes the shim, which is the parent of
//! the program and so the only process that can be sure whom a number means. A wish also outlives the server, and reaches a
//! shim that has not got as far as its program.

use std::ffi::OsString;
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use engine::RunId;

use self::hints::Hints;
use self::keeper::{Keeper, Order};
use super::{Gang, Launcher, Observation};
use crate::runs::{self, Runs, name, process};

mod environment;
mod gang;
mod hints;
mod keeper;
mod spec;
mod task;

/// How local processes are kept.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How often the records of live runs are looked at, in case a hint was lost or a shim killed.
    pub sweep: Duration,
    /// Time between the signal to stop and the kill, for the rest of a gang that has failed, unless its job says.
    pub grace: Duration,
    /// After so long without an answer to a kill the shim itself is killed: its job may have stopped it.
    pub patience: Duration,
    /// Newest bytes that are kept of each of stdout and stderr; 0: all.
    pub log_bytes_max: u64,
    /// Ports for `MASTER_PORT`, one for each job. Below the range from which Linux takes ports for outgoing connections.
    pub master_ports: RangeInclusive<u16>,
    /// A group of cgroup v2 under which each task gets one of its own; see [`crate::runs::cgroup::own`].
    pub cgroup: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            sweep: Duration::from_secs(2),
            grace: Duration::from_secs(30),
            patience: Duration::from_secs(10),
            log_bytes_max: 1 << 30,
            master_ports: 20_000..=29_999,
            cgroup: None,
        }
    }
}

/// Local processes. Dropping it ends the threads of the server, and no program.
pub struct Local {
    runs: Runs,
    orders: Sender<Order>,
    keeper: Option<JoinHandle<()>>,
    hints: Option<Hints>,
}

impl Local {
    /// Runs programs with their records in `state`. `shim` is the program and the first arguments of a process that calls
    /// [`crate::shim::main`]. At most one may live on a state directory.
    pub fn new(
        state: &Path,
        shim: Vec<OsString>,
        observations: Sender<Observation>,
        settings: Settings,
    ) -> io::Result<Self> {
        if shim.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the command of the shim is empty"));
        }
        let runs = Runs::open(state)?;
        let (orders, inbox) = mpsc::channel();
        let hints = Hints::listen(runs.state(), orders.clone())?;
        let keeper = Keeper::new(runs.clone(), shim, observations, settings);
        let keeper = std::thread::Builder::new().name("keeper".to_owned()).spawn(move || keeper.run(&inbox))?;
        Ok(Self { runs, orders, keeper: Some(keeper), hints: Some(hints) })
    }

    /// Where its records are.
    pub fn runs(&self) -> &Runs {
        &self.runs
    }

    fn order(&self, order: Order) {
        // The keeper lives as long as this does.
        let _ = self.orders.send(order);
    }
}

impl Launcher for Local {
    fn launch(&mut self, gang: Gang) {
        self.order(Order::Take(gang));
    }

    fn stop(&mut self, run: RunId) {
        self.order(Order::Stop(run));
    }

    fn kill(&mut self, run: RunId) {
        self.order(Order::Kill(run));
    }

    /// The same as `launch`: what is on disk says what is to be done.
    fn reattach(&mut self, gang: Gang) {
        self.order(Order::Take(gang));
    }

    fn running(&mut self) -> io::Result<Vec<RunId>> {
        let mut found = Vec::new();
        for task in self.runs.tasks()? {
            let folder = self.runs.task(task);
            let over = runs::exists(&folder, name::ENDED) || !runs::exists(&folder, name::LOCK);
            if !over && runs::lock(&folder.join(name::LOCK))?.is_none() {
                found.push(task.run);
            }
        }
        let marked = process::marked(&self.runs.state().join("runs"))?;
        found.extend(marked.iter().filter_map(|(_, mark)| Some(Runs::task_of(mark.to_str()?)?.run)));
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.hints = None;
        self.order(Order::Quit);
        if let Some(keeper) = self.keeper.take() {
            // It has no more to say if it died.
            let _ = keeper.join();
        }
    }
}

//! A server: what was is read back from the journal, what runs is taken up, and the loop goes on.

mod clerk;
mod cluster;
mod error;
mod janitor;
mod recovery;
mod rows;

use std::cell::RefCell;
use std::ffi::OsString;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use engine::journal::{Header, VERSION};
use engine::{Core, Inventory, NodeId, Time, drive};
use policies::Context;

use self::clerk::Clerk;
pub use self::error::ServeError;
use self::janitor::Janitor;
use self::recovery::Recovery;
use crate::clock::Clock;
use crate::config::Config;
use crate::gpus::Found;
use crate::handle::Handle;
use crate::health::{DeviceView, Devices, Monitor, watch_nvml};
use crate::inbox::Channel;
use crate::launcher::{Launcher, Local, Observation, Settings};
use crate::ledger::{Desk, Ledger};
use crate::machine::Machines;
use crate::metrics::Meter;
use crate::runs::Runs;
use crate::store::{Folders, Start, Store};
use crate::submission::Defaults;
use crate::world::{BacklogMax, LiveWorld, Message, Shared};

/// Longest time between two looks at the GPUs.
const HEALTH_PAUSE: Duration = Duration::from_secs(10);

/// What a server is started with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The state folder.
    pub state: PathBuf,
    /// What it was told.
    pub config: Config,
    /// What it schedules on.
    pub machines: Machines,
    /// Program and first arguments of a process that calls [`crate::shim::main`].
    pub shim: Vec<OsString>,
    /// Which snapshot to start from.
    pub start: Start,
}

/// What others need once a server has read its state back.
#[derive(Clone, Debug)]
pub struct Ready {
    /// The way to the thread that schedules.
    pub handle: Handle,
    /// Where its files are.
    pub folders: Folders,
    /// Wall-clock time of scheduler time 0, in microseconds since 1970.
    pub origin_us: u64,
    /// What is known of the GPUs of this machine.
    pub devices: Arc<Devices>,
    /// What a person should know of the start, though nothing is lost.
    pub warnings: Vec<String>,
}

/// Runs a server on this thread until it is told to stop. `attend` is called once the state is read back, and lets people in.
/// Programs go on when the server ends, and are taken up by the next.
pub fn serve(setup: &Setup, attend: impl FnOnce(Ready) -> Result<(), ServeError>) -> Result<(), ServeError> {
    let header = header(setup)?;
    let Recovery { core, shared, store, records, origin_us, header, warnings, machines, changes } =
        recovery::recover(setup, header)?;
    let (sender, receiver) = channel();
    if !changes.0.is_empty() {
        // The receiver is in our hands.
        let _ = sender.send(Message::Facts(changes.0, changes.1));
    }
    let handle = Handle::new(sender.clone());
    let (observations, seen) = channel();
    let settings = Settings { log_bytes_max: setup.config.log_bytes_max, ..Settings::default() };
    let local = Local::new(&setup.state, setup.shim.clone(), observations, settings)
        .map_err(|source| ServeError::Launcher { state: setup.state.clone(), source })?;
    std::thread::Builder::new()
        .name("observed".to_owned())
        .spawn(move || forward(&seen, |observation| sender.send(Message::Observed(observation)).is_ok()))
        .map_err(ServeError::Thread)?;
    let inbox = Channel::new(receiver, Clock::resume(origin_us, core.state().now()));
    let shared = Rc::new(RefCell::new(shared));
    let store = Rc::new(RefCell::new(store));
    let folders = store.borrow().folders().clone();
    let metrics = handle.metrics();
    metrics.about(&header.policy);
    if let Some(at) = newest_snapshot(&folders) {
        metrics.snapshot_at(at);
    }
    let meter = Meter::new(Arc::clone(metrics), &core, &shared.borrow().book);
    let clerk = Clerk::new(
        Rc::clone(&store),
        records,
        handle.clone(),
        meter,
        header,
        setup.config.segment_bytes_max,
        origin_us,
    );
    let jobs = shared.borrow().book.len();
    tracing::info!(target: "trainyard", version = env!("CARGO_PKG_VERSION"), jobs, "the state is read back");
    let janitor = Janitor { runs: local.runs().clone(), keep: setup.config.keep(), handle: handle.clone() };
    let _ends_with_this = employ(janitor)?;
    let devices = watch_gpus(&setup.machines, &machines.inventory, local.runs().clone(), handle.clone())?;
    attend(Ready { handle, folders, origin_us, devices, warnings })?;
    let backlog_max = BacklogMax { all: setup.config.api.jobs_max, tenant: setup.config.api.tenant_jobs_max };
    let world = LiveWorld::new(inbox, local, Rc::clone(&shared), machines.inventory, defaults(setup));
    let world = world.with_uuids(machines.uuids).with_backlog_max(backlog_max);
    go_on(core, world, &shared, store, clerk)
}

/// Starts the thread that watches the GPUs of this machine, where there are any.
fn watch_gpus(machines: &Machines, known: &Inventory, runs: Runs, handle: Handle) -> Result<Arc<Devices>, ServeError> {
    let found = &machines.found;
    let view = |(index, gpu): (u32, &Found)| DeviceView {
        index,
        uuid: gpu.uuid.clone(),
        model: gpu.model.clone(),
        memory_mib: gpu.memory_mib,
        driver: found.driver.clone(),
        health: "ok".to_owned(),
        note: None,
    };
    // Real GPUs are those of this machine, the only node that was found; the journal may know others from before.
    let name = machines.inventory.nodes.first().map_or("", |node| node.name.as_str());
    let devices = Arc::new(Devices::new(name, (0..).zip(&found.gpus).map(view).collect()));
    if found.gpus.is_empty() {
        return Ok(devices);
    }
    let node = NodeId::new(known.nodes.iter().position(|node| node.name == name).unwrap_or(0));
    let boards = found.gpus.iter().map(|gpu| gpu.board).collect();
    let monitor = Monitor { handle, node, boards, devices: Arc::clone(&devices), pause: HEALTH_PAUSE };
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(ServeError::Thread)?;
    let work = move || {
        // NVML has answered a moment ago; if it does not now, the GPUs are used all the same.
        if let Err(why) = watch_nvml(&monitor, runs, &runtime) {
            monitor.devices.are_unwatched(&why);
        }
    };
    std::thread::Builder::new().name("health".to_owned()).spawn(work).map_err(ServeError::Thread)?;
    Ok(devices)
}

/// Starts the thread of the janitor, which ends when what is returned is dropped.
fn employ(janitor: Janitor) -> Result<std::sync::mpsc::Sender<()>, ServeError> {
    let (ends_with, ends) = channel();
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(ServeError::Thread)?;
    let work = move || janitor.run(&runtime, &ends);
    std::thread::Builder::new().name("janitor".to_owned()).spawn(work).map_err(ServeError::Thread)?;
    Ok(ends_with)
}

fn forward(seen: &Receiver<Observation>, send: impl Fn(Observation) -> bool) {
    while let Ok(observation) = seen.recv() {
        if !send(observation) {
            return;
        }
    }
}

fn defaults(setup: &Setup) -> Defaults {
    Defaults { grace: setup.config.grace.0 }
}

fn go_on<L: Launcher>(
    mut core: Core,
    mut world: LiveWorld<Channel, L>,
    shared: &Rc<RefCell<Shared>>,
    store: Rc<RefCell<Store>>,
    clerk: Clerk,
) -> Result<(), ServeError> {
    world.take_up(&core);
    let mut ledger = Ledger::new(store, Rc::clone(shared)).with_metrics(clerk.metrics());
    let mut desk = Desk::new(Rc::clone(shared), clerk);
    drive(&mut core, &mut world, &mut ledger, &mut desk)?;
    let closed = desk.audience().close();
    tracing::info!(target: "trainyard", "the server ends; programs go on");
    closed
}

/// When the newest snapshot was written; none where there is none, or where nobody can say.
fn newest_snapshot(folders: &Folders) -> Option<SystemTime> {
    let files = std::fs::read_dir(folders.snapshots()).ok()?;
    let written = |file: std::io::Result<std::fs::DirEntry>| file.ok()?.metadata().ok()?.modified().ok();
    files.filter_map(written).max()
}

/// The header that this server writes.
fn header(setup: &Setup) -> Result<Header, ServeError> {
    let built = policies::build(&setup.config.policy, context(setup.config.seed));
    let built = built.map_err(|error| ServeError::Policy(error.to_string()))?;
    if built.policy.needs().oracle {
        return Err(ServeError::Policy(format!(
            "`{}` must know how long jobs really run, which nobody does",
            built.text
        )));
    }
    let now_us = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64);
    Ok(Header {
        version: VERSION,
        trainyard_version: env!("CARGO_PKG_VERSION").to_owned(),
        policy: built.text,
        estimates: true,
        seed: setup.config.seed,
        inventory: setup.machines.inventory.clone(),
        notes: vec![("world".to_owned(), "live".to_owned()), ("origin_us".to_owned(), now_us.to_string())],
    })
}

fn context(seed: u64) -> Context {
    Context { estimates: true, seed }
}

/// Wall-clock time of an instant, in microseconds since 1970.
fn wall_us(origin_us: u64, time: Time) -> u64 {
    origin_us.saturating_add(time.0)
}

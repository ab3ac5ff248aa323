//! `serve`: the live executor on this machine.

mod log;

use std::ffi::OsString;
use std::thread;

use executor::api;
use executor::api::doors::Doors;
use executor::api::server::Shutdown;
use executor::config::{Config, inventory};
use executor::handle::Handle;
use executor::machine::{Machines, declared, this_machine};
use executor::server::{Ready, ServeError, Setup, serve};
use executor::store::Start;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::ServeArgs;
use crate::error::Error;
use crate::warnings;

/// Runs the command until it is told to stop by SIGTERM or SIGINT.
pub(crate) fn run(args: &ServeArgs) -> Result<(), Error> {
    if args.openapi {
        return crate::stdout::show_json(&api::openapi::document());
    }
    let setup = setup(args)?;
    let log = log::start(args.log.as_deref(), args.log_format)?;
    let served = serve(&setup, |ready| {
        ready.handle.metrics().watch_log(log.dropped());
        attend(&setup, ready)
    });
    log.end();
    served.map_err(failed)
}

fn failed(error: ServeError) -> Error {
    let hint = error.hint();
    match error {
        ServeError::Live(_) | ServeError::Thread(_) | ServeError::Diverged(_) => Error::failed(error.to_string(), hint),
        other => Error::input(other.to_string(), hint),
    }
}

fn setup(args: &ServeArgs) -> Result<Setup, Error> {
    let mut config = match &args.config {
        Some(path) => Config::read(path).map_err(|error| Error::input(error.to_string(), error.hint.clone()))?,
        None => Config::default(),
    };
    if let Some(policy) = &args.policy {
        config.policy.clone_from(policy);
    }
    let program = std::env::current_exe()
        .map_err(|error| Error::failed(format!("the path of this program is unknown: {error}"), "mount /proc"))?;
    let machines = machines(args, &config)?;
    let shim: Vec<OsString> = vec![program.into(), "shim".into()];
    let start = args.from_snapshot.map_or(Start::Newest, Start::Snapshot);
    Ok(Setup { state: args.state.clone().unwrap_or_default(), config, machines, shim, start })
}

/// Declared nodes, declared GPUs, or the GPUs of this machine.
fn machines(args: &ServeArgs, config: &Config) -> Result<Machines, Error> {
    if let Some(gpus) = args.gpus {
        if !config.nodes.is_empty() {
            return Err(Error::input("--gpus and [[nodes]] both say what there is", "give one of them"));
        }
        return Ok(declared(gpus, "declared"));
    }
    if !config.nodes.is_empty() {
        return Ok(Machines { inventory: inventory(&config.nodes), ..Machines::default() });
    }
    let found = executor::gpus::discover().unwrap_or_else(|why| {
        warnings::note(&format!("no GPUs: {why}; --gpus N declares some to try things out"));
        executor::gpus::Discovered::default()
    });
    found.notes.iter().for_each(|note| warnings::note(note));
    Ok(this_machine(found))
}

/// Lets people in, and says that the server is ready.
fn attend(setup: &Setup, ready: Ready) -> Result<(), ServeError> {
    for warning in &ready.warnings {
        warnings::note(&format!("warning: {warning}"));
    }
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(ServeError::Thread)?;
    let (doors, signals) = {
        // Sockets and signals belong to the runtime.
        let _inside = runtime.enter();
        let signals = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
        (Doors::open(&ready, &setup.config)?, signals)
    };
    let [terminate, interrupt] = signals;
    let (terminate, interrupt) = (terminate.map_err(ServeError::Thread)?, interrupt.map_err(ServeError::Thread)?);
    let inventory = &setup.machines.inventory;
    let text = format!(
        "ready: {} under `{}`, listening at {}{}",
        inventory.size(),
        setup.config.policy,
        ready.folders.socket().display(),
        doors.port().and_then(|port| port.url().ok()).map(|url| format!(" and {url}")).unwrap_or_default(),
    );
    let shutdown = Shutdown::default();
    let settings = doors.settings().clone();
    let (handle, access) = (ready.handle, settings.access.clone());
    let router = api::router(handle.clone(), settings, shutdown.clone());
    let all = move || {
        let watching = api::watch(handle.clone(), access, shutdown.clone());
        let ended = end_on_signal(terminate, interrupt, shutdown.clone(), handle);
        runtime.block_on(async { tokio::join!(doors.serve(router, shutdown), ended, watching) })
    };
    thread::Builder::new().name("api".to_owned()).spawn(all).map_err(ServeError::Thread)?;
    warnings::note(&text);
    Ok(())
}

/// Ends the server when somebody says so; programs go on.
async fn end_on_signal(mut terminate: Signal, mut interrupt: Signal, shutdown: Shutdown, handle: Handle) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    shutdown.begin();
    // A server that does not take requests any more ends by itself.
    let _ = handle.stop();
}

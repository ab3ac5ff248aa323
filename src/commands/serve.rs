//! `serve`: the live executor on this machine.

use std::ffi::OsString;
use std::thread;

use executor::api::server::{Limits, Shutdown};
use executor::api::{self, Peers};
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
    let setup = setup(args)?;
    serve(&setup, |ready| attend(&setup, ready)).map_err(failed)
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
    Ok(Setup { state: args.state.clone(), config, machines, shim, start })
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
        return Ok(Machines { inventory: inventory(&config.nodes), uuids: Vec::new() });
    }
    let found = executor::gpus::discover().unwrap_or_else(|why| {
        warnings::note(&format!("no GPUs: {why}; --gpus N declares some to try things out"));
        Vec::new()
    });
    Ok(this_machine(&found))
}

/// Lets people in, and says that the server is ready.
fn attend(setup: &Setup, ready: Ready) -> Result<(), ServeError> {
    for warning in &ready.warnings {
        warnings::note(&format!("warning: {warning}"));
    }
    let socket = ready.folders.socket();
    let refused = |source| ServeError::Listen { what: format!("cannot listen at {}", socket.display()), source };
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(ServeError::Thread)?;
    let (listener, signals) = {
        // Sockets and signals belong to the runtime.
        let _inside = runtime.enter();
        let signals = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
        (api::server::listen(&socket).map_err(refused)?, signals)
    };
    let [terminate, interrupt] = signals;
    let (terminate, interrupt) = (terminate.map_err(ServeError::Thread)?, interrupt.map_err(ServeError::Thread)?);
    let inventory = &setup.machines.inventory;
    let text =
        format!("ready: {} under `{}`, listening at {}", inventory.size(), setup.config.policy, socket.display(),);
    let shutdown = Shutdown::default();
    let settings = api::Settings::new(ready.origin_us, ready.folders.runs());
    let router = api::router(ready.handle.clone(), settings, shutdown.clone());
    let ended = end_on_signal(terminate, interrupt, shutdown.clone(), ready.handle);
    let serving = api::server::serve(listener, router, Peers::of_this_process(), Limits::default(), shutdown);
    let all = async move { tokio::join!(serving, ended) };
    thread::Builder::new().name("api".to_owned()).spawn(move || runtime.block_on(all)).map_err(ServeError::Thread)?;
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

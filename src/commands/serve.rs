//! `serve`: the live executor on this machine.

use std::ffi::OsString;
use std::thread;

use executor::api;
use executor::config::{Config, inventory};
use executor::machine::{Machines, declared, this_machine};
use executor::server::{Ready, ServeError, Setup, serve};
use executor::store::Start;

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

/// Says that the server is ready, and lets people in.
fn attend(setup: &Setup, ready: Ready) -> Result<(), ServeError> {
    for warning in &ready.warnings {
        warnings::note(&format!("warning: {warning}"));
    }
    let inventory = &setup.machines.inventory;
    let socket = ready.folders.socket();
    let listening = api::listen(&socket, ready.clone())
        .map_err(|source| ServeError::Listen { what: format!("cannot listen at {}", socket.display()), source })?;
    thread::Builder::new().name("api".to_owned()).spawn(move || listening.run()).map_err(ServeError::Thread)?;
    warnings::note(&format!(
        "ready: {} GPUs on {} nodes under `{}`, listening at {}",
        inventory.gpus(),
        inventory.nodes.len(),
        setup.config.policy,
        socket.display(),
    ));
    Ok(())
}

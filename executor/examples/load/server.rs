//! A server in a process of its own: journal, records, API and programs, as `trainyard serve` has them.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use executor::api::server::{Limits, Shutdown, listen};
use executor::api::{Peers, Settings, router};
use executor::config::Config;
use executor::machine;
use executor::server::{Setup, serve as run};
use executor::store::Start;

use crate::client::Client;

/// A server that is ready.
pub(crate) struct Server {
    child: Child,
    state: PathBuf,
    /// From the start of its process until it listened.
    pub(crate) ready: Duration,
}

impl Server {
    pub(crate) fn start(state: &Path, gpus: u32) -> Self {
        std::fs::create_dir_all(state.parent().unwrap()).unwrap();
        let begun = Instant::now();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg("serve").arg(state).arg(gpus.to_string()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        Self { child, state: state.to_owned(), ready: begun.elapsed() }
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(&self.state.join("trainyard.sock"))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it as a crash would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// The process of a server.
pub(crate) fn serve(state: &Path, gpus: u32) {
    let shim = vec![std::env::current_exe().unwrap().into(), "shim".into()];
    let machines = machine::declared(gpus, "declared");
    let setup = Setup { state: state.to_owned(), config: Config::default(), machines, shim, start: Start::Newest };
    let done = run(&setup, |ready| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let settings = Settings::new(ready.origin_us, ready.folders.runs());
        let shutdown = Shutdown::default();
        let router = router(ready.handle, settings, shutdown.clone());
        let listener = {
            let _inside = runtime.enter();
            listen(&ready.folders.socket()).unwrap()
        };
        let serving =
            executor::api::server::serve(listener, router, Peers::of_this_process(), Limits::default(), shutdown);
        thread::spawn(move || runtime.block_on(serving));
        println!("ready");
        std::io::stdout().flush().unwrap();
        Ok(())
    });
    done.expect("a server that goes on");
}

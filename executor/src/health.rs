//! Whether GPUs work: signs of faults become verdicts, and a node with a GPU that fails takes no more work.
//!
//! ```text
//!   Gpus (NVML, or a test) ── Symptom ──▶ Judge ── Verdict ──▶ monitor ──▶ drain, requeue, through the journal
//! ```
//!
//! An operator may give the node back at any time: what was found before is not found again, only a new fault drains it again.

mod judge;
mod monitor;
mod nvml;
mod xid;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::judge::{Effect, Judge, Verdict};
pub use self::monitor::{Monitor, watch};
pub use self::nvml::watch_nvml;

/// What was seen of a GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symptom {
    /// Place of the GPU in the order of NVML.
    pub board: u32,
    /// What it is.
    pub sign: Sign,
}

/// A sign that a GPU works, or does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sign {
    /// It answers.
    Answers,
    /// It is not on the bus any more.
    Lost,
    /// It must be reset before it can be used.
    ResetRequired,
    /// The driver has reported an error of this number.
    Xid(u64),
    /// Memory errors that could not be corrected, since the driver was loaded.
    Uncorrected(u64),
    /// Numbers of processes that use it and were started by no run.
    Strangers(Vec<u32>),
}

/// Where signs come from. One that is polled gives what it finds each time.
pub trait Gpus {
    /// Waits for signs, at most so long. `None`: there will be no more.
    fn wait(&mut self, at_most: Duration) -> Option<Vec<Symptom>>;
}

/// A GPU as `nodes` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceView {
    /// Its index in the node.
    pub index: u32,
    /// Its unique name.
    pub uuid: String,
    /// Its model; of an instance of a divided GPU with its profile.
    pub model: String,
    /// Its memory in MiB.
    pub memory_mib: u32,
    /// Version of its driver.
    pub driver: String,
    /// `ok`, or what was found last.
    pub health: String,
    /// Who uses it that no run has started, and the like.
    pub note: Option<String>,
}

/// What is known of the GPUs now, for those who look.
#[derive(Debug, Default)]
pub struct Devices {
    /// Name of the node that they are in.
    node: String,
    all: Mutex<Vec<DeviceView>>,
}

impl Devices {
    /// GPUs of a node, all well.
    pub fn new(node: &str, devices: Vec<DeviceView>) -> Self {
        Self { node: node.to_owned(), all: Mutex::new(devices) }
    }

    /// Name of their node.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// All of them.
    pub fn all(&self) -> Vec<DeviceView> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Nobody knows how they are from now on.
    pub fn are_unwatched(&self, why: &str) {
        let mut devices = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        devices.iter_mut().for_each(|device| device.health = format!("not watched: {why}"));
    }

    fn change(&self, index: u32, change: impl Fn(&mut DeviceView)) {
        let mut devices = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        devices.iter_mut().filter(|device| device.index == index).for_each(change);
    }
}

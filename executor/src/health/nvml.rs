//! Signs from NVML: errors of the driver as they come, everything else when it is looked at.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use nvml_wrapper::bitmasks::event::EventTypes;
use nvml_wrapper::enum_wrappers::device::{EccCounter, MemoryError};
use nvml_wrapper::enums::event::XidError;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, EventSet, Nvml};
use tokio::runtime::Runtime;

use super::{Gpus, Monitor, Sign, Symptom, watch};
use crate::gpus::unavailable;
use crate::runs::{Runs, process};

/// Number that is shown for an error of which the driver does not say the number.
const UNKNOWN: u64 = 999;

/// The GPUs of this machine. `runs` tells whose processes are of a run.
struct Watched<'a> {
    nvml: &'a Nvml,
    /// Where errors come from as they happen; `None` where this is not supported: then only looks find something.
    events: Option<EventSet<'a>>,
    count: u32,
    runs: Runs,
    look_at: Instant,
}

/// Watches the GPUs of this machine until the server ends; at once an error where NVML does not answer.
pub fn watch_nvml(monitor: &Monitor, runs: Runs, runtime: &Runtime) -> Result<(), String> {
    let nvml = Nvml::init().map_err(|error| unavailable(&error))?;
    let count = nvml.device_count().map_err(|error| unavailable(&error))?;
    let mut watched = Watched { nvml: &nvml, events: events(&nvml, count), count, runs, look_at: Instant::now() };
    watch(monitor, &mut watched, runtime);
    Ok(())
}

/// A set in which all GPUs report critical errors. Where one cannot, none does: looks have to do.
fn events(nvml: &Nvml, count: u32) -> Option<EventSet<'_>> {
    let mut set = nvml.create_event_set().ok()?;
    for index in 0..count {
        let device = nvml.device_by_index(index).ok()?;
        let wanted = EventTypes::CRITICAL_XID_ERROR & device.supported_event_types().ok()?;
        if wanted.is_empty() {
            return None;
        }
        set = device.register_events(wanted, set).ok()?;
    }
    Some(set)
}

impl Gpus for Watched<'_> {
    fn wait(&mut self, at_most: Duration) -> Option<Vec<Symptom>> {
        let now = Instant::now();
        if now >= self.look_at {
            self.look_at = now + at_most;
            return Some(self.look());
        }
        let left = self.look_at - now;
        let Some(events) = &self.events else {
            std::thread::sleep(left);
            return Some(Vec::new());
        };
        match events.wait(u32::try_from(left.as_millis()).unwrap_or(u32::MAX).max(1)) {
            Ok(event) => {
                let xid = match event.event_data {
                    Some(XidError::Value(xid)) => xid,
                    _ => UNKNOWN,
                };
                let board = event.device.index().ok();
                Some(board.map(|board| Symptom { board, sign: Sign::Xid(xid) }).into_iter().collect())
            }
            Err(NvmlError::Timeout) => Some(Vec::new()),
            // The set is of no use any more: looks go on.
            Err(_) => {
                self.events = None;
                Some(Vec::new())
            }
        }
    }
}

impl Watched<'_> {
    fn look(&self) -> Vec<Symptom> {
        let ours: Option<BTreeSet<i32>> = process::marked(&self.runs.state().join("runs"))
            .ok()
            .map(|marked| marked.into_iter().map(|(pid, _)| pid).collect());
        let mut symptoms = Vec::new();
        for board in 0..self.count {
            let signs = match self.nvml.device_by_index(board) {
                Ok(device) => signs(&device, ours.as_ref()),
                Err(error) => gone(&error).into_iter().collect(),
            };
            symptoms.extend(signs.into_iter().map(|sign| Symptom { board, sign }));
        }
        symptoms
    }
}

fn gone(error: &NvmlError) -> Option<Sign> {
    match error {
        NvmlError::GpuLost => Some(Sign::Lost),
        NvmlError::ResetRequired => Some(Sign::ResetRequired),
        // Not supported, or busy: that says nothing of its health.
        _ => None,
    }
}

fn signs(device: &Device<'_>, ours: Option<&BTreeSet<i32>>) -> Vec<Sign> {
    // Something that every GPU can answer.
    if let Err(error) = device.memory_info() {
        return gone(&error).into_iter().collect();
    }
    let mut signs = vec![Sign::Answers];
    // GPUs without such memory do not count.
    let errors = device.total_ecc_errors(MemoryError::Uncorrected, EccCounter::Volatile);
    signs.extend(errors.ok().map(Sign::Uncorrected));
    if let (Some(ours), Ok(users)) = (ours, device.running_compute_processes()) {
        let strange = |pid: &u32| i32::try_from(*pid).is_ok_and(|pid| !ours.contains(&pid));
        let mut pids: Vec<u32> = users.iter().map(|user| user.pid).filter(strange).collect();
        pids.sort_unstable();
        signs.push(Sign::Strangers(pids));
    }
    signs
}

//! How large a job is: which processors count, and what a processor becomes.

use super::fields::{ALLOCATED, FIELDS, REQUESTED, count, too_large};
use crate::canonical::words::below_unlimited;
use crate::error::TraceError;
use crate::input::Input;
use crate::table::Cells;
use crate::trace::Ledger;

/// Which of the two numbers of processors counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counted {
    /// The allocated ones, or else the requested ones.
    Allocated,
    /// The requested ones, or else the allocated ones.
    Requested,
    /// The larger number.
    Larger,
}

/// What the GPUs of a job are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gpus {
    /// Its processors.
    Processors,
    /// None: processors are CPUs.
    None,
    /// The number in a field behind the 18th; processors are CPUs.
    Field(usize),
}

/// The rules for sizes, from the options.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    counted: Counted,
    gpus: Gpus,
}

/// The size of one job.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) processors: u32,
    pub(super) gpu_milli: u32,
    pub(super) cpu_milli: u32,
}

impl Sizes {
    pub(super) fn of(input: &Input<'_>) -> Result<Self, TraceError> {
        let counted = match input.options.get("size") {
            None | Some("allocated") => Counted::Allocated,
            Some("requested") => Counted::Requested,
            Some("max") => Counted::Larger,
            Some(_) => return Err(input.bad_option("size", "allocated, requested or max")),
        };
        let gpus = match (input.options.get("procs"), input.count_option("gpu_field")?) {
            (None | Some("gpus"), None) => Gpus::Processors,
            (Some("cpus"), None) => Gpus::None,
            (None | Some("cpus"), Some(number)) if number as usize > FIELDS => Gpus::Field(number as usize - 1),
            (Some("gpus"), Some(_)) => return Err(input.bad_option("procs", "cpus, as gpu_field makes it")),
            (None | Some("cpus"), Some(_)) => return Err(input.bad_option("gpu_field", "19 or more")),
            (Some(_), _) => return Err(input.bad_option("procs", "gpus or cpus")),
        };
        Ok(Self { counted, gpus })
    }

    /// What was guessed about all jobs.
    pub(super) fn guess(&self) -> Option<&'static str> {
        (self.gpus == Gpus::Processors).then_some("processors are taken as GPUs (counted once)")
    }

    /// Position of the field with the GPUs, where the user names one.
    pub(super) fn gpu_field(&self) -> Option<usize> {
        if let Gpus::Field(at) = self.gpus { Some(at) } else { None }
    }

    /// The size of a job; `None` where it is unknown and the row is dropped.
    pub(super) fn of_row(&self, cells: &Cells<'_>, ledger: &mut Ledger) -> Result<Option<Size>, TraceError> {
        let Some((processors, at)) = self.processors(cells, ledger)? else {
            ledger.drop_row("no number of processors");
            return Ok(None);
        };
        let milli =
            |number: u32, at: usize| below_unlimited(u64::from(number) * 1000).ok_or_else(|| too_large(cells, at));
        let (gpu_milli, cpu_milli) = match self.gpus {
            Gpus::Processors => (milli(processors, at)?, 0),
            Gpus::None => (0, milli(processors, at)?),
            Gpus::Field(field) => {
                let known = if field < cells.len() { count(cells, field)? } else { None };
                let Some(gpus) = known else {
                    ledger.drop_row("no number of GPUs");
                    return Ok(None);
                };
                (milli(gpus, field)?, milli(processors, at)?)
            }
        };
        Ok(Some(Size { processors, gpu_milli, cpu_milli }))
    }

    /// The processors and their field. 0 occurs for jobs that never ran, and is no size.
    fn processors(&self, cells: &Cells<'_>, ledger: &mut Ledger) -> Result<Option<(u32, usize)>, TraceError> {
        let known = |at: usize| Ok(count(cells, at)?.filter(|number| *number > 0).map(|number| (number, at)));
        let (allocated, requested) = (known(ALLOCATED)?, known(REQUESTED)?);
        let (first, second, cause) = match self.counted {
            Counted::Allocated => (allocated, requested, "allocated processors unknown: the requested ones are taken"),
            Counted::Requested => (requested, allocated, "requested processors unknown: the allocated ones are taken"),
            Counted::Larger => return Ok(allocated.max(requested)),
        };
        if first.is_none() && second.is_some() {
            ledger.change_row(cause);
        }
        Ok(first.or(second))
    }
}

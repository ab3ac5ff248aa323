//! Run times out of steps and a table of throughput.

use engine::Span;

use super::Row;
use crate::error::TraceError;
use crate::input::Input;
use crate::profiles::gavel::key;
use crate::profiles::{Found, ModelId, Placement, Setting, ThroughputTable};
use crate::similar::nearest;
use crate::table::Cells;
use crate::trace::{Ledger, RunTimes};

/// The GPU model on which Gavel's own generator counts steps.
const MODEL_DEFAULT: &str = "v100";

/// Where run times come from.
pub(super) enum RunTimeRule {
    /// Nowhere.
    Unknown,
    /// A table.
    Table(Box<Rates>),
}

/// A table and what is asked of it.
pub(super) struct Rates {
    table: ThroughputTable,
    model: ModelId,
    name: String,
    /// Numbers of GPUs that the table knows for any kind of job.
    gpu_counts: Vec<u32>,
    missing: Missing,
}

/// What happens to a job for which the table has no rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Missing {
    Drop,
    Extrapolate,
}

impl RunTimeRule {
    /// As the options say.
    pub(super) fn of(input: &Input<'_>) -> Result<Self, TraceError> {
        let missing = match input.options.get("missing") {
            None | Some("drop") => Missing::Drop,
            Some("extrapolate") => Missing::Extrapolate,
            Some(_) => return Err(input.bad_option("missing", "drop or extrapolate")),
        };
        let Some(path) = input.options.get("throughputs") else {
            if let Some(key) = ["on", "missing"].into_iter().find(|key| input.options.get(key).is_some()) {
                let error = TraceError::new(input.file, "there is no table of throughput to ask").in_field(key);
                return Err(error.with_hint("write throughputs=FILE beside it"));
            }
            return Ok(Self::Unknown);
        };
        let table = ThroughputTable::load(&[path])?;
        let name = input.options.get("on").unwrap_or(MODEL_DEFAULT);
        let Some(model) = table.model(name) else {
            let models = table.models().join(", ");
            let error = TraceError::new(input.file, format!("`{name}` is no GPU model of {path}")).in_field("on");
            return Err(error.with_hint(match nearest(name, table.models().iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`? The models are {models}"),
                None => format!("the models are {models}"),
            }));
        };
        let name = table.model_name(model).to_owned();
        let gpu_counts = table.describe().gpu_counts;
        Ok(Self::Table(Box::new(Rates { table, model, name, gpu_counts, missing })))
    }

    pub(super) fn run_times(&self) -> RunTimes {
        match self {
            Self::Unknown => RunTimes::Unknown,
            Self::Table(_) => RunTimes::Computed,
        }
    }

    /// The GPU model of the run times, where they are known.
    pub(super) fn model(&self) -> Option<&str> {
        match self {
            Self::Unknown => None,
            Self::Table(rates) => Some(&rates.name),
        }
    }

    /// The run time of a row: 0 where nobody knows; `None` where the row is left out.
    pub(super) fn duration(
        &self,
        row: &Row,
        cells: &Cells<'_>,
        ledger: &mut Ledger,
    ) -> Result<Option<Span>, TraceError> {
        let rates = match self {
            Self::Table(rates) => rates,
            Self::Unknown => {
                ledger.change_row("run time unknown: no throughput table");
                return Ok(Some(Span(0)));
            }
        };
        let Some(job_type) = rates.table.job_type(&row.kind) else {
            ledger.drop_row(&format!("no throughput for {}", key::name(&row.kind)));
            return Ok(None);
        };
        let placement = Placement::OnNodes { gpus: row.gpus, nodes: 1 };
        let setting = Setting { job_type, model: rates.model, placement, beside: &[] };
        let Some(rate) = rates.rate(&setting, ledger) else { return Ok(None) };
        if !rate.can_run() {
            ledger.drop_row(&format!("throughput 0: the job cannot run on {}", rates.name));
            return Ok(None);
        }
        rate.time_of(row.steps).map(Some).ok_or_else(|| {
            cells.error("total_steps", "the run time is too large").with_hint("check the table of throughput")
        })
    }
}

impl Rates {
    fn rate(&self, setting: &Setting<'_>, ledger: &mut Ledger) -> Option<crate::profiles::Rate> {
        let gpus = setting.placement.gpus();
        let found = match self.missing {
            Missing::Drop => self.table.rate(setting),
            Missing::Extrapolate => self.table.estimate(setting).map(|estimate| {
                match estimate.found {
                    Found::Exact => {}
                    Found::Interpolated { .. } => {
                        ledger.change_row(&format!("throughput for scale factor {gpus}: interpolated"));
                    }
                    Found::Extrapolated { from } => {
                        ledger.change_row(&format!("throughput for scale factor {gpus}: taken from {from}"));
                    }
                }
                estimate.rate
            }),
        };
        if found.is_none() {
            let whom = if self.gpu_counts.contains(&gpus) { " of this kind of job" } else { "" };
            ledger.drop_row(&format!("no throughput for scale factor {gpus}{whom}"));
        }
        found
    }
}

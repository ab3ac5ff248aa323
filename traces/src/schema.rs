//! The canonical form: every column, its unit, its meaning and its default, in one place.

/// Version of the canonical form. It grows when a column changes its meaning, not when one is added.
pub const VERSION: u32 = 1;

/// Whether a file must have a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Every file has it, and every row a value.
    Required,
    /// A file may leave out the column, and a row the value.
    Optional,
}

/// A column of the canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name in the header.
    pub name: &'static str,
    /// Name of the same quantity in integer microseconds, for times. A file has one of the two. CSV is written with
    /// the first, Parquet with the second; both are read in both.
    pub micros_name: Option<&'static str>,
    /// Unit of the value.
    pub unit: &'static str,
    /// Whether it must be there.
    pub need: Need,
    /// Value where the column or the cell is missing.
    pub default: &'static str,
    /// What it says.
    pub meaning: &'static str,
}

impl Column {
    const fn required(name: &'static str, unit: &'static str, meaning: &'static str) -> Self {
        Self { name, micros_name: None, unit, need: Need::Required, default: "none: it must be given", meaning }
    }

    const fn optional(name: &'static str, unit: &'static str, default: &'static str, meaning: &'static str) -> Self {
        Self { name, micros_name: None, unit, need: Need::Optional, default, meaning }
    }

    const fn or_micros(mut self, name: &'static str) -> Self {
        self.micros_name = Some(name);
        self
    }
}

/// All columns, in the order in which they are written.
pub const COLUMNS: [Column; 28] = [
    Column::required("job_id", "text", "Identifier, unique in the file."),
    Column::required("submit_s", "seconds", "Submission, from the origin of the trace; at most six decimals count.")
        .or_micros("submit_us"),
    Column::required(
        "gpus",
        "GPUs",
        "GPUs of the gang: a whole number, a part of one GPU such as 0.25, or 0 for none.",
    ),
    Column::required("duration_s", "seconds", "Run time on the GPUs asked for.").or_micros("duration_us"),
    Column::optional("tenant", "path", "all", "Who submitted it, as a path such as org/team/user."),
    Column::optional("priority", "whole number", "0", "Higher goes first."),
    Column::optional("preemptible", "true or false", "true", "Whether a policy may preempt it."),
    Column::optional("estimate_s", "seconds", "none", "The user's estimate of the run time.").or_micros("estimate_us"),
    Column::optional("time_limit_s", "seconds", "none", "Time limit of one attempt.").or_micros("time_limit_us"),
    Column::optional("deadline_s", "seconds", "none", "When it should be finished, from the origin of the trace.")
        .or_micros("deadline_us"),
    Column::optional("start_by_s", "seconds", "none", "When it should be started, from the origin of the trace.")
        .or_micros("start_by_us"),
    Column::optional(
        "restart_s",
        "seconds",
        "none",
        "What a run after the first needs before it makes progress; none: as --set restart_s says.",
    )
    .or_micros("restart_us"),
    Column::optional("qos", "text", "none", "Quality of service that it was submitted with."),
    Column::optional(
        "required",
        "word",
        "none",
        "The whole gang inside one nvlink-domain, rack or zone, or it does not start.",
    ),
    Column::optional("preferred", "word", "none", "The same, if it can be had."),
    Column::optional(
        "cpu",
        "cores",
        "0",
        "CPU cores of the whole gang; parts to a thousandth count. 0: nothing known.",
    ),
    Column::optional("memory_gib", "GiB", "0", "Main memory of the whole gang, to the nearest MiB. 0: nothing known."),
    Column::optional("models", "names", "any", "GPU models that will do, joined by |."),
    Column::optional("tasks", "tasks", "none", "Equal tasks of the gang (pods, workers, nodes), each on one node."),
    Column::optional("queue", "text", "none", "Queue, partition or virtual cluster that it was submitted to."),
    Column::optional("name", "text", "none", "Name that the user gave; similar names of one user mark the same work."),
    Column::optional("start_s", "seconds", "none", "When it first ran in the source, from the origin of the trace.")
        .or_micros("start_us"),
    Column::optional("job_type", "text", "none", "What it trains, as tables of throughput call it."),
    Column::optional(
        "batch_size",
        "samples",
        "none",
        "Samples of a training step, as the source counts them; needs job_type.",
    ),
    Column::optional(
        "batch_mode",
        "word",
        "none",
        "How the batch size changes: static, accordion, gns; needs job_type.",
    ),
    Column::optional("steps", "steps", "none", "Training steps (iterations) of the whole job."),
    Column::optional("weight", "number", "1", "Weight among jobs, to a thousandth."),
    Column::optional(
        "outcome",
        "word",
        "unknown",
        "How it ended: finished, failed, killed, timed_out, node_failed, or censored (cut off).",
    ),
];

/// Tenant of jobs whose source names none.
pub const TENANT_DEFAULT: &str = "all";

/// The column called `name`, in either of its spellings.
pub fn column(name: &str) -> Option<&'static Column> {
    COLUMNS.iter().find(|column| column.name == name || column.micros_name == Some(name))
}

/// Names of the required columns.
pub(crate) fn required() -> impl Iterator<Item = &'static str> {
    COLUMNS.iter().filter(|column| column.need == Need::Required).map(|column| column.name)
}

/// Every name that a header may contain.
pub(crate) fn all_names() -> impl Iterator<Item = &'static str> {
    COLUMNS.iter().flat_map(|column| [Some(column.name), column.micros_name]).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_documented() {
        let mut names: Vec<_> = all_names().collect();
        assert_eq!(names.len(), 36);
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 36);
        assert!(COLUMNS.iter().all(|c| !c.unit.is_empty() && c.meaning.ends_with('.') && !c.default.is_empty()));
        assert_eq!(required().collect::<Vec<_>>(), ["job_id", "submit_s", "gpus", "duration_s"]);
        assert_eq!(column("submit_us").map(|c| c.name), Some("submit_s"));
    }
}

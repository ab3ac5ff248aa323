//! Where the columns of one export stand.

use super::lines::Lines;
use crate::error::TraceError;

/// Columns that are used, as sacct calls them, in lower case.
const USED: [(&str, &str); 25] = [
    ("jobid", "JobID"),
    ("jobidraw", "JobIDRaw"),
    ("submit", "Submit"),
    ("start", "Start"),
    ("end", "End"),
    ("elapsed", "Elapsed"),
    ("elapsedraw", "ElapsedRaw"),
    ("state", "State"),
    ("alloctres", "AllocTRES"),
    ("reqtres", "ReqTRES"),
    ("allocgres", "AllocGRES"),
    ("reqgres", "ReqGRES"),
    ("alloccpus", "AllocCPUS"),
    ("ncpus", "NCPUS"),
    ("reqcpus", "ReqCPUS"),
    ("nnodes", "NNodes"),
    ("allocnodes", "AllocNodes"),
    ("reqnodes", "ReqNodes"),
    ("reqmem", "ReqMem"),
    ("timelimit", "Timelimit"),
    ("timelimitraw", "TimelimitRaw"),
    ("user", "User"),
    ("account", "Account"),
    ("partition", "Partition"),
    ("jobname", "JobName"),
];

/// Columns from which GPUs are taken, the best first.
pub(super) const GPUS: [&str; 4] = ["alloctres", "reqtres", "allocgres", "reqgres"];
/// Columns that say at least how large a job without GPUs is.
const SIZES: [&str; 6] = ["alloccpus", "ncpus", "reqcpus", "nnodes", "allocnodes", "reqnodes"];

/// Where the columns stand.
pub(super) struct Columns {
    at: [Option<usize>; USED.len()],
}

impl Columns {
    /// Finds them, and checks that there are enough.
    pub(super) fn find(lines: &Lines<'_>) -> Result<Self, TraceError> {
        let find = |(name, _): (&str, &str)| lines.names.iter().position(|known| known == name);
        let columns = Self { at: USED.map(find) };
        let has = |name: &str| columns.at(name).is_some();
        let mut missing = Vec::new();
        if !has("jobid") && !has("jobidraw") {
            missing.push("`JobID`");
        }
        if !has("submit") {
            missing.push("`Submit`");
        }
        if !(has("elapsed") || has("elapsedraw") || has("start") && has("end")) {
            missing.push("`Elapsed` (or `Start` and `End`)");
        }
        if !GPUS.iter().chain(&SIZES).any(|name| has(name)) {
            missing.push("`AllocTRES`");
        }
        if missing.is_empty() {
            return Ok(columns);
        }
        let found = lines.header.shown_names();
        let error = lines.header.error(format!("{} missing; found: {found}", missing.join(", ")));
        Err(error.with_hint(
            "export with `sacct -a -X -P -o JobID,JobName,User,Account,Partition,State,Submit,Start,End,Elapsed,\
             Timelimit,NNodes,ReqTRES,AllocTRES`; -n leaves out the header, which is needed",
        ))
    }

    /// Where a column stands, by its name in lower case.
    pub(super) fn at(&self, name: &str) -> Option<usize> {
        USED.iter().position(|(known, _)| *known == name).and_then(|i| self.at[i])
    }

    /// The name of a column as sacct writes it.
    pub(super) fn said(name: &str) -> &'static str {
        USED.iter().find(|(known, _)| *known == name).map_or("", |(_, said)| said)
    }

    /// The column of the id.
    pub(super) fn id(&self) -> (Option<usize>, &'static str) {
        let name = if self.at("jobid").is_some() { "jobid" } else { "jobidraw" };
        (self.at(name), Self::said(name))
    }

    /// The first of `names` that the file has.
    pub(super) fn first(&self, names: &[&'static str]) -> Option<(usize, &'static str)> {
        names.iter().find_map(|name| Some((self.at(name)?, *name)))
    }

    /// Whether a column says GPUs.
    pub(super) fn say_gpus(&self) -> bool {
        self.first(&GPUS).is_some()
    }

    /// Names of the columns that are not used.
    pub(super) fn ignored(&self, lines: &Lines<'_>) -> Vec<String> {
        let unused = |at: &usize| !self.at.contains(&Some(*at)) && !lines.names[*at].is_empty();
        (0..lines.names.len()).filter(unused).map(|at| lines.header.names[at].clone()).collect()
    }
}

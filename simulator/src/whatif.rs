//! Yesterday under another policy: what happened, its simulation, and the simulation of others beside it.

mod differences;
mod figures;

use serde::Serialize;
use traces::Trace;

use crate::fidelity::{Fidelity, fidelity_of};
use crate::rerun::{Day, Rerun, RerunError};
use crate::result::{JobRow, Replay};

pub use differences::{PairedDifference, Verdict};
pub use figures::Figures;

/// Version of the JSON.
pub const SCHEMA: u32 = 1;

/// The answer. Keys are fixed; `docs/what-if.md` defines them.
#[derive(Clone, Debug, Serialize)]
pub struct WhatIf {
    /// Version of this object.
    pub schema: u32,
    /// Version of this program.
    pub trainyard_version: String,
    /// The journal.
    pub journal: String,
    /// Physics of the simulations.
    pub physics: String,
    /// GPUs of the cluster.
    pub cluster_gpus: u64,
    /// How far the simulation of yesterday is from yesterday.
    pub fidelity: Fidelity,
    /// What happened.
    pub yesterday: Outlook,
    /// The same day in the simulated world, under the same policy.
    pub simulated: Outlook,
    /// The same under the policies that were asked for.
    pub policies: Vec<Alternative>,
}

/// The figures of a day.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outlook {
    /// The policy.
    pub policy: String,
    /// Whether it saw true run times.
    pub clairvoyant: bool,
    /// Of all jobs.
    #[serde(flatten)]
    pub figures: Figures,
    /// Of the jobs of each tenant.
    pub tenants: Vec<TenantFigures>,
}

/// The figures of a tenant.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TenantFigures {
    /// Its path.
    pub tenant: String,
    /// Its figures.
    #[serde(flatten)]
    pub figures: Figures,
}

/// A policy beside the simulation of yesterday.
#[derive(Clone, Debug, Serialize)]
pub struct Alternative {
    /// Its figures.
    #[serde(flatten)]
    pub outlook: Outlook,
    /// Differences over all jobs.
    pub differences: Vec<PairedDifference>,
    /// The same of each tenant.
    pub tenant_differences: Vec<TenantDifferences>,
}

/// Differences over the jobs of a tenant.
#[derive(Clone, Debug, Serialize)]
pub struct TenantDifferences {
    /// Its path.
    pub tenant: String,
    /// The differences.
    pub differences: Vec<PairedDifference>,
}

/// The answer, and the days that it is made from: yesterday, its simulation, and one a policy.
#[derive(Debug)]
pub struct Answer {
    /// The answer.
    pub what_if: WhatIf,
    /// The days.
    pub days: Vec<Day>,
}

/// Plays the journal again under its own policy and under each of `policies`.
pub fn what_if(rerun: &Rerun<'_>, policies: &[String], done: &dyn Fn(&str)) -> Result<Answer, RerunError> {
    let yesterday = rerun.yesterday()?;
    done(crate::rerun::AS_IT_HAPPENED);
    let (fidelity, simulated) = fidelity_of(rerun, &yesterday)?;
    done(&simulated.replay.summary.policy);
    let mut days = Vec::new();
    for policy in policies {
        days.push(rerun.simulated(policy)?);
        done(policy);
    }
    let what_if = WhatIf {
        schema: SCHEMA,
        trainyard_version: env!("CARGO_PKG_VERSION").to_owned(),
        journal: rerun.recording().source.clone(),
        physics: rerun.physics().describe(),
        cluster_gpus: rerun.recording().inventory().gpus(),
        fidelity,
        yesterday: outlook(&yesterday.replay),
        simulated: outlook(&simulated.replay),
        policies: days.iter().map(|day| alternative(&simulated.replay, &day.replay)).collect(),
    };
    days.splice(0..0, [yesterday, simulated]);
    Ok(Answer { what_if, days })
}

fn outlook(replay: &Replay) -> Outlook {
    let of = |tenant: u32| replay.jobs.iter().filter(move |row| tenant_of(&replay.trace, row) == tenant);
    let tenants = (0..).zip(&replay.trace.tenants);
    let tenants = tenants.map(|(at, name)| TenantFigures { tenant: name.clone(), figures: Figures::of(of(at), None) });
    Outlook {
        policy: replay.summary.policy.clone(),
        clairvoyant: replay.summary.clairvoyant,
        figures: Figures::of(replay.jobs.iter(), replay.summary.gpu_allocated_share),
        tenants: tenants.collect(),
    }
}

fn alternative(base: &Replay, other: &Replay) -> Alternative {
    let pairs = || base.jobs.iter().zip(&other.jobs);
    let tenants = (0..).zip(&base.trace.tenants);
    let of_tenant = |(at, name): (u32, &String)| TenantDifferences {
        tenant: name.clone(),
        differences: differences::of(pairs().filter(|(row, _)| tenant_of(&base.trace, row) == at)),
    };
    Alternative {
        outlook: outlook(other),
        differences: differences::of(pairs()),
        tenant_differences: tenants.map(of_tenant).collect(),
    }
}

fn tenant_of(trace: &Trace, row: &JobRow) -> u32 {
    trace.jobs[row.trace_index as usize].tenant
}

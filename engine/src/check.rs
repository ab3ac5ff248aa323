//! Invariants that can be recomputed from the state at any time, each in a function of its own.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{JobId, NodeId};
use crate::job::{Cause, Job, Phase};
use crate::placement::{Slice, gpu_milli};
use crate::shape::MILLI;
use crate::state::{Plan, State};
use crate::terms::Amounts;

type Verdict = Result<(), String>;

/// Checks everything; the first disagreement in words.
pub(crate) fn check(state: &State) -> Verdict {
    state.cluster.check()?;
    no_gpu_given_twice(state)?;
    tasks_are_counted(state)?;
    gangs_are_whole(state)?;
    tables_agree(state)?;
    totals_agree(state)?;
    tenants_agree(state)
}

fn jobs(state: &State) -> impl Iterator<Item = (JobId, &Job)> {
    state.jobs.iter().enumerate().map(|(index, job)| (JobId::new(index), job))
}

/// What nobody else may plan with: the GPUs of a placed job, or those to which it moves.
pub(crate) fn planned_with(job: &Job) -> &[Slice] {
    if job.is_placed() { &job.placement } else { &job.goal }
}

/// Held + free = all, on every GPU; draining runs do not count, as their GPUs may be planned with. What is held for a job
/// that moves does.
fn no_gpu_given_twice(state: &State) -> Verdict {
    let mut held: BTreeMap<(NodeId, u32), u32> = BTreeMap::new();
    for (id, job) in jobs(state) {
        for slice in planned_with(job) {
            for gpu in slice.gpu_indices() {
                let sum = held.entry((slice.node, gpu)).or_default();
                *sum += u32::from(slice.milli);
                if *sum > MILLI {
                    return Err(format!("GPU {gpu} of {} is given twice, last to {id}", slice.node));
                }
            }
        }
    }
    for index in 0..state.cluster.len() {
        let node = NodeId::new(index);
        for gpu in 0..state.cluster.spec(node).gpus {
            let (used, free) = (held.get(&(node, gpu)).copied().unwrap_or(0), state.cluster.free_milli_of(node, gpu));
            if used + u32::from(free) != MILLI {
                return Err(format!("GPU {gpu} of {node}: {used} held and {free} free of {MILLI} thousandths"));
            }
        }
    }
    Ok(())
}

/// What nodes count as held by kind of task is what placed jobs hold, and what is held for those that move.
fn tasks_are_counted(state: &State) -> Verdict {
    let mut tasks: BTreeMap<(NodeId, u32), u32> = BTreeMap::new();
    for (_, job) in jobs(state) {
        for slice in planned_with(job).iter().filter(|slice| slice.mask != 0) {
            let gpus = if slice.is_whole() { slice.gpus() } else { 0 };
            *tasks.entry((slice.node, gpus)).or_default() += 1;
        }
    }
    let counted = (0..state.cluster.len())
        .map(NodeId::new)
        .flat_map(|node| state.cluster.held(node).iter().map(move |held| ((node, held.gpus), held.tasks)));
    if counted.collect::<BTreeMap<_, _>>() == tasks { Ok(()) } else { Err("tasks by node are miscounted".to_owned()) }
}

/// A placed job holds its whole gang, all others hold nothing, but for jobs that move: for them a gang is held.
fn gangs_are_whole(state: &State) -> Verdict {
    for (id, job) in jobs(state) {
        let class = state.class(job.spec.class);
        let held = gpu_milli(&job.placement);
        let is_gang = |slices: &[Slice]| {
            (class.gpu_milli_min..=class.gpu_milli).contains(&gpu_milli(slices)) && !slices.is_empty()
        };
        if !job.goal.is_empty() && (job.phase != Phase::Draining(Cause::Migrated) || !is_gang(&job.goal)) {
            return Err(format!("{id} is {:?} and GPUs are held for its next run: {:?}", job.phase, job.goal));
        }
        if job.is_live() {
            if !is_gang(&job.placement) {
                return Err(format!("{id} holds {held} thousandths of a GPU, its gang needs {}", class.gpu_milli_min));
            }
        } else if !job.placement.is_empty() {
            return Err(format!("{id} is {:?} and still holds GPUs", job.phase));
        }
    }
    Ok(())
}

/// The tables of live, draining and waiting jobs hold exactly the jobs in these phases; two runs never share a GPU.
fn tables_agree(state: &State) -> Verdict {
    let set = |table: &[JobId]| table.iter().copied().collect::<BTreeSet<_>>();
    let expect = |name: &str, table: &[JobId], want: BTreeSet<JobId>| {
        if set(table) == want && table.len() == want.len() {
            Ok(())
        } else {
            Err(format!("the table of {name} jobs is wrong"))
        }
    };
    let phase = |keep: fn(&Job) -> bool| jobs(state).filter(|(_, job)| keep(job)).map(|(id, _)| id).collect();
    expect("live", &state.live, phase(Job::is_live))?;
    let draining: Vec<JobId> = state.draining.iter().copied().collect();
    expect("draining", &draining, phase(|job| matches!(job.phase, Phase::Draining(_))))?;
    let by_node = |id: &JobId, at: usize| state.job(*id).placement.iter().any(|slice| slice.node.index() == at);
    let noted = |at: usize, ids: &[JobId]| {
        set(ids) == state.draining.iter().filter(|id| by_node(id, at)).copied().collect::<BTreeSet<_>>()
    };
    if let Some((at, _)) = state.draining_on.iter().enumerate().find(|(at, ids)| !noted(*at, ids)) {
        return Err(format!("the table of draining jobs of {} is wrong", crate::ids::NodeId::new(at)));
    }
    expect("claiming", &state.claims, phase(|job| job.phase == Phase::Launching && !job.launch_ordered))?;
    for (index, id) in state.live.iter().enumerate() {
        if state.job(*id).live_index as usize != index {
            return Err(format!("{id} is not where it thinks in the table of live jobs"));
        }
    }
    if let Some(id) = state.claims.iter().find(|id| !crate::apply::claim_waits(state, **id)) {
        return Err(format!("{id} waits for GPUs that nobody uses"));
    }
    if state.plans.iter().any(|plan| *plan != Plan::Nothing) {
        return Err("a plan of a draft is still there after it".to_owned());
    }
    Ok(())
}

fn totals_agree(state: &State) -> Verdict {
    let count = |keep: fn(&Job) -> bool| jobs(state).filter(|(_, job)| keep(job)).count() as u64;
    let held: u64 = jobs(state).filter(|(_, job)| job.launch_ordered).map(|(_, job)| gpu_milli(&job.placement)).sum();
    let totals = &state.totals;
    let found = (
        count(|job| job.phase == Phase::Ready),
        count(|job| job.outcome().is_none()),
        count(|job| job.launch_ordered),
        held,
    );
    let kept = (totals.ready, totals.open, totals.launched, totals.held_milli);
    if found == kept {
        Ok(())
    } else {
        Err(format!("totals (ready, open, launched, held) are {kept:?}, counted {found:?}"))
    }
}

fn tenants_agree(state: &State) -> Verdict {
    let mut held = vec![0u64; state.tenants.len()];
    for (_, job) in jobs(state).filter(|(_, job)| job.launch_ordered) {
        for tenant in state.tenants.ancestry(job.spec.tenant) {
            held[tenant.index()] += gpu_milli(&job.placement);
        }
    }
    let mut placed = vec![Amounts::ZERO; state.tenants.len()];
    for (_, job) in jobs(state) {
        for tenant in state.tenants.ancestry(job.spec.tenant) {
            placed[tenant.index()] += Amounts::held(planned_with(job));
        }
    }
    for (index, held) in held.iter().enumerate() {
        let tenant = crate::ids::TenantId::new(index);
        let kept = state.tenants.get(tenant).held_milli;
        let entry = state.tenants.get(tenant);
        if entry.placed != placed[index] {
            return Err(format!("tenant {tenant} has {:?} placed, its account says {:?}", placed[index], entry.placed));
        }
        if kept != *held {
            return Err(format!("tenant {tenant} holds {held} thousandths of a GPU, its account says {kept}"));
        }
    }
    Ok(())
}

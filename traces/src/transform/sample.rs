//! Random parts of a trace, drawn without replacement.

use rand::rngs::ChaCha12Rng;
use rand::{RngExt, SeedableRng};

use super::amount::Amount;
use super::{TraceError, Work};

/// Keeps a random part of the jobs.
pub(super) fn jobs(work: &mut Work<'_>, amount: Amount) -> Result<(), TraceError> {
    let kept = drawn(work, amount, work.trace.jobs.len(), "jobs")?;
    let mut at = 0;
    work.keep("not in the sample of jobs", |_| {
        at += 1;
        kept[at - 1]
    });
    Ok(())
}

/// Keeps all jobs of a random part of the tenants that submitted any.
pub(super) fn tenants(work: &mut Work<'_>, amount: Amount) -> Result<(), TraceError> {
    let present: std::collections::BTreeSet<u32> = work.trace.jobs.iter().map(|job| job.tenant).collect();
    let drawn = drawn(work, amount, present.len(), "tenants")?;
    let kept: std::collections::BTreeSet<u32> =
        present.into_iter().zip(drawn).filter_map(|(tenant, kept)| kept.then_some(tenant)).collect();
    work.keep("of a tenant that is not in the sample", |job| kept.contains(&job.tenant));
    Ok(())
}

/// Which of `whole` things are drawn: the first of a shuffle (Fisher and Yates) that stops when enough are drawn.
fn drawn(work: &Work<'_>, amount: Amount, whole: usize, what: &str) -> Result<Vec<bool>, TraceError> {
    let Some(count) = amount.of(whole) else {
        let error = work.error(format!("there are only {whole} {what} to draw from"));
        return Err(error.with_hint("ask for fewer, or for a share such as 0.1"));
    };
    let mut rng = ChaCha12Rng::seed_from_u64(work.seed);
    let mut order: Vec<usize> = (0..whole).collect();
    let mut drawn = vec![false; whole];
    for at in 0..count {
        let other = rng.random_range(at..whole);
        order.swap(at, other);
        drawn[order[at]] = true;
    }
    Ok(drawn)
}

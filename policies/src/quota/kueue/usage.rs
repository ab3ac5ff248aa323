//! What local queues have used lately, and the penalty for what they start (KEP-4136).
//!
//! KEP-4136 keeps U <- (1 - A) U + A u with A = 1 - 0.5^(sampling / half-life), and adds A x request when a job is admitted. The
//! engine's usage is the same average for ever shorter samples, times half-life / ln 2; in its measure the penalty is what
//! holding the request for one sampling interval adds. Penalties stand on the board of the engine: two numbers a tenant,
//! the sum and its time.

use engine::{Draft, JobId, State, TenantId, decay};

use super::rules::UsageRule;

/// Penalties stand in thousandths of a GPU x milliseconds, so that a number holds them.
const MICROS_IN_UNIT: u128 = 1000;

/// Usage and penalties of a tenant by its weight: less goes first.
pub(super) fn rank(state: &State, rule: UsageRule, tenant: TenantId) -> u128 {
    let used = state.tenants().usage(tenant, state.now()) + penalty(state, rule, tenant);
    used * 1000 / u128::from(state.tenants().get(tenant).terms.weight_milli)
}

fn penalty(state: &State, rule: UsageRule, tenant: TenantId) -> u128 {
    let at = tenant.index() * 2;
    let (Some(sum), Some(time)) = (state.board().get(at), state.board().get(at + 1)) else { return 0 };
    let elapsed = state.now().since(engine::Time(*time));
    decay::advance(u128::from(*sum) * MICROS_IN_UNIT, 0, elapsed, Some(rule.half_life))
}

/// `job` starts.
pub(super) fn charge(draft: &mut Draft<'_>, rule: UsageRule, job: JobId) {
    let (tenant, now) = (draft.state().tenant_of(job), draft.now());
    let milli = draft.state().class_of(job).gpu_milli_min;
    let sum = penalty(draft.state(), rule, tenant) + decay::advance(0, milli, rule.sampling, Some(rule.half_life));
    let tenants = draft.state().tenants().len();
    let board = draft.board();
    board.resize(tenants.max(board.len() / 2) * 2, 0);
    board[tenant.index() * 2] = u64::try_from(sum / MICROS_IN_UNIT).unwrap_or(u64::MAX);
    board[tenant.index() * 2 + 1] = now.0;
}

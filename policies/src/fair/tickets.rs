//! The accounts of stride scheduling, which the engine keeps on the board: how far each user has come for its tickets.
//!
//! A pass is GPU-time for tickets (Waldspurger and Weihl, 1995): the user with the least goes first. Who comes back after
//! a break starts where the last of the others is, so that idle time is not saved up.

use engine::{Draft, Span, TenantId};

use super::groups::{Groups, Level};

/// When the next round is due (microseconds).
const NEXT_ROUND: usize = 0;
/// The job for which GPUs are held until then, plus 1.
const HELD: usize = 1;
/// Where the accounts of users start. Each has four words, and two for each pool where GPU models can be traded.
const FIRST: usize = 2;
const WORDS: usize = 4;
/// GPU-time for tickets so far: thousandths of a GPU x milliseconds for one ticket.
const PASS: usize = 0;
/// Usage at the last look: thousandths of a GPU x milliseconds.
const SEEN: usize = 1;
/// Whether the user had jobs at the last look.
const ACTIVE: usize = 2;
/// How far the jobs of the user have come: run time of the one that has least (microseconds).
const JOBS: usize = 3;

/// Pools of a cluster on which models can be traded, whether they are or not: so places never move.
fn pools(draft: &Draft<'_>) -> usize {
    let models = draft.cluster().inventory().models.len();
    if models > 1 { models + 1 } else { 0 }
}

fn at(draft: &Draft<'_>, user: TenantId, word: usize) -> usize {
    FIRST + user.index() * (WORDS + 2 * pools(draft)) + word
}

/// The account of a user in one pool: its pass there, and its share in millionths of a GPU.
fn in_pool(draft: &Draft<'_>, user: TenantId, pool: usize) -> usize {
    at(draft, user, WORDS + 2 * pool)
}

/// What `gpu_milli` thousandths of a GPU for `span` cost a user with a weight.
pub(crate) fn charge(gpu_milli: u64, span: Span, weight_milli: u64) -> u64 {
    let used = u128::from(gpu_milli) * u128::from(span.0 / 1000);
    u64::try_from(used * 1000 / u128::from(weight_milli)).unwrap_or(u64::MAX)
}

/// Brings all accounts up to now.
pub(crate) fn settle(draft: &mut Draft<'_>, groups: &Groups, level: Level, is_active: impl Fn(TenantId) -> bool) {
    let words = at(draft, TenantId::new(groups.len()), 0);
    if draft.state().board().len() < words {
        draft.board().resize(words, 0);
    }
    for user in &groups.roots {
        let used = u64::try_from(groups.usage(draft, level, *user) / 1000).unwrap_or(u64::MAX);
        let weight = draft.state().tenants().get(*user).terms.weight_milli;
        let at = at(draft, *user, 0);
        let board = draft.board();
        let more = u128::from(used.saturating_sub(board[at + SEEN])) * 1000 / u128::from(weight);
        board[at + SEEN] = used;
        board[at + PASS] = board[at + PASS].saturating_add(u64::try_from(more).unwrap_or(u64::MAX));
    }
    let mut words = vec![PASS];
    words.extend((0..pools(draft)).map(|pool| WORDS + 2 * pool));
    for word in words {
        join(draft, groups, word, &is_active);
    }
    for user in &groups.roots {
        let at = at(draft, *user, ACTIVE);
        draft.board()[at] = u64::from(is_active(*user));
    }
}

/// Users that come, or come back, start where the last of the others is; where nobody stayed, all start alike.
fn join(draft: &mut Draft<'_>, groups: &Groups, word: usize, is_active: &impl Fn(TenantId) -> bool) {
    let (mut least, mut most) = (None, 0);
    for user in &groups.roots {
        let at = at(draft, *user, 0);
        let (pass, was_active) = (draft.state().board()[at + word], draft.state().board()[at + ACTIVE] == 1);
        most = most.max(pass);
        if was_active && is_active(*user) {
            least = Some(least.map_or(pass, |least: u64| least.min(pass)));
        }
    }
    let start = least.unwrap_or(most);
    for user in groups.roots.iter().filter(|user| is_active(**user)) {
        let at = at(draft, *user, 0);
        let board = draft.board();
        if board[at + ACTIVE] == 0 {
            board[at + word] = board[at + word].max(start);
        }
    }
}

/// The pass of a user in a pool, and its share of it in millionths of a GPU.
pub(crate) fn account(draft: &Draft<'_>, user: TenantId, pool: usize) -> (u64, u64) {
    let at = in_pool(draft, user, pool);
    let board = draft.state().board();
    (board.get(at).copied().unwrap_or(0), board.get(at + 1).copied().unwrap_or(0))
}

/// Sets the pass.
pub(crate) fn set_pass(draft: &mut Draft<'_>, user: TenantId, pool: usize, pass: u64) {
    let at = in_pool(draft, user, pool);
    draft.board()[at] = pass;
}

/// Sets the share.
pub(crate) fn set_share(draft: &mut Draft<'_>, user: TenantId, pool: usize, share: u64) {
    let at = in_pool(draft, user, pool);
    draft.board()[at + 1] = share;
}

/// The pass of a user.
pub(crate) fn pass(draft: &Draft<'_>, user: TenantId) -> u64 {
    draft.state().board().get(at(draft, user, PASS)).copied().unwrap_or(0)
}

/// How far the jobs of a user have come.
pub(crate) fn jobs(draft: &Draft<'_>, user: TenantId) -> u64 {
    draft.state().board().get(at(draft, user, JOBS)).copied().unwrap_or(0)
}

/// The job of a user that has come least far stands at `key`.
pub(crate) fn advance_jobs(draft: &mut Draft<'_>, user: TenantId, key: u64) {
    let at = at(draft, user, JOBS);
    let word = &mut draft.board()[at];
    *word = key.max(*word);
}

/// When the next round is due.
pub(crate) fn next_round(draft: &Draft<'_>) -> engine::Time {
    engine::Time(draft.state().board().get(NEXT_ROUND).copied().unwrap_or(0))
}

/// Sets it.
pub(crate) fn set_next_round(draft: &mut Draft<'_>, time: engine::Time) {
    draft.board()[NEXT_ROUND] = time.0;
}

/// The job for which GPUs are held.
pub(crate) fn held(draft: &Draft<'_>) -> Option<engine::JobId> {
    let word = draft.state().board().get(HELD).copied().unwrap_or(0);
    (word > 0).then(|| engine::JobId(word as u32 - 1))
}

/// Sets it.
pub(crate) fn set_held(draft: &mut Draft<'_>, job: Option<engine::JobId>) {
    draft.board()[HELD] = job.map_or(0, |job| u64::from(job.0) + 1);
}

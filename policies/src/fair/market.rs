//! What each user brings to the market of GPU models: what its open jobs ask for, and how fast they are.

use engine::{Draft, JobId, ModelId, Phase};

use super::groups::Level;
use super::pools::Pools;
use super::trade::Trader;

/// Open jobs by user, as a cache that follows the changes of jobs.
#[derive(Debug, Default)]
pub(crate) struct Market {
    counted: Vec<bool>,
    users: Vec<Sums>,
}

#[derive(Clone, Debug, Default)]
struct Sums {
    gpu_milli: u64,
    /// Those of jobs whose speeds are known, and times the speed on each model.
    known_milli: u64,
    speeds: Vec<u128>,
}

impl Market {
    /// Starts from nothing.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// A job changed.
    pub(crate) fn note(&mut self, draft: &Draft<'_>, level: Level, pools: &Pools, job: JobId) {
        let open = !matches!(draft.state().job(job).phase, Phase::Done(_) | Phase::Held(_));
        if self.counted.len() <= job.index() {
            self.counted.resize(job.index() + 1, false);
        }
        if std::mem::replace(&mut self.counted[job.index()], open) == open {
            return;
        }
        let entry = draft.state().job(job);
        let user = level.group(draft, entry.spec.tenant).index();
        if self.users.len() <= user {
            self.users.resize(user + 1, Sums::default());
        }
        let sums = &mut self.users[user];
        let milli = draft.state().class_of(job).gpu_milli;
        let count = |sum: u64| if open { sum + milli } else { sum - milli };
        sums.gpu_milli = count(sums.gpu_milli);
        sums.speeds.resize(pools.wide(), 0);
        // Which models a class can run on is the same whenever it is asked.
        for model in 0..pools.wide() {
            let ppm = if pools.allows(entry.spec.class, model) {
                draft.state().speed_ppm(job, ModelId(model as u8))
            } else {
                Some(0)
            };
            let part = u128::from(milli) * u128::from(ppm.unwrap_or(0));
            let speed = &mut sums.speeds[model];
            *speed = if open { *speed + part } else { *speed - part };
        }
        if entry.spec.kind.is_some() {
            sums.known_milli = count(sums.known_milli);
        }
    }

    /// A user as it comes to the market.
    pub(crate) fn trader(&self, user: usize, weight_milli: u32) -> Trader {
        let Some(sums) = self.users.get(user) else { return Trader { weight_milli, ..Trader::default() } };
        let known = u128::from(sums.known_milli);
        let mean = |sum: &u128| u64::try_from(sum / known.max(1)).unwrap_or(u64::MAX);
        let speeds = if known == 0 { Vec::new() } else { sums.speeds.iter().map(mean).collect() };
        Trader { weight_milli, demand: sums.gpu_milli.saturating_mul(1000), speeds, share: Vec::new() }
    }
}

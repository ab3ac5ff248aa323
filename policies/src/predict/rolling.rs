//! The rolling estimate of Helios' QSSF.

use engine::{Draft, JobId, Span, TenantId};

use super::history::{Mean, name_of};
use super::similar::closest;
use super::{History, Key, Predictor};

/// Whose jobs are searched for close names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// Those of the same user.
    User,
    /// Everybody's, as in the artifact; among the jobs with these names the user's own count where there are any.
    All,
}

/// What stands in for the learnt model of the paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// Nothing: the rolling estimate alone.
    None,
    /// The estimate that comes with the job; a job without one has the rolling estimate alone.
    Estimates,
}

/// Run time by closely named jobs of the user (Hu et al., SC 2021, section 4.2): alpha x rolling + (1 - alpha) x model.
#[derive(Clone, Copy, Debug)]
pub struct Rolling {
    /// Weight of the rolling estimate, in parts per million.
    pub alpha_ppm: u32,
    /// The other part.
    pub model: Model,
    /// Whose names are searched.
    pub pool: Pool,
    /// How many close names count.
    pub matches: usize,
    /// Least similarity of a close name, 0 to 1.
    pub cutoff: f64,
}

impl Predictor for Rolling {
    fn predict(&self, history: &History, draft: &Draft<'_>, job: JobId) -> Span {
        let rolling = self.rolling(history, draft, job);
        let model = draft.state().job(job).spec.estimate.filter(|_| self.model == Model::Estimates);
        let Some(model) = model else { return rolling };
        let alpha = u128::from(self.alpha_ppm);
        let mixed = (u128::from(rolling.0) * alpha + u128::from(model.0) * (1_000_000 - alpha)) / 1_000_000;
        Span(u64::try_from(mixed).unwrap_or(u64::MAX))
    }
}

impl Rolling {
    fn rolling(&self, history: &History, draft: &Draft<'_>, job: JobId) -> Span {
        let (user, milli) = (draft.state().tenant_of(job), draft.state().class_of(job).gpu_milli);
        let names = name_of(draft, job).map_or_else(Vec::new, |name| self.close_names(history, user, name));
        let mean = |user: Option<TenantId>, gpu_milli: Option<u64>| -> Option<Span> {
            let of_name = |name: &u32| history.mean(Key { user, name: Some(*name), gpu_milli });
            names.iter().map(of_name).sum::<Mean>().span()
        };
        let by_name = || mean(Some(user), Some(milli)).or_else(|| mean(Some(user), None)).or_else(|| mean(None, None));
        let of_user = || history.mean(Key { user: Some(user), ..Key::default() }).span();
        let of_all = || history.mean(Key::default()).span();
        by_name().or_else(of_user).or_else(of_all).unwrap_or(Span::ZERO)
    }

    /// Names of ended jobs that are close enough. The name itself, where it is one of them, makes the others superfluous.
    fn close_names(&self, history: &History, user: TenantId, name: &str) -> Vec<u32> {
        let known = history.number(name).filter(|number| self.pool == Pool::All || history.has(user, *number));
        match (known, self.pool) {
            (Some(number), _) => vec![number],
            (None, Pool::User) => closest(name, history.names_of(user), self.matches, self.cutoff),
            (None, Pool::All) => closest(name, history.names(), self.matches, self.cutoff),
        }
    }
}

//! Mean run times of jobs that have ended, by user, name and GPUs.

use std::collections::{BTreeMap, BTreeSet};

use engine::{Draft, JobId, Span, TenantId};

use super::Predictor;

/// What jobs are told apart by. A part that is `None` is not looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) user: Option<TenantId>,
    /// Number of the name in the history.
    pub(crate) name: Option<u32>,
    pub(crate) gpu_milli: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mean {
    micros: u128,
    jobs: u64,
}

impl Mean {
    /// Rounded down; `None` without jobs.
    pub(crate) fn span(self) -> Option<Span> {
        (self.jobs > 0).then(|| Span(u64::try_from(self.micros / u128::from(self.jobs)).unwrap_or(u64::MAX)))
    }

    fn add(&mut self, span: Span) {
        self.micros += u128::from(span.0);
        self.jobs += 1;
    }
}

impl std::iter::Sum for Mean {
    fn sum<I: Iterator<Item = Self>>(means: I) -> Self {
        means.fold(Self::default(), |a, b| Self { micros: a.micros + b.micros, jobs: a.jobs + b.jobs })
    }
}

/// What is known of jobs that have ended: means, in which the order of the jobs does not matter.
#[derive(Debug, Default)]
pub(crate) struct History {
    counted: Vec<bool>,
    means: BTreeMap<Key, Mean>,
    /// Equal names have one number.
    numbers: BTreeMap<String, u32>,
    names: Vec<String>,
    /// The names of each user's jobs.
    names_of: BTreeSet<(TenantId, u32)>,
}

impl History {
    /// Takes in a job that has ended, however it did, by the time that it ran. One that never ran says nothing.
    pub(crate) fn add(&mut self, draft: &Draft<'_>, id: JobId) {
        if self.counted.len() <= id.index() {
            self.counted.resize(id.index() + 1, false);
        }
        let ran = draft.state().job(id).attained(draft.now());
        if std::mem::replace(&mut self.counted[id.index()], true) || ran == Span::ZERO {
            return;
        }
        let (user, milli) = (draft.state().tenant_of(id), draft.state().class_of(id).gpu_milli);
        let name = name_of(draft, id).map(|text| self.intern(text));
        if let Some(name) = name {
            self.names_of.insert((user, name));
        }
        let users = [None, Some(user)];
        for user in users {
            for gpu_milli in [None, Some(milli)] {
                self.means.entry(Key { user, name: None, gpu_milli }).or_default().add(ran);
                if name.is_some() {
                    self.means.entry(Key { user, name, gpu_milli }).or_default().add(ran);
                }
            }
        }
    }

    fn intern(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.names.len() as u32;
        self.numbers.insert(text.to_owned(), number);
        self.names.push(text.to_owned());
        number
    }

    /// The mean over jobs that agree with `key`.
    pub(crate) fn mean(&self, key: Key) -> Mean {
        self.means.get(&key).copied().unwrap_or_default()
    }

    /// The number of a name, if a job of this name has ended.
    pub(crate) fn number(&self, text: &str) -> Option<u32> {
        self.numbers.get(text).copied()
    }

    /// Whether a job of this user and name has ended.
    pub(crate) fn has(&self, user: TenantId, name: u32) -> bool {
        self.names_of.contains(&(user, name))
    }

    /// The names of a user's jobs.
    pub(crate) fn names_of(&self, user: TenantId) -> impl Iterator<Item = (u32, &str)> + '_ {
        let of_user = self.names_of.range((user, 0)..=(user, u32::MAX));
        of_user.map(|(_, name)| (*name, self.names[*name as usize].as_str()))
    }

    /// All names.
    pub(crate) fn names(&self) -> impl Iterator<Item = (u32, &str)> + '_ {
        self.names.iter().enumerate().map(|(number, text)| (number as u32, text.as_str()))
    }
}

/// The name that the user gave, if any.
pub(crate) fn name_of<'a>(draft: &'a Draft<'_>, job: JobId) -> Option<&'a str> {
    draft.state().job(job).spec.name.map(|name| draft.state().name(name))
}

/// What the estimators of PAI's simulator look at (NSDI 2022, section 6; `alloc_policy` 1, 2 and 4 there). A group there is
/// jobs of the same entry script and inputs: the name of a job here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Features {
    /// The user (SJU).
    User,
    /// Group and user (SJG).
    Group,
    /// Group, user and GPUs (SJGG).
    GroupGpus,
    /// The estimate that comes with the job, as that simulator reads predictions that were made beforehand; a job without
    /// one is predicted by group, user and GPUs.
    Estimates,
}

impl Predictor for Features {
    /// The mean over ended jobs that agree in all features; where there is none, in fewer: group and user, then the user,
    /// then all jobs. Without any history 0, as in PAI's simulator.
    fn predict(&self, history: &History, draft: &Draft<'_>, job: JobId) -> Span {
        let estimate = draft.state().job(job).spec.estimate.filter(|_| *self == Self::Estimates);
        if let Some(estimate) = estimate {
            return estimate;
        }
        let user = Some(draft.state().tenant_of(job));
        let name = name_of(draft, job).and_then(|text| history.number(text)).filter(|_| *self != Self::User);
        let gpus = *self != Self::Group && name.is_some();
        let all = Key { user, name, gpu_milli: gpus.then(|| draft.state().class_of(job).gpu_milli) };
        let group = Key { gpu_milli: None, ..all };
        let keys = [all, group, Key { name: None, ..group }, Key::default()];
        keys.iter().find_map(|key| history.mean(*key).span()).unwrap_or(Span::ZERO)
    }
}

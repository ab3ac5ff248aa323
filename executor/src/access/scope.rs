//! Scopes: whose jobs somebody sees. Jobs of others look as if they were not there.

use engine::{Core, JobId, Reason};

use crate::book::Book;
use crate::view::{self, JobView};

/// Whose jobs somebody sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everybody's.
    All,
    /// Those of this tenant, and of the tenants below it.
    Below(String),
}

impl Scope {
    /// Whether a tenant is in it.
    pub fn holds(&self, tenant: &str) -> bool {
        let Self::Below(own) = self else { return true };
        tenant.strip_prefix(own.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Whether a job is in it. A job that is not there is in none.
    pub fn sees(&self, book: &Book, job: JobId) -> bool {
        book.job(job).is_some_and(|entry| self.holds(entry.tenant()))
    }

    /// The job of a number, or the last one of a name, among those that are seen. `Err` says whether there is one beyond.
    pub fn find(&self, book: &Book, text: &str) -> Result<JobId, Beyond> {
        let number = text.parse::<usize>().ok().filter(|number| *number < book.len()).map(JobId::new);
        let job = number.or_else(|| book.named(text)).ok_or(Beyond::Nothing)?;
        if self.sees(book, job) {
            return Ok(job);
        }
        if number.is_some() {
            return Err(Beyond::Hidden);
        }
        // Others gave the name to a later job: that must not hide an earlier one.
        let all = (0..job.index()).rev().map(JobId::new);
        let is_it = |job: &JobId| {
            let named = book.job(*job).is_some_and(|entry| entry.file.name.as_deref() == Some(text));
            named && self.sees(book, *job)
        };
        all.into_iter().find(is_it).ok_or(Beyond::Hidden)
    }

    /// A job as it is seen: jobs of others are not named in the reason why it waits.
    pub fn view(&self, core: &Core, book: &Book, id: JobId) -> Option<JobView> {
        let mut view = view::job(core, book, id)?;
        view.reason_text = match core.state().reason(id) {
            Some(Reason::BehindHead { head }) if !self.sees(book, head) => {
                Some("waits behind a job of another tenant, which is first in the queue".to_owned())
            }
            Some(Reason::WouldDelayHead { head, start }) if !self.sees(book, head) => {
                Some(format!("would delay a job of another tenant, which starts by {start}"))
            }
            _ => view.reason_text,
        };
        Some(view)
    }
}

/// What is beyond a scope, for the audit log alone: whoever asks gets the same answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beyond {
    /// There is no such job.
    Nothing,
    /// There is one, of another tenant.
    Hidden,
}

/// Whether a text can be the path of a tenant.
pub fn sound_tenant(path: &str) -> bool {
    let sound = |name: &str| !matches!(name, "" | "." | "..") && !name.chars().any(char::is_control);
    path.len() <= 200 && path.split('/').all(sound)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_scope_ends_at_names_not_at_letters() {
        let scope = Scope::Below("a/b".to_owned());
        for (tenant, held) in [("a/b", true), ("a/b/c", true), ("a", false), ("a/bc", false), ("", false), ("b", false)]
        {
            assert_eq!(scope.holds(tenant), held, "{tenant}");
        }
        assert!(Scope::All.holds("a/bc"));
    }

    proptest! {
        #[test]
        fn a_scope_holds_what_has_all_its_names_first(
            own in prop::collection::vec("[ab]{1,2}", 1..4), other in prop::collection::vec("[ab]{1,2}", 1..5)
        ) {
            let held = other.len() >= own.len() && other[..own.len()] == own[..];
            prop_assert_eq!(Scope::Below(own.join("/")).holds(&other.join("/")), held);
            prop_assert!(sound_tenant(&other.join("/")));
        }
    }
}

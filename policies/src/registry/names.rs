//! Which policies can be named: the built-in ones, and those that a program adds.

use super::{Built, Context, Entry, all, unknown_policy};
use crate::spec::{PolicyError, PolicySpec};

/// Policies by name: the built-in ones, and any that a program adds with [`Registry::with`].
#[derive(Clone, Debug, Default)]
pub struct Registry {
    added: Vec<&'static Entry>,
}

impl Registry {
    /// The same with one more policy. An error if its name is taken: a name means one policy.
    pub fn with(mut self, entry: &'static Entry) -> Result<Self, PolicyError> {
        if self.find(entry.name).is_some() {
            return Err(PolicyError::new(entry.name, "there is a policy of this name", "give yours another name"));
        }
        self.added.push(entry);
        Ok(self)
    }

    /// All policies: the built-in ones by name, then those that were added.
    pub fn entries(&self) -> impl Iterator<Item = &'static Entry> {
        all().iter().chain(&self.added).copied()
    }

    /// The policy called `name`.
    pub fn find(&self, name: &str) -> Option<&'static Entry> {
        self.entries().find(|entry| entry.name == name)
    }

    /// Builds the policy that `text` describes.
    pub fn build(&self, text: &str, context: Context) -> Result<Built, PolicyError> {
        let spec = PolicySpec::parse(text)?;
        let names = || self.entries().map(|entry| entry.name).collect::<Vec<_>>();
        let entry = self.find(&spec.name).ok_or_else(|| unknown_policy(&spec.name, &names()))?;
        entry.build(&spec, context)
    }
}

#[cfg(test)]
mod tests {
    use super::super::basic;
    use super::*;

    static MINE: Entry = Entry { name: "mine", ..basic::FIFO };
    static FIFO: Entry = basic::FIFO;

    #[test]
    fn added_policies_are_built_with_their_knobs() {
        let registry = Registry::default().with(&MINE).unwrap();
        assert_eq!(registry.build("mine[skip=true]", Context::default()).unwrap().text, "mine[skip=true]");
        assert_eq!(registry.entries().count(), all().len() + 1);
        let error = registry.build("mines", Context::default()).unwrap_err();
        assert_eq!(error.hint.unwrap(), "did you mean `mine`? `trainyard policies` lists all");
        assert!(Registry::default().build("mine", Context::default()).is_err());
    }

    #[test]
    fn a_name_means_one_policy() {
        let registry = Registry::default().with(&MINE).unwrap();
        assert!(registry.with(&MINE).is_err());
        let error = Registry::default().with(&FIFO).unwrap_err();
        assert_eq!(error.to_string(), "policy `fifo`: there is a policy of this name");
    }
}

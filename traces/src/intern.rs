//! Small tables of texts and their indices, in the order in which they first appear.

use std::collections::HashMap;
use std::hash::Hash;

use foldhash::fast::RandomState;

/// Equal values get equal indices.
#[derive(Clone, Debug)]
pub(crate) struct Interner<T> {
    values: Vec<T>,
    index: HashMap<T, u32, RandomState>,
    /// The index that was given last: equal values often stand in runs.
    last: usize,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self { values: Vec::new(), index: HashMap::default(), last: 0 }
    }
}

impl<T: Clone + Eq + Hash> Interner<T> {
    /// The index of `value`.
    pub(crate) fn intern<Q>(&mut self, value: &Q) -> u32
    where
        Q: Eq + Hash + ToOwned<Owned = T> + ?Sized,
        T: std::borrow::Borrow<Q>,
    {
        if let Some(index) = self.find(value) {
            return index;
        }
        let index = self.values.len() as u32;
        self.values.push(value.to_owned());
        self.index.insert(value.to_owned(), index);
        index
    }

    /// The index of `value` where it is known.
    pub(crate) fn find<Q>(&mut self, value: &Q) -> Option<u32>
    where
        Q: Eq + Hash + ?Sized,
        T: std::borrow::Borrow<Q>,
    {
        if self.values.get(self.last).is_some_and(|last| last.borrow() == value) {
            return Some(self.last as u32);
        }
        let index = *self.index.get(value)?;
        self.last = index as usize;
        Some(index)
    }

    /// The values by index.
    pub(crate) fn into_values(self) -> Vec<T> {
        self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_follow_the_first_appearance() {
        let mut names = Interner::<String>::default();
        assert_eq!(["b", "a", "b"].map(|name| names.intern(name)), [0, 1, 0]);
        assert_eq!(names.into_values(), ["b", "a"]);
    }
}

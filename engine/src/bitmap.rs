//! A set of node ids as two levels of bits: the first member is found in a few instructions at any cluster size.

/// A set of small integers below a fixed bound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bitmap {
    words: Vec<u64>,
    /// One bit for each non-zero word.
    summary: Vec<u64>,
}

impl Bitmap {
    pub(crate) fn with_bound(bound: usize) -> Self {
        let words = bound.div_ceil(64);
        Self { words: vec![0; words], summary: vec![0; words.div_ceil(64)] }
    }

    pub(crate) fn insert(&mut self, member: usize) {
        let word = member / 64;
        self.words[word] |= 1 << (member % 64);
        self.summary[word / 64] |= 1 << (word % 64);
    }

    pub(crate) fn remove(&mut self, member: usize) {
        let word = member / 64;
        self.words[word] &= !(1 << (member % 64));
        if self.words[word] == 0 {
            self.summary[word / 64] &= !(1 << (word % 64));
        }
    }

    /// The smallest member that is at least `from`.
    pub(crate) fn next(&self, from: usize) -> Option<usize> {
        let word = from / 64;
        let rest = self.words.get(word)? & (u64::MAX << (from % 64));
        if rest != 0 {
            return Some(word * 64 + rest.trailing_zeros() as usize);
        }
        let word = self.next_word(word + 1)?;
        Some(word * 64 + self.words[word].trailing_zeros() as usize)
    }

    fn next_word(&self, from: usize) -> Option<usize> {
        let mut group = from / 64;
        let mut bits = self.summary.get(group)? & (u64::MAX << (from % 64));
        while bits == 0 {
            group += 1;
            bits = *self.summary.get(group)?;
        }
        Some(group * 64 + bits.trailing_zeros() as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_members_in_order() {
        let members = [0, 5, 63, 64, 700, 5_000, 9_999];
        let mut map = Bitmap::with_bound(10_000);
        for member in members {
            map.insert(member);
        }
        let mut found = Vec::new();
        let mut from = 0;
        while let Some(member) = map.next(from) {
            found.push(member);
            from = member + 1;
        }
        assert_eq!(found, members);
        for member in members {
            map.remove(member);
        }
        assert_eq!(map.next(0), None);
        assert_eq!(map, Bitmap::with_bound(10_000));
    }
}

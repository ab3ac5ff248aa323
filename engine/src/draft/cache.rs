//! What the parts of a policy remember between decisions, where they are plain values and have no memory of their own.

use std::any::Any;

use super::{Draft, Scratch};

/// A value of some type.
pub(super) type Cache = Box<dyn Any + Send>;

impl Draft<'_> {
    /// Takes out what was put in with [`Draft::put_cache`]; the default where nothing was. One value a type.
    ///
    /// A cache only: it is thrown away with the policy ([`crate::Core::refresh_policy`]), so decisions must not depend on it.
    pub fn take_cache<T: Any + Send + Default>(&mut self) -> Box<T> {
        let caches = &mut self.scratch.caches;
        let found = caches.iter().position(|cache| cache.is::<T>());
        found.and_then(|at| caches.swap_remove(at).downcast().ok()).unwrap_or_default()
    }

    /// Puts a cache back for later decisions.
    pub fn put_cache<T: Any + Send>(&mut self, cache: Box<T>) {
        self.scratch.caches.push(cache);
    }
}

impl Scratch {
    /// Forgets what was remembered.
    pub(crate) fn forget(&mut self) {
        self.caches.clear();
    }
}

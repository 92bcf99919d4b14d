//! Values by path, sorted: what a model, a snapshot and a managed set have one of for every file of a host.

use alloc::vec::{self, Vec};
use core::{mem, slice};

use crate::path::RelPath;

/// A map from paths to values, in the order of the paths.
///
/// One block of memory that grows at its end and moves whole: these maps are filled in order, walked in order, and as
/// long as a host has files. A tree takes up to twice the memory, and is built a second time when it is handed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByPath<V>(Vec<(RelPath, V)>);

impl<V> Default for ByPath<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V> ByPath<V> {
    /// Returns a map of nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Returns a map of nothing, with room for so many paths.
    #[must_use]
    pub fn with_capacity(paths: usize) -> Self {
        Self(Vec::with_capacity(paths))
    }

    /// Returns how many paths there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Tells whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn find(&self, path: &RelPath) -> Result<usize, usize> {
        self.0.binary_search_by(|(other, _)| other.cmp(path))
    }

    /// Returns the value of `path`.
    #[must_use]
    pub fn get(&self, path: &RelPath) -> Option<&V> {
        self.find(path).ok().map(|at| &self.0[at].1)
    }

    /// Returns the value of `path`, to be changed.
    pub fn get_mut(&mut self, path: &RelPath) -> Option<&mut V> {
        self.find(path).ok().map(|at| &mut self.0[at].1)
    }

    /// Tells whether `path` has a value.
    #[must_use]
    pub fn contains_key(&self, path: &RelPath) -> bool {
        self.find(path).is_ok()
    }

    /// Gives `path` a value, and returns the one it had. A path behind all others costs nothing to find or to add.
    pub fn insert(&mut self, path: RelPath, value: V) -> Option<V> {
        if self.0.last().is_none_or(|(last, _)| *last < path) {
            self.0.push((path, value));
            return None;
        }
        match self.find(&path) {
            Ok(at) => Some(mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                self.0.insert(at, (path, value));
                None
            }
        }
    }

    /// Takes `path` out, and returns its value.
    pub fn remove(&mut self, path: &RelPath) -> Option<V> {
        self.find(path).ok().map(|at| self.0.remove(at).1)
    }

    /// Keeps what `keep` agrees to.
    pub fn retain(&mut self, mut keep: impl FnMut(&RelPath, &mut V) -> bool) {
        self.0.retain_mut(|(path, value)| keep(path, value));
    }

    /// Returns all, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&RelPath, &V)> {
        self.into_iter()
    }

    /// Returns all from `path` on, in order.
    pub fn starting_at<'s>(&'s self, path: &RelPath) -> impl Iterator<Item = (&'s RelPath, &'s V)> {
        let (Ok(start) | Err(start)) = self.find(path);
        self.0[start..].iter().map(|(path, value)| (path, value))
    }

    /// Returns the paths, in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &RelPath> {
        self.0.iter().map(|(path, _)| path)
    }

    /// Returns the values, in the order of the paths.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.0.iter().map(|(_, value)| value)
    }
}

impl<V> FromIterator<(RelPath, V)> for ByPath<V> {
    fn from_iter<I: IntoIterator<Item = (RelPath, V)>>(pairs: I) -> Self {
        Self::from(pairs.into_iter().collect::<Vec<_>>())
    }
}

/// Sorts; of several values of one path the last one counts.
impl<V> From<Vec<(RelPath, V)>> for ByPath<V> {
    fn from(mut pairs: Vec<(RelPath, V)>) -> Self {
        if !pairs.is_sorted_by(|(left, _), (right, _)| left < right) {
            pairs.sort_by(|(left, _), (right, _)| left.cmp(right));
            pairs.dedup_by(|later, earlier| {
                let same = later.0 == earlier.0;
                if same {
                    mem::swap(later, earlier);
                }
                same
            });
        }
        Self(pairs)
    }
}

impl<V> Extend<(RelPath, V)> for ByPath<V> {
    fn extend<I: IntoIterator<Item = (RelPath, V)>>(&mut self, pairs: I) {
        let mut all = mem::take(&mut self.0);
        all.extend(pairs);
        *self = Self::from(all);
    }
}

impl<V> IntoIterator for ByPath<V> {
    type Item = (RelPath, V);
    type IntoIter = vec::IntoIter<(RelPath, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Shows a pair as two references.
type Shown<'m, V> = fn(&'m (RelPath, V)) -> (&'m RelPath, &'m V);

impl<'m, V> IntoIterator for &'m ByPath<V> {
    type Item = (&'m RelPath, &'m V);
    type IntoIter = core::iter::Map<slice::Iter<'m, (RelPath, V)>, Shown<'m, V>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(|(path, value)| (path, value))
    }
}

/// Shows a pair as two references, of which the value may be changed.
type ShownMut<'m, V> = fn(&'m mut (RelPath, V)) -> (&'m RelPath, &'m mut V);

impl<'m, V> IntoIterator for &'m mut ByPath<V> {
    type Item = (&'m RelPath, &'m mut V);
    type IntoIter = core::iter::Map<slice::IterMut<'m, (RelPath, V)>, ShownMut<'m, V>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter_mut().map(|(path, value)| (&*path, value))
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn pairs() -> impl Strategy<Value = Vec<(RelPath, u8)>> {
        let path = "[a-c](/[a-c]){0,2}".prop_map(|text| text.parse::<RelPath>().unwrap());
        proptest::collection::vec((path, any::<u8>()), 0..20)
    }

    proptest! {
        #[test]
        fn it_holds_what_a_tree_would_hold(start in pairs(), more in pairs(), gone in pairs(), one in pairs()) {
            let (mut ours, mut tree): (ByPath<u8>, BTreeMap<_, _>) =
                (start.clone().into_iter().collect(), start.into_iter().collect());
            ours.extend(more.clone());
            tree.extend(more);
            for (path, value) in one {
                prop_assert_eq!(ours.insert(path.clone(), value), tree.insert(path, value));
            }
            for (path, _) in &gone {
                prop_assert_eq!(ours.get(path), tree.get(path));
                prop_assert!(ours.starting_at(path).eq(tree.range(path..)));
                prop_assert_eq!(ours.remove(path), tree.remove(path));
            }
            ours.retain(|_, value| *value > 9);
            tree.retain(|_, value| *value > 9);
            prop_assert!(ours.iter().eq(&tree));
            prop_assert!(ours.into_iter().eq(tree));
        }
    }
}

//! Packages: which a model wants, which the host lacks, and which layers wait for them.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::{LayerIndex, StagedModel};
use crate::package::PackageName;

/// The packages that a model wants, each with the layers that need it.
pub type Wanted = BTreeMap<PackageName, BTreeSet<LayerIndex>>;

/// A package that a model wants, and which the host lacks or lacked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Its name.
    pub name: PackageName,
    /// The names of the layers that need it, first wins.
    pub layers: Vec<String>,
}

/// Layers whose paths stay as they are, and what each waits for, as the end of a sentence.
pub type Waiting = BTreeMap<LayerIndex, String>;

impl StagedModel {
    /// Returns the wanted packages that are not `installed`.
    #[must_use]
    pub fn missing(&self, installed: &BTreeSet<PackageName>) -> Vec<Missing> {
        let missing = self.packages().iter().filter(|(name, _)| !installed.contains(*name));
        let layer = |index: &LayerIndex| {
            self.layers().get(usize::from(index.0)).map_or_else(String::new, |name| name.to_string())
        };
        let described =
            missing.map(|(name, layers)| Missing { name: name.clone(), layers: layers.iter().map(layer).collect() });
        described.collect()
    }

    /// Returns the layers that need any of the packages `absent`.
    #[must_use]
    pub fn waiting_for<'a>(&self, absent: impl Iterator<Item = &'a PackageName>) -> Waiting {
        let mut names: BTreeMap<LayerIndex, Vec<String>> = BTreeMap::new();
        for name in absent {
            for layer in self.packages().get(name).into_iter().flatten() {
                names.entry(*layer).or_default().push(format!("'{name}'"));
            }
        }
        let word = |names: &[String]| if names.len() == 1 { "package" } else { "packages" };
        names.into_iter().map(|(layer, names)| (layer, format!("{} {}", word(&names), names.join(", ")))).collect()
    }
}

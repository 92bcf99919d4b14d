//! Checks of layers that leave a host (docs/formats.md §4): kept while the layer is there, since the revision that
//! drops it has them no more.

use alloc::format;
use alloc::vec::Vec;

use super::Triggers;
use super::check::{Cause, Check};
use super::kept::{Kept, KeptCheck};
use super::well_known::Look;
use crate::layer::LEAVING;
use crate::staged::StagedModel;

/// Returns what is asked before the host becomes `model`: checks of the layers that are on the host and not in it.
#[must_use]
pub fn leaving(model: &StagedModel, kept: &Kept) -> Vec<Check> {
    let asked = kept.leaving.iter().filter(|check| model.triggers().asks(names(model), &check.layer));
    let check = |kept: &KeptCheck| Check {
        name: kept.name.clone(),
        cause: Cause::Leaving(kept.layer.clone()),
        look: Look::Program { run: kept.run.clone(), silent: false },
        timeout: kept.timeout,
        paths: Vec::new(),
        needs: None,
    };
    asked.map(check).collect()
}

impl Triggers {
    /// Tells whether a `layer` that was on a host is asked before the host has these layers and no others.
    pub(crate) fn asks<'l>(&self, layers: impl Iterator<Item = &'l str>, layer: &str) -> bool {
        !is_among(layers, layer) && !self.no_check.contains(&format!("{LEAVING}{}", name(layer)))
    }
}

impl Kept {
    /// Remembers what the layers of `model` are asked before they leave, and forgets it of those that may go now.
    ///
    /// To be called before the first change: what a killed run has begun to bring is then asked, and what it has begun
    /// to take away is not asked again. Of a layer that `waits`, since nothing of it is written, the word before
    /// counts.
    pub fn take_leaving(&mut self, model: &StagedModel, waits: &dyn Fn(&str) -> bool) {
        self.leaving.retain(|check| names(model).any(|layer| name(layer) == name(&check.layer) && waits(layer)));
        let said = model.triggers().leaving.iter().filter(|said| !waits(&said.layer));
        self.leaving.extend(said.map(|said| KeptCheck {
            layer: said.layer.clone(),
            name: said.table.name.clone(),
            run: said.table.run.clone(),
            timeout: said.table.timeout,
        }));
    }
}

fn names(model: &StagedModel) -> impl Iterator<Item = &str> {
    model.layers().iter().map(AsRef::as_ref)
}

/// Tells whether one of `layers` has this one's name: one in `models/` replaces one that comes with the agent.
fn is_among<'l>(mut layers: impl Iterator<Item = &'l str>, layer: &str) -> bool {
    layers.any(|other| name(other) == name(layer))
}

/// Returns the name that a layer is used by.
fn name(layer: &str) -> &str {
    layer.rsplit('/').next().unwrap_or(layer)
}

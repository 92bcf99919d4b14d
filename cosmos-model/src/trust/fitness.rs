//! Whether a host may hold the files of a revision that everything else speaks for (F5).

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::refusal::Refusal;
use crate::object::ObjectSource;
use crate::object_id::ObjectId;
use crate::stage::{self, Layers};

/// The host that a judgement is for.
#[derive(Debug, Clone, Copy)]
pub struct ForHost<'a> {
    /// Its layers.
    pub layers: &'a Layers,
    /// The tree of the modules that come with the agent, among the objects.
    pub built_in: Option<ObjectId>,
}

impl ForHost<'_> {
    /// Returns why this host may not hold the files of `tree`, where the tree `before` was fit.
    pub(super) fn unfit(
        &self,
        tree: ObjectId,
        before: Option<ObjectId>,
        objects: &dyn ObjectSource,
    ) -> Option<Refusal> {
        let mistakes = stage::unfit(tree, before, self.layers, self.built_in, objects);
        let repair = mistakes.first()?.hint.clone();
        let reasons: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        Some(Refusal::Unfit { reason: reasons.join("; "), repair })
    }
}

//! The operators' own clone, asked which of two revisions rests on the other. Nothing in it is executed (A52).

use std::collections::BTreeSet;
use std::path::Path;

use cosmos_model::object_id::ObjectId;
use cosmos_model::trust::{Right, TrustSet};
use git2::{Oid, Repository};

use crate::exit::{Failure, Status};
use crate::store::{library, oid};

/// A clone with the history that hosts follow.
pub struct History(Repository);

impl History {
    /// Opens the clone in `folder`, or in a folder above it.
    ///
    /// # Errors
    /// Returns a [`Failure`] when there is none.
    pub fn open(folder: &Path) -> Result<Self, Failure> {
        library::prepare();
        Repository::discover(folder).map(Self).map_err(|error| {
            let message =
                format!("cannot use '{}' as a clone of the repository: {}", folder.display(), error.message());
            Failure::of(Status::Usage, message, "name a clone that was fetched lately: --repository DIR")
        })
    }

    /// Tells whether the clone has the commit.
    pub fn knows(&self, commit: ObjectId) -> bool {
        self.0.find_commit(oid(commit)).is_ok()
    }

    /// Tells whether the clone has both and neither rests on the other.
    pub fn disagree(&self, one: ObjectId, other: ObjectId) -> bool {
        let (one, other) = (oid(one), oid(other));
        let rests = |above: Oid, below: Oid| self.0.graph_descendant_of(above, below);
        one != other && matches!((rests(one, other), rests(other, one)), (Ok(false), Ok(false)))
    }

    /// Returns how many commits `above` has that `below` has not; `None` where the clone lacks one of them.
    pub fn commits_between(&self, below: ObjectId, above: ObjectId) -> Option<usize> {
        self.0.graph_ahead_behind(oid(above), oid(below)).ok().map(|(ahead, _)| ahead)
    }

    /// Returns who may sign by the policy file at the clone's head; `None` without such a file.
    pub fn who_may_sign(&self, mode: &str) -> Option<BTreeSet<String>> {
        let policy = self.0.revparse_single("HEAD:openpgp-policy.toml").ok()?.peel_to_blob().ok()?;
        let right = if mode == "tags" { Right::SignTag } else { Right::SignCommit };
        Some(TrustSet::from_policy(policy.content()).ok()?.holding(right))
    }
}

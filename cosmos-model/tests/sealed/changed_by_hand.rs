//! A verified revision cannot be pointed elsewhere.

use cosmos_model::object_id::ObjectId;
use cosmos_model::trust::VerifiedRevision;

fn point_elsewhere(revision: &mut VerifiedRevision) {
    revision.commit = ObjectId::new([0; 20]);
}

fn main() {}

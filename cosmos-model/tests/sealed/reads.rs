//! Reading a verified revision is what everybody may do.

use cosmos_model::object_id::ObjectId;
use cosmos_model::trust::{TrustState, VerifiedRevision};

fn read(revision: &VerifiedRevision) -> (ObjectId, ObjectId) {
    (revision.commit(), revision.tree())
}

fn main() {
    let state: TrustState = serde_json::from_str("{}").unwrap();
    let _ = state.accepted().map(read);
}

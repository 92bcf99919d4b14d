//! A verified revision has private fields.

use cosmos_model::object_id::ObjectId;
use cosmos_model::trust::VerifiedRevision;

fn main() {
    let id = ObjectId::new([0; 20]);
    let _ = VerifiedRevision { commit: id, tree: id };
}

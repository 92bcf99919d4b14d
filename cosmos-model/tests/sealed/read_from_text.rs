//! A verified revision cannot be read from text, except with the state it belongs to.

use cosmos_model::trust::VerifiedRevision;

fn main() {
    let _: VerifiedRevision = serde_json::from_str("{}").unwrap();
}

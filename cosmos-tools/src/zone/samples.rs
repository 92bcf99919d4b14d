//! Keys and records that the tests of this folder are about.

use super::key::Key;
use super::record::Ds;

pub fn ds(tag: u16) -> Ds {
    Ds { tag, algorithm: 13, digest_type: 2, digest: "ab".into() }
}

pub fn key(tag: u16, state: &str, next: &str) -> Key {
    let [zone, kind, id] = ["example.org", "KSK", "00"].map(str::to_owned);
    Key { zone, kind, state: state.into(), next: next.into(), id, tag, until: None }
}

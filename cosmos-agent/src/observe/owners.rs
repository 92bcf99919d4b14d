//! Names of users and groups, from the root's own files: the resolver of the running system may be another host's.

use std::collections::{BTreeMap, BTreeSet};

use cosmos_model::path::RelPath;

use crate::fs::{FsError, Root};

/// Largest `etc/passwd` that is read, in bytes.
const LIMIT: u64 = 64 << 20;

/// Returns the numbers of `names` in the colon-separated `file`; the first line of a name counts, as for the C library.
pub(super) fn resolve(root: &Root, file: &str, names: &BTreeSet<&str>) -> Result<BTreeMap<String, u32>, FsError> {
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let path: RelPath = file.parse().expect("a fixed path");
    let text = root.read(&path, LIMIT)?.unwrap_or_default();
    let mut numbers = BTreeMap::new();
    for line in text.split(|byte| *byte == b'\n') {
        let mut fields = line.split(|byte| *byte == b':');
        let (Some(name), Some(_password), Some(number)) = (fields.next(), fields.next(), fields.next()) else {
            continue;
        };
        let (Ok(name), Ok(number)) = (std::str::from_utf8(name), std::str::from_utf8(number)) else { continue };
        if let (true, Ok(number)) = (names.contains(name), number.parse()) {
            numbers.entry(name.to_owned()).or_insert(number);
        }
    }
    Ok(numbers)
}

//! Conffiles of installed packages: paths that are not ours to remove (docs/formats.md §4, Paths that leave).

use std::collections::BTreeSet;

use cosmos_model::path::RelPath;

use crate::fs::{FsError, Root};

/// Largest package database that is read, in bytes; a Debian desktop's has 10 MB.
const LIMIT: u64 = 256 << 20;

/// Returns the conffiles that dpkg knows, none where there is no dpkg.
pub(crate) fn conffiles(root: &Root) -> Result<BTreeSet<RelPath>, FsError> {
    let status: RelPath = "var/lib/dpkg/status".parse().expect("a fixed path");
    Ok(root.read(&status, LIMIT)?.map(|text| parse(&text)).unwrap_or_default())
}

/// Reads the `Conffiles:` fields: indented lines ` /path checksum [obsolete]` after the field's name.
fn parse(status: &[u8]) -> BTreeSet<RelPath> {
    let mut within = false;
    let mut paths = BTreeSet::new();
    for line in status.split(|byte| *byte == b'\n') {
        match line.strip_prefix(b" ") {
            Some(entry) if within => paths.extend(conffile(entry)),
            Some(_) => {}
            None => within = line.trim_ascii_end() == b"Conffiles:",
        }
    }
    paths
}

fn conffile(entry: &[u8]) -> Option<RelPath> {
    let entry = entry.strip_suffix(b" obsolete").unwrap_or(entry);
    let end = entry.iter().rposition(|byte| *byte == b' ')?;
    RelPath::new(entry[..end].strip_prefix(b"/")?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conffiles_are_read_with_blanks_in_names_and_obsolete_ones() {
        let status = b"Package: a\nConffiles:\n /etc/a b 0123\n /etc/old 4567 obsolete\n\
            Description: x\n /etc/no 1\n\nPackage: b\n";
        let shown: Vec<String> = parse(status).iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["etc/a b", "etc/old"]);
    }
}

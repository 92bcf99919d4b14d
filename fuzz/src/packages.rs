//! The package database of a host: any package's own script can write into it.

use std::collections::BTreeSet;

use cosmos_agent::packages::parse;
use cosmos_model::package::PackageName;

/// `var/lib/dpkg/status` (docs/formats.md §25): a slow reader that is plainly right finds the same packages.
pub fn packages(bytes: &[u8]) {
    let found = parse(bytes);
    assert_eq!((&found.names, found.unfinished), (&slow(bytes).0, slow(bytes).1));
    assert_eq!(found.seen, None);
    for name in &found.names {
        assert_eq!(PackageName::new(name.as_str()).as_ref(), Ok(name));
        assert!(!name.as_str().starts_with('-') && !name.as_str().ends_with('-'), "apt would take it for an option");
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(name) = PackageName::new(text)
    {
        let stanza = format!("Package: {name}\nStatus: install ok installed\n");
        assert_eq!(parse(stanza.as_bytes()).names, BTreeSet::from([name]));
    }
}

fn slow(bytes: &[u8]) -> (BTreeSet<PackageName>, bool) {
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end).collect();
    let (mut names, mut unfinished) = (BTreeSet::new(), false);
    for stanza in lines.split(|line| line.is_empty()) {
        let field = |name: &[u8]| stanza.iter().rev().find_map(|line| line.strip_prefix(name)).map(<[u8]>::trim_ascii);
        let words = |text: &[u8]| text.iter().position(|byte| *byte == b' ').map(|at| text[at + 1..].to_vec());
        let Some(state) = field(b"Status:").and_then(words).and_then(|rest| words(&rest)) else { continue };
        let lists = [b"Package:".as_slice(), b"Provides:"].map(|name| field(name).unwrap_or_default().to_vec());
        let entries = lists.iter().flat_map(|list| list.split(|byte| *byte == b','));
        let bare = |entry: &[u8]| {
            let end = entry.iter().position(|byte| *byte == b'(').unwrap_or(entry.len());
            PackageName::new(std::str::from_utf8(&entry[..end]).ok()?.trim_matches(|c: char| c.is_ascii_whitespace()))
                .ok()
        };
        match &state[..] {
            b"installed" => names.extend(entries.filter_map(bare)),
            b"not-installed" | b"config-files" => {}
            _ => unfinished = true,
        }
    }
    (names, unfinished)
}

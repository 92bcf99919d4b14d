//! Paths that are the agent's own on every host: no layer may touch them.

/// Folders of the agent's own, which no layer may install into or delete from.
const OWN_FOLDERS: [&[u8]; 4] = [b"var/lib/cosmos", b"var/cache/cosmos", b"run/cosmos", b"var/run/cosmos"];

/// The host's own word about trust.
const TRUST_FILE: &[u8] = b"etc/cosmos/trust.toml";

fn all() -> impl Iterator<Item = &'static [u8]> {
    OWN_FOLDERS.iter().copied().chain([TRUST_FILE])
}

/// Tells whether a path, relative to the root, is the agent's own or lies in one of its folders.
pub(crate) fn has(path: &[u8]) -> bool {
    all().any(|own| path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest[0] == b'/'))
}

/// Tells whether something of the agent's own lies below a path.
pub(crate) fn has_one_below(path: &[u8]) -> bool {
    all().any(|own| own.strip_prefix(path).is_some_and(|rest| rest.starts_with(b"/")))
}

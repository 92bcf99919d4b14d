//! The environment has no influence (F6): `main` puts it aside before anything else runs.

#![expect(unsafe_code, reason = "removing a variable is unsafe where threads may read it; here none exist yet")]

use std::ffi::OsString;
use std::sync::OnceLock;

/// What stays: how to speak to the terminal, which settings to use, and whether the journal listens.
const KEPT: &[&str] = &[
    "TERM",
    "COLORTERM",
    "COLUMNS",
    "NO_COLOR",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LC_MESSAGES",
    "TZ",
    "COSMOS_CONF_DIR",
    "JOURNAL_STREAM",
];

static ORIGINAL: OnceLock<Vec<(OsString, OsString)>> = OnceLock::new();

/// Puts the environment aside and clears it but for the short list of `KEPT`.
///
/// Must be called by `main` before anything else: no other thread may exist. A second call does nothing.
pub fn seal() {
    if ORIGINAL.get().is_some() {
        return;
    }
    let original: Vec<_> = std::env::vars_os().collect();
    for (name, _) in &original {
        if !KEPT.iter().any(|kept| name == kept) {
            // SAFETY: `main` calls this first, while the process has one thread; nothing reads the environment
            // meanwhile.
            unsafe { std::env::remove_var(name) };
        }
    }
    // A lost race would need a second thread, which the contract above excludes.
    let _ = ORIGINAL.set(original);
}

/// Returns the environment as it was, for programs the operator asks for by name (`gpg`) and for classic tasks (C4).
#[must_use]
pub fn original() -> Vec<(OsString, OsString)> {
    ORIGINAL.get().cloned().unwrap_or_else(|| std::env::vars_os().collect())
}

/// Returns those variables of the original environment that settings hand on to the programs of a run.
#[must_use]
pub fn passed(names: &[String]) -> Vec<(OsString, OsString)> {
    let is_named = |(name, _): &(OsString, OsString)| names.iter().any(|passed| name == passed.as_str());
    original().into_iter().filter(is_named).collect()
}

/// Returns `JOURNAL_STREAM`, which names the journal when it reads our standard error.
#[must_use]
pub fn journal_stream() -> Option<String> {
    std::env::var("JOURNAL_STREAM").ok()
}

//! Process-wide switches of libgit2, set before its first use.
#![allow(unsafe_code, reason = "the library's global switches have no safe form")]

use std::sync::Once;

use git2::ConfigLevel;

static ONCE: Once = Once::new();

/// Bytes of a pack that are mapped at a time, and of all packs together. The library would map a pack whole, and
/// reading every file of a host touches all of it.
const WINDOW: usize = 512 << 10;
const WINDOWS: usize = 2 << 20;

/// Cuts libgit2 off from system and user configuration (F6) and from checks that are made here instead, and keeps it
/// small.
pub fn prepare() {
    ONCE.call_once(|| {
        // Every object is hashed again by whoever uses it (cosmos_model::object::read): once is enough.
        git2::opts::strict_hash_verification(false);
        // A run reads an object once: kept ones would only add up, a kilobyte for each tag and its commit.
        git2::opts::enable_caching(false);
        // SAFETY: runs once, before any other call into libgit2 of this process.
        let _ = unsafe { git2::opts::set_mwindow_size(WINDOW) };
        // SAFETY: as above.
        let _ = unsafe { git2::opts::set_mwindow_mapped_limit(WINDOWS) };
        for level in [ConfigLevel::System, ConfigLevel::Global, ConfigLevel::XDG, ConfigLevel::ProgramData] {
            // SAFETY: as above.
            let _ = unsafe { git2::opts::set_search_path(level, "") };
        }
        // A remote given as a path may belong to anybody: nothing in it is believed or executed.
        // SAFETY: as above.
        let _ = unsafe { git2::opts::set_verify_owner_validation(false) };
    });
}

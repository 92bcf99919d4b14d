//! Process-wide switches of libgit2, set before its first use.
#![allow(unsafe_code, reason = "the library's global switches have no safe form")]

use std::sync::Once;

use git2::ConfigLevel;

static ONCE: Once = Once::new();

/// Cuts libgit2 off from system and user configuration (F6) and from checks that are made here instead.
pub fn prepare() {
    ONCE.call_once(|| {
        // Every object is hashed again by whoever uses it (cosmos_model::object::read): once is enough.
        git2::opts::strict_hash_verification(false);
        for level in [ConfigLevel::System, ConfigLevel::Global, ConfigLevel::XDG, ConfigLevel::ProgramData] {
            // SAFETY: runs once, before any other call into libgit2 of this process.
            let _ = unsafe { git2::opts::set_search_path(level, "") };
        }
        // A remote given as a path may belong to anybody: nothing in it is believed or executed.
        // SAFETY: as above.
        let _ = unsafe { git2::opts::set_verify_owner_validation(false) };
    });
}

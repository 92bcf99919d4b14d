//! A host of Cosmos 1.5 through the binary: its settings, keyring, clone, tags and tasks, as an ordinary user.
//!
//! C1–C12 and the faults are numbered as in docs/classic.md.

mod back;
mod compatibility;
mod differential;
mod faults;
mod host;
#[path = "../support/mod.rs"]
mod support;
mod unchanged;

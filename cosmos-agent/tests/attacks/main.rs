//! Attacks by the numbers of docs/trust.md, through the binary: what is refused leaves nothing behind but the refusal.

#[path = "../fetch/bombs.rs"]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod bombs;
#[path = "../fetch/servers.rs"]
#[allow(clippy::unwrap_used, dead_code, reason = "a test fails by panicking; most of it is the fetch tests'")]
mod servers;
#[path = "../support/mod.rs"]
mod support;

mod commits;
mod escapes;
mod floods;
mod forge;
mod host;
mod lifetimes;
mod racing;
mod residue;
mod signatures;
mod signers;
mod surroundings;
mod table;
mod tags;
mod trees;

use support::port;

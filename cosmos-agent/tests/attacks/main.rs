//! Attacks by the numbers of docs/trust.md, through the binary: what is refused leaves nothing behind but the refusal.

#[path = "../fetch/bombs.rs"]
mod bombs;
#[path = "../fetch/servers.rs"]
#[allow(dead_code, reason = "most of it is the fetch tests'")]
mod servers;
#[path = "../support/mod.rs"]
mod support;

mod commits;
mod escapes;
mod floods;
mod forge;
mod host;
mod lifetimes;
mod residue;
mod signatures;
mod signers;
mod surroundings;
mod table;
mod tags;
mod trees;

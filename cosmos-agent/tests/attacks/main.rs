//! Attacks by the numbers of docs/trust.md, through the binary: what is refused leaves nothing behind but the refusal.

#[path = "../support/mod.rs"]
mod support;

mod commits;
mod escapes;
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

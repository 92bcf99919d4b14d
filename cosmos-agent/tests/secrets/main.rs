//! Secrets: keys of hosts, and what is encrypted to them.

#[path = "../support/mod.rs"]
mod support;

mod applied;
mod hosts;
mod leaks;
mod operators;
mod printed;

//! The judge against generated repositories: honest ones, and the attacks of docs/trust.md by number.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod again;
mod commits;
mod grammar;
mod histories;
mod long;
mod may_sign;
mod merges;
mod patterns;
mod proof;
mod renewal;
mod signatures;
mod speed;
mod story;
mod support;
mod tags;
mod testing;

//! Fetching from real servers, and from hostile ones written here; everything on loopback.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bombs;
mod hostile;
mod plain;
#[path = "../support/port.rs"]
mod port;
mod programs;
mod sandbox;
mod secure;
mod servers;
mod several;

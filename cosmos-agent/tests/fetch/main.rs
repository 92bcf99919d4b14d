//! Fetching from real servers, and from hostile ones written here; everything on loopback.

mod bombs;
mod hostile;
mod plain;
mod programs;
mod sandbox;
mod secure;
mod servers;
mod several;

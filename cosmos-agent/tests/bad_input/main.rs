//! Bad input: each has a clear error that names the object, a hint, the right exit status, and leaves the host alone.

#[path = "../support/mod.rs"]
mod support;

mod remote;
mod repository;
mod settings;
mod state;
mod tasks;

//! Runs that are killed, or that a file system fails, at any of their calls: strace picks the call, a host is looked
//! at.
//!
//! Short form: of each call on each kind of object the first, the middle and the last. `LONG=1`: every call.

#[path = "../support/mod.rs"]
mod support;

mod calls;
mod commands;
mod fails;
mod killed;
mod scene;
mod secrets;
mod shown;

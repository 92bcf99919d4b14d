//! Operators at work: real git, real gpg, a bare repository as the remote, and hosts that follow it.

#[path = "../support/mod.rs"]
mod support;

mod fleet;
mod release;
mod signer;
mod verify;

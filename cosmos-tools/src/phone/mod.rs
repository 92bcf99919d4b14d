//! Backups of Android phones over adb: no daemon, port or settings file on the phone, and nothing waits by the clock.

pub mod adb;
pub mod backup;
pub mod copy;
pub mod error;
pub mod serial;
pub mod shell;
pub mod snapshots;
pub mod status;
mod word;

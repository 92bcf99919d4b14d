//! What an administrator wrote below `/etc/cosmos`: agent settings and trust settings (docs/formats.md §1, §2).
//!
//! Parsers take text and are pure; [`load`] reads the files. A value goes through three types: as written,
//! merged with the drop-ins and the defaults, validated. Every mistake is reported, not the first only.

mod agent;
mod document;
mod introduction;
mod limits;
pub mod load;
mod mistake;
mod remote;
mod trust;
mod units;

pub use agent::{AgentFile, AgentSettings, MergedAgent, OnProbeFailure};
pub use introduction::{INTRODUCTION_HINT, InvalidIntroduction, introduction_of};
pub use limits::LimitsFile;
pub use load::LoadError;
pub use mistake::{Mistake, Mistakes};
pub use trust::TrustFile;
pub use units::{InvalidSeconds, InvalidSize, Seconds, Size};

/// The version of both formats that this agent reads and writes.
const FORMAT: u64 = 1;

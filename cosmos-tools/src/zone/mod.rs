//! Signed zones: their keys, and what the parent zone says of them (docs/tools.md, Signed zones).

mod answer;
mod error;
pub mod follow;
mod key;
pub mod leave;
mod list;
mod look;
mod record;
#[cfg(test)]
mod samples;
pub mod status;

//! Signed zones: their keys, and what the parent zone says of them (docs/tools.md, Signed zones).

mod answer;
mod error;
pub mod follow;
mod key;
pub mod leave;
mod list;
mod look;
mod record;
pub mod status;

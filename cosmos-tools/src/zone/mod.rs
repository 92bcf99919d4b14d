//! Signed zones: their keys, and what the parent zone says of them (docs/tools.md, Signed zones).

pub(crate) mod answer;
mod error;
pub mod follow;
pub(crate) mod key;
pub(crate) mod knot;
pub mod leave;
pub(crate) mod list;
pub(crate) mod look;
mod offer;
pub(crate) mod record;
#[cfg(test)]
mod samples;
mod signed;
pub mod signer;
pub mod status;
mod tool;
mod verdict;

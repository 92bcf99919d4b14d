//! What a run tells people and machines about itself.

pub mod back_off;
pub mod episode;

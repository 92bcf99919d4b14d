//! What an operator decides before signing a release: its name, and what it changes since the last one.

mod difference;
mod name;

pub use difference::{Change, Changed, Difference, DifferenceError, difference};
pub use name::next_name;

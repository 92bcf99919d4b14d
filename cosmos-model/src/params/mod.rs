//! Parameters of modules: what a layer declares, what layers and rules give, and who wins (docs/formats.md §21).

mod check;
mod condition;
mod declaration;
mod given;
mod kind;
mod merge;
mod module;
mod scalar;
mod value;

pub use condition::{Condition, Demand};
pub use declaration::Param;
pub use given::{Given, GivenValue};
pub use kind::{Bounds, Count, Kind};
pub use merge::{Assignment, Origin, Setting, Settings, Winner, merge};
pub use module::Module;
pub use value::Value;

pub(crate) use condition::conditions;
pub(crate) use declaration::declarations;
pub(crate) use given::assignments;
pub(crate) use scalar::seconds;

/// The longest name of a parameter.
const LONGEST_NAME: usize = 64;

/// Tells whether `name` can name a parameter or one of its fields.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.len() <= LONGEST_NAME
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(allowed)
}

/// Returns the name that a template uses: a hyphen would subtract there.
#[must_use]
pub fn in_templates(name: &str) -> alloc::string::String {
    name.replace('-', "_")
}

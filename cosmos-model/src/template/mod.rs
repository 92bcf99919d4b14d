//! Templates: text that becomes a file, out of parameters, facts and the host's name (docs/formats.md §22).
//!
//! Pure: the engine has no loader, and everything a template sees is handed in.

mod functions;
mod looked_at;
mod render;
mod sealed;
mod values;

pub use render::{Rendered, Renderer, Template};

/// A longer template is refused.
pub const LARGEST_TEMPLATE: usize = 256 << 10;

/// A longer result is refused.
pub const LARGEST_OUTPUT: usize = 1 << 20;

/// The instructions that rendering one template may take.
const FUEL: u64 = 1_000_000;

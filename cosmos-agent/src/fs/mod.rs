//! The file system as Cosmos sees it: everything below the handle of one root, and the only place that writes.
//!
//! No path is handed to the kernel whole. A walk goes component by component ([`walk`]), so that a link planted by a
//! local user leads nowhere (A37–A40), and changes are made relative to the directory that was reached ([`Directory`]).

pub mod by_path;
mod directory;
mod error;
pub(crate) mod extended;
#[cfg(test)]
pub(crate) mod faults;
mod kind;
mod read;
mod walk;
pub(crate) mod write;
pub(crate) mod writeback;

pub use directory::Directory;
pub use error::{FsError, OnPath};
pub use kind::{Kind, kind_of, stat_of};
pub use walk::{Cursor, Obstacle, Root};
pub(crate) use write::set_directory_attributes;
pub use write::{
    append, make_directories, make_in_pieces, make_new, open_private, remove, remove_leftover, remove_passing, rename,
    replace, replace_in_pieces, replace_passing, replace_together, replace_together_and_append, touch,
};

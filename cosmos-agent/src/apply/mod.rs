//! Applying a plan: the only code that changes managed paths.

pub mod managed_file;

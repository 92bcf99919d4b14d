//! A check as it is made: by whom, of what, and why.

use alloc::string::String;
use alloc::vec::Vec;

use super::well_known::Look;
use crate::path::RelPath;

/// Who asks for a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// A layer's own.
    Layer(String),
    /// That of a layer which leaves.
    Leaving(String),
    /// The agent's, for paths that everybody has.
    WellKnown,
}

/// A check that is to pass before anything is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub cause: Cause,
    /// What it does.
    pub look: Look,
    /// How long it may take, in seconds.
    pub timeout: Option<u64>,
    /// The changed paths it is about.
    pub paths: Vec<RelPath>,
    /// A folder that its program wants.
    pub needs: Option<&'static str>,
}

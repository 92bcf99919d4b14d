//! What is typed on a host where something is not to be as the newest revision says, or to find out why it is.

use std::path::PathBuf;

use clap::Args;

/// Options of `rollback`.
#[derive(Debug, Args)]
pub struct RollbackOptions {
    /// The number of the generation; the one before when left out
    #[arg(value_name = "GENERATION")]
    pub generation: Option<u64>,
    /// Show which generations are kept
    #[arg(long, conflicts_with = "generation")]
    pub list: bool,
}

/// Options of `hold`.
#[derive(Debug, Args)]
pub struct HoldOptions {
    /// The path; what is held when left out
    pub path: Option<PathBuf>,
    /// Why, for whoever looks next
    #[arg(requires = "path")]
    pub reason: Option<String>,
    /// When the hold ends by itself, in UTC
    #[arg(long, value_name = "TIME", requires = "reason")]
    pub until: Option<String>,
    /// Let runs make the path what the model says again
    #[arg(long, requires = "path", conflicts_with = "reason")]
    pub release: bool,
}

/// Options of `why`.
#[derive(Debug, Args)]
pub struct WhyOptions {
    /// The path, with or without a leading slash
    pub path: PathBuf,
}

/// Options of `restore`.
#[derive(Debug, Args)]
pub struct RestoreOptions {
    /// The path, with or without a leading slash
    pub path: PathBuf,
}

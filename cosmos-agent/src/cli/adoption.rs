//! What operators type to take an existing repository and many hosts into their care.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::examples;

/// The commands of `trust`.
#[derive(Debug, Subcommand)]
pub enum TrustCommand {
    /// Says what hosts would refuse of an existing repository, and writes a policy to start from today
    #[command(after_help = examples::TRUST_INIT)]
    Init(TrustInitOptions),
}

/// Options of `trust init`.
#[derive(Debug, Args)]
pub struct TrustInitOptions {
    /// Your clone of the repository
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// Who may sign: a certificate's file, or a fingerprint in the repository's keys folder; may be given several times
    #[arg(long = "signer", value_name = "FILE|FINGERPRINT")]
    pub signers: Vec<String>,
    /// What is to be signed; proposed by what was signed lately when left out
    #[arg(long, value_parser = ["commits", "tags"])]
    pub mode: Option<String>,
    /// The branch judged; the one checked out when left out
    #[arg(long)]
    pub branch: Option<String>,
    /// The release tags judged; found among the tags when left out
    #[arg(long, value_name = "PATTERN")]
    pub tags: Option<String>,
    /// Where hosts fetch from; the remote 'origin' when left out
    #[arg(long)]
    pub url: Option<String>,
    /// Replace a policy that is there
    #[arg(long)]
    pub force: bool,
}

/// Options of `push`.
#[derive(Debug, Args)]
pub struct PushOptions {
    /// The hosts, as ssh knows them
    #[arg(required = true, value_name = "HOST")]
    pub hosts: Vec<String>,
    /// Your clone of the repository
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub repository: PathBuf,
    /// Leave out what is below this revision, instead of asking each host what it has
    #[arg(long, value_name = "REVISION")]
    pub since: Option<String>,
    /// How the agent is called on the hosts
    #[arg(long, value_name = "WORDS", default_value = "cosmos")]
    pub command: String,
}

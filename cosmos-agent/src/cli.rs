//! The command line: what can be typed. What it does is in [`crate::commands`].

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

mod adoption;
mod examples;
mod exceptions;
mod operator;
pub mod overview;

pub use adoption::{PushOptions, TrustCommand, TrustInitOptions};
pub use exceptions::{HoldOptions, RestoreOptions, RollbackOptions, WhyOptions};
pub use operator::{
    BelieveOptions, HostCommand, HostOptions, LintOptions, ModuleCommand, ModuleOptions, ParamsOptions, PlanOptions,
    RIGHTS, ReleaseOptions, SecretCommand, SecretOptions, SignerCommand, SignerOptions,
};

/// Makes this host what a signed repository says it should be.
#[derive(Debug, Parser)]
#[command(name = "cosmos", version, disable_version_flag = true, propagate_version = true)]
#[command(after_help = examples::COSMOS)]
pub struct Cli {
    /// Options every command takes.
    #[command(flatten)]
    pub global: GlobalOptions,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What the help of each command calls the options that all have.
const EVERY: &str = "Options of every command";

/// Options every command takes.
#[derive(Debug, Clone, Default, Args)]
pub struct GlobalOptions {
    /// Work on the host below DIR instead of /
    #[arg(short = 'r', long, value_name = "DIR", global = true, help_heading = EVERY)]
    pub root: Option<PathBuf>,
    /// Read trust settings from FILE instead of /etc/cosmos/trust.toml; agent settings lie beside it
    #[arg(long, value_name = "FILE", global = true, help_heading = EVERY)]
    pub config: Option<PathBuf>,
    /// Show what would be done and change nothing
    #[arg(short = 'n', long, global = true, help_heading = EVERY)]
    pub dry_run: bool,
    /// Run tasks with COSMOS_DRY_TASKS=y and change no files
    #[arg(short = 'N', long, global = true, help_heading = EVERY)]
    pub dry_tasks: bool,
    /// Say more; twice for even more
    #[arg(short = 'v', long, action = clap::ArgAction::Count, global = true, help_heading = EVERY)]
    pub verbose: u8,
    /// Print one JSON document instead of text (docs/formats.md §13)
    #[arg(long, global = true, help_heading = EVERY)]
    pub json: bool,
    /// Print the version
    #[arg(short = 'V', long, action = clap::ArgAction::Version, global = true, help_heading = EVERY)]
    pub version: Option<bool>,
    /// Act on revisions nobody signed: for laboratories only, logged on each run
    #[arg(long, global = true, hide = true)]
    pub insecure_skip_verification: bool,
}

/// The commands, in the order of [`overview`], which manual page and completions follow.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Writes this host's trust settings and fetches the repository for the first time
    #[command(after_help = examples::CLONE)]
    Clone(CloneOptions),
    /// Updates, then applies
    #[command(after_help = examples::RUN)]
    Run(RunOptions),
    /// Fetches and authenticates: the newest revision that passes becomes the one to apply
    #[command(after_help = examples::UPDATE)]
    Update(UpdateOptions),
    /// Applies the accepted revision to this host
    #[command(after_help = examples::APPLY)]
    Apply(ApplyOptions),
    /// Shows what apply would do, as a diff
    #[command(visible_alias = "diff", after_help = examples::PLAN)]
    Plan(PlanOptions),
    /// Shows where this host differs from what was applied; exit status 5 when it does
    #[command(after_help = examples::DRIFT)]
    Drift,
    /// Shows which revision is accepted, applied, refused, and whether this host is well
    #[command(after_help = examples::STATUS)]
    Status,
    /// Shows what changed on this host, when, and who signed it
    #[command(after_help = examples::LOG)]
    Log(LogOptions),
    /// Says where a path comes from: layer, commit, signer, generation, and which layers lost
    #[command(after_help = examples::WHY)]
    Why(WhyOptions),
    /// Makes this host's files what an earlier generation said, until news or 'cosmos resume'
    #[command(after_help = examples::ROLLBACK)]
    Rollback(RollbackOptions),
    /// Puts back what was found at a path before Cosmos wrote there
    #[command(after_help = examples::RESTORE)]
    Restore(RestoreOptions),
    /// Leaves a path, and what lies below it, as it is, with a reason
    #[command(after_help = examples::HOLD)]
    Hold(HoldOptions),
    /// Switches unattended runs off, with a reason
    #[command(after_help = examples::PAUSE)]
    Pause(PauseOptions),
    /// Switches unattended runs on again, and ends a rollback
    Resume,
    /// Judges revisions again and shows the proof: who signed, with which right, by whose word
    #[command(after_help = examples::VERIFY)]
    Verify(VerifyOptions),
    /// Shows what templates see of this host
    #[command(after_help = examples::FACTS)]
    Facts,
    /// Runs on a schedule, for hosts without systemd and cron
    #[command(after_help = examples::DAEMON)]
    Daemon(DaemonOptions),
    /// Starts a repository: two files that say who may sign and what the fleet is called
    #[command(after_help = examples::INIT)]
    Init(InitOptions),
    /// Settles whom hosts believe
    #[command(subcommand)]
    Trust(TrustCommand),
    /// Shows or edits who may sign; nothing is committed
    #[command(after_help = examples::SIGNER)]
    Signer(SignerOptions),
    /// Shows or edits the hosts of the repository and their keys; on a host, prints its key
    #[command(after_help = examples::HOST)]
    Host(HostOptions),
    /// Shows, edits and re-encrypts the secrets of the repository; nothing is committed
    #[command(after_help = examples::SECRET)]
    Secret(SecretOptions),
    /// Lists modules, shows what one wants to be told, tests its examples, or starts a new one
    #[command(after_help = examples::MODULE)]
    Module(ModuleOptions),
    /// Shows the parameters of a host's modules, where each value comes from, and what it beat
    #[command(after_help = examples::PARAMS)]
    Params(ParamsOptions),
    /// Looks for what is likely wrong with the repository, as its files are now
    #[command(after_help = examples::LINT)]
    Lint(LintOptions),
    /// Verifies what the remote has, shows what is new, signs it and pushes
    #[command(after_help = examples::RELEASE)]
    Release(ReleaseOptions),
    /// Carries signed history to hosts by your ssh, and lets each judge and run it
    #[command(after_help = examples::PUSH)]
    Push(PushOptions),
    /// Compares hosts by their 'status --json': who is behind, unwell, or believes a retired key
    #[command(after_help = examples::FLEET)]
    Fleet(FleetOptions),
    /// Shows all of it on a throw-away host: no root, no network, nothing outside DIR
    #[command(after_help = examples::DEMO)]
    Demo(DemoOptions),
    /// Prints completions for a shell
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Runs gpg on the classic keyring
    #[command(disable_help_flag = true)]
    Gpg(GpgOptions),
    /// Writes the manual pages into DIR
    #[command(hide = true)]
    Manual {
        /// Where to
        dir: PathBuf,
    },
    /// A classic command: runs the scripts of NAME.d (C10)
    #[command(external_subcommand)]
    Folder(Vec<OsString>),
}

/// Options of `init`.
#[derive(Debug, Args)]
pub struct InitOptions {
    /// The repository's folder; made when missing
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// The fleet's name
    #[arg(long, value_name = "NAME", default_value = "home")]
    pub fleet: String,
    /// What is signed: every commit, or release tags
    #[arg(long, value_parser = ["commits", "tags"], default_value = "commits")]
    pub mode: String,
    /// An operator's certificate (gpg --armor --export); may be given several times
    #[arg(long = "signer", value_name = "FILE", required = true)]
    pub signers: Vec<PathBuf>,
}

/// Options of `clone`.
#[derive(Debug, Args)]
pub struct CloneOptions {
    /// The repository, and mirrors of it
    #[arg(required = true, value_name = "URL")]
    pub urls: Vec<String>,
    /// The introduction, given to you by an operator: a commit and its signer's fingerprint
    #[arg(long, value_name = "COMMIT:FINGERPRINT")]
    pub trust: Option<String>,
    /// The name of this host in the repository; its own full name when left out
    #[arg(long)]
    pub fqdn: Option<String>,
    /// What is signed; said by --tags or --branch, too
    #[arg(long, value_parser = ["commits", "tags"])]
    pub mode: Option<String>,
    /// The branch followed when commits are signed
    #[arg(long, conflicts_with = "tags")]
    pub branch: Option<String>,
    /// The release tags followed, as 'release-*'
    #[arg(long, value_name = "PATTERN")]
    pub tags: Option<String>,
    /// This host's ring: only releases named NAME/PATTERN are followed
    #[arg(long, value_name = "NAME", requires = "tags")]
    pub ring: Option<String>,
    /// https: certificates of the server's authority, instead of the system's
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// ssh: the private key
    #[arg(long, value_name = "FILE")]
    pub ssh_key: Option<PathBuf>,
    /// ssh: the pinned host keys
    #[arg(long, value_name = "FILE")]
    pub known_hosts: Option<PathBuf>,
    /// https: a file holding a token
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// https: a proxy
    #[arg(long, value_name = "URL")]
    pub proxy: Option<String>,
    /// Connect to this address instead of looking the name up
    #[arg(long)]
    pub address: Option<String>,
    /// Replace trust settings and state that exist already
    #[arg(long)]
    pub again: bool,
}

/// Options of `apply`.
#[derive(Debug, Default, Args)]
pub struct ApplyOptions {
    /// Wait for another run to end
    #[arg(long)]
    pub wait: bool,
    /// Install no packages; layers that need a missing one wait
    #[arg(long)]
    pub no_packages: bool,
}

/// Options of `update`.
#[derive(Debug, Default, Args)]
pub struct UpdateOptions {
    /// Take the repository from a bundle file instead of the remotes; - for standard input
    #[arg(long, value_name = "FILE")]
    pub bundle: Option<PathBuf>,
}

/// Options of `run`.
#[derive(Debug, Default, Args)]
pub struct RunOptions {
    /// Behave for a timer: obey the off switch and back-off, speak once when a failure starts and once when it ends
    #[arg(long)]
    pub scheduled: bool,
    /// Wait for another run to end
    #[arg(long)]
    pub wait: bool,
    /// Forget back-off and a rollback, and try again now
    #[arg(long)]
    pub retry: bool,
    /// Install no packages; layers that need a missing one wait
    #[arg(long)]
    pub no_packages: bool,
    /// Take the repository from a bundle file instead of the remotes; - for standard input
    #[arg(long, value_name = "FILE")]
    pub bundle: Option<PathBuf>,
}

/// Options of `fleet`.
#[derive(Debug, Args)]
pub struct FleetOptions {
    /// What hosts said: files, folders of *.json files, or - for standard input
    #[arg(required = true, value_name = "FILE")]
    pub sources: Vec<PathBuf>,
    /// A clone of the repository: names forks and policies by its history
    #[arg(long, value_name = "DIR")]
    pub repository: Option<PathBuf>,
    /// Name the hosts that believe this key
    #[arg(long, value_name = "FINGERPRINT")]
    pub key: Option<String>,
}

/// Options of `verify`.
#[derive(Debug, Args)]
pub struct VerifyOptions {
    /// A release, branch or commit, or FROM..TO; everything that was fetched when left out
    #[arg(value_name = "REVISION")]
    pub revision: Option<String>,
    /// In an operator's clone: the releases of a ring
    #[arg(long, value_name = "NAME")]
    pub ring: Option<String>,
    /// Which clone, and whom it believes
    #[command(flatten)]
    pub believe: BelieveOptions,
}

/// Options of `log`.
#[derive(Debug, Args)]
pub struct LogOptions {
    /// Only entries about this path
    pub path: Option<PathBuf>,
}

/// Options of `gpg`.
#[derive(Debug, Args)]
pub struct GpgOptions {
    /// What gpg is asked
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub arguments: Vec<OsString>,
}

/// Options of `pause`.
#[derive(Debug, Args)]
pub struct PauseOptions {
    /// Why, for whoever looks next
    pub reason: String,
    /// When runs start again by themselves, in UTC
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
}

/// Options of `daemon`.
#[derive(Debug, Args)]
pub struct DaemonOptions {
    /// Five cron fields, instead of the settings' schedule
    #[arg(long, value_name = "EXPRESSION")]
    pub schedule: Option<String>,
    /// The largest delay after each point of the schedule: 90s, 5m
    #[arg(long, value_name = "TIME")]
    pub splay: Option<String>,
}

/// Options of `demo`.
#[derive(Debug, Args)]
pub struct DemoOptions {
    /// Where everything happens; a new temporary folder when left out
    pub dir: Option<PathBuf>,
}

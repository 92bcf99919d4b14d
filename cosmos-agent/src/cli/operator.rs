//! What operators type in their clone.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Which clone, and whom it believes; said once, it is remembered in `.git/cosmos/`.
#[derive(Debug, Clone, Default, Args)]
pub struct BelieveOptions {
    /// The clone, when it is not the current folder's
    #[arg(long, value_name = "DIR")]
    pub repository: Option<PathBuf>,
    /// The introduction, as hosts are told it; needed once
    #[arg(long, value_name = "COMMIT:FINGERPRINT")]
    pub trust: Option<String>,
    /// The release tags of this fleet, with --trust
    #[arg(long, value_name = "PATTERN", requires = "trust")]
    pub tags: Option<String>,
    /// The branch whose commits are signed, with --trust; the one checked out when left out
    #[arg(long, requires = "trust", conflicts_with = "tags")]
    pub branch: Option<String>,
    /// How many signatures hosts ask for, with --trust
    #[arg(long, value_name = "NUMBER", requires = "trust")]
    pub threshold: Option<usize>,
}

/// Options of `release`.
#[derive(Debug, Args)]
pub struct ReleaseOptions {
    /// The release's name; the one after the newest when left out
    pub name: Option<String>,
    /// Add your signature to a release that another operator made; where commits are signed, to a commit
    #[arg(long, value_name = "TAG", conflicts_with_all = ["name", "revert", "valid_until"])]
    pub cosign: Option<String>,
    /// Go back: release what TAG was, on top of what is
    #[arg(long, value_name = "TAG")]
    pub revert: Option<String>,
    /// Release to the hosts of a ring only
    #[arg(long, value_name = "NAME")]
    pub ring: Option<String>,
    /// Until when hosts call this release fresh
    #[arg(long, value_name = "TIME")]
    pub valid_until: Option<String>,
    /// What the release is about
    #[arg(short = 'm', long, value_name = "TEXT")]
    pub message: Option<String>,
    /// Sign with this OpenPGP key instead of gpg
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Ask nothing
    #[arg(short = 'y', long)]
    pub yes: bool,
    /// Which clone, and whom it believes
    #[command(flatten)]
    pub believe: BelieveOptions,
}

/// Options of `plan`; without any, it is this host's.
#[derive(Debug, Default, Args)]
pub struct PlanOptions {
    /// For operators: what the clone's files, as they are now, would change on this host; may be repeated
    #[arg(long = "host", value_name = "FQDN", conflicts_with = "all")]
    pub hosts: Vec<String>,
    /// For operators: the same for all hosts of the repository
    #[arg(long)]
    pub all: bool,
    /// Compare with this commit, tag or branch instead of the last release that this clone verified
    #[arg(long, value_name = "REVISION")]
    pub since: Option<String>,
    /// The clone, when it is not the current folder's
    #[arg(long, value_name = "DIR")]
    pub repository: Option<PathBuf>,
}

/// Options of `lint`.
#[derive(Debug, Args)]
pub struct LintOptions {
    /// The clone, when it is not the current folder's
    #[arg(long, value_name = "DIR")]
    pub repository: Option<PathBuf>,
}

/// Options of `module`.
#[derive(Debug, Args)]
pub struct ModuleOptions {
    /// The clone, when it is not the current folder's
    #[arg(long, value_name = "DIR", global = true)]
    pub repository: Option<PathBuf>,
    /// What to do
    #[command(subcommand)]
    pub command: ModuleCommand,
}

/// The verbs of `module`.
#[derive(Debug, Subcommand)]
pub enum ModuleCommand {
    /// Lists the modules of the repository and those that come with cosmos
    List,
    /// Shows what a module wants to be told, and how to say it
    Show {
        /// The module
        name: String,
    },
    /// Works out the examples of a module, or of all, and compares them with what they expect
    Test {
        /// The module
        name: Option<String>,
        /// Replace what is expected by what came of it
        #[arg(long)]
        write: bool,
    },
    /// Writes the files that a new module begins with
    New {
        /// Its name
        name: String,
    },
}

/// Options of `params`.
#[derive(Debug, Args)]
pub struct ParamsOptions {
    /// Whose parameters
    pub host: String,
    /// The clone, when it is not the current folder's
    #[arg(long, value_name = "DIR")]
    pub repository: Option<PathBuf>,
}

/// Options of `host`.
#[derive(Debug, Args)]
pub struct HostOptions {
    /// The clone, when it is not the current folder's
    #[arg(long, value_name = "DIR", global = true)]
    pub repository: Option<PathBuf>,
    /// What to do
    #[command(subcommand)]
    pub command: HostCommand,
}

/// The verbs of `host`.
#[derive(Debug, Subcommand)]
pub enum HostCommand {
    /// On a host: prints the public part of its key
    Key,
    /// Shows the hosts of the repository, their keys and layers
    List,
    /// Writes the layer of a host, and the key by which it reads secrets; nothing is committed
    Add {
        /// The host's name
        fqdn: String,
        /// What 'cosmos host key' printed on the host; - for standard input
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        /// Keep the key in host-keys/ and make no layer, where no host has one
        #[arg(long, requires = "key")]
        no_layer: bool,
    },
    /// Writes into a host's layer that it is retired; nothing is committed
    Retire {
        /// The host's name
        fqdn: String,
        /// Why, for whoever looks next
        #[arg(long, value_name = "TEXT")]
        why: String,
    },
}

/// Options of `secret`.
#[derive(Debug, Args)]
pub struct SecretOptions {
    /// The clone, when it is not the current folder's
    #[arg(long, value_name = "DIR", global = true)]
    pub repository: Option<PathBuf>,
    /// Read with this OpenPGP key instead of gpg
    #[arg(long, value_name = "FILE", global = true)]
    pub key: Option<PathBuf>,
    /// What to do
    #[command(subcommand)]
    pub command: SecretCommand,
}

/// The verbs of `secret`.
#[derive(Debug, Subcommand)]
pub enum SecretCommand {
    /// Opens a secret, or a new one, in $VISUAL or $EDITOR, and encrypts what comes of it
    Edit {
        /// Its path in the repository: global/secrets/etc/app/password
        path: PathBuf,
    },
    /// Prints what a secret holds
    Show {
        /// Its path in the repository
        path: PathBuf,
    },
    /// Encrypts secrets anew whose recipients are not those of the model
    Rekey {
        /// Their paths in the repository; all when left out
        paths: Vec<PathBuf>,
    },
}

/// Options of `signer`.
#[derive(Debug, Args)]
pub struct SignerOptions {
    /// The clone, when it is not the current folder's
    #[arg(long, value_name = "DIR", global = true)]
    pub repository: Option<PathBuf>,
    /// What to do
    #[command(subcommand)]
    pub command: SignerCommand,
}

/// What can be done about signers.
#[derive(Debug, Subcommand)]
pub enum SignerCommand {
    /// Shows who may sign, until when, and what will trouble hosts
    List {
        /// Where you keep revocation certificates; those that are missing are named
        #[arg(long, value_name = "DIR")]
        safe: Option<PathBuf>,
    },
    /// Lets somebody sign, or brings a certificate that was extended
    Add {
        /// A file with the certificate, or the whole fingerprint of one that gpg has
        certificate: String,
        /// What to call them in the policy; derived from the address when left out
        #[arg(long)]
        name: Option<String>,
        /// What they may do; sign_commit and sign_tag when left out
        #[arg(long = "right", value_name = "RIGHT", value_parser = RIGHTS)]
        rights: Vec<String>,
        /// They may do everything
        #[arg(long, conflicts_with = "rights")]
        all_rights: bool,
    },
    /// Lets somebody sign no longer
    Retire {
        /// Their name in the policy, or the whole fingerprint of one certificate
        who: String,
    },
    /// Publishes that a key is lost or stolen
    Revoke {
        /// The whole fingerprint of the certificate
        fingerprint: String,
        /// The revocation certificate; what gpg knows when left out
        #[arg(long, value_name = "FILE")]
        revocation: Option<PathBuf>,
        /// The last commit or release up to which what they signed is vouched for
        #[arg(long, value_name = "COMMIT")]
        good_until: Option<String>,
    },
}

/// The rights of `openpgp-policy.toml` (docs/trust.md §6).
pub const RIGHTS: [&str; 6] = ["sign_commit", "sign_tag", "sign_archive", "add_user", "retire_user", "audit"];

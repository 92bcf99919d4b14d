//! Fetching (F1–F6): a forked child looks at the remotes and brings objects; the parent believes none of it.
//!
//! [`Session`] is the parent's side. The child speaks git's wire protocol itself ([`v2`], [`v0`]) over the
//! transports below, indexes packs in a scratch folder and streams objects back in frames (docs/formats.md §16).

use std::time::Duration;

use crate::exit::{Failure, Status};

mod bundle;
mod child;
mod deadline;
mod frame;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod git;
mod https;
mod known_hosts;
mod needs;
mod pack;
mod path;
mod pkt_line;
mod prepared;
mod reachable;
mod scratch;
mod session;
mod settings;
mod ssh;
mod talk;
mod tcp;
mod transport;
pub mod url;
mod v0;
mod v2;

pub use session::{LookResult, Session};
pub use settings::{Limits, RemoteSettings};
pub use talk::Fetched;

/// How many times `transfer` the objects of one fetch may take when inflated; a usual repository takes four to ten.
pub const INFLATION: u64 = 16;

/// Hears how far a fetch is. The report stage draws it.
pub trait Progress {
    /// Bytes and objects came from the remote; objects is 0 until the pack is complete.
    fn received(&mut self, bytes: u64, objects: u32);
    /// Objects of the fetch were checked and stored.
    fn stored(&mut self, objects: u32, of: u32);
}

/// Nobody listens.
impl Progress for () {
    fn received(&mut self, _bytes: u64, _objects: u32) {}
    fn stored(&mut self, _objects: u32, _of: u32) {}
}

/// Why nothing, or not everything, was fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The remote's address is of no kind we follow (A43).
    #[error("cannot use the remote '{remote}'")]
    Url {
        /// The remote, without credentials.
        remote: String,
        /// What is wrong with it.
        #[source]
        source: url::UrlError,
    },
    /// A file named by the remote's settings cannot be read, or lacks what it should hold.
    #[error("cannot use the remote '{remote}': {reason}")]
    Settings {
        /// The remote, without credentials.
        remote: String,
        /// What is wrong.
        reason: String,
    },
    /// The remote could not be reached, or said no, or said something we refuse.
    #[error("cannot fetch from '{remote}': {reason}")]
    Remote {
        /// The remote, without credentials.
        remote: String,
        /// The child's words, escaped.
        reason: String,
    },
    /// The remote took too long.
    #[error("'{remote}' took longer than {} s", limit.as_secs())]
    TooSlow {
        /// The remote, without credentials.
        remote: String,
        /// What was allowed.
        limit: Duration,
    },
    /// The remote offers more than the settings allow (F2).
    #[error("'{remote}' sends more than the limit of {limit} {what}")]
    Limit {
        /// The remote, without credentials.
        remote: String,
        /// What is limited.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// The remote did not send an object that was asked for.
    #[error("'{remote}' did not send {id}, which it lists")]
    Missing {
        /// The remote, without credentials.
        remote: String,
        /// The object.
        id: cosmos_model::object_id::ObjectId,
    },
    /// The child ended or broke the frames of docs/formats.md §16.
    #[error("the fetching process failed while at '{remote}': {reason}")]
    Child {
        /// The remote, without credentials.
        remote: String,
        /// How it ended, or what it sent.
        reason: String,
    },
    /// The child could not be started.
    #[error("cannot start the fetching process")]
    Fork(#[source] nix::errno::Errno),
    /// The objects could not be stored.
    #[error("cannot store what '{remote}' sent")]
    Store {
        /// The remote, without credentials.
        remote: String,
        /// The store's error.
        #[source]
        source: crate::store::StoreError,
    },
}

impl FetchError {
    /// Tells whether it was our own disk that failed, and no remote.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        use crate::store::StoreError::{File, Library};
        matches!(self, Self::Store { source: File { .. } | Library { .. }, .. })
    }

    /// Returns what to try.
    #[must_use]
    pub fn hint(&self) -> String {
        let hint = match self {
            Self::Url { .. } => "use https://, ssh://, git://, an absolute path, or bundle:/path",
            Self::Settings { .. } => "mend the [[remote]] in trust.toml; docs/formats.md section 2 names its keys",
            Self::Remote { .. } => "ask the remote the same with git: git ls-remote URL",
            Self::TooSlow { .. } | Self::Limit { .. } => {
                "if that much is meant, raise the limit in [limits] of trust.toml"
            }
            Self::Missing { .. } => "the remote is damaged: run 'git fsck' there, or use another one",
            Self::Child { .. } | Self::Fork(_) => "run again; if it stays, look for the kernel's reason with 'dmesg'",
            Self::Store { source, .. } => return source.hint(),
        };
        hint.to_owned()
    }
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        Self::new(Status::Failed, &error, error.hint())
    }
}

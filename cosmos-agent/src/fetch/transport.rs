//! What every transport does, and why it may fail. All of this runs in the child.

use std::io::{self, Write};
use std::path::PathBuf;

use cosmos_model::escape;
use cosmos_model::object_id::ObjectId;
use cosmos_model::refs::RemoteRef;

/// A repository on this machine, and those of its objects that are wanted.
pub(super) type Objects = (git2::Repository, Vec<git2::Oid>);

/// One way to reach a repository. A look comes first; a fetch may follow on the same connection.
pub(super) trait Transport: Send {
    /// Lists the refs whose names begin with one of `prefixes`.
    fn look(&mut self, prefixes: &[Vec<u8>]) -> Result<Vec<RemoteRef>, TransportError>;

    /// Writes a pack to `sink` that holds `wants` and what they need beyond `haves`; deltas rest on its own objects.
    fn fetch(&mut self, wants: &[ObjectId], haves: &[ObjectId], sink: &mut dyn Write) -> Result<(), TransportError>;

    /// Returns where the objects are that a fetch would write, where they can be read without one.
    fn objects(&mut self, _wants: &[ObjectId], _haves: &[ObjectId]) -> Option<Result<Objects, TransportError>> {
        None
    }

    /// Returns the objects folder that holds the bases of a thin pack, where one may come.
    fn bases(&self) -> Option<PathBuf> {
        None
    }
}

/// Why a transport failed. Foreign text in it is escaped.
#[derive(Debug, thiserror::Error)]
pub(super) enum TransportError {
    #[error("cannot find an address of '{host}'")]
    Resolve {
        host: String,
        #[source]
        source: io::Error,
    },
    #[error("cannot connect to {place}")]
    Connect {
        place: String,
        #[source]
        source: io::Error,
    },
    #[error("the connection broke")]
    Broken(#[source] io::Error),
    #[error("the server refuses: {0}")]
    Refused(String),
    #[error("the server sent a malformed {what}: '{text}'")]
    Malformed { what: &'static str, text: String },
    #[error("the server sends more than the limit of {0} bytes")]
    Transfer(u64),
    #[error("the server lists more than the limit of {0} refs")]
    Refs(u32),
    #[error("object {id} of {size} bytes is larger than the limit of {limit} bytes")]
    ObjectSize { id: git2::Oid, size: u64, limit: u64 },
    #[error("the pack has more than the limit of {0} objects")]
    Objects(u32),
    #[error("the repository is shallow or partial, which is refused")]
    Incomplete,
    #[error("the repository names its objects by SHA-256, which is not supported")]
    Sha256,
    #[error("the server redirects to '{0}', which is refused")]
    Redirect(String),
    #[error("the server answered {status}{}", hint(*status))]
    Status { status: u16 },
    #[error("the https request failed: {0}")]
    Http(String),
    #[error("{what}: {text}")]
    Ssh { what: &'static str, text: String },
    #[error(
        "the host key of {host} {verdict} '{file}'; it is {fingerprint}, and once you know that it is right, \
         this line pins it: {line}"
    )]
    HostKey { host: String, verdict: &'static str, file: String, fingerprint: String, line: String },
    #[error("the bundle needs {0}, which this host does not have")]
    Prerequisite(ObjectId),
    #[error("cannot read '{path}'")]
    File {
        path: String,
        #[source]
        source: io::Error,
    },
    #[error("cannot {action}")]
    Library {
        action: &'static str,
        #[source]
        source: git2::Error,
    },
    #[error("cannot pass on what was fetched")]
    Parent(#[source] io::Error),
}

impl TransportError {
    /// The server's own words for a refusal.
    pub(super) fn refused(text: &[u8]) -> Self {
        Self::Refused(excerpt(text))
    }

    /// Bytes that break the protocol.
    pub(super) fn malformed(what: &'static str, text: &[u8]) -> Self {
        Self::Malformed { what, text: excerpt(text) }
    }

    /// A failure of libgit2.
    pub(super) fn library(action: &'static str) -> impl Fn(git2::Error) -> Self {
        move |source| Self::Library { action, source }
    }
}

/// The first bytes of foreign text, safe to show.
pub(super) fn excerpt(text: &[u8]) -> String {
    const SHOWN: usize = 200;
    escape::for_terminal(text.get(..SHOWN).unwrap_or(text).trim_ascii())
}

fn hint(status: u16) -> &'static str {
    match status {
        401 | 403 => " (not authorised; see token-file)",
        404 => " (no such repository)",
        407 => " (the proxy wants authorisation)",
        _ => "",
    }
}

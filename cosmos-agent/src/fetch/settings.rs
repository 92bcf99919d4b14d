//! What a fetch is told: where to, with which credentials, and how much at most (docs/formats.md §2).

use std::path::PathBuf;
use std::time::Duration;

/// One remote and what belongs to it. Credentials have a place of their own per remote (F3).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RemoteSettings {
    /// Where: `https://`, `ssh://`, `user@host:path`, `git://`, `/path`, `file://`, `bundle:/path`.
    pub url: String,
    /// The private key for ssh.
    pub ssh_key: Option<PathBuf>,
    /// The pinned host keys for ssh.
    pub known_hosts: Option<PathBuf>,
    /// The file whose content is the bearer token for https.
    pub token_file: Option<PathBuf>,
    /// Certificates that replace the system's for https, as PEM.
    pub ca_file: Option<PathBuf>,
    /// The proxy for https, `http://host:port`.
    pub proxy: Option<String>,
    /// `IP` or `IP:port` to connect to; the host's name is still checked.
    pub address: Option<String>,
}

/// Upper limits of one run's fetch (F2). None of them can be switched off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes read from one remote in one run; the objects of one fetch may inflate to
    /// [`INFLATION`](super::INFLATION) times as many.
    pub transfer: u64,
    /// Objects of one fetch.
    pub objects: u32,
    /// Bytes of one object, inflated.
    pub object_size: u64,
    /// Refs of one listing.
    pub refs: u32,
    /// Reaching a server: its name and all its addresses.
    pub connect: Duration,
    /// The whole look at one remote.
    pub look: Duration,
    /// One fetch from one remote.
    pub fetch: Duration,
}

impl Default for Limits {
    /// Returns the values of docs/formats.md §2.
    fn default() -> Self {
        Self {
            transfer: 1 << 30,
            objects: 5_000_000,
            object_size: 100 << 20,
            refs: 200_000,
            connect: Duration::from_secs(5),
            look: Duration::from_secs(30),
            fetch: Duration::from_secs(30 * 60),
        }
    }
}

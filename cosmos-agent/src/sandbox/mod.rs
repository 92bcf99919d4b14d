//! What the fetching child gives up before it reads a foreign byte (F4): rights, files, ports and system calls.
//!
//! Each layer holds without the others. What the kernel or the host lacks is left out and told: [`Layer`] names what is
//! in force, and `cosmos status` shows it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod calls;
mod files;
mod rights;

pub use rights::{Identity, USER};

/// What a child needs, and beyond which it has nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// The folder it may write to, and nowhere else.
    pub scratch: Option<PathBuf>,
    /// Files and folders it may read; those that do not exist are left out.
    pub read: Vec<PathBuf>,
    /// Whether what it reads may belong to anybody.
    pub foreign: bool,
    /// Whether it speaks to anybody but its parent.
    pub network: bool,
    /// TCP ports it may connect to.
    pub ports: BTreeSet<u16>,
    /// The user it becomes, where there is one.
    pub identity: Option<Identity>,
}

/// One layer of the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// A user of its own, or the unprivileged one who started the agent.
    User,
    /// Files other than those it needs cannot be opened (Landlock).
    Files,
    /// TCP connections go to the remotes' ports only (Landlock since Linux 6.7).
    Ports,
    /// No signal and no abstract socket reaches another process (Landlock since Linux 6.12).
    Signals,
    /// System calls that it does not need do not exist (seccomp).
    Calls,
}

impl Layer {
    /// Every layer, in the order of their numbers in docs/formats.md §16.
    pub const ALL: [Self; 5] = [Self::User, Self::Files, Self::Ports, Self::Signals, Self::Calls];

    /// Returns the layer's name in messages and documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Files => "files",
            Self::Ports => "ports",
            Self::Signals => "signals",
            Self::Calls => "calls",
        }
    }

    /// Returns the layer's bit in docs/formats.md §16.
    #[must_use]
    pub const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// Why a child could not be shut in. It must end then: half a sandbox is not what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// Rights could not be given up.
    #[error("cannot {action}")]
    Rights {
        /// What was tried.
        action: &'static str,
        /// The system's error.
        #[source]
        source: nix::errno::Errno,
    },
    /// Landlock refused for another reason than that it is not there.
    #[error("cannot shut off the file system")]
    Files(#[source] landlock::RulesetError),
    /// seccomp refused for another reason than that it is not there.
    #[error("cannot shut off system calls")]
    Calls(#[source] nix::errno::Errno),
}

/// Gives up everything but `needs`, for good, and returns what is in force.
///
/// Call it in a child with one thread that has set `no_new_privs` and will execute nothing.
///
/// # Errors
/// Returns [`SandboxError`] when a layer that this system has refuses.
pub fn enter(needs: &Needs) -> Result<BTreeSet<Layer>, SandboxError> {
    // The rules name files by open descriptors: whoever may open them all does so first.
    let mut layers = files::shut_off(needs)?;
    // The right to read what belongs to others is harmless where it reaches only what is named, or has nobody to tell.
    let foreign = needs.foreign && (layers.contains(&Layer::Files) || !needs.network);
    let own = rights::give_up(needs.identity, foreign)?;
    layers.extend(own.then_some(Layer::User));
    // The calls of other processors have other names and numbers.
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    layers.extend(calls::shut_off(needs.network, own && needs.identity.is_some())?.then_some(Layer::Calls));
    Ok(layers)
}

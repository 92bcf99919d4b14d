//! Staging: the layers of one host, read from a verified tree by id and merged, first wins.
//!
//! Nothing is checked out. A file that another layer wins is never read, and one whose hash is known is not read again.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::content::ContentHash;
use crate::document::Mistake;
use crate::facts::Facts;
use crate::fleet::Fleet;
use crate::host_name::HostName;
use crate::object::ObjectSource;
use crate::object::tree::NameRules;
use crate::object_id::ObjectId;
use crate::secret::Keyholder;
use crate::staged::StagedModel;
use crate::trust::VerifiedRevision;

mod build;
mod classic;
mod forecast;
mod lint;
mod merge;
mod native;
mod order;
mod ports;
mod repository;
mod rivals;
mod settings;
mod survey;
mod unfit;
mod vault;

pub use forecast::{Change, Changed, Forecast, forecast};
pub use lint::{Finding, lint};
pub use order::built_in_module;
use repository::Repository;
pub use rivals::rivals;
pub use survey::{FoundModule, HostLayers, HostPaths, hosts, is_native, layers_of, modules, params, paths};
pub(crate) use unfit::unfit;

/// Hashes that are already known, so that blobs which did not change are not read again.
pub trait KnownContent {
    /// Returns size and SHA-256 of the blob `id`, if it was hashed before.
    fn content_of(&self, id: ObjectId) -> Option<(u64, ContentHash)>;

    /// Returns size and SHA-256 of what is encrypted in the blob `id`, if it was decrypted before.
    fn secret_of(&self, _id: ObjectId) -> Option<(u64, ContentHash)> {
        None
    }
}

/// Which layers a host has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layers {
    /// The repository's own word: the host, what it uses, rules, `global/`, the root.
    Native {
        /// Whose model.
        host: HostName,
        /// The version of this agent, for `agent = ">= …"`.
        agent: (u64, u64, u64),
    },
    /// A list of folders relative to the repository, first wins, merged as rsync with several sources does (C3).
    Classic {
        /// The folders, `COSMOS_REPO_MODELS` without `COSMOS_REPO`; a trailing slash is significant.
        folders: Vec<Vec<u8>>,
    },
}

/// What a model rests on besides the revision.
#[derive(Debug, Clone, Copy, Default)]
pub struct Inputs<'a> {
    /// What is known about the host; without them every fact is unknown.
    pub facts: Option<&'a Facts>,
    /// The tree of the modules that come with the agent, among the objects.
    pub built_in: Option<ObjectId>,
    /// Who opens this host's secrets; without, they count as what they look like encrypted.
    pub secrets: Option<&'a dyn Keyholder>,
}

/// Why a verified revision has no model for this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StageError {
    /// The revision asks for a newer agent: the last accepted revision stays enforced.
    AgentTooOld {
        /// The oldest agent that will do.
        needed: (u64, u64, u64),
        /// This agent.
        present: (u64, u64, u64),
    },
    /// `fleet.toml` has a later format: the last accepted revision stays enforced.
    UnknownFormat {
        /// The format found.
        found: u64,
    },
    /// Everything that is wrong with the repository for this host.
    Mistakes(Vec<Mistake>),
}

impl Layers {
    /// Returns which names their trees may have.
    const fn rules(&self) -> NameRules {
        match self {
            Self::Native { .. } => NameRules::Native,
            Self::Classic { .. } => NameRules::Classic,
        }
    }

    /// Returns whose model this is, where the repository says what it is.
    pub(crate) const fn host(&self) -> Option<&HostName> {
        match self {
            Self::Native { host, .. } => Some(host),
            Self::Classic { .. } => None,
        }
    }
}

impl StageError {
    /// Tells whether only a newer agent helps, so that the revision applied before stays enforced.
    #[must_use]
    pub const fn needs_newer_agent(&self) -> bool {
        matches!(self, Self::AgentTooOld { .. } | Self::UnknownFormat { .. })
    }

    fn mistakes(mut mistakes: Vec<Mistake>) -> Self {
        mistakes.sort();
        mistakes.dedup();
        Self::Mistakes(mistakes)
    }
}

impl core::error::Error for StageError {}

impl fmt::Display for StageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AgentTooOld { needed: (n0, n1, n2), present: (p0, p1, p2) } => {
                write!(f, "this revision needs cosmos {n0}.{n1}.{n2}, this is {p0}.{p1}.{p2}")
            }
            Self::UnknownFormat { found } => {
                write!(f, "'fleet.toml' has format {found}, this agent reads format {}", crate::fleet::FORMAT)
            }
            Self::Mistakes(mistakes) => {
                for (index, mistake) in mistakes.iter().enumerate() {
                    write!(f, "{}{mistake}", if index == 0 { "" } else { "\n" })?;
                }
                Ok(())
            }
        }
    }
}

/// Merges the layers of one host.
///
/// # Errors
/// Returns [`StageError`]: the need for a newer agent, or every mistake found in layers, their files and trees (F5).
pub fn stage(
    revision: &VerifiedRevision,
    layers: &Layers,
    objects: &dyn ObjectSource,
    known: &dyn KnownContent,
    inputs: &Inputs<'_>,
) -> Result<StagedModel, StageError> {
    let mut repository = Repository::new(objects, known, layers.rules());
    let parts = match layers {
        Layers::Native { host, agent } => {
            native::layers(&mut repository, revision.tree(), host, *agent, inputs.built_in)?
        }
        Layers::Classic { folders } => classic::layers(&mut repository, revision.tree(), folders),
    };
    let model = build::model(&mut repository, revision.clone(), layers.host(), parts, inputs);
    if repository.mistakes.is_empty() { Ok(model) } else { Err(StageError::mistakes(repository.mistakes)) }
}

/// Merges the layers of one host as far as they differ from those of `since`, whose model the host has: folders that
/// are the same in every layer are named and not entered ([`StagedModel::left_out`]). `inputs` must be those of that
/// model.
///
/// Returns `None` where only [`stage`] can tell: layers, their order or settings differ, something is wrong, or
/// `delete/` names what lies in such a folder.
#[must_use]
pub fn stage_since(
    since: &VerifiedRevision,
    revision: &VerifiedRevision,
    layers: &Layers,
    objects: &dyn ObjectSource,
    known: &dyn KnownContent,
    inputs: &Inputs<'_>,
) -> Option<StagedModel> {
    let Layers::Native { host, agent } = layers else { return None };
    let mut repository = Repository::new(objects, known, NameRules::Native);
    let before = native::order(&mut repository, since.tree(), host, *agent, inputs.built_in).ok()?;
    let parts = native::changes(&mut repository, revision.tree(), host, *agent, inputs.built_in, &before)?;
    let model = build::model(&mut repository, revision.clone(), Some(host), parts, inputs);
    let left_out = |path: &crate::path::RelPath| model.left_out.iter().any(|folder| path.is_below(folder));
    (repository.mistakes.is_empty() && !model.named.keys().any(left_out)).then_some(model)
}

/// Reads the `fleet.toml` of a verified revision: what `clone` proposes to a host, and the name a host may insist on.
///
/// # Errors
/// Returns [`StageError`] for a later format, or every mistake in the file.
pub fn fleet(revision: &VerifiedRevision, objects: &dyn ObjectSource) -> Result<Fleet, StageError> {
    let mut repository = Repository::new(objects, &NothingKnown, NameRules::Native);
    let top = repository.tree("", revision.tree()).unwrap_or_default();
    let any_agent = (u64::MAX, u64::MAX, u64::MAX);
    let fleet = native::read_fleet(&mut repository, &top, any_agent)?;
    if repository.mistakes.is_empty() { Ok(fleet) } else { Err(StageError::mistakes(repository.mistakes)) }
}

/// For readers that hash nothing.
struct NothingKnown;

impl KnownContent for NothingKnown {
    fn content_of(&self, _: ObjectId) -> Option<(u64, ContentHash)> {
        None
    }
}

/// The merged folders of a host's layers, before contents and attributes.
#[derive(Default)]
struct Parts {
    /// The layers' names, first wins.
    names: Vec<String>,
    /// What each layer says about its files.
    rules: Vec<Vec<crate::layer::FileRule>>,
    /// The packages that layers need.
    packages: crate::staged::Wanted,
    overlay: Vec<merge::Merged>,
    /// Folders of the overlay that are as they were, so that what is in them was not merged.
    left_out: Vec<crate::path::RelPath>,
    /// The folders with secrets, each with its place, first wins.
    secrets: Vec<(String, ObjectId)>,
    delete: Vec<merge::Merged>,
    pre_tasks: Vec<merge::Merged>,
    post_tasks: Vec<merge::Merged>,
    others: Vec<merge::Merged>,
    retired: Option<String>,
    /// What the modules among the layers were told.
    told: settings::Told,
    /// Where services listen, by the position of the layer that says so.
    ports: Vec<(usize, crate::triggers::Said<crate::layer::Port>)>,
    /// What layers say about checks, services, tasks and probes.
    triggers: crate::triggers::Triggers,
    /// Whether well-known secrets get a narrow mode by themselves.
    narrow_secrets: bool,
}

/// The four folders of a layer.
const FOLDERS: [&[u8]; 4] = [b"overlay", b"delete", b"pre-tasks.d", b"post-tasks.d"];

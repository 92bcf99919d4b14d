//! Staging with effects: known hashes in, the model of this host or a failure out, and the bytes of its files.

use cosmos_model::content::{Content, ContentHash, ContentSource};
use cosmos_model::facts::Facts;
use cosmos_model::object::{self, ObjectKind, ObjectSource};
use cosmos_model::object_id::ObjectId;
use cosmos_model::path::RelPath;
use cosmos_model::secret::{self, Keyholder as _, Plaintext};
use cosmos_model::stage::{Inputs, KnownContent, StageError};
use cosmos_model::staged::StagedModel;
use cosmos_model::trust::VerifiedRevision;

use crate::agent::Agent;
use crate::apply::ContentError;
use crate::apply::managed_file::KnownBlobs;
use crate::built_in;
use crate::exit::{Failure, Status};
use crate::managed::View;
use crate::secret::HostSecrets;
use crate::store::Store;

/// Merges the layers of this host; `modules` is the tree of those that come with an agent.
///
/// # Errors
/// Returns a [`StageError`] with every mistake of the repository, or what a newer agent is needed for.
pub fn stage(
    agent: &Agent,
    revision: &VerifiedRevision,
    objects: &dyn ObjectSource,
    managed: &View<'_>,
    facts: &Facts,
    modules: ObjectId,
) -> Result<StagedModel, StageError> {
    let (secrets, known) = (HostSecrets::of(&agent.site), Known(managed.known()));
    let inputs = Inputs { facts: Some(facts), built_in: Some(modules), secrets: Some(&secrets) };
    cosmos_model::stage::stage(revision, &agent.layers, objects, &known, &inputs)
}

/// Merges the layers of this host as far as they differ from those of `applied`; `None` where that takes a whole model.
#[must_use]
pub fn stage_since(
    agent: &Agent,
    applied: &VerifiedRevision,
    revision: &VerifiedRevision,
    objects: &dyn ObjectSource,
    managed: &View<'_>,
    facts: &Facts,
) -> Option<StagedModel> {
    let (secrets, known) = (HostSecrets::of(&agent.site), Known(managed.known()));
    let inputs = Inputs { facts: Some(facts), built_in: Some(built_in::tree()), secrets: Some(&secrets) };
    cosmos_model::stage::stage_since(applied, revision, &agent.layers, objects, &known, &inputs)
}

/// Returns the failure of a host that has no model.
#[must_use]
pub fn failure(error: &StageError) -> Failure {
    let hint = match error {
        StageError::Mistakes(mistakes) => match mistakes.as_slice() {
            [only] if !only.hint.is_empty() => only.hint.as_str(),
            _ => "mend the repository and release again",
        },
        _ => "install a newer cosmos",
    };
    Failure::new(Status::Failed, error, format!("{hint}; what was applied before stays enforced until then"))
}

/// Returns the failure of an operator whose repository has mistakes, each with its hint below it.
#[must_use]
pub fn mistaken(error: &StageError) -> Failure {
    match error {
        StageError::Mistakes(_) => Failure::of(Status::Failed, in_full(error), "mend the repository"),
        _ => failure(error),
    }
}

/// Says all that is wrong, each mistake with its hint below it.
#[must_use]
pub fn in_full(error: &StageError) -> String {
    let StageError::Mistakes(mistakes) = error else { return error.to_string() };
    let lines = mistakes.iter().map(|mistake| match mistake.hint.as_str() {
        "" => mistake.to_string(),
        hint => format!("{mistake}\n    {hint}"),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Hashes of blobs that the managed set already has, so that they are not read again.
struct Known<'a>(Option<KnownBlobs<'a>>);

impl KnownContent for Known<'_> {
    fn content_of(&self, id: ObjectId) -> Option<(u64, ContentHash)> {
        self.0.as_ref()?.content_of(id)
    }

    fn secret_of(&self, id: ObjectId) -> Option<(u64, ContentHash)> {
        self.0.as_ref()?.secret_of(id)
    }
}

/// The bytes of planned files: from the store, perhaps decrypted, from the model where a template was rendered, or from
/// the model folder where a task made them (C5).
pub struct Contents<'a> {
    agent: &'a Agent,
    store: &'a Store,
    model: &'a StagedModel,
    secrets: HostSecrets,
}

impl<'a> Contents<'a> {
    /// Reads what `model` needs.
    #[must_use]
    pub fn new(agent: &'a Agent, store: &'a Store, model: &'a StagedModel) -> Self {
        Self { agent, store, model, secrets: HostSecrets::of(&agent.site) }
    }
}

impl crate::apply::Contents for Contents<'_> {
    fn read(&self, path: &RelPath, content: &Content) -> Result<Vec<u8>, ContentError> {
        match content.source {
            ContentSource::Blob(id) => Ok(object::read(self.store, id, ObjectKind::Blob)?),
            ContentSource::Secret(id) => {
                let sealed = object::read(self.store, id, ObjectKind::Blob)?;
                Ok(self.secrets.open(&sealed)?.to_vec())
            }
            ContentSource::Filled => {
                let pieces = self.model.sealed().get(&content.hash).ok_or("no template of this model became it")?;
                let mut open = |id: &ObjectId| -> Result<Plaintext, ContentError> {
                    Ok(self.secrets.open(&object::read(self.store, *id, ObjectKind::Blob)?)?)
                };
                Ok(secret::fill(pieces, &mut open)?.to_vec())
            }
            ContentSource::Rendered => {
                let bytes = self.model.rendered().get(&content.hash);
                bytes.cloned().ok_or_else(|| "no template of this model became it".into())
            }
            ContentSource::Model => {
                let folder = self.agent.model_folder();
                Ok(crate::model_folder::listing::content(folder.path(), path, content.hash)?)
            }
        }
    }
}

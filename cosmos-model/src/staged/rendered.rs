//! Files that come of templates, as they were when a model was applied (docs/formats.md §24).

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::{StagedKind, StagedModel};
use crate::content::{Content, ContentSource};
use crate::generation::RenderedFile;
use crate::path::RelPath;

/// Why a file cannot be what a template became once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRendered {
    /// No template of the model is for this path: the agent that kept it did not yet keep its own modules, and they are
    /// others now.
    #[error("no template becomes '{0}' any more")]
    NoTemplate(RelPath),
    /// It has a secret in it, whose bytes are kept nowhere, and would become something else today.
    #[error("'{0}' has a secret in it and would not become what it was")]
    Secret(RelPath),
    /// Its bytes are not kept.
    #[error("what '{0}' was is not kept any more")]
    Lost(RelPath),
}

impl StagedModel {
    /// Returns what the templates of this model became.
    #[must_use]
    pub fn rendered_files(&self) -> BTreeMap<RelPath, RenderedFile> {
        let file = |kind: &StagedKind| match kind {
            StagedKind::File(content) => rendered(content),
            _ => None,
        };
        self.entries.iter().filter_map(|(path, entry)| Some((path.clone(), file(&entry.kind)?))).collect()
    }

    /// Makes each of `files` what it was, whatever its template becomes today; `read` has the bytes by their hash. The
    /// model rests on no fact any more.
    ///
    /// # Errors
    /// Returns the first file that cannot be had as it was.
    pub fn as_rendered(
        &mut self,
        files: &BTreeMap<RelPath, RenderedFile>,
        read: &dyn Fn(&RenderedFile) -> Option<Vec<u8>>,
    ) -> Result<(), NotRendered> {
        self.rests_on.facts.clear();
        for (path, was) in files {
            let kind = self.entries.get_mut(path).map(|entry| &mut entry.kind);
            let Some(StagedKind::File(content)) = kind else { return Err(NotRendered::NoTemplate(path.clone())) };
            let now = rendered(content).ok_or_else(|| NotRendered::NoTemplate(path.clone()))?;
            if now == *was {
                continue;
            }
            if now.secret || was.secret {
                return Err(NotRendered::Secret(path.clone()));
            }
            let bytes = read(was).ok_or_else(|| NotRendered::Lost(path.clone()))?;
            self.rendered.insert(was.hash, bytes);
            *content = Content { hash: was.hash, size: was.size, source: ContentSource::Rendered };
        }
        Ok(())
    }
}

const fn rendered(content: &Content) -> Option<RenderedFile> {
    match content.source {
        ContentSource::Rendered => Some(RenderedFile { hash: content.hash, size: content.size, secret: false }),
        ContentSource::Filled => Some(RenderedFile { hash: content.hash, size: content.size, secret: true }),
        _ => None,
    }
}

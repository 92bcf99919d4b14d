//! What a run shows other tools on a host of Cosmos 1.5: the model's folder and the clone.

use cosmos_model::trust::VerifiedRevision;

use super::Pipeline;
use crate::exit::Failure;
use crate::managed::Managed;

impl Pipeline<'_> {
    /// Writes the model of the revision in force, and the clone other tools look at, for a classic `update` (C2, C4).
    /// Where that is hindered, the report says so, and the model is made what stays enforced instead.
    pub(super) fn write_classic_model(&mut self) -> Result<(), Failure> {
        let revision = self.in_force()?;
        self.record.state.hindrance = None;
        let ended = self.show(&revision);
        let (Some(applied), Err(hindered)) = (self.kept_instead_of(&revision), &ended) else { return ended };
        self.report.fail(hindered.clone());
        self.show(&applied).or(ended)
    }

    /// Makes model folder and clone of a classic host show `revision`.
    fn show(&mut self, revision: &VerifiedRevision) -> Result<(), Failure> {
        let folder = self.agent.model_folder();
        if !folder.is_at(revision.commit()) || !folder.is_as_left()? {
            let bytes = Managed::read(&self.state)?;
            let model = self.model(revision, &bytes.view())?;
            self.host.write_model(&folder, &model, &self.store)?;
        }
        self.shown = Some(revision.commit());
        let refs = self.record.refs()?;
        let classic = self.agent.classic.as_ref().expect("only classic hosts have a clone");
        self.host.show_checkout(classic, &self.agent.site, revision, &refs, &self.store)
    }
}

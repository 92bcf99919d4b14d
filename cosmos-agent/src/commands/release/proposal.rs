//! A release that is worked out and not signed yet, and what signing makes of it.

use cosmos_model::object::ObjectKind;
use cosmos_model::object_id::ObjectId;
use cosmos_model::refs::RemoteRef;

use super::news::News;
use super::{Desk, compose};
use crate::exit::Failure;
use crate::operator::{Draft, SigningKey};

/// What is to be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sign {
    /// An annotated tag on the proposal's commit.
    Tag {
        /// Its message.
        message: String,
    },
    /// A commit of this text, without its signature.
    Commit {
        /// Its headers, each with its newline.
        headers: Vec<u8>,
        /// Its message.
        message: String,
    },
    /// Nothing: every commit is signed already.
    Nothing,
}

/// A release before it is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The tag's name, or the branch's; a co-signature's ends when the key is known.
    pub name: String,
    /// The commit released; of a commit that is to be signed, the one it is made from.
    pub commit: ObjectId,
    /// What it changes.
    pub news: News,
    /// What is signed.
    pub sign: Sign,
    /// The branch that is pushed with it, and the commit it then points at.
    pub branch: Option<(String, ObjectId)>,
    /// Whether this is a further signature on another operator's release.
    pub cosigns: bool,
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The tag's or branch's name.
    pub name: String,
    /// The commit hosts get.
    pub commit: ObjectId,
    /// The object that was signed.
    pub object: ObjectId,
    /// What the remote gets: objects and full ref names.
    pub pushed: Vec<(ObjectId, String)>,
    /// What the clone's own refs point at afterwards.
    pub local: Vec<(ObjectId, String)>,
    /// The remote's refs as they will be.
    pub refs: Vec<RemoteRef>,
}

impl Proposal {
    /// Signs, and works out which refs change.
    ///
    /// # Errors
    /// Returns a [`Failure`] when the key says no.
    pub fn sign(
        &self,
        desk: &Desk<'_>,
        draft: &mut Draft<'_>,
        key: &SigningKey<'_>,
        who: &str,
    ) -> Result<Made, Failure> {
        let mut pushed: Vec<(ObjectId, String)> = Vec::new();
        let mut name = self.name.clone();
        let (mut commit, mut object) = (self.commit, self.commit);
        match &self.sign {
            Sign::Tag { message } => {
                if self.cosigns {
                    let fingerprint = key.fingerprint();
                    name = format!("{name}{}", &fingerprint[fingerprint.len() - 16..]);
                }
                let text = compose::tag(&name, commit, who, message);
                let signature = key.sign(text.as_bytes())?;
                object = draft.add(ObjectKind::Tag, format!("{text}{signature}").into_bytes());
                pushed.push((object, format!("refs/tags/{name}")));
            }
            Sign::Commit { headers, message } => {
                let signature = key.sign(&compose::payload(headers, message))?;
                commit = draft.add(ObjectKind::Commit, compose::signed(headers, message, &signature));
                object = commit;
            }
            Sign::Nothing => {}
        }
        let mut local = pushed.clone();
        if let Some((branch, id)) = &self.branch {
            let tip = if matches!(self.sign, Sign::Commit { .. }) { commit } else { *id };
            let full = format!("refs/heads/{branch}");
            if desk.mirror.points(&full) != Some(tip) {
                pushed.push((tip, full.clone()));
            }
            // A revert leaves the work tree alone: the operator pulls what was verified.
            if desk.options.revert.is_none() && desk.work.points(&full) != Some(tip) {
                local.push((tip, full));
            }
        }
        let mut refs = desk.view.refs.clone();
        refs.retain(|one| !pushed.iter().any(|(_, name)| one.name == name.as_bytes()));
        refs.extend(pushed.iter().map(|(id, name)| RemoteRef { name: name.clone().into_bytes(), id: *id }));
        let refs = desk.agent.trust.wanted(&refs, None);
        Ok(Made { name, commit, object, pushed, local, refs })
    }
}

//! A further signature on what another operator released.

use cosmos_model::object::tag::Tag;
use cosmos_model::object::{self, ObjectKind};
use cosmos_model::object_id::ObjectId;

use super::Desk;
use super::news::News;
use super::proposal::{Proposal, Sign};
use super::tags::tree_of;
use crate::exit::{Failure, Status};
use crate::operator::Draft;

/// Works out a co-signature: the same commit, the same signed line, a name of its own (docs/formats.md §6).
///
/// # Errors
/// Returns a [`Failure`] when the remote has no such release.
pub fn propose(desk: &Desk<'_>, draft: &Draft<'_>, name: &str) -> Result<Proposal, Failure> {
    let (commit, prefix, message) = if desk.by_tags { of_tag(desk, draft, name)? } else { of_commit(desk, name)? };
    let tree = tree_of(draft, commit)?;
    let news = News::between(draft, desk.view.accepted().map(|one| (one.commit(), one.tree())), (commit, tree))?;
    Ok(Proposal { name: prefix, commit, news, sign: Sign::Tag { message }, branch: None, cosigns: true })
}

fn of_tag(desk: &Desk<'_>, draft: &Draft<'_>, name: &str) -> Result<(ObjectId, String, String), Failure> {
    let hint = "hosts refuse it, too: ask who made it";
    let bytes = object::read(draft, desk.view.tag(name)?.id, ObjectKind::Tag)
        .map_err(|error| Failure::new(Status::Refused, &error, hint))?;
    let tag = Tag::parse(&bytes).map_err(|error| Failure::new(Status::Refused, &error, hint))?;
    let said = String::from_utf8_lossy(tag.message).into_owned();
    // What binds the release is signed again as it stands; hosts take what enough signers agree to (T7).
    let line = said.lines().next().filter(|line| line.starts_with("cosmos:"));
    let line = line.map(|line| format!("{line}\n\n")).unwrap_or_default();
    let about = desk.options.message.clone().unwrap_or_else(|| format!("Seen: {name}"));
    Ok((tag.target, format!("{name}+"), format!("{line}{about}")))
}

fn of_commit(desk: &Desk<'_>, name: &str) -> Result<(ObjectId, String, String), Failure> {
    let hint = "name the commit by its 40 digits, or the branch";
    let commit = match desk.mirror.points(&format!("refs/heads/{name}")) {
        Some(commit) => commit,
        None => name
            .parse()
            .map_err(|error: cosmos_model::object_id::InvalidObjectId| Failure::new(Status::Usage, &error, hint))?,
    };
    let about = desk.options.message.clone().unwrap_or_else(|| format!("Seen: {commit}"));
    Ok((commit, format!("cosign/{}-", &commit.to_string()[..12]), about))
}

//! Tags as evidence: read, parsed, names bound (T7, T8), and grouped by the commit they are about (T4).

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::pattern::{NaturalName, TagPattern, co_signed_name};
use super::refusal::Refusal;
use super::statement::Statement;
use super::walk::Walk;
use crate::object::tag::Tag;
use crate::object::{self, ObjectError, ObjectKind};
use crate::object_id::ObjectId;
use crate::refs::RemoteRef;

/// The prefix of tags that carry further signatures (T13).
pub const COSIGN: &str = "cosign/";

/// A tag whose text is sound; its signature is not judged yet.
pub struct TagEvidence {
    /// The ref, escaped.
    pub reference: String,
    /// The release the tag is about: its own name, or what it co-signs. `None` for `cosign/*`.
    pub release: Option<String>,
    /// Whether the name is a release's own, not a co-signature's.
    pub is_release: bool,
    /// The tag object.
    pub id: ObjectId,
    /// The commit tagged.
    pub target: ObjectId,
    /// The signed line.
    pub statement: Option<Statement>,
    text: Vec<u8>,
    payload: usize,
}

impl TagEvidence {
    /// Returns the signature block and what it signs.
    pub fn signed(&self) -> (&[u8], &[u8]) {
        (&self.text[self.payload..], &self.text[..self.payload])
    }
}

/// Tags by the commit they are about.
pub type Steps = BTreeMap<ObjectId, Vec<TagEvidence>>;

/// Reads every tag that concerns this host; those whose text is unsound are refused here.
pub fn collect(walk: &mut Walk<'_>, pattern: Option<&TagPattern>) -> Steps {
    let mut steps = Steps::new();
    let mut refs: Vec<&RemoteRef> = walk.evidence.refs.iter().collect();
    refs.sort_unstable();
    refs.dedup();
    for reference in refs {
        let Some(name) = reference.tag_name() else { continue };
        let Some((release, is_release)) = role(name, pattern) else { continue };
        match read(walk, reference, name) {
            Ok(tag) => {
                let tag = TagEvidence { release: release.map(ToString::to_string), is_release, ..tag };
                // Nearly all commits have one tag, and a list would begin with room for four.
                steps.entry(tag.target).or_insert_with(|| Vec::with_capacity(1)).push(tag);
            }
            Err((target, refusal)) => walk.refuse(reference.shown_name(), reference.id, target, refusal),
        }
    }
    for tags in steps.values_mut() {
        tags.sort_by_cached_key(|tag| NaturalName(tag.release.clone().unwrap_or_default()));
    }
    steps
}

/// Tells what a tag's name makes of it: a release, a co-signature of one, or a further signature; else nothing of ours.
pub fn role<'n>(name: &'n str, pattern: Option<&TagPattern>) -> Option<(Option<&'n str>, bool)> {
    if name.starts_with(COSIGN) {
        return Some((None, false));
    }
    let pattern = pattern?;
    match co_signed_name(name).filter(|release| pattern.matches(release)) {
        Some(release) => Some((Some(release), false)),
        None => pattern.matches(name).then_some((Some(name), true)),
    }
}

fn read(walk: &Walk<'_>, reference: &RemoteRef, name: &str) -> Result<TagEvidence, (Option<ObjectId>, Refusal)> {
    let text = match object::read(walk.evidence.objects, reference.id, ObjectKind::Tag) {
        Ok(text) => text,
        Err(error) => return Err(not_a_tag(walk, reference.id, error)),
    };
    let tag = Tag::parse(&text).map_err(|error| (None, error.into()))?;
    if tag.kind != ObjectKind::Commit {
        return Err((None, Refusal::TargetKind { kind: tag.kind }));
    }
    let refuse = |refusal| (Some(tag.target), refusal);
    if tag.name != name.as_bytes() {
        return Err(refuse(Refusal::NameMismatch { inside: crate::escape::for_terminal(tag.name) }));
    }
    if tag.signature.is_none() {
        return Err(refuse(Refusal::Unsigned));
    }
    let statement = Statement::parse(tag.message).map_err(|error| refuse(error.into()))?;
    let (target, payload) = (tag.target, tag.payload.len());
    let shown = reference.shown_name();
    let (release, is_release) = (None, false);
    Ok(TagEvidence { reference: shown, release, is_release, id: reference.id, target, statement, text, payload })
}

/// Tells a plain commit under a tag's name from an object that is damaged.
fn not_a_tag(walk: &Walk<'_>, id: ObjectId, error: ObjectError) -> (Option<ObjectId>, Refusal) {
    let is_commit = object::read(walk.evidence.objects, id, ObjectKind::Commit).is_ok();
    if is_commit { (Some(id), Refusal::NotAnnotated) } else { (None, error.into()) }
}

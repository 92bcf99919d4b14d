//! The revision in force, looked at again: what judges it may have changed since it was accepted (T15).

use alloc::format;
use alloc::string::ToString;

use openpgp::Fingerprint;
use sequoia_openpgp as openpgp;

use super::history::History;
use super::pattern::TagPattern;
use super::refusal::Refusal;
use super::state::TrustState;
use super::statement::Statement;
use super::verified::VerifiedRevision;
use super::walk::{Outcome, Walk, ancestors};
use super::{Introduction, Mode};
use crate::object::commit::Commit;
use crate::object::tag::Tag;
use crate::object::{self, ObjectKind};

/// Refuses the accepted revision where it would not be accepted any more; the host keeps it all the same, and says so.
pub fn judge_again(walk: &mut Walk<'_>, state: &TrustState, outcome: &Outcome, rooted: bool) {
    let Some(accepted) = &state.accepted else { return };
    let stays = outcome.standing.revision.as_ref() == Some(accepted);
    let own_fault = stays.then(|| fault(walk, accepted, outcome)).flatten();
    let reason = || "it does not descend from the introduction".to_string();
    let elsewhere = || (!rooted).then(|| Refusal::OtherSettings { reason: reason() });
    let Some(reason) = own_fault.or_else(elsewhere) else { return };
    let name = accepted.tag().map(|tag| format!("refs/tags/{tag}"));
    let offered = name.as_ref().and_then(|name| walk.evidence.refs.iter().find(|one| one.name == name.as_bytes()));
    let object = offered.map_or(accepted.commit(), |one| one.id);
    // The walk may have tried the same tag again; it is not history that was gone past.
    walk.refused.retain(|one| one.refused.object != object);
    let reference = name.unwrap_or_else(|| walk.policy.branch_reference());
    walk.refuse(crate::escape::for_terminal(reference.as_bytes()), object, None, reason);
}

/// Returns what is wrong with the revision itself by what is known and set today.
fn fault(walk: &mut Walk<'_>, accepted: &VerifiedRevision, outcome: &Outcome) -> Option<Refusal> {
    let source = &outcome.standing.below.trusted.source;
    let vouched = walk.sources.set(source).is_ok_and(|set| set.goodlist.contains(&accepted.commit()));
    let introduced = matches!(&walk.policy.introduction, Introduction::Commit { id, .. } if *id == accepted.commit());
    let need = if introduced { 1 } else { walk.policy.threshold.max(1) };
    let condemned = |place: &usize| is_condemned(walk, accepted, *place);
    let sound = (0..accepted.signers().len()).filter(|place| !condemned(place)).count();
    if sound < need && !vouched {
        let stolen = (0..accepted.signers().len()).find(condemned);
        let compromised = |place: usize| Refusal::Compromised { signer: accepted.signers()[place].fingerprint.clone() };
        return Some(stolen.map_or(Refusal::TooFewSignatures { have: sound, need }, compromised));
    }
    let settings = other_settings(&walk.policy.mode, accepted);
    settings.or_else(|| (!introduced).then(|| statement_fault(walk, accepted)).flatten())
}

fn is_condemned(walk: &Walk<'_>, accepted: &VerifiedRevision, place: usize) -> bool {
    let key = accepted.keys.get(place).and_then(|key| Fingerprint::from_hex(key).ok());
    let signer = &accepted.signers()[place].fingerprint;
    key.is_some_and(|key| walk.sources.compromised.condemns(signer, &key))
}

/// Tells whether the revision is none that the host's mode and pattern mean any more.
fn other_settings(mode: &Mode, accepted: &VerifiedRevision) -> Option<Refusal> {
    let reason = match (mode, accepted.tag()) {
        (Mode::Commits { .. }, None) => return None,
        (Mode::Commits { .. }, Some(_)) => "it is a release, and this host follows commits now".to_string(),
        (Mode::Tags { .. }, None) => "it is no release, and this host follows releases now".to_string(),
        (Mode::Tags { pattern, classic }, Some(tag)) => {
            if TagPattern::parse(pattern, *classic).is_ok_and(|parsed| parsed.matches(tag)) {
                return None;
            }
            format!("its name does not match '{}'", crate::escape::for_terminal(pattern.as_bytes()))
        }
    };
    Some(Refusal::OtherSettings { reason })
}

/// Checks the signed line against the settings of today, but for its counter; where the tag is not offered, that is
/// said.
fn statement_fault(walk: &Walk<'_>, accepted: &VerifiedRevision) -> Option<Refusal> {
    let objects = walk.evidence.objects;
    let statement = match accepted.tag() {
        None => {
            let bytes = object::read(objects, accepted.commit(), ObjectKind::Commit).ok()?;
            Statement::parse(Commit::parse(&bytes).ok()?.message).ok()?
        }
        Some(name) => {
            let name = format!("refs/tags/{name}");
            let offered = walk.evidence.refs.iter().find(|one| one.name == name.as_bytes())?;
            let bytes = object::read(objects, offered.id, ObjectKind::Tag).ok()?;
            let tag = Tag::parse(&bytes).ok().filter(|tag| tag.target == accepted.commit())?;
            Statement::parse(tag.message).ok()?
        }
    };
    walk.check_statement(statement.as_ref(), None).err()
}

/// Tells whether the revision in force descends from the introduction; looked up once for each introduction.
pub fn is_rooted(walk: &Walk<'_>, state: &TrustState) -> bool {
    let (Introduction::Commit { id, .. }, Some(accepted)) = (&walk.policy.introduction, &state.accepted) else {
        return true;
    };
    if state.introduced_by == Some(*id) || *id == accepted.commit() {
        return true;
    }
    let history = History::explore(walk.evidence.objects, &[accepted.commit()], Some(*id));
    ancestors(Some(accepted.commit()), &history.nodes).contains(id)
}

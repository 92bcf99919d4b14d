//! A release where every commit is signed: the branch, with a signed commit at its end.

use cosmos_model::object::commit::Commit;
use cosmos_model::object::{self, ObjectKind, ObjectSource};
use cosmos_model::object_id::ObjectId;
use cosmos_model::trust::Mode;

use super::news::News;
use super::proposal::{Proposal, Sign};
use super::tags::{head, statement, tree_of};
use super::{Desk, compose};
use crate::exit::{Failure, Status};
use crate::operator::Draft;

/// Works out what is signed: the last commit if it is not yet, a further one if there is something to say, or nothing.
///
/// # Errors
/// Returns a [`Failure`] when another branch is checked out, or there is nothing to release.
pub fn propose(desk: &Desk<'_>, draft: &mut Draft<'_>, who: &str) -> Result<Proposal, Failure> {
    let (branch, head) = head(desk, draft)?;
    let Mode::Commits { branch: followed } = &desk.agent.trust.mode else { unreachable!("called in commits mode") };
    if branch != *followed {
        let message = format!("'{branch}' is checked out, and hosts follow '{followed}'");
        return Err(Failure::of(Status::Usage, message, format!("git switch {followed}")));
    }
    if desk.options.name.is_some() {
        let hint = "this fleet signs commits, and its releases have no names: leave the name out";
        return Err(Failure::of(Status::Usage, "a release of signed commits has no name", hint));
    }
    let accepted = desk.view.accepted();
    let is_new = accepted.is_none_or(|accepted| accepted.commit() != head);
    let tree = match &desk.options.revert {
        Some(commit) => tree_of(draft, earlier(commit)?)?,
        None => tree_of(draft, head)?,
    };
    let news = News::between(draft, accepted.map(|one| (one.commit(), one.tree())), (head, tree))?;
    let statement = statement(desk, draft, &news)?;
    let about = |usual: &str| desk.options.message.clone().unwrap_or_else(|| usual.to_owned());
    let line = statement.line();
    let on_top = |usual: &str| Sign::Commit {
        headers: compose::headers(tree, &[head], who),
        message: format!("{line}\n\n{}\n", about(usual)),
    };
    let has_to_say = statement.valid_until.is_some() || statement.removals > 0;
    let sign = match (&desk.options.revert, unsigned(draft, head)?.filter(|_| is_new)) {
        (Some(commit), _) => on_top(&format!("Back to {commit}")),
        (None, Some(text)) => Sign::Commit {
            headers: compose::recommitted(&text, who),
            message: format!("{line}\n\n{}\n", message_of(&text).trim_end()),
        },
        (None, None) if has_to_say => on_top("Release"),
        (None, None) if is_new => Sign::Nothing,
        (None, None) => {
            let hint = "commit a change first; to renew its freshness only, say --valid-until TIME";
            return Err(Failure::of(Status::Usage, format!("hosts have {} already", &head.to_string()[..12]), hint));
        }
    };
    Ok(Proposal { name: branch.clone(), commit: head, news, sign, branch: Some((branch, head)), cosigns: false })
}

fn earlier(text: &str) -> Result<ObjectId, Failure> {
    let hint = "name the commit to go back to by its 40 digits: 'git log' prints them";
    text.parse().map_err(|error: cosmos_model::object_id::InvalidObjectId| Failure::new(Status::Usage, &error, hint))
}

/// Returns the text of a commit that nobody signed.
fn unsigned(objects: &dyn ObjectSource, id: ObjectId) -> Result<Option<Vec<u8>>, Failure> {
    let hint = "see what 'git fsck' says in the clone";
    let bytes =
        object::read(objects, id, ObjectKind::Commit).map_err(|error| Failure::new(Status::Failed, &error, hint))?;
    let commit = Commit::parse(&bytes).map_err(|error| Failure::new(Status::Refused, &error, hint))?;
    // What carries another kind of signature is left as it is: the judge says what is wrong with it.
    let signed = !matches!(commit.signature(), Ok(None));
    Ok(if signed { None } else { Some(bytes) })
}

fn message_of(text: &[u8]) -> String {
    let at = text.windows(2).position(|pair| pair == b"\n\n").map_or(text.len(), |at| at + 2);
    String::from_utf8_lossy(&text[at..]).into_owned()
}

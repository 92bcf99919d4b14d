//! A release where tags are signed: a name, a tag on the commit checked out, and the branch it is on.

use cosmos_model::object::commit::Commit;
use cosmos_model::object::tag::Tag;
use cosmos_model::object::{self, ObjectKind, ObjectSource};
use cosmos_model::object_id::ObjectId;
use cosmos_model::release::next_name;
use cosmos_model::stage;
use cosmos_model::time::Time;
use cosmos_model::trust::{Mode, Statement, TagPattern, compare_names};

use super::news::{self, News};
use super::proposal::{Proposal, Sign};
use super::{Desk, compose};
use crate::exit::{Failure, Status};
use crate::operator::Draft;

/// Works out the next release.
///
/// # Errors
/// Returns a [`Failure`] when there is nothing to release, or it could not be one.
pub fn propose(desk: &Desk<'_>, draft: &mut Draft<'_>, who: &str) -> Result<Proposal, Failure> {
    let (branch, head) = head(desk, draft)?;
    let commit = match &desk.options.revert {
        Some(tag) => reverted(desk, draft, tag, head, who)?,
        None => head,
    };
    let tree = tree_of(draft, commit)?;
    let accepted = desk.view.accepted();
    if accepted.is_some_and(|accepted| accepted.commit() == commit) && desk.options.valid_until.is_none() {
        let tag = accepted.and_then(|accepted| accepted.tag()).unwrap_or_default();
        let hint = "commit a change first; to renew its freshness only, say --valid-until TIME";
        return Err(Failure::of(Status::Usage, format!("'{tag}' is this commit already"), hint));
    }
    let news = News::between(draft, accepted.map(|one| (one.commit(), one.tree())), (commit, tree))?;
    let name = name(desk)?;
    let statement = statement(desk, draft, &news)?;
    let about = desk.options.message.clone().unwrap_or_else(|| match &desk.options.revert {
        Some(tag) => format!("Back to {tag}"),
        None => format!("Release {name}"),
    });
    let sign = Sign::Tag { message: format!("{}\n\n{about}", statement.line()) };
    Ok(Proposal { name, commit, news, sign, branch: Some((branch, commit)), cosigns: false })
}

/// Returns the branch checked out and its head, which has to have everything the remote's has.
pub fn head(desk: &Desk<'_>, objects: &dyn ObjectSource) -> Result<(String, ObjectId), Failure> {
    let branch = desk.work.branch()?;
    let full = format!("refs/heads/{branch}");
    let no_commit = || Failure::of(Status::Usage, format!("'{branch}' has no commit yet"), "commit something first");
    let head = desk.work.points(&full).ok_or_else(no_commit)?;
    let below = news::ancestors(objects, head, &Default::default());
    if desk.mirror.points(&full).is_some_and(|theirs| !below.contains(&theirs)) {
        let message = format!("the remote's '{branch}' has commits that yours lacks");
        return Err(Failure::of(Status::Usage, message, "take them in first: git pull --rebase"));
    }
    if let Some(accepted) = desk.view.accepted().filter(|accepted| !below.contains(&accepted.commit())) {
        let what = accepted.tag().map_or_else(|| accepted.commit().to_string(), str::to_owned);
        let message = format!("'{branch}' does not descend from the last release, '{what}'");
        return Err(Failure::of(
            Status::Refused,
            message,
            "rebase it onto that; hosts never go back by themselves (T6)",
        ));
    }
    Ok((branch, head))
}

pub fn tree_of(objects: &dyn ObjectSource, commit: ObjectId) -> Result<ObjectId, Failure> {
    let hint = "see what 'git fsck' says in the clone";
    let bytes = object::read(objects, commit, ObjectKind::Commit)
        .map_err(|error| Failure::new(Status::Failed, &error, hint))?;
    Ok(Commit::parse(&bytes).map_err(|error| Failure::new(Status::Refused, &error, hint))?.tree)
}

/// Makes a commit on top of `head` whose tree is that of an earlier release.
fn reverted(desk: &Desk<'_>, draft: &mut Draft<'_>, tag: &str, head: ObjectId, who: &str) -> Result<ObjectId, Failure> {
    let target = target(draft, desk.view.tag(tag)?.id)?;
    if !news::ancestors(draft, head, &Default::default()).contains(&target) {
        let message = format!("'{tag}' is no earlier release of this branch");
        return Err(Failure::of(Status::Usage, message, "'git tag --merged' lists those that are"));
    }
    let headers = compose::headers(tree_of(draft, target)?, &[head], who);
    Ok(draft.add(ObjectKind::Commit, compose::payload(&headers, &format!("Back to {tag}\n"))))
}

/// Returns the commit that a tag object is about.
pub fn target(objects: &dyn ObjectSource, tag: ObjectId) -> Result<ObjectId, Failure> {
    let hint = "hosts refuse it, too; name another release";
    let bytes =
        object::read(objects, tag, ObjectKind::Tag).map_err(|error| Failure::new(Status::Refused, &error, hint))?;
    Ok(Tag::parse(&bytes).map_err(|error| Failure::new(Status::Refused, &error, hint))?.target)
}

/// Returns the name given, or the one after the last release's.
fn name(desk: &Desk<'_>) -> Result<String, Failure> {
    let Mode::Tags { pattern: text, classic } = &desk.agent.trust.mode else { unreachable!("called in tags mode") };
    let pattern = TagPattern::parse(text, *classic)
        .map_err(|error| Failure::new(Status::Usage, &error, "mend the pattern in '.git/cosmos/trust.toml'"))?;
    let taken = |name: &str| {
        desk.view.refs.iter().any(|one| one.tag_name() == Some(name))
            || desk.work.points(&format!("refs/tags/{name}")).is_some()
    };
    if let Some(name) = &desk.options.name {
        let sound = pattern.matches(name) && !name.contains("..") && !name.ends_with(".lock") && !taken(name);
        let hint = format!("name it after '{text}', as nothing is named yet");
        let message = || format!("'{}' cannot be the name", cosmos_model::escape::for_terminal(name.as_bytes()));
        return if sound { Ok(name.clone()) } else { Err(Failure::of(Status::Usage, message(), hint)) };
    }
    let newest = || {
        let names = desk.view.refs.iter().filter_map(|one| one.tag_name()).filter(|name| pattern.matches(name));
        names.max_by(|left, right| compare_names(left, right))
    };
    let newest = desk.view.accepted().and_then(|accepted| accepted.tag()).or_else(newest);
    let today = jiff::Zoned::now().strftime("%Y-%m-%d").to_string();
    next_name(&pattern, newest, &today, &taken).ok_or_else(|| {
        let message = format!("no name follows from '{}'", newest.unwrap_or(text));
        Failure::of(Status::Usage, message, "say one: cosmos release NAME")
    })
}

/// Returns the signed line: what binds this release (docs/formats.md §7).
pub fn statement(desk: &Desk<'_>, objects: &dyn ObjectSource, news: &News) -> Result<Statement, Failure> {
    let accepted = desk.view.accepted();
    let fleet = accepted.filter(|_| !news.classic).and_then(|accepted| stage::fleet(accepted, objects).ok());
    let branch = match &desk.agent.trust.mode {
        Mode::Commits { branch } => Some(branch.clone()),
        Mode::Tags { .. } => None,
    };
    let until = desk.options.valid_until.as_ref().map(|text| {
        let end: Result<Time, _> = text.parse();
        end.map_err(|error| Failure::new(Status::Usage, &error, "write 2026-12-01 or 2026-12-01T06:00:00Z"))
    });
    Ok(Statement {
        fleet: desk.agent.trust.fleet.clone().or(fleet.and_then(|fleet| fleet.name)),
        branch,
        counter: Some(accepted.and_then(|accepted| accepted.counter()).map_or(1, |last| last.saturating_add(1))),
        valid_until: until.transpose()?,
        removals: news.removals(),
    })
}

//! Where hosts may start: a commit with the policy in it, and whoever signed it, found by judging as a host would.

use cosmos_model::escape::for_terminal;
use cosmos_model::object_id::ObjectId;
use cosmos_model::refs::RemoteRef;
use cosmos_model::trust::{
    Evidence, Introduction, Mode, Refusal, Right, TagPattern, TrustPolicy, TrustSet, TrustState,
};
use serde_json::{Value, json};

use super::{pattern, tree};
use crate::cli::TrustInitOptions;
use crate::exit::{Failure, Status};
use crate::operation;
use crate::operator::WorkTree;
use crate::shell;

/// An introduction that hosts accept today.
pub struct Start {
    commit: ObjectId,
    signer: String,
    mode: Mode,
    command: String,
}

/// Finds the introduction: in `tags` mode the newest release that is good, else the branch's tip.
///
/// # Errors
/// Returns a [`Failure`] of status `Refused` with the reason when hosts would refuse to start.
pub fn find(
    clone: &WorkTree,
    options: &TrustInitOptions,
    branch: &str,
    (head, policy): (ObjectId, &[u8]),
) -> Result<Start, Failure> {
    let set = TrustSet::from_policy(policy).map_err(|reason| {
        let message = format!("the committed '{}' cannot be used: {reason}", super::POLICY);
        Failure::of(Status::Refused, message, "write it anew: --force --signer FILE")
    })?;
    let refs = clone.refs()?;
    let mut refusals = Vec::new();
    for (mode, commit) in candidates(clone, options, (branch, head), &refs)? {
        let right = if matches!(mode, Mode::Tags { .. }) { Right::SignTag } else { Right::SignCommit };
        for signer in set.holding(right) {
            match judge(clone, &refs, &mode, commit, &signer) {
                Ok(()) => return Ok(Start::new(commit, signer, mode, url(clone, options))),
                Err(refusal) => refusals.push((commit, refusal)),
            }
        }
    }
    Err(refused(&refusals))
}

/// Returns what a host could follow, and the commit it would start from, the likeliest first.
fn candidates(
    clone: &WorkTree,
    options: &TrustInitOptions,
    (branch, head): (&str, ObjectId),
    refs: &[RemoteRef],
) -> Result<Vec<(Mode, ObjectId)>, Failure> {
    let mut all = Vec::new();
    let pattern = options.tags.clone().or_else(|| pattern::guess(clone, refs));
    if let Some(text) = pattern.filter(|_| options.mode.as_deref() != Some("commits")) {
        let hint = "letters, digits, . _ - / and '*', not '*' first, such as \"release-*\"";
        let pattern = TagPattern::native(&text).map_err(|error| Failure::new(Status::Usage, &error, hint))?;
        let target = pattern::matching(refs, &pattern).pop().and_then(|newest| tree::target(clone, newest.id));
        all.extend(target.map(|target| (Mode::Tags { pattern: text, classic: false }, target)));
    }
    if options.mode.as_deref() != Some("tags") {
        all.push((Mode::Commits { branch: branch.to_owned() }, head));
    }
    Ok(all)
}

/// Tells whether a host that is introduced so accepts a revision and refuses nothing; else which ref, and why.
fn judge(
    clone: &WorkTree,
    refs: &[RemoteRef],
    mode: &Mode,
    commit: ObjectId,
    signer: &str,
) -> Result<(), (String, Refusal)> {
    let introduction = Introduction::Commit { id: commit, signer: signer.to_owned() };
    let evidence = Evidence { refs, objects: clone, now: operation::now() };
    let judgement = TrustPolicy::new(mode.clone(), introduction).judge(&TrustState::default(), &evidence);
    let refused = judgement.refusals.into_iter().find(|refused| !refused.overtaken);
    match (judgement.revision, refused) {
        (Some(_), None) => Ok(()),
        (_, refused) => Err(refused.map_or((String::new(), Refusal::Unsigned), |one| (one.reference, one.reason))),
    }
}

/// Says why hosts would not start; of several reasons the one that is not about another signer.
fn refused(refusals: &[(ObjectId, (String, Refusal))]) -> Failure {
    let about_another = |refusal: &Refusal| match refusal {
        Refusal::Introduction { cause, .. } => matches!(**cause, Refusal::UnknownSigner { .. }),
        _ => false,
    };
    let telling = refusals.iter().find(|(_, (_, refusal))| !about_another(refusal)).or(refusals.first());
    let Some((commit, (reference, refusal))) = telling else {
        let hint = "sign a release: git tag --sign, or say --mode commits";
        return Failure::of(Status::Refused, "no release is there that hosts could start from", hint);
    };
    if !matches!(refusal, Refusal::Introduction { .. }) && !reference.is_empty() {
        let message =
            format!("hosts that start from {commit} would go on refusing '{reference}': {}", refusal.with_causes());
        let hint = "delete what is no release, on the server too, or name a narrower pattern: --tags 'release-2026-*'";
        return Failure::of(Status::Refused, message, hint);
    }
    let message = format!("hosts would refuse to start from {commit}: {}", refusal.with_causes());
    let hint = "sign it and say the same again: git commit --amend --no-edit --gpg-sign, for releases git tag --sign";
    Failure::of(Status::Refused, message, hint)
}

/// Returns where hosts fetch from, as far as it is known.
fn url(clone: &WorkTree, options: &TrustInitOptions) -> String {
    let known = options.url.clone().or_else(|| clone.origin().ok()).map(|url| for_terminal(url.as_bytes()));
    known.map_or_else(|| "URL".to_owned(), |url| shell::word(&url))
}

impl Start {
    fn new(commit: ObjectId, signer: String, mode: Mode, url: String) -> Self {
        let follows = follows(&mode);
        let command = format!("cosmos clone {url} --trust {commit}:{signer}{follows}");
        Self { commit, signer, mode, command }
    }

    /// Returns the JSON form (docs/formats.md §13).
    pub fn body(&self) -> Value {
        let mode = if matches!(self.mode, Mode::Tags { .. }) { "tags" } else { "commits" };
        let introduction = json!({"commit": self.commit, "signer": self.signer, "command": self.command});
        json!({"mode": mode, "introduction": introduction})
    }

    /// Returns the lines for people.
    pub fn lines(&self) -> Vec<String> {
        vec![
            "Hosts start from here: judged as a host would judge it, and good. On each host:".to_owned(),
            format!("    {}", self.command),
        ]
    }
}

/// Returns the words of `clone` that say what is followed; nothing for what is the default.
pub fn follows(mode: &Mode) -> String {
    match mode {
        Mode::Tags { pattern, .. } => format!(" --tags {}", shell::word(pattern)),
        Mode::Commits { branch } if branch == "main" => String::new(),
        Mode::Commits { branch } => format!(" --branch {}", shell::word(branch)),
    }
}

//! What hosts would refuse of the past, in either mode, and which mode fits what was signed lately.

use cosmos_model::time::Time;
use cosmos_model::trust::{Evidence, Introduction, Mode, Refused, Survey, TagPattern, TrustPolicy, TrustState};
use serde_json::{Value, json};

use super::pattern;
use crate::cli::TrustInitOptions;
use crate::exit::{Failure, Status};
use crate::operator::WorkTree;
use crate::signers::signer::Signer;

/// So many of the newest commits tell what the operators' habit is.
const LATELY: usize = 20;

/// The past as a host would judge it.
pub struct Findings {
    pub branch: String,
    pub commits: Survey,
    /// The release tags, if there are any: their pattern, how many there are, the newest name, and those refused.
    pub tags: Option<Tags>,
    /// `commits` or `tags`.
    pub mode: &'static str,
    /// Why, in words.
    pub because: &'static str,
}

/// The tags of one pattern.
pub struct Tags {
    pub pattern: String,
    pub judged: usize,
    pub newest: Option<String>,
    pub refused: Vec<Refused>,
}

impl Findings {
    /// Judges branch and tags by the certificates of `signers`.
    ///
    /// # Errors
    /// Returns a [`Failure`] when the refs cannot be listed, or the pattern is none.
    pub fn of(
        clone: &WorkTree,
        options: &TrustInitOptions,
        branch: &str,
        signers: &[Signer],
        now: Time,
    ) -> Result<Self, Failure> {
        let refs = clone.refs()?;
        let evidence = Evidence { refs: &refs, objects: clone, now };
        let keyring: String = signers.iter().map(Signer::armored).collect();
        let introduction = Introduction::Keyring(keyring.into_bytes());
        let commits =
            TrustPolicy::new(Mode::Commits { branch: branch.to_owned() }, introduction.clone()).survey(&evidence);
        let pattern = options.tags.clone().or_else(|| pattern::guess(clone, &refs));
        let tags = pattern.map(|pattern| Tags::of(pattern, introduction, &evidence)).transpose()?;
        let (mode, because) = propose(&commits, tags.as_ref(), options.mode.as_deref());
        Ok(Self { branch: branch.to_owned(), commits, tags, mode, because })
    }

    /// Returns the JSON form (docs/formats.md §13).
    pub fn body(&self) -> Value {
        let refused = |all: &[Refused]| -> Vec<Value> {
            let one = |one: &Refused| {
                json!({
                    "reference": one.reference, "object": one.object, "reason": one.reason.with_causes(),
                    "repair": one.repair(),
                })
            };
            all.iter().map(one).collect()
        };
        json!({
            "commits": {"branch": self.branch, "judged": self.commits.judged, "refused": refused(&self.commits.refused)},
            "tags": self.tags.as_ref().map(|tags| {
                json!({"pattern": tags.pattern, "judged": tags.judged, "refused": refused(&tags.refused)})
            }),
            "mode": self.mode,
        })
    }
}

impl Tags {
    fn of(text: String, introduction: Introduction, evidence: &Evidence<'_>) -> Result<Self, Failure> {
        let hint = "letters, digits, . _ - / and '*', not '*' first, such as \"release-*\"";
        let pattern = TagPattern::native(&text).map_err(|error| Failure::new(Status::Usage, &error, hint))?;
        let releases = pattern::matching(evidence.refs, &pattern);
        let newest = releases.last().and_then(|newest| newest.tag_name()).map(str::to_owned);
        let mode = Mode::Tags { pattern: text.clone(), classic: false };
        // A host that would have begun with these certificates and had them only.
        let judgement = TrustPolicy::new(mode, introduction).judge(&TrustState::default(), evidence);
        let about_releases = |one: &Refused| releases.iter().any(|release| release.id == one.object);
        let refused = judgement.refusals.into_iter().filter(about_releases).collect();
        Ok(Self { pattern: text, judged: releases.len(), newest, refused })
    }
}

/// Chooses the mode by what was signed lately, unless the operator did.
fn propose(commits: &Survey, tags: Option<&Tags>, asked: Option<&str>) -> (&'static str, &'static str) {
    match asked {
        Some("tags") => return ("tags", "you asked for it"),
        Some(_) => return ("commits", "you asked for it"),
        None => {}
    }
    let signed_releases = tags.is_some_and(|tags| tags.refused.len() < tags.judged);
    if commits.judged > 0 && commits.good_since >= LATELY.min(commits.judged) {
        ("commits", "the newest commits are all signed")
    } else if signed_releases {
        ("tags", "releases are signed and commits are not")
    } else {
        ("commits", "nothing tells otherwise; every commit is signed from today")
    }
}

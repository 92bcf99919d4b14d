//! The findings for people, grouped by reason, and the commands that come next.

use std::collections::BTreeMap;

use cosmos_model::trust::Refused;

use super::findings::Findings;
use super::{POLICY, pattern};
use crate::operator::WorkTree;
use crate::report::style::Palette;
use crate::report::text::counted;
use crate::shell;

/// So many of each kind of refusal are named; `-v` names all.
const NAMED: usize = 3;

/// Returns what hosts would refuse in either mode, and the mode proposed.
pub fn findings(findings: &Findings, signers: usize, palette: &Palette, all: bool) -> Vec<String> {
    let whom = counted(signers, "certificate");
    let mut lines = vec![format!("Had {whom} been believed from the beginning, hosts would refuse:")];
    let commits = &findings.commits;
    lines.push(heading(&format!("commits of '{}'", findings.branch), commits.refused.len(), commits.judged, palette));
    lines.extend(groups(&commits.refused, all));
    match &findings.tags {
        None => lines.push(Palette::paint(palette.strong, "tags: none is signed")),
        Some(tags) => {
            lines.push(heading(&format!("tags '{}'", tags.pattern), tags.refused.len(), tags.judged, palette));
            lines.extend(groups(&tags.refused, all));
        }
    }
    lines.push(format!("Proposed: --mode {}, since {}.", findings.mode, findings.because));
    lines
}

fn heading(what: &str, refused: usize, judged: usize, palette: &Palette) -> String {
    Palette::paint(palette.strong, &format!("{what}: {refused} of {judged}"))
}

/// Groups refusals that differ in ids and times only, the largest group first.
fn groups(refused: &[Refused], all: bool) -> Vec<String> {
    let mut groups: BTreeMap<String, Vec<&Refused>> = BTreeMap::new();
    for one in refused {
        groups.entry(gist(&one.reason.with_causes())).or_default().push(one);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, members)| std::cmp::Reverse(members.len()));
    let mut lines = Vec::new();
    for (reason, members) in groups {
        lines.push(format!("{:>7}  {reason}", members.len()));
        let shown = if all { members.len() } else { NAMED.min(members.len()) };
        // The newest are those that somebody remembers.
        let newest = members.iter().rev().take(shown);
        lines.extend(
            newest.map(|one| format!("         {}{}", named(one), if all { exactly(one) } else { String::new() })),
        );
        if shown < members.len() {
            lines.push(format!("         and {} more, which -v lists", members.len() - shown));
        }
    }
    lines
}

fn named(refused: &Refused) -> String {
    let tag = refused.reference.strip_prefix("refs/tags/").map(|name| format!("  {name}"));
    format!("{:.12}{}", refused.object.to_string(), tag.unwrap_or_default())
}

fn exactly(refused: &Refused) -> String {
    format!("  {}", refused.reason.with_causes())
}

/// Returns a reason without what differs from object to object: ids, fingerprints, times.
fn gist(reason: &str) -> String {
    let differs = |word: &str| {
        let word = word.trim_matches(|letter: char| !letter.is_ascii_alphanumeric());
        let hex = word.len() >= 8 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        hex || (word.len() == 20 && word.ends_with('Z') && word.starts_with(|first: char| first.is_ascii_digit()))
    };
    let mut words: Vec<&str> = reason.split(' ').map(|word| if differs(word) { "…" } else { word }).collect();
    words.dedup();
    words.join(" ")
}

/// Returns the commands that make today's state the start.
pub fn next(findings: &Findings, clone: &WorkTree, written: &str, signer: &str) -> Vec<String> {
    let folder = clone.folder().display().to_string();
    let git = format!("git -C {}", shell::word(folder.trim_end_matches('/')));
    let mut lines = vec![
        format!("Wrote '{written}'. Next:"),
        format!("    {git} add {POLICY}"),
        format!("    {git} commit --gpg-sign={signer} -m 'Who may sign, from today'"),
    ];
    if findings.mode == "tags" {
        let known = findings.tags.as_ref();
        let prefix = known.map_or("release-", |tags| tags.pattern.split('*').next().unwrap_or_default());
        let name = pattern::next_name(known.and_then(|tags| tags.newest.as_deref()), prefix);
        lines.push(format!("    {git} tag --local-user={signer} -m 'Hosts start here' {}", shell::word(&name)));
    }
    let folder = shell::word(folder.trim_end_matches('/'));
    let tags = findings.tags.as_ref().filter(|_| findings.mode == "tags");
    let tags = tags.map(|tags| format!(" --tags {}", shell::word(&tags.pattern))).unwrap_or_default();
    lines.push(format!("    cosmos trust init {folder} --mode {}{tags}", findings.mode));
    lines.push("which judges the result and prints what to type on each host; then push it.".to_owned());
    lines
}

//! The comparison for people: a line about each group, then a line a host and condition, worst first.

use std::collections::BTreeMap;

use cosmos_model::escape::for_terminal;

use super::compare::{Group, Host};
use super::condition::Condition;
use super::document::{Follows, Revision};
use super::read::Unreadable;
use crate::report::style::Palette;
use crate::report::text::counted;

/// Returns everything there is to say.
pub fn lines(
    groups: &[Group],
    agents: &BTreeMap<String, usize>,
    unreadable: &[Unreadable],
    palette: &Palette,
) -> Vec<String> {
    let mut lines: Vec<String> = groups.iter().flat_map(|group| self::group(group, palette)).collect();
    if agents.len() > 1 {
        let versions =
            agents.iter().map(|(version, hosts)| format!("{} on {}", shown(version), counted(*hosts, "host")));
        lines.push(format!("agents: {}", versions.collect::<Vec<_>>().join(", ")));
    }
    let unread = |one: &Unreadable| format!("{:<10}'{}': {}", "unread", one.file, one.reason);
    lines.extend(unreadable.iter().map(|one| Palette::paint(palette.removed, &unread(one))));
    lines
}

fn group(group: &Group, palette: &Palette) -> Vec<String> {
    let mut lines = vec![Palette::paint(palette.strong, &heading(group))];
    for fork in &group.forks {
        let [one, other] =
            [0, 1].map(|side| format!("{} has {}", shown(&fork.hosts[side]), named(&fork.revisions[side])));
        lines.push(Palette::paint(palette.removed, &format!("{:<10}{one}, {other}", "FORK")));
    }
    for key in &group.expiring {
        let end = key.expires.map(|end| end.to_string()).unwrap_or_default();
        let day = end.split('T').next().unwrap_or_default();
        let line = format!("{:<10}{} {} on {day}", "expires", shown(&key.user_id), key.fingerprint);
        lines.push(Palette::paint(palette.changed, &line));
    }
    let width = group.hosts.iter().map(|host| host.host.len()).max().unwrap_or_default();
    let mut all: Vec<(&Condition, &Host)> = Vec::new();
    group.hosts.iter().for_each(|host| all.extend(host.conditions.iter().map(|condition| (condition, host))));
    all.sort_by(|(left, one), (right, other)| {
        // One word's hosts stand together, by name.
        if left.word() == right.word() { one.host.cmp(&other.host) } else { left.cmp(right) }
    });
    for (condition, host) in all {
        let style = if condition.is_trouble() { palette.removed } else { palette.changed };
        let word = Palette::paint(style, &format!("{:<10}", condition.word()));
        lines.push(format!("{word}{:<width$}  {}", shown(&host.host), about(condition, host)).trim_end().to_owned());
    }
    lines
}

fn heading(group: &Group) -> String {
    let follows = follows(&group.follows);
    let Some(newest) = &group.newest else {
        return format!("{follows}: nothing accepted by {}", counted(group.hosts.len(), "host"));
    };
    let has = |host: &&Host| host.accepted.as_ref().is_some_and(|accepted| accepted.commit == newest.commit);
    let (have, all) = (group.hosts.iter().filter(has).count(), counted(group.hosts.len(), "host"));
    format!("{follows}: {} of {all} at {}, signed {}", have, named(newest), newest.time)
}

/// Returns which releases a group follows; hosts with an older agent do not say.
fn follows(follows: &Follows) -> String {
    let what = match (&follows.pattern, &follows.branch) {
        (Some(pattern), _) => format!("tags '{}'", shown(pattern)),
        (None, Some(branch)) => format!("branch '{}'", shown(branch)),
        (None, None) => "releases unsaid".to_owned(),
    };
    follows.fleet.as_ref().map_or_else(|| what.clone(), |fleet| format!("{} {what}", shown(fleet)))
}

fn named(revision: &Revision) -> String {
    let commit = format!("{:.12}", revision.commit.to_string());
    revision.tag.as_ref().map_or_else(|| commit.clone(), |tag| format!("{} ({commit})", shown(tag)))
}

/// Foreign text: whatever a host says was written by whoever is root there (A50).
fn shown(text: &str) -> String {
    for_terminal(text.as_bytes())
}

fn about(condition: &Condition, host: &Host) -> String {
    let accepted = || host.accepted.as_ref().map(named).unwrap_or_default();
    match condition {
        Condition::Unknown { commit } => format!("{commit} is not in this clone"),
        Condition::Trusts { fingerprint, user_id } | Condition::Imported { fingerprint, user_id } => {
            format!("{} {}", shown(fingerprint), shown(user_id))
        }
        Condition::Refuses { object, reason } => format!("{:.12}: {}", object.to_string(), shown(reason)),
        Condition::Failing { since, message } => format!("since {since}: {}", shown(message)),
        Condition::Behind { since, commits } => {
            let commits = commits.map(|count| format!(", {}", counted(count, "commit"))).unwrap_or_default();
            format!("{}, since {since}{commits}", accepted())
        }
        Condition::Outdated { needs } => shown(needs),
        Condition::Offline { since } => format!("since {since}"),
        Condition::Quiet { since } => {
            since.map_or_else(|| "no good run yet".to_owned(), |since| format!("last good run {since}"))
        }
        Condition::Drifting { paths } => counted(*paths, "path"),
        Condition::Noted { of, about, text, time } => {
            let time = time.map(|time| format!(" {time}")).unwrap_or_default();
            format!("{} {}: {}{time}", shown(of), shown(about), shown(text))
        }
        Condition::Paused { reason, until } => {
            let until = until.map(|until| format!(" until {until}")).unwrap_or_default();
            format!("{}{until}", shown(reason))
        }
        Condition::Testing { commit } => format!("{:.12}", commit.to_string()),
        Condition::Retired { why } | Condition::Mistaken { why } => shown(why),
        Condition::Stale | Condition::New | Condition::Unapplied | Condition::Cloned => accepted(),
    }
}

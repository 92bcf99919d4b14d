//! What an operator reads before signing, and after.

use cosmos_model::release::Change;

use super::Desk;
use super::proposal::{Made, Proposal, Sign};
use super::verdict::Verdict;
use crate::report::style::Palette;
use crate::report::text::counted;

/// How many lines of one kind are shown without `-v`.
const SHOWN: usize = 20;

/// Returns what is about to be signed.
pub fn lines(desk: &Desk<'_>, proposal: &Proposal, all: bool, palette: &Palette) -> Vec<String> {
    let news = &proposal.news;
    let since = desk.view.accepted().map_or_else(
        || "the beginning".to_owned(),
        |accepted| accepted.tag().map_or_else(|| format!("{:.12}", accepted.commit().to_string()), str::to_owned),
    );
    let mut lines = vec![format!("since {since}: {}", counted(news.commits, "commit"))];
    let limit = if all { usize::MAX } else { SHOWN };
    for (layer, files) in &news.files {
        let named = if layer.is_empty() { "no layer" } else { layer };
        lines.push(Palette::paint(palette.strong, &format!("{named} ({})", files.len())));
        let style = |change| match change {
            Change::Added => palette.created,
            Change::Changed => palette.changed,
            Change::Removed => palette.removed,
        };
        let shown =
            files.iter().map(|one| Palette::paint(style(one.change), &format!("  {} {}", one.change.sign(), one.path)));
        lines.extend(bounded(shown.collect(), limit));
    }
    if !news.signers.is_empty() {
        lines.push(Palette::paint(palette.strong, "who may sign"));
        lines.extend(news.signers.iter().map(|line| format!("  {line}")));
    }
    for (host, paths) in &news.lost {
        lines.push(Palette::paint(palette.removed, &format!("{host} loses {}", paths.len())));
        lines.extend(bounded(paths.iter().map(|path| format!("  - {path}")).collect(), limit));
    }
    if news.classic {
        let hosts = counted(news.unknown, "host");
        lines.push(format!("layers unknown for {hosts}: each has its own list, so what it loses is not counted"));
    }
    let uncommitted = if proposal.cosigns { 0 } else { desk.work.uncommitted() };
    if uncommitted > 0 {
        lines.push(Palette::paint(
            palette.changed,
            &format!("{uncommitted} files are not committed and not part of it"),
        ));
    }
    lines.extend(to_sign(proposal));
    lines
}

fn bounded(mut lines: Vec<String>, limit: usize) -> Vec<String> {
    let more = lines.len().saturating_sub(limit);
    if more > 0 {
        lines.truncate(limit);
        lines.push(format!("  … and {more} more (-v shows all)"));
    }
    lines
}

fn to_sign(proposal: &Proposal) -> Vec<String> {
    let (what, message) = match &proposal.sign {
        Sign::Tag { message } if proposal.cosigns => {
            (format!("tag {}…, on commit {}", proposal.name, proposal.commit), message.as_str())
        }
        Sign::Tag { message } => (format!("tag {}, on commit {}", proposal.name, proposal.commit), message.as_str()),
        Sign::Commit { message, .. } => (format!("commit, on branch {}", proposal.name), message.as_str()),
        Sign::Nothing => return vec![format!("to push: branch {}, signed already", proposal.name)],
    };
    let said = message.lines().take_while(|line| !line.is_empty()).map(|line| format!("    {line}"));
    std::iter::once(format!("to sign: {what}")).chain(said).collect()
}

/// Returns what was pushed, and what happens next.
pub fn outcome(made: &Made, verdict: &Verdict) -> Vec<String> {
    let mut lines = vec![format!("pushed {}: {}", made.name, made.commit)];
    lines.push(match verdict {
        Verdict::Accepted => "hosts take it at their next run".to_owned(),
        Verdict::Waits(more) => {
            let signatures =
                if *more == 1 { "one more signature".to_owned() } else { format!("{more} more signatures") };
            let name = made.name.split('+').next().unwrap_or_default();
            format!("hosts wait for {signatures}: another operator runs 'cosmos release --cosign {name}'")
        }
    });
    lines
}

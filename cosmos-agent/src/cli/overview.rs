//! `cosmos --help`: the commands, grouped by who types them.

use std::fmt::Write as _;

use clap::CommandFactory as _;
use clap::builder::StyledStr;
use clap::builder::styling::Styles;

use super::Cli;

/// Who types which commands. A test finds each command in one group.
const GROUPS: [(&str, &[&str]); 4] = [
    (
        "On a host",
        &[
            "clone", "run", "update", "apply", "plan", "drift", "status", "log", "why", "rollback", "restore", "hold",
            "pause", "resume", "verify", "facts", "daemon",
        ],
    ),
    (
        "As an operator, in a clone of the repository",
        &["init", "trust", "signer", "host", "secret", "module", "params", "lint", "release", "push", "fleet"],
    ),
    ("To try and to set up", &["demo", "completions"]),
    ("On a host of Cosmos 1.5", &["gpg"]),
];

/// Returns the command line whose help lists commands by group.
#[must_use]
pub fn command() -> clap::Command {
    let command = Cli::command();
    let template = template(&command);
    command.help_template(template)
}

fn template(command: &clap::Command) -> StyledStr {
    let styles = Styles::default();
    let (heading, literal) = (styles.get_header(), styles.get_literal());
    let shown = |name: &str| command.find_subcommand(name).filter(|command| !command.is_hide_set());
    let widest = GROUPS.iter().flat_map(|(_, names)| *names).map(|name| name.len()).max().unwrap_or_default();
    let mut text = "{about-with-newline}\n{usage-heading} {usage}\n".to_owned();
    for (title, names) in GROUPS {
        let _ = writeln!(text, "\n{heading}{title}:{heading:#}");
        for command in names.iter().filter_map(|name| shown(name)) {
            let (name, about) = (command.get_name(), command.get_about().map(ToString::to_string).unwrap_or_default());
            let _ = writeln!(text, "  {literal}{name:<widest$}{literal:#}  {about}");
        }
    }
    let _ = write!(text, "\n{heading}Options of every command:{heading:#}\n{{options}}{{after-help}}");
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_stands_in_one_group() {
        let command = Cli::command();
        let shown = command.get_subcommands().filter(|command| !command.is_hide_set());
        let mut visible: Vec<&str> = shown.map(clap::Command::get_name).collect();
        let mut grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        visible.sort_unstable();
        grouped.sort_unstable();
        assert_eq!(visible, grouped);
    }

    #[test]
    fn each_commands_sentence_fits_beside_its_name() {
        for command in Cli::command().get_subcommands() {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            assert!(about.chars().count() <= 90, "'{}' says too much: {about}", command.get_name());
        }
    }
}

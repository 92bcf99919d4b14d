//! `fleet.toml`: the fleet's name, the agent it needs, and which hosts use which layers (docs/formats.md §3).

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use crate::document::{Document, Mistake};
use crate::host_name::HostName;
use crate::layer::LayerName;
use crate::params::Assignment;
use crate::pattern::HostPatterns;

/// The version of the format that this agent reads.
pub const FORMAT: u64 = 1;

/// What a fleet says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fleet {
    /// The fleet's name, which a host's `trust.toml` may require.
    pub name: Option<String>,
    /// The oldest agent that may apply this revision.
    pub agent: Option<(u64, u64, u64)>,
    /// What is signed, as proposed to a host at clone; `trust.toml` binds.
    pub mode: Option<ProposedMode>,
    /// The rules in the order written.
    pub rules: Vec<Rule>,
}

/// What a fleet says is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProposedMode {
    /// Every commit.
    Commits,
    /// Release tags.
    Tags,
}

/// Layers for all hosts that a list of patterns means.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rule {
    /// Where its patterns stand.
    pub place: String,
    /// Which hosts.
    pub hosts: HostPatterns,
    /// Layers they use.
    pub layers: Vec<LayerName>,
    /// Values for parameters of modules.
    pub params: Vec<Assignment>,
}

/// Why a fleet file is of no use to this agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FleetError {
    /// It is of a later format.
    Format(u64),
    /// It has mistakes.
    Mistakes(Vec<Mistake>, Option<(u64, u64, u64)>),
}

impl Fleet {
    /// Returns the layers that rules give to `host`, the last rule's first.
    pub fn layers_of<'a>(&'a self, host: &'a HostName) -> impl Iterator<Item = &'a LayerName> {
        let matching = self.rules.iter().rev().filter(|rule| rule.hosts.matches(host));
        matching.flat_map(|rule| &rule.layers)
    }

    /// Returns what rules give to parameters on `host`, the last rule's first.
    pub fn params_of<'a>(&'a self, host: &'a HostName) -> impl Iterator<Item = &'a Assignment> {
        let matching = self.rules.iter().rev().filter(|rule| rule.hosts.matches(host));
        matching.flat_map(|rule| &rule.params)
    }
}

/// Reads the text of a `fleet.toml`.
///
/// # Errors
/// Returns the format when it is a later one; otherwise every mistake, and the agent the text asks for nevertheless:
/// an agent that is too old must say so, not complain about keys it does not know.
pub fn parse(text: &str) -> Result<Fleet, FleetError> {
    let (mut document, table) = Document::read("fleet.toml", text);
    let table = table.get_ref();
    if let Some((format, _)) = document.integer(table, "format") {
        match format {
            FORMAT => (),
            later if later > FORMAT => return Err(FleetError::Format(later)),
            _ => document.mistakes.push(Mistake::at("fleet.toml", "format 0 does not exist", "write format = 1")),
        }
    }
    let fleet = Fleet {
        agent: agent(&mut document, table),
        name: name(&mut document, table),
        mode: mode(&mut document, table),
        rules: document.tables(table, "rule").into_iter().map(|(rule, _)| read_rule(&mut document, rule)).collect(),
    };
    document.only(table, "", &["format", "fleet", "agent", "mode", "rule"], &["param", "params"]);
    if document.mistakes.is_empty() { Ok(fleet) } else { Err(FleetError::Mistakes(document.mistakes, fleet.agent)) }
}

type Table<'t> = toml::de::DeTable<'t>;

fn agent<'t>(document: &mut Document<'t>, table: &Table<'t>) -> Option<(u64, u64, u64)> {
    let (text, span) = document.string(table, "agent")?;
    let version = text.strip_prefix(">=").and_then(|version| read_version(version.trim()));
    if version.is_none() {
        let shown = crate::escape::for_terminal(text.as_bytes());
        document.mistake(span, format!("'{shown}' is not a comparison such as '>= 1.0'"), "write agent = \">= 1.0\"");
    }
    version
}

/// Reads one to three numbers joined by dots.
fn read_version(text: &str) -> Option<(u64, u64, u64)> {
    let mut numbers = [0; 3];
    let parts: Vec<&str> = text.split('.').collect();
    if parts.len() > numbers.len() {
        return None;
    }
    for (number, part) in numbers.iter_mut().zip(parts) {
        *number = part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())??;
    }
    Some((numbers[0], numbers[1], numbers[2]))
}

fn name<'t>(document: &mut Document<'t>, table: &Table<'t>) -> Option<String> {
    let (text, span) = document.string(table, "fleet")?;
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
        return Some(text.to_string());
    }
    document.mistake(span, "a fleet's name has 1 to 64 of a-z, 0-9 and '-'", "write fleet = \"example\"");
    None
}

fn mode<'t>(document: &mut Document<'t>, table: &Table<'t>) -> Option<ProposedMode> {
    let (text, span) = document.string(table, "mode")?;
    match text {
        "commits" => Some(ProposedMode::Commits),
        "tags" => Some(ProposedMode::Tags),
        _ => {
            document.mistake(span, "'mode' must be \"tags\" or \"commits\"", "write mode = \"tags\"");
            None
        }
    }
}

fn read_rule<'t>(document: &mut Document<'t>, table: &Table<'t>) -> Rule {
    document.only(table, "rule.", &["hosts", "use", "params"], &[]);
    let mut rule = Rule::default();
    if !table.contains_key("hosts") {
        let place = table.keys().next().map_or(0..0, toml::Spanned::span);
        document.mistake(place, "a rule needs 'hosts'", "write hosts = [\"*.example.org\"]");
    }
    for (text, span) in document.strings(table, "hosts") {
        if rule.place.is_empty() {
            rule.place = document.place(&span);
        }
        if let Err(error) = rule.hosts.push(text) {
            let shown = crate::escape::for_terminal(text.as_bytes());
            document.mistake(span, format!("'{shown}' is not a host pattern: {error}"), "such as ns[1-20].example.org");
        }
    }
    rule.layers = crate::layer::layer_names(document, table);
    rule.params = crate::params::assignments(document, table);
    rule
}

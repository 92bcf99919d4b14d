//! `trust.toml` (docs/formats.md §2): who this host is and whom it believes. No layer touches it (T13).

use std::fmt::Write as _;

use cosmos_model::escape::for_terminal;
use cosmos_model::host_name::HostName;
use cosmos_model::object_id::ObjectId;
use cosmos_model::path::RelPath;
use cosmos_model::trust::{DEFAULT_KEY_FOLDER, Introduction, MergeRule, Mode, TrustPolicy};

use crate::fetch::{Limits, RemoteSettings};

use super::document::Section;
use super::limits::LimitsFile;
use super::mistake::{Located, Mistakes, Place};
use super::units::{Seconds, Size};
use super::{FORMAT, remote};

/// What the administrator laid down when the host was introduced to its repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustFile {
    /// The name of this host's layer.
    pub fqdn: HostName,
    /// What is signed, and what is followed.
    pub mode: Mode,
    /// The commit trust begins at, and its signer's fingerprint in upper case.
    pub introduction: (ObjectId, String),
    /// The fleet that the repository must say it is.
    pub fleet: Option<String>,
    /// Signatures needed; at least one.
    pub threshold: usize,
    /// Signatures needed to change the policy file; `None` is the default of T13.
    pub policy_threshold: Option<usize>,
    /// How merges are judged.
    pub merge_rule: MergeRule,
    /// Age after which the accepted revision counts as stale.
    pub max_age: Option<Seconds>,
    /// Whether a missing `cosmos:` line refuses.
    pub require_statement: bool,
    /// The tag prefix of this host's ring.
    pub ring: Option<String>,
    /// Where revisions come from; at least one.
    pub remotes: Vec<RemoteSettings>,
    /// What a fetch may use up.
    pub limits: Limits,
}

impl TrustFile {
    /// Reads the file's text; `file` is its name in messages.
    ///
    /// # Errors
    /// Returns every mistake in it. Nothing missing or empty ever weakens the rules (T17).
    pub fn parse(file: &str, text: &str) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::default();
        let read = Section::parse(file, text, &mut mistakes).and_then(|document| read(document, &mut mistakes));
        match read {
            Some(read) => mistakes.or(read),
            None => Err(mistakes),
        }
    }

    /// Returns the rules that revisions are judged by.
    #[must_use]
    pub fn policy(&self) -> TrustPolicy {
        let (id, signer) = self.introduction.clone();
        TrustPolicy {
            mode: self.followed(),
            introduction: Introduction::Commit { id, signer },
            fleet: self.fleet.clone(),
            threshold: self.threshold,
            policy_threshold: self.policy_threshold,
            merge_rule: self.merge_rule,
            require_statement: self.require_statement,
            max_age: self.max_age.map(|age| i64::try_from(age.0).unwrap_or(i64::MAX)),
            key_folders: vec![RelPath::new(DEFAULT_KEY_FOLDER.as_bytes()).expect("a plain path")],
        }
    }

    /// Returns what this host follows: a host of a ring takes the releases below the ring's prefix and no others (A20).
    fn followed(&self) -> Mode {
        match (&self.mode, &self.ring) {
            (Mode::Tags { pattern, classic }, Some(ring)) => {
                Mode::Tags { pattern: format!("{ring}/{pattern}"), classic: *classic }
            }
            (mode, _) => mode.clone(),
        }
    }

    /// Returns the file's text. What it would be read as is compared, so that what `clone` writes means what it said.
    ///
    /// # Errors
    /// Returns the mistakes that reading it would find, `file` being its name in them.
    pub fn to_toml(&self, file: &str) -> Result<String, Mistakes> {
        let text = write(self);
        if Self::parse(file, &text)? == *self {
            return Ok(text);
        }
        let place = Place { file: file.into(), line: 0, key: String::new() };
        let mut mistakes = Mistakes::default();
        mistakes.add(&place, "a value cannot be written", "paths are UTF-8, times whole seconds, ids as documented");
        Err(mistakes)
    }
}

fn read(mut document: Section<'_>, mistakes: &mut Mistakes) -> Option<TrustFile> {
    let fqdn = required(document.take::<HostName>("fqdn", mistakes), &document, "fqdn", mistakes);
    let mode = read_mode(&mut document, mistakes);
    let introduction = read_introduction(&mut document, mistakes);
    let fleet = document.take_text("fleet", mistakes);
    let fleet = fleet.and_then(|fleet| sound(fleet, is_fleet, "1 to 64 of a-z, 0-9 and '-'", mistakes));
    let threshold = count(&mut document, "threshold", mistakes);
    let policy_threshold = count(&mut document, "policy-threshold", mistakes);
    let merge_rule = read_merge_rule(&mut document, mistakes);
    let max_age = read_max_age(&mut document, mistakes);
    let require_statement = document.take::<bool>("require-statement", mistakes);
    let ring = read_ring(&mut document, mode.as_ref(), mistakes);
    let remotes = read_remotes(&mut document, mistakes);
    let limits = document.section("limits", mistakes).map(|limits| LimitsFile::read(limits, mistakes));
    document.finish(mistakes);
    Some(TrustFile {
        fqdn: fqdn?.value,
        mode: mode?,
        introduction: introduction?,
        fleet,
        threshold: threshold.unwrap_or(1),
        policy_threshold,
        merge_rule: merge_rule.unwrap_or_default(),
        max_age,
        require_statement: require_statement.is_some_and(|required| required.value),
        ring,
        remotes,
        limits: limits.unwrap_or_default().set(),
    })
}

fn read_mode(document: &mut Section<'_>, mistakes: &mut Mistakes) -> Option<Mode> {
    let mode = document.take_text("mode", mistakes);
    let branch = document.take_text("branch", mistakes);
    let pattern = document.take_text("pattern", mistakes);
    let mode = required(mode, document, "mode", mistakes)?;
    let mut foreign = |other: &Option<Located<String>>| {
        if let Some(other) = other {
            mistakes.add(&other.place, format!("has no meaning in mode \"{}\"", mode.value), "remove it");
        }
    };
    match mode.value.as_str() {
        "commits" => {
            foreign(&pattern);
            let Some(branch) = branch else { return Some(Mode::Commits { branch: "main".to_owned() }) };
            let branch = sound(branch, is_branch, "a branch's name without refs/heads/", mistakes)?;
            Some(Mode::Commits { branch })
        }
        "tags" => {
            foreign(&branch);
            let pattern = required(pattern, document, "pattern", mistakes)?;
            let hint = "letters, digits, . _ - / and '*', not '*' first, such as \"release-*\"";
            Some(Mode::Tags { pattern: sound(pattern, is_pattern, hint, mistakes)?, classic: false })
        }
        _ => refuse(&mode, "write \"commits\" or \"tags\"", mistakes),
    }
}

/// Reads the ring. Rings are prefixes of tags: where commits are followed, another branch does what a ring does.
fn read_ring(document: &mut Section<'_>, mode: Option<&Mode>, mistakes: &mut Mistakes) -> Option<String> {
    let ring = document.take_text("ring", mistakes)?;
    if matches!(mode, Some(Mode::Commits { .. })) {
        mistakes.add(&ring.place, "has no meaning in mode \"commits\"", "remove it, and name another branch instead");
    }
    sound(ring, is_branch, "letters, digits and . _ - / as in a tag's name", mistakes)
}

fn read_introduction(document: &mut Section<'_>, mistakes: &mut Mistakes) -> Option<(ObjectId, String)> {
    let introduction = document.take_text("introduction", mistakes);
    let introduction = required(introduction, document, "introduction", mistakes)?;
    let parsed = introduction.value.split_once(':').and_then(|(commit, signer)| {
        // Full fingerprints only: shorter ids can be made to order (A15).
        let full = matches!(signer.len(), 40 | 64) && signer.bytes().all(|byte| byte.is_ascii_hexdigit());
        full.then(|| Some((commit.parse().ok()?, signer.to_ascii_uppercase()))).flatten()
    });
    let hint = "write \"COMMIT:FINGERPRINT\", both in full, as 'cosmos clone --trust' takes it";
    parsed.or_else(|| refuse(&introduction, hint, mistakes))
}

fn read_remotes(document: &mut Section<'_>, mistakes: &mut Mistakes) -> Vec<RemoteSettings> {
    let tables = document.sections("remote", mistakes);
    if tables.is_empty() {
        mistakes.add(&document.place_of("remote"), "missing", "write [[remote]] and its url below");
    }
    tables.into_iter().filter_map(|table| remote::read(table, mistakes)).collect()
}

fn read_merge_rule(document: &mut Section<'_>, mistakes: &mut Mistakes) -> Option<MergeRule> {
    let rule = document.take_text("merge-rule", mistakes)?;
    match rule.value.as_str() {
        "all" => Some(MergeRule::All),
        "any" => Some(MergeRule::Any),
        _ => refuse(&rule, "write \"all\" or \"any\"", mistakes),
    }
}

fn read_max_age(document: &mut Section<'_>, mistakes: &mut Mistakes) -> Option<Seconds> {
    let age = document.take::<Seconds>("max-age", mistakes)?;
    if age.value.0 == 0 {
        mistakes.add(&age.place, "an age of zero", "leave the key out for no limit of age");
    }
    Some(age.value)
}

fn count(document: &mut Section<'_>, key: &'static str, mistakes: &mut Mistakes) -> Option<usize> {
    let number = document.take::<usize>(key, mistakes)?;
    if number.value == 0 {
        mistakes.add(&number.place, "no signature at all is never enough", "at least 1");
    }
    Some(number.value)
}

/// Reports a key that must be there. An ill-typed one was reported already and is not called missing.
fn required<T>(
    found: Option<Located<T>>,
    section: &Section<'_>,
    key: &str,
    mistakes: &mut Mistakes,
) -> Option<Located<T>> {
    let place = section.place_of(key);
    if found.is_none() && !mistakes.0.iter().any(|mistake| mistake.place.key == place.key) {
        mistakes.add(&place, "missing", "'cosmos clone' writes it; nothing is believed without it");
    }
    found
}

fn sound(
    text: Located<String>,
    is_sound: impl Fn(&str) -> bool,
    hint: &str,
    mistakes: &mut Mistakes,
) -> Option<String> {
    if is_sound(&text.value) { Some(text.value) } else { refuse(&text, hint, mistakes) }
}

fn refuse<T>(text: &Located<String>, hint: &str, mistakes: &mut Mistakes) -> Option<T> {
    mistakes.add(&text.place, format!("'{}' is not accepted", for_terminal(text.value.as_bytes())), hint);
    None
}

fn is_fleet(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn is_name(text: &str) -> bool {
    text.bytes().all(is_name_byte)
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/')
}

/// Checks the native grammar of docs/formats.md §6.
fn is_pattern(text: &str) -> bool {
    !text.starts_with(['*', '-', '/']) && text.bytes().all(|byte| is_name_byte(byte) || byte == b'*')
}

fn is_branch(text: &str) -> bool {
    let part = |part: &str| !part.is_empty() && !part.starts_with(['.', '-']) && !part.ends_with(".lock");
    is_name(text) && text.split('/').all(part) && !text.contains("..") && !text.ends_with('.')
}

/// Writes the file, leaving out what is the default.
fn write(trust: &TrustFile) -> String {
    let mut text =
        String::from("# Who this host is and whom it believes. Written by 'cosmos clone'; see docs/formats.md.\n");
    let mut line = |key: &str, value: String| writeln!(text, "{key} = {value}").expect("a string takes all text");
    line("format", FORMAT.to_string());
    line("fqdn", quoted(trust.fqdn.as_str()));
    match &trust.mode {
        Mode::Commits { branch } => {
            line("mode", quoted("commits"));
            line("branch", quoted(branch));
        }
        Mode::Tags { pattern, .. } => {
            line("mode", quoted("tags"));
            line("pattern", quoted(pattern));
        }
    }
    line("introduction", quoted(&format!("{}:{}", trust.introduction.0, trust.introduction.1)));
    line("threshold", trust.threshold.to_string());
    let merge_rule = (trust.merge_rule == MergeRule::Any).then(|| quoted("any"));
    let optional = [
        ("fleet", trust.fleet.as_deref().map(quoted)),
        ("policy-threshold", trust.policy_threshold.map(|count| count.to_string())),
        ("merge-rule", merge_rule),
        ("max-age", trust.max_age.map(|age| quoted(&age.to_string()))),
        ("require-statement", trust.require_statement.then(|| "true".to_owned())),
        ("ring", trust.ring.as_deref().map(quoted)),
    ];
    for (key, value) in optional {
        value.into_iter().for_each(|value| line(key, value));
    }
    trust.remotes.iter().for_each(|remote| write_remote(&mut text, remote));
    write_limits(&mut text, &trust.limits);
    text
}

fn write_remote(text: &mut String, remote: &RemoteSettings) {
    let path = |path: &Option<std::path::PathBuf>| path.as_deref().map(|path| path.to_string_lossy().into_owned());
    let keys = [
        ("url", Some(remote.url.clone())),
        ("ssh-key", path(&remote.ssh_key)),
        ("known-hosts", path(&remote.known_hosts)),
        ("token-file", path(&remote.token_file)),
        ("ca-file", path(&remote.ca_file)),
        ("proxy", remote.proxy.clone()),
        ("address", remote.address.clone()),
    ];
    text.push_str("\n[[remote]]\n");
    for (key, value) in keys {
        if let Some(value) = value {
            writeln!(text, "{key} = {}", quoted(&value)).expect("a string takes all text");
        }
    }
}

/// Writes the limits that are not the defaults.
fn write_limits(text: &mut String, limits: &Limits) {
    let default = Limits::default();
    let seconds = |time: std::time::Duration| quoted(&Seconds::from(time).to_string());
    let size = |bytes: u64| quoted(&Size(bytes).to_string());
    let keys = [
        ("transfer", limits.transfer != default.transfer, size(limits.transfer)),
        ("objects", limits.objects != default.objects, limits.objects.to_string()),
        ("object-size", limits.object_size != default.object_size, size(limits.object_size)),
        ("refs", limits.refs != default.refs, limits.refs.to_string()),
        ("connect", limits.connect != default.connect, seconds(limits.connect)),
        ("look", limits.look != default.look, seconds(limits.look)),
        ("fetch", limits.fetch != default.fetch, seconds(limits.fetch)),
    ];
    if *limits != default {
        text.push_str("\n[limits]\n");
    }
    for (key, _, value) in keys.into_iter().filter(|(_, differs, _)| *differs) {
        writeln!(text, "{key} = {value}").expect("a string takes all text");
    }
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

//! Settings: of the host, of the fleet and of a layer. All mistakes are said at once, each in its own line.

use cosmos_agent::settings::{AgentFile, MergedAgent, Mistakes, TrustFile};
use cosmos_model::document::Mistake;
use cosmos_model::fleet::{self, FleetError};
use cosmos_model::host_name::HostName;
use cosmos_model::layer::{self, STAGED};

use crate::said;

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

fn all_said(mistakes: &[Mistake]) {
    assert!(!mistakes.is_empty(), "refused without a mistake");
    for mistake in mistakes {
        said::words(mistake);
        said::harmless(&mistake.hint);
    }
}

/// `layer.toml` (docs/formats.md §4).
pub fn layer(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match layer::parse("layer.toml", text) {
        Ok(found) => {
            found.retired.as_deref().into_iter().for_each(said::harmless);
            for package in &found.packages {
                said::harmless(package.as_str());
            }
            for rule in &found.files {
                assert!(rule.mode.is_none_or(|mode| mode <= 0o7777));
                let _ = rule.pattern.matches(b"etc/ssh/ssh_host_ed25519_key", false);
            }
            for task in &found.tasks {
                assert!(!task.name.contains('/') && task.timeout != Some(0));
            }
            for service in &found.services {
                said::harmless(&service.name);
                assert!(!service.name.starts_with('-') && !service.name.contains('/'));
            }
            let asked = found.checks.staged.iter().chain(found.probes.iter().map(|probe| &probe.command));
            assert!(asked.clone().all(|command| !command.when.is_empty()));
            for command in asked.chain(&found.checks.leaving) {
                said::harmless(&command.name);
                assert!(!command.run.is_empty() && command.timeout != Some(0));
            }
            let staged = |word: &String| word.contains(STAGED);
            assert!(!found.checks.leaving.iter().any(|command| command.run.iter().any(staged)));
            assert!(
                found.uses.iter().all(|used| !used.name.contains('/') && !matches!(&used.name[..], "" | "." | ".."))
            );
        }
        Err(mistakes) => all_said(&mistakes),
    }
}

/// `fleet.toml` (docs/formats.md §3).
pub fn fleet(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match fleet::parse(text) {
        Ok(found) => {
            let host = HostName::new("ns12.example.org").expect("a host name");
            let layers: usize = found.rules.iter().map(|rule| rule.layers.len()).sum();
            assert!(found.layers_of(&host).count() <= layers);
        }
        Err(FleetError::Format(format)) => assert!(format > fleet::FORMAT),
        Err(FleetError::Mistakes(mistakes, _)) => all_said(&mistakes),
    }
}

fn host_mistakes(found: &Mistakes) {
    assert!(!found.0.is_empty(), "refused without a mistake");
    found.0.iter().for_each(|mistake| said::words(mistake));
}

/// `agent.toml` (docs/formats.md §1): what is accepted never comes out weaker than zero.
pub fn agent_settings(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match AgentFile::parse("agent.toml", text).and_then(|file| MergedAgent::of([file]).validate()) {
        Ok(settings) => {
            assert!(!settings.stale_after.is_zero() && !settings.task_timeout.is_zero() && settings.log_size > 0);
            assert!(settings.pass_environment.iter().all(|name| name != "PATH" && !name.starts_with("LD_")));
        }
        Err(mistakes) => host_mistakes(&mistakes),
    }
}

/// `trust.toml` (docs/formats.md §2): what is accepted is written so that it reads the same, and nothing is switched
/// off.
pub fn trust_settings(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let found = match TrustFile::parse("trust.toml", text) {
        Ok(found) => found,
        Err(mistakes) => return host_mistakes(&mistakes),
    };
    assert!(found.threshold >= 1 && found.policy_threshold != Some(0) && !found.remotes.is_empty());
    assert!(matches!(found.introduction.1.len(), 40 | 64));
    let written = found.to_toml("trust.toml").expect("what was read can be written");
    assert_eq!(TrustFile::parse("trust.toml", &written), Ok(found), "{written}");
}

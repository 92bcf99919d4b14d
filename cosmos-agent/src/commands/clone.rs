//! `cosmos clone`: this host's trust settings, written once, and the first fetch.

use cosmos_model::host_name::HostName;
use cosmos_model::path::RelPath;
use cosmos_model::trust::{MergeRule, Mode};

use crate::agent::{Agent, SettingsPlace, native_site};
use crate::cli::{CloneOptions, GlobalOptions};
use crate::exit::{Failure, Status};
use crate::fetch::{Limits, RemoteSettings};
use crate::fs::{self, Root};
use crate::operation::{self, Manner};
use crate::record::Record;
use crate::report::progress;
use crate::secret::HostKey;
use crate::settings::{INTRODUCTION_HINT, TrustFile, introduction_of};
use crate::site::Site;

/// Introduces this host to a repository, or in classic mode makes the clone (C2).
///
/// # Errors
/// Returns a [`Failure`] when the host was introduced before, a word is wrong, or the settings cannot be written.
pub fn run(options: &CloneOptions, global: &GlobalOptions) -> Result<Status, Failure> {
    if options.trust.is_none() && crate::classic::settings_folder(global).is_some() {
        return crate::classic::clone_command(&options.urls, global);
    }
    let site = native_site(global)?;
    let place = SettingsPlace::find(&site.root, global)?;
    let (root, path) = place.trust();
    let settings = settings(options, &site)?;
    write(root, path, &settings, options.again)?;
    if options.again {
        Record::begin_again(&site)?;
    }
    let agent = Agent::load(global)?;
    let manner = Manner::changing("clone", &agent.options, false);
    let report = operation::perform(&agent, manner, |pipeline| {
        let failed = pipeline.update(&mut progress::bar(&agent))?;
        if manner.changes {
            HostKey::make_where_missing(&agent.site, &settings.fqdn)?;
        }
        pipeline.record.state.machine = Some(crate::state::machine_id(&agent.site)).filter(|id| !id.is_empty());
        failed.into_iter().next().map_or(Ok(()), |error| Err(error.into()))
    })?;
    let status = operation::print(&agent, &report);
    if status == Status::Done && !global.json {
        println!(
            "'{}' trusts commit {}; 'cosmos plan' shows what it asks for, 'cosmos run' does it",
            agent.host(),
            settings.introduction.0
        );
    }
    Ok(status)
}

/// Returns the settings that the words say.
fn settings(options: &CloneOptions, site: &Site) -> Result<TrustFile, Failure> {
    let mode = mode(options)?;
    let introduction = options.trust.as_ref().ok_or_else(|| {
        Failure::of(
            Status::Usage,
            "a host must be told whom to trust",
            "ask an operator for it: --trust COMMIT:FINGERPRINT ('git log -1 --format=%H:%GP' on a signed commit prints it)",
        )
    })?;
    let remote = |url: &String| RemoteSettings {
        url: url.clone(),
        ssh_key: options.ssh_key.clone(),
        known_hosts: options.known_hosts.clone(),
        token_file: options.token_file.clone(),
        ca_file: options.ca_file.clone(),
        proxy: options.proxy.clone(),
        address: options.address.clone(),
    };
    Ok(TrustFile {
        fqdn: fqdn(options, site)?,
        mode,
        introduction: introduction_of(introduction)
            .map_err(|error| Failure::new(Status::Usage, &error, INTRODUCTION_HINT))?,
        fleet: None,
        threshold: 1,
        policy_threshold: None,
        merge_rule: MergeRule::All,
        max_age: None,
        require_statement: false,
        ring: options.ring.clone(),
        remotes: options.urls.iter().map(remote).collect(),
        limits: Limits::default(),
    })
}

fn mode(options: &CloneOptions) -> Result<Mode, Failure> {
    let branch = || options.branch.clone().unwrap_or_else(|| "main".to_owned());
    match (options.mode.as_deref(), &options.tags) {
        (Some("tags"), None) => {
            Err(Failure::of(Status::Usage, "which tags are releases?", "name them: --tags 'release-*'"))
        }
        (Some("commits"), Some(_)) => {
            Err(Failure::of(Status::Usage, "--tags follows tags, and --mode says commits", "leave one of them out"))
        }
        (_, Some(pattern)) => Ok(Mode::Tags { pattern: pattern.clone(), classic: false }),
        (_, None) => Ok(Mode::Commits { branch: branch() }),
    }
}

/// Returns the name this host shall have for good: the word given, else what `/etc/hostname` says if it has a domain.
fn fqdn(options: &CloneOptions, site: &Site) -> Result<HostName, Failure> {
    let hint = "name this host as the repository does: --fqdn ns1.example.org";
    let named = match &options.fqdn {
        Some(name) => name.clone(),
        None => {
            let path = RelPath::new(b"etc/hostname").expect("a plain path");
            let text = site.root.read(&path, 1024)?.unwrap_or_default();
            String::from_utf8_lossy(&text).trim().to_owned()
        }
    };
    if options.fqdn.is_none() && !named.contains('.') {
        let message = format!("'{named}' from /etc/hostname is no full host name");
        return Err(Failure::of(Status::Usage, message, hint));
    }
    HostName::new(&named).map_err(|error| Failure::new(Status::Usage, &error, hint))
}

fn write(root: &Root, path: &RelPath, settings: &TrustFile, again: bool) -> Result<(), Failure> {
    if !again && root.open_file(path)?.is_some() {
        let message = format!("this host was introduced before: '/{path}' exists");
        return Err(Failure::of(Status::Usage, message, "run 'cosmos update', or replace what it trusts with --again"));
    }
    let text = settings.to_toml(&format!("/{path}")).map_err(|mistakes| {
        Failure::new(Status::Usage, &mistakes, "mend the word that the message names; 'cosmos clone --help' lists them")
    })?;
    if let Some(folder) = path.parent() {
        fs::make_directories(root, &folder, 0o755)?;
    }
    Ok(fs::replace(root, path, text.as_bytes(), 0o600)?)
}

//! The settings of a classic host: from `cosmos.conf`, its remote from the clone, its trust from the keyring.

use std::path::Path;

use cosmos_model::path::RelPath;
use cosmos_model::stage::Layers;
use cosmos_model::trust::{Introduction, TrustPolicy};

use super::{Agent, failure};
use crate::classic::conf::ClassicSettings;
use crate::classic::host::{self, unusable};
use crate::classic::{checkout, keyring};
use crate::cli::GlobalOptions;
use crate::exit::{Failure, Status};
use crate::fetch::{Limits, RemoteSettings};
use crate::fs::Root;
use crate::settings::load;
use crate::site::Site;

/// The stamp of hosts that name no other.
const NATIVE_STAMP: &[u8] = b"run/cosmos/last-ok.stamp";
/// The stamp that the original's cron script left, and that monitoring therefore looks at.
const STAMP: &[u8] = b"run/last-cosmos-ok.stamp";

/// Reads everything a classic host goes by.
///
/// # Errors
/// Returns a [`Failure`] of status `Usage` that names what is wrong or missing.
pub fn load(folder: &Path, options: &GlobalOptions) -> Result<Agent, Failure> {
    let classic = host::settings(folder, options)?;
    classic.verification(options.insecure_skip_verification).map_err(|error| unusable(&error))?;
    let layers = classic.layers().map_err(|error| unusable(&error))?.to_vec();
    let keys =
        keyring::read(&classic.keyring_home()).map_err(|error| Failure::new(Status::Usage, &error, error.hint()))?;
    let url = checkout::origin_url(&classic.repo).map_err(|error| Failure::new(Status::Usage, &error, error.hint()))?;
    let url = String::from_utf8(url).map_err(|_| {
        Failure::of(
            Status::Usage,
            "the clone's remote.origin.url is not UTF-8",
            "set it again with 'git remote set-url'",
        )
    })?;
    let nowhere = |error| Failure::new(Status::Usage, &error, "mend COSMOS_ROOT or COSMOS_BASE in cosmos.conf");
    let site = Site::classic(&classic.root, &classic.base).map_err(nowhere)?;
    let place = Root::open(folder).map_err(nowhere)?;
    let agent_file = RelPath::new(b"agent.toml").expect("a plain name");
    let mut settings = load::agent(&place, &agent_file).map_err(|error| failure(&error))?;
    if settings.stamp.as_bytes() == NATIVE_STAMP {
        settings.stamp = RelPath::new(STAMP).expect("a plain path");
    }
    let options = GlobalOptions {
        dry_run: classic.dry_run,
        dry_tasks: classic.dry_tasks,
        verbose: options.verbose.max(u8::from(classic.verbose)),
        ..options.clone()
    };
    Ok(Agent {
        trust: policy(&classic, &layers, keys),
        layers: Layers::Classic { folders: layers },
        remotes: vec![RemoteSettings { url, ..RemoteSettings::default() }],
        once: false,
        limits: settings.limits(&Limits::default()),
        fqdn: None,
        settings,
        classic: Some(classic),
        options,
        site,
    })
}

/// Trust begins with the keyring; once a release carries keys in its layers, those are the signers (C7).
fn policy(classic: &ClassicSettings, layers: &[Vec<u8>], keys: Vec<u8>) -> TrustPolicy {
    let keys_of = |layer: &Vec<u8>| {
        let folder = layer.strip_suffix(b"/").unwrap_or(layer);
        RelPath::new(&[folder, b"/overlay/etc/cosmos/keys"].concat()).ok()
    };
    TrustPolicy {
        key_folders: layers.iter().filter_map(keys_of).collect(),
        ..TrustPolicy::new(classic.mode(), Introduction::Keyring(keys))
    }
}

//! `cosmos clone URL` of a classic host: the clone other tools look at, before anything is verified (C2).

use cosmos_model::object_id::ObjectId;
use cosmos_model::refs::RemoteRef;

use super::checkout::{self, View};
use super::conf::ClassicSettings;
use super::folders::Step;
use super::host;
use crate::cli::GlobalOptions;
use crate::exit::{Failure, Status};
use crate::fetch::{FetchError, Limits, RemoteSettings, Session};
use crate::fs::by_path;
use crate::site::Site;
use crate::store::Store;

/// Makes the clone. It holds the unverified checkout, as the original's did: bootstrap scripts run from it, we never
/// do.
///
/// # Errors
/// Returns a [`Failure`] when a clone exists, or the repository cannot be fetched.
pub fn run(urls: &[String], options: &GlobalOptions) -> Result<Status, Failure> {
    let [url] = urls else {
        return Err(Failure::of(Status::Usage, "a classic host has one remote", "give one URL"));
    };
    let Some(folder) = host::settings_folder(options) else {
        return Err(Failure::of(Status::Usage, "this is no classic host", "see 'cosmos clone --help'"));
    };
    let classic = host::settings(&folder, options)?;
    for step in host::steps(&classic, "clone")? {
        match step {
            Step::BuiltIn(20) => fetch(&classic, url)?,
            Step::BuiltIn(_) => {}
            Step::Script { path, .. } => host::run_script(&classic, &path, &[url.into()])?,
        }
    }
    Ok(Status::Done)
}

fn fetch(classic: &ClassicSettings, url: &str) -> Result<(), Failure> {
    let refused = |error: checkout::CheckoutError| Failure::new(Status::Failed, &error, error.hint());
    if classic.repo.symlink_metadata().is_ok() {
        return Err(refused(checkout::CheckoutError::Exists { repo: classic.repo.clone() }));
    }
    let failed = |error: FetchError| Failure::new(Status::Failed, &error, error.hint());
    let cannot_make = |error| {
        let message = format!("cannot make '{}': {error}", classic.base.display());
        Failure::of(Status::Failed, message, "run as root, or set COSMOS_BASE to a folder of yours")
    };
    by_path::make_directories(&classic.base, 0o755).map_err(cannot_make)?;
    let site = Site::classic(&classic.root, &classic.base)?;
    let remotes = [RemoteSettings { url: url.to_owned(), ..RemoteSettings::default() }];
    let prefixes = [b"refs/heads/".to_vec(), b"refs/tags/".to_vec()];
    let mut session = Session::start(&remotes, &Limits::default(), &prefixes, &site.cache).map_err(failed)?;
    let refs = session.refs().into_iter().next().map_or(Ok(Vec::new()), |look| look.refs).map_err(failed)?;
    let (branch, tip) = followed(classic, &refs)?;
    let store = Store::at(site.store());
    let wants: Vec<ObjectId> = refs.iter().map(|reference| reference.id).collect();
    session.fetch(0, &wants, &[], &mut (), &store).map_err(failed)?;
    session.finish();
    site.state_folder(0).make()?;
    let view = View { commit: tip, branch: &branch, tag: None };
    let cloned = checkout::create(&classic.repo, url.as_bytes(), &branch).and_then(|()| {
        checkout::show(&classic.repo, &site.checkout_index(), view, &store, &store.path().join("objects"))
    });
    cloned.map(drop).map_err(|error| {
        // Half a clone would be in the way of the next attempt; the first error is the one to hear of.
        let _ = by_path::remove(&classic.repo);
        refused(error)
    })
}

/// Returns the branch that is followed and its tip: the setting's, else `main` or `master`, whichever is there.
fn followed(classic: &ClassicSettings, refs: &[RemoteRef]) -> Result<(String, ObjectId), Failure> {
    let tip = |branch: &str| {
        let name = format!("refs/heads/{branch}");
        refs.iter()
            .find(|reference| reference.name == name.as_bytes())
            .map(|reference| (branch.to_owned(), reference.id))
    };
    let found = classic.branch.as_deref().map_or_else(|| tip("main").or_else(|| tip("master")), tip);
    found.ok_or_else(|| {
        Failure::of(Status::Failed, "the remote has no such branch", "set COSMOS_DEFAULT_BRANCH in cosmos.conf")
    })
}

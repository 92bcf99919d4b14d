//! `cosmos demo`: plays the newcomer's story in a folder of its own and cleans up behind it.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::cli::{Cli, DemoOptions, GlobalOptions};
use crate::demo::{self, Narrator};
use crate::exit::{Failure, Status};

/// Plays the demonstration below the folder named, or below a temporary one that is removed afterwards.
///
/// # Errors
/// Returns a [`Failure`] when the folder is not empty or cannot be made, and when an outcome is not what the story
/// says.
pub fn run(options: &DemoOptions, global: &GlobalOptions) -> Result<Status, Failure> {
    let place = options.dir.as_ref().map_or_else(temporary, |dir| named(dir))?;
    let narrator = Narrator::for_terminal();
    narrator.text(&format!("Everything below happens in {}, without root and without a network.", place.display()));
    let agent = |mut cli: Cli| {
        cli.global.insecure_skip_verification |= global.insecure_skip_verification;
        super::execute(cli)
    };
    let played = demo::play(&place, &agent, narrator);
    if options.dir.is_none() {
        std::fs::remove_dir_all(&place)
            .map_err(|error| cannot("remove", &place, &error, "remove the folder by hand"))?;
    } else {
        narrator.aside(&format!("Look around in {}: every command above can be typed again.", place.display()));
    }
    let hint = "this is a fault of Cosmos, or of this system; do not trust this build before you know which";
    played.map_err(|error| Failure::new(Status::Failed, &error, hint))?;
    Ok(Status::Done)
}

/// Makes the folder `dir`, which must be empty if it is there.
fn named(dir: &Path) -> Result<PathBuf, Failure> {
    let hint = "name a folder that does not exist yet";
    std::fs::create_dir_all(dir).map_err(|error| cannot("make", dir, &error, hint))?;
    let mut entries = std::fs::read_dir(dir).map_err(|error| cannot("read", dir, &error, hint))?;
    if entries.next().is_some() {
        return Err(Failure::of(Status::Usage, format!("'{}' is not empty", dir.display()), hint));
    }
    utf8(dir.canonicalize().map_err(|error| cannot("find", dir, &error, hint))?)
}

/// Makes a new folder, readable by its owner only. Its name need not be a secret: an existing one is never used.
fn temporary() -> Result<PathBuf, Failure> {
    let parent = std::env::temp_dir();
    let hint = "name a folder: cosmos demo DIR";
    let first = std::process::id();
    let mut last = None;
    for number in first..first.saturating_add(100) {
        let dir = parent.join(format!("cosmos-demo-{number}"));
        match DirBuilder::new().mode(0o700).create(&dir) {
            Ok(()) => return utf8(dir),
            Err(error) => last = Some(cannot("make", &dir, &error, hint)),
        }
    }
    Err(last.expect("the loop ran at least once"))
}

/// Passes on a path that can be typed as a word of a command line.
fn utf8(path: PathBuf) -> Result<PathBuf, Failure> {
    if path.to_str().is_some() {
        return Ok(path);
    }
    let message = format!("'{}' is not UTF-8, and the demonstration types this path", path.display());
    Err(Failure::of(Status::Usage, message, "name another folder: cosmos demo DIR"))
}

fn cannot(verb: &str, path: &Path, error: &std::io::Error, hint: &str) -> Failure {
    Failure::of(Status::Failed, format!("cannot {verb} '{}': {error}", path.display()), hint)
}

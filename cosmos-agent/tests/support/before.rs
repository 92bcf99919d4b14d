//! One comparison of a host before and after an attack: what a refusal may leave behind, and nothing else (A27).

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use serde_json::Value;

const STATE: &str = "var/lib/cosmos/state.json";
const LOG: &str = "var/lib/cosmos/log.jsonl";
/// The refs of the last look, from which `verify` judges again: part of the record of a refusal.
const LISTING: &str = "var/lib/cosmos/refs";
const LOCK: &str = "run/cosmos/lock";
/// Empty files whose times say when each remote answered last: the look's, whatever became of what it brought.
const ANSWERED: &str = "var/lib/cosmos/answered/";
/// Where objects lie that nobody vouched for, until the next accepted run.
const QUARANTINE: &str = "var/cache/cosmos/store.git/objects/pack/";

/// What a run that refused may add to the log, in bytes: one entry with a hundred refusals of half a kilobyte.
const LOG_ENTRY: usize = 100 * 512;

/// A host as it was: every path below its root, the agent's own included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    /// Type, mode, owner, content and identity of each path.
    paths: BTreeMap<String, String>,
    /// The state, less what a refusal and a look may change.
    state: Value,
    log: Vec<u8>,
}

impl Before {
    /// Looks at everything below `root`.
    pub fn of(root: &Path) -> Self {
        let entries = walkdir::WalkDir::new(root).min_depth(1).into_iter().map(|entry| {
            let path = entry.expect("a readable tree").into_path();
            let name = path.strip_prefix(root).expect("below the root").display().to_string();
            let identity = if name.starts_with(ANSWERED) { whole(&path) } else { identity(&path) };
            (name, identity)
        });
        let written_by_any_run = [STATE, LOG, LISTING, LOCK];
        Self {
            paths: entries.filter(|(name, _)| !written_by_any_run.contains(&name.as_str())).collect(),
            state: lasting(root),
            log: fs::read(root.join(LOG)).unwrap_or_default(),
        }
    }

    /// Asserts that the host is as it was: its files with their inodes, the stamp, the accepted revision, the trust
    /// set, the managed set, the store with its refs; only new packs in quarantine, the record of the refusal and a
    /// bounded piece of the log may have come.
    #[track_caller]
    pub fn assert_kept(&self, root: &Path) {
        let after = Self::of(root);
        let changed: Vec<&String> =
            self.paths.keys().filter(|name| self.paths.get(*name) != after.paths.get(*name)).collect();
        assert_eq!(changed, Vec::<&String>::new(), "changed or gone");
        let came = after.paths.keys().filter(|name| {
            !self.paths.contains_key(*name) && !name.starts_with(QUARANTINE) && !name.starts_with(ANSWERED)
        });
        assert_eq!(came.collect::<Vec<_>>(), Vec::<&String>::new(), "came");
        assert_eq!(after.state, self.state, "nothing that is believed");
        assert!(after.log.starts_with(&self.log), "the log is only added to");
        let added = &after.log[self.log.len()..];
        assert!(added.len() <= LOG_ENTRY, "{} bytes of log", added.len());
        for line in added.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let entry: Value = serde_json::from_slice(line).expect("a log entry is JSON");
            assert_eq!((&entry["changes"], &entry["tasks"]), (&Value::Array(vec![]), &Value::Array(vec![])), "{entry}");
        }
    }
}

/// Returns what the agent remembers, without the refusals, the look, the clock and the count of writings.
fn lasting(root: &Path) -> Value {
    let Ok(text) = fs::read(root.join(STATE)) else { return Value::Null };
    let Ok(mut state) = serde_json::from_slice::<Value>(&text) else { return Value::Null };
    let members = state.as_object_mut().expect("a state is an object");
    ["counter", "look", "failure", "back_off"].iter().for_each(|name| drop(members.remove(*name)));
    if let Some(trust) = members["trust"].as_object_mut() {
        ["refused", "latest"].iter().for_each(|name| drop(trust.remove(*name)));
    }
    state
}

/// Describes a file by its content alone.
fn whole(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).expect("a readable file")).into_owned()
}

/// Describes a path so that any change shows, a file replaced by its like included. Folders have no times: what comes
/// and goes in them is seen by name.
fn identity(path: &Path) -> String {
    let metadata = path.symlink_metadata().expect("metadata");
    let (mode, owner) = (metadata.mode(), (metadata.uid(), metadata.gid()));
    if metadata.is_dir() {
        return format!("folder {mode:o} {owner:?}");
    }
    let content = match fs::read_link(path) {
        Ok(target) => target.display().to_string(),
        Err(_) if metadata.is_file() => String::from_utf8_lossy(&fs::read(path).expect("a readable file")).into_owned(),
        Err(_) => String::new(),
    };
    let times = (metadata.mtime(), metadata.mtime_nsec());
    format!("{mode:o} {owner:?} inode {} {times:?} {content:?}", metadata.ino())
}

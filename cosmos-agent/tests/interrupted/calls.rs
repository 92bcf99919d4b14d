//! The system calls by which a run changes anything, and what each of a run's calls was about.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Every call that may change a file system, or puts a change on disk. `?`: some processors do not have it.
pub const CHANGING: [&str; 31] = [
    "openat",
    "write",
    "pwrite64",
    "ftruncate",
    "fallocate",
    "copy_file_range",
    "fchmod",
    "fchmodat",
    "?chmod",
    "fchown",
    "fchownat",
    "?chown",
    "?lchown",
    "?mkdir",
    "mkdirat",
    "?symlink",
    "symlinkat",
    "?link",
    "linkat",
    "?rename",
    "renameat",
    "renameat2",
    "?unlink",
    "?rmdir",
    "unlinkat",
    "fsync",
    "fdatasync",
    "syncfs",
    "utimensat",
    "fsetxattr",
    "fremovexattr",
];

/// One call of the agent that changed something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// Its name.
    pub name: String,
    /// The how manieth of this name it was, from 1, as strace counts.
    pub number: usize,
    /// The how manieth of this name it was, from 1, among those that changed something below the host's root.
    pub change: usize,
    /// What it worked on, below the host's root: the last path that it names.
    pub path: String,
    /// The other path of a rename.
    pub from: Option<String>,
    /// Whether the kernel did it.
    pub succeeded: bool,
}

/// Runs `cosmos` below `root` with these words under strace, with these injections; returns its status and errors.
///
/// Only the agent's own process is followed, so that the n-th call is the n-th of that process: the child that fetches
/// writes nothing on a host, and what tasks do is theirs.
pub fn traced(root: &Path, words: &[&str], log: &Path, injections: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new("strace");
    command.args(["-qq", "-y", "-s", "0", "-e", "signal=none", "-o"]).arg(log);
    command.arg("-e").arg(format!("trace={}", CHANGING.join(",")));
    command.args(injections.iter().map(|what| format!("--inject={what}")));
    command.arg(env!("CARGO_BIN_EXE_cosmos")).arg("--root").arg(root).args(words).env("TZ", "UTC");
    let output = command.stdin(Stdio::null()).output().expect("strace runs");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Tells whether strace is here; says so if it is not.
pub fn strace_is_missing() -> bool {
    let missing = Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_err();
    if missing {
        eprintln!("skipped: strace is not installed");
    }
    missing
}

/// Reads a log: the calls that changed, or would have changed, something below `root`.
pub fn read(log: &Path, root: &Path) -> Vec<Call> {
    let text = fs::read_to_string(log).expect("strace's log");
    let (mut counts, mut changes, mut open) = (BTreeMap::<&str, usize>::new(), BTreeMap::new(), BTreeMap::new());
    let mut calls = Vec::new();
    for line in text.lines() {
        let Some((name, rest)) = line.split_once('(') else { continue };
        let number = counts.entry(name).and_modify(|count| *count += 1).or_insert(1);
        let (words, result) = rest.rsplit_once(" = ").unwrap_or((rest, "?"));
        let paths = paths_in(words, &open);
        if name == "openat"
            && let Some((handle, path)) = result.split_once('<')
        {
            open.insert(handle.to_owned(), path.trim_end_matches('>').to_owned());
        }
        let may_change = name != "openat" || words.contains("O_CREAT");
        let mut below = paths.iter().filter_map(|path| Path::new(path).strip_prefix(root).ok());
        if let Some(last) = below.next_back().filter(|_| may_change) {
            let text = |path: &Path| path.display().to_string();
            let from = below.next_back().map(text);
            let succeeded = !result.starts_with(['-', '?']);
            let change = *changes.entry(name).and_modify(|count| *count += 1).or_insert(1);
            calls.push(Call { name: name.to_owned(), number: *number, change, path: text(last), from, succeeded });
        }
    }
    calls
}

/// Returns the paths that a call's words name: `5</srv>, "file"` is `/srv/file`, and so on for the next pair.
fn paths_in(words: &str, open: &BTreeMap<String, String>) -> Vec<String> {
    let mut paths = Vec::new();
    let mut folder: Option<PathBuf> = None;
    // A symlink's target comes first and is no path of ours.
    for word in words.trim_end_matches(')').split(", ") {
        if let Some((handle, path)) =
            word.split_once('<').filter(|(handle, _)| handle.starts_with(|c: char| c.is_ascii_digit() || c == 'A'))
        {
            paths.extend(folder.take().map(|folder| folder.display().to_string()));
            let path = if handle == "AT_FDCWD" { "/" } else { path.rsplit_once('>').map_or(path, |(path, _)| path) };
            folder = Some(PathBuf::from(path));
        } else if let Some(name) = word.strip_prefix('"').and_then(|word| word.strip_suffix('"')) {
            let path = match name.strip_prefix("/proc/self/fd/") {
                Some(handle) => open.get(handle).cloned().unwrap_or_default(),
                None if name.is_empty() => folder.as_deref().unwrap_or(Path::new("")).display().to_string(),
                None => folder.as_deref().unwrap_or(Path::new("")).join(name).display().to_string(),
            };
            folder = None;
            paths.push(path);
        }
    }
    paths.extend(folder.map(|folder| folder.display().to_string()));
    paths
}

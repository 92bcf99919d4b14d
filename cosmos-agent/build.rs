//! Writes down the files below `models/`, which are compiled in, with what tells one set of them from another.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files = Vec::new();
    if folder.is_dir() {
        collect(&folder, &mut files)?;
    }
    files.sort();
    let (mut text, mut hasher) =
        (String::from("pub(super) const FILES: &[File<'static>] = &[\n"), DefaultHasher::new());
    for file in &files {
        let name = file.strip_prefix(&folder).expect("below the folder").display().to_string();
        let executable = file.metadata()?.permissions().mode() & 0o100 != 0;
        (&name, executable, std::fs::read(file)?).hash(&mut hasher);
        let _ = writeln!(text, "    ({name:?}, {executable}, include_bytes!({:?})),", file.canonicalize()?);
    }
    let _ = writeln!(text, "];\npub(super) const IDENTITY: u64 = {};", hasher.finish());
    let out = std::env::var_os("OUT_DIR").expect("cargo sets it");
    std::fs::write(Path::new(&out).join("built_in.rs"), text)
}

/// Finds the files that hosts and readers of a module need; its tests stay outside of the binary.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && !path.ends_with("tests") {
            println!("cargo::rerun-if-changed={}", path.display());
            collect(&path, files)?;
        } else if path.is_file() {
            println!("cargo::rerun-if-changed={}", path.display());
            files.push(path);
        }
    }
    Ok(())
}

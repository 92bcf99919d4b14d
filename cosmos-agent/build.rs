//! Writes down the files below `models/`, which are compiled in, with what tells one set of them from another.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models");
    println!("cargo::rerun-if-changed={}", folder.display());
    let (mut files, mut examples) = (Vec::new(), Vec::new());
    if folder.is_dir() {
        collect(&folder, &mut files, &mut examples)?;
    }
    files.sort();
    examples.sort();
    let (mut text, mut hasher) =
        (String::from("pub(super) const FILES: &[File<'static>] = &[\n"), DefaultHasher::new());
    for file in &files {
        let name = file.strip_prefix(&folder).expect("below the folder").display().to_string();
        let executable = file.metadata()?.permissions().mode() & 0o100 != 0;
        (&name, executable, std::fs::read(file)?).hash(&mut hasher);
        let _ = writeln!(text, "    ({name:?}, {executable}, include_bytes!({:?})),", file.canonicalize()?);
    }
    let _ = writeln!(text, "];\npub(super) const EXAMPLES: &[(&str, &[u8])] = &[");
    for file in &examples {
        let name = file.strip_prefix(&folder).expect("below the folder").display().to_string();
        let _ = writeln!(text, "    ({name:?}, include_bytes!({:?})),", file.canonicalize()?);
    }
    let _ = writeln!(text, "];\npub(super) const IDENTITY: u64 = {};", hasher.finish());
    let out = std::env::var_os("OUT_DIR").expect("cargo sets it");
    std::fs::write(Path::new(&out).join("built_in.rs"), text)
}

/// Finds the files that hosts and readers of a module need, and its examples, which no host is told of.
fn collect(folder: &Path, files: &mut Vec<PathBuf>, examples: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        println!("cargo::rerun-if-changed={}", path.display());
        if path.is_dir() {
            collect(&path, files, examples)?;
        } else if path.is_file() {
            let is_example = path.components().any(|part| part.as_os_str() == "tests");
            if is_example { examples.push(path) } else { files.push(path) }
        }
    }
    Ok(())
}

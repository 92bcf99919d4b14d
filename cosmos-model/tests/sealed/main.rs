//! What is not verified cannot act: programs that make a verified revision without the judge do not compile.
//!
//! The compiler is called on single files with the libraries this test was built with, which takes a second;
//! building a crate for each would compile every dependency a second time.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns the libraries of that name among those this test was linked with, the newest first.
fn libraries(folder: &Path, name: &str) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let prefix = format!("lib{name}-");
    let is_it = |path: &PathBuf| {
        let file = path.file_name().unwrap().to_string_lossy();
        file.starts_with(&prefix) && file.ends_with(".rlib")
    };
    let mut found: Vec<PathBuf> = files.filter(is_it).collect();
    found.sort_by_key(|path| std::cmp::Reverse(path.metadata().unwrap().modified().unwrap()));
    found
}

/// Compiles `program` against the libraries and returns what the compiler says; where crates were built one by one as
/// well, only one of several libraries fits ours.
fn compile(name: &str, program: &str) -> String {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().unwrap();
    let out = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let source = out.join(format!("{name}.rs"));
    std::fs::write(&source, program).unwrap();
    let model = libraries(folder, "cosmos_model").remove(0);
    let said = |json: PathBuf| {
        let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        rustc.args(["--edition=2024", "--emit=metadata", "--crate-type=bin", "-A", "warnings"]);
        rustc.arg("-L").arg(format!("dependency={}", folder.display())).arg("--out-dir").arg(out);
        for (name, library) in [("cosmos_model", &model), ("serde_json", &json)] {
            rustc.arg("--extern").arg(format!("{name}={}", library.display()));
        }
        String::from_utf8(rustc.arg(&source).output().unwrap().stderr).unwrap()
    };
    libraries(folder, "serde_json").into_iter().map(said).min_by_key(String::len).unwrap()
}

#[test]
fn a_program_that_only_reads_a_verified_revision_compiles() {
    assert_eq!(compile("reads", include_str!("reads.rs")), "");
}

#[test]
fn a_verified_revision_cannot_be_built_by_hand() {
    let said = compile("built_by_hand", include_str!("built_by_hand.rs"));
    assert!(
        said.contains("error: cannot construct `VerifiedRevision` with struct literal syntax due to private fields"),
        "{said}"
    );
}

#[test]
fn a_verified_revision_cannot_be_pointed_elsewhere() {
    let said = compile("changed_by_hand", include_str!("changed_by_hand.rs"));
    assert!(said.contains("error[E0616]: field `commit` of struct `VerifiedRevision` is private"), "{said}");
}

#[test]
fn a_verified_revision_cannot_be_read_from_text() {
    let said = compile("read_from_text", include_str!("read_from_text.rs"));
    assert!(said.contains("error[E0277]: the trait bound `VerifiedRevision:"), "{said}");
}

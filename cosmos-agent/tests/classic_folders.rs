//! Users' own scripts run among our steps; the old package's own stand for them (C10).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use cosmos_agent::classic::folders::{Step, steps};

fn script(conf_dir: &Path, name: &str, content: &str, mode: u32) {
    let path = conf_dir.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, content).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn order(conf_dir: &Path, command: &str) -> Result<Vec<String>, String> {
    let shown = |step| match step {
        Step::BuiltIn(number) => number.to_string(),
        Step::Script { path, number } => format!("{number}:{}", path.file_name().unwrap().to_str().unwrap()),
    };
    steps(conf_dir, command).map(|steps| steps.into_iter().map(shown).collect()).map_err(|error| error.to_string())
}

#[test]
fn scripts_of_the_host_run_at_their_numbers_and_no_missing_script_switches_a_step_off() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(order(folder.path(), "apply").unwrap(), ["10", "20", "40", "60", "70"]);
    script(folder.path(), "update.d/05announce", "#!/bin/sh\n", 0o755);
    script(folder.path(), "update.d/25zz", "#!/bin/sh\n", 0o755);
    script(folder.path(), "update.d/30backup~", "#!/bin/sh\n", 0o755);
    script(folder.path(), "update.d/30off", "#!/bin/sh\n", 0o644);
    script(folder.path(), "update.d/README", "", 0o755);
    std::fs::create_dir(folder.path().join("update.d/40folder")).unwrap();
    assert_eq!(order(folder.path(), "update").unwrap(), ["5:05announce", "10", "20", "25", "25:25zz", "90"]);
}

#[test]
fn a_changed_or_switched_off_script_of_the_old_package_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for (name, mode, words) in [
        ("25verify-git", 0o755, "is a changed script of Cosmos 1.5, whose step is built in now"),
        ("25verify-git", 0o644, "is not executable, but its step is built in now and cannot be switched off"),
        ("25verify-git.dpkg-old", 0o755, "is a changed script of Cosmos 1.5, whose step is built in now"),
    ] {
        script(folder.path(), &format!("update.d/{name}"), "#!/bin/sh\nexit 0\n", mode);
        let path = folder.path().join("update.d").join(name);
        assert_eq!(order(folder.path(), "update").unwrap_err(), format!("'{}' {words}", path.display()));
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_script_that_others_may_write_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    script(folder.path(), "apply.d/15own", "#!/bin/sh\n", 0o777);
    assert!(order(folder.path(), "apply").unwrap_err().ends_with("can be changed by others than root"));
}

#[test]
fn a_folder_makes_a_command_and_no_folder_makes_an_unknown_one() {
    let folder = tempfile::tempdir().unwrap();
    script(folder.path(), "check.d/10one", "#!/bin/sh\n", 0o755);
    assert_eq!(order(folder.path(), "check").unwrap(), ["10:10one"]);
    for command in ["upgrade", "../etc", "", "check/"] {
        assert!(order(folder.path(), command).unwrap_err().starts_with("unknown command"), "{command}");
    }
}

//! The agent's own files on a host: units, timer, cron line, and a task that is harmless where it has no business.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cosmos_agent::schedule::Schedule;

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Runs a program with nothing but `environment`.
fn output(program: &Path, arguments: &[&Path], environment: &[(&str, &str)]) -> Output {
    Command::new(program).args(arguments).env_clear().envs(environment.iter().copied()).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn systemd_finds_nothing_to_say_about_the_units() {
    let analyze = Path::new("/usr/bin/systemd-analyze");
    if !analyze.exists() {
        println!("skipped: systemd-analyze is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let units = ["cosmos.service", "cosmos.timer"].map(|name| {
        let text = fs::read_to_string(project("overlay/usr/lib/systemd/system").join(name)).unwrap();
        let path = folder.path().join(name);
        // The agent need not be installed where the tests run.
        fs::write(&path, text.replace("/usr/bin/cosmos ", "/bin/true ")).unwrap();
        path
    });
    let verify = [Path::new("verify"), Path::new("--man=no"), &units[0], &units[1]];
    let found = output(analyze, &verify, &[]);
    assert_eq!((said(&found).as_str(), found.status.success()), ("", true));
}

#[test]
fn the_cron_file_is_one_that_cron_reads_and_its_line_stands_back_for_systemd() {
    let path = project("overlay/etc/cron.d/cosmos");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.ends_with('\n') && !path.file_name().unwrap().to_string_lossy().contains('.'));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o133, 0);
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with('*')).collect();
    let [line] = lines[..] else { panic!("one line runs: {lines:?}") };
    let (schedule, command) = line.split_once(" root ").unwrap();
    assert_eq!(schedule.parse::<Schedule>().unwrap().as_str(), "*/15 * * * *");
    assert!(command.starts_with("[ -d /run/systemd/system ] || "));

    // What cron hands to the shell once it has undone its own quoting, with programs that record.
    let folder = tempfile::tempdir().unwrap();
    for name in ["sleep", "cosmos"] {
        recorder(folder.path(), name);
    }
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let command = command.replace("\\%", "%").replace("[ -d /run/systemd/system ]", "false");
    let arguments = ["-c".as_ref(), Path::new(&command)];
    let ran = output(Path::new("/bin/sh"), &arguments, &[("PATH", path.as_str())]);
    assert_eq!(said(&ran), "");
    let record = fs::read_to_string(folder.path().join("record")).unwrap();
    let (delay, run) = record.trim_end().split_once('\n').unwrap();
    assert!(delay.strip_prefix("sleep ").unwrap().parse::<u32>().unwrap() < 300, "{delay}");
    assert_eq!(run, "cosmos run --scheduled");
}

/// Makes a program that writes its name and arguments to `record` beside it.
fn recorder(folder: &Path, name: &str) {
    let program = folder.join(name);
    let record = folder.join("record");
    fs::write(&program, format!("#!/bin/sh\necho {name} \"$@\" >>'{}'\n", record.display())).unwrap();
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn the_agents_own_tasks_do_nothing_below_another_root_or_when_not_told_the_root() {
    for name in ["005cosmos-user", "010cosmos-timer"] {
        does_nothing_elsewhere(&project("post-tasks.d").join(name));
    }
}

fn does_nothing_elsewhere(task: &Path) {
    assert_eq!(fs::metadata(task).unwrap().permissions().mode() & 0o111, 0o111);
    let folder = tempfile::tempdir().unwrap();
    for name in ["systemctl", "mkdir", "grep", "systemd-sysusers", "useradd"] {
        recorder(folder.path(), name);
    }
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let below = folder.path().to_string_lossy().into_owned();
    for root in [None, Some(("COSMOS_ROOT", below.as_str())), Some(("COSMOS_ROOT", ""))] {
        let environment: Vec<(&str, &str)> = root.into_iter().chain([("PATH", path.as_str())]).collect();
        let ran = output(task, &[], &environment);
        assert_eq!((said(&ran).as_str(), ran.status.success()), ("", true), "{root:?}");
    }
    assert!(!folder.path().join("record").exists());
}

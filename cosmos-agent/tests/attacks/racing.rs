//! A local user who exchanges folders, links, pipes and hard links under a run (A39), as fast as a thread can.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, lchown, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use nix::sys::stat::Mode;

use crate::support::{Settled, put, read};

/// A user id that owns nothing but what the attacker makes.
const LOCAL: u32 = 1234;

/// How many runs are raced against; `LONG=1` takes ten times as many.
const RUNS: usize = 8;

/// Gives `path`, a link itself if it is one, to the local user.
fn give(path: &Path) {
    lchown(path, Some(LOCAL), Some(LOCAL)).expect("root gives it away");
}

/// Exchanges what two names mean.
fn exchange(one: &Path, other: &Path) -> bool {
    renameat2(AT_FDCWD, one, AT_FDCWD, other, RenameFlags::RENAME_EXCHANGE).is_ok()
}

/// What is at each path of `etc` that is not ours: nothing of it may change.
fn others(host: &Path) -> Vec<String> {
    let names = ["etc/victim", "etc/victim-folder/victim", "etc/victim-folder"];
    let look = |name: &&str| {
        let found = fs::symlink_metadata(host.join(name)).expect("it is there");
        let text = if found.is_file() {
            read(host, name)
        } else {
            format!("{:?}", fs::read_dir(host.join(name)).expect("a folder").count())
        };
        format!("{name} {}:{} {:o} {text}", found.uid(), found.gid(), found.mode())
    };
    names.iter().map(look).collect()
}

#[test]
fn a39_whatever_is_exchanged_under_a_run_nothing_of_others_is_written_to() {
    let settled = Settled::new();
    let host = &settled.host;
    for folder in ["etc/victim-folder", "home/app", "home/files"] {
        fs::create_dir_all(host.join(folder)).expect("a folder");
    }
    for name in ["etc/victim", "etc/victim-folder/victim"] {
        put(host, name, "of others\n");
        fs::set_permissions(host.join(name), fs::Permissions::from_mode(0o600)).expect("its mode");
    }
    if chown(host.join("home"), Some(LOCAL), Some(LOCAL)).is_err() {
        return eprintln!("skipped: only root can act as two users");
    }
    // A folder for a symlink to somebody's folder, and a file for each thing that could be in its place.
    symlink("../etc/victim-folder", host.join("home/evil")).expect("a link");
    symlink("../../etc/victim", host.join("home/files/link")).expect("a link");
    fs::hard_link(host.join("etc/victim"), host.join("home/files/hard")).expect("a hard link");
    nix::unistd::mkfifo(&host.join("home/files/pipe"), Mode::S_IRWXU).expect("a pipe");
    for name in ["home/app", "home/files", "home/evil", "home/files/link", "home/files/pipe"] {
        give(&host.join(name));
    }
    let before = others(host);

    let (stop, exchanged) = (AtomicBool::new(false), AtomicUsize::new(0));
    let attack = || {
        while !stop.load(Ordering::Relaxed) {
            let mut done = usize::from(exchange(&host.join("home/app"), &host.join("home/evil")));
            for trap in ["link", "hard", "pipe"] {
                let (file, trap) = (host.join("home/files/file"), host.join("home/files").join(trap));
                done += usize::from(exchange(&file, &trap));
                done += usize::from(exchange(&file, &trap));
            }
            done += usize::from(exchange(&host.join("home/app"), &host.join("home/evil")));
            exchanged.fetch_add(done, Ordering::Relaxed);
        }
    };
    let runs = if std::env::var_os("LONG").is_some() { 10 * RUNS } else { RUNS };
    let mut ended = [0; 2];
    std::thread::scope(|scope| {
        scope.spawn(attack);
        for number in 0..runs {
            for path in ["home/app/victim", "home/files/file"] {
                settled.world.write(&format!("global/overlay/{path}"), &format!("released {number}\n"));
            }
            settled.world.write("global/layer.toml", &format!("[files.\"home/**\"]\nmode = \"06{}4\"\n", number % 8));
            settled.commit();
            let ran = settled.run();
            assert!(ran.status <= 1, "{ran:?}");
            ended[usize::try_from(ran.status).expect("zero or one")] += 1;
        }
        stop.store(true, Ordering::Relaxed);
    });
    println!(
        "{runs} runs, {} exchanges, {} ended well, {} complained",
        exchanged.load(Ordering::Relaxed),
        ended[0],
        ended[1]
    );
    assert!(exchanged.load(Ordering::Relaxed) > 100 * runs, "the attacker was there");
    assert_eq!(others(host), before);
    assert!(
        !walkdir::WalkDir::new(host.join("etc"))
            .into_iter()
            .any(|entry| { entry.expect("a readable tree").file_name().to_string_lossy().starts_with(".cosmos-") })
    );
}

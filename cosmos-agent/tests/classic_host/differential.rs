//! The tree that the agent makes is the tree that the original's steps make, told again in shell and rsync.
//!
//! Left out is what fault 5 is about: modes and links of folders that a host has. And `delete/` removes dangling links
//! and links to folders here, which a test for files alone leaves (docs/formats.md §4).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::host::{Classic, silent};
use crate::support::tree;

/// The steps of update (after verification) and apply, from the facts alone: merge, pre-tasks, delete, install,
/// post-tasks.
const ORIGINAL: &str = r#"
set -e
export LC_ALL=C COSMOS_ROOT COSMOS_MODEL
rsync --archive --delete "$REPO/classic.example.org/" "$REPO/web-common/" "$REPO/global/" "$COSMOS_MODEL"
cd "$COSMOS_MODEL"
tasks() {
    for task in "$1"/[0-9]*; do
        case $task in *~) continue ;; esac
        if [ -f "$task" ] && [ -x "$task" ]; then "./$task"; fi
    done
}
tasks pre-tasks.d
if [ -d delete ]; then
    (cd delete && find . -type f) | while IFS= read -r path; do
        if [ -f "$COSMOS_ROOT/$path" ] || [ -h "$COSMOS_ROOT/$path" ]; then rm -f -- "$COSMOS_ROOT/$path"; fi
    done
fi
if [ -d overlay ]; then rsync --archive overlay/ "$COSMOS_ROOT"; fi
tasks post-tasks.d
"#;

/// Changes whatever it finds in the model, in a way that depends on nothing else.
const PRE_TASK: &str = "#!/bin/sh\ncd overlay || exit 0\n\
    find . -name a -type f -exec chmod 0640 {} +\nfind . -name 'b c' -type f -exec sh -c 'echo task >> \"$1\"' - {} \\;\n\
    find . -name gone -exec rm -rf {} +\nmkdir -p made/by && echo made > made/by/task && ln -sf by/task made/link\n";

/// Changes what was installed.
const POST_TASK: &str = "#!/bin/sh\ncd \"$COSMOS_ROOT\" || exit 1\nls -A > listing\nchmod 0600 made/by/task\n";

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    File(String),
    Script(String),
    Link(&'static str),
}

type Layer = BTreeMap<String, Node>;

/// One case: two releases of three layers each, and what the host has before.
type Case = ([[Layer; 3]; 2], BTreeMap<String, String>);

fn names() -> impl Strategy<Value = String> {
    let name = prop_oneof![Just("a"), Just("b c"), Just("-grün"), Just("010t"), Just("gone")];
    proptest::collection::vec(name, 1..4).prop_map(|names| names.join("/"))
}

fn nodes() -> impl Strategy<Value = Node> {
    prop_oneof![
        3 => "[a-c]{0,3}".prop_map(Node::File),
        1 => "[a-c]{1,3}".prop_map(|word| Node::Script(format!("#!/bin/sh\necho {word} > \"$COSMOS_ROOT/said\"\n"))),
        1 => prop_oneof![Just("a"), Just("../b c"), Just("/etc"), Just("nowhere ü")].prop_map(Node::Link),
    ]
}

fn layer() -> impl Strategy<Value = Layer> {
    let top = prop_oneof![6 => Just("overlay"), 2 => Just("delete"), 1 => Just("post-tasks.d"), 1 => Just("extra")];
    proptest::collection::vec((top, names(), nodes()), 0..7).prop_map(|entries| {
        let mut layer = Layer::new();
        for (top, names, node) in entries {
            // What is in `delete/` only names things, and a task is no folder.
            let (path, node) = match top {
                "delete" => (format!("delete/{names}"), Node::File(String::new())),
                "post-tasks.d" => (format!("post-tasks.d/0{}", names.len()), node),
                top => (format!("{top}/{names}"), node),
            };
            if fits(layer.keys(), &path) {
                layer.insert(path, node);
            }
        }
        layer
    })
}

fn fits<'a>(mut known: impl Iterator<Item = &'a String>, path: &str) -> bool {
    let below = |one: &str, other: &str| one.strip_prefix(other).is_some_and(|rest| rest.starts_with('/'));
    known.all(|known| known != path && !below(known, path) && !below(path, known))
}

fn cases() -> impl Strategy<Value = Case> {
    let host = proptest::collection::btree_map(names(), "[x-z]{0,3}", 0..5).prop_map(|files| {
        let mut fitting: BTreeMap<String, String> = BTreeMap::new();
        for (path, text) in files {
            if fits(fitting.keys(), &path) {
                fitting.insert(path, text);
            }
        }
        fitting
    });
    let release = || [layer(), layer(), layer()];
    ([release(), release()], host).prop_filter(
        "rsync removes no folder that a file shall replace",
        |(releases, host)| {
            let paths = releases.iter().flatten().flat_map(|layer| layer.keys());
            let installed: Vec<&str> = paths.filter_map(|path| path.strip_prefix("overlay/")).collect();
            let below = |one: &str, other: &str| one.strip_prefix(other).is_some_and(|rest| rest.starts_with('/'));
            let on_the_way = |path: &str| installed.iter().any(|other| below(path, other) || below(other, path));
            !host.keys().any(|path| installed.iter().any(|file| below(path, file)))
                && !installed.iter().any(|path| on_the_way(path) && releases_differ(releases, path))
        },
    )
}

/// Tells whether a path is a file or link in one release, and a folder in the other.
fn releases_differ(releases: &[[Layer; 3]; 2], path: &str) -> bool {
    let below = |one: &str, other: &str| one.strip_prefix(other).is_some_and(|rest| rest.starts_with('/'));
    let whole = format!("overlay/{path}");
    let is_folder =
        releases.each_ref().map(|layers| layers.iter().any(|layer| layer.keys().any(|key| below(key, &whole))));
    is_folder[0] != is_folder[1]
}

/// Replaces the layers of the operators' repository; what the world itself put there stays.
fn write_layers(host: &Classic, layers: &[Layer; 3]) {
    for (name, layer) in ["classic.example.org", "web-common", "global"].iter().zip(layers) {
        let folder = host.world.repo().join(name);
        for top in ["overlay", "delete", "pre-tasks.d", "post-tasks.d", "extra"] {
            let _ = fs::remove_dir_all(folder.join(top));
        }
        host.world.write(&format!("{name}/extra/kept"), "each layer exists\n");
        for (path, node) in layer {
            match node {
                Node::File(text) | Node::Script(text) => host.world.write(&format!("{name}/{path}"), text),
                Node::Link(target) => {
                    let full = folder.join(path);
                    fs::create_dir_all(full.parent().expect("a folder")).expect("folders");
                    std::os::unix::fs::symlink(target, full).expect("a link");
                }
            }
        }
    }
    host.world.write("global/pre-tasks.d/500model", PRE_TASK);
    host.world.write("global/post-tasks.d/500host", POST_TASK);
    host.publish_key(&host.ada, "ada");
}

/// Runs the original's steps on a checkout whose files have the time of their release: rsync compares times.
fn original(host: &Classic, release: u64) {
    let checkout = host.path(&format!("checkout{release}"));
    copy(&host.world.repo(), &checkout);
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000 + release);
    for entry in walkdir::WalkDir::new(&checkout).into_iter().map(|entry| entry.expect("an entry")) {
        if entry.file_type().is_file() {
            fs::File::open(entry.path()).and_then(|file| file.set_modified(time)).expect("its time");
        }
    }
    let ran = Command::new("/bin/sh")
        .args(["-c", ORIGINAL])
        .env("REPO", &checkout)
        .env("COSMOS_ROOT", host.path("theirs/root"))
        .env("COSMOS_MODEL", host.path("theirs/model"))
        .output()
        .expect("a shell");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

fn copy(from: &Path, to: &Path) {
    let mut source = from.as_os_str().to_owned();
    source.push("/");
    let copied = Command::new("rsync").args(["--archive", "--exclude=/.git"]).arg(source).arg(to).status();
    assert!(copied.expect("rsync runs").success());
}

/// A tree without the modes of folders.
fn compared(root: &Path) -> Vec<String> {
    let shown = |line: String| match line.rsplit_once("/ ") {
        Some((folder, mode)) if mode.bytes().all(|byte| byte.is_ascii_digit()) => format!("{folder}/"),
        _ => line,
    };
    tree(root).into_iter().map(shown).collect()
}

fn same_tree((releases, before): &Case) -> Result<(), TestCaseError> {
    let host = Classic::new();
    fs::create_dir_all(host.path("theirs/model")).expect("a folder");
    for (path, text) in before {
        host.put(&format!("root/{path}"), text, 0o644);
        let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
        let file = fs::File::open(host.path("root").join(path));
        file.and_then(|file| file.set_modified(old)).expect("an old file");
    }
    copy(&host.path("root"), &host.path("theirs/root"));
    for (number, layers) in (0..).zip(releases) {
        write_layers(&host, layers);
        host.release(&format!("ops-2026-01-01-v{number}"));
        original(&host, number);
        if number == 0 {
            host.adopt();
        }
        prop_assert_eq!(host.cron(), silent(0));
        prop_assert_eq!(compared(&host.path("root")), compared(&host.path("theirs/root")));
        prop_assert_eq!(compared(&host.path("base/model")), compared(&host.path("theirs/model")));
    }
    Ok(())
}

/// How many cases are tried, by default and at most: each is two releases through git, gpg, rsync and the agent, a
/// second.
const CASES: u32 = 200;

#[test]
fn two_releases_make_the_tree_that_the_originals_steps_make() {
    if Command::new("rsync").arg("--version").output().is_err() {
        eprintln!("skipped: rsync is not installed");
        return;
    }
    let law = ProptestConfig::default();
    let config = ProptestConfig {
        cases: (law.cases / 32).min(CASES),
        max_shrink_iters: 20,
        max_global_rejects: 100_000,
        failure_persistence: None,
        ..law
    };
    // Not the macro: it takes PROPTEST_CASES for the number of cases, whatever the configuration says.
    TestRunner::new(config).run(&cases(), |case| same_tree(&case)).unwrap_or_else(|error| panic!("{error}"));
}

/// What the law once found: a path that both folders name, and whose overlay file a pre-task takes out of the model.
#[test]
fn c8_what_a_pre_task_takes_out_of_the_overlay_is_deleted_where_delete_names_it() {
    let text = |text: &str| Node::File(text.to_owned());
    let layer = Layer::from([
        ("overlay/etc/gone".to_owned(), text("ours")),
        ("delete/etc/gone".to_owned(), text("")),
        ("overlay/etc/a".to_owned(), text("stays")),
        ("delete/etc/a".to_owned(), text("")),
    ]);
    let release = [Layer::new(), Layer::new(), layer];
    let before = BTreeMap::from(["etc/gone", "etc/a"].map(|path| (path.to_owned(), "theirs".to_owned())));
    same_tree(&([release.clone(), release], before)).unwrap_or_else(|error| panic!("{error}"));
}

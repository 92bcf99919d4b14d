//! Surroundings that lie: variables, settings and programs of others, and what a repository holds that could be run.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Before, NAME, Ran, Settled, World, executable, put, read};

/// Programs that tell when they are started, settings that name them, and variables that name those.
struct Trap {
    folder: PathBuf,
    marker: PathBuf,
}

const PROGRAMS: [&str; 9] = ["git", "gpg", "gpgv", "gpg-agent", "gpgconf", "ssh", "rsync", "sh", "editor"];

impl Trap {
    fn new(world: &World) -> Self {
        let trap = Self { folder: world.path("fake"), marker: world.path("marker") };
        for program in PROGRAMS {
            put(&trap.folder, program, &trap.script(program));
            executable(&trap.folder.join(program));
        }
        let settings = trap.git_settings();
        for file in [".gitconfig", "gitconfig", ".config/git/config"] {
            put(&trap.folder, file, &settings);
        }
        put(&trap.folder, "gpg.conf", "agent-program /fake/gpg-agent\nallow-weak-digest-algos\n");
        put(&trap.folder, "template/hooks/post-checkout", &trap.script("template"));
        executable(&trap.folder.join("template/hooks/post-checkout"));
        trap
    }

    fn script(&self, name: &str) -> String {
        format!("#!/bin/sh\necho {name} >> {}\necho '[GNUPG:] GOODSIG 0 x' >&2\nexit 0\n", self.marker.display())
    }

    /// Settings of git that would run a program, or lead elsewhere.
    fn git_settings(&self) -> String {
        let fake = self.folder.display();
        format!(
            "[core]\n\tfsmonitor = {fake}/sh\n\thooksPath = {fake}\n\tsshCommand = {fake}/ssh\n\tpager = {fake}/sh\n\
             \teditor = {fake}/editor\n\talternateRefsCommand = {fake}/sh\n\tgitProxy = {fake}/sh\n\
             [gpg]\n\tprogram = {fake}/gpg\n[init]\n\ttemplateDir = {fake}/template\n[diff]\n\texternal = {fake}/sh\n\
             [credential]\n\thelper = {fake}/sh\n[uploadpack]\n\tpackObjectsHook = {fake}/sh\n\
             [filter \"x\"]\n\tsmudge = {fake}/sh\n\tclean = {fake}/sh\n\trequired = true\n\
             [diff \"x\"]\n\ttextconv = {fake}/sh\n[merge \"x\"]\n\tdriver = {fake}/sh\n\
             [url \"{fake}/elsewhere\"]\n\tinsteadOf = /\n[safe]\n\tdirectory = *\n"
        )
    }

    fn environment(&self) -> Vec<(String, String)> {
        let fake = self.folder.display().to_string();
        let at_fake = ["PATH", "HOME", "GNUPGHOME", "TMPDIR", "GIT_DIR", "GIT_OBJECT_DIRECTORY"];
        let at_fake = at_fake.into_iter().chain(["GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_EXEC_PATH", "GIT_WORK_TREE"]);
        let mut all: Vec<(String, String)> = at_fake.map(|name| (name.to_owned(), fake.clone())).collect();
        for name in ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG"] {
            all.push((name.into(), format!("{fake}/gitconfig")));
        }
        for name in ["GIT_SSH", "GIT_SSH_COMMAND", "GIT_ASKPASS", "GIT_EDITOR", "GIT_PAGER", "GIT_PROXY_COMMAND"] {
            all.push((name.into(), format!("{fake}/sh")));
        }
        let others = [
            ("GIT_CONFIG_COUNT", "x"),
            ("GIT_REPLACE_REF_BASE", "refs/tags/"),
            ("GIT_TRACE", "1"),
            ("GIT_SSL_NO_VERIFY", "1"),
            ("SSL_CERT_FILE", "/dev/null"),
            ("OPENSSL_CONF", "/dev/zero"),
            ("https_proxy", "http://127.0.0.1:1"),
            ("COSMOS_ROOT", "/nowhere"),
            ("COSMOS_UPDATE_VERIFY", ""),
            ("RUST_LOG", "trace"),
        ];
        all.extend(others.map(|(name, value)| (name.to_owned(), value.to_owned())));
        all
    }

    /// Runs the agent in the repository's own folder, with everything set.
    fn cosmos(&self, world: &World, words: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cosmos"));
        command.args(words).current_dir(world.repo()).env_clear().envs(self.environment());
        let output = command.output().expect("cosmos runs");
        Ran {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    fn assert_untouched(&self, what: &[&str], ran: &Ran) {
        let started = std::fs::read_to_string(&self.marker).unwrap_or_default();
        assert_eq!(started, "", "started by {what:?}: {ran:?}");
    }
}

/// Every command that looks at a repository or a host.
const COMMANDS: [(&[&str], i32); 9] = [
    (&["plan"], 0),
    (&["verify"], 0),
    (&["update"], 3),
    (&["run"], 3),
    (&["apply"], 0),
    (&["drift"], 0),
    (&["status"], 0),
    (&["log"], 0),
    (&["verify"], 3),
];

#[test]
fn a29_a_hostile_environment_and_git_configuration_change_nothing() {
    let settled = Settled::new();
    let trap = Trap::new(&settled.world);
    settled.world.write("global/overlay/etc/motd", "owned\n");
    let bad = settled.world.commit_unsigned("Owned");
    let before = Before::of(&settled.host);
    let root = settled.host.display().to_string();
    for (words, status) in COMMANDS {
        let ran = trap.cosmos(&settled.world, &[&["--root", &root], words].concat());
        assert_eq!(ran.status, status, "{words:?}: {ran:?}");
        trap.assert_untouched(words, &ran);
        before.assert_kept(&settled.host);
        if words == ["run"] {
            let refused = format!("error: revision {} of 'refs/heads/main' is refused: it carries no", &bad[..12]);
            assert!(ran.stderr.starts_with(&refused), "{ran:?}");
        }
    }
    settled.world.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    settled.world.write("global/overlay/etc/motd", "newer\n");
    settled.commit();
    let ran = trap.cosmos(&settled.world, &["--root", &root, "run"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (0, "~ etc/motd\n"), "a good revision arrives all the same: {ran:?}");
    trap.assert_untouched(&["run"], &ran);
}

/// Puts everything into a repository and its git folder that some program would run.
fn poison(world: &World, trap: &Trap) -> String {
    let hooks = ["pre-commit", "post-checkout", "post-merge", "reference-transaction", "post-index-change", "pre-push"];
    for task in ["global/pre-tasks.d/010owned", "global/post-tasks.d/010owned", "pre-tasks.d/010owned"] {
        world.write(task, &trap.script(task));
    }
    for file in ["bin/git", "git", "gpg", "cosmos", ".cosmos/run", "Makefile", ".envrc", ".githooks/post-checkout"] {
        world.write(file, &trap.script(file));
    }
    world.write(".gitattributes", "* filter=x diff=x merge=x\n");
    world.write(".gitmodules", "[submodule \"x\"]\n\tpath = x\n\turl = ext::sh -c exit\n\tupdate = !sh\n");
    let bad = world.commit_unsigned("Owned");
    for hook in hooks {
        put(&world.repo(), &format!(".git/hooks/{hook}"), &trap.script(hook));
        executable(&world.repo().join(".git/hooks").join(hook));
    }
    let config = read(&world.repo(), ".git/config");
    put(&world.repo(), ".git/config", &format!("{config}{}", trap.git_settings()));
    bad
}

#[test]
fn a52_no_command_runs_what_a_repository_holds_before_it_is_verified() {
    let settled = Settled::new();
    let trap = Trap::new(&settled.world);
    let bad = poison(&settled.world, &trap);
    let root = settled.host.display().to_string();
    let before = Before::of(&settled.host);
    for (words, status) in COMMANDS {
        let ran = trap.cosmos(&settled.world, &[&["--root", &root], words].concat());
        assert_eq!(ran.status, status, "{words:?}: {ran:?}");
        trap.assert_untouched(words, &ran);
        before.assert_kept(&settled.host);
    }
    let words = ["--root", &root, "verify", &bad];
    trap.assert_untouched(&words, &trap.cosmos(&settled.world, &words));
    // A new host that is told the good introduction takes what is good, and runs nothing at that.
    let fresh = settled.world.host("fresh");
    let clone = settled.world.clone_words(NAME, &settled.trust, &settled.ada);
    let root = fresh.display().to_string();
    let words: Vec<&str> = ["--root", &root].into_iter().chain(clone.iter().map(String::as_str)).collect();
    let ran = trap.cosmos(&settled.world, &words);
    assert_eq!(ran.status, 3, "{ran:?}");
    trap.assert_untouched(&words, &ran);
    for words in [["plan"], ["verify"]] {
        let ran = trap.cosmos(&settled.world, &[&["--root", &root], &words[..]].concat());
        trap.assert_untouched(&words, &ran);
    }
    assert!(!Path::new(&fresh).join("etc/motd").exists());
    // The trap is one: git itself falls into it.
    let git = Command::new("git").current_dir(settled.world.repo()).arg("status").output().expect("git runs");
    assert!(trap.marker.exists(), "{git:?}");
}

#[test]
fn a52_a_repository_is_begun_inside_a_hostile_one_without_running_any_of_it() {
    let settled = Settled::new();
    let trap = Trap::new(&settled.world);
    let certificate = settled.world.certificate(&settled.ada).display().to_string();
    poison(&settled.world, &trap);
    for (folder, status) in [("new", 0), (".", 2)] {
        let words = ["init", folder, "--fleet", "test", "--signer", &certificate];
        let ran = trap.cosmos(&settled.world, &words);
        assert_eq!(ran.status, status, "{ran:?}");
        trap.assert_untouched(&words, &ran);
    }
    assert!(!settled.world.repo().join("new/.git/hooks/post-checkout").exists(), "no template of others");
}

#[test]
fn a52_a_repositorys_signers_are_listed_and_edited_without_running_any_of_it() {
    let settled = Settled::new();
    let trap = Trap::new(&settled.world);
    let bob = settled.world.operator("bob", "ed25519");
    let certificate = settled.world.certificate(&bob).display().to_string();
    poison(&settled.world, &trap);
    let repository = settled.world.repo().display().to_string();
    for words in [&["list"][..], &["add", &certificate, "--name", "bob"], &["retire", &bob.fingerprint]] {
        let words = [&["signer", "--repository", &repository], words].concat();
        // The operator's own variables and programs are the operator's word; only the repository is hostile here.
        let ran = settled.world.cosmos(&words);
        assert_eq!(ran.status, 0, "{words:?}: {ran:?}");
        trap.assert_untouched(&words, &ran);
    }
    let words = ["trust", "init", &repository, "--signer", &certificate, "--dry-run", "-v"];
    let ran = settled.world.cosmos(&words);
    assert!(ran.stdout.contains("unsigned") || ran.stdout.contains("no signature"), "it judges: {ran:?}");
    trap.assert_untouched(&words, &ran);
}

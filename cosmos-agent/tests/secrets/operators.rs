//! Secrets in an operator's work tree: edited, shown, encrypted anew, and looked at by lint.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use cosmos_agent::secret::seal;

use crate::applied::{encrypting, host_cert};
use crate::support::{NAME, Operator, Ran, Settled, World, read};

/// The secret of these tests, as operators name it.
pub const PASSWORD: &str = "global/secrets/etc/app/password";

/// Returns a fleet whose only operator reads secrets by gpg, and whose host is enrolled.
fn fleet() -> Settled {
    let world = World::new();
    let ada = encrypting(&world, "ada");
    let settled = Settled::with(world, ada);
    enrol(&settled, NAME, &settled.host);
    settled
}

fn enrol(settled: &Settled, name: &str, host: &Path) {
    let file = settled.world.path("host.asc");
    fs::write(&file, settled.world.on(host, &["host", "key"]).stdout).expect("a file");
    let added = by(settled, &settled.ada, "true", &["host", "add", name, "--key", file.to_str().expect("a path")]);
    assert_eq!(added.status, 0, "{added:?}");
    settled.commit();
}

/// Runs a command in the clone as an operator whose editor is a shell script; `$1` is the file.
fn by(settled: &Settled, operator: &Operator, editor: &str, words: &[&str]) -> Ran {
    let script = settled.world.path("editor");
    fs::write(&script, format!("#!/bin/sh\n{editor}\n")).expect("a file");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("a mode");
    let mut command = Command::new(env!("CARGO_BIN_EXE_cosmos"));
    command.args(words).arg("--repository").arg(settled.world.repo());
    command.env("GNUPGHOME", &operator.home).env("EDITOR", &script).env_remove("VISUAL").env("LANG", "C.UTF-8");
    settled.world.run(&mut command)
}

/// Edits a secret as the first operator.
pub fn edit(settled: &Settled, editor: &str, path: &str) -> Ran {
    by(settled, &settled.ada, editor, &["secret", "edit", path])
}

fn lint(settled: &Settled) -> String {
    by(settled, &settled.ada, "true", &["lint"]).stdout
}

#[test]
fn a_secret_is_edited_in_memory_and_reaches_the_host() {
    let settled = fleet();
    let seen = settled.world.path("seen");
    let editor =
        format!("ls -ld \"$PWD\" \"$1\" >{0}; stat -f -c %T \"$1\" >>{0}; echo marker >\"$1\"", seen.display());
    edit(&settled, &editor, PASSWORD).prints(&format!(
        "changed {PASSWORD}\n    for {NAME}\n    for ada\nNext:\n    git add -- {PASSWORD}\n    \
         git commit --gpg-sign -m 'Change {PASSWORD}'\n    cosmos release\n"
    ));
    let seen = fs::read_to_string(seen).expect("what the editor saw");
    let modes: Vec<&str> = seen.lines().map(|line| line.split(' ').next().unwrap_or_default()).collect();
    assert_eq!(modes, ["drwx------", "-rw-------", "tmpfs"]);
    let folder = seen.lines().next().and_then(|line| line.rsplit(' ').next()).expect("a folder");
    assert!(!Path::new(folder).exists(), "it is gone");
    assert!(read(&settled.world.repo(), PASSWORD).starts_with("-----BEGIN PGP MESSAGE-----\n"));

    settled.commit();
    settled.run().prints("+ etc/app/\n+ etc/app/password\n");
    assert_eq!(read(&settled.host, "etc/app/password"), "marker\n");
    by(&settled, &settled.ada, "true", &["secret", "show", PASSWORD]).prints("marker\n");
    edit(&settled, "grep -q marker \"$1\"", PASSWORD).prints("nothing was written\n");
    assert_eq!(lint(&settled), "");
}

#[test]
fn an_editor_that_fails_and_somebody_who_cannot_read_it_change_nothing() {
    let settled = fleet();
    edit(&settled, "echo marker >\"$1\"", PASSWORD);
    let before = read(&settled.world.repo(), PASSWORD);
    edit(&settled, "echo other >\"$1\"; exit 3", PASSWORD)
        .complains(1, "error: '[world]/editor' ended with status 3\nhint: nothing was written; end the editor well\n");
    let eve = encrypting(&settled.world, "eve");
    let refused = by(&settled, &eve, "echo x >\"$1\"", &["secret", "edit", PASSWORD]);
    assert!(refused.stderr.starts_with(&format!("error: {PASSWORD}: gpg cannot open it: ")), "{refused:?}");
    assert_eq!((refused.status, refused.stderr.lines().count()), (1, 2));
    by(&settled, &settled.ada, "true", &["secret", "edit", "global/overlay/etc/motd"]).complains(
        2,
        "error: 'global/overlay/etc/motd' is no path of a secret\n\
         hint: as the repository has it: global/secrets/etc/app/password\n",
    );
    assert_eq!(read(&settled.world.repo(), PASSWORD), before);
    let inside = settled.world.repo().join("editor");
    fs::copy("/bin/true", &inside).expect("a program");
    let mut command = Command::new(env!("CARGO_BIN_EXE_cosmos"));
    command.args(["secret", "edit", PASSWORD, "--repository"]).arg(settled.world.repo());
    command.env("GNUPGHOME", &settled.ada.home).env("VISUAL", inside);
    let ran = settled.world.run(&mut command);
    assert!(ran.stderr.contains("lies in the repository and is not executed"), "{ran:?}");
}

#[test]
fn a_host_that_comes_is_let_in_by_rekey_and_what_one_that_leaves_could_read_is_named() {
    let settled = fleet();
    edit(&settled, "echo marker >\"$1\"", PASSWORD);
    settled.commit();
    settled.run().prints("+ etc/app/\n+ etc/app/password\n");
    by(&settled, &settled.ada, "true", &["secret", "rekey"]).prints("nothing to change\n");

    let other = settled.world.clone_host("ns2.example.org", &settled.trust, &settled.ada);
    enrol(&settled, "ns2.example.org", &other);
    assert_eq!(
        lint(&settled),
        format!(
            "secret-recipients\n    {PASSWORD}: not encrypted to ns2.example.org\n        \
             cosmos secret rekey; what somebody left with has to be changed at its source\n"
        )
    );
    by(&settled, &settled.ada, "true", &["secret", "rekey"]).prints(&format!(
        "changed {PASSWORD}\n    now for ns2.example.org\nNext:\n    git add -- {PASSWORD}\n    \
         git commit --gpg-sign -m 'Encrypt secrets anew'\n    cosmos release\n"
    ));
    settled.commit();
    let ran = settled.world.on(&other, &["run"]);
    assert_eq!((ran.status, read(&other, "etc/app/password").as_str()), (0, "marker\n"), "{ran:?}");

    by(&settled, &settled.ada, "true", &["host", "retire", "ns2.example.org", "--why", "sold"]);
    assert!(lint(&settled).contains("encrypted to ns2.example.org, who should not read it\n"));
    let rekeyed = by(&settled, &settled.ada, "true", &["secret", "rekey", PASSWORD]);
    assert!(
        rekeyed.stdout.starts_with(&format!(
            "changed {PASSWORD}\n    no more for ns2.example.org\n\
             Who left may have kept these, and git has their old form: change them at their source\n    \
             cosmos secret edit {PASSWORD}\n"
        )),
        "{rekeyed:?}"
    );
    assert_eq!(lint(&settled), "");
    // The host that stays writes nothing: the text is the same.
    settled.commit();
    settled.run().prints("");
}

#[test]
fn lint_finds_what_stands_in_the_clear_and_paths_that_two_layers_want() {
    let settled = fleet();
    let key = "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n-----END OPENSSH PRIVATE KEY-----\n";
    settled.world.write("global/overlay/etc/ssh/ssh_host_key", &format!("# a key\n{key}"));
    settled.world.write("global/overlay/etc/shadow", "root:$6$salt$hash:20000:0:99999:7:::\n");
    settled.world.write("global/overlay/etc/motd", "PrivateKey = no key at all\n");
    settled.world.write("global/secrets/etc/plain", "not encrypted\n");
    let sealed = seal(b"marker\n", &[host_cert(&settled)]).expect("a message");
    settled.world.write("models/app/secrets/etc/motd", &sealed);
    settled.world.write(&format!("hosts/{NAME}/layer.toml"), "use = ['app']\n");
    let found = lint(&settled);
    let hint = "cosmos secret edit, in the layer's secrets/; it was in git: make a new one";
    let clear = format!(
        "secret-in-clear\n    global/secrets/etc/plain: this is no message encrypted by OpenPGP\n        \
         encrypt it: cosmos secret edit PATH\n    \
         global/overlay/etc/shadow:1: a hashed password in the clear\n        {hint}\n    \
         global/overlay/etc/ssh/ssh_host_key:2: a private key in the clear\n        {hint}\n"
    );
    assert!(found.contains(&clear), "{found}");
    let twice = "secret-path\n    models/app/secrets/etc/motd: 'global/overlay/etc/motd' is for the same path\n";
    assert!(found.contains(twice), "{found}");
    assert!(found.contains("models/app/secrets/etc/motd: not encrypted to ada\n"), "{found}");
    settled.world.remove(&format!("hosts/{NAME}/host.pub"));
    assert!(lint(&settled).contains(&format!("    {NAME}: this host uses layers with secrets and has no key")));
}

#[test]
fn a_key_file_reads_where_there_is_no_gpg() {
    let settled = fleet();
    edit(&settled, "echo marker >\"$1\"", PASSWORD);
    let words = ["--batch", "--pinentry-mode", "loopback", "--passphrase", "", "--export-secret-keys"];
    let key = settled.world.path("ada.key");
    fs::write(&key, settled.world.gpg_with_input(&settled.ada, words, b"")).expect("a key");
    let mut command = Command::new(env!("CARGO_BIN_EXE_cosmos"));
    command.args(["secret", "show", PASSWORD, "--key"]).arg(&key).arg("--repository").arg(settled.world.repo());
    settled.world.run(command.env("PATH", "/nowhere")).prints("marker\n");
}

#[test]
fn who_retires_a_signer_is_told_what_that_one_could_read() {
    let settled = fleet();
    edit(&settled, "echo marker >\"$1\"", PASSWORD);
    let bob = encrypting(&settled.world, "bob");
    let file = settled.world.certificate(&bob).display().to_string();
    assert_eq!(by(&settled, &settled.ada, "true", &["signer", "add", &file]).status, 0);
    assert!(lint(&settled).contains(&format!("{PASSWORD}: not encrypted to bob\n")));
    by(&settled, &settled.ada, "true", &["secret", "rekey"]);
    by(&settled, &bob, "true", &["secret", "show", PASSWORD]).prints("marker\n");
    let retired = by(&settled, &settled.ada, "true", &["signer", "retire", "bob"]);
    let told = format!(
        "warning: {} can read '{PASSWORD}': cosmos secret rekey, and change it at its source\n",
        bob.fingerprint
    );
    assert_eq!((retired.status, retired.stderr), (0, told));
    let rekeyed = by(&settled, &settled.ada, "true", &["secret", "rekey"]);
    let key = by(&settled, &settled.ada, "true", &["secret", "rekey"]);
    assert!(rekeyed.stdout.contains("    no more for key ") && key.stdout == "nothing to change\n", "{rekeyed:?}");
    assert_eq!(by(&settled, &bob, "true", &["secret", "show", PASSWORD]).status, 1);
}

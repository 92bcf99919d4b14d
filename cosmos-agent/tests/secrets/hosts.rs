//! A host's key: made on the host, shown by it, enrolled in the repository, retired there.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::applied::encrypting;
use crate::operators::{PASSWORD, edit};
use crate::support::{NAME, Ran, Settled, World, put, read};

const KEY: &str = "var/lib/cosmos/host.key";

/// Runs a verb of `host` in the operators' clone.
fn host(settled: &Settled, words: &[&str]) -> Ran {
    let repository = settled.world.repo();
    settled.world.cosmos(&[&["host"], words, &["--repository", repository.to_str().expect("a path")]].concat())
}

/// Lets the host print its key into a file, and returns the file's path and the key's fingerprint, as gpg reads it.
fn exported(settled: &Settled) -> (String, String) {
    let printed = settled.world.on(&settled.host, &["host", "key"]);
    assert_eq!((printed.status, printed.stderr.as_str()), (0, ""), "{printed:?}");
    let file = settled.world.path("host.asc");
    fs::write(&file, &printed.stdout).expect("a file");
    let mut gpg = std::process::Command::new("gpg");
    gpg.arg("--homedir").arg(&settled.ada.home).args(["--quiet", "--show-keys", "--with-colons"]).arg(&file);
    let shown = settled.world.run(&mut gpg);
    let fingerprint = shown.stdout.lines().find_map(|line| line.strip_prefix("fpr:::::::::")).expect("a fingerprint");
    (file.display().to_string(), fingerprint.trim_end_matches(':').to_owned())
}

#[test]
fn clone_makes_a_key_that_only_its_owner_reads_and_a_run_makes_one_that_is_missing() {
    let settled = Settled::new();
    let mode = |path: &str| fs::metadata(settled.host.join(path)).expect("a key").permissions().mode() & 0o7777;
    assert_eq!(mode(KEY), 0o600);
    let first = read(&settled.host, KEY);
    assert!(first.starts_with("-----BEGIN PGP PRIVATE KEY BLOCK-----\n"));
    settled.run().prints("");
    assert_eq!(read(&settled.host, KEY), first, "a key that is there stays");

    fs::remove_file(settled.host.join(KEY)).expect("a key");
    settled.world.on(&settled.host, &["run", "-n"]);
    assert!(!settled.host.join(KEY).exists(), "a dry run makes none");
    settled
        .world
        .on(&settled.host, &["host", "key"])
        .complains(2, "error: this host has no key\nhint: 'cosmos clone' makes one, and so does 'cosmos run'\n");
    settled.run().prints("");
    assert_ne!(read(&settled.host, KEY), first);
    assert_eq!(mode(KEY), 0o600);
}

#[test]
fn what_a_host_prints_is_its_public_part_and_gpg_reads_it() {
    let settled = Settled::new();
    let (file, fingerprint) = exported(&settled);
    assert!(fs::read_to_string(&file).expect("a file").starts_with("-----BEGIN PGP PUBLIC KEY BLOCK-----\n"));
    let json = settled.world.on(&settled.host, &["host", "key", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(document["host"]["fingerprint"], fingerprint);
}

#[test]
fn a_key_that_others_could_read_is_no_key_and_one_that_is_damaged_neither() {
    let settled = Settled::new();
    fs::set_permissions(settled.host.join(KEY), fs::Permissions::from_mode(0o640)).expect("a key");
    let open = settled.world.on(&settled.host, &["host", "key"]);
    assert_eq!(open.status, 1);
    assert!(open.stderr.starts_with("error: '/var/lib/cosmos/host.key' is not its owner's alone: mode 640, owner "));
    assert!(
        open.stderr
            .ends_with("\nhint: chmod 600 it, or remove it if others may have read it: the next run makes a new one\n")
    );
    put(&settled.host, KEY, "no key\n");
    fs::set_permissions(settled.host.join(KEY), fs::Permissions::from_mode(0o600)).expect("a key");
    let damaged = settled.world.on(&settled.host, &["host", "key"]);
    assert!(damaged.stderr.starts_with("error: '/var/lib/cosmos/host.key' holds no OpenPGP key that decrypts: "));
    assert_eq!((damaged.status, damaged.stderr.lines().count()), (1, 2), "{damaged:?}");
}

#[test]
fn a_host_is_added_listed_and_retired_in_files_that_the_host_obeys() {
    let settled = Settled::new();
    let (file, fingerprint) = exported(&settled);
    let added = host(&settled, &["add", NAME, "--key", &file]);
    added.prints(&format!(
        "it is the first host with a layer: all other hosts apply nothing until they have one\n\
         where all hosts are alike, 'cosmos host add --no-layer' keeps the key alone\n\
         {NAME} reads secrets with the key {fingerprint}\nchanged hosts/{NAME}/layer.toml\nchanged hosts/{NAME}/host.pub\n\
         Next:\n    git add -- hosts/{NAME}/layer.toml hosts/{NAME}/host.pub\n    git commit --gpg-sign -m 'Add {NAME}'\n    \
         cosmos release\n"
    ));
    host(&settled, &["add", NAME, "--key", &file])
        .prints(&format!("{NAME} reads secrets with the key {fingerprint}\nnothing to change\n"));
    host(&settled, &["list"]).prints(&format!("{NAME}  {fingerprint}\n    hosts/{NAME}, global, .\n"));
    settled.commit();
    settled.run().prints("");

    host(&settled, &["retire", NAME, "--why", "sold"]);
    let layer = settled.world.repo().join(format!("hosts/{NAME}/layer.toml"));
    let text = fs::read_to_string(layer).expect("a layer");
    assert!(text.contains("\nretired = \"20") && text.contains(" sold\"\n") && text.contains("use = []\n"), "{text}");
    assert!(host(&settled, &["list"]).stdout.contains("\n    retired 20"));
    settled.commit();
    assert!(settled.run().stdout.contains("this host is retired: 20"));
    host(&settled, &["retire", NAME, "--why", "again"]).complains(
        2,
        &format!("error: {NAME} is retired already\nhint: remove 'retired' from its layer to have it back\n"),
    );
}

#[test]
fn a_host_without_a_key_is_said_to_get_no_secrets_and_what_is_no_key_is_not_taken() {
    let settled = Settled::new();
    let added = host(&settled, &["add", "ns2.example.org"]);
    assert!(added.stdout.contains("\nwithout a key ns2.example.org gets no secrets; on the host: cosmos host key"));
    host(&settled, &["list"])
        .prints("ns2.example.org  no key: it gets no secrets\n    hosts/ns2.example.org, global, .\n");
    let signs_only = settled.world.certificate(&settled.ada);
    host(&settled, &["add", NAME, "--key", &signs_only.display().to_string()]).complains(
        2,
        "error: '[world]/ada.asc' holds no key of a host: nothing can be encrypted to it now\n\
         hint: on the host: cosmos host key > host.pub\n",
    );
    host(&settled, &["retire", NAME, "--why", "x"]).complains(
        2,
        &format!("error: there is no 'hosts/{NAME}/layer.toml'\nhint: 'cosmos host list' shows the hosts of this repository\n"),
    );
    assert!(!settled.world.repo().join(format!("hosts/{NAME}")).exists());
}

#[test]
fn where_no_host_has_a_layer_keys_lie_apart_and_the_hosts_stay_as_they_are() {
    let world = World::new();
    let ada = encrypting(&world, "ada");
    let settled = Settled::with(world, ada);
    let (file, fingerprint) = exported(&settled);
    let other = settled.world.clone_host("ns2.example.org", &settled.trust, &settled.ada);
    host(&settled, &["add", NAME, "--key", &file, "--no-layer"]).prints(&format!(
        "{NAME} reads secrets with the key {fingerprint}\nchanged host-keys/{NAME}.pub\n\
         Next:\n    git add -- host-keys/{NAME}.pub\n    git commit --gpg-sign -m 'Add {NAME}'\n    cosmos release\n"
    ));
    host(&settled, &["list"]).prints(&format!("{NAME}  {fingerprint}\n    global, .\n"));
    edit(&settled, "echo marker >\"$1\"", PASSWORD)
        .prints(&format!("changed {PASSWORD}\n    for {NAME}\n    for ada\nNext:\n    git add -- {PASSWORD}\n    git commit --gpg-sign -m 'Change {PASSWORD}'\n    cosmos release\n"));
    settled.commit();
    settled.run().prints("+ etc/app/\n+ etc/app/password\n");
    // The other one has no key yet, and says so; without the secret it goes on as before.
    let ran = settled.world.on(&other, &["run"]);
    assert!(ran.stderr.contains("this is not encrypted to the key of this host"), "{ran:?}");

    host(&settled, &["retire", NAME, "--why", "sold"]).prints(&format!(
        "{NAME} has no key any more; it has no layer, and applies what every host does\n\
         it may have kept the secrets it could read: 'cosmos secret rekey' names those to change at their source\n\
         changed host-keys/{NAME}.pub\nNext:\n    git add -- host-keys/{NAME}.pub\n    \
         git commit --gpg-sign -m 'Take the key of {NAME} away: sold'\n    cosmos release\n"
    ));
    host(&settled, &["list"]).prints("");
    settled.world.write("hosts/ns2.example.org/layer.toml", "use = []\n");
    host(&settled, &["add", NAME, "--key", &file, "--no-layer"]).complains(
        2,
        "error: hosts have layers of their own here, ns2.example.org for one\n\
         hint: leave out --no-layer: without a layer this host applies nothing\n",
    );
}

#[test]
fn a_layer_at_the_top_as_classic_repositories_have_it_keeps_its_place() {
    let settled = Settled::new();
    let (file, _) = exported(&settled);
    settled.world.write(&format!("{NAME}/overlay/etc/issue"), "mine\n");
    let added = host(&settled, &["add", NAME, "--key", &file]);
    assert!(added.stdout.contains(&format!("changed {NAME}/layer.toml\nchanged {NAME}/host.pub\n")), "{added:?}");
    settled.commit();
    settled.run().prints("+ etc/issue\n");
}

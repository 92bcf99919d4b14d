//! `secrets/PATH` in a layer becomes PATH on the host, and its content shows nowhere.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use cosmos_agent::secret::seal;
use openpgp::Cert;
use openpgp::parse::Parse as _;
use sequoia_openpgp as openpgp;

use crate::support::{NAME, Operator, Settled, World, put, read};

/// Returns the host's certificate as it prints it.
pub fn host_cert(settled: &Settled) -> Cert {
    let printed = settled.world.on(&settled.host, &["host", "key"]);
    Cert::from_bytes(&printed.stdout).expect("a certificate")
}

/// Encrypts as gpg does, to the certificate in a file.
fn by_gpg(world: &World, home: &Path, recipient: &Path, text: &[u8]) -> Vec<u8> {
    let (plain, sealed) = (world.path("plain"), world.path("sealed"));
    fs::write(&plain, text).expect("a file");
    let mut gpg = std::process::Command::new("gpg");
    gpg.arg("--homedir").arg(home).args(["--quiet", "--batch", "--yes", "--trust-model", "always"]);
    gpg.arg("--recipient-file").arg(recipient).arg("--output").arg(&sealed).arg("--encrypt").arg(&plain);
    let ran = world.run(&mut gpg);
    assert_eq!(ran.status, 0, "{ran:?}");
    fs::read(sealed).expect("a message")
}

fn gpg_sealed(settled: &Settled, text: &[u8]) -> Vec<u8> {
    let file = settled.world.path("host.asc");
    fs::write(&file, settled.world.on(&settled.host, &["host", "key"]).stdout).expect("a file");
    by_gpg(&settled.world, &settled.ada.home, &file, text)
}

fn write(settled: &Settled, path: &str, bytes: &[u8]) {
    settled.world.write(path, "");
    fs::write(settled.world.repo().join(path), bytes).expect("a file");
}

fn mode(settled: &Settled, path: &str) -> u32 {
    fs::metadata(settled.host.join(path)).expect("a file").permissions().mode() & 0o7777
}

#[test]
fn what_gpg_encrypted_to_the_host_is_its_file_and_a_run_without_news_does_not_decrypt() {
    let settled = Settled::new();
    // Long and alike, so that gpg compresses it.
    let text = "the same words again\n".repeat(200);
    write(&settled, "global/secrets/etc/app/password", &gpg_sealed(&settled, text.as_bytes()));
    write(&settled, "global/secrets/etc/shared", &gpg_sealed(&settled, b"for a group\n"));
    settled.world.write("global/layer.toml", "[files.\"etc/shared\"]\nmode = \"0640\"\n");
    settled.commit();
    settled.run().prints("+ etc/app/\n+ etc/app/password\n+ etc/shared\n");
    assert_eq!(read(&settled.host, "etc/app/password"), text);
    assert_eq!((mode(&settled, "etc/app/password"), mode(&settled, "etc/shared")), (0o600, 0o640));

    // Neither that, nor a release that leaves the secrets alone, needs the key.
    put(&settled.host, "var/lib/cosmos/host.key", "no key\n");
    settled.run().prints("");
    settled.world.write("global/layer.toml", "[files.\"etc/shared\"]\nmode = \"0600\"\n");
    settled.commit();
    assert!(settled.run().stdout.starts_with("@ etc/shared  mode 0600 owner "));
}

#[test]
fn a_secret_that_changed_is_written_and_neither_plan_nor_backup_has_it() {
    let settled = Settled::new();
    let cert = [host_cert(&settled)];
    put(&settled.host, "etc/token", "found-before\n");
    write(&settled, "global/secrets/etc/token", seal(b"old-marker\n", &cert).expect("a message").as_bytes());
    settled.commit();
    settled.run().prints("~ etc/token\n");
    write(&settled, "global/secrets/etc/token", seal(b"new-marker\n", &cert).expect("a message").as_bytes());
    settled.commit();
    settled.world.on(&settled.host, &["update"]);
    settled.world.on(&settled.host, &["plan"]).prints("~ etc/token\n");
    let json = settled.world.on(&settled.host, &["plan", "--json"]);
    assert!(json.stdout.contains("\"secret\":true"), "{json:?}");
    settled.run().prints("~ etc/token\n");
    assert_eq!(read(&settled.host, "etc/token"), "new-marker\n");

    fs::write(settled.host.join("etc/token"), "new-marker\nand a word\n").expect("an edit");
    settled.run().prints("~ etc/token  drift repaired\n");
    assert_eq!(read(&settled.host, "etc/token"), "new-marker\n");
    let kept = fs::read_dir(settled.host.join("var/lib/cosmos/backup")).map_or(0, Iterator::count);
    assert_eq!(kept, 0, "no version of it was kept");

    // Also on its way out, as a plain file.
    settled.world.remove("global/secrets/etc/token");
    settled.world.write("global/overlay/etc/token", "for all\n");
    settled.commit();
    settled.world.on(&settled.host, &["update"]);
    settled.world.on(&settled.host, &["plan"]).prints("~ etc/token\n");
    settled.run().prints("~ etc/token\n");
    assert_eq!(mode(&settled, "etc/token"), 0o644);
    settled.world.write("global/overlay/etc/token", "for everybody\n");
    settled.commit();
    settled.world.on(&settled.host, &["update"]);
    assert!(settled.world.on(&settled.host, &["plan"]).stdout.contains("+for everybody"), "it is a secret no more");
}

#[test]
fn the_blob_of_a_secret_means_its_bytes_where_a_layer_has_it_as_a_plain_file() {
    let settled = Settled::new();
    let sealed = seal(b"marker\n", &[host_cert(&settled)]).expect("a message");
    write(&settled, "global/secrets/etc/open", sealed.as_bytes());
    settled.commit();
    settled.run().prints("+ etc/open\n");
    write(&settled, "global/overlay/etc/closed", sealed.as_bytes());
    settled.commit();
    settled.run().prints("+ etc/closed\n");
    assert_eq!((read(&settled.host, "etc/open"), read(&settled.host, "etc/closed")), ("marker\n".to_owned(), sealed));
}

#[test]
fn a_layer_that_wins_a_path_wins_it_from_a_secret_too_and_one_layer_cannot_have_both() {
    let settled = Settled::new();
    let sealed = seal(b"marker\n", &[host_cert(&settled)]).expect("a message");
    write(&settled, "global/secrets/etc/motd", sealed.as_bytes());
    settled.commit();
    let both = settled.run();
    both.complains(
        1,
        "error: global/secrets/etc/motd: this layer has 'global/overlay/etc/motd', too\n\
         hint: remove one of the two; what was applied before stays enforced until then\n",
    );
    write(&settled, &format!("hosts/{NAME}/secrets/etc/motd"), sealed.as_bytes());
    settled.world.remove("global/secrets/etc/motd");
    settled.commit();
    settled.run().prints("~ etc/motd\n");
    assert_eq!((read(&settled.host, "etc/motd"), mode(&settled, "etc/motd")), ("marker\n".to_owned(), 0o600));
}

#[test]
fn what_cannot_be_read_is_said_in_two_lines_and_touches_nothing() {
    let settled = Settled::new();
    let cert = [host_cert(&settled)];
    let stranger =
        Cert::from_bytes(&fs::read(settled.world.certificate(&encrypting(&settled.world, "bob"))).expect("a file"));
    let foreign = seal(b"marker\n", &[stranger.expect("a certificate")]).expect("a message");
    let good = gpg_sealed(&settled, b"marker\n");
    let bomb = gpg_sealed(&settled, &vec![b'0'; 200 << 20]);
    assert!(bomb.len() < 1 << 20, "gpg packed it into {} bytes", bomb.len());
    let large = seal(&vec![b'0'; (1 << 20) + 1], &cert).expect("a message");
    let cases: [(&str, &[u8], &str, &str); 6] = [
        ("in the clear", b"marker\n", "this is no message encrypted by OpenPGP", "encrypt it: cosmos secret edit PATH"),
        (
            "for another",
            foreign.as_bytes(),
            "this is not encrypted to the key of this host",
            "'cosmos host list' shows whether the repository has this host's key; then 'cosmos secret rekey', and release",
        ),
        (
            "cut off",
            &good[..good.len() - 1],
            "this encrypted message is cut off or damaged: ",
            "encrypt it anew: cosmos secret edit PATH",
        ),
        (
            "a bomb",
            &bomb,
            "what is encrypted here is more than 1048576 bytes",
            "put what is large into overlay/, encrypted by a key that is the secret",
        ),
        (
            "too large",
            large.as_bytes(),
            "what is encrypted here is more than 1048576 bytes",
            "put what is large into overlay/, encrypted by a key that is the secret",
        ),
        ("nothing", b"", "this is no message encrypted by OpenPGP", "encrypt it: cosmos secret edit PATH"),
    ];
    for (what, bytes, error, hint) in cases {
        write(&settled, "global/secrets/etc/token", bytes);
        settled.commit();
        let before = crate::support::kept(&settled.host);
        let ran = settled.run();
        let lines: Vec<&str> = ran.stderr.lines().collect();
        assert!(lines[0].starts_with(&format!("error: global/secrets/etc/token: {error}")), "{what}: {ran:?}");
        assert_eq!(lines[1..], [format!("hint: {hint}; what was applied before stays enforced until then")], "{what}");
        assert_eq!((ran.status, crate::support::kept(&settled.host)), (1, before), "{what}");
    }
}

/// Makes somebody whom things can be encrypted to.
pub fn encrypting(world: &World, name: &str) -> Operator {
    let operator = world.operator(name, "ed25519");
    let mut gpg = std::process::Command::new("gpg");
    gpg.arg("--homedir").arg(&operator.home).args(["--batch", "--quiet", "--passphrase", "", "--quick-add-key"]);
    gpg.arg(&operator.fingerprint).args(["cv25519", "encr", "never"]);
    assert_eq!(world.run(&mut gpg).status, 0);
    operator
}

#[test]
fn a_host_without_a_key_or_with_a_new_one_says_so() {
    let settled = Settled::new();
    let sealed = seal(b"marker\n", &[host_cert(&settled)]).expect("a message");
    write(&settled, "global/secrets/etc/token", sealed.as_bytes());
    settled.commit();
    settled.world.on(&settled.host, &["update"]);
    fs::remove_file(settled.host.join("var/lib/cosmos/host.key")).expect("a key");
    settled.world.on(&settled.host, &["apply"]).complains(
        1,
        "error: global/secrets/etc/token: this host has no key to read it with\n\
         hint: 'cosmos run' makes one; enrol it: cosmos host add; what was applied before stays enforced until then\n",
    );
    let ran = settled.run();
    assert!(ran.stderr.starts_with("error: global/secrets/etc/token: this is not encrypted to the key of this host\n"));
}

#[test]
fn a_retired_host_loses_its_secrets() {
    let settled = Settled::new();
    let sealed = seal(b"marker\n", &[host_cert(&settled)]).expect("a message");
    write(&settled, "global/secrets/etc/token", sealed.as_bytes());
    settled.world.write(&format!("hosts/{NAME}/layer.toml"), "use = []\n");
    settled.commit();
    settled.run().prints("+ etc/token\n");
    settled.world.write(&format!("hosts/{NAME}/layer.toml"), "retired = '2026-01-10 sold'\n");
    settled.commit();
    settled.run().prints("- etc/token  no longer in the model\nthis host is retired: 2026-01-10 sold\n");
    assert!(!settled.host.join("etc/token").exists());
}

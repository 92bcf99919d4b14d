//! docs/operators.md, literally: every command of the page, each by whoever the page says.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

const PAGE: &str = include_str!("../../../docs/operators.md");

/// Returns the shell blocks of the page with whose they are.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut blocks: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        if let Some(who) = line.strip_prefix("```sh ") {
            blocks.push((who.to_owned(), String::new()));
            inside = true;
        } else if line.starts_with("```") {
            inside = false;
        } else if inside {
            let block = blocks.last_mut().expect("a fence came before");
            block.1 += &format!("{line}\n");
        }
    }
    blocks
}

fn shell(world: &Path, who: &str, script: &str) -> Output {
    let home = world.join(who);
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", home.join("bin").display());
    let mut command = Command::new("sh");
    command.args(["-eux", "-c", script]).current_dir(&home).env_clear();
    command.env("PATH", path).env("HOME", &home).env("LANG", "C.UTF-8").env("GIT_CONFIG_SYSTEM", "/dev/null");
    command
        .env("EDITOR", home.join("bin/editor"))
        .env("SERVER", world.join("server.git"))
        .env("MAIL", world.join("mail"))
        .output()
        .expect("a shell")
}

/// Gives somebody a home, and a key that needs no passphrase; the host gets a root of its own.
fn move_in(world: &Path, who: &str) {
    let home = world.join(who);
    fs::create_dir_all(home.join("bin")).expect("a folder");
    let cosmos = env!("CARGO_BIN_EXE_cosmos");
    let root = if who == "host" { format!(" --root {}", home.join("root").display()) } else { String::new() };
    fs::create_dir_all(home.join("root/etc")).expect("a folder");
    fs::write(home.join("bin/cosmos"), format!("#!/bin/sh\nexec {cosmos} \"$@\"{root}\n")).expect("a file");
    fs::set_permissions(home.join("bin/cosmos"), fs::Permissions::from_mode(0o755)).expect("a mode");
    if who == "host" {
        return;
    }
    fs::write(home.join("bin/editor"), "#!/bin/sh\necho 'one more word' >> \"$1\"\n").expect("a file");
    fs::set_permissions(home.join("bin/editor"), fs::Permissions::from_mode(0o755)).expect("a mode");
    fs::create_dir(home.join(".gnupg")).expect("a folder");
    fs::set_permissions(home.join(".gnupg"), fs::Permissions::from_mode(0o700)).expect("a mode");
    fs::write(home.join(".gnupg/gpg.conf"), "batch\npinentry-mode loopback\npassphrase \"\"\n").expect("a file");
    let script = format!(
        "gpg --quick-generate-key '{who} <{who}@example.org>' ed25519 sign 1y\n\
         git config --global user.name {who}\ngit config --global user.email {who}@example.org\n\
         git config --global user.signingKey \
         \"$(gpg --with-colons --list-keys | awk -F: '$1 == \"fpr\" {{ print $10; exit }}')\"\n"
    );
    let made = shell(world, who, &script);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[test]
fn every_command_of_the_operators_page_works_as_it_stands() {
    let world = tempfile::Builder::new().prefix("cosmos-").tempdir().unwrap();
    let world = world.path();
    ["ada", "bob", "kim", "host"].iter().for_each(|who| move_in(world, who));
    fs::create_dir(world.join("mail")).unwrap();
    shell(world, "ada", "git init --quiet --bare --initial-branch=main \"$SERVER\"");
    let mut failed = None;
    let blocks = blocks(PAGE);
    for (who, script) in &blocks {
        let ran = shell(world, who, script);
        if !ran.status.success() {
            let said = [ran.stdout, ran.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
            failed = Some(format!("{who}:\n{said}"));
            break;
        }
    }
    for who in ["ada", "bob", "kim"] {
        shell(world, who, "gpgconf --kill all");
    }
    assert_eq!(failed, None);
    assert!(blocks.len() > 15, "{} blocks", blocks.len());
    let on_host = |path: &str| fs::read_to_string(world.join("host/root").join(path)).unwrap();
    assert_eq!(
        (on_host("etc/motd"), on_host("etc/app/password")),
        ("Something new.\n".into(), "one more word\n".into())
    );
    let kim = shell(world, "kim", "cd fleet && git pull --quiet && cosmos secret show global/secrets/etc/app/password");
    assert_eq!(String::from_utf8_lossy(&kim.stdout), "one more word\none more word\n");
    let last = shell(world, "host", "cosmos run");
    let said = String::from_utf8_lossy(&last.stdout).into_owned();
    assert!(said.starts_with("- etc/app/password  no longer in the model\n") && said.contains("retired"), "{said}");
    shell(world, "kim", "gpgconf --kill all");
}

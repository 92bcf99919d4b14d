//! `cosmos push` over a real sshd on loopback, where one is installed: hosts judge what they are sent like anything
//! else.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use support::port::{free_port, wait_for};
use support::{NAME, Ran, Settled, World, executable, read};

/// An sshd that lets the operator in, and a PATH with an ssh that finds it by the hosts' names.
struct Ssh {
    daemon: Child,
    path: String,
}

impl Drop for Ssh {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

fn installed(name: &str) -> Option<PathBuf> {
    let folders = ["/usr/sbin", "/usr/bin"];
    let found = folders.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.exists());
    if found.is_none() {
        println!("skipped: {name} is not installed");
    }
    found
}

impl Ssh {
    /// Starts it for hosts below these roots; `None` where ssh is not installed.
    fn start(world: &World, hosts: &[(&str, &Path)]) -> Option<Self> {
        let (sshd, keygen, ssh) = (installed("sshd")?, installed("ssh-keygen")?, installed("ssh")?);
        let folder = world.path("ssh");
        fs::create_dir_all(folder.join("bin")).expect("a folder");
        for name in ["host", "id"] {
            let mut made = Command::new(&keygen);
            let made = made.args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"]).arg(folder.join(name));
            assert!(made.status().expect("ssh-keygen runs").success());
        }
        let port = free_port();
        let shown = folder.display();
        let server = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {shown}/host\nUsePAM no\nStrictModes no\nPidFile none\n\
             PermitRootLogin prohibit-password\nAuthorizedKeysFile {shown}/id.pub\nAcceptEnv THE_ROOT\n"
        );
        fs::write(folder.join("sshd_config"), server).expect("settings");
        let key = fs::read_to_string(folder.join("host.pub")).expect("a key");
        fs::write(folder.join("known"), format!("[127.0.0.1]:{port} {key}")).expect("known hosts");
        let mut client = format!(
            "UserKnownHostsFile {shown}/known\nIdentityFile {shown}/id\nIdentitiesOnly yes\nStrictHostKeyChecking yes\nBatchMode yes\n"
        );
        for (name, root) in hosts {
            client += &format!("Host {name}\nHostName 127.0.0.1\nPort {port}\nSetEnv THE_ROOT={}\n", root.display());
        }
        fs::write(folder.join("config"), client).expect("settings");
        let wrapper = folder.join("bin/ssh");
        fs::write(&wrapper, format!("#!/bin/sh\nexec {} -F {shown}/config \"$@\"\n", ssh.display())).expect("a script");
        executable(&wrapper);
        if nix::unistd::geteuid().is_root() {
            fs::create_dir_all("/run/sshd").expect("sshd's own folder");
        }
        let mut daemon = Command::new(sshd);
        let daemon = daemon.args(["-D", "-e", "-f"]).arg(folder.join("sshd_config")).stderr(Stdio::null());
        let daemon = daemon.spawn().expect("sshd starts");
        // From here on it ends with the test, also where it does not come up.
        let started = Self { daemon, path: format!("{shown}/bin:/usr/bin:/bin") };
        wait_for(port);
        Some(started)
    }

    /// Runs `cosmos push` in the operators' clone.
    fn push(&self, world: &World, words: &[&str]) -> Ran {
        let command = format!("{} --root \"$THE_ROOT\"", env!("CARGO_BIN_EXE_cosmos"));
        let output = Command::new(env!("CARGO_BIN_EXE_cosmos"))
            .args(["push", "--command", &command])
            .args(words)
            .current_dir(world.repo())
            .env("PATH", &self.path)
            .output()
            .expect("cosmos runs");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ran { status: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// Says what is left of bundles in a host's cache.
fn residue(root: &Path) -> Vec<String> {
    let names = fs::read_dir(root.join("var/cache/cosmos")).expect("a cache").filter_map(Result::ok);
    names.map(|entry| entry.file_name().display().to_string()).filter(|name| name.contains("bundle")).collect()
}

#[test]
fn a_pushed_commit_is_judged_and_run_by_each_host_with_one_line_about_each() {
    let settled = Settled::new();
    let world = &settled.world;
    let other = world.clone_host("ns2.example.org", &settled.trust, &settled.ada);
    let Some(ssh) = Ssh::start(world, &[(NAME, &settled.host), ("ns2.example.org", &other)]) else { return };
    world.write("global/overlay/etc/motd", "pushed\n");
    let head = settled.commit();
    let dry = ssh.push(world, &["-n", NAME]);
    assert!(dry.status == 0 && dry.stdout.starts_with(&format!("{NAME}  would be sent ")), "{dry:?}");
    assert_eq!(read(&settled.host, "etc/motd"), "hello\n");

    let ran = ssh.push(world, &[NAME, "ns2.example.org"]);
    let expected = ["ns1", "ns2"].map(|name| format!("{name}.example.org  {}, 1 change\n", &head[..12])).concat();
    assert_eq!((ran.status, ran.stdout, ran.stderr), (0, expected, String::new()));
    for root in [&settled.host, &other] {
        assert_eq!((read(root, "etc/motd").as_str(), residue(root)), ("pushed\n", vec![]));
    }
    let again = ssh.push(world, &["--json", NAME]);
    let document: serde_json::Value = serde_json::from_str(&again.stdout).expect("JSON");
    let host = &document["push"]["hosts"][0];
    assert_eq!((&host["exit"], &host["changed"], &host["since"]), (&0.into(), &0.into(), &head.as_str().into()));
    settled.run().prints("");
}

#[test]
fn a_host_refuses_what_nobody_signed_and_one_that_fails_does_not_stop_the_others() {
    let settled = Settled::new();
    let world = &settled.world;
    let other = world.clone_host("ns2.example.org", &settled.trust, &settled.ada);
    assert_eq!(world.on(&other, &["run"]).status, 0);
    let Some(ssh) = Ssh::start(world, &[(NAME, &settled.host), ("ns2.example.org", &other)]) else { return };
    world.write("global/overlay/etc/motd", "owned\n");
    world.commit_unsigned("Owned");
    let ran = ssh.push(world, &["nowhere.invalid", NAME, "ns2.example.org"]);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!((ran.status, lines.len()), (1, 3), "{ran:?}");
    assert!(lines[0].starts_with("nowhere.invalid  ") && lines[0].contains("nowhere.invalid"), "{ran:?}");
    for (line, name) in [(lines[1], NAME), (lines[2], "ns2.example.org")] {
        assert_eq!(line, format!("{name}  exit status 3: it carries no signature"));
    }
    for root in [&settled.host, &other] {
        assert_eq!((read(root, "etc/motd").as_str(), residue(root)), ("hello\n", vec![]));
    }
}

#[test]
fn releases_are_pushed_with_their_tags_and_everything_since_a_release_can_be_asked_for() {
    let settled = Settled::by_tags();
    let world = &settled.world;
    let Some(ssh) = Ssh::start(world, &[(NAME, &settled.host)]) else { return };
    world.write("global/overlay/etc/motd", "second\n");
    settled.release("release-2", "release-2");
    world.write("global/overlay/etc/motd", "third\n");
    let head = settled.release("release-3", "release-3");
    // The host lacks release-2, so a bundle that rests on it is refused by name, not by chance.
    let short = ssh.push(world, &["--since", "release-2", NAME]);
    assert!(
        short.status == 1 && short.stdout.contains("exit status 0: ") && short.stdout.contains("bundle"),
        "{short:?}"
    );
    let ran = ssh.push(world, &["--since", "release-1", NAME]);
    let expected = format!("{NAME}  {}, 1 change\n", &head[..12]);
    assert_eq!((ran.status, ran.stdout.as_str()), (0, expected.as_str()), "{ran:?}");
    assert_eq!(
        (settled.status()["accepted"]["tag"].as_str(), read(&settled.host, "etc/motd")),
        (Some("release-3"), "third\n".into())
    );
}

#[test]
fn a_host_that_looks_like_an_option_and_a_revision_that_is_none_are_mistakes() {
    let settled = Settled::new();
    let run = |words: &[&str]| {
        let repo = settled.world.repo().display().to_string();
        settled.world.cosmos(&[&["push", "--repository", &repo], words].concat())
    };
    run(&["--", "-oProxyCommand=true"])
        .complains(2, "error: '-oProxyCommand=true' is no host\nhint: name hosts as you would to ssh\n");
    run(&[NAME, "--since", "nothing"]).complains(
        2,
        "error: 'nothing' is no commit, tag or branch of this clone\nhint: name a release: --since release-7\n",
    );
}

#[test]
fn a_bundle_on_standard_input_is_taken_once_and_leaves_nothing_behind() {
    let settled = Settled::new();
    settled.world.write("global/overlay/etc/motd", "carried\n");
    settled.commit();
    let bundle = settled.world.path("bundle");
    settled.world.git(&["bundle", "create", "--quiet", &bundle.display().to_string(), "main"]);
    let root = settled.host.display().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cosmos"));
    let command = command.args(["--root", &root, "run", "--bundle", "-"]);
    let output = command.stdin(fs::File::open(&bundle).expect("a bundle")).output().expect("cosmos runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "~ etc/motd\n", "{output:?}");
    assert_eq!(residue(&settled.host), Vec::<String>::new());
    let empty = command.stdin(Stdio::null()).output().expect("cosmos runs");
    assert_eq!(read(&settled.host, "etc/motd"), "carried\n", "{empty:?}");
}

//! `cosmos release`: what hosts do with it, and what is never pushed.

use crate::fleet::{Fleet, Signed};
use crate::support::{Operator, World, put, read};

fn alone(signed: Signed) -> (Fleet, Operator) {
    let world = World::new();
    let ada = world.operator("ada", "ed25519");
    (Fleet::new(world, signed, &[&ada]), ada)
}

#[test]
fn a_host_accepts_a_release_and_applies_it() {
    let (fleet, ada) = alone(Signed::Tags);
    fleet.believe(&ada, &[]);
    let host = fleet.host(&[]);
    fleet.world.on(&host, &["run"]).prints("+ etc/motd\n");
    fleet.world.write("global/overlay/etc/motd", "hello again\n");
    fleet.world.commit_unsigned("Say more");
    let ran = fleet.release(&ada, &["--valid-until", "2099-01-01"]);
    let head = fleet.world.head();
    let expected = format!(
        "since release-1: 1 commit\nglobal (1)\n  ~ global/overlay/etc/motd\n\
         to sign: tag release-2, on commit {head}\n    \
         cosmos: 1 fleet=test counter=1 valid-until=2099-01-01T00:00:00Z\n\
         pushed release-2: {head}\nhosts take it at their next run\n"
    );
    ran.prints(&expected);
    fleet.world.on(&host, &["run"]).prints("~ etc/motd\n");
    assert_eq!(read(&host, "etc/motd"), "hello again\n");
    assert_eq!(fleet.world.git(&["rev-parse", "release-2^{}"]).trim(), head, "the clone has the tag, too");
    fleet.world.git_as(&ada, &["verify-tag", "release-2"]);
    let again = fleet.by(&ada, &["release", "--yes"]);
    again.complains(
        2,
        "error: 'release-2' is this commit already\n\
         hint: commit a change first; to renew its freshness only, say --valid-until TIME\n",
    );
}

#[test]
fn where_commits_are_signed_the_last_one_is_signed_and_keeps_its_author() {
    let (fleet, ada) = alone(Signed::Commits);
    fleet.believe(&ada, &[]);
    let host = fleet.host(&[]);
    fleet.world.on(&host, &["run"]).prints("+ etc/motd\n");
    fleet.world.write("global/overlay/etc/motd", "hello again\n");
    fleet.world.commit_unsigned("Say more");
    fleet.release(&ada, &[]);
    assert_eq!(fleet.world.git(&["log", "-1", "--format=%an %cn"]).trim(), "Operator ada");
    let message = fleet.world.git(&["log", "-1", "--format=%B"]);
    assert_eq!(message.trim(), "cosmos: 1 fleet=test branch=main counter=1\n\nSay more");
    assert_eq!(fleet.world.git(&["status", "--short"]), "", "the work tree is as it was");
    fleet.world.on(&host, &["run"]).prints("~ etc/motd\n");
    fleet.world.write("global/overlay/etc/motd", "signed by hand\n");
    let signed = fleet.world.commit(&ada, "Say it oneself");
    let ran = fleet.release(&ada, &[]);
    assert!(ran.stdout.contains("to push: branch main, signed already\n"), "{ran:?}");
    assert_eq!(fleet.world.head(), signed);
    fleet.world.on(&host, &["run"]).prints("~ etc/motd\n");
}

#[test]
fn a_release_that_two_have_to_sign_waits_for_the_second() {
    let world = World::new();
    let (ada, bob) = (world.operator("ada", "ed25519"), world.operator("bob", "ed25519"));
    let fleet = Fleet::new(world, Signed::Tags, &[&ada, &bob]);
    let name = format!("release-1+{}", &bob.fingerprint[24..]);
    fleet.world.tag(&bob, &name);
    fleet.world.git(&["push", "--quiet", "origin", &name]);
    fleet.believe(&ada, &["--threshold", "2"]);
    let host = fleet.host(&[]);
    let settings = read(&host, "etc/cosmos/trust.toml").replace("threshold = 1", "threshold = 2");
    put(&host, "etc/cosmos/trust.toml", &settings);
    fleet.world.on(&host, &["run"]).prints("+ etc/motd\n");

    fleet.world.write("global/overlay/etc/motd", "from two\n");
    let commit = fleet.world.commit_unsigned("Say more");
    let ran = fleet.release(&ada, &[]);
    let waits = "hosts wait for one more signature: another operator runs 'cosmos release --cosign release-2'\n";
    assert!(ran.stdout.ends_with(waits), "{ran:?}");
    assert_eq!(fleet.world.on(&host, &["run"]).status, 3);

    let by_the_same = fleet.by(&ada, &["release", "--yes", "--cosign", "release-2"]);
    let twice = format!("error: {} signed it already\n", ada.fingerprint);
    assert!(by_the_same.status == 2 && by_the_same.stderr.contains(&twice), "{by_the_same:?}");
    let ran = fleet.release(&bob, &["--cosign", "release-2"]);
    let pushed = format!("pushed release-2+{}: {commit}\nhosts take it at their next run\n", &bob.fingerprint[24..]);
    assert!(ran.stdout.ends_with(&pushed), "{ran:?}");
    fleet.world.on(&host, &["run"]).prints("~ etc/motd\n");
}

#[test]
fn where_commits_are_signed_a_further_signature_is_a_tag_on_the_commit() {
    let world = World::new();
    let (ada, bob) = (world.operator("ada", "ed25519"), world.operator("bob", "ed25519"));
    let kim = world.operator("kim", "ed25519");
    let fleet = Fleet::new(world, Signed::Commits, &[&ada, &bob]);
    fleet.believe(&ada, &[]);
    let host = fleet.host(&[]);
    fleet.world.on(&host, &["run"]).prints("+ etc/motd\n");

    // A change of who may sign takes both of them.
    let certificate = fleet.world.certificate(&kim).display().to_string();
    assert_eq!(fleet.by(&ada, &["signer", "add", &certificate, "--all-rights"]).status, 0);
    fleet.world.write("global/overlay/etc/motd", "from two\n");
    fleet.world.commit_unsigned("Let Kim sign");
    let ran = fleet.release(&ada, &[]);
    let commit = fleet.world.head();
    let waits = "hosts wait for one more signature: another operator runs 'cosmos release --cosign main'\n";
    assert!(ran.stdout.ends_with(waits), "{ran:?}");
    assert_eq!(fleet.world.on(&host, &["run"]).status, 3);

    let ran = fleet.release(&bob, &["--cosign", "main"]);
    let name = format!("cosign/{}-{}", &commit[..12], &bob.fingerprint[24..]);
    assert!(ran.stdout.ends_with(&format!("pushed {name}: {commit}\nhosts take it at their next run\n")), "{ran:?}");
    assert_eq!(fleet.world.git(&["rev-parse", &format!("{name}^{{}}")]).trim(), commit);
    fleet.world.on(&host, &["run"]).prints("~ etc/motd\n");
}

#[test]
fn going_back_is_a_release_on_top_of_what_is() {
    let (fleet, ada) = alone(Signed::Tags);
    fleet.believe(&ada, &[]);
    let host = fleet.host(&[]);
    fleet.world.write("global/overlay/etc/motd", "a mistake\n");
    let mistake = fleet.world.commit_unsigned("A mistake");
    fleet.release(&ada, &[]);
    fleet.world.on(&host, &["run"]).prints("+ etc/motd\n");
    fleet.release(&ada, &["--revert", "release-1"]);
    fleet.world.on(&host, &["run"]).prints("~ etc/motd\n");
    assert_eq!(read(&host, "etc/motd"), "hello\n");
    assert_eq!(fleet.world.head(), mistake, "the work tree is the operator's: they pull what was verified");
    fleet.world.git(&["pull", "--quiet", "--ff-only", "origin", "main"]);
    assert_eq!(fleet.world.git(&["rev-parse", "HEAD^"]).trim(), mistake);
    assert_eq!(fleet.world.git(&["diff", "release-1^{}", "HEAD"]), "");
}

#[test]
fn a_ring_takes_its_own_releases_and_no_others_a20() {
    let (fleet, ada) = alone(Signed::Tags);
    fleet.believe(&ada, &[]);
    let host = fleet.host(&[]);
    fleet.world.on(&host, &["run"]).prints("+ etc/motd\n");
    fleet.world.write("global/overlay/etc/motd", "early\n");
    fleet.world.commit_unsigned("Try it");
    let ran = fleet.release(&ada, &["--ring", "early", "early/release-1"]);
    assert!(ran.stdout.contains("pushed early/release-1: "), "{ran:?}");
    fleet.world.on(&host, &["run"]).prints("");
    std::fs::remove_dir_all(&host).unwrap();
    let early = fleet.host(&["--ring", "early"]);
    fleet.world.on(&early, &["run"]).prints("+ etc/motd\n");
    assert_eq!(read(&early, "etc/motd"), "early\n");
    fleet.world.write("global/overlay/etc/motd", "for all\n");
    fleet.world.commit_unsigned("It works");
    let wrong = fleet.by(&ada, &["release", "--yes", "--ring", "early", "release-2"]);
    wrong.complains(
        2,
        "error: 'release-2' cannot be the name\nhint: name it after 'early/release-*', as nothing is named yet\n",
    );
    fleet.release(&ada, &[]);
    fleet.world.on(&early, &["run"]).prints("");
    let commits = alone(Signed::Commits);
    let ran = commits.0.by(
        &commits.1,
        &["release", "--ring", "early", "--trust", &format!("{}:{}", commits.0.trust, commits.0.founder)],
    );
    assert_eq!(ran.status, 2, "{ran:?}");
}

#[test]
fn what_hosts_would_refuse_is_not_pushed() {
    let world = World::new();
    let (ada, eve) = (world.operator("ada", "ed25519"), world.operator("eve", "ed25519"));
    let fleet = Fleet::new(world, Signed::Tags, &[&ada]);
    std::fs::write(
        fleet.world.path("gitconfig-eve"),
        format!("[user]\nname=eve\nemail=e@e\nsigningKey={}\n", eve.fingerprint),
    )
    .unwrap();
    fleet.believe(&ada, &[]);
    fleet.world.write("global/overlay/etc/motd", "owned\n");
    fleet.world.commit_unsigned("Mine");
    let before = fleet.remote_refs();
    let ran = fleet.by(&eve, &["release", "--yes"]);
    let issuer = &eve.fingerprint;
    ran.complains(
        3,
        &format!(
            "error: hosts would refuse it, so nothing was pushed: the signature by {issuer} is not from a trusted \
             certificate (T3)\nhint: a trusted signer adds {issuer} in a release of its own first\n"
        ),
    );
    fleet.world.write("fleet.toml", "format = 1\nfleet = 7\n");
    fleet.world.commit_unsigned("A mistake");
    let ran = fleet.by(&ada, &["release", "--yes"]);
    assert_eq!((ran.status, fleet.remote_refs()), (3, before), "{ran:?}");
    assert!(ran.stderr.starts_with("error: 'any-host' could not apply this release: fleet.toml"), "{ran:?}");
    assert_eq!(fleet.world.git(&["tag"]), "release-1\n");
}

#[test]
fn a_release_says_how_many_paths_hosts_lose() {
    let (fleet, ada) = alone(Signed::Tags);
    for number in 0..30 {
        fleet.world.write(&format!("global/overlay/srv/{number}"), "x\n");
    }
    fleet.believe(&ada, &[]);
    fleet.world.commit_unsigned("Thirty files");
    fleet.release(&ada, &[]);
    let host = fleet.host(&[]);
    assert_eq!(fleet.world.on(&host, &["run"]).status, 0);
    std::fs::remove_dir_all(fleet.world.repo().join("global/overlay/srv")).unwrap();
    fleet.world.commit_unsigned("None of them");
    let ran = fleet.release(&ada, &[]);
    assert!(ran.stdout.contains("any-host loses 30\n"), "{ran:?}");
    assert_eq!(fleet.statement("release-3"), "cosmos: 1 fleet=test counter=2 removals=30");
    assert_eq!(fleet.world.on(&host, &["run"]).status, 0, "the brake is off for as many");
    assert!(!host.join("srv/7").exists());
}

#[test]
fn a_dry_run_signs_and_pushes_nothing_and_nobody_to_ask_is_no_yes() {
    let (fleet, ada) = alone(Signed::Tags);
    fleet.believe(&ada, &[]);
    fleet.world.write("global/overlay/etc/motd", "hello again\n");
    fleet.world.commit_unsigned("Say more");
    let before = fleet.remote_refs();
    let dry = fleet.by(&ada, &["release", "-n"]);
    assert_eq!(dry.status, 0, "{dry:?}");
    assert!(dry.stdout.contains("to sign: tag release-2, on commit "), "{dry:?}");
    let unasked = fleet.by(&ada, &["release"]);
    assert_eq!(
        unasked.stderr,
        "error: nobody is there to ask whether to sign this\nhint: say --yes, or look first with --dry-run\n"
    );
    assert_eq!((unasked.status, fleet.remote_refs(), fleet.world.git(&["tag"])), (2, before, "release-1\n".to_owned()));
}

#[test]
fn a_key_file_signs_where_gpg_does_not() {
    let (fleet, ada) = alone(Signed::Tags);
    fleet.believe(&ada, &[]);
    let exported = fleet.world.run(std::process::Command::new("gpg").arg("--homedir").arg(&ada.home).args([
        "--batch",
        "--armor",
        "--export-secret-keys",
    ]));
    let key = fleet.world.path("ada.key");
    std::fs::write(&key, exported.stdout).unwrap();
    fleet.world.write("global/overlay/etc/motd", "hello again\n");
    fleet.world.commit_unsigned("Say more");
    let key = key.display().to_string();
    fleet.release(&ada, &["--key", &key]);
    let host = fleet.host(&[]);
    fleet.world.on(&host, &["run"]).prints("+ etc/motd\n");
    assert_eq!(read(&host, "etc/motd"), "hello again\n");
    let none = fleet.by(&ada, &["release", "--yes", "--valid-until", "2099-01-01", "--key", "/nowhere"]);
    assert!(none.stderr.starts_with("error: cannot sign with '/nowhere': "), "{none:?}");
}

/// A pinentry that types the passphrase, if it is told at which terminal: what Debian installs asks nowhere else.
const PINENTRY: &str = "#!/bin/sh
echo OK
while read -r word rest; do
    case $word,$rest in
        OPTION,ttyname=*) terminal=${rest#*=} ;;
        GETPIN,*) if [ -c \"$terminal\" ]; then echo 'D secret'; else echo 'ERR 83918950 Inappropriate ioctl for device' && continue; fi ;;
        BYE,*) echo OK && exit ;;
    esac
    echo OK
done
";

#[test]
fn a_passphrase_is_asked_for_on_the_operators_terminal() {
    let (fleet, ada) = alone(Signed::Tags);
    fleet.believe(&ada, &[]);
    let protect = ["--batch", "--pinentry-mode", "loopback", "--passphrase", "secret", "--passwd", &ada.fingerprint];
    fleet.world.gpg_with_input(&ada, protect, b"");
    put(&ada.home, "pinentry", PINENTRY);
    crate::support::executable(&ada.home.join("pinentry"));
    put(&ada.home, "gpg-agent.conf", &format!("pinentry-program {}\n", ada.home.join("pinentry").display()));
    let mut reload = std::process::Command::new("gpg-connect-agent");
    let reloaded = fleet.world.run(reload.arg("--homedir").arg(&ada.home).args(["reloadagent", "/bye"]));
    assert_eq!(reloaded.status, 0, "{reloaded:?}");

    fleet.world.write("global/overlay/etc/motd", "hello again\n");
    fleet.world.commit_unsigned("Say more");
    let nowhere = fleet.by(&ada, &["release", "--yes"]);
    assert!(nowhere.status == 1 && nowhere.stderr.contains("Inappropriate ioctl for device"), "{nowhere:?}");
    let mut command = std::process::Command::new("script");
    command.args(["--quiet", "--return", "--command"]).arg(format!("{} release --yes", env!("CARGO_BIN_EXE_cosmos")));
    let asked = fleet.world.run(fleet.as_started_by(&ada, &mut command).arg("/dev/null"));
    assert!(asked.status == 0 && asked.stdout.contains("pushed release-2: "), "{asked:?}");
}

/// Plants whatever git would execute from a repository or a clone's settings; each leaves a mark.
fn plant(fleet: &Fleet) -> Vec<(&'static str, String)> {
    let (repo, mark) = (fleet.world.repo(), fleet.world.path("ran").display().to_string());
    let script = format!("#!/bin/sh\necho \"$0 $*\" >> {mark}\nexit 1\n");
    let hooks = ["pre-push", "pre-commit", "reference-transaction", "post-checkout", "commit-msg", "post-index-change"];
    let programs = ["git", "gpg", "ssh"];
    let files = hooks.iter().flat_map(|hook| [format!(".git/hooks/{hook}"), format!("tools/hooks/{hook}")]);
    let files = files.chain(programs.iter().map(|name| format!("tools/{name}"))).chain(["tools/any".to_owned()]);
    for file in files {
        put(&repo, &file, &script);
        crate::support::executable(&repo.join(file));
    }
    let any = repo.join("tools/any").display().to_string();
    put(&repo, ".gitattributes", "* filter=evil diff=evil\n");
    put(
        &repo,
        "tools/config",
        &format!("[gpg]\n\tprogram = {any}\n[core]\n\tsshCommand = {any}\n\tfsmonitor = {any}\n"),
    );
    vec![
        ("core.hooksPath", "tools/hooks".to_owned()),
        ("core.fsmonitor", any.clone()),
        ("core.sshCommand", any.clone()),
        ("core.alternateRefsCommand", any.clone()),
        ("filter.evil.clean", any.clone()),
        ("filter.evil.smudge", any.clone()),
        ("filter.evil.process", any.clone()),
        ("diff.evil.textconv", any.clone()),
        ("credential.helper", any.clone()),
        ("remote.origin.uploadpack", any.clone()),
        ("remote.origin.receivepack", any.clone()),
        ("url.ext::sh.insteadOf", fleet.world.path("remote.git").display().to_string()),
        ("include.path", "../tools/config".to_owned()),
    ]
}

#[test]
fn nothing_of_the_repository_runs_when_an_operator_releases_a52() {
    let (fleet, ada) = alone(Signed::Tags);
    fleet.believe(&ada, &[]);
    fleet.world.write("global/overlay/etc/motd", "hello again\n");
    fleet.world.commit_unsigned("Say more");
    for (key, value) in plant(&fleet) {
        fleet.world.git(&["config", key, &value]);
    }
    let path = format!("{}/tools:.:tools:{}", fleet.world.repo().display(), std::env::var("PATH").unwrap());
    let mut command = fleet.command(&ada);
    command.env("PATH", path).env("GIT_DIR", "/nowhere").args(["release", "--yes"]);
    let ran = fleet.world.run(&mut command);
    let mark = std::fs::read_to_string(fleet.world.path("ran")).unwrap_or_default();
    assert_eq!((ran.status, mark.as_str()), (0, ""), "{ran:?}");
    assert!(ran.stdout.contains("pushed release-2: "), "{ran:?}");

    fleet.world.git(&["-c", "core.fsmonitor=false", "config", "gpg.program", "./tools/gpg"]);
    let ran = fleet.by(&ada, &["release", "--yes", "--valid-until", "2099-01-01"]);
    let refused = "error: './tools/gpg' lies in the repository and is not executed\n";
    assert!(ran.status == 2 && ran.stderr.starts_with(refused), "{ran:?}");
    assert!(!fleet.world.path("ran").exists());
    fleet.world.run(std::process::Command::new("git").arg("-C").arg(fleet.world.repo()).arg("status"));
    assert!(fleet.world.path("ran").exists(), "what was planted does run where git is asked");
}

#[test]
fn a_clone_that_lags_or_lies_is_told_so() {
    let (fleet, ada) = alone(Signed::Tags);
    let untold = fleet.by(&ada, &["release", "--yes"]);
    assert!(untold.stderr.starts_with("error: this clone was never told whom to believe\n"), "{untold:?}");
    fleet.believe(&ada, &[]);
    let otherwise = format!("{}:{}", fleet.trust, "0".repeat(40));
    let ran = fleet.by(&ada, &["release", "--trust", &otherwise, "--tags", "release-*"]);
    assert!(ran.stderr.starts_with("error: this clone was told before whom to believe, and not the same\n"), "{ran:?}");
    fleet.world.write("global/overlay/etc/motd", "elsewhere\n");
    fleet.world.commit_unsigned("Pushed by another operator");
    fleet.world.git(&["push", "--quiet", "origin", "main"]);
    fleet.world.git(&["reset", "--quiet", "--hard", "HEAD^"]);
    fleet.world.write("global/overlay/etc/motd", "here\n");
    fleet.world.commit_unsigned("Say more");
    fleet.by(&ada, &["release", "--yes"]).complains(
        2,
        "error: the remote's 'main' has commits that yours lacks\nhint: take them in first: git pull --rebase\n",
    );
}

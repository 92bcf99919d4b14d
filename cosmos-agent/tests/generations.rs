//! A host goes back to what it was, stays there for as long as it is told, and forgets nothing on the way.

mod support;

use std::fs;

use support::{Settled, kept, put, read};

/// A host with three generations of `etc/motd`; the third brings `etc/new` and drops `etc/old`.
fn three() -> Settled {
    let settled = Settled::new();
    settled.world.write("global/overlay/etc/motd", "two\n");
    settled.world.write("global/overlay/etc/old", "old\n");
    settled.commit();
    settled.run().prints("~ etc/motd\n+ etc/old\n");
    settled.world.write("global/overlay/etc/motd", "three\n");
    settled.world.write("global/overlay/etc/new", "new\n");
    settled.world.remove("global/overlay/etc/old");
    settled.commit();
    settled.run().prints("- etc/old  no longer in the model\n~ etc/motd\n+ etc/new\n");
    settled
}

fn etc(settled: &Settled) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(settled.host.join("etc"))
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name != "cosmos")
        .collect();
    names.sort();
    names
}

#[test]
fn a_rollback_brings_back_what_was_and_holds_until_a_newer_revision_is_accepted() {
    let settled = three();
    assert_eq!(settled.status()["applied"]["generation"], 3);
    let dry = settled.world.on(&settled.host, &["rollback", "-n"]);
    assert_eq!(dry.status, 0, "{dry:?}");
    assert_eq!(etc(&settled), ["motd", "new"], "-n changes nothing");

    settled.world.on(&settled.host, &["rollback"]).prints(
        "- etc/new  as it was before\n~ etc/motd  as it was before\n+ etc/old  as it was before\n\
         generation 2 instead of 3, until a newer revision is accepted or 'cosmos resume'; what tasks did to packages, \
         users and services is not undone\n",
    );
    assert_eq!((etc(&settled), read(&settled.host, "etc/motd").as_str()), (vec!["motd".into(), "old".into()], "two\n"));
    let before = kept(&settled.host);
    settled.run().prints("");
    assert_eq!(kept(&settled.host), before, "runs keep it so, and write nothing");
    let status = settled.status();
    assert_eq!((&status["applied"]["generation"], &status["rollback"]["generation"]), (&2.into(), &2.into()));
    assert_eq!(status["drift"], 0);

    put(&settled.host, "etc/motd", "by hand\n");
    settled.run().prints("~ etc/motd  drift repaired\n");
    assert_eq!(read(&settled.host, "etc/motd"), "two\n", "drift is repaired to what the host went back to");

    settled.world.write("global/overlay/etc/motd", "four\n");
    settled.commit();
    let run = settled.run();
    assert_eq!(
        (run.status, run.stdout.as_str()),
        (
            0,
            "- etc/old  no longer in the model\n~ etc/motd\n+ etc/new\n\
             the rollback to generation 2 ends: a newer revision is in force\n"
        ),
        "{run:?}"
    );
    let status = settled.status();
    assert_eq!((&status["applied"]["generation"], &status["rollback"]), (&4.into(), &serde_json::Value::Null));
}

#[test]
fn resume_and_retry_end_a_rollback_and_the_next_run_goes_forward() {
    let settled = three();
    let on = |words: &[&str]| settled.world.on(&settled.host, words);
    assert_eq!(on(&["rollback", "1"]).status, 0);
    assert_eq!((etc(&settled), read(&settled.host, "etc/motd").as_str()), (vec!["motd".to_owned()], "hello\n"));
    let planned = on(&["plan"]).stdout;
    assert!(planned.starts_with("! back: this host is generation 1 since 20"), "{planned}");
    let planned: serde_json::Value = serde_json::from_str(&on(&["plan", "--json"]).stdout).expect("JSON");
    assert_eq!(planned["plan"]["rollback"]["generation"], 1);
    on(&["resume"]).prints("the rollback ended: the next run makes this host the newest revision\n");
    on(&["resume"]).prints("");
    assert_eq!(on(&["plan"]).stdout.lines().filter(|line| line.starts_with('!')).count(), 0);
    // It is what it was back to until then.
    let marks = |listed: &str| listed.lines().map(|line| line[..6].to_owned()).collect::<Vec<_>>();
    assert_eq!(marks(&on(&["rollback", "--list"]).stdout), ["*    1", "     2", "     3"]);
    assert_eq!(settled.status()["applied"]["generation"], 1);
    settled.run().prints("~ etc/motd\n+ etc/new\n");
    assert_eq!(settled.status()["applied"]["generation"], 3);
    let first = settled.world.git(&["rev-parse", "HEAD~2"]);
    let log = on(&["log"]).stdout;
    let back = log.lines().find(|line| line.contains("  rollback  ")).expect("a line");
    assert!(back.contains(&first[..12]), "the revision that was gone back to, whose signers follow: {back}");
    assert!(log.lines().all(|line| !line.ends_with(' ')), "{log}");
    assert_eq!(on(&["rollback", "2"]).status, 0);
    on(&["run", "--retry"])
        .prints("- etc/old  no longer in the model\n~ etc/motd\n+ etc/new\nthe rollback ended: --retry\n");
    settled.run().prints("");
    assert_eq!(on(&["rollback", "2"]).status, 0);
    let forward = on(&["rollback", "3"]);
    assert_eq!(forward.status, 0, "{forward:?}");
    assert!(forward.stdout.ends_with("generation 3, the newest: the rollback ended\n"), "{forward:?}");
    assert_eq!(settled.status()["applied"]["generation"], 3, "no generation was added on the way");
}

#[test]
fn generations_are_listed_and_only_those_that_are_kept_can_be_had() {
    let settled = three();
    let on = |words: &[&str]| settled.world.on(&settled.host, words);
    let listed = on(&["rollback", "--list"]);
    let marks: Vec<&str> = listed.stdout.lines().map(|line| &line[..6]).collect();
    assert_eq!(marks, ["     1", "     2", "*    3"], "{listed:?}");
    on(&["rollback", "7"]).complains(
        2,
        "error: generation 7 is not kept on this host\n\
         hint: see 'cosmos rollback --list'; 'cosmos resume' ends a rollback\n",
    );
    put(&settled.host, "etc/cosmos/agent.toml", "generations = 2\n");
    settled.world.write("global/overlay/etc/motd", "four\n");
    settled.commit();
    settled.run().prints("~ etc/motd\n");
    let list: serde_json::Value = serde_json::from_str(&on(&["rollback", "--list", "--json"]).stdout).expect("JSON");
    let numbers: Vec<u64> = list["rollback"]["generations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["generation"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [3, 4]);
    assert_eq!(on(&["rollback", "3"]).status, 0);
    on(&["rollback"]).complains(
        2,
        "error: there is no generation before the one this host is\n\
         hint: see 'cosmos rollback --list'; a host keeps what it was from its second revision on\n",
    );
}

#[test]
fn a_rollback_needs_no_remote_and_no_brake_stops_it() {
    let settled = Settled::new();
    for number in 0..30 {
        settled.world.write(&format!("global/overlay/etc/many/{number:02}"), "x\n");
    }
    settled.commit();
    assert_eq!(settled.run().status, 0);
    let (remote, away) = (settled.world.repo(), settled.world.path("away"));
    fs::rename(&remote, &away).expect("the remote is away");
    let back = settled.world.on(&settled.host, &["rollback"]);
    assert_eq!(back.status, 0, "{back:?}");
    assert_eq!(etc(&settled), ["motd"], "thirty files and their folder are gone");
    let run = settled.run();
    assert_eq!((run.status, etc(&settled)), (0, vec!["motd".to_owned()]), "{run:?}");
    fs::rename(&away, &remote).expect("it is back");
    settled.world.on(&settled.host, &["resume"]);
    assert_eq!(settled.run().status, 0);
    assert_eq!(etc(&settled), ["many", "motd"]);
}

#[test]
fn the_agents_own_settings_never_go_back() {
    let settled = Settled::new();
    settled.world.write("global/overlay/etc/cosmos/agent.toml", "splay = \"1m\"\n");
    settled.world.write("global/overlay/etc/motd", "two\n");
    settled.commit();
    assert_eq!(settled.run().status, 0);
    settled.world.write("global/overlay/etc/cosmos/agent.toml", "splay = \"2m\"\n");
    settled.world.write("global/overlay/etc/motd", "three\n");
    settled.commit();
    assert_eq!(settled.run().status, 0);
    for generation in ["2", "1"] {
        assert_eq!(settled.world.on(&settled.host, &["rollback", generation]).status, 0);
        assert_eq!(read(&settled.host, "etc/cosmos/agent.toml"), "splay = \"2m\"\n");
    }
    assert_eq!(read(&settled.host, "etc/motd"), "hello\n");
    settled.run().prints("");
}

#[test]
fn a_run_without_news_adds_no_generation_and_neither_does_drift() {
    let settled = Settled::new();
    let file = settled.host.join("var/lib/cosmos/generations.json");
    let before = fs::read(&file).expect("the first generation");
    settled.run().prints("");
    put(&settled.host, "etc/motd", "by hand\n");
    settled.run().prints("~ etc/motd  drift repaired\n");
    assert_eq!(fs::read(&file).expect("it is there"), before);
}

#[test]
fn a_held_path_keeps_its_edit_visibly_and_is_the_models_again_when_released() {
    let settled = Settled::new();
    let on = |words: &[&str]| settled.world.on(&settled.host, words);
    put(&settled.host, "etc/motd", "night shift\n");
    on(&["hold", "/etc/motd", "trying it, Kim", "--until", "2099-01-01T06:00:00Z"])
        .prints("'etc/motd' is left as it is until 2099-01-01T06:00:00Z: trying it, Kim\n");
    let words = "! etc/motd held: left as it is until 2099-01-01T06:00:00Z: trying it, Kim\n";
    on(&["plan"]).prints(words);
    on(&["drift"]).prints(words);
    on(&["hold"]).prints(words);
    settled.run().prints(words);
    settled.run().prints("");
    assert_eq!(read(&settled.host, "etc/motd"), "night shift\n");
    settled.world.write("global/overlay/etc/motd", "two\n");
    settled.commit();
    settled.run().prints(words);
    assert_eq!(read(&settled.host, "etc/motd"), "night shift\n", "a newer revision does not end a hold");
    let held = || on(&["status"]).stdout.lines().find(|line| line.starts_with("held ")).map(str::to_owned);
    let status = held().expect("a line");
    assert!(status.starts_with("held      etc/motd since 20"), "{status}");
    assert!(status.ends_with("Z until 2099-01-01T06:00:00Z: trying it, Kim"), "{status}");

    assert_eq!(on(&["hold", "etc/motd", "for good"]).status, 0);
    let status = held().expect("a line");
    assert!(status.ends_with("Z until 'cosmos hold --release': for good"), "{status}");
    on(&["hold", "--release", "etc/motd"]).prints("'etc/motd' is the model's again: the next run makes it so\n");
    settled.run().prints("~ etc/motd\n");
    assert_eq!(read(&settled.host, "etc/motd"), "two\n");
    assert_eq!(
        fs::read_dir(settled.host.join("var/lib/cosmos/backup")).expect("backups").count(),
        1,
        "the edit is kept"
    );
    on(&["hold", "--release", "etc/motd"])
        .complains(2, "error: 'etc/motd' is not held\nhint: see 'cosmos hold' for what is\n");
    on(&["hold", "etc/other", "why"]).complains(
        2,
        "error: 'etc/other' is not managed on this host\nhint: no run would change it; see 'cosmos why /etc/other'\n",
    );
}

#[test]
fn a_hold_ends_by_itself_and_a_path_that_left_the_model_goes_then() {
    let settled = Settled::new();
    settled.world.write("global/overlay/etc/night/edit", "ours\n");
    settled.commit();
    assert_eq!(settled.run().status, 0);
    let held = settled.world.on(&settled.host, &["hold", "etc/night", "look at it first", "--until", "2999-01-01"]);
    assert_eq!(held.status, 0, "{held:?}");
    settled.world.remove("global/overlay/etc/night/edit");
    settled.commit();
    assert_eq!(settled.run().status, 0);
    assert_eq!(read(&settled.host, "etc/night/edit"), "ours\n", "it is held");
    // As if that time had come.
    let path = "var/lib/cosmos/state.json";
    let state = read(&settled.host, path);
    assert_eq!(state.matches("2999-01-01T00:00:00Z").count(), 1, "{state}");
    put(&settled.host, path, &state.replace("2999-01-01T00:00:00Z", "2026-01-01T00:00:00Z"));
    settled.run().prints(
        "- etc/night/edit  no longer in the model\n- etc/night/  no longer in the model\nthe hold on 'etc/night' ended\n",
    );
    assert_eq!(etc(&settled), ["motd"]);
    settled.run().prints("");
}

#[test]
fn what_was_there_before_is_put_back_with_its_mode_once_no_run_would_write_it_again() {
    let settled = Settled::new();
    let on = |words: &[&str]| settled.world.on(&settled.host, words);
    put(&settled.host, "etc/issue", "the vendor's\n");
    fs::set_permissions(settled.host.join("etc/issue"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    std::os::unix::fs::symlink("elsewhere", settled.host.join("etc/link")).unwrap();
    settled.world.write("global/overlay/etc/issue", "ours\n");
    settled.world.write("global/overlay/etc/link", "a file\n");
    settled.commit();
    settled.run().prints("~ etc/issue\n~ etc/link\n");
    on(&["restore", "/etc/issue"]).complains(
        1,
        "error: 'etc/issue' is what layer 'global' says: the next run would write it again\n\
         hint: take it out of the repository, or first say: cosmos hold /etc/issue 'why'\n",
    );
    on(&["restore", "etc/motd"]).complains(
        2,
        "error: nothing was found at 'etc/motd' before cosmos managed it\n\
         hint: 'cosmos log /etc/motd' tells what was done there\n",
    );
    assert_eq!(on(&["hold", "etc/issue", "the vendor's was better"]).status, 0);
    on(&["restore", "-n", "etc/issue"]).prints("~ etc/issue  as it was found\n");
    assert_eq!(read(&settled.host, "etc/issue"), "ours\n");
    on(&["restore", "etc/issue"]).prints("~ etc/issue  as it was found\n");
    on(&["restore", "etc/issue"]).prints("'etc/issue' is as it was found already\n");
    assert_eq!(settled.run().status, 0);
    let mode = |name: &str| {
        std::os::unix::fs::PermissionsExt::mode(&settled.host.join(name).metadata().unwrap().permissions()) & 0o7777
    };
    assert_eq!((read(&settled.host, "etc/issue").as_str(), mode("etc/issue")), ("the vendor's\n", 0o600));
    assert_eq!(on(&["hold", "--release", "etc/issue"]).status, 0);
    assert_eq!(settled.run().status, 0);
    assert_eq!(read(&settled.host, "etc/issue"), "ours\n");

    settled.world.remove("global/overlay/etc/issue");
    settled.world.remove("global/overlay/etc/link");
    settled.commit();
    assert_eq!(settled.run().status, 0);
    assert_eq!(read(&settled.host, "etc/issue"), "ours\n", "what was there before us stays");
    on(&["restore", "etc/issue"]).prints("~ etc/issue  as it was found\n");
    assert_eq!(on(&["restore", "etc/link"]).status, 0);
    assert_eq!((read(&settled.host, "etc/issue").as_str(), mode("etc/issue")), ("the vendor's\n", 0o600));
    assert_eq!(fs::read_link(settled.host.join("etc/link")).unwrap().to_str(), Some("elsewhere"));
    let before = kept(&settled.host);
    settled.run().prints("");
    assert_eq!(kept(&settled.host), before, "no run touches what is the host's again");
}

#[test]
fn why_tells_where_a_path_comes_from_and_which_layers_lost() {
    let settled = Settled::new();
    settled.world.write("hosts/ns1.example.org/overlay/etc/motd", "hello, ns1\n");
    settled.world.write("global/delete/etc/old", "");
    let commit = settled.commit();
    settled.run().prints("~ etc/motd\n");
    let why = |path: &str| settled.world.on(&settled.host, &["why", path]).stdout;
    let blob = settled.world.git(&["rev-parse", "HEAD:hosts/ns1.example.org/overlay/etc/motd"]);
    let expected = format!(
        "etc/motd\nlayer       hosts/ns1.example.org\nlost        global\ncommit      {}\n\
         signer      ada <ada@example.org>\ngeneration  2\nblob        {}\n",
        commit.trim(),
        blob.trim()
    );
    assert_eq!(why("/etc/motd"), expected);
    assert_eq!(
        why("etc/old"),
        "etc/old\nmanaged     no: no run changes it\nnearest     etc, of layer hosts/ns1.example.org\n\
         delete/     layer global names it: it is removed where it is found\n"
    );
    let above = why("etc");
    let said = "\nmodel       it has paths below it; where the folder is there already, it stays as it is\n";
    assert!(above.contains(said), "{above}");
    assert_eq!(why("srv/x"), "srv/x\nmanaged     no: no run changes it\nnearest     nothing above it is managed\n");
}

#[test]
fn the_log_of_a_path_answers_an_auditor() {
    let settled = Settled::new();
    put(&settled.host, "etc/motd", "by hand\n");
    settled.run().prints("~ etc/motd  drift repaired\n");
    settled.world.write("global/overlay/etc/other", "x\n");
    settled.world.write(
        "global/post-tasks.d/010stamp",
        "#!/bin/sh\ngrep -q stamp \"$COSMOS_ROOT/etc/motd\" || echo stamp >> \"$COSMOS_ROOT/etc/motd\"\n",
    );
    settled.commit();
    assert_eq!(settled.run().status, 0);
    assert_eq!(settled.world.on(&settled.host, &["rollback"]).status, 0);
    let log = settled.world.on(&settled.host, &["log", "/etc/motd"]);
    let shown = without_ids(&log.stdout);
    insta::assert_snapshot!(shown);
    let json = settled.world.on(&settled.host, &["log", "etc/motd", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&json.stdout).expect("one document");
    let entries = document["log"].as_array().expect("a list");
    assert_eq!(entries.len(), shown.matches("generation").count());
    assert_eq!(entries[1]["changes"][0]["cause"], "drift");
    assert_eq!(entries[0]["author"]["claimed"], "Operator <operator@example.org>");
}

#[test]
fn log_and_why_name_the_one_of_many_tasks_that_changed_a_path() {
    let settled = Settled::new();
    // A tick between them, since files are stamped with the kernel's last one.
    for (number, line) in [("010", "true"), ("020", "echo stamp >> \"$COSMOS_ROOT/etc/motd\""), ("030", "true")] {
        let script = format!("#!/bin/sh\nsleep 0.2\n{line}\nsleep 0.2\n");
        settled.world.write(&format!("global/post-tasks.d/{number}task"), &script);
    }
    settled.commit();
    assert_eq!(settled.run().status, 0);
    let on = |words: &[&str]| settled.world.on(&settled.host, words).stdout;
    let log = on(&["log", "etc/motd"]);
    assert!(log.contains("  by task post-tasks.d/020task\n"), "{log}");
    assert!(on(&["log"]).ends_with("    changed etc/motd  (by task post-tasks.d/020task)\n"));
    let why = on(&["why", "etc/motd"]);
    let named = "task        changed by task post-tasks.d/020task after it was written: see 'cosmos log'\n";
    assert!(why.contains(named), "{why}");
    let why: serde_json::Value = serde_json::from_str(&on(&["why", "etc/motd", "--json"])).expect("a document");
    assert_eq!(why["why"]["by_tasks"], serde_json::json!(["post-tasks.d/020task"]));
}

/// Replaces times, hashes and ids, which differ from run to run.
fn without_ids(text: &str) -> String {
    let mut shown = String::new();
    for word in text.split_inclusive([' ', '\n', ',']) {
        let bare = word.trim_end_matches([' ', '\n', ',']);
        let is_id = bare.len() == 12 && bare.bytes().all(|byte| byte.is_ascii_hexdigit());
        let owner = bare.contains(':') && bare.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
        let replaced = if bare.ends_with('Z') && bare.starts_with("20") {
            "[time]"
        } else if is_id {
            "[hash]"
        } else if owner {
            "[owner]"
        } else {
            bare
        };
        shown.push_str(replaced);
        shown.push_str(&word[bare.len()..]);
    }
    shown
}

#[test]
fn drift_of_a_path_that_is_only_reported_is_told_and_not_mended() {
    let settled = Settled::new();
    settled.world.write("global/layer.toml", "[files.\"etc/seen\"]\npolicy = \"report\"\n");
    settled.world.write("global/overlay/etc/seen", "as it should be\n");
    settled.commit();
    assert_eq!(settled.run().status, 0);
    put(&settled.host, "etc/seen", "as it is\n");
    settled.run();
    let drift = settled.world.on(&settled.host, &["drift"]);
    assert_eq!((drift.status, drift.stdout.as_str()), (5, "~ etc/seen  content differs\n"), "{drift:?}");
    assert_eq!(read(&settled.host, "etc/seen"), "as it is\n");
}

#[test]
fn backups_of_the_same_edit_are_one_and_all_of_them_are_bounded() {
    let settled = Settled::new();
    put(&settled.host, "etc/cosmos/agent.toml", "backup-size = \"56\"\n");
    let backups = || fs::read_dir(settled.host.join("var/lib/cosmos/backup")).expect("backups").count();
    let edit = |text: &str| {
        put(&settled.host, "etc/motd", text);
        settled.run().stdout
    };
    for _ in 0..2 {
        assert_eq!(edit("the same edit\n"), "~ etc/motd  drift repaired\n");
        assert_eq!(backups(), 1);
    }
    for (number, kept) in [(2, 2), (3, 3), (4, 4), (5, 4)] {
        edit(&format!("edit number {number}\n"));
        assert_eq!(backups(), kept, "the fifth is more than 56 bytes can hold: the oldest goes");
    }
    assert_eq!(
        edit("a larger edit of somebody\n"),
        "~ etc/motd  drift repaired\n\
         what was at 'etc/motd' has 26 bytes, more than a quarter of backup-size: it is kept until a later run needs the \
         room; 'cosmos restore' may not find it then\n"
    );
    assert_eq!(backups(), 5, "it takes nobody's room");
}

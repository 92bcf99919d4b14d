//! Repositories that are signed and still cannot be applied.

use crate::support::{NAME, Settled, World, put, read};

#[test]
fn a_repository_with_host_layers_but_none_for_this_host_leaves_the_host_alone() {
    let settled = Settled::new();
    settled.world.write("hosts/ns2.example.org/overlay/etc/issue", "ns2\n");
    settled.commit();
    settled.stays(
        1,
        "error: the repository: it has host layers, but none for 'ns1.example.org'\n\
             hint: add 'hosts/ns1.example.org', or correct the name of this host (there are: \
             hosts/ns2.example.org); what was applied before stays enforced until then\n",
    );
}

#[test]
fn an_unsigned_tip_is_refused_and_the_accepted_revision_stays_enforced() {
    let settled = Settled::new();
    settled.world.write("global/overlay/etc/motd", "mine now\n");
    let tip = settled.world.commit_unsigned("No signature");
    let refused = format!(
        "error: revision {} of 'refs/heads/main' is refused: it carries no signature\n\
         hint: sign it: 'git commit -S', for a release 'git tag -s'; or put {tip} into 'commit_goodlist' (right audit), \
         or rewrite the branch without it\n",
        &tip[..12]
    );
    settled.stays(3, &refused);
    put(&settled.host, "etc/motd", "an edit\n");
    let ran = settled.run();
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (3, "~ etc/motd  drift repaired\n", &*refused));
}

#[test]
fn a_repository_without_keys_introduces_nobody() {
    let world = World::new();
    let ada = world.operator("ada", "ed25519");
    world.write("global/overlay/etc/motd", "hello\n");
    let trust = world.commit(&ada, "No policy");
    let host = world.host(NAME);
    let words = world.clone_words(NAME, &trust, &ada);
    let ran = world.on(&host, &words.iter().map(String::as_str).collect::<Vec<_>>());
    let refused = format!(
        "error: revision {} of 'refs/heads/main' is refused: nothing says who may sign: \
         neither 'openpgp-policy.toml' nor a keys folder\n\
         hint: keep at least one usable signer in the policy\n",
        &trust[..12]
    );
    ran.complains(3, &refused);
    world.on(&host, &["run"]).complains(3, &refused);
    assert!(!host.join("etc/motd").exists());
}

#[test]
fn a_layer_used_that_does_not_exist_is_named_with_who_uses_it() {
    let settled = Settled::new();
    settled.world.write("global/layer.toml", "use = [\"dns\"]\n");
    settled.commit();
    settled.stays(
        1,
        "error: global/layer.toml:1:8: uses the layer 'dns', which does not exist\n\
             hint: add 'models/dns', or correct the name; what was applied before stays enforced until then\n",
    );
}

#[test]
fn layers_that_use_each_other_are_named_as_a_circle() {
    let settled = Settled::new();
    settled.world.write("global/layer.toml", "use = [\"dns\"]\n");
    settled.world.write("models/dns/layer.toml", "use = [\"base\"]\n");
    settled.world.write("models/base/layer.toml", "use = [\"dns\"]\n");
    settled.commit();
    settled.stays(
        1,
        "error: models/base/layer.toml:1:8: layers use each other in a circle: models/dns -> models/base -> \
             models/dns\n\
             hint: take one 'use' out; what was applied before stays enforced until then\n",
    );
    settled.world.write("models/base/layer.toml", "use = [\"base\"]\n");
    settled.commit();
    settled.stays(
        1,
        "error: models/base/layer.toml:1:8: layers use each other in a circle: models/base -> models/base\n\
             hint: take one 'use' out; what was applied before stays enforced until then\n",
    );
}

#[test]
fn all_mistakes_of_all_layers_are_said_at_once() {
    let settled = Settled::new();
    settled.world.write("global/layer.toml", "colour = 1\n[packages]\napt = [\"unbound\"]\n");
    settled.world.write("global/secrets/key", "x\n");
    settled.world.write("layer.toml", "[files.\"etc/motd\"]\nmode = \"rw\"\n");
    settled.commit();
    settled.stays(
        1,
        "error: global/layer.toml:1:1: unknown key 'colour'\n\
             global/secrets/key: this is no message encrypted by OpenPGP\n\
             layer.toml:2:8: 'mode' must be octal digits up to 7777\n\
             hint: mend the repository and release again; what was applied before stays enforced until then\n",
    );
}

#[test]
fn a_fleet_that_needs_a_newer_agent_leaves_what_was_applied_enforced_drift_included() {
    let settled = Settled::new();
    let fleet = read(&settled.world.repo(), "fleet.toml");
    let why = "this revision needs cosmos 99.2.0, this is 0.1.0";
    stays_enforced(
        &settled,
        |world| world.write("fleet.toml", &fleet.replace(">= 0.1", ">= 99.2")),
        ["needs", why, "install a newer cosmos"],
        |world| world.write("fleet.toml", &fleet),
    );
}

#[test]
fn a_repository_with_mistakes_leaves_what_was_applied_enforced_drift_included() {
    let unknown_key = "global/layer.toml:2:1: unknown key 'colour'";
    let settled = Settled::new();
    stays_enforced(
        &settled,
        |world| world.write("global/layer.toml", "\ncolour = 1\n"),
        [
            "mistakes",
            unknown_key,
            "known here: use, retired, files, packages, params, param, require, tasks, check, no-check, service, probe, port",
        ],
        |world| world.remove("global/layer.toml"),
    );
    let no_layer = "the repository: it has host layers, but none for 'ns1.example.org'";
    let add = "add 'hosts/ns1.example.org', or correct the name of this host (there are: hosts/ns2.example.org)";
    stays_enforced(
        &Settled::new(),
        |world| world.write("hosts/ns2.example.org/overlay/etc/issue", "ns2\n"),
        ["mistakes", no_layer, add],
        |world| world.remove("hosts/ns2.example.org/overlay/etc/issue"),
    );
    let missing_use = "global/layer.toml:1:8: uses the layer 'dns', which does not exist";
    stays_enforced(
        &Settled::new(),
        |world| world.write("global/layer.toml", "use = [\"dns\"]\n"),
        ["mistakes", missing_use, "add 'models/dns', or correct the name"],
        |world| world.remove("global/layer.toml"),
    );
}

/// Applies a revision, spoils the next one, edits the host, and asserts that the first is enforced with its tasks until
/// the repository is mended. `said` is the member of `status`, what is wrong, and what to try.
#[track_caller]
fn stays_enforced(settled: &Settled, spoil: impl FnOnce(&World), said: [&str; 3], mend: impl FnOnce(&World)) {
    let [member, why, hint] = said;
    settled.world.write("global/post-tasks.d/010count", "#!/bin/sh\necho ran >> \"$COSMOS_ROOT/ran\"\n");
    let applied = settled.commit();
    settled.run().prints("");
    spoil(&settled.world);
    settled.world.write("global/overlay/etc/motd", "of the hindered revision\n");
    let accepted = settled.commit();
    put(&settled.host, "etc/motd", "an edit\n");
    let ran = settled.run();
    let complaint = format!("error: {why}\nhint: {hint}; what was applied before stays enforced until then\n");
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr), (1, "~ etc/motd  drift repaired\n", complaint));
    assert_eq!(read(&settled.host, "etc/motd"), "hello\n");
    assert_eq!(read(&settled.host, "ran"), "ran\nran\n", "the tasks of the applied revision run");
    let status = settled.status();
    assert_eq!((&status[member], &status["back_off"]), (&why.into(), &serde_json::Value::Null));
    let lines = settled.world.on(&settled.host, &["status"]).stdout;
    for line in [format!("applied   {applied}, 1 path,"), format!("{member:<10}{why}")] {
        assert!(lines.lines().any(|one| one.starts_with(&line)), "{line} is not in {lines}");
    }
    assert!(lines.contains(&format!("accepted  {accepted}, signed ")), "{lines}");

    put(&settled.host, "etc/motd", "another edit\n");
    let drift = settled.world.on(&settled.host, &["drift"]);
    assert_eq!((drift.status, drift.stdout.as_str()), (5, "~ etc/motd  content differs\n"), "{drift:?}");
    let scheduled = settled.world.on(&settled.host, &["run", "--scheduled"]);
    assert_eq!(scheduled.status, 1, "{scheduled:?}");
    assert_eq!(read(&settled.host, "etc/motd"), "hello\n", "no back-off keeps the drift");

    mend(&settled.world);
    settled.commit();
    settled.run().prints("~ etc/motd\n");
    assert_eq!(settled.status()[member], serde_json::Value::Null);
}

#[test]
fn an_owner_that_the_host_lacks_hinders_a_revision_unless_a_pre_task_makes_it() {
    let settled = Settled::new();
    settled.world.write("global/layer.toml", "[files.\"etc/motd\"]\nowner = \"cosmos-nobody-knows\"\n");
    settled.commit();
    put(&settled.host, "etc/motd", "an edit\n");
    let complaint = "error: the host has no user 'cosmos-nobody-knows', which should own 'etc/motd'\n\
                     hint: make the user or group in a pre-task or package first, or name another in [files]\n";
    let ran = settled.run();
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (1, "~ etc/motd  drift repaired\n", complaint));
    let own = nix::unistd::geteuid().as_raw();
    let user = format!("cosmos-nobody-knows:x:{own}:{own}::/:/bin/sh");
    let task = format!("#!/bin/sh\necho '{user}' >> \"$COSMOS_ROOT/etc/passwd\"\n");
    settled.world.write("global/pre-tasks.d/010user", &task);
    settled.world.write("global/overlay/etc/motd", "of the new user\n");
    settled.commit();
    settled.run().prints("~ etc/motd\n");
}

#[test]
fn a_fleet_file_from_the_future_is_told_by_its_format_not_by_its_keys() {
    let settled = Settled::new();
    settled.world.write("fleet.toml", "format = 2\nshape = \"new\"\n");
    settled.commit();
    settled.stays(
        1,
        "error: 'fleet.toml' has format 2, this agent reads format 1\n\
         hint: install a newer cosmos; what was applied before stays enforced until then\n",
    );
}

#[test]
fn a_new_host_that_meets_a_fleet_from_the_future_applies_nothing() {
    let world = World::new();
    let ada = world.operator("ada", "ed25519");
    let trust = world.found(&[&ada]);
    world.write("fleet.toml", "format = 2\n");
    world.write("global/overlay/etc/motd", "hello\n");
    world.commit(&ada, "The future");
    let host = world.clone_host(NAME, &trust, &ada);
    world.on(&host, &["run"]).complains(
        1,
        "error: 'fleet.toml' has format 2, this agent reads format 1\n\
         hint: install a newer cosmos; what was applied before stays enforced until then\n",
    );
    assert!(!host.join("etc/motd").exists());
}

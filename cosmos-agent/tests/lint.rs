//! `cosmos lint` and `cosmos module`.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use support::{Ran, World};

fn repository() -> World {
    let world = World::new();
    let ada = world.operator("ada", "ed25519");
    world.found(&[&ada]);
    world.write("hosts/ns1.example.org/overlay/etc/name", "ns1\n");
    world
}

fn clone_of(world: &World, words: &[&str]) -> Ran {
    let repository = world.repo();
    world.cosmos(&[words, &["--repository", repository.to_str().expect("a path")]].concat())
}

fn mode(world: &World, path: &str, mode: u32) {
    fs::set_permissions(world.repo().join(path), fs::Permissions::from_mode(mode)).expect("a file");
}

#[test]
fn every_kind_of_finding_is_said_with_its_place_and_what_to_try() {
    let world = repository();
    world.write("fleet.toml", "format = 1\n[[rule]]\nhosts = ['www*.example.org']\nuse = ['base']\n[[rule]]\nhosts = ['**']\nuse = ['base']\n");
    world.write("models/base/overlay/etc/name", "base\n");
    world.write("models/base/layer.toml", "[param.port]\ntype = 'port'\ndefault = 1\ndoc = 'a port'\n");
    world.write("models/usb-backup/layer.toml", "[param.x]\ntype = 'int'\ndefault = 1\ndoc = 'x'\n");
    world.write("global/layer.toml", "no-check = ['sshd', 'leaving base']\n[params.usb-backup]\ny = 1\n");
    world.write("global/templates/etc/dos", "one\ntwo\r\nthree\r\n");
    world.write("global/overlay/usr/local/bin/tool", "#!/bin/sh\r\n");
    mode(&world, "global/overlay/usr/local/bin/tool", 0o755);
    world.write("global/overlay/etc/crlf", "wanted\r\n");
    world.write("hosts/ns1.example.org/post-task.d/010x", "#!/bin/sh\n");
    world.write("overlays/etc/x", "x");
    world.write("hosts/not a host/overlay/etc/x", "x");
    world.write("global/delete/etc/name", "");
    world.write("global/delete/etc/old", "");
    world.write("documents/x", "x");
    for (task, bits) in [("010plain", 0o644), ("020bare", 0o755), ("030good", 0o755), ("named", 0o755)] {
        let text = if task == "020bare" { "true\n" } else { "#!/bin/sh\n" };
        world.write(&format!("global/post-tasks.d/{task}"), text);
        mode(&world, &format!("global/post-tasks.d/{task}"), bits);
    }
    let found = clone_of(&world, &["lint"]);
    assert_eq!(
        found.stdout,
        "cr-line-ends\n    global/overlay/usr/local/bin/tool:1: lines end in CR and LF\n        end them in LF alone\n    \
         global/templates/etc/dos:2: lines end in CR and LF\n        end them in LF alone\n\
         hides-built-in\n    models/usb-backup: this hides the module of the same name that comes with cosmos\n        \
         rename it, if that is not meant\n\
         leaves-unasked\n    global/layer.toml: hosts leave 'base' without being asked\n        \
         remove it when they have left\n\
         mistake\n    global/layer.toml:3:5: the module 'usb-backup' has no parameter 'y'\n        it has: x\n\
         never-wins\n    global/delete/etc/name: another layer installs or deletes this path on every host\n        \
         remove one of them\n    models/base/overlay/etc/name: another layer wins this path on every host\n        \
         remove one of them\n\
         rule-without-hosts\n    fleet.toml:3:10: no host of this repository matches\n        correct or remove the rule\n\
         task-not-executable\n    global/post-tasks.d/010plain: this task is not executable, and never runs\n        chmod +x it\n\
         task-without-interpreter\n    global/post-tasks.d/020bare: this task has no '#!' line\n        begin it with #!/bin/sh\n\
         task-without-number\n    global/post-tasks.d/named: this is executable, but not named like a task\n        begin with a digit\n\
         unread-folder\n    hosts/not a host: this is no host's name in small letters\n        rename it\n    \
         hosts/ns1.example.org/post-task.d: nothing in this folder reaches a host\n        \
         is 'post-tasks.d' meant?\n    overlays: nothing in this folder reaches a host\n        is 'overlay' meant?\n\
         unused-layer\n    models/usb-backup: no host uses this layer\n        use it, or remove it\n",
        "{found:?}"
    );
    assert_eq!(found.status, 1);
    let json = clone_of(&world, &["lint", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(document["lint"]["findings"].as_array().map(Vec::len), Some(15));
    assert_eq!(document["lint"]["findings"][0]["code"], "cr-line-ends");
}

#[test]
fn a_repository_in_order_has_no_findings_and_a_mistake_of_any_host_is_one() {
    let world = repository();
    let good = clone_of(&world, &["lint"]);
    assert_eq!((good.status, good.stdout.as_str(), good.stderr.as_str()), (0, "", ""));
    world.write("global/templates/etc/a", "{{ nobody }}\n");
    let bad = clone_of(&world, &["lint"]);
    assert_eq!(
        bad.stdout,
        "mistake\n    global/templates/etc/a:1: undefined value in '{{ nobody }}'\n        \
         this layer declares no parameters; those of a module are modules.NAME.PARAMETER\n",
        "{bad:?}"
    );
}

#[test]
fn a_key_that_ends_soon_is_a_finding() {
    let world = World::new();
    let soon = world.operator_ending("soon", -10, 20);
    world.found(&[&soon]);
    let found = clone_of(&world, &["lint"]);
    assert!(found.stdout.starts_with("signer\n    "), "{found:?}");
    assert_eq!(found.status, 1);
}

#[test]
fn modules_are_listed_shown_like_a_manual_and_begun() {
    let world = repository();
    let new = clone_of(&world, &["module", "new", "greeting"]);
    assert!(new.stdout.contains("models/greeting/layer.toml\n"), "{new:?}");
    assert!(clone_of(&world, &["module", "list"]).stdout.contains("greeting  models/greeting\n"));
    let text = "[param.mode]\ntype = 'enum'\nvalues = ['a', 'b']\ndoc = 'which'\n\
                [param.ranges]\ntype = 'list of table'\ndefault = []\ndoc = 'addresses'\n\
                [param.ranges.fields.from]\ntype = 'ip'\ndoc = 'the first'\n\
                [[require]]\neach = 'ranges'\nthat = 'item.from is ipv4'\nmessage = 'no'\n\
                [[check]]\nname = 'its guests'\nrun = ['true']\nleaving = true\n";
    world.write("models/greeting/layer.toml", text);
    assert_eq!(
        clone_of(&world, &["module", "show", "greeting"]).stdout,
        "NAME\n    greeting  (models/greeting)\n\nSYNOPSIS\n    use = [\"greeting\"]\n    [params.greeting]\n    \
         mode = \"a\"\n\nPARAMETERS\n    mode  enum, required\n        which\n        one of a, b\n    \
         ranges  list of table, default []\n        addresses\n        from  ip, required\n            the first\n\n\
         CONDITIONS\n    for each of ranges: item.from is ipv4\n\n\
         BEFORE IT LEAVES A HOST\n    check its guests\n"
    );
    clone_of(&world, &["module", "new", "Big"])
        .complains(2, "error: 'Big' is not the name of a module\nhint: 1 to 64 of a-z, 0-9 and '-', a letter first\n");
    clone_of(&world, &["module", "show", "none"])
        .complains(2, "error: there is no module 'none'\nhint: 'cosmos module list' says which there are\n");
}

#[test]
fn a_module_that_comes_with_cosmos_needs_no_repository_to_be_shown() {
    let world = World::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cosmos"));
    let shown = world.run(command.args(["module", "show", "usb-backup"]).current_dir(world.path("")));
    assert!(shown.stdout.starts_with("NAME\n    usb-backup  (built-in/usb-backup)\n"), "{shown:?}");
    let lines = [
        "        serial numbers of the phones, as 'adb devices' prints them\n        entries: at least 1\n",
        "        how many backups of each phone are kept\n        at least 1\n",
        "\n\nCONDITIONS\n",
        "    for each of exclude: \"\\n\" not in item\n",
    ];
    lines.iter().for_each(|line| assert!(shown.stdout.contains(line), "not shown: {line}\n{}", shown.stdout));
    let mut command = Command::new(env!("CARGO_BIN_EXE_cosmos"));
    let plain = world.run(command.args(["module", "show", "dns-resolver-munin"]).current_dir(world.path("")));
    let name = "dns-resolver-munin";
    assert_eq!(plain.stdout, format!("NAME\n    {name}  (built-in/{name})\n\nSYNOPSIS\n    use = [\"{name}\"]\n"));
}

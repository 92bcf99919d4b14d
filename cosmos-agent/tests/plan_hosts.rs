//! `cosmos plan --host` and `--all`: what an operator's files, as they are, change on which hosts.

mod support;

use serde_json::{Value, json};
use support::{Ran, World};

/// Makes a repository of hosts `ns1` to `nsN`, committed, that use a module with a template.
fn repository(hosts: usize) -> World {
    let world = World::new();
    let ada = world.operator("ada", "ed25519");
    world.found(&[&ada]);
    world.write("fleet.toml", "format = 1\n[[rule]]\nhosts = ['**']\nuse = ['hello']\n");
    world.write("models/hello/layer.toml", "[param.word]\ntype = 'string'\ndefault = 'hello'\ndoc = 'what to say'\n");
    world.write("models/hello/templates/etc/hello", "{{ params.word }} {{ facts.kernel }}\n");
    world.write("global/overlay/etc/motd", "welcome\n");
    for host in 1..=hosts {
        world.write(&format!("hosts/ns{host}.example.org/overlay/etc/name"), &format!("ns{host}\n"));
    }
    world.commit(&ada, "hosts");
    world
}

fn plan(world: &World, words: &[&str]) -> Ran {
    let repository = world.repo();
    world.cosmos(&[&["plan", "--repository", repository.to_str().expect("a path")], words].concat())
}

#[test]
fn all_hosts_alike_are_one_change_and_few_are_named() {
    let world = repository(5);
    world.write("global/overlay/etc/motd", "welcome back\n");
    world.write("hosts/ns2.example.org/layer.toml", "[params.hello]\nword = 'good day'\n");
    world.write("hosts/ns2.example.org/facts.json", r#"{"format":1,"kernel":"6.1.0","interfaces":{}}"#);
    world.remove("hosts/ns3.example.org/overlay/etc/name");
    world.write("hosts/ns3.example.org/layer.toml", "[files.'etc/motd']\nmode = '0600'\n");
    world.write("global/post-tasks.d/010reload", "#!/bin/sh\n");
    let shown = plan(&world, &["--all"]);
    let commit = &world.head()[..12];
    assert_eq!(
        shown.stdout,
        format!(
            "3 paths on 5 hosts, compared with the last commit ({commit})\n\
             ~ etc/hello  ns2.example.org\n    @@ -1 +1 @@\n    -hello 6.1.0\n    +good day 6.1.0\n\
             ~ etc/motd  ns1.example.org, ns2.example.org, ns4.example.org and 1 more\n    \
             @@ -1 +1 @@\n    -welcome\n    +welcome back\n\
             ~ etc/motd  ns3.example.org\n    @@ -1 +1 @@\n    -welcome\n    +welcome back\n\
             - etc/name  ns3.example.org\n\
             > post-tasks.d/010reload  all 5 hosts\n"
        ),
        "{shown:?}"
    );
    assert_eq!(shown.status, 0);
}

#[test]
fn one_host_is_shown_alone_and_a_fact_nobody_knows_shows_as_unknown() {
    let world = repository(3);
    world.write("models/hello/templates/etc/hello", "{{ params.word }}: {{ facts.kernel }}\n");
    let shown = plan(&world, &["--host", "ns3.example.org"]);
    assert!(
        shown.stdout.ends_with(
            "~ etc/hello  ns3.example.org\n    @@ -1 +1 @@\n    -hello <unknown: facts.kernel>\n    \
             +hello: <unknown: facts.kernel>\n"
        ),
        "{shown:?}"
    );
    assert!(shown.stdout.starts_with("1 path on 1 host, "), "{shown:?}");
}

#[test]
fn what_hosts_could_not_apply_is_said_once_with_the_hosts() {
    let world = repository(3);
    world.write("global/layer.toml", "[params.hello]\nword = 5\n");
    let shown = plan(&world, &["--all", "--since", "HEAD"]);
    assert_eq!(shown.status, 1);
    assert_eq!(
        shown.stderr,
        "error: ns1.example.org, ns2.example.org, ns3.example.org could not apply this\n    \
         global/layer.toml:2:8: 'params.hello.word' must be a string, this is an integer\n        \
         what to say (string, \"hello\" by default)\n"
    );
    plan(&world, &["--all", "--since", "nothing"])
        .complains(2, "error: this clone has no 'nothing'\nhint: fetch it first\n");
}

#[test]
fn a_layer_that_leaves_and_is_asked_first_is_said_before_anybody_signs() {
    let world = repository(2);
    let kim = world.operator("kim", "ed25519");
    world.write("models/guest/layer.toml", "[[check]]\nname = 'its readers'\nrun = ['true']\nleaving = true\n");
    world.write("hosts/ns2.example.org/layer.toml", "use = ['guest']\n");
    world.commit(&kim, "a guest");
    assert!(!plan(&world, &["--all"]).stdout.contains("leaves"));
    world.write("hosts/ns2.example.org/layer.toml", "no-check = ['leaving guest']\n");
    assert!(!plan(&world, &["--all"]).stdout.contains("leaves"), "it goes unasked");
    world.remove("hosts/ns2.example.org/layer.toml");
    let shown = plan(&world, &["--all"]);
    let said = "\n! layer 'models/guest' leaves, and is asked first: its readers  ns2.example.org\n";
    assert!(shown.stdout.ends_with(said), "{shown:?}");
    let document: Value = serde_json::from_str(&plan(&world, &["--all", "--json"]).stdout).expect("JSON");
    let text = "layer 'models/guest' leaves, and is asked first: its readers";
    assert_eq!(document["plan"]["leaving"], json!([{"text": text, "hosts": ["ns2.example.org"]}]));
}

#[test]
fn the_plan_of_hosts_is_a_document() {
    let world = repository(2);
    world.write("global/overlay/etc/issue", "new\n");
    world.write("models/usb-backup/layer.toml", "[param.x]\ntype = 'int'\ndefault = 1\ndoc = 'x'\n");
    let shown = plan(&world, &["--all", "--json"]);
    let document: Value = serde_json::from_str(&shown.stdout).expect("JSON");
    let plan = &document["plan"];
    assert_eq!(plan["compared_with"], json!({"name": "the last commit", "commit": world.head()}));
    assert_eq!((&plan["hosts"], &plan["changed_paths"], &plan["changed_hosts"]), (&json!(2), &json!(1), &json!(2)));
    assert_eq!(
        plan["remarks"],
        json!(["'models/usb-backup' hides the module of the same name that comes with cosmos"])
    );
    let hash = cosmos_model::content::ContentHash::of(b"new\n").to_string();
    assert_eq!(
        plan["changes"],
        json!([{"path": "etc/issue", "change": "created", "hosts": ["ns1.example.org", "ns2.example.org"],
            "old_hash": null, "new_hash": hash}])
    );
}

/// What it may cost is measured by `bench/plan`.
#[test]
fn two_hundred_hosts_with_three_modules_each_are_planned_at_once() {
    let world = repository(200);
    world.write("fleet.toml", "format = 1\n[[rule]]\nhosts = ['**']\nuse = ['dns-resolver-munin', 'usb-backup']\n");
    for host in 1..=200 {
        let layer = format!(
            "[params.dns-resolver]\nlan = 'eth1'\naddresses = ['10.0.{host}.1/24']\ndomain = 'lan{host}.example'\n\
             resolv-conf = 'write'\n[params.usb-backup]\nphones = ['PHONE{host}']\n"
        );
        world.write(&format!("hosts/ns{host}.example.org/layer.toml"), &layer);
    }
    let shown = plan(&world, &["--all", "--json"]);
    let document: Value = serde_json::from_str(&shown.stdout).expect("JSON");
    assert_eq!((shown.status, &document["plan"]["changed_hosts"]), (0, &json!(200)), "{}", shown.stderr);
    let changes = document["plan"]["changes"].as_array().expect("a list");
    let of_all = changes.iter().filter(|change| change["hosts"].as_array().map(Vec::len) == Some(200)).count();
    let of_one = changes.iter().filter(|change| change["hosts"].as_array().map(Vec::len) == Some(1)).count();
    assert!(of_all >= 10, "what the modules carry: {of_all}");
    assert!(of_one >= 200 * 3, "what is made for each host: {of_one}");
}

//! Staging: which layers a host has, who wins a path, and what is refused.

mod support;

use cosmos_model::fleet::ProposedMode;
use support::{Objects, Tree, mistakes, native, overlay, revision, stage_tree, staged};

const HOST: &str = "ns1.example.org";

#[test]
fn the_host_wins_over_what_it_uses_over_rules_over_global_over_the_root() {
    let model = staged(
        &[
            (
                "fleet.toml",
                "[[rule]]\nhosts = ['ns[1-9].*.org']\nuse = ['early']\n[[rule]]\nhosts = ['**']\nuse = ['late']\n",
            ),
            ("hosts/ns1.example.org/layer.toml", "use = ['dns', 'base']\n"),
            ("hosts/ns1.example.org/overlay/etc/a", "host"),
            ("models/dns/layer.toml", "use = ['base']\n"),
            ("models/dns/overlay/etc/a", "dns"),
            ("models/dns/overlay/etc/b", "dns"),
            ("base/overlay/etc/c", "base"),
            ("models/early/overlay/etc/d", "early"),
            ("models/late/overlay/etc/d", "late!"),
            ("global/overlay/etc/d", "global"),
            ("global/overlay/etc/e", "global"),
            ("overlay/etc/e", "root"),
            ("overlay/etc/f", "-> e"),
        ],
        HOST,
    );
    assert_eq!(
        model.layers().iter().map(|name| &**name).collect::<Vec<_>>(),
        ["hosts/ns1.example.org", "models/dns", "base", "models/late", "models/early", "global", "."]
    );
    assert_eq!(
        overlay(&model),
        "etc folder - hosts/ns1.example.org\n\
         etc/a file 4 0644 hosts/ns1.example.org\n\
         etc/b file 3 0644 models/dns\n\
         etc/c file 4 0644 base\n\
         etc/d file 5 0644 models/late\n\
         etc/e file 6 0644 global\n\
         etc/f link e - .\n"
    );
}

#[test]
fn a_repository_without_host_layers_is_for_any_host_but_one_with_them_is_not() {
    assert_eq!(overlay(&staged(&[("overlay/etc/motd", "hi")], HOST)), "etc folder - .\netc/motd file 2 0644 .\n");
    let shown = mistakes(&[("overlay/etc/motd", "hi"), ("hosts/ns2.example.org/overlay/etc/x", "")], HOST);
    assert_eq!(shown, "the repository: it has host layers, but none for 'ns1.example.org'");
    let classic_folder = mistakes(&[("ns2.example.org/overlay/etc/x", "")], HOST);
    assert_eq!(classic_folder, shown);
}

#[test]
fn every_mistake_is_reported_at_once_with_its_line() {
    let shown = mistakes(
        &[
            (
                "fleet.toml",
                "format = 1\nflet = 'x'\nagent = 3\n[[rule]]\nhosts = ['ns[9-1]']\n[rule.params.x]\na = 1\n",
            ),
            ("overlay/etc/cosmos/trust.toml", "mine"),
            ("delete/var/lib/cosmos/state.json", ""),
            ("layer.toml", "use = ['none']\n[files.'/etc/x']\nmode = '9'\n[tasks]\napt = []\n"),
        ],
        HOST,
    );
    assert_eq!(
        shown,
        "delete/var/lib/cosmos/state.json: no layer may touch this path, it belongs to the agent of each host\n\
         fleet.toml:2:1: unknown key 'flet'\n\
         fleet.toml:3:9: 'agent' must be a string, this is an integer\n\
         fleet.toml:5:10: 'ns[9-1]' is not a host pattern: a range must be like [1-20]\n\
         layer.toml:2:8: '/etc/x' is not a path pattern: \
         a path pattern is relative to the root, without leading slash, '.' and '..'\n\
         layer.toml:3:8: 'mode' must be octal digits up to 7777\n\
         layer.toml:5:7: 'tasks.\"NAME\"' must be a table, this is an array\n\
         overlay/etc/cosmos/trust.toml: no layer may touch this path, it belongs to the agent of each host"
    );
}

#[test]
fn layers_that_use_each_other_are_named_in_a_circle() {
    let shown = mistakes(
        &[("models/a/layer.toml", "use = ['b']"), ("b/layer.toml", "use = ['a']"), ("layer.toml", "use = ['a', 'c']")],
        HOST,
    );
    assert_eq!(
        shown,
        "b/layer.toml:1:8: layers use each other in a circle: models/a -> b -> models/a\n\
         layer.toml:1:13: uses the layer 'c', which does not exist"
    );
}

#[test]
fn a37_a_symlink_in_one_layer_and_a_file_through_it_in_another_are_refused() {
    let shown = mistakes(&[("global/overlay/etc/x", "-> /var"), ("overlay/etc/x/y", "")], HOST);
    assert_eq!(shown, "global/overlay/etc/x: this is a symlink, but 'overlay/etc/x' is a folder");
}

#[test]
fn a_newer_format_and_a_newer_agent_are_told_apart_from_mistakes() {
    let newer =
        stage_tree(&Tree::new(&[("fleet.toml", "format = 2\nnew = 1")]), &native(HOST)).expect_err("this is refused");
    assert_eq!(newer.to_string(), "'fleet.toml' has format 2, this agent reads format 1");
    let agent = stage_tree(&Tree::new(&[("fleet.toml", "agent = '>= 1.2'\nnew = 1")]), &native(HOST))
        .expect_err("this is refused");
    assert_eq!(agent.to_string(), "this revision needs cosmos 1.2.0, this is 0.1.0");
    assert!(newer.needs_newer_agent() && agent.needs_newer_agent());
}

#[test]
fn a_fleet_proposes_its_name_and_mode() {
    let mut objects = Objects::default();
    let root = Tree::new(&[("fleet.toml", "fleet = 'dns'\nmode = 'tags'\nagent = '>= 9.0'")]).write(&mut objects);
    let fleet = cosmos_model::stage::fleet(&revision(root, 0), &objects).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((fleet.name.as_deref(), fleet.mode), (Some("dns"), Some(ProposedMode::Tags)));
}

#[test]
fn a_retired_host_keeps_its_own_layer_and_global() {
    let files = [
        ("hosts/ns1.example.org/layer.toml", "retired = '2026-01-10 replaced by ns3'\nuse = ['nothing']"),
        ("hosts/ns1.example.org/overlay/etc/a", ""),
        ("global/overlay/etc/b", ""),
        ("overlay/etc/c", ""),
    ];
    let model = staged(&files, HOST);
    assert_eq!(model.retired(), Some("2026-01-10 replaced by ns3"));
    assert_eq!(model.layers(), ["hosts/ns1.example.org".into(), "global".into()]);
}

#[test]
fn the_first_layer_that_sets_an_attribute_wins_and_in_a_layer_the_last_table() {
    let model = staged(
        &[
            ("layer.toml", "[files.'etc/*']\nmode = '0600'\nowner = 'root:adm'\n[files.'etc/b']\nmode = '0640'"),
            ("global/layer.toml", "[files.'etc/a']\nmode = '0444'\npolicy = 'create-only'\n[files.etc]\nmode = '0750'"),
            ("overlay/etc/a", ""),
            ("overlay/etc/b", ""),
            ("overlay/etc/ssh/host_key", ""),
            ("overlay/root/.ssh/config", ""),
            ("global/overlay/etc/keep", ""),
        ],
        HOST,
    );
    assert_eq!(
        overlay(&model),
        "etc folder 0750 global\netc/a file 0 0444 .\netc/b file 0 0640 .\netc/keep file 0 0600 global\n\
         etc/ssh folder - .\netc/ssh/host_key file 0 0600 .\nroot folder - .\nroot/.ssh folder - .\n\
         root/.ssh/config file 0 0600 .\n"
    );
}

#[test]
fn tasks_and_deletions_are_merged_by_name() {
    let model = staged(
        &[
            ("global/pre-tasks.d/010one", "off"),
            ("pre-tasks.d/010one", "#!/bin/sh"),
            ("pre-tasks.d/020two", "#!/bin/sh"),
            ("pre-tasks.d/030three", "-> 020two"),
            ("pre-tasks.d/README", "#!no"),
            ("delete/etc/old", ""),
            ("delete/etc/new", ""),
            ("overlay/etc/new", ""),
        ],
        HOST,
    );
    let run: Vec<_> = model.runnable(model.pre_tasks()).map(|task| task.path.to_string()).collect();
    assert_eq!(run, ["020two", "030three"]);
    assert_eq!(model.deletions().keys().map(ToString::to_string).collect::<Vec<_>>(), ["etc/old"]);
}

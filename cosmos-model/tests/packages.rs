//! Packages that layers need: what a model wants, and what is planned while a package is missing.

mod support;

use std::collections::BTreeSet;

use cosmos_model::managed::ManagedSet;
use cosmos_model::package::PackageName;
use cosmos_model::plan::Plan;
use cosmos_model::planner::{Extent, PlanError, plan, plan_within};
use cosmos_model::staged::{LayerIndex, StagedModel, Waiting};
use proptest::prelude::*;
use support::host::{Host, SETTINGS, file, path, shown};
use support::{mistakes, staged};

const HOST: &str = "ns1.example.org";

const RESOLVER: [(&str, &str); 6] = [
    ("hosts/ns1.example.org/layer.toml", "use = [\"dns\"]\n[packages]\napt = [\"tmux\", \"unbound\"]"),
    ("hosts/ns1.example.org/overlay/etc/motd", "hello"),
    (
        "models/dns/layer.toml",
        "[packages]\napt = [\"unbound\", \"dns-root-data\"]\n[files.\"etc/unbound/*\"]\nowner = \"nobody-yet\"",
    ),
    ("models/dns/overlay/etc/unbound/unbound.conf", "server:"),
    ("global/layer.toml", "[packages]\napt = [\"g++\", \"tmux\"]"),
    ("global/overlay/etc/apt/sources.list", "deb"),
];

fn names(texts: &[&str]) -> BTreeSet<PackageName> {
    texts.iter().map(|text| PackageName::new(text).expect("a name")).collect()
}

fn missing(model: &StagedModel, installed: &[&str]) -> Vec<String> {
    let missing = model.missing(&names(installed));
    missing.iter().map(|one| format!("{} for {}", one.name, one.layers.join(", "))).collect()
}

fn planned(host: &Host, model: &StagedModel, managed: &ManagedSet, extent: &Extent<'_>) -> Result<Plan, PlanError> {
    plan_within(model, &host.snapshot(model, managed), managed, SETTINGS, extent)
}

#[test]
fn what_is_missing_is_named_with_every_layer_that_needs_it() {
    let model = staged(&RESOLVER, HOST);
    assert_eq!(
        missing(&model, &["dns-root-data"]),
        ["g++ for global", "tmux for hosts/ns1.example.org, global", "unbound for hosts/ns1.example.org, models/dns"]
    );
    assert_eq!(missing(&model, &["dns-root-data", "g++", "tmux", "unbound"]), [""; 0]);
}

#[test]
fn every_name_that_is_none_is_said_with_its_place() {
    let text =
        "[packages]\napt = [\"a\", \"Unbound\", \"x=1.0\", \"y:amd64\", \"-o\", \"unbound-\", \"ok\", 7]\nrpm = []";
    insta::assert_snapshot!(mistakes(&[("layer.toml", text)], HOST), @r"
    layer.toml:2:8: 'a' is not the name of a package
    layer.toml:2:13: 'Unbound' is not the name of a package
    layer.toml:2:24: 'x=1.0' is not the name of a package
    layer.toml:2:33: 'y:amd64' is not the name of a package
    layer.toml:2:44: '-o' is not the name of a package
    layer.toml:2:50: 'unbound-' is not the name of a package
    layer.toml:2:68: 'apt' must be a list of strings, this is an integer
    layer.toml:3:1: unknown key 'packages.rpm'
    ");
}

#[test]
fn a_layer_whose_package_is_missing_stays_as_it_is_and_the_others_go_on() {
    let model = staged(&RESOLVER, HOST);
    let host = Host::new(&[("etc/unbound/unbound.conf", file("by hand", 0o644))]);
    assert!(plan(&model, &host.snapshot(&model, &ManagedSet::default()), &ManagedSet::default(), SETTINGS).is_err());

    let waiting = model.waiting_for(names(&["dns-root-data"]).iter());
    let extent = Extent { waiting: Some(&waiting), ..Extent::default() };
    let plan = planned(&host, &model, &ManagedSet::default(), &extent).expect("owners of others are known");
    assert_eq!(
        shown(&plan),
        "+ etc/apt (Release by global)\n+ etc/apt/sources.list (Release by global)\n\
         + etc/motd (Release by hosts/ns1.example.org)\n\
         ! etc/unbound/unbound.conf (Waiting: its layer waits for package 'dns-root-data')\n"
    );
    assert!(!plan.managed_after().entries.contains_key(&path("etc/unbound/unbound.conf")));
}

#[test]
fn a_folder_of_a_waiting_layer_is_made_for_others_and_without_its_owner() {
    let model = staged(
        &[
            ("hosts/ns1.example.org/layer.toml", "use = [\"dns\"]"),
            ("models/dns/layer.toml", "[packages]\napt = [\"unbound\"]\n[files.\"srv/zones\"]\nowner = \"nobody-yet\""),
            ("models/dns/overlay/srv/zones/a", "a"),
            ("models/dns/overlay/srv/own/b", "b"),
            ("overlay/srv/zones/of-all", "c"),
        ],
        HOST,
    );
    let waiting = model.waiting_for(names(&["unbound"]).iter());
    let extent = Extent { waiting: Some(&waiting), ..Extent::default() };
    let plan = planned(&Host::default(), &model, &ManagedSet::default(), &extent).expect("a plan");
    assert_eq!(
        shown(&plan),
        "+ srv (Release by models/dns)\n+ srv/zones (Release by models/dns)\n+ srv/zones/of-all (Release by .)\n\
         ! srv/own/b (Waiting: its layer waits for package 'unbound')\n\
         ! srv/zones/a (Waiting: its layer waits for package 'unbound')\n"
    );
}

#[test]
fn what_a_waiting_layer_dropped_or_deletes_stays_until_its_package_is_there() {
    let layer = ("hosts/ns1.example.org/layer.toml", "[packages]\napt = [\"unbound\"]");
    let with = |path: &'static str| staged(&[layer, (path, "x")], HOST);
    let mut host = Host::new(&[("etc/old", file("old", 0o644))]);
    let (_, managed) = host.converge(&with("hosts/ns1.example.org/overlay/etc/left"), &ManagedSet::default());

    let model = with("hosts/ns1.example.org/delete/etc/old");
    let waiting = model.waiting_for(names(&["unbound"]).iter());
    let extent = Extent { waiting: Some(&waiting), ..Extent::default() };
    let held = planned(&host, &model, &managed, &extent).expect("a plan");
    assert_eq!(shown(&held), "");
    assert_eq!(held.managed_after().entries, managed.entries);
    assert_eq!(shown(&host.plan(&model, &managed)).lines().count(), 2, "both go afterwards");
}

const PATHS: [&str; 5] = ["etc/apt/a", "etc/apt/b/c", "etc/b", "srv/d", "etc/aptitude"];

/// Which layer has which of the paths, and a text.
fn files() -> impl Strategy<Value = Vec<(String, &'static str)>> {
    let layer = prop::sample::select(vec!["hosts/ns1.example.org", "models/dns", "global"]);
    let one = (layer, prop::sample::select(PATHS.to_vec()), prop::sample::select(vec!["1", "2"]));
    prop::collection::vec(one, 0..8).prop_map(|list| {
        let written = list.into_iter().map(|(layer, path, text)| (format!("{layer}/overlay/{path}"), text));
        let mut files: Vec<_> = written.collect();
        files.push(("hosts/ns1.example.org/layer.toml".into(), "use = [\"dns\"]\n[packages]\napt = [\"one\"]"));
        files.push(("models/dns/layer.toml".into(), "[packages]\napt = [\"two\"]"));
        files.push(("global/layer.toml".into(), "[packages]\napt = [\"three\"]"));
        files
    })
}

fn model_of(files: &[(String, &str)]) -> StagedModel {
    staged(&files.iter().map(|(path, text)| (path.as_str(), *text)).collect::<Vec<_>>(), HOST)
}

proptest! {
    #[test]
    fn part_by_part_a_host_arrives_where_it_arrives_at_once(
        before in files(), after in files(), absent in prop::collection::btree_set("one|two|three", 0..4)
    ) {
        let mut host = Host::default();
        let (_, managed) = host.converge(&model_of(&before), &ManagedSet::default());
        let model = model_of(&after);
        let mut at_once = host.clone();
        let (_, wanted) = at_once.converge(&model, &managed);

        let folder = path("etc/apt");
        let absent: Vec<&str> = absent.iter().map(String::as_str).collect();
        let waiting = model.waiting_for(names(&absent).iter());
        let first = Extent { only: Some(&folder), ..Extent::default() };
        let second = Extent { waiting: Some(&waiting), ..Extent::default() };
        let mut managed = managed;
        for extent in [first, second, Extent::default()] {
            let plan = planned(&host, &model, &managed, &extent).expect("a plan");
            for step in plan.steps() {
                let inside = extent.only.is_none_or(|only| step.path().is_below(only) || step.path() == only);
                let made_for_it = folder.is_below(step.path());
                prop_assert!(inside || made_for_it, "{} is outside", step.path());
                host.carry_out(step);
            }
            managed = plan.managed_after().clone();
        }
        prop_assert_eq!(&host, &at_once);
        prop_assert_eq!(managed.entries.keys().collect::<Vec<_>>(), wanted.entries.keys().collect::<Vec<_>>());
    }

    #[test]
    fn where_every_layer_waits_nothing_changes(before in files(), after in files()) {
        let mut host = Host::default();
        let (_, managed) = host.converge(&model_of(&before), &ManagedSet::default());
        let model = model_of(&after);
        let waiting: Waiting =
            (0..model.layers().len()).map(|at| (LayerIndex(u16::try_from(at).expect("few")), "all".into())).collect();
        let extent = Extent { waiting: Some(&waiting), ..Extent::default() };
        let plan = planned(&host, &model, &managed, &extent).expect("a plan");
        prop_assert!(plan.is_empty());
        let after = plan.managed_after();
        prop_assert_eq!(after.entries.keys().collect::<Vec<_>>(), managed.entries.keys().collect::<Vec<_>>());
    }
}

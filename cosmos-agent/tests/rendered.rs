//! What templates became, and modules of the agent, are kept with each generation: going back brings the bytes that were
//! there.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use cosmos_model::content::ContentHash;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use support::{NAME, Ran, Settled, put, read, tree};

const MODULE: &str = "[param.greeting]\ntype = 'string'\ndoc = 'what to say first'\n";
/// One file prints a fact and a parameter; one is there on some hosts only; one is every host's alike.
const TEMPLATES: [(&str, &str); 3] = [
    ("etc/hello", "{{ params.greeting }}, {{ facts.os.version }}\n"),
    ("etc/even", "{% if facts.os.version in ['2', '4'] %}{{ facts.os.version }}\n{% else %}{{ absent() }}{% endif %}"),
    ("etc/alike", "{{ params.greeting }}\n"),
];

/// Returns a host of a module with these templates, before its first run with them.
fn with_templates() -> Settled {
    let settled = Settled::new();
    settled.world.write("models/hello/layer.toml", MODULE);
    for (path, text) in TEMPLATES {
        settled.world.write(&format!("models/hello/templates/{path}"), text);
    }
    settled
}

fn greet(settled: &Settled, greeting: &str) {
    let own = format!("use = ['hello']\n[params.hello]\ngreeting = '{greeting}'\n");
    settled.world.write(&format!("hosts/{NAME}/layer.toml"), &own);
    settled.commit();
}

fn have(settled: &Settled, version: &str) {
    put(&settled.host, "etc/os-release", &format!("ID=debian\nVERSION_ID=\"{version}\"\n"));
}

#[track_caller]
fn well(ran: &Ran) {
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
}

fn back(settled: &Settled, number: u64) -> Ran {
    settled.world.on(&settled.host, &["rollback", &number.to_string()])
}

fn generation(settled: &Settled) -> u64 {
    settled.status()["applied"]["generation"].as_u64().expect("a number")
}

/// Returns a host that was greeted by two releases, on another version of its distribution each, and the generation of
/// the first.
fn twice() -> (Settled, u64) {
    let settled = with_templates();
    have(&settled, "12");
    greet(&settled, "hello");
    well(&settled.run());
    let first = generation(&settled);
    greet(&settled, "good morning");
    have(&settled, "13");
    well(&settled.run());
    (settled, first)
}

/// Returns the host without the agent's own files and what its facts come from.
fn managed(host: &Path) -> Vec<String> {
    let own = ["var", "run", "etc/cosmos", "etc/os-release"];
    tree(host).into_iter().filter(|line| !own.iter().any(|start| line.starts_with(start))).collect()
}

/// Returns what is kept of rendered files, by name.
fn contents(settled: &Settled) -> BTreeMap<String, String> {
    let Ok(folder) = fs::read_dir(settled.host.join("var/lib/cosmos/rendered")) else { return BTreeMap::new() };
    let text = |path: PathBuf| (path.file_name().expect("a name").display().to_string(), fs::read_to_string(&path));
    let files = folder.map(|entry| text(entry.expect("an entry").path()));
    files.map(|(name, text)| (name, text.expect("a file"))).collect()
}

/// Rewrites what is kept of generation `number`, as another version of the agent might have written it.
fn rewrite(settled: &Settled, number: u64, by: impl FnOnce(&mut Value)) {
    let path = "var/lib/cosmos/generations.json";
    let mut list: Value = serde_json::from_str(&read(&settled.host, path)).expect("JSON");
    let generations = list["generations"].as_array_mut().expect("a list");
    let one = generations.iter_mut().find(|one| one["number"] == number).expect("it is kept");
    let was = one["rendering"].as_str().expect("a hash");
    let mut rendering: Value = serde_json::from_str(&contents(settled)[was]).expect("JSON");
    by(&mut rendering);
    one["rendering"] = keep(settled, &rendering.to_string())["hash"].take();
    put(&settled.host, path, &list.to_string());
}

/// Keeps a content, and returns how a list names it.
fn keep(settled: &Settled, text: &str) -> Value {
    let hash = ContentHash::of(text.as_bytes()).to_string();
    put(&settled.host, &format!("var/lib/cosmos/rendered/{hash}"), text);
    json!({"hash": hash, "size": text.len()})
}

/// Makes the templates of generation `number` become something else than they did, as another agent's engine might:
/// what is kept of it no longer says by which facts.
fn forget_the_facts(settled: &Settled, number: u64) {
    rewrite(settled, number, |rendering| {
        rendering.as_object_mut().expect("an object").remove("facts").expect("facts were looked at");
    });
}

#[test]
fn going_back_brings_what_templates_became_by_the_facts_of_that_day() {
    let (settled, _) = twice();
    assert_eq!(read(&settled.host, "etc/hello"), "good morning, 13\n");
    well(&settled.world.on(&settled.host, &["rollback"]));
    assert_eq!(read(&settled.host, "etc/hello"), "hello, 12\n");
    let before = tree(&settled.host.join("var/lib/cosmos"));
    settled.run().prints("");
    assert_eq!(tree(&settled.host.join("var/lib/cosmos")), before, "no fact of today means anything");
    assert_eq!(settled.world.on(&settled.host, &["drift"]).status, 0);
    well(&settled.world.on(&settled.host, &["resume"]));
    well(&settled.run());
    assert_eq!(read(&settled.host, "etc/hello"), "good morning, 13\n");
}

#[test]
fn another_fact_is_another_generation_of_the_same_revision_and_one_can_go_back_to_it() {
    let settled = with_templates();
    have(&settled, "12");
    greet(&settled, "hello");
    well(&settled.run());
    let first = generation(&settled);
    have(&settled, "13");
    well(&settled.run());
    assert_eq!(generation(&settled), first + 1);
    put(&settled.host, "etc/hello", "by hand\n");
    well(&settled.run());
    assert_eq!(generation(&settled), first + 1, "a repair is none");
    well(&back(&settled, first));
    assert_eq!(read(&settled.host, "etc/hello"), "hello, 12\n");
    settled.run().prints("");
    well(&back(&settled, first + 1));
    assert_eq!(read(&settled.host, "etc/hello"), "hello, 13\n");
}

#[test]
fn going_back_needs_no_template_to_become_the_same_again() {
    let (settled, first) = twice();
    forget_the_facts(&settled, first);
    well(&back(&settled, first));
    assert_eq!(read(&settled.host, "etc/hello"), "hello, 12\n");
}

#[test]
fn what_is_not_kept_as_it_was_refuses_to_go_back_and_nothing_is_changed() {
    let (settled, first) = twice();
    forget_the_facts(&settled, first);
    let kept = ContentHash::of(b"hello, 12\n");
    put(&settled.host, &format!("var/lib/cosmos/rendered/{kept}"), "hello, 99\n");
    let before = managed(&settled.host);
    back(&settled, first).complains(
        1,
        &format!(
            "error: generation {first} cannot be had any more: what 'etc/hello' was is not kept any more\n\
             hint: go back to another one: see 'cosmos rollback --list'\n"
        ),
    );
    assert_eq!(managed(&settled.host), before);
    settled.run().prints("");
}

#[test]
fn each_content_is_kept_once_for_root_alone_while_a_generation_has_it_and_no_longer() {
    let settled = with_templates();
    let conf = "generations = 2\n";
    put(&settled.host, "etc/cosmos/agent.toml", conf);
    have(&settled, "12");
    greet(&settled, "one");
    well(&settled.run());
    // A release that lies elsewhere: templates are not even rendered.
    settled.world.write("global/overlay/srv/page", "no template\n");
    settled.commit();
    well(&settled.run());
    let kept = contents(&settled);
    let texts: Vec<&str> = kept.values().map(String::as_str).filter(|text| !text.starts_with('{')).collect();
    let mut sorted = texts.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, ["one\n", "one, 12\n"], "once for two generations");
    assert_eq!(kept.len(), 3, "and one list, since it is the same: {kept:?}");
    let mode = |path: &str| fs::metadata(settled.host.join(path)).expect("it is there").permissions().mode() & 0o7777;
    assert_eq!(mode("var/lib/cosmos/rendered"), 0o700);
    kept.keys().for_each(|name| assert_eq!(mode(&format!("var/lib/cosmos/rendered/{name}")), 0o600));
    for greeting in ["two", "three"] {
        greet(&settled, greeting);
        well(&settled.run());
    }
    let mut left: Vec<String> = contents(&settled).into_values().filter(|text| !text.starts_with('{')).collect();
    left.sort_unstable();
    assert_eq!(left, ["three\n", "three, 12\n", "two\n", "two, 12\n"], "two generations are kept");
    assert_eq!(contents(&settled).len(), 6);
}

#[test]
fn what_templates_became_is_bounded_and_the_oldest_generations_go_for_it() {
    let settled = with_templates();
    let conf = "backup-size = \"16K\"\n";
    put(&settled.host, "etc/cosmos/agent.toml", conf);
    have(&settled, "12");
    for letter in ["a", "b", "c", "d"] {
        greet(&settled, &letter.repeat(1_500));
        well(&settled.run());
    }
    // Each takes two times 1,500 bytes and a list; half of the bound is 8,192.
    let list = settled.world.on(&settled.host, &["rollback", "--list"]).stdout;
    assert_eq!(list.lines().count(), 2, "{list}");
    let size: usize = contents(&settled).values().map(String::len).sum();
    assert!((6_000..=8_192).contains(&size), "{size}");
    // Backups have the rest, in which three foreign versions do not fit.
    for letter in ["x", "y", "z"] {
        put(&settled.host, "etc/motd", &letter.repeat(3_500));
        well(&settled.run());
    }
    let backups = fs::read_dir(settled.host.join("var/lib/cosmos/backup")).expect("the backups");
    let backups: u64 = backups.map(|entry| entry.expect("an entry").metadata().expect("metadata").len()).sum();
    assert_eq!(backups, 7_000);
    assert!(backups + u64::try_from(size).expect("a size") <= 16_384, "{backups} {size}");
    greet(&settled, &"e".repeat(9_000));
    well(&settled.run());
    let list = settled.world.on(&settled.host, &["rollback", "--list"]).stdout;
    assert_eq!(list.lines().count(), 2, "the newest and a good one before it stay, however large: {list}");
}

#[test]
fn a_run_that_was_killed_before_its_state_was_written_still_keeps_what_templates_became() {
    let settled = with_templates();
    have(&settled, "12");
    greet(&settled, "hello");
    well(&settled.run());
    greet(&settled, "good morning");
    let folder = settled.host.join("var/lib/cosmos");
    let before = ["state.json", "log.jsonl", "generations.json"].map(|name| (name, read(&folder, name)));
    well(&settled.run());
    // As if it had ended right after the managed set was written.
    before.iter().for_each(|(name, text)| put(&folder, name, text));
    fs::remove_dir_all(folder.join("rendered")).expect("what was kept");
    well(&settled.run());
    assert!(contents(&settled).values().any(|text| text == "good morning, 12\n"), "{:?}", contents(&settled));
}

/// A module that comes with the agent, and two of its files that are nobody's template.
const BUILT_IN: &str = "usb-backup";
const TIMER: &str = "etc/systemd/system/android-backup-age.timer";
const SOCKET: &str = "etc/systemd/system/android-backup-adb.socket";

/// Returns a host of a module that comes with the agent, and of `greeting`, and the generation that it is.
fn with_a_module_of_the_agent() -> (Settled, u64) {
    let settled = Settled::new();
    say(&settled, "one");
    let ran = settled.run();
    assert_eq!(ran.status, 0, "{ran:?}");
    let first = generation(&settled);
    (settled, first)
}

fn say(settled: &Settled, text: &str) {
    let own = format!("use = ['{BUILT_IN}']\n[params.{BUILT_IN}]\nphones = ['{text}']\n");
    settled.world.write(&format!("hosts/{NAME}/layer.toml"), &own);
    settled.world.write("global/overlay/etc/issue", text);
    settled.commit();
}

/// Makes the modules of generation `number` those of another agent: a file says something else, one is not there, and
/// one is that today's agent does not have.
fn of_another_agent(settled: &Settled, number: u64) {
    let (timer, script) = (keep(settled, "[Timer]\n"), keep(settled, "#!/bin/sh\n"));
    rewrite(settled, number, |rendering| {
        let modules = rendering["modules"].as_object_mut().expect("its modules are kept");
        modules.insert(format!("{BUILT_IN}/overlay/{TIMER}"), timer).expect("today's has it, too");
        modules.remove(&format!("{BUILT_IN}/overlay/{SOCKET}")).expect("today's has it");
        let script = json!({"hash": script["hash"], "size": script["size"], "executable": true});
        modules.insert(format!("{BUILT_IN}/overlay/usr/local/sbin/backup"), script);
    });
}

#[test]
fn going_back_brings_the_modules_of_the_agent_that_was_there_and_going_on_those_of_todays() {
    let (settled, first) = with_a_module_of_the_agent();
    of_another_agent(&settled, first);
    say(&settled, "two");
    let ran = settled.run();
    assert_eq!(ran.status, 0, "{ran:?}");
    let (timer, socket) = (read(&settled.host, TIMER), read(&settled.host, SOCKET));
    let planned = settled.world.on(&settled.host, &["rollback", "-n"]);
    assert!(planned.status == 0 && planned.stdout.contains("usr/local/sbin/backup"), "{planned:?}");
    let ran = back(&settled, first);
    assert_eq!(ran.status, 0, "{ran:?}");
    let script = settled.host.join("usr/local/sbin/backup");
    assert_eq!(read(&settled.host, TIMER), "[Timer]\n");
    assert_eq!(fs::read_to_string(&script).expect("the file that only the other agent had"), "#!/bin/sh\n");
    assert_eq!(fs::metadata(&script).expect("it is there").permissions().mode() & 0o777, 0o755);
    assert!(!settled.host.join(SOCKET).exists(), "the other agent did not have it");
    assert_eq!(read(&settled.host, "etc/issue"), "one");
    assert_eq!(settled.world.on(&settled.host, &["drift"]).status, 0);
    settled.run().prints("");
    // Drift is repaired from what is kept: no store and no agent has these bytes.
    put(&settled.host, TIMER, "by hand\n");
    assert_eq!(settled.run().status, 0);
    assert_eq!(read(&settled.host, TIMER), "[Timer]\n");
    assert_eq!(settled.world.on(&settled.host, &["resume"]).status, 0);
    assert_eq!(settled.run().status, 0);
    assert_eq!((read(&settled.host, TIMER), read(&settled.host, SOCKET)), (timer, socket));
    assert!(!script.exists(), "it left with its agent");
}

#[test]
fn why_names_a_module_of_the_agent_that_lost_a_path_to_the_hosts_own_layer() {
    let (settled, _) = with_a_module_of_the_agent();
    settled.world.write(&format!("hosts/{NAME}/overlay/{TIMER}"), "[Timer]\n");
    settled.commit();
    assert_eq!(settled.run().status, 0);
    let why = settled.world.on(&settled.host, &["why", TIMER]).stdout;
    assert!(why.contains(&format!("\nlost        built-in/{BUILT_IN}\n")), "{why}");
}

#[test]
fn another_agents_module_is_another_generation_of_the_same_revision() {
    let (settled, first) = with_a_module_of_the_agent();
    of_another_agent(&settled, first);
    let path = "var/lib/cosmos/state.json";
    let mut state: Value = serde_json::from_str(&read(&settled.host, path)).expect("JSON");
    state["rests_on"].as_object_mut().expect("it rests on its modules").remove("identity").expect("by their identity");
    put(&settled.host, path, &state.to_string());
    assert_eq!(settled.run().status, 0);
    assert_eq!(generation(&settled), first + 1, "the agent was upgraded");
    assert_eq!(back(&settled, first).status, 0);
    assert_eq!(read(&settled.host, TIMER), "[Timer]\n");
    assert_eq!(back(&settled, first + 1).status, 0);
    assert_ne!(read(&settled.host, TIMER), "[Timer]\n");
}

#[test]
fn a_module_that_is_not_kept_as_it_was_refuses_to_go_back_and_nothing_is_changed() {
    let (settled, first) = with_a_module_of_the_agent();
    of_another_agent(&settled, first);
    say(&settled, "two");
    assert_eq!(settled.run().status, 0);
    let kept = ContentHash::of(b"[Timer]\n");
    put(&settled.host, &format!("var/lib/cosmos/rendered/{kept}"), "[Tamed]\n");
    let before = managed(&settled.host);
    back(&settled, first).complains(
        1,
        &format!(
            "error: generation {first} cannot be had any more: '{BUILT_IN}/overlay/{TIMER}' of its modules is not kept \
             any more\nhint: go back to another one: see 'cosmos rollback --list'\n"
        ),
    );
    assert_eq!(managed(&settled.host), before);
}

/// What happens to a host between two runs.
#[derive(Debug, Clone)]
enum Event {
    /// The distribution is upgraded.
    Version(u8),
    /// A release with another parameter.
    Greeting(u8),
    /// A release with another template.
    Template(u8),
    /// A release that has nothing to do with templates.
    Motd(u8),
}

fn happen(settled: &Settled, event: &Event) {
    match event {
        Event::Version(number) => have(settled, &number.to_string()),
        Event::Greeting(number) => greet(settled, &format!("hello {number}")),
        Event::Template(number) => {
            let text = format!("{{{{ params.greeting }}}} {number} {{{{ facts.os.version }}}}\n");
            settled.world.write("models/hello/templates/etc/hello", &text);
            settled.commit();
        }
        Event::Motd(number) => {
            settled.world.write("global/overlay/etc/motd", &format!("{number}\n"));
            settled.commit();
        }
    }
}

/// Applies what happens, then goes back to every generation there was, newest first: the host is what it was then.
/// Naming the very newest means going on, by the facts of today.
fn is_the_identity(events: &[Vec<Event>], versions: &[u8]) -> Result<(), TestCaseError> {
    let settled = with_templates();
    have(&settled, "1");
    greet(&settled, "hello");
    well(&settled.run());
    let mut was = BTreeMap::from([(generation(&settled), managed(&settled.host))]);
    for some in events {
        some.iter().for_each(|event| happen(&settled, event));
        well(&settled.run());
        was.insert(generation(&settled), managed(&settled.host));
    }
    let foreign = settled.host.join("srv/foreign");
    put(&settled.host, "srv/foreign", "nobody's business\n");
    for (number, version) in was.keys().rev().skip(1).copied().zip(versions.iter().cycle()) {
        have(&settled, &version.to_string());
        well(&back(&settled, number));
        fs::rename(&foreign, settled.world.path("foreign")).expect("it is still there");
        fs::remove_dir(settled.host.join("srv")).expect("nothing else is there");
        prop_assert_eq!(&managed(&settled.host), &was[&number], "generation {}", number);
        put(&settled.host, "srv/foreign", "nobody's business\n");
        prop_assert_eq!(settled.world.on(&settled.host, &["drift"]).status, 0);
    }
    Ok(())
}

#[test]
fn applying_and_going_back_is_the_identity_whatever_facts_and_parameters_changed_in_between() {
    let event = prop_oneof![
        (1u8..5).prop_map(Event::Version),
        (0u8..3).prop_map(Event::Greeting),
        (0u8..3).prop_map(Event::Template),
        (0u8..3).prop_map(Event::Motd),
    ];
    let histories =
        (prop::collection::vec(prop::collection::vec(event, 1..4), 1..5), prop::collection::vec(1u8..5, 1..4));
    let law = ProptestConfig::default();
    let config =
        ProptestConfig { cases: (law.cases / 64).min(60), max_shrink_iters: 10, failure_persistence: None, ..law };
    TestRunner::new(config)
        .run(&histories, |(events, versions)| is_the_identity(&events, &versions))
        .unwrap_or_else(|error| panic!("{error}"));
}

//! Parameters, templates and facts on a host: what is rendered, when it is rendered again, and when nothing is done.

mod support;

use std::fs;

use support::{Settled, put, read};

const MODULE: &str = "[param.greeting]\ntype = 'string'\ndoc = 'what to say first'\n";

/// Returns a host of a module whose template prints a parameter and the distribution's version.
fn rendered() -> Settled {
    let settled = Settled::new();
    put(&settled.host, "etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n");
    let own = "use = ['hello']\n[params.hello]\ngreeting = 'hello'\n";
    settled.world.write("hosts/ns1.example.org/layer.toml", own);
    settled.world.write("models/hello/layer.toml", MODULE);
    settled.world.write("models/hello/templates/etc/hello", "{{ params.greeting }}, {{ facts.os.version }}\n");
    settled.commit();
    assert_eq!(settled.run().status, 0);
    settled
}

fn state(settled: &Settled) -> serde_json::Value {
    serde_json::from_str(&read(&settled.host, "var/lib/cosmos/state.json")).expect("JSON")
}

#[test]
fn a_template_becomes_a_file_that_is_managed_by_its_content() {
    let settled = rendered();
    assert_eq!(read(&settled.host, "etc/hello"), "hello, 12\n");
    let second = settled.world.on(&settled.host, &["run"]);
    assert_eq!((second.status, second.stdout.as_str(), second.stderr.as_str()), (0, "", ""));

    fs::write(settled.host.join("etc/hello"), "somebody was here\n").expect("an edit");
    let drift = settled.world.on(&settled.host, &["drift"]);
    assert_eq!((drift.status, drift.stdout.as_str()), (5, "~ etc/hello  content differs\n"), "{drift:?}");
    let run = settled.world.on(&settled.host, &["run"]);
    assert_eq!((run.status, run.stdout.as_str()), (0, "~ etc/hello  drift repaired\n"), "{run:?}");
    assert_eq!(read(&settled.host, "etc/hello"), "hello, 12\n");
}

#[test]
fn another_value_renders_again_and_plan_shows_the_difference() {
    let settled = rendered();
    let own = "use = ['hello']\n[params.hello]\ngreeting = 'good morning'\n";
    settled.world.write("hosts/ns1.example.org/layer.toml", own);
    settled.commit();
    assert_eq!(settled.world.on(&settled.host, &["update"]).status, 0);
    let plan = settled.world.on(&settled.host, &["plan"]);
    assert_eq!(plan.stdout, "~ etc/hello\n    @@ -1 +1 @@\n    -hello, 12\n    +good morning, 12\n", "{plan:?}");
    let run = settled.world.on(&settled.host, &["run"]);
    assert_eq!((run.status, run.stdout.as_str()), (0, "~ etc/hello\n"), "{run:?}");
}

#[test]
fn a_fact_that_a_template_looked_at_renders_again_without_a_release_and_another_does_not() {
    let settled = rendered();
    let before = state(&settled);
    put(&settled.host, "etc/timezone", "Europe/Stockholm\n");
    let run = settled.world.on(&settled.host, &["run"]);
    assert_eq!((run.status, run.stdout.as_str()), (0, ""), "{run:?}");
    assert_eq!(state(&settled), before, "a run without news writes no state");

    put(&settled.host, "etc/os-release", "ID=debian\nVERSION_ID=\"13\"\n");
    let drift = settled.world.on(&settled.host, &["plan"]);
    assert!(drift.stdout.starts_with("~ etc/hello\n"), "{drift:?}");
    let run = settled.world.on(&settled.host, &["run"]);
    assert_eq!((run.status, run.stdout.as_str()), (0, "~ etc/hello\n"), "{run:?}");
    assert_eq!(read(&settled.host, "etc/hello"), "hello, 13\n");
    let run = settled.world.on(&settled.host, &["run"]);
    assert_eq!((run.status, run.stdout.as_str()), (0, ""), "{run:?}");
}

#[test]
fn a_run_that_was_killed_while_facts_changed_the_model_stages_it_again() {
    let settled = rendered();
    let mut state = state(&settled);
    assert_eq!(state["rests_on"]["on"]["facts"], serde_json::json!(["os"]));
    // What the state says between the first change and the last.
    state["rests_on"]["identity"] = serde_json::Value::Null;
    fs::write(settled.host.join("var/lib/cosmos/state.json"), state.to_string()).expect("a state");
    put(&settled.host, "etc/os-release", "ID=debian\nVERSION_ID=\"13\"\n");
    let run = settled.world.on(&settled.host, &["run"]);
    assert_eq!((run.status, run.stdout.as_str()), (0, "~ etc/hello\n"), "{run:?}");
    assert!(self::state(&settled)["rests_on"]["identity"].is_string());
}

#[test]
fn a_model_that_rests_on_no_fact_remembers_none() {
    let settled = rendered();
    settled.world.write("models/hello/templates/etc/hello", "{{ params.greeting }}\n");
    settled.commit();
    let run = settled.world.on(&settled.host, &["run"]);
    assert_eq!((run.status, run.stdout.as_str()), (0, "~ etc/hello\n"), "{run:?}");
    assert_eq!(state(&settled)["rests_on"], serde_json::Value::Null);
}

#[test]
fn one_bad_parameter_leaves_the_host_untouched_and_the_release_before_enforced() {
    let settled = rendered();
    settled.world.write("hosts/ns1.example.org/layer.toml", "use = ['hello']\n[params.hello]\ngreeting = 5\n");
    settled.world.write("models/hello/overlay/etc/other", "other\n");
    settled.commit();
    let run = settled.world.on(&settled.host, &["run"]);
    assert_eq!(run.status, 1, "{run:?}");
    assert_eq!(
        run.stderr,
        "error: hosts/ns1.example.org/layer.toml:3:12: 'params.hello.greeting' must be a string, this is an integer\n\
         hint: what to say first (string, required); what was applied before stays enforced until then\n"
    );
    assert!(!settled.host.join("etc/other").exists());
    assert_eq!(read(&settled.host, "etc/hello"), "hello, 12\n");
}

#[test]
fn params_shows_every_value_with_its_origin_and_what_it_beat() {
    let settled = rendered();
    settled.world.write("global/layer.toml", "[params.hello]\ngreeting = 'good day'\n");
    let repository = settled.world.repo();
    let words = ["params", "ns1.example.org", "--repository", repository.to_str().expect("a path")];
    let shown = settled.world.cosmos(&words);
    assert_eq!(
        shown.stdout,
        "hello.greeting = \"hello\"  hosts/ns1.example.org/layer.toml:3:12\n    not \"good day\"  global/layer.toml:2:12\n",
        "{shown:?}"
    );
    let json = settled.world.cosmos(&[&words[..], &["--json"]].concat());
    let document: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(
        document["params"],
        serde_json::json!({"modules": [{"name": "hello", "layer": "models/hello", "params": [{
            "name": "greeting", "type": "string", "doc": "what to say first (string, required)",
            "value": "hello", "from": "hosts/ns1.example.org/layer.toml:3:12",
            "beat": [{"value": "good day", "from": "global/layer.toml:2:12"}],
        }]}]})
    );
}

#[test]
fn facts_are_printed_as_templates_call_them_and_as_json_that_reads_back() {
    let settled = rendered();
    put(&settled.host, "etc/machine-id", "0123456789abcdef0123456789abcdef\n");
    let shown = settled.world.on(&settled.host, &["facts"]);
    assert!(shown.stdout.contains("\nos.version = 12\n") && shown.stdout.contains("\nfqdn = ns1.example.org\n"));
    assert!(!shown.stdout.contains("0123456789abcdef"), "the machine id stays on the machine");
    let json = settled.world.on(&settled.host, &["facts", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    let facts: cosmos_model::facts::Facts = serde_json::from_value(document["facts"].clone()).expect("facts");
    assert_eq!((facts.format, facts.fqdn.as_deref()), (1, Some("ns1.example.org")));
    assert!(facts.memory.is_some_and(|bytes| bytes > 1 << 20) && facts.cpus.is_some_and(|cpus| cpus > 0));
    assert!(facts.interfaces["lo"].addresses.contains(&"127.0.0.1/8".to_owned()), "{facts:?}");
}

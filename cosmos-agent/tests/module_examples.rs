//! `cosmos module test`: examples of modules, those that come with cosmos and those of a repository.

mod support;

use std::path::Path;

use support::{Ran, World};

const MODULE: &str = "[param.network]\ntype = 'cidr'\ndoc = 'whom to greet'\n\
    [param.gateway]\ntype = 'ip'\ndoc = 'the way out'\n\
    [[require]]\nthat = 'params.gateway is within(params.network)'\n\
    message = '{{ params.gateway }} is not in {{ params.network }}'\nabout = 'gateway'\n";

const HOST: &str = "use = ['greeter']\n[params.greeter]\nnetwork = '192.0.2.0/24'\ngateway = '192.0.2.1'\n";

/// Returns a repository with a module and an example of it that expects nothing yet.
fn repository() -> World {
    let world = World::new();
    let ada = world.operator("ada", "ed25519");
    world.found(&[&ada]);
    world.write("models/greeter/layer.toml", MODULE);
    world.write("models/greeter/templates/etc/greeter", "{{ params.network }} {{ facts.kernel }}\n");
    world.write("models/greeter/overlay/etc/carried", "as it is\n");
    world.write("models/greeter/tests/plain/layer.toml", HOST);
    world.write("models/greeter/tests/plain/facts.json", r#"{"format":1,"kernel":"6.1.0","interfaces":{}}"#);
    world.write("models/greeter/tests/outside/layer.toml", &HOST.replace("192.0.2.1", "198.51.100.1"));
    world
}

fn tested(world: &World, words: &[&str]) -> Ran {
    let repository = world.repo();
    world.cosmos(&[&["module", "--repository", repository.to_str().expect("a path"), "test"], words].concat())
}

/// As the binary has them, without a clone; and every module below the project's `models/` has one.
#[test]
fn examples_of_all_modules_that_come_with_cosmos_hold() {
    let world = World::new();
    let ran = world.cosmos(&["module", "--repository", "/", "test"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models");
    let mut examples = 0;
    for module in std::fs::read_dir(models).expect("the project's modules") {
        let module = module.expect("an entry");
        let tests = std::fs::read_dir(module.path().join("tests"));
        for example in tests.unwrap_or_else(|_| panic!("{} has no example", module.path().display())) {
            let name = example.expect("an entry").file_name();
            let line = format!("ok   {}/{}\n", module.file_name().display(), name.display());
            assert!(ran.stdout.contains(&line), "{line}{ran:?}");
            examples += 1;
        }
    }
    assert!(ran.stdout.ends_with(&format!("\n{examples} passed, 0 failed\n")), "{ran:?}");
}

#[test]
fn what_comes_of_an_example_is_written_and_a_change_of_the_module_shows() {
    let world = repository();
    let ran = tested(&world, &["greeter"]);
    let shown = "FAIL greeter/outside\n    + mistakes  was not expected\n    @@ -0,0 +1 @@\n    \
        +hosts/host.example.org/layer.toml:4:11: 198.51.100.1 is not in 192.0.2.0/24\n\
        FAIL greeter/plain\n    + expected/etc/greeter  was not expected\n    @@ -0,0 +1 @@\n    \
        +192.0.2.0/24 6.1.0\n0 passed, 2 failed\n";
    assert_eq!((ran.status, ran.stdout.as_str()), (1, shown), "{ran:?}");

    assert_eq!(tested(&world, &["greeter", "--write"]).status, 0);
    let ran = tested(&world, &["greeter"]);
    assert_eq!(
        (ran.status, ran.stdout.as_str()),
        (0, "ok   greeter/outside\nok   greeter/plain\n2 passed, 0 failed\n"),
        "{ran:?}"
    );

    world.write("models/greeter/templates/etc/greeter", "{{ params.gateway }}\n");
    world.write("models/greeter/templates/etc/more", "more\n");
    let ran = tested(&world, &["greeter"]);
    let shown = "ok   greeter/outside\nFAIL greeter/plain\n    ~ expected/etc/greeter\n    @@ -1 +1 @@\n    \
        -192.0.2.0/24 6.1.0\n    +192.0.2.1\n    + expected/etc/more  was not expected\n    @@ -0,0 +1 @@\n    \
        +more\n1 passed, 1 failed\n";
    assert_eq!((ran.status, ran.stdout.as_str()), (1, shown), "{ran:?}");
    let json = tested(&world, &["greeter", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(
        document["module"]["examples"][0],
        serde_json::json!({"name":"greeter/outside","passed":true,"differences":null})
    );

    world.write("models/greeter/tests/outside/layer.toml", HOST);
    let ran = tested(&world, &["greeter"]);
    assert!(ran.stdout.contains("    - mistakes  did not come\n"), "{ran:?}");
}

#[test]
fn a_module_that_is_not_there_or_has_no_example_is_named() {
    let world = repository();
    let ran = tested(&world, &["nobody"]);
    assert_eq!((ran.status, ran.stderr.lines().next()), (2, Some("error: there is no module 'nobody'")), "{ran:?}");
    world.write("models/silent/layer.toml", MODULE);
    let ran = tested(&world, &["silent"]);
    assert_eq!((ran.status, ran.stderr.lines().next()), (2, Some("error: the module 'silent' has no example")));
    assert_eq!(tested(&world, &["dns-resolver"]).status, 0, "one that comes with cosmos");
}

#[test]
fn a_new_module_begins_with_an_example_that_holds() {
    let world = repository();
    let repository = world.repo();
    let made = world.cosmos(&["module", "--repository", repository.to_str().expect("a path"), "new", "fresh"]);
    assert_eq!(made.status, 0, "{made:?}");
    let ran = tested(&world, &["fresh"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (0, "ok   fresh/first\n1 passed, 0 failed\n"), "{ran:?}");
}

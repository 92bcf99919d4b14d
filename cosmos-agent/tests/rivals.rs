//! Modules that are in each other's way on one host: a port, a file, a service.

mod support;

use support::{Ran, World};

const PORT: &str = "type = 'port'\ndefault = 53\ndoc = 'where it listens'\n";

/// Makes a repository with two name servers, of which `ns1` uses both.
fn repository() -> World {
    let world = World::new();
    let ada = world.operator("ada", "ed25519");
    world.found(&[&ada]);
    for (module, address) in [("first", "192.0.2.1/24"), ("second", "192.0.2.2")] {
        let layer = format!(
            "[param.port]\n{PORT}[param.at]\ntype = 'list of string'\ndefault = ['{address}']\ndoc = 'where'\n\
             [[port]]\nservice = '{module}d'\nnumber = 'params.port'\naddresses = 'params.at'\n\
             [[service]]\nname = '{module}d'\nenabled = true\n"
        );
        world.write(&format!("models/{module}/layer.toml"), &layer);
        world.write(&format!("models/{module}/overlay/etc/{module}"), "its own\n");
    }
    host(&world, "");
    world.commit(&ada, "hosts");
    world
}

fn host(world: &World, more: &str) {
    world.write("hosts/ns1.example.org/layer.toml", &format!("use = ['first', 'second']\n{more}"));
}

fn lint(world: &World) -> Ran {
    let repository = world.repo();
    world.cosmos(&["lint", "--repository", repository.to_str().expect("a path")])
}

fn plan(world: &World) -> Ran {
    let repository = world.repo();
    world.cosmos(&["plan", "--host", "ns1.example.org", "--repository", repository.to_str().expect("a path")])
}

#[test]
fn two_services_may_have_one_port_at_two_addresses_but_not_at_one() {
    let world = repository();
    assert_eq!((lint(&world).status, plan(&world).status), (0, 0));
    host(&world, "[params.second]\nat = ['192.0.2.3', '192.0.2.1']\n");
    let text = "hosts/ns1.example.org/layer.toml: port 53 at 192.0.2.1 is wanted by 'firstd' (first) and by \
        'secondd' (second)";
    let linted = lint(&world);
    assert_eq!((linted.status, linted.stdout.lines().nth(1).map(str::trim)), (1, Some(text)), "{linted:?}");
    let planned = plan(&world);
    assert!(planned.stderr.contains(text), "{planned:?}");
    assert_eq!(planned.status, 1);
    host(&world, "[params.second]\nat = ['192.0.2.1']\nport = 54\n");
    assert_eq!((lint(&world).status, plan(&world).status), (0, 0));
}

#[test]
fn what_is_no_port_or_no_address_is_a_mistake_of_the_layer() {
    let world = repository();
    host(&world, "[params.second]\nat = ['everywhere']\n");
    assert!(
        plan(&world).stderr.contains("models/second/layer.toml:9:1: 'everywhere' is no address"),
        "{:?}",
        plan(&world)
    );
    for (number, said) in [("params.prt", "cannot work out 'params.prt'"), ("70000", "'70000' is no port")] {
        world.write("models/third/layer.toml", &format!("[[port]]\nservice = 'x'\nnumber = '{number}'\n"));
        world.write("hosts/ns1.example.org/layer.toml", "use = ['third']\n");
        assert!(plan(&world).stderr.contains(&format!("models/third/layer.toml:1:1: {said}")), "{:?}", plan(&world));
    }
}

#[test]
fn files_and_services_that_two_layers_bring_are_told_of_unless_one_uses_the_other() {
    let world = repository();
    world.write("models/first/overlay/etc/both", "one way\n");
    world.write("models/second/templates/etc/both", "another way\n");
    world.write("models/first/overlay/etc/same", "one way\n");
    world.write("models/second/overlay/etc/same", "one way\n");
    let layer = "[[service]]\nname = 'shared'\nenabled = true\n";
    world.write("models/third/layer.toml", layer);
    world.write("models/fourth/layer.toml", &layer.replace("true", "false"));
    world.write("hosts/ns1.example.org/layer.toml", "use = ['first', 'second', 'third', 'fourth']\n");
    let texts = [
        "models/first: brings the file 'etc/both', as does 'models/second' in another way; the first wins",
        "models/third: brings the service 'shared', as does 'models/fourth' in another way; the first wins",
    ];
    let (linted, planned) = (lint(&world), plan(&world));
    assert_eq!(planned.status, 0, "{planned:?}");
    for text in texts {
        assert!(linted.stdout.contains(&format!("wanted-twice\n    {}", texts[0])), "{linted:?}");
        assert!(linted.stdout.contains(text), "{linted:?}");
        assert!(planned.stdout.contains(&format!("! {text}  ns1.example.org\n")), "{planned:?}");
    }
    assert!(!linted.stdout.contains("the file 'etc/same'"), "{linted:?}");

    world.write("models/between/layer.toml", "use = ['second']\n");
    let used = format!(
        "use = ['between']\n{}",
        std::fs::read_to_string(world.repo().join("models/first/layer.toml")).expect("it")
    );
    world.write("models/first/layer.toml", &used);
    world.write("models/third/layer.toml", &format!("use = ['fourth']\n{layer}"));
    assert!(!lint(&world).stdout.contains("wanted-twice"), "{:?}", lint(&world));
    assert!(!plan(&world).stdout.contains("brings"), "{:?}", plan(&world));
}

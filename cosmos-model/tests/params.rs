//! Parameters: what modules declare, who gives them, who wins, and everything that can be wrong (docs/formats.md §21).

mod support;

use cosmos_model::host_name::HostName;
use cosmos_model::params::{Settings, Value};
use cosmos_model::stage::{self, StageError};
use support::{Objects, Tree, native, stage_tree};

const HOST: &str = "ns1.example.org";

/// A module with a parameter of each kind that these tests need.
const DNS: &str = r#"
[param.lan]
type = "interface"
doc = "the interface of the local network"
[param.port]
type = "port"
default = 53
doc = "where the resolver listens"
[param.forward]
type = "list of ip"
default = []
doc = "resolvers to ask"
"#;

fn params(files: &[(&str, &str)]) -> Result<Vec<Settings>, StageError> {
    let mut objects = Objects::default();
    let root = Tree::new(files).write(&mut objects);
    stage::params(root, &HostName::new(HOST).expect("a name"), (0, 1, 0), None, &objects)
}

/// Returns the parameters, a line each: value, origin, and what was beaten.
fn shown(files: &[(&str, &str)]) -> String {
    let settings = params(files).unwrap_or_else(|error| panic!("{error}"));
    let winner =
        |(value, from): &(Value, Option<String>)| format!("{value} ({})", from.as_deref().unwrap_or("default"));
    let lines = settings.iter().flat_map(|module| {
        module.params.iter().map(|param| {
            let beat: Vec<String> = param.beat.iter().map(winner).collect();
            let beat = if beat.is_empty() { String::new() } else { format!(" over {}", beat.join(", ")) };
            format!("{}.{} = {}{beat}\n", module.module, param.name, winner(&param.winner))
        })
    });
    lines.collect()
}

/// Returns every mistake as people see it: the place and what is wrong, then the hint.
fn mistakes(files: &[(&str, &str)]) -> String {
    match stage_tree(&Tree::new(files), &native(HOST)).expect_err("there are mistakes") {
        StageError::Mistakes(mistakes) => {
            mistakes.iter().map(|mistake| format!("{mistake}\n  {}\n", mistake.hint)).collect()
        }
        other => other.to_string(),
    }
}

/// Returns the mistakes about one value of one declared type.
fn refused(kind: &str, value: &str) -> String {
    let declaration = format!("[param.it]\ndoc = 'what it is'\n{kind}");
    let given = format!("use = ['m']\n[params.m]\nit = {value}");
    mistakes(&[("hosts/ns1.example.org/layer.toml", &given), ("models/m/layer.toml", &declaration)])
}

#[test]
fn the_host_wins_over_layers_over_the_last_rule_over_global_over_the_root_over_the_default() {
    let fleet = "[[rule]]\nhosts = ['**']\n[rule.params.dns]\nlan = 'first'\nport = 1\n\
                 [[rule]]\nhosts = ['**']\nuse = ['dns']\n[rule.params.dns]\nlan = 'second'\n";
    let files = [
        ("fleet.toml", fleet),
        ("hosts/ns1.example.org/layer.toml", "use = ['site']\n[params.dns]\nlan = 'own'\n"),
        ("models/site/layer.toml", "[params.dns]\nlan = 'site'\nforward = ['192.0.2.1', '192.0.2.2']\n"),
        ("models/dns/layer.toml", DNS),
        ("global/layer.toml", "[params.dns]\nlan = 'global'\nport = 2\nforward = ['192.0.2.3']\n"),
        ("layer.toml", "[params.dns]\nlan = 'root'\nport = 3\n"),
    ];
    assert_eq!(
        shown(&files),
        "dns.lan = \"own\" (hosts/ns1.example.org/layer.toml:3:7) over \"site\" (models/site/layer.toml:2:7), \
         \"second\" (fleet.toml:10:7), \"first\" (fleet.toml:4:7), \"global\" (global/layer.toml:2:7), \
         \"root\" (layer.toml:2:7)\n\
         dns.port = 1 (fleet.toml:5:8) over 2 (global/layer.toml:3:8), 3 (layer.toml:3:8), 53 (default)\n\
         dns.forward = [\"192.0.2.1\", \"192.0.2.2\"] (models/site/layer.toml:3:11) over [\"192.0.2.3\"] \
         (global/layer.toml:4:11), [] (default)\n"
    );
}

#[test]
fn a_rule_that_does_not_mean_the_host_gives_it_nothing() {
    let fleet = "[[rule]]\nhosts = ['**', '!ns1.*.*']\n[rule.params.dns]\nport = 1\n";
    let own = "use = ['dns']\n[params.dns]\nlan = 'eth1'\n";
    let files = [("fleet.toml", fleet), ("hosts/ns1.example.org/layer.toml", own), ("models/dns/layer.toml", DNS)];
    assert!(shown(&files).contains("dns.port = 53 (default)\n"));
}

#[test]
fn every_mistake_is_said_at_once_with_its_place_and_the_parameters_doc() {
    let files = [
        (
            "hosts/ns1.example.org/layer.toml",
            "use = ['dns']\n[params.dns]\nport = '53'\nprot = 1\nforward = ['x', 5]\n",
        ),
        ("models/dns/layer.toml", DNS),
        ("global/layer.toml", "[params.dns]\nport = 70000\n[params.dsn]\nport = 1\n"),
    ];
    assert_eq!(
        mistakes(&files),
        "global/layer.toml:2:8: 'params.dns.port' must be a port: 70000 is not from 1 to 65535\n\
         \x20 where the resolver listens (port, 53 by default)\n\
         global/layer.toml:3:9: there is no module 'dsn'\n\
         \x20 'cosmos module list' says which there are\n\
         hosts/ns1.example.org/layer.toml:2:9: 'params.dns.lan' is missing\n\
         \x20 the interface of the local network (interface, required)\n\
         hosts/ns1.example.org/layer.toml:3:8: 'params.dns.port' must be a port, this is a string\n\
         \x20 where the resolver listens (port, 53 by default)\n\
         hosts/ns1.example.org/layer.toml:4:8: the module 'dns' has no parameter 'prot'\n\
         \x20 it has: lan, port, forward\n\
         hosts/ns1.example.org/layer.toml:5:12: 'params.dns.forward[0]' must be an ip: 'x' is not an address\n\
         \x20 resolvers to ask (list of ip, [] by default)\n\
         hosts/ns1.example.org/layer.toml:5:17: 'params.dns.forward[1]' must be an ip, this is an integer\n\
         \x20 resolvers to ask (list of ip, [] by default)\n"
    );
}

#[test]
fn parameters_of_a_module_that_the_host_does_not_use_are_a_mistake_in_its_own_layer_only() {
    let unused = "[params.dns]\nlan = 'eth1'\n";
    let files =
        [("global/layer.toml", unused), ("hosts/ns1.example.org/overlay/a", "a"), ("models/dns/layer.toml", DNS)];
    assert_eq!(shown(&files), "");
    let files = [("hosts/ns1.example.org/layer.toml", unused), ("models/dns/layer.toml", DNS)];
    assert_eq!(
        mistakes(&files),
        "hosts/ns1.example.org/layer.toml:1:9: this host does not use a module 'dns'\n\
         \x20 add \"dns\" to 'use'\n"
    );
    let files =
        [("hosts/ns1.example.org/layer.toml", "use = ['dns']\n[params.dns]\nx = 1\n"), ("models/dns/overlay/a", "a")];
    assert_eq!(
        mistakes(&files),
        "hosts/ns1.example.org/layer.toml:2:9: the layer 'dns' declares no parameters\n\
         \x20 remove the table, or declare them\n"
    );
}

#[test]
fn what_is_missing_is_said_where_the_module_is_used_and_mistakes_come_in_the_order_of_the_lines() {
    let wrong = "\nx = 1\n".to_owned() + &"\n".repeat(7) + "y = 1\n";
    let files = [("hosts/ns1.example.org/layer.toml", "\nuse = ['dns']\n"), ("models/dns/layer.toml", DNS)];
    assert_eq!(
        mistakes(&files),
        "hosts/ns1.example.org/layer.toml:2:8: 'params.dns.lan' is missing\n\
         \x20 the interface of the local network (interface, required)\n"
    );
    let said = mistakes(&[("hosts/ns1.example.org/layer.toml", wrong.as_str())]);
    let lines: Vec<&str> = said.lines().filter(|line| !line.starts_with(' ')).collect();
    let place = "hosts/ns1.example.org/layer.toml";
    assert_eq!(lines, [format!("{place}:2:1: unknown key 'x'"), format!("{place}:10:1: unknown key 'y'")]);
}

#[test]
fn modules_that_use_each_other_in_a_circle_are_named() {
    let files = [
        ("hosts/ns1.example.org/layer.toml", "use = ['a']\n"),
        ("models/a/layer.toml", "use = ['b']\n"),
        ("models/b/layer.toml", "use = ['a']\n"),
    ];
    assert_eq!(
        mistakes(&files),
        "models/b/layer.toml:1:8: layers use each other in a circle: models/a -> models/b -> models/a\n\
         \x20 take one 'use' out\n"
    );
}

#[test]
fn a_declaration_is_checked_like_a_value() {
    let module = "[param.a]\ntype = 'prot'\ndoc = 'x'\n[param.B]\n[param.c]\ntype = 'enum'\ndoc = 'x'\n\
                  [param.d]\ntype = 'port'\ndefault = 0\n[param.e]\ntype = 'bool'\ndoc = 'x'\nmin = 1\nsort = 1\n\
                  [param.f]\ntype = 'table'\ndoc = 'x'\n[[require]]\nthat = 'true'\n[[require]]\none-of = ['e']\n";
    let files = [("hosts/ns1.example.org/layer.toml", "use = ['m']\n"), ("models/m/layer.toml", module)];
    assert_eq!(
        mistakes(&files),
        "models/m/layer.toml:2:8: 'prot' is not a type\n\
         \x20 see docs/formats.md §21 for the types\n\
         models/m/layer.toml:4:8: 'param.B' is not the name of a parameter\n\
         \x20 1 to 64 of a-z, 0-9 and '-', a letter first\n\
         models/m/layer.toml:5:8: 'param.c' needs 'values'\n\
         \x20 write values = [\"…\", \"…\"]\n\
         models/m/layer.toml:8:8: 'param.d' needs 'doc'\n\
         \x20 say in a line what the parameter is for\n\
         models/m/layer.toml:10:11: 'default' must be a port: 0 is not from 1 to 65535\n\
         \x20 the type of 'param.d' is port\n\
         models/m/layer.toml:11:8: 'param.e' cannot have min and max\n\
         \x20 they belong to int, port and duration\n\
         models/m/layer.toml:15:1: unknown key 'param.e.sort'\n\
         \x20 known here: type, doc, default, optional, values, min, max, at-least, at-most, fields\n\
         models/m/layer.toml:16:8: 'param.f' needs 'fields'\n\
         \x20 write [param.f.fields.NAME]\n\
         models/m/layer.toml:20:1: a condition is 'that' with 'message', or 'one-of'\n\
         \x20 see docs/formats.md §21\n\
         models/m/layer.toml:22:11: 'one-of' must name optional parameters of this layer\n\
         \x20 \n"
    );
}

#[test]
fn bounds_that_nothing_is_between_are_mistakes_of_the_module() {
    let module = "[param.a]\ntype = 'int'\ndoc = 'x'\nmin = 5\nmax = 1\n\
                  [param.b]\ntype = 'list of int'\ndoc = 'x'\nat-least = -1\n\
                  [param.c]\ntype = 'list of duration'\ndoc = 'x'\nat-least = 3\nat-most = 2\nmin = '2m'\nmax = '1m'\n";
    let files = [("hosts/ns1.example.org/layer.toml", "use = ['m']\n"), ("models/m/layer.toml", module)];
    assert_eq!(
        mistakes(&files).lines().filter(|line| !line.starts_with(' ')).collect::<Vec<_>>(),
        [
            "models/m/layer.toml:1:8: 'param.a' has 'min' above 'max'",
            "models/m/layer.toml:9:12: 'at-least' must be a whole number that is not negative, this is an integer",
            "models/m/layer.toml:10:8: 'param.c' has 'at-least' above 'at-most'",
            "models/m/layer.toml:10:8: 'param.c' has 'min' above 'max'",
        ]
    );
}

#[test]
fn each_type_refuses_what_it_is_not() {
    let cases = [
        ("type = 'string'", "1", "must be a string, this is an integer"),
        ("type = 'string'", "\"a\\u0007b\"", "must be a string: it has a control character"),
        ("type = 'string'\nvalues = ['a', 'b']", "'c'", "must be one of a, b: 'c' is none of them"),
        ("type = 'bool'", "'true'", "must be a bool, this is a string"),
        ("type = 'int'\nmin = 3", "2", "must be an integer: 2 is less than 3"),
        ("type = 'int'", "1.5", "must be an integer, this is a float"),
        ("type = 'port'", "0", "must be a port: 0 is not from 1 to 65535"),
        ("type = 'port'\nmin = 1024", "53", "must be a port: 53 is not from 1024 to 65535"),
        ("type = 'fqdn'", "'localhost'", "must be a fqdn: 'localhost' is not a full domain name"),
        ("type = 'fqdn'", "'192.0.2.1'", "must be a fqdn: '192.0.2.1' is not a full domain name"),
        ("type = 'ip'", "'192.0.2.256'", "must be an ip: '192.0.2.256' is not an address"),
        ("type = 'cidr'", "'192.0.2.1'", "'192.0.2.1' is not an address and a length, such as 192.0.2.0/24"),
        ("type = 'cidr'", "'192.0.2.0/33'", "'192.0.2.0/33' is not an address and a length"),
        ("type = 'interface'", "'a/b'", "must be an interface: 'a/b' is not the name of an interface"),
        ("type = 'interface'", "'sixteen-bytes-xx'", "is not the name of an interface"),
        ("type = 'path'", "'etc/a'", "must be a path: 'etc/a' is not an absolute path"),
        ("type = 'path'", "'/srv/../etc'", "'/srv/../etc' has an empty component, '.' or '..'"),
        ("type = 'path'", "'/etc/cosmos/trust.toml'", "'/etc/cosmos/trust.toml' belongs to the agent"),
        ("type = 'duration'", "'5 m'", "must be a duration: '5 m' is not a number and one of s, m, h, d"),
        ("type = 'duration'\nmax = '1h'", "'2h'", "must be a duration: '2h' is more than 3600 seconds"),
        ("type = 'fingerprint'", "'ABC'", "'ABC' is not a fingerprint of 40 or 64 hexadecimal digits"),
        ("type = 'pkcs11-uri'", "'pkcs11:'", "'pkcs11:' is not a PKCS#11 URI: it names nothing"),
        ("type = 'pkcs11-uri'", "'pkcs11:object=a%2'", "with % before two hexadecimal digits"),
        ("type = 'enum'\nvalues = ['a', 'b']", "'c'", "must be one of a, b: 'c' is none of them"),
        ("type = 'list of ip'", "'192.0.2.1'", "must be a list of ip, this is a string"),
        ("type = 'list of ip'\nat-least = 1", "[]", "must have at least 1 entries, this has 0"),
        ("type = 'table of port'", "{ a = 'x' }", "'params.m.it.a' must be a port, this is a string"),
        ("type = 'table'\n[param.it.fields.a]\ntype = 'int'\ndoc = 'a number'", "{ b = 1 }", "it has a"),
        ("type = 'table'\n[param.it.fields.a]\ntype = 'int'\ndoc = 'a number'", "{}", "a number (int, required)"),
    ];
    for (kind, value, expected) in cases {
        let said = refused(kind, value);
        assert!(said.contains(expected), "{kind} {value}:\n{said}");
        assert!(said.starts_with("hosts/ns1.example.org/layer.toml:3:"), "{said}");
        assert!(said.contains("what it is ("), "{said}");
    }
}

#[test]
fn fields_of_a_table_have_defaults_and_nest() {
    let module = "[param.zones]\ntype = 'table of table'\ndoc = 'zones'\n\
                  [param.zones.fields.file]\ntype = 'path'\ndoc = 'where'\n\
                  [param.zones.fields.keys]\ntype = 'list of table'\ndoc = 'keys'\ndefault = []\n\
                  [param.zones.fields.keys.fields.size]\ntype = 'int'\ndoc = 'bits'\ndefault = 2048\n";
    let own = "use = ['m']\n[params.m.zones.'example.org']\nfile = '/srv/z'\nkeys = [{}, { size = 4096 }]\n";
    let files = [("hosts/ns1.example.org/layer.toml", own), ("models/m/layer.toml", module)];
    assert_eq!(
        shown(&files),
        "m.zones = { \"example.org\" = { file = \"/srv/z\", keys = [{ size = 2048 }, { size = 4096 }] } } \
         (hosts/ns1.example.org/layer.toml:2:11)\n"
    );
}

#[test]
fn conditions_name_the_parameter_they_are_about() {
    let module = "[param.network]\ntype = 'cidr'\ndoc = 'the network'\n\
                  [param.gateway]\ntype = 'ip'\ndoc = 'the way out'\n\
                  [param.ranges]\ntype = 'list of table'\ndoc = 'addresses to give'\ndefault = []\n\
                  [param.ranges.fields.from]\ntype = 'ip'\ndoc = 'first'\n\
                  [param.ranges.fields.to]\ntype = 'ip'\ndoc = 'last'\n\
                  [param.file]\ntype = 'path'\ndoc = 'a file'\noptional = true\n\
                  [param.url]\ntype = 'string'\ndoc = 'an address'\noptional = true\n\
                  [[require]]\nthat = 'params.gateway is within(params.network)'\n\
                  message = '{{ params.gateway }} is not in {{ params.network }}'\nabout = 'gateway'\n\
                  [[require]]\neach = 'ranges'\nthat = 'item.from is within(params.network) and item.from is at_or_before(item.to)'\n\
                  message = 'the range from {{ item.from }} is not in {{ params.network }}'\n\
                  [[require]]\nthat = 'not overlapping(params.ranges)'\nmessage = 'ranges overlap'\nabout = 'ranges'\n\
                  [[require]]\none-of = ['file', 'url']\n";
    let own = "use = ['m']\n[params.m]\nnetwork = '192.0.2.0/24'\ngateway = '198.51.100.1'\n\
               ranges = [{ from = '192.0.2.10', to = '192.0.2.20' }, { from = '192.0.3.1', to = '192.0.3.9' },\n\
               { from = '192.0.2.20', to = '192.0.2.30' }]\n";
    let files = [("hosts/ns1.example.org/layer.toml", own), ("models/m/layer.toml", module)];
    assert_eq!(
        mistakes(&files),
        "hosts/ns1.example.org/layer.toml:3:11: exactly one of 'params.m.file', 'params.m.url' must be given, not 0\n\
         \x20 the network (cidr, required)\n\
         hosts/ns1.example.org/layer.toml:4:11: 198.51.100.1 is not in 192.0.2.0/24\n\
         \x20 the way out (ip, required)\n\
         hosts/ns1.example.org/layer.toml:5:10: ranges overlap\n\
         \x20 addresses to give (list of table, [] by default)\n\
         hosts/ns1.example.org/layer.toml:5:10: the range from 192.0.3.1 is not in 192.0.2.0/24\n\
         \x20 addresses to give (list of table, [] by default)\n"
    );
}

#[test]
fn a_condition_that_cannot_be_looked_at_is_a_mistake_of_the_module() {
    let module =
        "[param.a]\ntype = 'int'\ndoc = 'a'\ndefault = 1\n[[require]]\nthat = 'params.b > 1'\nmessage = 'no'\n";
    let files = [("hosts/ns1.example.org/layer.toml", "use = ['m']\n"), ("models/m/layer.toml", module)];
    let said = mistakes(&files);
    assert!(said.starts_with("models/m/layer.toml:6:1: cannot look at the condition 'params.b > 1': "), "{said}");
}

#[test]
fn a_retired_host_needs_no_parameters() {
    let files = [
        ("hosts/ns1.example.org/layer.toml", "retired = '2026-01-10 sold'\nuse = ['dns']\n[params.dns]\nport = 'x'\n"),
        ("models/dns/layer.toml", DNS),
    ];
    assert_eq!(shown(&files), "");
}

#[test]
fn only_a_layer_that_others_can_use_declares_parameters() {
    assert_eq!(
        mistakes(&[("hosts/ns1.example.org/layer.toml", DNS)]),
        "hosts/ns1.example.org/layer.toml: only a layer that others can use declares parameters\n\
         \x20 move it to models/NAME\n"
    );
}

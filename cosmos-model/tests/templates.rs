//! Templates: what they see, what becomes of them, and how their mistakes are said (docs/formats.md §22).

mod support;

use std::collections::BTreeSet;

use cosmos_model::content::{ContentHash, ContentSource};
use cosmos_model::facts::{Facts, Interface, Os};
use cosmos_model::stage::{Inputs, StageError, stage, stage_since};
use cosmos_model::staged::{StagedKind, StagedModel};
use support::{Nothing, Objects, Tree, native, overlay, revision};

const HOST: &str = "ns1.example.org";

const MODULE: &str = "[param.lan]\ntype = 'cidr'\ndoc = 'the network'\ndefault = '192.0.2.0/24'\n\
                      [param.log-queries]\ntype = 'bool'\ndoc = 'whether'\ndefault = false\n\
                      [param.note]\ntype = 'string'\ndoc = 'a note'\noptional = true\n";

fn facts() -> Facts {
    let interface = Interface { mac: None, addresses: vec!["192.0.2.1/24".to_owned()] };
    Facts {
        kernel: Some("6.1.0".to_owned()),
        memory: Some(1 << 30),
        os: Some(Os { id: "debian".to_owned(), version: Some("12".to_owned()), ..Os::default() }),
        interfaces: [("eth0".to_owned(), interface)].into(),
        ..Facts::default()
    }
}

fn staged(files: &[(&str, &str)], facts: Option<&Facts>) -> Result<StagedModel, StageError> {
    let mut objects = Objects::default();
    let root = Tree::new(files).write(&mut objects);
    stage(&revision(root, 0), &native(HOST), &objects, &Nothing, &Inputs { facts, ..Inputs::default() })
}

/// Renders `text` as a template of a module of this host.
fn rendered(text: &str) -> Result<String, String> {
    let files = [
        ("hosts/ns1.example.org/layer.toml", "use = ['m']\n"),
        ("models/m/layer.toml", MODULE),
        ("models/m/templates/etc/file", text),
    ];
    match staged(&files, Some(&facts())) {
        Ok(model) => Ok(text_of(&model, "etc/file")),
        Err(StageError::Mistakes(mistakes)) => {
            Err(mistakes.iter().map(|mistake| format!("{mistake} | {}", mistake.hint)).collect())
        }
        Err(other) => Err(other.to_string()),
    }
}

fn text_of(model: &StagedModel, path: &str) -> String {
    let entry = model.entries().get(&path.parse().expect("a path")).expect("an entry");
    let StagedKind::File(content) = &entry.kind else { panic!("'{path}' is a file") };
    assert_eq!(content.source, ContentSource::Rendered);
    let bytes = &model.rendered()[&content.hash];
    assert_eq!((ContentHash::of(bytes), bytes.len() as u64), (content.hash, content.size));
    String::from_utf8(bytes.clone()).expect("text")
}

#[test]
fn a_template_sees_parameters_facts_and_the_hosts_name() {
    let text = "{% if not params.log_queries %}\nquiet\n{% endif %}\n\
                {{ params.lan|network }}/{{ params.lan|prefix }} {{ params.lan|netmask }}\n\
                {{ facts.os.id }} {{ facts.kernel }} {{ facts.memory }} {{ facts.interfaces.eth0.addresses[0] }}\n\
                {{ host.name }} {{ host.short }} {{ host.domain }} {{ modules.m.lan }} {{ '2h'|seconds }}\n\
                {{ '192.0.2.7'|reverse_name }} {{ '192.0.2.7' is within(params.lan) }} {{ '2001:db8::1' is ipv4 }}\n";
    assert_eq!(
        rendered(text).unwrap(),
        "quiet\n192.0.2.0/24 255.255.255.0\ndebian 6.1.0 1073741824 192.0.2.1/24\n\
         ns1.example.org ns1 example.org 192.0.2.0/24 7200\n7.2.0.192.in-addr.arpa true false\n"
    );
}

#[test]
fn a_plain_text_has_letters_digits_and_what_is_named_only() {
    let plain = |text: &str| rendered(&format!("{{{{ {text} }}}}\n")).unwrap();
    for (text, is) in [
        ("'ns1.example' is plain('-.')", "true\n"),
        ("'ns1.example' is plain('-')", "false\n"),
        ("'Straße' is plain('')", "false\n"),
        ("'a\\nb' is plain('-_.')", "false\n"),
        ("'' is plain('')", "true\n"),
        ("['a', 'b/c'] is plain('/')", "true\n"),
        ("['a', 'b/c'] is plain('-')", "false\n"),
        ("[] is plain('')", "true\n"),
    ] {
        assert_eq!(plain(text), is, "{text}");
    }
    assert!(rendered("{{ [1] is plain('') }}\n").is_err());
}

#[test]
fn a_mistake_names_the_template_the_line_and_the_parameters() {
    assert_eq!(
        rendered("one\ntwo {{ params.lon }}\n").unwrap_err(),
        "models/m/templates/etc/file:2: undefined value in 'two {{ params.lon }}' | \
         its parameters: params.lan, params.log_queries, params.note"
    );
    assert_eq!(
        rendered("{{ params.note }}\n").unwrap_err(),
        "models/m/templates/etc/file:1: invalid operation: a value that is absent is not printed; \
         ask for it with {% if … is not none %} first in '{{ params.note }}' | mend the template"
    );
    let said = rendered("{% if params.lan %}\n").unwrap_err();
    assert!(said.starts_with("models/m/templates/etc/file:1: syntax error: "), "{said}");
    let said =
        rendered("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}").unwrap_err();
    assert!(said.contains("engine ran out of fuel"), "{said}");
    let said = rendered("{{ 'x' * 2000000 }}").unwrap_err();
    assert!(said.contains("what a template becomes has at most 1024 KiB"), "{said}");
    let said = rendered("{% include '/etc/passwd' %}").unwrap_err();
    assert!(said.starts_with("models/m/templates/etc/file:1: "), "{said}");
    let said = rendered(&"x".repeat((256 << 10) + 1)).unwrap_err();
    assert!(said.contains("a template has at most 256 KiB"), "{said}");
}

#[test]
fn a_template_is_its_layers_file_and_has_the_attributes_of_files() {
    let files = [
        ("hosts/ns1.example.org/layer.toml", "use = ['m']\n[files.'etc/b']\nmode = '0600'\nowner = 'root:adm'\n"),
        ("hosts/ns1.example.org/overlay/etc/a", "host\n"),
        ("models/m/layer.toml", MODULE),
        ("models/m/templates/etc/a", "{{ nothing }}"),
        ("models/m/templates/etc/b", "{{ host.short }}"),
        ("models/m/templates/etc/c", "{{ absent() }}"),
        ("models/m/templates/srv/deep/c", "{{ absent() }}"),
        ("models/m/overlay/etc/d", "plain"),
        ("global/overlay/etc/b", "global"),
    ];
    let model = staged(&files, None).unwrap();
    assert_eq!(
        overlay(&model),
        "etc folder - hosts/ns1.example.org\n\
         etc/a file 5 0644 hosts/ns1.example.org\n\
         etc/b file 3 0600 models/m\n\
         etc/d file 5 0644 models/m\n"
    );
    assert_eq!(text_of(&model, "etc/b"), "ns1");
}

#[test]
fn one_layer_cannot_have_a_path_as_file_and_template_and_templates_are_regular_files() {
    let files = [
        ("global/overlay/etc/a", "a"),
        ("global/templates/etc/a", "a"),
        ("global/templates/etc/l", "-> a"),
        ("global/overlay/etc/d/f", "f"),
        ("global/templates/etc/d", "d"),
        ("global/templates/etc/cosmos/trust.toml", "x"),
    ];
    let said = staged(&files, None).unwrap_err().to_string();
    assert_eq!(
        said,
        "global/templates/etc/a: this layer has 'global/overlay/etc/a', too\n\
         global/templates/etc/cosmos/trust.toml: no layer may touch this path, it belongs to the agent of each host\n\
         global/templates/etc/d: this is a file, but 'global/overlay/etc/d' is a folder\n\
         global/templates/etc/l: a template is a regular file"
    );
}

#[test]
fn a_model_knows_which_facts_it_rests_on() {
    let names = |model: &StagedModel| model.rests_on().facts.iter().cloned().collect::<Vec<_>>();
    let files =
        [("global/templates/etc/a", "{{ facts.kernel }} {% if facts.memory > 5 %}{{ facts.os.id }}{% endif %}")];
    assert_eq!(names(&staged(&files, Some(&facts())).unwrap()), ["kernel", "memory", "os"]);
    let files = [("global/templates/etc/a", "{{ host.name }}"), ("global/overlay/etc/b", "{{ facts.kernel }}")];
    assert!(names(&staged(&files, Some(&facts())).unwrap()).is_empty());
    let (one, mut other) = (facts(), facts());
    other.memory = Some(7);
    let kernel = BTreeSet::from(["kernel".to_owned()]);
    let both = BTreeSet::from(["kernel".to_owned(), "memory".to_owned()]);
    assert_eq!(one.identity(&kernel), other.identity(&kernel));
    assert_ne!(one.identity(&both), other.identity(&both));
}

#[test]
fn an_unknown_fact_shows_as_such_and_no_condition_breaks_on_it() {
    let module = "[param.lan]\ntype = 'interface'\ndoc = 'lan'\ndefault = 'eth9'\n\
                  [[require]]\nthat = 'params.lan in facts.interfaces'\nmessage = 'there is no {{ params.lan }}'\n";
    let files = [
        ("layer.toml", "use = ['m']\n"),
        ("models/m/layer.toml", module),
        (
            "models/m/templates/etc/a",
            "{{ facts.os.id }} {{ facts.kernel }}{% for one in facts.interfaces %}x{% endfor %}",
        ),
    ];
    let model = staged(&files, None).unwrap();
    assert_eq!(text_of(&model, "etc/a"), "<unknown: facts.os.id> <unknown: facts.kernel>");
    let said = staged(&files, Some(&facts())).unwrap_err().to_string();
    assert_eq!(said, "layer.toml: there is no eth9");
}

#[test]
fn a_part_is_staged_with_the_templates_that_changed() {
    let mut objects = Objects::default();
    let before = [
        ("global/templates/etc/a/one", "{{ host.short }}"),
        ("global/overlay/etc/a/two", "two"),
        ("global/templates/etc/b/one", "{{ host.name }}"),
    ];
    let mut after = before;
    after[2].1 = "{{ host.name }}!";
    let (before, after) = (Tree::new(&before).write(&mut objects), Tree::new(&after).write(&mut objects));
    let inputs = Inputs::default();
    let part = stage_since(&revision(before, 0), &revision(after, 0), &native(HOST), &objects, &Nothing, &inputs);
    let part = part.expect("a part will do");
    assert_eq!(part.left_out(), ["etc/a".parse().expect("a path")]);
    assert_eq!(text_of(&part, "etc/b/one"), "ns1.example.org!");
    assert_eq!(
        overlay(&part),
        "etc folder - global\netc/a folder - global\netc/b folder - global\netc/b/one file 16 0644 global\n"
    );
}

#[test]
fn other_parameters_take_a_whole_model() {
    let mut objects = Objects::default();
    let tree = |objects: &mut Objects, note: &str| {
        let own = format!("use = ['m']\n[params.m]\nnote = '{note}'\n");
        let files = [
            ("hosts/ns1.example.org/layer.toml", own.as_str()),
            ("models/m/layer.toml", MODULE),
            ("models/m/templates/etc/a/one", "{{ params.note }}"),
        ];
        Tree::new(&files).write(objects)
    };
    let (before, after) = (tree(&mut objects, "one"), tree(&mut objects, "two"));
    let inputs = Inputs::default();
    let part = stage_since(&revision(before, 0), &revision(after, 0), &native(HOST), &objects, &Nothing, &inputs);
    assert!(part.is_none());
}

//! Laws of the merge of parameters, over generated layers and rules.

mod support;

use std::collections::BTreeMap;

use cosmos_model::host_name::HostName;
use cosmos_model::params::Value;
use cosmos_model::stage;
use proptest::prelude::*;
use support::{Objects, Tree};

const HOST: &str = "ns1.example.org";

/// The places that can give a value, the winner first.
const PLACES: [&str; 7] = ["host", "site", "later", "second-rule", "first-rule", "global", "root"];

const MODULE: &str = "[param.a]\ntype = 'list of int'\ndoc = 'a'\ndefault = []\n\
                      [param.b]\ntype = 'table of int'\ndoc = 'b'\ndefault = {}\n";

/// What one place gives to `a` and `b`.
type Gift = (Option<Vec<i64>>, Option<Vec<i64>>);

/// What each place gives.
type Gifts = BTreeMap<usize, Gift>;

fn text(gift: Option<&Gift>, table: &str) -> String {
    let Some((a, b)) = gift else { return String::new() };
    let a = a.as_ref().map(|list| format!("a = {list:?}\n")).unwrap_or_default();
    let entries = |list: &Vec<i64>| list.iter().map(|one| format!("k{one} = {one}")).collect::<Vec<_>>().join(", ");
    let b = b.as_ref().map(|list| format!("b = {{ {} }}\n", entries(list))).unwrap_or_default();
    format!("[{table}.m]\n{a}{b}")
}

/// Returns what `m` is told when each place gives what `gifts` says.
fn told(gifts: &Gifts) -> Vec<(Value, usize)> {
    let of = |place: usize, table: &str| text(gifts.get(&place), table);
    let fleet = format!(
        "[[rule]]\nhosts = ['**']\nuse = ['m']\n{}[[rule]]\nhosts = ['**']\n{}",
        of(4, "rule.params"),
        of(3, "rule.params")
    );
    let files = [
        ("fleet.toml", fleet),
        ("hosts/ns1.example.org/layer.toml", format!("use = ['site', 'later']\n{}", of(0, "params"))),
        ("models/site/layer.toml", of(1, "params")),
        ("models/later/layer.toml", of(2, "params")),
        ("models/m/layer.toml", MODULE.to_owned()),
        ("global/layer.toml", of(5, "params")),
        ("layer.toml", of(6, "params")),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let mut objects = Objects::default();
    let root = Tree::new(&files).write(&mut objects);
    let settings = stage::params(root, &HostName::new(HOST).expect("a name"), (0, 1, 0), None, &objects);
    let settings = settings.unwrap_or_else(|error| panic!("{error}"));
    let params = &settings.iter().find(|one| one.module == "m").expect("the module is used").params;
    params.iter().map(|param| (param.winner.0.clone(), param.beat.len())).collect()
}

fn gifts() -> impl Strategy<Value = Gifts> {
    let values = || proptest::option::of(proptest::collection::btree_set(0_i64..5, 0..4));
    let gift = (values(), values()).prop_map(|(a, b)| {
        let list = |set: std::collections::BTreeSet<i64>| set.into_iter().collect::<Vec<_>>();
        (a.map(list), b.map(list))
    });
    proptest::collection::btree_map(0..PLACES.len(), gift, 0..PLACES.len())
}

fn as_list(list: &[i64]) -> Value {
    Value::List(list.iter().map(|one| Value::Int(*one)).collect())
}

fn as_table(list: &[i64]) -> Value {
    Value::Table(list.iter().map(|one| (format!("k{one}"), Value::Int(*one))).collect())
}

proptest! {
    #[test]
    fn the_first_place_that_gives_a_value_wins_and_its_value_is_taken_whole(gifts in gifts()) {
        let told = told(&gifts);
        let given_a: Vec<&Vec<i64>> = gifts.values().filter_map(|gift| gift.0.as_ref()).collect();
        let given_b: Vec<&Vec<i64>> = gifts.values().filter_map(|gift| gift.1.as_ref()).collect();
        let a = given_a.first().map_or(as_list(&[]), |list| as_list(list));
        let b = given_b.first().map_or(as_table(&[]), |list| as_table(list));
        prop_assert_eq!(told, vec![(a, given_a.len()), (b, given_b.len())]);
    }

    #[test]
    fn who_loses_changes_nothing(gifts in gifts(), more in gifts()) {
        // Places behind the last one that must win may say anything, and only the beaten are more.
        let Some(last) = gifts.iter().find(|(_, gift)| gift.0.is_some() && gift.1.is_some()).map(|(place, _)| *place)
        else { return Ok(()) };
        let winners: Gifts = gifts.range(..=last).map(|(place, gift)| (*place, gift.clone())).collect();
        let mut others = winners.clone();
        others.extend(more.range(last + 1..).map(|(place, gift)| (*place, gift.clone())));
        let values = |told: Vec<(Value, usize)>| told.into_iter().map(|(value, _)| value).collect::<Vec<_>>();
        prop_assert_eq!(values(told(&winners)), values(told(&others)));
    }
}

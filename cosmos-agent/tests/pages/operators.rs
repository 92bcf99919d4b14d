//! docs/operators.md, each command by whoever the page says.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::reader::{Reader, blocks, folder, read};

const PAGE: &str = include_str!("../../../docs/operators.md");

/// Gives an operator a home with a key.
fn operator(world: &Path, who: &str) -> Reader {
    let reader = Reader::new(world.join(who));
    let editor = reader.program("editor", "echo 'one more word' >> \"$1\"");
    let reader = among_others(world, reader).with("EDITOR", editor);
    let made = reader.types(&format!(
        "gpg --quick-generate-key '{who} <{who}@example.org>' ed25519 sign 1y\n\
         git config --global user.name {who}\ngit config --global user.email {who}@example.org\n\
         git config --global user.signingKey \
         \"$(gpg --with-colons --list-keys | awk -F: '$1 == \"fpr\" {{ print $10; exit }}')\"\n"
    ));
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    reader
}

/// Tells somebody where the page's server and mail are.
fn among_others(world: &Path, reader: Reader) -> Reader {
    reader.with("SERVER", world.join("server.git")).with("MAIL", world.join("mail"))
}

#[test]
fn every_command_of_the_operators_page_works_as_it_stands() {
    let world = folder();
    let world = world.path();
    let mut people: BTreeMap<&str, Reader> = ["ada", "bob", "kim"].map(|who| (who, operator(world, who))).into();
    people.insert("host", among_others(world, Reader::new(world.join("host")).at_a_host(&[])));
    fs::create_dir(world.join("mail")).expect("a folder");
    people["ada"].types("git init --quiet --bare --initial-branch=main \"$SERVER\"");
    let blocks = blocks(PAGE);
    assert!(blocks.len() > 15, "{} blocks", blocks.len());
    for (who, script) in &blocks {
        let ran = people[who].types(script);
        let said = [ran.stdout, ran.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert!(ran.status.success(), "{who}:\n{said}");
    }
    let on_host = |path: &str| read(&people["host"].host().join(path));
    assert_eq!(
        (on_host("etc/motd"), on_host("etc/app/password")),
        ("Something new.\n".into(), "one more word\n".into())
    );
    let kim = people["kim"].types("cd fleet && git pull --quiet && cosmos secret show global/secrets/etc/app/password");
    assert_eq!(String::from_utf8_lossy(&kim.stdout), "one more word\none more word\n");
    let last = people["host"].types("cosmos run");
    let said = String::from_utf8_lossy(&last.stdout).into_owned();
    assert!(said.starts_with("- etc/app/password  no longer in the model\n") && said.contains("retired"), "{said}");
}

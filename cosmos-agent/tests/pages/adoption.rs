//! docs/adoption.md, with a repository that has an unsigned past.

use crate::reader::{Reader, commands, folder, read};

const PAGE: &str = include_str!("../../../docs/adoption.md");

/// What is there before the page begins: a key, a server, and a clone with a past.
const PAST: &str = r#"
gpg --quick-generate-key 'Ada <ada@example.org>' ed25519 sign 2y
git config --global user.name Ada
git config --global user.email ada@example.org
git init --quiet --bare --initial-branch=main server.git
git clone --quiet "$PWD/server.git" fleet
cd fleet
mkdir -p global/overlay/etc
for year in 2013 2014 2015; do
    echo "Since $year" > global/overlay/etc/motd
    git add global
    git commit --quiet -m "As it was in $year"
done
git tag -m 'Nobody signed it' release-0
git push --quiet origin main release-0
"#;

#[test]
fn every_command_of_the_adoption_page_works_as_it_stands_and_an_unsigned_release_is_refused_afterwards() {
    let home = folder();
    let reader = Reader::new(home.path().to_owned()).at_a_host(&["trust", "fleet"]);
    let past = reader.types(PAST);
    assert!(past.status.success(), "{}", String::from_utf8_lossy(&past.stderr));
    let page = reader.types(&commands(PAGE));
    let unsigned = "cd fleet; echo owned > global/overlay/etc/motd; git commit --quiet -am Owned; \
                    git tag -m Owned release-3; git push --quiet origin main release-3; sudo cosmos run";
    let after = reader.types(unsigned);
    let said = String::from_utf8_lossy(&page.stdout);
    assert!(page.status.success(), "{said}{}", String::from_utf8_lossy(&page.stderr));
    for line in [
        "commits of 'main': 3 of 3",
        "tags 'release-*': 1 of 1",
        "Hosts start from here: judged as a host would judge it, and good. On each host:",
        "+ etc/motd",
        "~ etc/motd",
    ] {
        assert!(said.lines().any(|printed| printed == line), "'{line}' in:\n{said}");
    }
    assert!(said.contains(" (testing/web1.example.org/1), signed "), "{said}");
    assert!(said.contains("tags 'release-*': 1 of 1 host at release-2 ("), "{said}");
    assert_eq!(after.status.code(), Some(3), "{}", String::from_utf8_lossy(&after.stderr));
    assert_eq!(read(&reader.host().join("etc/motd")), "trying something\n");
}

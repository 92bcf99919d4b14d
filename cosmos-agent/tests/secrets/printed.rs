//! `secret("path")` in templates: filled in on the host, and a secret itself.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use cosmos_agent::secret::seal;

use crate::applied::host_cert;
use crate::support::{NAME, Settled, put, read};

const TEMPLATE: &str = "global/templates/etc/app.conf";

fn write_secret(settled: &Settled, path: &str, text: &str) {
    let sealed = seal(text.as_bytes(), &[host_cert(settled)]).expect("a message");
    settled.world.write(path, &sealed);
}

/// Returns a host with a template that prints a secret which is no file of the host.
fn printed() -> Settled {
    let settled = Settled::new();
    write_secret(&settled, "global/secrets/values/db", "old-marker");
    settled.world.write(TEMPLATE, "host={{ host.short }}\npassword={{ secret('values/db') }}\nend\n");
    settled.commit();
    settled.run().prints("+ etc/app.conf\n");
    settled
}

#[test]
fn a_template_that_prints_a_secret_becomes_one() {
    let settled = printed();
    assert_eq!(read(&settled.host, "etc/app.conf"), "host=ns1\npassword=old-marker\nend\n");
    let mode = fs::metadata(settled.host.join("etc/app.conf")).expect("a file").permissions().mode() & 0o7777;
    assert_eq!(mode, 0o600);
    assert!(!settled.host.join("values").exists() && !settled.host.join("etc/values").exists());
    settled.run().prints("");

    fs::write(settled.host.join("etc/app.conf"), "password=old-marker, changed\n").expect("an edit");
    settled.run().prints("~ etc/app.conf  drift repaired\n");
    let kept = fs::read_dir(settled.host.join("var/lib/cosmos/backup")).map_or(0, Iterator::count);
    assert_eq!(kept, 0, "no version of it was kept");
}

#[test]
fn another_secret_fills_the_same_template_again_and_plan_shows_neither() {
    let settled = printed();
    write_secret(&settled, "global/secrets/values/db", "new-marker");
    settled.commit();
    settled.world.on(&settled.host, &["update"]);
    settled.world.on(&settled.host, &["plan"]).prints("~ etc/app.conf\n");
    settled.run().prints("~ etc/app.conf\n");
    assert!(read(&settled.host, "etc/app.conf").contains("password=new-marker\n"));
    // The host's own layer wins, for templates of others too.
    write_secret(&settled, &format!("hosts/{NAME}/secrets/values/db"), "own-marker");
    settled.commit();
    settled.run().prints("~ etc/app.conf\n");
    assert!(read(&settled.host, "etc/app.conf").contains("password=own-marker\n"));
}

#[test]
fn going_back_fills_a_template_by_the_facts_of_that_day_and_keeps_no_plain_text_for_it() {
    let settled = Settled::new();
    let version = |number: &str| put(&settled.host, "etc/os-release", &format!("VERSION_ID=\"{number}\"\n"));
    version("12");
    write_secret(&settled, "global/secrets/values/db", "old-marker");
    settled.world.write(TEMPLATE, "{{ facts.os.version }} {{ secret('values/db') }}\n");
    settled.commit();
    settled.run().prints("+ etc/app.conf\n");
    version("13");
    settled.world.write("global/overlay/etc/motd", "another revision\n");
    settled.commit();
    settled.run().prints("~ etc/app.conf\n~ etc/motd\n");
    let back = settled.world.on(&settled.host, &["rollback", "2"]);
    assert_eq!((back.status, read(&settled.host, "etc/app.conf").as_str()), (0, "12 old-marker\n"), "{back:?}");
    settled.run().prints("");

    let state = settled.host.join("var/lib/cosmos");
    let lists: Vec<_> =
        fs::read_dir(state.join("rendered")).expect("what is kept").map(|one| one.unwrap().path()).collect();
    for list in &lists {
        let text = fs::read_to_string(list).expect("a list");
        assert!(text.contains("\"secret\":true") && !text.contains("marker"), "{text}");
    }
    // Another engine would make something else of it: all that is known then is that it is not what it was.
    let text = read(&state, "generations.json");
    for list in &lists {
        let name = list.file_name().expect("a name").to_str().expect("a hash");
        let other = fs::read_to_string(list).expect("a list").replace("\"version\":\"12\"", "\"version\":\"14\"");
        let hash = cosmos_model::content::ContentHash::of(other.as_bytes()).to_string();
        put(&state, &format!("rendered/{hash}"), &other);
        put(&state, "generations.json", &read(&state, "generations.json").replace(name, &hash));
    }
    assert_ne!(read(&state, "generations.json"), text);
    assert_eq!(settled.world.on(&settled.host, &["resume"]).status, 0);
    settled.run().prints("~ etc/app.conf\n~ etc/motd\n");
    settled.world.on(&settled.host, &["rollback", "2"]).complains(
        1,
        "error: generation 2 cannot be had any more: 'etc/app.conf' has a secret in it and would not become what it was\n\
         hint: go back to another one: see 'cosmos rollback --list'\n",
    );
    assert_eq!(read(&settled.host, "etc/app.conf"), "13 old-marker\n");
}

#[test]
fn going_back_decrypts_again_from_the_store() {
    let settled = printed();
    write_secret(&settled, "global/secrets/values/db", "new-marker");
    write_secret(&settled, "global/secrets/etc/token", "new-token");
    settled.commit();
    settled.run().prints("~ etc/app.conf\n+ etc/token\n");
    write_secret(&settled, "global/secrets/etc/token", "newest-token");
    settled.commit();
    settled.run().prints("~ etc/token\n");
    let back = settled.world.on(&settled.host, &["rollback"]);
    assert_eq!((back.status, read(&settled.host, "etc/token").as_str()), (0, "new-token"), "{back:?}");
    let back = settled.world.on(&settled.host, &["rollback", "2"]);
    assert_eq!(back.status, 0, "{back:?}");
    assert!(read(&settled.host, "etc/app.conf").contains("password=old-marker\n"));
    assert!(!settled.host.join("etc/token").exists());
    assert_eq!(settled.world.on(&settled.host, &["resume"]).status, 0);
    settled.run();
    assert_eq!(read(&settled.host, "etc/token"), "newest-token");
}

#[test]
fn a_secret_is_printed_as_it_is_or_not_at_all() {
    let settled = printed();
    let only = "a secret can only be printed as it is: {{ secret('…') }}";
    let cases = [
        ("{{ secret('values/db') | upper }}", only),
        ("{{ secret('values/db') ~ 'x' }}", only),
        ("{{ [secret('values/db')] }}", only),
        ("{% set x %}{{ secret('values/db') }}{% endset %}{{ x }}", only),
        ("{{ secret('values/none') }}", "no layer of this host has the secret 'values/none'"),
        ("{{ secret('values') }}", "no layer of this host has the secret 'values'"),
        ("{{ secret('../x') }}", "a secret is named by its path in 'secrets/'"),
        ("{{ '\u{10FFFE}' }}", "U+10FFFE is no character"),
    ];
    for (template, complaint) in cases {
        settled.world.write(TEMPLATE, template);
        settled.commit();
        let ran = settled.run();
        assert!(ran.status == 1 && ran.stderr.contains(complaint), "{template}: {ran:?}");
        assert_eq!(ran.stderr.lines().count(), 2, "{template}: {ran:?}");
        assert_eq!(read(&settled.host, "etc/app.conf"), "host=ns1\npassword=old-marker\nend\n");
    }
}

#[test]
fn an_operator_without_the_hosts_key_sees_that_it_changes_and_nothing_else() {
    let settled = printed();
    settled.world.write(&format!("hosts/{NAME}/layer.toml"), "use = []\n");
    settled.commit();
    write_secret(&settled, "global/secrets/values/db", "new-marker");
    let repository = settled.world.repo();
    let words = ["plan", "--host", NAME, "--since", "HEAD", "--repository", repository.to_str().expect("a path")];
    let plan = settled.world.cosmos(&words);
    assert!(plan.stdout.contains("~ etc/app.conf") && !plan.stdout.contains("marker"), "{plan:?}");
}

//! What a secret holds is on its path and nowhere else: not on the host, not in what is printed, not in the repository.

use std::fs;
use std::path::Path;

use cosmos_agent::secret::seal;

use crate::applied::host_cert;
use crate::support::{NAME, Settled, put};

/// Nothing else has these bytes.
const MARKER: &str = "x7QmarkerZ9";

fn release(settled: &Settled, number: usize) {
    let sealed =
        |what: &str| seal(format!("{MARKER}-{what}-{number}\n").as_bytes(), &[host_cert(settled)]).expect("a message");
    settled.world.write("global/secrets/etc/token", &sealed("token"));
    settled.world.write("global/secrets/values/db", &sealed("value"));
    settled.world.write(&format!("hosts/{NAME}/secrets/etc/ssh/ssh_host_key"), &sealed("key"));
    settled.commit();
}

/// Returns the files below a folder that hold the marker, as it is or as hexadecimal digits.
fn holders(folder: &Path) -> Vec<String> {
    let hexadecimal: String = MARKER.bytes().map(|byte| format!("{byte:02x}")).collect();
    let holds = |bytes: &[u8], word: &str| bytes.windows(word.len()).any(|window| window == word.as_bytes());
    let files = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().map(|entry| entry.expect("readable"));
    let files = files.filter(|entry| entry.file_type().is_file());
    let holding = files.filter(|entry| {
        let bytes = fs::read(entry.path()).expect("a file");
        holds(&bytes, MARKER) || holds(&bytes, &hexadecimal)
    });
    holding.map(|entry| entry.path().strip_prefix(folder).expect("below").display().to_string()).collect()
}

#[test]
fn no_command_and_no_file_but_its_own_has_a_secret() {
    let settled = Settled::new();
    settled.world.write(&format!("hosts/{NAME}/layer.toml"), "use = []\n");
    settled.world.write("global/templates/etc/app.conf", "password={{ secret('values/db') }}\n");
    settled.world.write("global/layer.toml", "[files.\"etc/app.conf\"]\nmode = \"0640\"\n");
    // What is there before is most likely the same secret.
    put(&settled.host, "etc/token", &format!("{MARKER}-found\n"));
    let repository = settled.world.repo().display().to_string();
    let mut said = String::new();
    let mut on = |words: &[&str]| {
        let ran = settled.world.on(&settled.host, words);
        said += &format!("{words:?}\n{}{}", ran.stdout, ran.stderr);
        ran.status
    };
    let looks: [&[&str]; 9] = [
        &["plan"],
        &["plan", "--json"],
        &["plan", "-v"],
        &["drift", "--json"],
        &["status", "--json"],
        &["log", "--json"],
        &["log", "etc/token", "--json"],
        &["why", "etc/app.conf", "--json"],
        &["run", "-n", "--json"],
    ];
    for number in 0..3 {
        release(&settled, number);
        assert_eq!(on(&["update"]), 0);
        looks.iter().for_each(|words| {
            on(words);
        });
        assert_eq!(on(&["run", "--json", "-v"]), 0);
        for path in ["etc/token", "etc/app.conf"] {
            put(&settled.host, path, &format!("{MARKER}-{number}, edited\n"));
        }
        looks.iter().for_each(|words| {
            on(words);
        });
        assert_eq!(on(&["run", "-v"]), 0);
    }
    assert_eq!(on(&["rollback"]), 0);
    looks.iter().for_each(|words| {
        on(words);
    });
    on(&["restore", "etc/token"]);
    on(&["rollback", "--list"]);
    assert_eq!(on(&["resume"]), 0);
    assert_eq!(on(&["run"]), 0);
    settled.world.remove("global/secrets/etc/token");
    settled.world.write("global/overlay/etc/token", "for all\n");
    settled.commit();
    assert_eq!(on(&["update"]), 0);
    looks.iter().for_each(|words| {
        on(words);
    });
    assert_eq!(on(&["run"]), 0);
    let plan = settled.world.cosmos(&["plan", "--host", NAME, "--since", "HEAD~2", "--repository", &repository]);
    said += &format!("{}{}", plan.stdout, plan.stderr);
    said += &settled.world.cosmos(&["lint", "--repository", &repository]).stdout;

    assert!(said.contains("etc/app.conf") && said.contains("\"secret\":true"), "they spoke of it: {said}");
    assert!(!said.contains(MARKER), "{said}");
    let own = ["etc/app.conf".to_owned(), "etc/ssh/ssh_host_key".to_owned()];
    assert_eq!(holders(&settled.host), own);
    assert_eq!(holders(&settled.world.repo()), Vec::<String>::new());
}

#[test]
fn what_a_check_has_against_a_secret_is_not_quoted() {
    let settled = Settled::new();
    let sealed = seal(format!("{MARKER} * * * * root true\n").as_bytes(), &[host_cert(&settled)]).expect("a message");
    settled.world.write("global/secrets/etc/cron.d/backup", &sealed);
    settled.commit();
    settled.run().complains(
        1,
        "error: check 'cron' of well-known paths failed: 'etc/cron.d/backup' is not as it must be; why is not shown, \
         since it is a secret\nhint: nothing was changed; mend etc/cron.d/backup; if it is wrong, write \
         no-check = [\"cron\"] in a layer.toml\n",
    );
    assert_eq!(holders(&settled.host), Vec::<String>::new());
    // The same words in the clear are.
    settled.world.remove("global/secrets/etc/cron.d/backup");
    settled.world.write("global/overlay/etc/cron.d/backup", &format!("{MARKER} * * * * root true\n"));
    settled.commit();
    assert!(settled.run().stderr.contains(&format!("'{MARKER}' is no")));
}

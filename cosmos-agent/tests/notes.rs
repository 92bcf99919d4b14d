//! Notes of modules' programs in `status` and `fleet`.

mod support;

use std::fs;
use std::os::unix::fs::symlink;

use support::{NAME, Settled, put};

const NOTES: &str = "var/lib/cosmos/notes.d";

/// Returns a host with a module that has a file there.
fn with_a_module() -> Settled {
    let settled = Settled::new();
    settled.world.write("models/usb-backup/overlay/etc/phones", "one\n");
    settled.world.write(&format!("hosts/{NAME}/layer.toml"), "use = ['usb-backup']\n");
    settled.commit();
    assert_eq!(settled.run().status, 0);
    settled
}

/// Returns the lines of `status` about notes.
fn lines(settled: &Settled) -> Vec<String> {
    let ran = settled.world.on(&settled.host, &["status"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
    ran.stdout.lines().filter(|line| line.starts_with("note ")).map(str::to_owned).collect()
}

#[test]
fn a_note_is_shown_with_its_age_and_from_its_time_on_somebody_should_look() {
    let settled = with_a_module();
    assert_eq!(lines(&settled), Vec::<String>::new());
    let ago = |hours| (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(hours)).strftime("%FT%TZ").to_string();
    let (time, due) = (ago(75), ago(3));
    let backed_up =
        |due: &str| format!("{{\"format\":1,\"text\":\"last good backup\",\"time\":\"{time}\",\"due\":\"{due}\"}}\n");
    put(&settled.host, &format!("{NOTES}/usb-backup.A1"), &backed_up("2999-01-01"));
    put(&settled.host, &format!("{NOTES}/usb-backup.B2:5555"), &backed_up(&due));
    put(&settled.host, &format!("{NOTES}/usb-backup.C3"), "{\"format\":1,\"text\":\"plain\"}");
    let said = format!("last good backup {time}, 3 days ago");
    assert_eq!(
        lines(&settled),
        [
            format!("note      usb-backup A1: {said}"),
            format!("note      usb-backup B2:5555: {said}; somebody should look, since {due}"),
            "note      usb-backup C3: plain".to_owned(),
        ]
    );
    let note = &settled.status()["notes"][1];
    let expected = serde_json::json!({
        "of": "usb-backup", "about": "B2:5555", "text": "last good backup", "time": time, "due": due, "is_due": true,
    });
    assert_eq!(*note, expected);

    let folder = settled.world.path("collected");
    fs::create_dir(&folder).expect("a folder");
    fs::write(folder.join("a.json"), settled.world.on(&settled.host, &["status", "--json"]).stdout).expect("a file");
    let fleet = settled.world.cosmos(&["fleet", folder.to_str().expect("a path")]);
    let noted: Vec<&str> = fleet.stdout.lines().filter(|line| line.contains("noted")).collect();
    assert_eq!(noted, [format!("noted     {NAME}  usb-backup B2:5555: last good backup {time}")], "{fleet:?}");
}

#[test]
fn a_note_that_cannot_be_read_hides_no_other_and_reaches_no_terminal() {
    let settled = with_a_module();
    let write = |name: &str, text: &str| put(&settled.host, &format!("{NOTES}/{name}"), text);
    write("usb-backup.1", "{\"format\":1,\"text\":\"a\\u001b[2J\"}");
    write("usb-backup.2", &format!("{{\"format\":1,\"text\":\"{}\"}}", " ".repeat(5000)));
    write("usb-backup.3", "{\"format\":1,\"text\":\"good\"}");
    symlink("../host.key", settled.host.join(NOTES).join("usb-backup.4")).expect("a link");
    fs::create_dir(settled.host.join(NOTES).join("usb-backup.5")).expect("a folder");
    for other in [".usb-backup.6.new", "usb-backup", "nobody.7", "usb-backup.\u{1b}[2J"] {
        write(other, "{\"format\":1,\"text\":\"hidden\"}");
    }
    let shown = lines(&settled);
    let starts = [
        "1: what it left cannot be read: its text is not one line of 1 to 200 characters",
        "2: what it left cannot be read: cannot read 'var/lib/cosmos/notes.d/usb-backup.2': ",
        "3: good",
        "4: what it left cannot be read: cannot open 'var/lib/cosmos/notes.d/usb-backup.4': ",
        "5: what it left cannot be read: cannot read as a regular file 'var/lib/cosmos/notes.d/usb-backup.5': ",
    ];
    assert_eq!(shown.len(), starts.len(), "{shown:?}");
    for (line, start) in shown.iter().zip(starts) {
        assert!(line.starts_with(&format!("note      usb-backup {start}")), "{shown:?}");
    }
    assert_eq!(settled.status()["notes"][3]["is_due"], true);
}

#[test]
fn a_module_that_left_says_nothing_any_more() {
    let settled = with_a_module();
    put(&settled.host, &format!("{NOTES}/usb-backup.A1"), "{\"format\":1,\"text\":\"never backed up\"}");
    assert_eq!(lines(&settled).len(), 1);
    settled.world.write(&format!("hosts/{NAME}/layer.toml"), "use = []\n");
    settled.commit();
    assert_eq!(settled.run().status, 0);
    assert_eq!(lines(&settled), Vec::<String>::new());
}

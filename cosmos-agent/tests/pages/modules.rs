//! docs/modules.md, with what it says is printed.

use crate::reader::{Reader, commands, folder, read};

const PAGE: &str = include_str!("../../../docs/modules.md");

/// Returns what the page says is printed, block by block.
fn quoted() -> Vec<String> {
    let quotes = |line: &&str| line.starts_with("    ");
    let lines: Vec<&str> = PAGE.lines().collect();
    let blocks = lines.chunk_by(|one, other| quotes(one) == quotes(other)).filter(|block| quotes(&block[0]));
    blocks.map(|block| block.iter().map(|line| format!("{}\n", &line[4..])).collect()).collect()
}

#[test]
fn the_page_about_modules_works_as_it_stands() {
    let home = folder();
    let ran = Reader::new(home.path().to_owned()).shell("-eu", &commands(PAGE));
    let (printed, said) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{printed}\n{said}");
    assert!(printed.contains("+ etc/greeter.conf  ns1.example.org\n"), "{printed}");
    assert!(printed.contains("greeter.port = 8080  default\n"), "{printed}");
    let module = home.path().join("fleet/models/greeter");
    let lines = ["layer.toml", "templates/etc/greeter.conf"]
        .map(|file| read(&module.join(file)).lines().filter(|line| !line.is_empty()).count());
    assert_eq!(lines.iter().sum::<usize>(), 29, "{lines:?}: the page says how many");
    let quoted = quoted();
    assert!(quoted.contains(&said.to_string()), "the page says nothing about: {said}");
    quoted.iter().for_each(|text| assert!(*text == said || printed.contains(text), "not printed: {text}\n{printed}"));
}

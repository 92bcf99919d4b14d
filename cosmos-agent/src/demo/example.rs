//! The built-in example: the files of the project's folder `example/`, compiled in.

/// A file of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExampleFile<'a> {
    /// Where it lies in the repository.
    pub path: &'a str,
    /// Git's executable bit.
    pub executable: bool,
    /// What is in it.
    pub content: &'a str,
}

macro_rules! example {
    ($executable:literal, $path:literal) => {
        ExampleFile {
            path: $path,
            executable: $executable,
            content: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../example/", $path)),
        }
    };
}

/// Every file of the example.
pub const FILES: [ExampleFile<'static>; 7] = [
    example!(false, "README.md"),
    example!(false, "global/overlay/etc/motd"),
    example!(false, "global/overlay/etc/ssh/sshd_config.d/50-fleet.conf"),
    example!(true, "global/pre-tasks.d/010settled"),
    example!(true, "global/post-tasks.d/050changed"),
    example!(false, "hosts/web1.example.org/overlay/etc/issue"),
    example!(false, "hosts/web2.example.org/overlay/etc/issue"),
];

/// Returns the content of a file of the example.
///
/// # Panics
/// Panics when there is no such file, which a test of this list shows.
#[must_use]
pub fn content(path: &str) -> &'static str {
    FILES.iter().find(|file| file.path == path).expect("the path is one of FILES").content
}

//! nginx with git's http-backend over TLS, and sshd, when they are installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::port::{free_port, wait_until};
use crate::servers::{World, command};

/// Finds a program, or prints why the test is skipped.
pub fn found(name: &str) -> Option<PathBuf> {
    let folders = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"];
    let path = folders.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.exists());
    if path.is_none() {
        println!("skipped: {name} is not installed");
    }
    path
}

/// Where nginx listens and what proves that it is itself.
pub struct Tls {
    pub port: u16,
    pub ca: PathBuf,
}

impl World {
    /// Starts nginx and fcgiwrap: `/git/` speaks version 2, `/old/` does not, `/moved/` redirects, `/token/` wants one.
    pub fn nginx(&mut self) -> Option<Tls> {
        let (nginx, fcgiwrap) = (found("nginx")?, found("fcgiwrap")?);
        let openssl = found("openssl")?;
        let folder = self.folder.path().to_owned();
        let made = command(&folder, &openssl)
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Test"])
            .args(["-keyout", "tls.key", "-out", "tls.pem", "-addext", "subjectAltName=DNS:git.example.org"])
            .stderr(Stdio::null())
            .status();
        assert!(made.unwrap().success());
        let backend = Path::new(&self.git(&["--exec-path"])).join("git-http-backend");
        let port = free_port();
        let text = configuration(&folder, &backend, port);
        fs::write(folder.join("nginx.conf"), text).unwrap();
        let socket = folder.join("fcgi.sock");
        let listen = format!("unix:{}", socket.display());
        self.servers.push(command(&folder, &fcgiwrap).args(["-s", &listen]).stderr(Stdio::null()).spawn().unwrap());
        wait_until("fcgiwrap", || socket.exists());
        let mut started = command(&folder, &nginx);
        let started = started.args(["-e", "error.log", "-p"]).arg(&folder).args(["-c", "nginx.conf"]);
        self.keep(started.spawn().unwrap(), port);
        Some(Tls { port, ca: folder.join("tls.pem") })
    }

    /// Starts sshd for the user who runs the test and returns its port; `accept_env` lets version 2 through.
    pub fn sshd(&mut self, accept_env: bool) -> Option<u16> {
        let (sshd, keygen) = (found("sshd")?, found("ssh-keygen")?);
        let folder = self.folder.path().to_owned();
        for (kind, name) in [("ed25519", "host_key"), ("ecdsa", "host_key2"), ("ed25519", "id")] {
            let mut made = command(&folder, &keygen);
            assert!(made.args(["-q", "-t", kind, "-N", "", "-C", "", "-f", name]).status().unwrap().success());
        }
        fs::copy(folder.join("id.pub"), folder.join("authorized_keys")).unwrap();
        let port = free_port();
        let shown = folder.display();
        let accept = if accept_env { "AcceptEnv GIT_PROTOCOL" } else { "" };
        let text = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {shown}/host_key\nHostKey {shown}/host_key2\nUsePAM no\n\
             StrictModes no\nPermitRootLogin prohibit-password\nAuthorizedKeysFile {shown}/authorized_keys\n\
             PidFile none\n{accept}\nSetEnv GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0=*\n"
        );
        fs::write(folder.join("sshd_config"), text).unwrap();
        let mut started = command(&folder, &sshd);
        let started = started.args(["-D", "-e", "-f"]).arg(folder.join("sshd_config")).stderr(Stdio::null());
        if nix::unistd::geteuid().is_root() {
            fs::create_dir_all("/run/sshd").unwrap();
        }
        self.keep(started.spawn().unwrap(), port);
        Some(port)
    }
}

fn configuration(folder: &Path, backend: &Path, port: u16) -> String {
    let user = if nix::unistd::geteuid().is_root() { "user root;" } else { "" };
    let folder = folder.display();
    let backend = backend.display();
    let pass = format!(
        "fastcgi_pass unix:{folder}/fcgi.sock; fastcgi_param SCRIPT_FILENAME {backend};
         fastcgi_param GIT_PROJECT_ROOT {folder}; fastcgi_param GIT_HTTP_EXPORT_ALL 1;
         fastcgi_param GIT_CONFIG_COUNT 1; fastcgi_param GIT_CONFIG_KEY_0 safe.directory;
         fastcgi_param GIT_CONFIG_VALUE_0 *;
         fastcgi_param REQUEST_METHOD $request_method; fastcgi_param QUERY_STRING $query_string;
         fastcgi_param CONTENT_TYPE $content_type; fastcgi_param CONTENT_LENGTH $content_length;
         fastcgi_param REMOTE_ADDR $remote_addr; fastcgi_param PATH_INFO $1;"
    );
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {folder}/{name};\n"))
        .concat();
    format!(
        "daemon off; master_process off; {user} pid {folder}/nginx.pid; error_log {folder}/error.log; events {{}}
         http {{ access_log off; {temporary}
         server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {folder}/tls.pem; ssl_certificate_key {folder}/tls.key;
         location ~ ^/git(/.*)$ {{ {pass} }}
         location ~ ^/old(/.*)$ {{ {pass} fastcgi_param HTTP_GIT_PROTOCOL ''; }}
         location ~ ^/token(/.*)$ {{ if ($http_authorization != 'Bearer s3cret') {{ return 401; }} {pass} }}
         location ~ ^/moved(/.*)$ {{ return 302 https://git.example.org:{port}/git$1; }}
         location ~ ^/halfway/(.*)$ {{
           if ($content_length ~ '^[1-9][0-9][0-9]') {{ return 307 https://elsewhere.example.org/x; }}
           rewrite ^/halfway/(.*)$ /git/$1 last; }}
         }} }}"
    )
}

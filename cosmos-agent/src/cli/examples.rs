//! What the help of each command ends with: how it is typed. `tests/commands.rs` types each line.

/// Of `cosmos` itself.
pub const COSMOS: &str = "Examples:
  cosmos demo
  cosmos plan
  cosmos run -v
  cosmos status --json";

/// Of `clone`.
pub const CLONE: &str = "Examples:
  cosmos clone https://git.example.org/fleet.git --trust COMMIT:FINGERPRINT
  cosmos clone URL --trust COMMIT:FINGERPRINT --fqdn ns1.example.org --tags 'v*'";

/// Of `run`.
pub const RUN: &str = "Examples:
  cosmos run
  cosmos run --scheduled";

/// Of `update`.
pub const UPDATE: &str = "Examples:
  cosmos update
  cosmos update --bundle /media/stick/fleet.bundle";

/// Of `apply`.
pub const APPLY: &str = "Examples:
  cosmos apply -n
  cosmos apply";

/// Of `plan`.
pub const PLAN: &str = "Examples:
  cosmos plan
  cosmos plan --host ns1.example.org
  cosmos plan --all --since release-7";

/// Of `drift`.
pub const DRIFT: &str = "Examples:
  cosmos drift
  cosmos drift --json";

/// Of `status`.
pub const STATUS: &str = "Examples:
  cosmos status
  cosmos status --json";

/// Of `log`.
pub const LOG: &str = "Examples:
  cosmos log
  cosmos log /etc/motd";

/// Of `why`.
pub const WHY: &str = "Examples:
  cosmos why /etc/motd
  cosmos why etc/ssh/sshd_config --json";

/// Of `rollback`.
pub const ROLLBACK: &str = "What tasks did to packages, users and services is not undone; the tasks of the \
generation's own revision run as always.

Examples:
  cosmos rollback --list
  cosmos rollback -n
  cosmos rollback
  cosmos rollback 12";

/// Of `restore`.
pub const RESTORE: &str = "Examples:
  cosmos restore -n /etc/motd
  cosmos restore /etc/motd";

/// Of `hold`.
pub const HOLD: &str = "Examples:
  cosmos hold /etc/motd 'trying a shorter one, Kim' --until 2026-01-10T18:00:00Z
  cosmos hold
  cosmos hold --release /etc/motd";

/// Of `pause`.
pub const PAUSE: &str = "Examples:
  cosmos pause 'disk swap, ask Kim' --until 2026-01-10T18:00:00Z";

/// Of `verify`.
pub const VERIFY: &str = "Examples:
  cosmos verify
  cosmos verify release-8
  cosmos verify release-2..release-8 --json
  cosmos verify --repository .";

/// Of `facts`.
pub const FACTS: &str = "Examples:
  cosmos facts
  cosmos facts --json";

/// Of `daemon`.
pub const DAEMON: &str = "Examples:
  cosmos daemon
  cosmos daemon --schedule '0 4 * * *' --splay 1h";

/// Of `init`.
pub const INIT: &str = "Examples:
  cosmos init fleet/ --fleet home --signer operator.asc";

/// Of `trust init`.
pub const TRUST_INIT: &str = "Examples:
  cosmos trust init --signer ada.asc
  cosmos trust init fleet/ --mode tags --tags 'release-*' -v";

/// Of `signer`.
pub const SIGNER: &str = "Examples:
  cosmos signer list
  cosmos signer add kim.asc --right sign_commit --right sign_tag
  cosmos signer retire kim
  cosmos signer revoke FINGERPRINT --revocation kim.rev --good-until release-7";

/// Of `host`.
pub const HOST: &str = "Examples:
  cosmos host key
  cosmos host add ns1.example.org --key ns1.pub
  cosmos host list
  cosmos host retire ns1.example.org --why 'sold'";

/// Of `secret`.
pub const SECRET: &str = "Examples:
  cosmos secret edit global/secrets/etc/app/password
  cosmos secret show global/secrets/etc/app/password
  cosmos secret rekey";

/// Of `module`.
pub const MODULE: &str = "Examples:
  cosmos module list
  cosmos module show dns-resolver
  cosmos module new greeting
  cosmos module test greeting";

/// Of `params`.
pub const PARAMS: &str = "Examples:
  cosmos params ns1.example.org
  cosmos params ns1.example.org --json";

/// Of `lint`.
pub const LINT: &str = "Examples:
  cosmos lint
  cosmos lint --json";

/// Of `release`.
pub const RELEASE: &str = "Examples:
  cosmos release
  cosmos release --valid-until 2026-12-01
  cosmos release --ring early
  cosmos release --cosign release-8
  cosmos release --revert release-7";

/// Of `push`.
pub const PUSH: &str = "Examples:
  cosmos push ns1.example.org ns2.example.org
  cosmos push root@ns1.example.org --since release-7
  cosmos push kim@ns1.example.org --command 'sudo cosmos'";

/// Of `fleet`.
pub const FLEET: &str = "Examples:
  cosmos fleet collected/
  cosmos fleet ns1.json ns2.json --repository .";

/// Of `demo`.
pub const DEMO: &str = "Examples:
  cosmos demo
  cosmos demo /tmp/cosmos-demo";

/// Of `completions`.
pub const COMPLETIONS: &str = "Examples:
  cosmos completions bash";

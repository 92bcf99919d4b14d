//! The command line: what can be typed. What it does is in [`crate::phone`] and [`crate::zone`].

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::phone::serial::Serial;
use crate::units::{duration, size};
use crate::zone::signer::Signer;

/// What modules need besides the agent.
#[derive(Debug, Parser)]
#[command(name = "cosmos-tools", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Copies an Android phone into BASE-SERIAL/TIME, by rsync through adb
    #[command(
        name = "phone-backup",
        after_help = "Examples:\n  \
        cosmos-tools phone-backup 0123456789ABCDEF --base /srv/phone\n  \
        cosmos-tools phone-backup 0123456789ABCDEF --base /srv/phone --from /sdcard --marker /sdcard/DCIM --keep 30"
    )]
    Backup(Box<BackupOptions>),
    /// Says how old the last good backup of each phone is; exit status 6 when one is too old
    #[command(
        name = "phone-status",
        after_help = "Examples:\n  \
        cosmos-tools phone-status --base /srv/phone\n  \
        cosmos-tools phone-status --base /srv/phone 0123456789ABCDEF --warn-after 3d"
    )]
    Status(StatusOptions),
    /// Runs a command on a phone, as rsync asks for it
    #[command(name = "phone-shell", hide = true)]
    Shell(ShellOptions),
    /// Shows the keys of signed zones and what they wait for; exit status 6 when a zone needs somebody
    #[command(
        name = "zone-status",
        after_help = "Examples:\n  cosmos-tools zone-status\n  cosmos-tools zone-status --warn-within 7d"
    )]
    ZoneStatus(ZoneOptions),
    /// Writes down the DS records that the parents of signed zones should have, and tells OpenDNSSEC which they have
    #[command(
        name = "zone-follow",
        after_help = "Examples:\n  cosmos-tools zone-follow --ds-folder /var/lib/dnssec-signer --tell\n  \
        cosmos-tools zone-follow --ds-folder /var/lib/dnssec-signer --ds-command /usr/local/bin/hand-over"
    )]
    ZoneFollow(FollowOptions),
    /// Refuses that a zone is dropped while its parent says that it is signed
    #[command(
        name = "zone-leave",
        after_help = "Examples:\n  cosmos-tools zone-leave --known /var/lib/dnssec-signer/zones.list"
    )]
    ZoneLeave(LeaveOptions),
}

/// Which zones, and who knows of them.
#[derive(Debug, Clone, Args)]
pub struct ZoneOptions {
    /// Who signs; if it is not said, the one whose list of zones is on this host
    #[arg(long, value_name = "NAME")]
    pub signer: Option<Signer>,
    /// The list of zones, a line each: zone, file, name server, those that take it over, each behind '>', and name
    /// servers of the parent; the signer's own if not given
    #[arg(long, value_name = "FILE")]
    pub zones: Option<PathBuf>,
    /// The program that talks to OpenDNSSEC's enforcer
    #[arg(long, value_name = "FILE", default_value = "/usr/sbin/ods-enforcer")]
    pub enforcer: PathBuf,
    /// The program that knows Knot's keys
    #[arg(long, value_name = "FILE", default_value = "/usr/sbin/keymgr")]
    pub keymgr: PathBuf,
    /// The program that asks name servers
    #[arg(long, value_name = "FILE", default_value = "/usr/bin/drill")]
    pub drill: PathBuf,
    /// As whom these programs run, who has a group of the same name; takes root [default: whoever runs this]
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Signatures that end within this time need somebody
    #[arg(long, value_name = "TIME", default_value = "3d", value_parser = duration)]
    pub warn_within: Duration,
    /// How long before it a note tells of the next change of a key that the parent vouches for
    #[arg(long, value_name = "TIME", default_value = "14d", value_parser = duration)]
    pub notice: Duration,
    /// How long Knot uses such a key, which it does not say itself
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub ksk_lifetime: Option<Duration>,
}

/// Options of `zone-follow`.
#[derive(Debug, Args)]
pub struct FollowOptions {
    /// Which zones.
    #[command(flatten)]
    pub zone: ZoneOptions,
    /// DS records go to DIR/ZONE.ds
    #[arg(long, value_name = "DIR")]
    pub ds_folder: PathBuf,
    /// Tell OpenDNSSEC's enforcer when every name server of the parent has a key's DS record, or has it no more
    #[arg(long)]
    pub tell: bool,
    /// A program that hands keys to the parent: it reads the DNSKEY records of all that the parent should vouch for,
    /// each time these change
    #[arg(long, value_name = "FILE")]
    pub ds_command: Option<PathBuf>,
    /// Write the notes PREFIX.ZONE for 'cosmos status', and remove those of other zones
    #[arg(long, value_name = "PREFIX")]
    pub note: Option<PathBuf>,
}

/// Options of `zone-leave`.
#[derive(Debug, Args)]
pub struct LeaveOptions {
    /// The list of zones as it will be; the signer's own if not given
    #[arg(long, value_name = "FILE")]
    pub zones: Option<PathBuf>,
    /// No zone stays
    #[arg(long, conflicts_with = "zones")]
    pub all: bool,
    /// The list of zones as it was
    #[arg(long, value_name = "FILE")]
    pub known: PathBuf,
    /// The program that asks name servers
    #[arg(long, value_name = "FILE", default_value = "/usr/bin/drill")]
    pub drill: PathBuf,
}

/// How a phone is reached.
#[derive(Debug, Clone, Args)]
pub struct PhoneOptions {
    /// The adb program
    #[arg(long, value_name = "FILE", default_value = "/usr/bin/adb")]
    pub adb: PathBuf,
    /// Become root by 'su -c' where adb on the phone is not root
    #[arg(long)]
    pub su: bool,
}

/// Options of `phone-backup`.
#[derive(Debug, Args)]
pub struct BackupOptions {
    /// The phone's serial number, as 'adb devices' prints it
    pub serial: Serial,
    /// Backups go to BASE-SERIAL, a folder that must be there already
    #[arg(long, value_name = "BASE")]
    pub base: PathBuf,
    /// How the phone is reached.
    #[command(flatten)]
    pub phone: PhoneOptions,
    /// What to copy from the phone; may be given several times
    #[arg(long, value_name = "PATH", default_value = "/", value_parser = absolute)]
    pub from: Vec<String>,
    /// What not to copy, a pattern of rsync; /proc, /sys and /dev never are
    #[arg(long, value_name = "PATTERN")]
    pub exclude: Vec<String>,
    /// A path that an unlocked phone has; without it nothing is copied
    #[arg(long, value_name = "PATH", value_parser = absolute)]
    pub marker: Vec<String>,
    /// A copy with fewer files is not a good one
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub minimum: u64,
    /// How many files of the last good backup may be missing [default: a tenth of them, but at least 20]
    #[arg(long, value_name = "N")]
    pub max_delete: Option<u64>,
    /// A copy in which some files could not be read is good all the same (rsync's exit code 23)
    #[arg(long)]
    pub allow_unreadable: bool,
    /// Keep only the newest N backups
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub keep: Option<u32>,
    /// Begin only while so much is free where the backup goes
    #[arg(long, value_name = "SIZE", default_value = "1G", value_parser = size)]
    pub keep_free: u64,
    /// How long to wait for the phone to allow adb
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = duration)]
    pub wait: Duration,
    /// How long the phone may be silent during the copy
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
    pub silence: Duration,
    /// The rsync program on this computer
    #[arg(long, value_name = "FILE", default_value = "/usr/bin/rsync")]
    pub rsync: PathBuf,
    /// One more option for rsync, as in --rsync-option=--bwlimit=2m; may be given several times
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
    pub rsync_option: Vec<String>,
    /// The rsync program on the phone; where there is none, 'adb pull' copies the folders named by --from
    #[arg(long, value_name = "FILE", default_value = "rsync")]
    pub phone_rsync: String,
    /// A folder for node_exporter: the time of the last good backup goes to phone-backup-SERIAL.prom
    #[arg(long, value_name = "DIR")]
    pub textfile: Option<PathBuf>,
    /// From this age on the backup is too old: for --note and --textfile
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = duration)]
    pub warn_after: Duration,
    /// The note PREFIX.SERIAL tells 'cosmos status' of the last good backup
    #[arg(long, value_name = "PREFIX")]
    pub note: Option<PathBuf>,
}

/// Options of `phone-status`.
#[derive(Debug, Args)]
pub struct StatusOptions {
    /// Backups are in BASE-SERIAL
    #[arg(long, value_name = "BASE")]
    pub base: PathBuf,
    /// From this age on a backup is too old
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = duration)]
    pub warn_after: Duration,
    /// Write the notes PREFIX.SERIAL of these phones for 'cosmos status', and remove those of others
    #[arg(long, value_name = "PREFIX")]
    pub note: Option<PathBuf>,
    /// The phones to look at [default: every BASE-SERIAL]
    pub serials: Vec<Serial>,
}

/// Options of `phone-shell`.
#[derive(Debug, Args)]
pub struct ShellOptions {
    /// The phone's serial number
    #[arg(long)]
    pub serial: Serial,
    /// How the phone is reached.
    #[command(flatten)]
    pub phone: PhoneOptions,
    /// The name rsync calls the host by, then the command, quoted for a shell as rsync does
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    pub words: Vec<String>,
}

/// An absolute path on the phone, without a slash at its end.
fn absolute(text: &str) -> Result<String, String> {
    let odd = text.split('/').any(|part| part == "..") || text.chars().any(char::is_control);
    if !text.starts_with('/') || odd {
        return Err("give an absolute path on the phone, without '..'".into());
    }
    let short = text.trim_end_matches('/');
    Ok(if short.is_empty() { "/".into() } else { short.into() })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent_and_its_examples_parse() {
        let command = Cli::command();
        command.clone().debug_assert();
        for part in command.get_subcommands() {
            let Some(help) = part.get_after_help() else { continue };
            for line in help.to_string().lines().skip(1) {
                Cli::try_parse_from(line.split_whitespace()).expect(line);
            }
        }
    }

    #[test]
    fn a_path_on_the_phone_is_absolute_and_does_not_climb() {
        assert_eq!(absolute("/sdcard/"), Ok("/sdcard".into()));
        assert_eq!(absolute("//"), Ok("/".into()));
        for bad in ["sdcard", "", "/sdcard/../data", "/a\nb"] {
            assert!(absolute(bad).is_err(), "{bad:?}");
        }
    }
}

#!/bin/bash
# What was compiled is put on a host by one command: programs, pages, completions, and the timer of unattended runs.
. "$(dirname "$0")/../lib/all.sh"

signer alice ed25519
fleet_new tags alice
echo one | put hosts/new.example.org/overlay/etc/motd
release v-1 alice

check 'a machine is up' machine_up new
root=$(root_of new)
mkdir -p "$root/srv/cosmos/target/release"
cp -a "$PROJECT/build" "$PROJECT/overlay" "$PROJECT/post-tasks.d" "$root/srv/cosmos/"
exits 'nothing is installed that was not compiled' 1 in_machine new /srv/cosmos/build install
said 'which is said' '^error: cosmos is not compiled$'
said 'with what to do' '^hint: ./build binary$'
install -m 0755 "$COSMOS" "$TOOLS" "$root/srv/cosmos/target/release/"
rm -f "$root/usr/bin/cosmos"
exits 'a user cannot do it' 1 in_machine new setpriv --reuid=nobody --clear-groups /srv/cosmos/build install
said 'and is told how' '^hint: sudo ./build install, or DESTDIR=DIR ./build install$'

check 'one command installs it' in_machine new /srv/cosmos/build install
same 'both programs are there' "$("$COSMOS" --version)" "$(in_machine new cosmos --version)"
check 'and the tools' in_machine new cosmos-tools --version
check 'with pages' test -s "$root/usr/share/man/man1/cosmos.1" -a -s "$root/usr/share/man/man1/cosmos-run.1"
check 'and completions' in_machine new bash -c '. /usr/share/bash-completion/completions/cosmos && complete -p cosmos'
same 'the timer runs, and will after a boot' 'active enabled' \
    "$(in_machine new sh -c 'systemctl is-active cosmos.timer; systemctl is-enabled cosmos.timer' | paste -sd' ')"
check 'the fetching process has a user' in_machine new getent passwd cosmos-fetch
check 'a run without settings does nothing' in_machine new systemctl start cosmos.service
same 'and is no failure' '' "$(in_machine new systemctl --failed --plain --no-legend)"

check 'git daemon is up' serve_git new
check 'the host is told whom to believe' in_machine new cosmos clone git://git.test/fleet.git \
    --trust "$(introduction alice)" --fqdn new.example.org --tags 'v-*'
check 'its unit makes it so' in_machine new systemctl start cosmos.service
same 'by itself' one "$(cat "$root/etc/motd")"

echo 'splay = "1m"' >> "$root/etc/cosmos/agent.toml"
in_machine new systemctl disable --quiet --now cosmos.timer
check 'installing a later version' in_machine new /srv/cosmos/build install
check 'leaves the settings' grep -q '^splay = "1m"$' "$root/etc/cosmos/agent.toml"
same 'and a timer that was switched off' disabled "$(in_machine new systemctl is-enabled cosmos.timer)"

check 'a package is filled' env DESTDIR="$WORK/package" sh "$root/srv/cosmos/build" install
same 'with the same files' "$(cd "$root" && find usr/lib/systemd/system/cosmos.* usr/bin/cosmos* usr/share/man/man1/cosmos* | sort)" \
    "$(cd "$WORK/package" && find usr/lib/systemd usr/bin/cosmos* usr/share/man -type f | sort)"

#!/bin/bash
# The commands of docs/first-file.md, typed as they stand there, put one file on a running host in under two minutes.
. "$(dirname "$0")/../lib/all.sh"

# The page's operator and host are one machine: gpg, git and the agent on it. It stands in for what a person brings:
# the right to use sudo (root is there already), and an empty passphrase where gpg asks.
check 'a machine is up' machine_up first "$(base_root "$CLASSIC_PACKAGES")"
root=$(root_of first)
printf '#!/bin/sh\nexec "$@"\n' | install -D -m 0755 /dev/stdin "$root/usr/local/bin/sudo"
mkdir "$root/root/.gnupg" && chmod 0700 "$root/root/.gnupg"
printf '%s\n' batch 'pinentry-mode loopback' 'passphrase-file /dev/null' > "$root/root/.gnupg/gpg.conf"

{
    echo 'set -eu; cd'
    awk '$1 == "```sh" { on = 1; next } /^```/ { on = 0 } on' "$PROJECT/docs/first-file.md"
} > "$root/root/page.sh"
began=$SECONDS
check 'every command of the page works' in_machine first bash /root/page.sh
check 'in under two minutes' test $((SECONDS - began)) -lt 120
same 'the file is there, as last changed' 'This host is kept by Cosmos. Questions? Ask Ada.' "$(cat "$root/etc/motd")"

# What the page invites to: an attacker's commit.
exits 'a commit without a signature is refused' 3 in_machine first sh -c \
    'cd /root/fleet && echo evil > overlay/etc/motd && git commit --quiet --all -m evil && cosmos run'
same 'and the host stays as it was' 'This host is kept by Cosmos. Questions? Ask Ada.' "$(cat "$root/etc/motd")"

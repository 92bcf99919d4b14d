#!/bin/bash
# A host of Cosmos 1.5 with its settings, keyring, clone and tags goes on unchanged; the faults of 1.5 are attacked.
. "$(dirname "$0")/../lib/all.sh"

KEYS=global/overlay/etc/cosmos/keys

# A repository in the habit of the original: host, shared and global layers, keys in the global overlay.
for operator in alice:rsa3072 bob:ed25519; do signer "${operator%:*}" "${operator#*:}"; done
mkdir -p "$SERVED"
git init --quiet --bare "$PUBLISHED" && touch "$PUBLISHED/git-daemon-export-ok"
git init --quiet "$FLEET" && git -C "$FLEET" remote add origin "$PUBLISHED"
for operator in alice bob; do certificate "$operator" | put "$KEYS/$operator.pub"; done
put "$KEYS/empty.pub" < /dev/null
echo 'of the host' | put classic.example.org/overlay/etc/motd
echo 'of all' | put global/overlay/etc/motd
echo 'shared' | put 'web-common/overlay/srv/a name with blanks'
echo 'dash' | put web-common/overlay/srv/-dash
echo 'åäö' | put web-common/overlay/srv/räksmörgås
echo '#!/bin/sh' | put global/post-tasks.d/050shadowed 0755
echo 'exit 1' >> "$FLEET/global/post-tasks.d/050shadowed"
echo '#!/bin/sh' | put classic.example.org/post-tasks.d/050shadowed 0644
# The habit of keeping the keyring equal to the keys folder, by a task that talks to gpg.
put global/post-tasks.d/015keys 0755 << 'TASK'
#!/bin/sh
for key in /etc/cosmos/keys/*.pub; do [ ! -s "$key" ] || cosmos gpg --import < "$key" 2> /dev/null || exit 1; done
TASK
# Modes that git cannot carry, set in the model before it is copied.
put global/pre-tasks.d/010modes 0755 << 'TASK'
#!/bin/sh
[ "$PWD" = "$COSMOS_MODEL" ] || exit 1
chmod 0600 overlay/root/.ssh/authorized_keys
echo "made on $(hostname)" > overlay/etc/made
TASK
# What a task may rely on: its arguments, its environment, the standard tools' settings.
put global/post-tasks.d/020environment 0755 << 'TASK'
#!/bin/sh
{ echo "arguments $#"; env; } > /root/environment
chmod 0640 /etc/made
TASK
echo 'ssh-ed25519 AAAA' | put global/overlay/root/.ssh/authorized_keys
echo 'old' | put global/delete/etc/unwanted
# Paths that the original damaged: a symlinked /lib, /root, /tmp, /etc/ssl/private.
echo 'x' | put global/overlay/lib/firmware-note
echo 'x' | put global/overlay/tmp/note
echo 'x' | put global/overlay/etc/ssl/private/note
release test-ops-2026-01-01-v98 alice

check 'a machine is up' machine_up classic "$(base_root "$CLASSIC_PACKAGES")"
root=$(root_of classic)
check 'git daemon is up' serve_git classic

# The host as its administrator set it up years ago, by the original's own means.
mkdir -p "$root/etc/cosmos/gnupg" "$root/var/cache/cosmos" "$root/etc/ssl/private"
chmod 0700 "$root/etc/cosmos/gnupg" && chmod 0710 "$root/etc/ssl/private"
cat > "$root/etc/cosmos/cosmos.conf" << 'CONF'
# Where the repository's layers are; the first one wins.
COSMOS_REPO_MODELS="$COSMOS_REPO/classic.example.org/:$COSMOS_REPO/web-common/:$COSMOS_REPO/global/"
#COSMOS_UPDATE_VERIFY_GIT_TAG_PATTERN="eduid-cosmos*"
COSMOS_UPDATE_VERIFY_GIT_TAG_PATTERN="test-ops-*"
export COSMOS_WORD='own'
CONF
certificate alice > "$root/root/alice.pub"
in_machine classic gpg --quiet --batch --homedir /etc/cosmos/gnupg --import /root/alice.pub
in_machine classic git clone --quiet git://git.test/fleet.git /var/cache/cosmos/repo
echo 'unwanted' > "$root/etc/unwanted"
modes() { in_machine classic stat -c '%n %F %a' /lib /root /tmp /etc/ssl/private; }
before=$(modes)

update() { in_machine classic cosmos update; }
apply() { in_machine classic cosmos apply; }
both() { in_machine classic sh -c 'cosmos update && cosmos apply'; }
motd() { cat "$root/etc/motd"; }

check 'update and apply work' both
quiet 'and say nothing'
same 'C3: the host layer wins' 'of the host' "$(motd)"
same 'C3: odd names arrive' '-dash a name with blanks räksmörgås' \
    "$(find "$root/srv" -mindepth 1 -printf '%f\n' | LC_ALL=C sort | paste -sd' ')"
same 'C5: what a pre-task made arrives' "made on classic" "$(cat "$root/etc/made")"
same 'C5: with the modes it set' '600' "$(stat -c %a "$root/root/.ssh/authorized_keys")"
same 'C4: tasks get the settings, and no arguments' 'arguments 0
COSMOS_CONF_DIR=/etc/cosmos
COSMOS_MODEL=/var/cache/cosmos/model
COSMOS_REPO=/var/cache/cosmos/repo
COSMOS_UPDATE_VERIFY_GIT_TAG_PATTERN=test-ops-*
COSMOS_WORD=own
HOME=/root' "$(grep -E '^(arguments|HOME|COSMOS_(CONF_DIR|MODEL|REPO|UPDATE_VERIFY_GIT_TAG_PATTERN|WORD))[= ]' \
    "$root/root/environment" | LC_ALL=C sort -f)"
same 'C11: a mode that a task sets stays' 640 "$(stat -c %a "$root/etc/made")"
same 'C6: the keys task filled the keyring' "$(printf '%s\n' "$(fingerprint alice)" "$(fingerprint bob)" | sort)" \
    "$(in_machine classic cosmos gpg --with-colons --list-keys | awk -F: '/^pub/ { p = 1 } /^fpr/ && p { print $10; p = 0 }' | sort)"
check 'C8: delete/ deletes' test ! -e "$root/etc/unwanted"
same 'fault 5: links, modes and sticky bits stay as they were' "$before" "$(modes)"
same 'C2: the clone still knows its remote' git://git.test/fleet.git \
    "$(in_machine classic git -C /var/cache/cosmos/repo remote get-url origin)"
same 'C2: and shows the accepted revision' "$(revision)" \
    "$(in_machine classic git -C /var/cache/cosmos/repo rev-parse HEAD)"
check 'a second time too' both
quiet 'and says nothing either'
exits 'C11: nor is it drift' 0 in_machine classic cosmos drift

echo 'newer' | put classic.example.org/overlay/etc/motd
release test-ops-2026-01-01-v99 bob
check 'a release by a key from the keys folder is taken' both
same 'and applied' newer "$(motd)"

# Fault 3: numbers are numbers, and a force-push heals.
echo 'hundred' | put classic.example.org/overlay/etc/motd
release test-ops-2026-01-01-v100 alice
check 'fault 3: v100 comes after v99' both
same 'and is applied' hundred "$(motd)"
git -C "$FLEET" commit --quiet --amend -m 'written again' && git -C "$FLEET" push --quiet --force origin HEAD:main
exits 'fault 3: a force-pushed branch does not break update' 0 update

# Fault 1: an old signed tag object under a new, higher name.
git -C "$PUBLISHED" update-ref refs/tags/test-ops-2026-12-31-v01 \
    "$(git -C "$PUBLISHED" rev-parse refs/tags/test-ops-2026-01-01-v98)"
both > "$WORK/said" 2>&1
same 'fault 1: a replayed release takes nobody back' hundred "$(motd)"
said 'fault 1: and is named' 'test-ops-2026-12-31-v01'
git -C "$PUBLISHED" update-ref -d refs/tags/test-ops-2026-12-31-v01

# Fault 2: nothing of a refused revision, and nothing that merely lies around, is applied.
git -C "$FLEET" reset --quiet --hard test-ops-2026-01-01-v100
echo 'evil' | put global/overlay/etc/evil
echo 'evil' | put classic.example.org/overlay/etc/motd
git -C "$FLEET" add --all && git -C "$FLEET" commit --quiet -m evil
git -C "$FLEET" tag -a -m 'not signed' test-ops-2026-12-31-v02
git -C "$FLEET" push --quiet --force origin HEAD:main test-ops-2026-12-31-v02
exits 'fault 2: an unsigned release is refused' 1 update
check 'fault 2: nothing of it lies in the clone' test ! -e "$root/var/cache/cosmos/repo/global/overlay/etc/evil"
mkdir -p "$root/var/cache/cosmos/repo/global/overlay/etc" 
echo 'stray' > "$root/var/cache/cosmos/repo/global/overlay/etc/stray"
apply > "$WORK/said" 2>&1
check 'fault 2: a stray file in the clone is not applied' test ! -e "$root/etc/stray" -a ! -e "$root/etc/evil"
same 'fault 2: the host is as it was' hundred "$(motd)"
rm -f "$root/var/cache/cosmos/repo/global/overlay/etc/stray"

# Fault 4: a gpg and a git that say yes, by every way in; and a setting left empty.
mkdir -p "$root/root/bin"
printf '#!/bin/sh\ntouch /root/fake-was-run\necho "[GNUPG:] GOODSIG 0 x"; echo "[GNUPG:] VALIDSIG 0"\nexit 0\n' > "$root/root/bin/gpg"
cp "$root/root/bin/gpg" "$root/root/bin/git" && chmod 0755 "$root"/root/bin/*
printf '[gpg]\nprogram = /root/bin/gpg\n' > "$root/root/.gitconfig"
hostile() {
    in_machine classic env PATH=/root/bin:/usr/bin:/bin GNUPGHOME=/root GIT_CONFIG_COUNT=1 \
        GIT_CONFIG_KEY_0=gpg.program GIT_CONFIG_VALUE_0=/root/bin/gpg GIT_DIR=/root COSMOS_UPDATE_VERIFY= \
        /usr/bin/cosmos "$@"
}
exits 'fault 4: a hostile environment changes no verdict' 1 hostile update
echo 'COSMOS_UPDATE_VERIFY=""' >> "$root/etc/cosmos/cosmos.conf"
exits 'fault 4: an empty setting turns nothing off' 1 update
check 'fault 4: no fake was run' test ! -e "$root/root/fake-was-run"
same 'fault 4: the host is as it was' hundred "$(motd)"
sed -i '$d' "$root/etc/cosmos/cosmos.conf" && rm -rf "$root/root/bin" "$root/root/.gitconfig"
git -C "$PUBLISHED" update-ref -d refs/tags/test-ops-2026-12-31-v02

# Fault 6: a key removed from the folder is out, by one edit; a file that left the overlay stays unless asked.
git -C "$FLEET" reset --quiet --hard test-ops-2026-01-01-v100
git -C "$FLEET" rm --quiet "$KEYS/bob.pub" 'web-common/overlay/srv/-dash'
release test-ops-2026-02-01-v01 alice
check 'bob is retired' both
check 'C8: a file that left the overlay is kept' test -e "$root/srv/-dash"
echo 'by bob' | put classic.example.org/overlay/etc/motd
release test-ops-2026-02-01-v02 bob
exits 'fault 6: a retired key signs nothing more, although the keyring still has it' 1 update
same 'and nothing was applied' hundred "$(motd)"

# C7: hosts that trust nobody who could sign any more are rescued by hand, through the keyring.
signer carol nistp256
echo 'by carol' | put classic.example.org/overlay/etc/motd
release test-ops-2026-02-01-v03 carol
exits "C7: a stranger's release is refused" 1 update
certificate carol > "$root/root/carol.pub"
check 'C7: the administrator imports her key' in_machine classic cosmos gpg --import /root/carol.pub
check 'C7: which counts as the operators word' both
same 'C7: and the release is applied' 'by carol' "$(motd)"

exits 'C9: an unknown command exits 1' 1 in_machine classic cosmos no-such-command
exits 'C9: no command exits 0' 0 in_machine classic cosmos
put_script() { install -D -m 0755 /dev/stdin "$root/etc/cosmos/greet.d/10hello"; }
printf '#!/bin/sh\necho "hello $1"\n' | put_script
check 'C10: a folder of scripts is a command' in_machine classic cosmos greet world

#!/bin/bash
# Wrong settings, a hung server, a full disk, a held lock, tasks that misbehave: each has its words and exit status.
. "$(dirname "$0")/../lib/all.sh"

signer alice ed25519
signer mallory ed25519
fleet_new tags alice
echo one | put hosts/h.example.org/overlay/etc/motd
release v-1 alice
trusted=$(introduction alice)

check 'a bare root is made' bare_up h
root=$(root_of h)
check 'git daemon is up' serve_git h
cosmos() { in_bare h cosmos "$@"; }
clone() { cosmos clone git://git.test/fleet.git --tags 'v-*' --fqdn h.example.org "$@"; }

# two_lines WORDS: errors are two lines, what is wrong and what to try.
two_lines() { said "$1: says what is wrong" '^error: ' && said "$1: says what to try" '^hint: '; }

exits 'run without settings is a settings error' 2 cosmos run
two_lines 'run without settings'
exits 'clone without an introduction is refused' 2 clone
two_lines 'clone without an introduction'
check 'nothing was written by it' test ! -e "$root/etc/cosmos/trust.toml"
check 'clone with an introduction works' clone --trust "$trusted"
check 'run converges' cosmos run
exits 'a second clone is refused' 2 clone --trust "$trusted"
two_lines 'a second clone'

settings=$root/etc/cosmos/trust.toml
cp -a "$settings" "$WORK/trust.toml"
echo 'colour = "red"' > "$settings.head" && cat "$WORK/trust.toml" >> "$settings.head" && mv "$settings.head" "$settings"
chmod 0600 "$settings"
exits 'an unknown key is a settings error' 2 cosmos run
said 'that names file, line and key' 'trust\.toml.*1.*colour|trust\.toml:1.*colour'
cp -a "$WORK/trust.toml" "$settings"
sed -i 's/^format = 1/format = 9/' "$settings"
exits 'a format from the future is a settings error' 2 cosmos run
cp -a "$WORK/trust.toml" "$settings"
chmod 0666 "$settings"
exits 'settings that anybody may write are refused' 2 cosmos run
cp -a "$WORK/trust.toml" "$settings"

# The server takes connections and says nothing: the accepted revision stays enforced, and it does not take for ever.
mkdir -p "$root/etc/cosmos/agent.d"
printf 'format = 1\n[limits]\nlook = "2s"\nfetch = "4s"\n' > "$root/etc/cosmos/agent.d/limits.toml"
echo two | put hosts/h.example.org/overlay/etc/motd
release v-2 alice
hang_server "$GIT_DAEMON"
began=$SECONDS
echo foreign > "$root/etc/motd"
exits 'a hung server is no failed run' 0 cosmos run
check 'it is given up within its limit' test $((SECONDS - began)) -le 10
same 'drift is repaired from the accepted revision' one "$(cat "$root/etc/motd")"
exits 'update alone says that it failed' 1 cosmos update
two_lines 'a hung server'
wake_server "$GIT_DAEMON"
check 'when it answers again the change arrives' eventually 10 cosmos run
same 'with the next run' two "$(cat "$root/etc/motd")"

# The lock.
mkdir -p "$root/run/cosmos"
exec 8> "$root/run/cosmos/lock" && flock 8
exits 'a second run is told that one is under way' 4 cosmos run
two_lines 'a held lock'
exits 'status needs no lock' 0 cosmos status
flock --unlock 8 && exec 8>&-

# A full disk: no half file, no leftover, and the next run with room finishes.
mkdir -p "$root/srv/small"
mount -t tmpfs -o size=256k tmpfs "$root/srv/small" && at_exit umount "$root/srv/small"
head -c 100000 /dev/zero | tr '\0' a | put hosts/h.example.org/overlay/srv/small/1
head -c 200000 /dev/zero | tr '\0' b | put hosts/h.example.org/overlay/srv/small/2
release v-3 alice
exits 'a full disk is a failed run' 1 cosmos run
said 'that names the path' "srv/small"
two_lines 'a full disk'
same 'no temporary file is left' '' "$(find "$root/srv/small" -name '.cosmos-*')"
same 'each file is whole or not there' '' \
    "$(find "$root/srv/small" -type f ! \( -name 1 -size 100000c \) ! \( -name 2 -size 200000c \))"
mount -o remount,size=1m "$root/srv/small"
check 'with room the next run finishes' cosmos run --retry
same 'and both files are there' '100000 200000' "$(stat -c %s "$root"/srv/small/* | paste -sd' ')"

# Tasks that misbehave.
printf '#!/bin/sh\necho the reason >&2\nexit 7\n' | put hosts/h.example.org/post-tasks.d/010fails 0755
release v-4 alice
exits 'a failing task is a failed run' 1 cosmos run
said 'named' '010fails'
said 'with what it said' 'the reason'
# A child that stays in the background keeps the task's output open.
printf '#!/bin/sh\n(exec /bin/sh -c "read x < /srv/fifo") &\nexit 0\n' | put hosts/h.example.org/post-tasks.d/010fails 0755
rm -f "$root/srv/fifo" && mkfifo "$root/srv/fifo"
release v-5 alice
began=$SECONDS
# What the child reads from ends after a minute, so that a run which waits for it fails here and does not hang.
sleep 60 7<> "$root/srv/fifo" &
holder=$!
at_exit ends "$holder"
check 'a task with a child in the background ends well' cosmos run --retry
check 'and does not hold the run' test $((SECONDS - began)) -lt 30
ends "$holder"
printf '#!/bin/sh\ni=0\nwhile [ $i -lt 60000 ]; do echo "a line of output that nobody reads, number $i"; i=$((i + 1)); done\n' |
    put hosts/h.example.org/post-tasks.d/010fails 0755
release v-6 alice
check 'megabytes of output are no problem' cosmos run
check 'and are bounded in the log' test "$(stat -c %s "$root/var/lib/cosmos/log.jsonl")" -lt 1000000
git -C "$FLEET" rm --quiet -rf hosts/h.example.org/post-tasks.d

# The repository.
git -C "$FLEET" mv hosts/h.example.org hosts/other.example.org
release v-7 alice
exits 'a repository without this host is an error' 1 cosmos run
said 'that names the host' 'h\.example\.org'
same 'and the host stays as it was' two "$(cat "$root/etc/motd")"
git -C "$FLEET" mv hosts/other.example.org hosts/h.example.org
printf 'use = ["circle"]\n' | put hosts/h.example.org/layer.toml
printf 'use = ["circle"]\n' | put models/circle/layer.toml
release v-8 alice
exits 'a layer that uses itself is an error' 1 cosmos run
said 'that names it' 'circle'
printf 'use = ["nowhere"]\n[files."etc/x"]\ncolor = "red"\n' | put hosts/h.example.org/layer.toml
release v-9 alice
exits 'layer files are checked' 1 cosmos run
said 'for unknown keys, with the line' 'layer\.toml.*color|layer\.toml:3'
git -C "$FLEET" rm --quiet -rf models
printf '' | put hosts/h.example.org/layer.toml
echo three | put hosts/h.example.org/overlay/etc/motd
release v-91 mallory
exits "a stranger's release is refused" 3 cosmos run
said 'with who signed' "$(fingerprint mallory)"
exits 'a refusal is repeated' 3 cosmos run
git -C "$FLEET" push --quiet --delete origin v-91 && git -C "$FLEET" tag --delete v-91 > /dev/null
release v-92 alice
check 'a good release ends all this' cosmos run
same 'and is applied' three "$(cat "$root/etc/motd")"

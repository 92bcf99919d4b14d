#!/bin/bash
# A bad release is taken back by hand, also when that is killed; an edit is held; what was there before comes back.
. "$(dirname "$0")/../lib/all.sh"

signer alice ed25519
fleet_new tags alice
echo one | put hosts/back.example.org/overlay/etc/page.text
echo 'welcome' | put hosts/back.example.org/overlay/etc/motd
put hosts/back.example.org/overlay/etc/systemd/system/page.service << 'UNIT'
[Unit]
Description=one text
[Service]
ExecStart=/bin/sleep infinity
ExecReload=/bin/cp /etc/page.text /run/page.reloaded
UNIT
put hosts/back.example.org/layer.toml << 'LAYER'
[[service]]
name = "page"
reload = ["etc/page.text"]
enabled = true
LAYER
release v-1 alice

check 'a machine is up' machine_up back
check 'git daemon is up' serve_git back
root=$(root_of back)
host() { in_machine back "$@"; }
echo 'as it was found' > "$root/etc/motd"
check 'clone takes the introduction' host cosmos clone git://git.test/fleet.git \
    --trust "$(introduction alice)" --fqdn back.example.org --tags 'v-*'
check 'the first run converges' host cosmos run
echo two | put hosts/back.example.org/overlay/etc/page.text
echo more | put hosts/back.example.org/overlay/etc/page.more
release v-2 alice
check 'the next release arrives' host cosmos run
same 'the service read it' two "$(host cat /run/page.reloaded)"

check 'the generations are listed' host cosmos rollback --list
said 'with their releases' 'v-1'
check 'a dry run shows the way back' host cosmos rollback -n
said 'what changes' '^~ etc/page\.text'
said 'what goes' '^- etc/page\.more'
same 'and changes nothing' two "$(cat "$root/etc/page.text")"

# What is at the two paths, and nothing in between.
state() { echo "$(cat "$root/etc/page.text") $(cat "$root/etc/page.more" 2> /dev/null)"; }
kills=0 odd=
for number in 1 2 3 4 5 6; do
    host strace -f -qq -o /dev/null -e inject=renameat,renameat2:signal=KILL:when="$number" cosmos rollback \
        > /dev/null 2>&1 && break
    kills=$((kills + 1))
    case $(state) in 'two more' | 'one more' | 'one ' | 'two ') ;; *) odd+="$(state);" ;; esac
done
check "killed at $kills renames of a rollback, each file is old or new" test "$kills" -ge 3 -a -z "$odd"
check 'asked once more, it ends' host cosmos rollback 1
same 'where it was asked to' 'one ' "$(state)"
same 'the service read that' one "$(host cat /run/page.reloaded)"
check 'a run leaves it there' host cosmos run
same 'as long as nothing is new' 'one ' "$(state)"
check 'status says so' host cosmos status
said 'loudly' 'ROLLBACK'
check 'resume ends it' host cosmos resume
check 'and the next run goes forth' host cosmos run
same 'to what is released' 'two more' "$(state)"

check 'why names' host cosmos why /etc/page.text
said 'the layer' 'hosts/back\.example\.org'
said 'the signer' "$(fingerprint alice | tail -c 17)|alice"
check 'the log of one path' host cosmos log /etc/page.text
said 'knows the way back' 'rollback'

echo 'edited at night' > "$root/etc/motd"
check 'an edit is held' host cosmos hold /etc/motd 'ask Kim in the morning'
check 'a run leaves it alone' host cosmos run
same 'as it was edited' 'edited at night' "$(cat "$root/etc/motd")"
check 'status shows it' host cosmos status
said 'with the reason' 'ask Kim in the morning'
check 'the hold is taken off' host cosmos hold --release /etc/motd
check 'a run repairs' host cosmos run
same 'what was edited' welcome "$(cat "$root/etc/motd")"

exits 'what is still managed is not restored' 1 host cosmos restore /etc/motd
git -C "$FLEET" rm --quiet hosts/back.example.org/overlay/etc/motd
release v-3 alice
check 'a path that was there before us leaves the model' host cosmos run
same 'and stays' welcome "$(cat "$root/etc/motd")"
check 'until it is restored' host cosmos restore /etc/motd
same 'as it was found' 'as it was found' "$(cat "$root/etc/motd")"

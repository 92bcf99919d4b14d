#!/bin/bash
# A layer's own probe is tried again, then takes back that layer's paths only; an sshd that stops answering comes back.
. "$(dirname "$0")/../lib/all.sh"

signer alice ed25519
fleet_new tags alice
echo 'use = ["page", "beside"]' | put hosts/probes.example.org/layer.toml
echo good | put models/page/overlay/etc/page.text
echo one | put models/page/overlay/etc/page.style
echo one | put models/beside/overlay/etc/beside
# Each try is noted, and the first two of a run fail.
put models/page/overlay/usr/local/bin/page-answers 0755 << 'PROBE'
#!/bin/sh
echo x >> /run/page.tries
[ "$(wc -l < /run/page.tries)" -gt 2 ] && grep -q good /etc/page.text
PROBE
put models/page/layer.toml << 'LAYER'
[[probe]]
name = "page"
run = ["/usr/local/bin/page-answers"]
when = ["etc/page.*"]
within = "4s"
LAYER
release v-1 alice

base=$(base_root "$MACHINE_PACKAGES,openssh-server,sudo,nftables")
check 'a machine is up' machine_up probes "$base"
check 'git daemon is up' serve_git probes
host() { in_machine probes "$@"; }
tries() { host wc -l /run/page.tries | cut -d' ' -f1; }
number=1
next() { number=$((number + 1)) && release "v-$number" alice "${1:-}"; }
check 'clone takes the introduction' host cosmos clone git://git.test/fleet.git \
    --trust "$(introduction alice)" --fqdn probes.example.org --tags 'v-*'
check 'a probe that fails twice and then answers is enough' host cosmos run
same 'it was tried three times' 3 "$(tries)"

echo bad | put models/page/overlay/etc/page.text
echo two | put models/page/overlay/etc/page.style
echo two | put models/beside/overlay/etc/beside
host rm /run/page.tries
next
exits 'a probe that goes on failing ends the run' 1 host cosmos run
said 'which names it and its layer' "error: probe 'page' of layer 'models/page' failed: exit status 1; etc/page.style, etc/page.text went back to generation 1"
same 'after more than one try' yes "$([ "$(tries)" -gt 1 ] && echo yes)"
same 'the layer is what it was' 'good one' "$(host cat /etc/page.text /etc/page.style | tr '\n' ' ' | sed 's/ $//')"
same 'and no other layer went back' two "$(host cat /etc/beside)"
check 'status' host cosmos status
said 'tells of it' '^ROLLBACK +2 paths are those of generation 1'
host rm /run/page.tries
check 'the next run' host cosmos run
check 'and a scheduled one' host cosmos run --scheduled
same 'try the revision no more' no "$(host test -e /run/page.tries && echo yes || echo no)"
same 'and leave what went back' good "$(host cat /etc/page.text)"
exits 'who asks for it tries it again' 1 host cosmos run --retry
said 'with the same end' 'etc/page.style, etc/page.text went back to generation 1'
echo 'still good' | put models/page/overlay/etc/page.text
next
check 'a newer revision' host cosmos run
same 'is tried by itself' 'still good two' "$(host cat /etc/page.text /etc/page.style | tr '\n' ' ' | sed 's/ $//')"

# More bad releases in a row than generations are kept: the last good one is kept besides.
host sh -c 'mkdir -p /etc/cosmos/agent.d && printf "format = 1\ngenerations = 2\n" > /etc/cosmos/agent.d/10-few.toml'
for bad in first second third; do
    echo "$bad" | put models/page/overlay/etc/page.text
    next
    exits "the $bad bad release ends the run" 1 host cosmos run
    said 'and goes back to the last good one' 'etc/page.text went back to generation 3$'
done
check 'the list of generations' host cosmos rollback --list
same 'has it beside the newest' '3 5 6' "$(grep -oE '^[* ] +[0-9]+' "$WORK/said" | tr -dc '0-9\n' | paste -sd' ')"
host rm /etc/cosmos/agent.d/10-few.toml
echo 'still good' | put models/page/overlay/etc/page.text
next
check 'a good one is taken' host cosmos run

# Killed at each rename in turn, on the way there and back: whichever run comes to the probe takes the layer back.
echo 'use = ["page", "beside", "quick"]' | put hosts/probes.example.org/layer.toml
echo good | put models/quick/overlay/etc/quick
printf '[[probe]]\nname = "quick"\nrun = ["/bin/grep", "-q", "good", "/etc/quick"]\nwhen = ["etc/quick"]\nwithin = "1s"\n' |
    put models/quick/layer.toml
next
check 'a layer with a quick probe' host cosmos run
echo bad | put models/quick/overlay/etc/quick
echo three | put models/beside/overlay/etc/beside
next
check 'its bad release is fetched' host cosmos update
killed=0
for at in $(seq 20); do
    host strace -f -qq -o /dev/null -e trace=rename,renameat,renameat2 \
        -e "inject=rename,renameat,renameat2:signal=KILL:when=$at" cosmos apply > "$WORK/killed" 2>&1
    [ $? = 137 ] || break
    killed=$at
done
same 'there were kill points' yes "$([ "$killed" -gt 3 ] && echo yes)"
host cosmos apply > /dev/null 2>&1
check "$killed killed runs later, the next run ends well" host cosmos run
same 'the layer went back' good "$(host cat /etc/quick)"
same 'and no other did' three "$(host cat /etc/beside)"
check 'nothing is left to do' host cosmos plan
same 'but to say that it went back' '! back: 1 path is that of generation' \
    "$(sed 's/ generation .*/ generation/' "$WORK/said")"
echo 'good again' | put models/quick/overlay/etc/quick
next
check 'a newer revision is tried' host cosmos run
same 'and stays' 'good again' "$(host cat /etc/quick)"

# A service that does not start with its new settings: its layer's probe is made all the same, and no other layer's.
printf '[Service]\nExecStartPre=/bin/grep -q good /etc/kept.text\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n' |
    put models/kept/overlay/etc/systemd/system/kept.service
echo good | put models/kept/overlay/etc/kept.text
cat > "$WORK/probe" << 'LAYER'
[[probe]]
name = "kept"
run = ["/bin/systemctl", "is-active", "--quiet", "kept"]
when = ["etc/kept.text"]
within = "2s"
LAYER
{ printf '[[service]]\nname = "kept"\nrestart = ["etc/kept.text"]\nenabled = true\n' && cat "$WORK/probe"; } | put models/kept/layer.toml
printf '[[probe]]\nname = "other"\nrun = ["/bin/touch", "/run/other-probe"]\nwhen = ["etc/beside"]\n' | put models/beside/layer.toml
echo 'use = ["page", "beside", "quick", "kept"]' | put hosts/probes.example.org/layer.toml
next
check 'a layer with a service and a probe of it' host cosmos run
same 'runs' active "$(host systemctl is-active kept)"
host rm -f /run/other-probe
echo bad | put models/kept/overlay/etc/kept.text
echo four | put models/beside/overlay/etc/beside
next
exits 'a service that does not start again ends the run' 1 host cosmos run
said 'which says so, and what its probe found' "cannot restart kept: exit status 1; probe 'kept' of layer 'models/kept' failed"
said 'and that its layer went back' 'etc/kept.text went back to generation'
same 'the service runs as before' 'active good' "$(host systemctl is-active kept) $(host cat /etc/kept.text)"
same 'the rest of the release stays' four "$(host cat /etc/beside)"
same 'what another layer asks of its own files was not asked too early' no "$(host test -e /run/other-probe && echo yes || echo no)"
check 'the next run ends well' host cosmos run
check 'and asks it, since those files stay' host test -e /run/other-probe
check 'the service still runs' host systemctl is-active kept
echo good | put models/kept/overlay/etc/kept.text

# sshd -t finds nothing wrong with an address that this host does not have, and sshd cannot live with it.
answers_ssh() { in_network probes bash -c 'read -t 5 -r banner < /dev/tcp/127.0.0.1/22 && [[ $banner == SSH-* ]]'; }
for way in reload restart; do
    printf '[[service]]\nname = "ssh"\n%s = ["etc/ssh/**"]\n' "$way" | put layer.toml
    next
    check "sshd is told of changes: $way" host cosmos run
    check 'it answers' answers_ssh
    echo 'ListenAddress 192.0.2.1' | put overlay/etc/ssh/sshd_config.d/listen.conf
    echo "$way" | put overlay/etc/motd
    next
    exits "an sshd that stops answering by its $way ends the run" 1 host cosmos run
    said 'which says what was lost' 'the default probe failed: sshd does not answer on this host any more'
    said 'and what went back' 'etc/ssh/sshd_config.d/listen.conf went back to generation'
    same 'the file is gone' no "$(host test -e /etc/ssh/sshd_config.d/listen.conf && echo yes || echo no)"
    check 'sshd answers again' eventually 5 answers_ssh
    same 'the rest of the release stays' "$way" "$(host cat /etc/motd)"
    check 'the next run has nothing to do' host cosmos run
    check 'and sshd still answers' answers_ssh
    git -C "$FLEET" rm --quiet --force -- overlay/etc/ssh/sshd_config.d/listen.conf
done

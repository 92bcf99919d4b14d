#!/bin/bash
# A host converges over git://, https, ssh and from a path; releases by four kinds of gpg keys; then it does nothing.
. "$(dirname "$0")/../lib/all.sh"

for operator in alice:rsa3072 bob:ed25519 carol:nistp256 dave:subkey; do
    signer "${operator%:*}" "${operator#*:}"
done
fleet_new tags alice bob carol dave
for way in git https ssh path; do echo 'use = ["web"]' | put "hosts/$way.example.org/layer.toml"; done

# The layer that all hosts use: a package comes, its text comes, its service is started with the text.
put models/web/pre-tasks.d/010package 0755 << 'TASK'
#!/bin/sh
[ -e /usr/sbin/page ] || { apt-get -qq update && apt-get -qq install page > /dev/null 2>&1; }
TASK
put models/web/post-tasks.d/010restart 0755 << 'TASK'
#!/bin/sh
cmp -s /etc/page.text /run/page.text && exit
systemctl restart page && cp /etc/page.text /run/page.text
TASK
echo 'first text' | put models/web/overlay/etc/page.text
release v-1 alice
trusted=$(introduction alice)
for later in 2:bob 3:carol 4:dave; do
    echo "text $later" | put models/web/overlay/etc/page.text
    release "v-${later%:*}" "${later#*:}"
done

# prepare WAY: sets ADDRESS and OPTIONS, and puts what they name onto the machine.
prepare() {
    local root
    root=$(root_of "$1")
    OPTIONS=()
    case $1 in
        git) serve_git git && ADDRESS=git://git.test/fleet.git ;;
        https)
            serve_https https && cp "$WORK/tls/ca.pem" "$root/root/" && ADDRESS=https://git.test/fleet.git
            OPTIONS=(--ca-file /root/ca.pem)
            ;;
        ssh)
            serve_ssh ssh && cp "$WORK/ssh/id" "$WORK/ssh/known_hosts" "$root/root/"
            ADDRESS=ssh://root@git.test$SERVED/fleet.git
            OPTIONS=(--ssh-key /root/id --known-hosts /root/known_hosts)
            ;;
        path) cp -a "$PUBLISHED" "$root/srv/fleet.git" && chmod 0700 "$root/srv/fleet.git" && ADDRESS=/srv/fleet.git ;;
    esac
}

# listing NAME: everything on a machine that a run might touch, with times.
listing() { in_machine "$1" find /etc /usr /srv /root /opt -xdev -printf '%p %y %m %u %g %s %T@ %C@ %l\n' | sort; }

for way in git https ssh path; do
    check "[$way] a machine is up" machine_up "$way"
    package_repository "$way" alice
    check "[$way] its server is up" prepare "$way"
    # The first machine's fetching process stays root without capabilities, the others' becomes a user of its own.
    LAYERS='"files","ports","signals","calls"'
    if [ "$way" != git ]; then
        check "[$way] it has the fetching process's user" in_machine "$way" useradd --system --user-group cosmos-fetch
        LAYERS="\"user\",$LAYERS"
    fi
    check "[$way] clone takes the introduction" in_machine "$way" cosmos clone "$ADDRESS" \
        --trust "$trusted" --fqdn "$way.example.org" --tags 'v-*' "${OPTIONS[@]}"
    check "[$way] the first run converges" in_machine "$way" cosmos run
    same "[$way] the package is installed" 'install ok installed' \
        "$(in_machine "$way" dpkg-query -W -f '${Status}' page)"
    same "[$way] the newest release's file is there" 'text 4:dave' "$(in_machine "$way" cat /etc/page.text)"
    eventually 5 answers "$way" 8080
    same "[$way] the restarted service serves it" 'text 4:dave' "$(page "$way")"

    before=$(listing "$way")
    check "[$way] a second run ends well" traced /var/tmp/trace in_machine "$way" cosmos run
    quiet "[$way] a second run says nothing"
    same "[$way] a second run changes nothing" "$before" "$(listing "$way")"
    same "[$way] a second run executes its two tasks and forks at most one process" 'execs 2 forks few' \
        "$(family "$(root_of "$way")/var/tmp/trace" | awk '/^execs/ { printf "%s ", $0 }
            /^forks/ { print "forks", ($2 <= 1 ? "few" : $2) }')"
    check "[$way] drift finds none" in_machine "$way" cosmos drift
    check "[$way] status prints a document" in_machine "$way" cosmos status --json
    said "[$way] status names the accepted commit" "$(revision)"
    check "[$way] status names what its fetching process gave up" in_machine "$way" \
        sh -c "cosmos status --json | tr -d ' \n' | grep -F '\"sandbox\":[$LAYERS]'"
done

# A change arrives where the machine stays up: the first one's server is still running.
echo 'changed text' | put models/web/overlay/etc/page.text
release v-5 bob
check 'plan after update shows the change' in_machine git sh -c 'cosmos update && cosmos plan'
said 'as a diff' '^ *\+changed text'
check 'a run applies the change' in_machine git cosmos run
eventually 5 answers git 8080
same 'the service serves the changed text' 'changed text' "$(page git)"
check 'log names the path' in_machine git cosmos log /etc/page.text
said 'and who signed' "bob|$(fingerprint bob)"

echo 'foreign' > "$(root_of git)/etc/page.text"
exits 'a foreign edit is drift' 5 in_machine git cosmos drift
said 'that names the path' 'etc/page.text'
check 'a run repairs it' in_machine git cosmos run
same 'the text is back' 'changed text' "$(in_machine git cat /etc/page.text)"

# Nobody's commit: the branch and a tag of the right name, without a signature.
echo 'evil' | put models/web/overlay/etc/page.text
commit 'not signed' && git -C "$FLEET" tag v-6 && git -C "$FLEET" push --quiet origin v-6
exits 'an unsigned release is refused' 3 in_machine git cosmos run
same 'and touches nothing' 'changed text' "$(in_machine git cat /etc/page.text)"
